"""The browser's half of each widget, built by npm into `static/`."""

from __future__ import annotations

from pathlib import Path

from chromalab.errors import ChromalabError

__all__ = ["MissingBundleError", "bundle"]

_STATIC = Path(__file__).parent / "static"


class MissingBundleError(ChromalabError, FileNotFoundError):
    """The TypeScript of a widget has not been built."""


def bundle(name: str, *, folder: Path = _STATIC) -> Path:
    """Find a built file, such as `searcher.js`.

    Args:
        name: The file's name.
        folder: Where the build puts its files.

    Returns:
        The path of the file, which exists.

    Raises:
        MissingBundleError: The file is not there, as in a checkout that was never built.
    """
    path = folder / name
    if not path.is_file():
        raise MissingBundleError(
            f"The widget's {folder.name}/{name} is missing: run `npm run build` in the checkout"
        )
    return path
