"""The build of the widgets' bundles when chromalab is installed from source, as pyproject.toml asks for it."""

from __future__ import annotations

import shutil


def build(target_name: str, version: str, **options: str) -> None:
    """Run the npm build; without npm, end the installation with one sentence instead of a traceback."""
    if shutil.which("npm") is None:
        raise SystemExit(
            "Installing chromalab from its source needs npm, which builds the widgets: install Node.js "
            "(https://nodejs.org) and run it again."
        )
    from hatch_jupyter_builder import npm_builder

    npm_builder(target_name, version, **options)
