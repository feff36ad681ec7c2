"""A transform around an embedding function, for stores that know nothing of transforms."""

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
from chromalab.feedback.keeping import checked, described, read_transform
from chromalab.feedback.transform import Transform, pack_arrays

__all__ = ["TransformedEmbedding"]


@register_embedding_function
class TransformedEmbedding(EmbeddingFunction[Any]):
    """An embedding function whose queries, and documents if both are mapped, go through a transform.

    For Chroma, or another store; a collection here has `transforms.use`, which needs no new embeddings.
    The configuration holds the function's and the transform itself, so that it comes back by name.

    Args:
        function: An embedding function, the one that the transform was learned with.
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
                f"{function!r} is no embedding function: give an instance, such as MiniLM()."
            )
        self.function = function
        self.transform = checked(transform)

    def __call__(self, input: Any) -> NDArray[np.float32]:
        """Embed documents, one row each."""
        return self.transform.documents(embed_documents(self.function, input))

    def embed_query(self, input: Any) -> NDArray[np.float32]:
        """Embed queries, and map them."""
        return self.transform.queries(embed_queries(self.function, input))

    @staticmethod
    def name() -> str:
        """Name the function in stored configurations."""
        return "chromalab_transformed"

    def get_config(self) -> dict[str, Any]:
        """Give the function's configuration, and the transform with its arrays."""
        return {
            "function": to_config(self.function),
            "transform": described(self.transform),
            "arrays": base64.b64encode(pack_arrays(self.transform)).decode(),
        }

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> TransformedEmbedding:
        """Make the function again; nothing of the configuration is believed.

        Raises:
            EmbeddingFunctionError: the function in it is not registered, or the transform is damaged.
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
                "The embedding function that was transformed cannot be stored by name. Give it again: "
                "TransformedEmbedding(function, transform)."
            )
        return TransformedEmbedding(function, transform)

    def is_legacy(self) -> bool:
        """Whether the function inside cannot be stored by name, and so neither can this one."""
        return (to_config(self.function) or {}).get("type") != "known"

    def default_space(self) -> Space:
        """Tell the distance of the function inside: lengths are not changed."""
        found = getattr(self.function, "default_space", None)
        return found() if found is not None else super().default_space()

    def supported_spaces(self) -> list[Space]:
        """Tell those of the function inside."""
        found = getattr(self.function, "supported_spaces", None)
        return list(found()) if found is not None else super().supported_spaces()
