"""Small charts in results, drawn by matplotlib where it is installed and left out where it is not."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["histogram_range", "picture"]

_NARROWEST = 1e-5  # relative to the values: float32 has no 60 bins in a narrower range

_INK = "#797979"  # equally readable on white and on JupyterLab's dark ground: 4.3:1
_THEME: dict[Any, Any] = {
    "text.color": _INK, "axes.edgecolor": _INK, "axes.labelcolor": _INK, "axes.titlecolor": _INK,
    "xtick.color": _INK, "ytick.color": _INK, "legend.framealpha": 0.0, "axes.facecolor": "none",
    "figure.facecolor": "none", "savefig.facecolor": "none", "grid.color": _INK,
}  # fmt: skip


def picture(
    draw: Callable[[Any], None], *, alt: str, width: float = 5.0, height: float = 2.6
) -> str:
    """Draw a chart and return it as HTML; it has no background, so that it fits light and dark pages.

    Args:
        draw: Draws on matplotlib's axes. Text from users needs `parse_math=False`.
        alt: The alternative text for screen readers: our own words, never text from users.
        width: Width in inches, at 100 dots per inch.
        height: Height in inches.

    Returns:
        An `<img>` element; "" where matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        return ""
    held = io.BytesIO()
    with rc_context(_THEME):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        figure.savefig(held, format="png", dpi=100)
    image = base64.b64encode(held.getvalue()).decode()
    return f'<img alt="{alt}" src="data:image/png;base64,{image}">'


def histogram_range(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Return the lowest and the highest value, apart from each other also if all values are about equal.

    Args:
        values: (n,) finite numbers.

    Example:
        >>> histogram_range(np.array([0.0, 2.0])), histogram_range(np.array([2.0, 2.0]))
        ((0.0, 2.0), (1.5, 2.5))
    """
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    if high - low < _NARROWEST * max(abs(low), abs(high), 1.0):
        middle = (low + high) / 2
        low, high = middle - 0.5, middle + 0.5
    return low, high
