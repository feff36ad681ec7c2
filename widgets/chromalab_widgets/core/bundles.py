"""The JavaScript and CSS of each widget, which npm builds into `static/`."""

from __future__ import annotations

from pathlib import Path

from chromalab.errors import ChromalabError

__all__ = ["MissingBundleError", "bundle"]

_STATIC = Path(__file__).parents[1] / "static"


class MissingBundleError(ChromalabError, FileNotFoundError):
    """The TypeScript of a widget has not been built."""


def bundle(name: str, *, folder: Path = _STATIC) -> Path:
    """Return the path of a built file, such as `search_panel.js`.

    Args:
        name: The name of the file.
        folder: The folder that the build writes to.

    Returns:
        The path of the file, which exists.

    Raises:
        MissingBundleError: The file does not exist, for example in a checkout that was never built.
    """
    path = folder / name
    if not path.is_file():
        raise MissingBundleError(
            f"The widget file {folder.name}/{name} is missing. Run `npm run build` in the checkout."
        )
    return path
