"""The embedding-function protocol: Chroma's, so that a class written for Chroma works unchanged.

What a function returns is checked in one place, `as_embeddings`. It runs when a subclass of
`EmbeddingFunction` is called and when the store calls any function, ours or not, through
`embed_documents` and `embed_queries`.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import EmbeddingFunctionError, InvalidArgumentError
from chromalab.types import Documents, Embeddings

__all__ = [
    "Documents",
    "EmbeddingFunction",
    "Embeddings",
    "Space",
    "as_embeddings",
    "check_texts",
    "embed_documents",
    "embed_queries",
    "name_of",
    "shows_progress",
]

shows_progress: ContextVar[bool] = ContextVar("shows_progress", default=True)
"""Whether functions show bars of their own; a caller with a bar over many calls sets it False."""

Space: TypeAlias = Literal["l2", "cosine", "ip"]

D = TypeVar("D", contravariant=True)


class EmbeddingFunction(ABC, Generic[D]):
    """Base of embedding functions, with Chroma's methods.

    A subclass needs `__call__`. With `name`, `get_config` and `build_from_config` as well, and
    `register_embedding_function`, a collection can be opened again without naming it.

    Whatever `__call__` and `embed_query` return arrives as a float32 array of shape (n, d).

    Example:
        >>> class Length(EmbeddingFunction[Documents]):
        ...     def __call__(self, input):
        ...         return [[len(text), 1] for text in input]
        >>> Length()(["a", "abc"])
        array([[1., 1.], [3., 1.]], dtype=float32)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Only what this class defines itself: what it inherits is checked already.
        for method in ("__call__", "embed_query"):
            if method in cls.__dict__:
                setattr(cls, method, _checked(cls.__dict__[method]))

    @abstractmethod
    def __call__(self, input: D) -> Embeddings:
        """Embed documents, one row each."""

    def embed_query(self, input: D) -> Embeddings:
        """Embed queries; as documents, unless a subclass knows better."""
        return self(input)

    @staticmethod
    def name() -> str:
        """Name the function in stored configurations."""
        return NotImplemented  # type: ignore[no-any-return]  # Chroma's sign for "legacy"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> EmbeddingFunction[Any]:
        """Make the function again from what `get_config` gave."""
        return NotImplemented  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        """Give what `build_from_config` needs, as JSON; never a secret."""
        return NotImplemented  # type: ignore[no-any-return]

    def default_space(self) -> Space:
        """Tell the distance a new collection gets unless it is told another."""
        return "l2"

    def supported_spaces(self) -> list[Space]:
        """Tell the distances that mean something for these embeddings."""
        return ["cosine", "l2", "ip"]

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """Raise if a configuration is not one of this function."""

    def validate_config_update(
        self, old_config: dict[str, Any], new_config: dict[str, Any]
    ) -> None:
        """Raise if a collection must not go from one configuration to the other."""

    def is_legacy(self) -> bool:
        """Whether the function cannot be stored by name, so that each opening has to give it."""
        return (
            name_of(self) is None
            or self.get_config() is NotImplemented
            or type(self).build_from_config is EmbeddingFunction.build_from_config
        )


def embed_documents(function: Callable[[Any], Any], texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed documents with any embedding function, checked.

    Args:
        function: An `EmbeddingFunction`, one of chromadb's, or any callable of a list of texts.
        texts: n texts.

    Returns:
        float32, shape (n, d), all finite.

    Raises:
        EmbeddingFunctionError: The function is none, or what it returned cannot be used.

    Example:
        >>> embed_documents(lambda texts: [[len(text)] for text in texts], ["ab", "abc"])
        array([[2.], [3.]], dtype=float32)
    """
    if not callable(function):
        raise EmbeddingFunctionError(
            f"{type(function).__name__} is no embedding function: it cannot be called with a "
            "list of texts"
        )
    return as_embeddings(function(list(texts)), count=len(texts), function=function)


def embed_queries(function: Callable[[Any], Any], texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed queries: as `embed_documents`, by `embed_query` where the function has one.

    Example:
        >>> embed_queries(lambda texts: [[len(text)] for text in texts], ["ab"])
        array([[2.]], dtype=float32)
    """
    embed_query = getattr(function, "embed_query", None)
    if embed_query is None:
        return embed_documents(function, texts)
    return as_embeddings(embed_query(list(texts)), count=len(texts), function=function)


def as_embeddings(result: object, *, count: int, function: object) -> NDArray[np.float32]:
    """Turn what an embedding function returned into one array, or say what is wrong with it.

    Args:
        result: Rows of numbers in any form numpy reads; for one input also a single row.
        count: How many inputs there were.
        function: Named in an error.

    Returns:
        float32, shape (count, d), all finite.

    Raises:
        EmbeddingFunctionError: Not numbers, rows of different lengths, another number of rows,
            NaN or infinity.

    Example:
        >>> as_embeddings([[1, float("nan")]], count=1, function=print)
        Traceback (most recent call last):
        chromalab.errors.EmbeddingFunctionError: Embedding function 'print' returned nan in row 0...
    """
    who = f"Embedding function {_label(function)!r} returned"
    try:
        with np.errstate(over="ignore"):  # too large for float32 becomes inf, named below
            array = np.asarray(result, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbeddingFunctionError(f"{who} {_not_an_array(result)}") from error
    if array.ndim == 1 and count == 1:
        array = array[np.newaxis]
    if array.ndim != 2 and array.size:
        raise EmbeddingFunctionError(
            f"{who} an array of shape {array.shape} for {count} inputs, not one row for each"
        )
    if len(array) != count:
        raise EmbeddingFunctionError(f"{who} {len(array)} embeddings for {count} inputs")
    if count and not array.size:
        raise EmbeddingFunctionError(f"{who} embeddings without any numbers")
    finite = np.isfinite(array)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise EmbeddingFunctionError(
            f"{who} {array[row, column]} in row {row} (column {column}); an embedding is finite"
        )
    return array.reshape(count, -1) if array.size else np.empty((0, _width(array)), np.float32)


def check_texts(input: Sequence[str]) -> list[str]:
    """Give the texts as a list, or say which is none.

    Raises:
        InvalidArgumentError: A single text instead of a list, an item that is not a str, or one
            that no tokenizer can read.

    Example:
        >>> check_texts(["a", None])
        Traceback (most recent call last):
        chromalab.errors.InvalidArgumentError: Text 1 is a NoneType, not a str
    """
    if isinstance(input, str):
        raise InvalidArgumentError("One str was given instead of a list of texts: pass [text]")
    texts = list(input)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidArgumentError(f"Text {position} is a {type(text).__name__}, not a str")
        try:
            text.encode()
        except UnicodeEncodeError as error:  # json.loads lets lone surrogates through
            raise InvalidArgumentError(
                f"Text {position} holds half a character (a lone surrogate) at {error.start}"
            ) from error
    return texts


def name_of(function: object) -> str | None:
    """Tell an embedding function's registered name; None where it has none, as a class has.

    Example:
        >>> name_of(len) is None
        True
    """
    method = None if isinstance(function, type) else getattr(function, "name", None)
    name = method() if callable(method) else None
    return name if isinstance(name, str) else None


def _checked(method: Callable[..., Any]) -> Callable[..., NDArray[np.float32]]:
    @functools.wraps(method)
    def call(self: object, input: Any, *args: Any, **kwargs: Any) -> NDArray[np.float32]:
        result = method(self, input, *args, **kwargs)
        return as_embeddings(result, count=len(input), function=self)

    return call


def _label(function: object) -> str:
    return name_of(function) or str(getattr(function, "__name__", type(function).__name__))


def _width(array: NDArray[np.float32]) -> int:
    return array.shape[1] if array.ndim == 2 else 0


def _not_an_array(result: object) -> str:
    rows = list(result) if isinstance(result, Sequence | np.ndarray) else []
    lengths = [len(row) if isinstance(row, Sequence | np.ndarray) else None for row in rows]
    for row, length in enumerate(lengths):
        if length is not None and length != lengths[0]:
            return f"rows of different lengths: {lengths[0]} in row 0, {length} in row {row}"
    return f"a {type(result).__name__} that is not rows of numbers"
