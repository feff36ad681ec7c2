"""Small pictures in results, by matplotlib where it is installed; without it there are none."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

__all__ = ["picture"]


def picture(
    draw: Callable[[Any], None], *, alt: str, width: float = 5.0, height: float = 2.6
) -> str:
    """Draw a picture as HTML.

    Args:
        draw: Draws on matplotlib's axes. Texts of users need `parse_math=False`.
        alt: What it shows, for those who do not see it: our own words, no text of users.
        width: In inches, of 100 dots.
        height: The same.

    Returns:
        An `<img>`; "" where matplotlib is not installed.
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
