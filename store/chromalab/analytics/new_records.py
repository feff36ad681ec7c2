"""The vectors of new records, which a result has not seen: given as numbers, or as texts to embed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError, short
from chromalab.snapshot import Snapshot

__all__ = ["new_vectors"]


def new_vectors(data: Any, snapshot: Snapshot) -> NDArray[np.float32]:
    """Return given vectors, or embed given texts with the collection's embedding function.

    Args:
        data: (q, dimension) numbers, (dimension,) numbers for one record, a text, or several texts.
        snapshot: The records that the result is about.

    Returns:
        (q, dimension) float32, finite.

    Raises:
        InvalidArgumentError: The vectors have another dimension, or contain NaN or infinity; or there
            is no function to embed the texts with.

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
            f"New vectors must have {snapshot.dimension} dimensions, as the known ones do; got "
            f"{vectors.shape[1]}. Embed them with the same model."
        )
    return vectors


def _embedded(texts: list[str], snapshot: Snapshot) -> NDArray[np.float32]:
    configuration = getattr(snapshot.origin, "configuration", None) or {}
    function = configuration.get("embedding_function")
    if function is None:
        raise InvalidArgumentError(
            f"There is no embedding function for {short(texts)}, as the result is not of a collection "
            "that has one. Pass vectors."
        )
    from chromalab.embed import embed_documents

    return embed_documents(function, texts)


def _not_new(data: Any) -> InvalidArgumentError:
    shape = getattr(data, "shape", None)
    got = short(data) if shape is None or len(shape) == 2 else f"shape {shape}"
    return InvalidArgumentError(
        f"New records must be (q, dimension) finite numbers, or texts; got {got}."
    )
