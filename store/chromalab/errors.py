"""Every error chromalab raises on purpose: one base, names as in Chroma where Chroma has one.

Each is also an instance of the fitting builtin (`ValueError`, `KeyError`, ...), and IPython shows
it as a single line, because the message already says what was wrong and what to do.
"""

from __future__ import annotations

import difflib
import reprlib
import sys
import warnings
from collections.abc import Iterable
from typing import Any, ClassVar

__all__ = [
    "AuthorizationError",
    "BatchSizeExceededError",
    "ChromaAuthError",
    "ChromaError",
    "ChromalabError",
    "ChromalabWarning",
    "ClientClosedError",
    "DuplicateIDError",
    "EmbeddingFunctionError",
    "IDAlreadyExistsError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidArgumentTypeError",
    "InvalidDimensionException",
    "InvalidHTTPVersion",
    "InvalidUUIDError",
    "MissingDependencyError",
    "ModelNotAvailableError",
    "NotAFolderError",
    "NotFoundError",
    "QuotaError",
    "RateLimitError",
    "StoreBusyError",
    "StoreGoneError",
    "StoreNotWritableError",
    "UniqueConstraintError",
    "VersionMismatchError",
    "error_types",
    "near",
    "notice",
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
    """Base of every error that chromalab raises on purpose.

    Example:
        >>> NotFoundError.name(), NotFoundError("No collection 'a'.").code()
        ('NotFoundError', 404)
    """

    _name: ClassVar[str] = "ChromaError"
    _code: ClassVar[int] = 400

    @classmethod
    def name(cls) -> str:
        """Return Chroma's name for the error, as its server sends it."""
        return cls._name

    @classmethod
    def code(cls) -> int:
        """Return the HTTP status that goes with the error in Chroma."""
        return cls._code

    def message(self) -> str:
        """Return the sentence."""
        return str(self)

    def __str__(self) -> str:
        return printable(str(self.args[0])) if self.args else ""

    def _render_traceback_(self) -> list[str]:
        """Show one line in IPython; the reply is still an error, so Run All stops."""
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


ChromaError = ChromalabError
"""Chroma's name for the base, so that `except ChromaError` goes on working."""


class ChromalabWarning(UserWarning):
    """Something works in another way than asked for; what the message says can be done about it."""


def notice(message: str) -> None:
    """Warn, and name the line outside of chromalab that led here."""
    level, frame = 3, sys._getframe(1).f_back
    while frame is not None and frame.f_globals.get("__name__", "").startswith("chromalab"):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, ChromalabWarning, stacklevel=level)


class InvalidArgumentError(ChromalabError, ValueError):
    """An argument has a value that cannot be used; nothing was written."""

    _name = "InvalidArgument"


class InvalidArgumentTypeError(ChromalabError, TypeError):
    """An argument has a type that cannot be used; nothing was written."""

    _name = "InvalidArgument"


class InvalidDimensionException(InvalidArgumentError):
    """An embedding has another dimension than the collection."""

    _name = "InvalidDimension"


class DuplicateIDError(InvalidArgumentError):
    """One call names the same id twice."""

    _name = "DuplicateID"


class BatchSizeExceededError(InvalidArgumentError):
    """One call carries more records than `get_max_batch_size()`."""

    _name = "BatchSizeExceededError"
    _code = 413


class InvalidUUIDError(InvalidArgumentError):
    """What was given as the id of a collection is no UUID."""

    _name = "InvalidUUID"


class IDAlreadyExistsError(InvalidArgumentError):
    """An id is there already; Chroma's name, which `add` never raises: it leaves the record alone."""

    _name = "IDAlreadyExists"
    _code = 409


class EmbeddingFunctionError(InvalidArgumentError):
    """An embedding function is missing, unknown, or another than the collection's."""


class NotFoundError(ChromalabError, KeyError):
    """A collection, tenant or database of that name does not exist."""

    _name = "NotFoundError"
    _code = 404


class UniqueConstraintError(ChromalabError, ValueError):
    """A collection, tenant or database of that name exists already."""

    _name = "UniqueConstraintError"
    _code = 409


class VersionMismatchError(ChromalabError, RuntimeError):
    """The store was written by a newer chromalab, or by another program."""

    _name = "VersionMismatchError"
    _code = 500


class InternalError(ChromalabError, RuntimeError):
    """The store is damaged, or does something it never should."""

    _name = "InternalError"
    _code = 500


class AuthorizationError(ChromalabError, PermissionError):
    """This client, or this user, may not do that."""

    _name = "AuthorizationError"
    _code = 401


class ChromaAuthError(ChromalabError, PermissionError):
    """A server does not know the credentials."""

    _name = "AuthError"
    _code = 403


class RateLimitError(ChromalabError, RuntimeError):
    """A server was asked too often."""

    _name = "RateLimitError"
    _code = 429


class QuotaError(ChromalabError, RuntimeError):
    """A server keeps no more for this user."""

    _name = "QuotaError"


class InvalidHTTPVersion(ChromalabError, RuntimeError):
    """A server speaks another version of HTTP."""

    _name = "InvalidHTTPVersion"


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


class MissingDependencyError(ChromalabError, ImportError):  # type: ignore[misc]  # its name
    """An optional package is not installed."""


class ModelNotAvailableError(ChromalabError, RuntimeError):
    """The weights of a model are on no source that answers."""


error_types: dict[str, type[ChromalabError]] = {
    "InvalidArgumentError": InvalidArgumentError,
    "ChromaError": ChromalabError,
    **{
        error.name(): error
        for error in (
            InvalidDimensionException,
            InvalidUUIDError,
            InvalidHTTPVersion,
            IDAlreadyExistsError,
            DuplicateIDError,
            ChromaAuthError,
            AuthorizationError,
            NotFoundError,
            UniqueConstraintError,
            BatchSizeExceededError,
            VersionMismatchError,
            InternalError,
            RateLimitError,
            QuotaError,
        )
    },
}
"""Chroma's names of errors -> classes, as its servers and its client use them."""
