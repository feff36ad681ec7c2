"""`RecordTransform`: a linear map applied to records before queries are compared with them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["RecordTransform", "lengths_of", "mapped"]

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class RecordTransform:
    """A linear map of records. Queries that go through it are already mapped by the caller.

    Attributes:
        name: Identifies the map: two with one name are treated as equal.
        matrix: (d, d) float32, applied to each record as `mapped` does.

    Example:
        >>> swap = RecordTransform("swap", np.array([[0, 1], [1, 0]], dtype=np.float32))
        >>> swap.rows(np.array([[3, 4]], dtype=np.float32)).tolist()
        [[4.0, 3.0]]
    """

    name: str
    matrix: Rows = field(compare=False, repr=False)

    def rows(self, rows: Rows) -> Rows:
        """Map rows: (n, d) float32 to (n, d) float32."""
        return mapped(rows, self.matrix)


def mapped(rows: Rows, matrix: Rows) -> Rows:
    """Multiply rows by a matrix, then restore the length of each.

    Args:
        rows: (n, d) float32.
        matrix: (d, d) float32.

    Returns:
        (n, d) float32. A zero row, or one that the matrix maps to zero or beyond the range of
        float32, is returned unchanged.

    Example:
        >>> stretch = np.diag([2, 1]).astype(np.float32)
        >>> mapped(np.array([[3, 0], [0, 0]], dtype=np.float32), stretch).tolist()
        [[3.0, 0.0], [0.0, 0.0]]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        made = np.asarray(rows @ matrix.T, dtype=np.float32)
        before, after = lengths_of(rows), lengths_of(made)
        lost = ~((after > 0) & np.isfinite(after))
        made *= before / np.where(lost, 1, after)
        lost |= ~np.isfinite(lengths_of(made))
    if lost.any():
        made[lost[:, 0]] = rows[lost[:, 0]]
    return made


def lengths_of(rows: Rows) -> NDArray[np.float32]:
    """Compute the Euclidean norms of rows (n, d): (n, 1) float32."""
    # The squares are summed in float64 because that of a large number overflows float32.
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return np.asarray(lengths.astype(np.float32)[:, np.newaxis])
