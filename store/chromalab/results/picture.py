"""Small charts in results, drawn by matplotlib where it is installed and left out where it is not."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

__all__ = ["picture"]


def picture(
    draw: Callable[[Any], None], *, alt: str, width: float = 5.0, height: float = 2.6
) -> str:
    """Draw a chart and return it as HTML.

    Args:
        draw: Draws on matplotlib's axes. Text from users needs `parse_math=False`.
        alt: The alternative text for screen readers: our own words, never text from users.
        width: Width in inches, at 100 dots per inch.
        height: Height in inches.

    Returns:
        An `<img>` element; "" where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return ""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=100)
    image = base64.b64encode(held.getvalue()).decode()
    return f'<img alt="{alt}" src="data:image/png;base64,{image}">'
