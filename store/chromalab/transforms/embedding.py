"""`TransformedEmbedding`: an embedding function with a transform, for stores without transforms."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.embed import (
    EmbeddingFunction,
    embed_documents,
    embed_queries,
    from_config,
    register_embedding_function,
    to_config,
)
from chromalab.embed.protocol import Space
from chromalab.errors import EmbeddingFunctionError
from chromalab.transforms.storage import check_transform, describe, read_transform
from chromalab.transforms.transform import Transform, pack_arrays

__all__ = ["TransformedEmbedding"]


@register_embedding_function
class TransformedEmbedding(EmbeddingFunction[Any]):
    """An embedding function whose queries, and documents if both are mapped, go through a transform.

    Use it with Chroma or another store. A collection of chromalab has `transforms.use`, which does not
    need to re-embed anything. The configuration holds that of the function and the transform itself, so
    the whole can be rebuilt by name.

    Args:
        function: The embedding function that the transform was learned with.
        transform: The transform.

    Example:
        >>> class Point(EmbeddingFunction[Any]):
        ...     def __call__(self, input):
        ...         return [[len(text), 1] for text in input]
        >>> swap = np.array([[0, 1], [1, 0]], dtype=np.float32)
        >>> swapped = TransformedEmbedding(Point(), Transform(name="swap", matrix=swap, both=False))
        >>> swapped.embed_query(["abc"]).tolist(), swapped(["abc"]).tolist()
        ([[1.0, 3.0]], [[3.0, 1.0]])
    """

    def __init__(self, function: Callable[[Any], Any], transform: Transform) -> None:
        if not callable(function) or isinstance(function, type):
            raise EmbeddingFunctionError(
                f"function must be an embedding function; got {function!r}. Give an instance, such as "
                "MiniLM()."
            )
        self.function = function
        self.transform = check_transform(transform)

    def __call__(self, input: Any) -> NDArray[np.float32]:
        """Embed documents, one row per document."""
        return self.transform.documents(embed_documents(self.function, input))

    def embed_query(self, input: Any) -> NDArray[np.float32]:
        """Embed queries and map them."""
        return self.transform.queries(embed_queries(self.function, input))

    @staticmethod
    def name() -> str:
        """Return the name of the function in stored configurations."""
        return "chromalab_transformed"

    def get_config(self) -> dict[str, Any]:
        """Return the configuration of the function, and the transform with its arrays."""
        return {
            "function": to_config(self.function),
            "transform": describe(self.transform),
            "arrays": base64.b64encode(pack_arrays(self.transform)).decode(),
        }

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> TransformedEmbedding:
        """Rebuild the function from a configuration, which is treated as untrusted.

        Raises:
            EmbeddingFunctionError: The wrapped function is not registered, or the transform is damaged.
        """
        try:
            function = from_config(config["function"])
            data = base64.b64decode(config["arrays"], validate=True)
            transform = read_transform(config["transform"], data)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            if isinstance(error, EmbeddingFunctionError):
                raise
            raise EmbeddingFunctionError(
                f"The configuration of {TransformedEmbedding.name()!r} is damaged: {error}. Wrap the "
                "function again: TransformedEmbedding(function, transform)."
            ) from error
        if function is None:
            raise EmbeddingFunctionError(
                "The embedding function inside the transform cannot be rebuilt by name. Give it again: "
                "TransformedEmbedding(function, transform)."
            )
        return TransformedEmbedding(function, transform)

    def is_legacy(self) -> bool:
        """Return whether the wrapped function cannot be stored by name, so that this one cannot either."""
        return (to_config(self.function) or {}).get("type") != "known"

    def default_space(self) -> Space:
        """Return the distance of the wrapped function; transforms preserve lengths."""
        found = getattr(self.function, "default_space", None)
        return found() if found is not None else super().default_space()

    def supported_spaces(self) -> list[Space]:
        """Return the distances that the wrapped function supports."""
        found = getattr(self.function, "supported_spaces", None)
        return list(found()) if found is not None else super().supported_spaces()
