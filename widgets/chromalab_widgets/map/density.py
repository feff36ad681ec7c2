"""Density contours of the points of a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["contours", "smoothed"]

_CELLS = 96
_MARGIN = 1.15  # so that the lines close outside of the outermost points
_LEVELS = (0.06, 0.16, 0.32, 0.55, 0.8)
_DEVIATION = 2.0  # standard deviation of the blur, in cells

# For each of the 16 combinations of a cell's corners (1 lower left, 2 lower right, 4 upper right, 8 upper
# left), the edges that a line connects: 0 bottom, 1 right, 2 top, 3 left. This is marching squares, the
# two-dimensional case of Lorensen & Cline 1987.
_CASES: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 2), (0, 1)), 6: ((0, 2),),
    7: ((3, 2),), 8: ((2, 3),), 9: ((2, 0),), 10: ((3, 0), (1, 2)), 11: ((2, 1),), 12: ((1, 3),),
    13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip


def smoothed(counts: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    """Blur a grid with a Gaussian, given its deviation in cells; outside of the grid counts as empty."""
    reach = int(3 * deviation)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        counts = np.apply_along_axis(np.convolve, axis, counts, kernel, mode="same")
    return counts


def contours(coordinates: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Compute lines of equal density.

    Args:
        coordinates: (n, 2) float32 from -1 to 1.

    Returns:
        One dict per level: `level`, as a fraction of the maximum density, and `lines`, the float32 x1, y1,
        x2, y2 of each line segment.
    """
    if len(coordinates) < 3:
        return []
    span = [[-_MARGIN, _MARGIN]] * 2
    counts, *_ = np.histogram2d(coordinates[:, 0], coordinates[:, 1], bins=_CELLS, range=span)
    # The square root keeps one dense cluster from taking all of the lines.
    density = np.sqrt(smoothed(counts, _DEVIATION))
    density /= density.max() or 1.0
    return [
        {"level": level, "lines": _lines(density, level).astype(np.float32).tobytes()}
        for level in _LEVELS
    ]


def _lines(density: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    corners = [density[:-1, :-1], density[1:, :-1], density[1:, 1:], density[:-1, 1:]]
    case = np.sum([(corner >= level) * (1 << bit) for bit, corner in enumerate(corners)], axis=0)
    # Where the level crosses each edge of a cell, from the first corner of the edge to its second.
    ends = ((0, 1), (1, 2), (3, 2), (0, 3))
    share = []
    for first, second in ends:
        step = corners[second] - corners[first]
        share.append(
            np.divide(level - corners[first], step, out=np.zeros_like(step), where=step != 0)
        )
    x, y = np.indices(case.shape).astype(np.float64)
    crossing = [
        (x + share[0], y), (x + 1, y + share[1]), (x + share[2], y + 1), (x, y + share[3]),
    ]  # fmt: skip
    pieces = []
    for number, joins in _CASES.items():
        cells = case == number
        for first, second in joins:
            parts = [axis[cells] for edge in (first, second) for axis in crossing[edge]]
            pieces.append(np.stack(parts, axis=1))
    lines = np.concatenate(pieces)
    return np.asarray((lines + 0.5) / _CELLS * 2 * _MARGIN - _MARGIN)
