"""`Lens`: a map that records and queries are compared after."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lens", "lengths_of", "turned"]

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Lens:
    """A map of records; queries that are asked through it are mapped already.

    Attributes:
        name: Names the map itself: two of one name are taken for the same.
        matrix: (d, d) float32, applied to each record as `turned` does.

    Example:
        >>> swap = Lens("swap", np.array([[0, 1], [1, 0]], dtype=np.float32))
        >>> swap.rows(np.array([[3, 4]], dtype=np.float32)).tolist()
        [[4.0, 3.0]]
    """

    name: str
    matrix: Rows = field(compare=False, repr=False)

    def rows(self, rows: Rows) -> Rows:
        """Map rows: (n, d) float32 to (n, d) float32."""
        return turned(rows, self.matrix)


def turned(rows: Rows, matrix: Rows) -> Rows:
    """Turn rows by a matrix; the length of each stays.

    Args:
        rows: (n, d) float32.
        matrix: (d, d) float32.

    Returns:
        (n, d) float32; a row of zeros, or one that the matrix takes to zero or beyond float32, stays
        as it is.

    Example:
        >>> stretch = np.diag([2, 1]).astype(np.float32)
        >>> turned(np.array([[3, 0], [0, 0]], dtype=np.float32), stretch).tolist()
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
    """Measure rows (n, d): (n, 1) float32."""
    # In float64: the square of a large number is beyond float32.
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return np.asarray(lengths.astype(np.float32)[:, np.newaxis])
