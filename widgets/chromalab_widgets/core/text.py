"""Text as the widgets display it: shortened values, and errors as one line."""

from __future__ import annotations

from chromalab.errors import ChromalabError

__all__ = ["cut", "sentence"]


def cut(text: str, length: int) -> str:
    """Shorten a text to at most `length` characters and mark it as shortened with an ellipsis."""
    return text if len(text) <= length else text[:length].rstrip() + " …"


def sentence(error: BaseException) -> str:
    """Format an error as one line; the class name is added where the message is not chromalab's."""
    if isinstance(error, ChromalabError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
