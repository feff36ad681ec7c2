"""Alignment of a map with an earlier one, by the records that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SimilarityTransform", "procrustes", "shared_rows"]


@dataclass(frozen=True, eq=False)
class SimilarityTransform:
    """A rotation, reflection, scaling and shift: `coordinates @ matrix + shift`.

    Attributes:
        matrix: (dims, dims) float64.
        shift: (dims,) float64.
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]

    def __call__(self, coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transform (n, dims) coordinates."""
        return np.asarray(coordinates @ self.matrix + self.shift, dtype=np.float32)


def procrustes(moving: NDArray[np.float32], fixed: NDArray[np.float32]) -> SimilarityTransform:
    """Find the transform that brings points closest to their targets, in least squares.

    Schönemann & Carroll 1970 (Psychometrika 35), with reflections. If all points coincide, they are only
    shifted.

    Args:
        moving: (s, dims), at least one point.
        fixed: (s, dims), the target of each point.

    Example:
        >>> square = np.float32([[0, 0], [1, 0], [1, 1], [0, 1]])
        >>> moved = square[:, ::-1] * 3 + 5
        >>> procrustes(moved, square)(moved).round(3) + 0
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
    """Return the rows of the ids that occur in both sequences, in each of them.

    Example:
        >>> shared_rows(["a", "b", "c"], ["c", "a"])
        (array([0, 2]), array([1, 0]))
    """
    row_of = {id: row for row, id in enumerate(earlier)}
    pairs = [(row, row_of[id]) for row, id in enumerate(ids) if id in row_of]
    both = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]
