"""A map as a picture: points, color_values by what one wants to see."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.results.tables import one_line
from chromalab.errors import InvalidArgumentError, short

__all__ = ["color_values", "scatter"]

_DRAWN = 20_000  # points: more make a blot, and a notebook heavy
_NAMED = 12  # values with a color of their own; the rest are gray
_GRAY = "#b8b8b8"


def color_values(values: Any, n: int) -> NDArray[Any]:
    """Turn what points are color_values by into numbers (float64), or into short names.

    Args:
        values: One a record: numbers, texts or None; or a result with `labels`.
        n: How many there must be.

    Raises:
        InvalidArgumentError: there are more or fewer.
    """
    values = getattr(values, "labels", values)
    try:
        count = len(values)
    except TypeError as error:
        raise InvalidArgumentError(
            f"color takes a metadata key, or one value a record; got {short(values)}."
        ) from error
    if count != n:
        raise InvalidArgumentError(f"color has {count:,} values for {n:,} records.")
    array = np.asarray(values)
    if array.ndim == 1 and array.dtype.kind == "f":
        return array.astype(np.float64)
    names = ["none" if value is None else one_line(value, 30) for value in values]
    return np.array(names, dtype=str)


def scatter(
    axes: Any,
    coordinates: NDArray[np.float32],
    colors: NDArray[Any] | None,
    *,
    legend: bool,
    random_state: int,
) -> None:
    """Draw points on matplotlib's axes; those of a third dimension need axes that have one.

    Args:
        axes: Of matplotlib.
        coordinates: (n, dims).
        colors: Of `color_values`; None for one color.
        legend: Whether to explain the colors.
        random_state: Draws the points that are shown where there are more than 20,000.
    """
    n = len(coordinates)
    flat = not hasattr(axes, "get_zlim")
    at = coordinates[:, :2] if flat else coordinates
    shown = np.arange(n)
    if n > _DRAWN:
        shown = np.sort(np.random.default_rng(random_state).choice(n, _DRAWN, replace=False))
        axes.set_title(f"{_DRAWN:,} of {n:,} shown", fontsize=8)
    style = {
        "s": float(np.clip(20_000 / max(len(shown), 1), 1.5, 30.0)),
        "linewidths": 0,
        "alpha": 0.8,
        "rasterized": True,
    }
    if colors is None:
        axes.scatter(*at[shown].T, **style)
    elif colors.dtype.kind == "f":
        points = axes.scatter(*at[shown].T, c=colors[shown], cmap="viridis", **style)
        if legend:
            axes.figure.colorbar(points, ax=axes, shrink=0.7)
    else:
        _named(axes, at[shown], colors[shown], style, legend)
    axes.set_xticks([])
    axes.set_yticks([])
    if flat:
        axes.set_aspect("equal", adjustable="datalim")
    else:
        axes.set_zticks([])


def _named(
    axes: Any, at: NDArray[np.float32], names: NDArray[Any], style: dict[str, Any], legend: bool
) -> None:
    from matplotlib import colormaps

    palette = [*map(colormaps["tab10"], range(10)), *map(colormaps["Dark2"], range(8))]
    counts = Counter(names.tolist())
    largest = [name for name, _ in sorted(counts.items(), key=lambda p: (-p[1], p[0]))[:_NAMED]]
    rest = ~np.isin(names, largest)
    if rest.any():
        label = f"{len(counts) - len(largest):,} others"
        axes.scatter(*at[rest].T, color=_GRAY, label=label, **style)
    for place, name in enumerate(largest):
        of_it = names == name
        # a label that starts with an underscore would be left out of the legend
        color = palette[place]
        axes.scatter(*at[of_it].T, color=color, label=f"\u200b{name}", **style)
    if legend:
        box = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
        for handle in box.legend_handles:
            handle.set_sizes([30])
        for text in box.get_texts():
            text.set_parse_math(False)
