"""A map as a scatter plot of matplotlib, colored by values of the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.result import Result
from chromalab.conversion import plain, values_by_record
from chromalab.errors import InvalidArgumentError
from chromalab.results.tables import cut, one_line

__all__ = ["color_values", "scatter"]

_MAX_POINTS = 20_000  # more would overlap, and make a notebook large
_MAX_COLORS = 12  # categories with a color of their own; the others are gray
_GRAY = "#b8b8b8"


def color_values(values: Any, ids: Sequence[str]) -> NDArray[Any]:
    """Turn the values that points are colored by into numbers (float64), or into short names.

    Args:
        values: One value per record, in any form that `values_by_record` reads; or a result with `labels`.
        ids: The ids of the records.

    Raises:
        InvalidArgumentError: There is not one value per record.
    """
    if isinstance(values, Result):
        if not hasattr(values, "labels"):
            raise InvalidArgumentError(
                f"color must be a result with labels; got a {type(values).__name__}. "
                "Pass one of its columns."
            )
        values = dict(zip(values.ids, values.labels, strict=True))
    listed = [plain(value) for value in values_by_record(values, ids, "color")]
    there = [value for value in listed if value is not None]
    if there and all(isinstance(value, float) for value in there):
        return np.array([np.nan if value is None else value for value in listed], dtype=np.float64)
    names = ["none" if value in (None, "") else one_line(value, 30) for value in listed]
    return np.array(names, dtype=str)


def scatter(
    axes: Any,
    coordinates: NDArray[np.float32],
    colors: NDArray[Any] | None,
    *,
    legend: bool,
    random_state: int,
) -> None:
    """Draw points on matplotlib axes; the third dimension is drawn if the axes have one.

    Args:
        axes: The matplotlib axes.
        coordinates: (n, dims).
        colors: The values of `color_values`; None for a single color.
        legend: Whether to explain the colors.
        random_state: The seed that selects the points to draw if there are more than 20,000.
    """
    n = len(coordinates)
    flat = not hasattr(axes, "get_zlim")
    at = coordinates[:, :2] if flat else coordinates
    shown = np.arange(n)
    if n > _MAX_POINTS:
        shown = np.sort(np.random.default_rng(random_state).choice(n, _MAX_POINTS, replace=False))
        axes.set_title(cut(_MAX_POINTS, n), fontsize=8)
    style = {
        "s": float(np.clip(20_000 / max(len(shown), 1), 1.5, 30.0)),
        "linewidths": 0,
        "alpha": 0.8,
        "rasterized": True,
    }
    if colors is None:
        axes.scatter(*at[shown].T, **style)
    elif colors.dtype.kind == "f":
        from matplotlib import colormaps

        known = colormaps["viridis"].with_extremes(bad=_GRAY)
        points = axes.scatter(
            *at[shown].T, c=colors[shown], cmap=known, plotnonfinite=True, **style
        )
        if legend:
            axes.figure.colorbar(points, ax=axes, shrink=0.7)
    else:
        _scatter_categories(axes, at[shown], colors[shown], style, legend)
    axes.set_xticks([])
    axes.set_yticks([])
    if flat:
        axes.set_aspect("equal", adjustable="datalim")
    else:
        axes.set_zticks([])


def _scatter_categories(
    axes: Any, at: NDArray[np.float32], names: NDArray[Any], style: dict[str, Any], legend: bool
) -> None:
    from matplotlib import colormaps

    palette = [*map(colormaps["tab10"], range(10)), *map(colormaps["Dark2"], range(8))]
    counts = Counter(names.tolist())
    largest = [
        name for name, _ in sorted(counts.items(), key=lambda p: (-p[1], p[0]))[:_MAX_COLORS]
    ]
    rest = ~np.isin(names, largest)
    if rest.any():
        label = f"{len(counts) - len(largest):,} others"
        axes.scatter(*at[rest].T, color=_GRAY, label=label, **style)
    for color, name in zip(palette, largest, strict=False):
        # Matplotlib leaves labels that start with an underscore out of the legend.
        label = f"\u200b{name}"
        axes.scatter(*at[names == name].T, color=color, label=label, **style)
    if legend:
        box = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
        for handle in box.legend_handles:
            handle.set_sizes([30])
        for text in box.get_texts():
            text.set_parse_math(False)
