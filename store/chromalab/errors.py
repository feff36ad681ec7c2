"""Every error chromalab raises on purpose: one base, names as in Chroma where Chroma has one.

Each is also an instance of the fitting builtin (`ValueError`, `KeyError`, ...), and IPython shows
it as a single line, because the message already says what was wrong and what to do.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any

__all__ = [
    "BatchSizeExceededError",
    "ChromaError",
    "ChromalabError",
    "ClientClosedError",
    "DuplicateIDError",
    "EmbeddingFunctionError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidArgumentTypeError",
    "InvalidDimensionException",
    "MissingDependencyError",
    "ModelNotAvailableError",
    "NotAFolderError",
    "NotFoundError",
    "StoreBusyError",
    "StoreGoneError",
    "StoreNotWritableError",
    "UniqueConstraintError",
    "VersionMismatchError",
    "near",
    "printable",
    "short",
]


def printable(text: str) -> str:
    r"""Put a space for each character that is not shown but acts: newlines, escapes, bidi marks.

    Example:
        >>> printable("red \x1b[31m")
        'red  [31m'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


class _Short(reprlib.Repr):
    """Python's short repr, which never walks the whole of a value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxlong = self.maxother = 80

    repr_bytes = repr_bytearray = reprlib.Repr.repr_str

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 1000:  # Python refuses to write out more than 4,300 digits
            return f"<a whole number of {x.bit_length():,} bits>"
        return super().repr_int(x, level)


_SHORT = _Short()


def short(value: Any, limit: int = 80) -> str:
    """Show a value in a message: its repr, cut to `limit` characters without writing it all out.

    Example:
        >>> short({"n": list(range(1000))})
        "{'n': [0, 1, 2, 3, 4, 5, ...]}"
    """
    text = _SHORT.repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def near(name: str, known: Iterable[str], *, what: str = "Known", limit: int = 8) -> str:
    """Say which known names are near `name`, then list them.

    Example:
        >>> near("paper", ["papers", "notes"], what="Collections")
        "Did you mean 'papers'? Collections: notes, papers"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    guess = f"Did you mean {close[0]!r}? " if close else ""
    if not names:
        return f"{guess}{what}: none yet"
    shown = printable(", ".join(names[:limit]))
    more = f" ... {limit} of {len(names)} shown" if len(names) > limit else ""
    return f"{guess}{what}: {shown}{more}"


class ChromalabError(Exception):
    """Base of every error that chromalab raises on purpose."""

    def __str__(self) -> str:
        return printable(str(self.args[0])) if self.args else ""

    def _render_traceback_(self) -> list[str]:
        """Show one line in IPython; the reply is still an error, so Run All stops."""
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


ChromaError = ChromalabError
"""Chroma's name for the base, so that `except ChromaError` goes on working."""


class InvalidArgumentError(ChromalabError, ValueError):
    """An argument has a value that cannot be used; nothing was written."""


class InvalidArgumentTypeError(ChromalabError, TypeError):
    """An argument has a type that cannot be used; nothing was written."""


class InvalidDimensionException(InvalidArgumentError):
    """An embedding has another dimension than the collection."""


class DuplicateIDError(InvalidArgumentError):
    """One call names the same id twice."""


class BatchSizeExceededError(InvalidArgumentError):
    """One call carries more records than `get_max_batch_size()`."""


class EmbeddingFunctionError(InvalidArgumentError):
    """An embedding function is missing, unknown, or another than the collection's."""


class NotFoundError(ChromalabError, KeyError):
    """A collection, tenant or database of that name does not exist."""


class UniqueConstraintError(ChromalabError, ValueError):
    """A collection of that name exists already."""


class VersionMismatchError(ChromalabError, RuntimeError):
    """The store was written by a newer chromalab, or by another program."""


class InternalError(ChromalabError, RuntimeError):
    """The store is damaged, or does something it never should."""


class ClientClosedError(ChromalabError, RuntimeError):
    """The client was closed."""


class StoreBusyError(ChromalabError, TimeoutError):
    """Another process has been writing for longer than the wait."""


class StoreGoneError(ChromalabError, FileNotFoundError):
    """The folder of a store was deleted or replaced under an open client."""


class NotAFolderError(ChromalabError, NotADirectoryError):
    """The path of a store is a file."""


class StoreNotWritableError(ChromalabError, PermissionError):
    """The folder of a store cannot be written."""


class MissingDependencyError(ChromalabError, ImportError):
    """An optional package is not installed."""


class ModelNotAvailableError(ChromalabError, RuntimeError):
    """The weights of a model are on no source that answers."""
