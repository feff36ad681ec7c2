"""The embedding-function protocol: Chroma's, so that a class written for Chroma works unchanged.

What a function returns is validated in one place, `as_embeddings`. It runs when a subclass of
`EmbeddingFunction` is called, and whenever the store calls any function, built in or not, through
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
"""Whether functions show their own progress bars; callers with a bar over many calls disable it."""

Space: TypeAlias = Literal["l2", "cosine", "ip"]

D = TypeVar("D", contravariant=True)


class EmbeddingFunction(ABC, Generic[D]):
    """Base class of embedding functions, with Chroma's methods.

    A subclass must define `__call__`. If it also defines `name`, `get_config` and `build_from_config`
    and is registered with `register_embedding_function`, collections that use it can be opened
    without passing it.

    Whatever `__call__` and `embed_query` return is converted to a float32 array of shape (n, d).

    Example:
        >>> class Length(EmbeddingFunction[Documents]):
        ...     def __call__(self, input):
        ...         return [[len(text), 1] for text in input]
        >>> Length()(["a", "abc"])
        array([[1., 1.], [3., 1.]], dtype=float32)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Wrap only what this class defines itself; inherited methods are already wrapped.
        for method in ("__call__", "embed_query"):
            if method in cls.__dict__:
                setattr(cls, method, _checked(cls.__dict__[method]))

    @abstractmethod
    def __call__(self, input: D) -> Embeddings:
        """Embed documents and return one row per document."""

    def embed_query(self, input: D) -> Embeddings:
        """Embed queries, by default in the same way as documents."""
        return self(input)

    @staticmethod
    def name() -> str:
        """Return the name of the function in stored configurations."""
        return NotImplemented  # type: ignore[no-any-return]  # Chroma's marker for "legacy"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> EmbeddingFunction[Any]:
        """Rebuild the function from what `get_config` returned."""
        return NotImplemented  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        """Return what `build_from_config` needs, as JSON and without secrets."""
        return NotImplemented  # type: ignore[no-any-return]

    def default_space(self) -> Space:
        """Return the distance that new collections use by default."""
        return "l2"

    def supported_spaces(self) -> list[Space]:
        """Return the distances that are meaningful for these embeddings."""
        return ["cosine", "l2", "ip"]

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """Raise an error if a configuration is not valid for this function."""

    def validate_config_update(
        self, old_config: dict[str, Any], new_config: dict[str, Any]
    ) -> None:
        """Raise an error if a collection must not change from one configuration to the other."""

    def is_legacy(self) -> bool:
        """Return whether the function must be passed whenever a collection is opened.

        That is so if it cannot be stored by name.
        """
        return (
            name_of(self) is None
            or self.get_config() is NotImplemented
            or type(self).build_from_config is EmbeddingFunction.build_from_config
        )


def embed_documents(function: Callable[[Any], Any], texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed documents with any embedding function and validate the result.

    Args:
        function: An `EmbeddingFunction`, one of chromadb's, or any callable of a list of texts.
        texts: A list of n texts.

    Returns:
        float32 array of shape (n, d) with finite values only.

    Raises:
        EmbeddingFunctionError: The function cannot be called, or its result cannot be used.

    Example:
        >>> embed_documents(lambda texts: [[len(text)] for text in texts], ["ab", "abc"])
        array([[2.], [3.]], dtype=float32)
    """
    if not callable(function):
        raise EmbeddingFunctionError(
            "The embedding function must be callable with a list of texts; got "
            f"{type(function).__name__}. Pass a function such as chromalab.embed.MiniLM()."
        )
    return as_embeddings(function(list(texts)), count=len(texts), function=function)


def embed_queries(function: Callable[[Any], Any], texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed queries like `embed_documents`, using `embed_query` if the function has that method.

    Example:
        >>> embed_queries(lambda texts: [[len(text)] for text in texts], ["ab"])
        array([[2.]], dtype=float32)
    """
    embed_query = getattr(function, "embed_query", None)
    if embed_query is None:
        return embed_documents(function, texts)
    return as_embeddings(embed_query(list(texts)), count=len(texts), function=function)


def as_embeddings(result: object, *, count: int, function: object) -> NDArray[np.float32]:
    """Convert what an embedding function returned to one array, or report what is wrong with it.

    Args:
        result: Rows of numbers in any form that numpy reads, or a single row for a single input.
        count: The number of inputs.
        function: The function, which error messages name.

    Returns:
        float32 array of shape (count, d) with finite values only.

    Raises:
        EmbeddingFunctionError: The result is not numeric, has rows of different lengths or the wrong
            number of rows, or contains NaN or infinity.

    Example:
        >>> as_embeddings([[1, float("nan")]], count=1, function=print)
        Traceback (most recent call last):
        chromalab.errors.EmbeddingFunctionError: Embedding function 'print' returned nan in row 0...
    """
    who = f"Embedding function {_label(function)!r} returned"
    try:
        with np.errstate(
            over="ignore"
        ):  # values too large for float32 become inf and are reported below
            array = np.asarray(result, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbeddingFunctionError(f"{who} {_not_an_array(result)}. {_REMEDY}") from error
    if array.ndim == 1 and count == 1:
        array = array[np.newaxis]
    if array.ndim != 2 and array.size:
        raise EmbeddingFunctionError(
            f"{who} an array of shape {array.shape} for {count} inputs. {_REMEDY}"
        )
    if len(array) != count:
        raise EmbeddingFunctionError(f"{who} {len(array)} embeddings for {count} inputs. {_REMEDY}")
    if count and not array.size:
        raise EmbeddingFunctionError(f"{who} embeddings without any numbers. {_REMEDY}")
    finite = np.isfinite(array)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise EmbeddingFunctionError(
            f"{who} {array[row, column]} in row {row} (column {column}). All values must be finite."
        )
    return array.reshape(count, -1) if array.size else np.empty((0, _width(array)), np.float32)


def check_texts(input: Sequence[str]) -> list[str]:
    """Return the texts as a list, or report which of them is not valid.

    Raises:
        InvalidArgumentError: The input is a single text instead of a list, or an item is not a str
            or cannot be read by any tokenizer.

    Example:
        >>> check_texts(["a", None])
        Traceback (most recent call last):
        chromalab.errors.InvalidArgumentError: Text 1 must be a str; got NoneType.
    """
    if isinstance(input, str):
        raise InvalidArgumentError("The texts must be a list; got one str. Pass [text].")
    texts = list(input)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidArgumentError(f"Text {position} must be a str; got {type(text).__name__}.")
        try:
            text.encode()
        except UnicodeEncodeError as error:  # json.loads accepts lone surrogates
            raise InvalidArgumentError(
                f"Text {position} must be valid Unicode; got half a character (a lone surrogate) at "
                f"position {error.start}. Remove it."
            ) from error
    return texts


def name_of(function: object) -> str | None:
    """Return the registered name of an embedding function, or None if it has none.

    A class has no name; only its instances do.

    Example:
        >>> name_of(len) is None
        True
    """
    method = None if isinstance(function, type) else getattr(function, "name", None)
    name = method() if callable(method) else None
    return name if isinstance(name, str) else None


_REMEDY = "It must return one row of numbers per input."


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
