"""Turn a map so that it lies on an earlier one: by what both have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SimilarityTransform", "procrustes", "shared_rows"]


@dataclass(frozen=True, eq=False)
class SimilarityTransform:
    """A turn, reflection, scaling and shift: `coordinates @ matrix + shift`.

    Attributes:
        matrix: (dims, dims) float64.
        shift: (dims,) float64.
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]

    def __call__(self, coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
        """SimilarityTransform (n, dims) coordinates."""
        return np.asarray(coordinates @ self.matrix + self.shift, dtype=np.float32)


def procrustes(moving: NDArray[np.float32], fixed: NDArray[np.float32]) -> SimilarityTransform:
    """Find the move that brings points nearest to where they should be, in least squares.

    Schönemann & Carroll 1970 (Psychometrika 35), with reflections. Points that all coincide are
    shifted only.

    Args:
        moving: (s, dims), s at least 1.
        fixed: (s, dims), where each of them should be.

    Example:
        >>> square = np.float32([[0, 0], [1, 0], [1, 1], [0, 1]])
        >>> turned = square[:, ::-1] * 3 + 5
        >>> procrustes(turned, square)(turned).round(3) + 0
        array([[0., 0.],
               [1., 0.],
               [1., 1.],
               [0., 1.]], dtype=float32)
    """
    middle, fixed_middle = moving.mean(axis=0), fixed.mean(axis=0)
    centered = (moving - middle).astype(np.float64)
    spread = float((centered**2).sum())
    left, values, right = np.linalg.svd(centered.T @ (fixed - fixed_middle))
    scale = float(values.sum()) / spread if spread > 0 and values.sum() > 0 else 1.0
    matrix = scale * (left @ right)
    return SimilarityTransform(matrix, fixed_middle - middle @ matrix)


def shared_rows(
    ids: Sequence[str], earlier: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the rows of the ids that both have, in each.

    Example:
        >>> shared_rows(["a", "b", "c"], ["c", "a"])
        (array([0, 2]), array([1, 0]))
    """
    row = {name: at for at, name in enumerate(earlier)}
    pairs = [(at, row[name]) for at, name in enumerate(ids) if name in row]
    both = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]
