"""The exceptions that chromalab raises, with one base class and Chroma's names where Chroma has one.

Each is also a subclass of the matching built-in exception (`ValueError`, `KeyError`, ...). IPython
shows it on a single line, because the message already says what is wrong and what to do about it. Once a
program has loaded chromadb, errors are also instances of chromadb's class of the same name, because an
`except` clause asks for true subclasses.
"""

from __future__ import annotations

import difflib
import functools
import reprlib
import sys
import warnings
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, cast

if TYPE_CHECKING:
    from typing_extensions import Self

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
    "already_exists",
    "error_types",
    "near",
    "not_found",
    "notice",
    "printable",
    "short",
    "wording",
]


def printable(text: str) -> str:
    r"""Replace each non-printable character with a space: newlines, escapes, bidirectional marks.

    Example:
        >>> printable("red \x1b[31m")
        'red  [31m'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


class _Short(reprlib.Repr):
    """Python's abbreviated repr, which never traverses a whole value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxlong = self.maxother = 80

    repr_bytes = repr_bytearray = reprlib.Repr.repr_str

    def repr_instance(self, x: Any, level: int) -> str:
        shape = getattr(x, "shape", None)
        if isinstance(shape, tuple) and len(shape) > 1:  # a table, of which only corners would fit
            return f"{type(x).__name__} of shape {shape}"
        return super().repr_instance(x, level)

    def repr_function(self, x: Any, level: int) -> str:
        return f"<function {x.__name__}>"  # without its address, which says nothing

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 1000:  # Python refuses to convert more than 4,300 digits
            return f"<an integer of {x.bit_length():,} bits>"
        return super().repr_int(x, level)


_SHORT = _Short()


def short(value: Any, limit: int = 80) -> str:
    """Return the repr of a value for a message, on one line and cut to `limit` characters.

    The full repr is never built, so values of any size and depth are cheap to show.

    Example:
        >>> short({"n": list(range(1000))})
        "{'n': [0, 1, 2, 3, 4, 5, ...]}"
        >>> short(near)
        '<function near>'
    """
    text = printable(_SHORT.repr(value))
    return text if len(text) <= limit else text[: limit - 3] + "..."


def near(name: str, known: Iterable[str], *, what: str = "Known", limit: int = 8) -> str:
    """Suggest the known name closest to `name`, then list the known names, as sentences.

    Example:
        >>> near("paper", ["papers", "notes"], what="Collections")
        "Did you mean 'papers'? Collections: notes, papers."
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    guess = f"Did you mean {close[0]!r}? " if close else ""
    if not names:
        return f"{guess}{what}: none yet."
    shown = printable(", ".join(names[:limit]))
    more = f" ... {limit} of {len(names)} shown" if len(names) > limit else ""
    return f"{guess}{what}: {shown}{more}."


class ChromalabError(Exception):
    """The base class of all exceptions that chromalab raises deliberately.

    Example:
        >>> NotFoundError.name(), NotFoundError("Collection 'a' does not exist.").code()
        ('NotFoundError', 404)
    """

    _name: ClassVar[str] = "ChromaError"
    _code: ClassVar[int] = 400

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Create the error; of both families, if chromadb is loaded."""
        theirs = sys.modules.get("chromadb.errors")
        made: type[Self] = cls if theirs is None else _of_both(cast(Any, cls), theirs)
        return super().__new__(made, *args, **kwargs)

    def __reduce__(self) -> Any:
        made, *state = cast("tuple[Any, ...]", super().__reduce__())
        return vars(made).get("_own", made), *state

    @classmethod
    def name(cls) -> str:
        """Return Chroma's name of the error, as its server sends it."""
        return cls._name

    @classmethod
    def code(cls) -> int:
        """Return the HTTP status code of the error in Chroma."""
        return cls._code

    def message(self) -> str:
        """Return the message, without control characters."""
        return str(self)

    def __str__(self) -> str:
        return printable(str(self.args[0])) if self.args else ""

    def _render_traceback_(self) -> list[str]:
        """Render one line in IPython; the cell still fails, so Run All stops."""
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


ChromaError = ChromalabError
"""Chroma's name of the base class, so that `except ChromaError` keeps working."""


@functools.cache
def _of_both(ours: Any, module: ModuleType) -> Any:
    """A subclass of our class and of the nearest of its namesakes in `chromadb.errors`."""
    root = getattr(module, "ChromaError", None)
    if not isinstance(root, type) or issubclass(ours, root):
        return ours
    names = (getattr(base, "__name__", "") for base in ours.__mro__)
    known = (getattr(module, name, None) for name in names)
    theirs = next((c for c in known if isinstance(c, type) and issubclass(c, root)), root)
    made: Any = type(theirs)(ours.__name__, (ours, theirs), {"__module__": ours.__module__})
    made._own = ours  # what it is pickled as
    return made


class ChromalabWarning(UserWarning):
    """Something works differently from what was requested; the message says what can be done."""


wording: ContextVar[Callable[[str], str]] = ContextVar("wording", default=str)
"""Rewrites the notices of a call that was typed as a command, in which options are flags."""


def notice(message: str) -> None:
    """Issue a `ChromalabWarning` attributed to the calling line outside of chromalab."""
    level, frame = 3, sys._getframe(1).f_back
    while frame is not None and frame.f_globals.get("__name__", "").startswith("chromalab"):
        level, frame = level + 1, frame.f_back
    warnings.warn(wording.get()(message), ChromalabWarning, stacklevel=level)


class InvalidArgumentError(ChromalabError, ValueError):
    """An argument has an invalid value; nothing was written."""

    _name = "InvalidArgument"


class InvalidArgumentTypeError(ChromalabError, TypeError):
    """An argument has an invalid type; nothing was written."""

    _name = "InvalidArgument"


class InvalidDimensionException(InvalidArgumentError):
    """The dimension of an embedding differs from that of the collection."""

    _name = "InvalidDimension"


class DuplicateIDError(InvalidArgumentError):
    """One call contains the same id more than once."""

    _name = "DuplicateID"


class BatchSizeExceededError(InvalidArgumentError):
    """One call contains more than `get_max_batch_size()` records."""

    _name = "BatchSizeExceededError"
    _code = 413


class InvalidUUIDError(InvalidArgumentError):
    """The id of a collection is not a UUID."""

    _name = "InvalidUUID"


class IDAlreadyExistsError(InvalidArgumentError):
    """An id exists already; `add` never raises it, but leaves the existing record unchanged."""

    _name = "IDAlreadyExists"
    _code = 409


class EmbeddingFunctionError(InvalidArgumentError):
    """An embedding function is missing, is unknown, or differs from the collection's."""


class NotFoundError(ChromalabError, KeyError):
    """No collection, tenant or database has that name."""

    _name = "NotFoundError"
    _code = 404


class UniqueConstraintError(ChromalabError, ValueError):
    """A collection, tenant or database already has that name."""

    _name = "UniqueConstraintError"
    _code = 409


def not_found(
    kind: str, name: str, known: Iterable[str], *, reason: str = "does not exist", remedy: str = ""
) -> NotFoundError:
    """Create the error for a name that does not exist, in the words that programs of Chroma look for.

    Args:
        kind: What has the name: "Collection", "Tenant" or "Database".
        name: The name.
        known: The names that exist.
        reason: Chroma's words for this kind.
        remedy: What to do, as a sentence.

    Example:
        >>> str(not_found("Collection", "paper", ["papers", "notes"]))
        "Collection 'paper' does not exist. Did you mean 'papers'? Collections: notes, papers."
    """
    hint = near(name, known, what=f"{kind}s")
    return NotFoundError(f"{kind} {short(name)} {reason}. {hint} {remedy}".rstrip())


def already_exists(
    kind: str, name: str, *, place: str = "", remedy: str = "Use it or choose another name."
) -> UniqueConstraintError:
    """Create the error for a name that is taken, in the words that programs of Chroma look for.

    Example:
        >>> str(already_exists("Tenant", "acme"))
        "Tenant 'acme' already exists. Use it or choose another name."
    """
    return UniqueConstraintError(f"{kind} {short(name)} already exists{place}. {remedy}")


class VersionMismatchError(ChromalabError, RuntimeError):
    """The store was written by a newer chromalab, or by another program."""

    _name = "VersionMismatchError"
    _code = 500


class InternalError(ChromalabError, RuntimeError):
    """The store is damaged, or chromalab has a bug."""

    _name = "InternalError"
    _code = 500


class AuthorizationError(ChromalabError, PermissionError):
    """This client or user lacks the permission."""

    _name = "AuthorizationError"
    _code = 401


class ChromaAuthError(ChromalabError, PermissionError):
    """A server rejected the credentials."""

    _name = "AuthError"
    _code = 403


class RateLimitError(ChromalabError, RuntimeError):
    """A server received too many requests."""

    _name = "RateLimitError"
    _code = 429


class QuotaError(ChromalabError, RuntimeError):
    """A server's quota for this user is exhausted."""

    _name = "QuotaError"


class InvalidHTTPVersion(ChromalabError, RuntimeError):
    """A server uses an unsupported version of HTTP."""

    _name = "InvalidHTTPVersion"


class ClientClosedError(ChromalabError, RuntimeError):
    """The client is closed."""


class StoreBusyError(ChromalabError, TimeoutError):
    """Another process has been writing for longer than the timeout."""


class StoreGoneError(ChromalabError, FileNotFoundError):
    """The folder of a store was deleted or replaced while a client had it open."""


class NotAFolderError(ChromalabError, NotADirectoryError):
    """The path of a store is a file."""


class StoreNotWritableError(ChromalabError, PermissionError):
    """The folder of a store is not writable."""


class MissingDependencyError(ChromalabError, ImportError):  # type: ignore[misc]  # both bases define `name`
    """An optional package is not installed."""


class ModelNotAvailableError(ChromalabError, RuntimeError):
    """No reachable source has the weights of a model."""


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
"""The exception class of each error name that Chroma's servers and client use."""
