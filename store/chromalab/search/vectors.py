"""Vectors in float64, scaled to length 1 where a comparison looks at directions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.engine import Vectors

__all__ = ["in_space", "unit"]


def unit(vectors: Vectors) -> NDArray[np.float64]:
    """Scale rows (n, dimension) to length 1; zero vectors stay zero."""
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(norms == 0, 1, norms)


def in_space(vectors: Vectors, space: str) -> NDArray[np.float64]:
    """Return rows as a space compares them: of length 1 for "cosine", as they are otherwise."""
    return unit(vectors) if space == "cosine" else vectors.astype(np.float64)
