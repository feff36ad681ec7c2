"""Vectors of records that a result has not seen: given as numbers, or as texts to embed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError, short
from chromalab.snapshot import Snapshot

__all__ = ["new_vectors"]


def new_vectors(data: Any, snapshot: Snapshot) -> NDArray[np.float32]:
    """Take vectors, or embed texts as the collection does.

    Args:
        data: (q, dimension) numbers, (dimension,) of one record, a text, or texts.
        snapshot: The records that the result is about.

    Returns:
        (q, dimension) float32, finite.

    Raises:
        InvalidArgumentError: they have another dimension, hold NaN or infinity, or are texts that
            nothing is there to embed.

    Example:
        >>> new_vectors([0, 2], Snapshot.of([[1.0, 0.0]])).tolist()
        [[0.0, 2.0]]
    """
    if isinstance(data, str) or (
        isinstance(data, Sequence) and len(data) and all(isinstance(text, str) for text in data)
    ):
        vectors = _embedded([data] if isinstance(data, str) else list(data), snapshot)
    else:
        try:
            vectors = np.asarray(data, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise _not_new(data) from error
        if vectors.ndim == 1 and vectors.size:
            vectors = vectors[None]
        if vectors.size == 0:
            return np.zeros((0, snapshot.dimension), dtype=np.float32)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise _not_new(data)
    if len(snapshot) and vectors.shape[1] != snapshot.dimension:
        raise InvalidArgumentError(
            f"New vectors of {vectors.shape[1]} dimensions; those that are known have "
            f"{snapshot.dimension}. Embed them by the same model."
        )
    return vectors


def _embedded(texts: list[str], snapshot: Snapshot) -> NDArray[np.float32]:
    configuration = getattr(snapshot.origin, "configuration", None) or {}
    function = configuration.get("embedding_function")
    if function is None:
        raise InvalidArgumentError(
            f"No embedding function for {short(texts)}: the result is not of a collection that has "
            "one. Give vectors."
        )
    from chromalab.embed import embed_documents

    return embed_documents(function, texts)


def _not_new(data: Any) -> InvalidArgumentError:
    shape = getattr(data, "shape", None)
    found = short(data) if shape is None or len(shape) == 2 else f"shape {shape}"
    return InvalidArgumentError(
        f"New records are (q, dimension) finite numbers, or texts; found {found}."
    )
