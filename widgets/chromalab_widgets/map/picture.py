"""The picture of a map: a PNG with the names of the areas, a legend and a title, drawn by matplotlib."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.arguments.values import check_number
from chromalab_widgets.core.text import cut
from chromalab_widgets.map.colors import Coloring

__all__ = [
    "DARK",
    "LIGHT",
    "NOTEBOOK_WIDTH",
    "Theme",
    "check_sizes",
    "draw_picture",
    "notebook_picture",
]

NOTEBOOK_WIDTH = 760
"""The width in pixels of the picture in a saved notebook."""

_NOTEBOOK_HEIGHT = 520
_NOTEBOOK_POINTS = 200_000  # a larger map is sampled
_POINT = 72 / 100  # points per pixel of the picture at scale 1, which has 100 dots per inch
_MARGIN, _LINE = 20, 18  # pixels: around the picture, and the height of a line of the legend
_LEGEND_SHARE = 0.3  # at most, as a share of the width; the labels are cut to fit
_LEGEND_LETTERS = 38  # in a line, at most
_LETTER = 6.9  # the mean width in pixels of a letter of the legend
_SWATCH = 18  # pixels from the left of the legend to its labels
_REFERENCE = 1000  # the width of the points for which the sizes of names are made
_NAME_WIDTH = 20  # characters after which a name goes on in a second line
_NAME_SIZES = {True: (15.0, 25.0), False: (10.0, 16.0)}  # in pixels, of wide areas and of others
_GAP = 6  # pixels between a place and the name of a small area, which would cover it
_COLORS_KEPT = 250  # in a palette with transparency, which makes the file a quarter as large
# The first font covers Latin, Greek, Cyrillic, Hebrew and Arabic; the others, where they are installed, the
# scripts of East Asia and India.
_FONTS = (
    "DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "Yu Gothic", "Microsoft YaHei",
    "Malgun Gothic", "WenQuanYi Micro Hei", "Noto Sans Devanagari", "Nirmala UI", "Noto Sans Thai",
)  # fmt: skip

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Theme:
    """The colors of everything but the points.

    Attributes:
        background: The color behind the points, or "none".
        ink: The color of names.
        halo: The color around their letters.
        quiet: The color of the title and the legend.
    """

    background: str
    ink: str
    halo: str
    quiet: str


LIGHT = Theme("#ffffff", "#1b1b1b", "#ffffff", "#333333")
DARK = Theme("#111111", "#f2f2f2", "#111111", "#d0d0d0")
# For a notebook of either theme: the gray is equally readable on white and on JupyterLab's dark ground.
_TRANSPARENT = Theme("none", "#1b1b1b", "#ffffff", "#797979")


def check_sizes(width: Any, height: Any, scale: Any) -> None:
    """Raise InvalidArgumentError unless each is a number in its range."""
    check_number("width", width, 200, 10_000)
    check_number("height", height, 200, 10_000)
    check_number("scale", scale, 0.1, 10)


def draw_picture(
    coordinates: NDArray[np.float32],
    coloring: Coloring,
    labels: Sequence[Mapping[str, Any]] = (),
    *,
    title: str = "",
    note: str = "",
    width: int = 1200,
    height: int = 800,
    scale: float = 2.0,
    theme: Theme = LIGHT,
) -> bytes:
    """Draw a map as a PNG.

    Names are larger for larger areas. One that would cover another is moved a little, or else left out.
    Categories that all have a name on the map need no legend.

    Args:
        coordinates: (n, 2) float32.
        coloring: The colors of the points.
        labels: The names on the map, the most important first, as `place_labels` returns them.
        title: The first line; text of users, like the names and the legend, which are drawn as they are.
        note: A line below the title.
        width: The width at scale 1, in pixels.
        height: The height at scale 1, in pixels.
        scale: Dots of the PNG per pixel of `width` and `height`.
        theme: The colors.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, height / 100), dpi=100 * scale)
    figure.set_facecolor(theme.background)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))  # so that positions are pixels from the top left
    axes.set_axis_off()
    pen = _Pen(axes, theme, scale)

    with warnings.catch_warnings():
        # A letter that no installed font has is drawn as a box; matplotlib would warn of each one.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        top = float(_MARGIN)
        for text, size, weight in ((title, 20, "bold"), (note, 12, "normal")):
            if text:
                pen.write(cut(text, int(1.6 * width / size)), _MARGIN, top, size, weight=weight)
                top += round(1.6 * size)
        area: Box = (_MARGIN, top, width - _MARGIN, height - _MARGIN)
        names = _draw_names(pen, labels, coordinates, area)
        if not {entry["label"] for entry in coloring.entries} <= names.keys():
            for text in names.values():
                text.remove()
            area = _draw_legend(pen, coloring, area)
            _draw_names(pen, labels, coordinates, area)
        _draw_points(axes, _fitted(coordinates, coordinates, area), coloring)

        held = io.BytesIO()
        figure.savefig(held, format="png", facecolor=theme.background)
        return _with_palette(held) if theme.background == "none" else held.getvalue()


def notebook_picture(
    coordinates: NDArray[np.float32], coloring: Coloring, labels: Sequence[Mapping[str, Any]]
) -> bytes:
    """Draw the PNG that a saved notebook shows, on the background of the page."""
    if len(coordinates) > _NOTEBOOK_POINTS:
        sample = np.random.default_rng(0).choice(len(coordinates), _NOTEBOOK_POINTS, replace=False)
        rows = np.sort(sample)
        coordinates, coloring = coordinates[rows], replace(coloring, codes=coloring.codes[rows])
    return draw_picture(
        coordinates, coloring, labels,
        width=NOTEBOOK_WIDTH, height=_NOTEBOOK_HEIGHT, theme=_TRANSPARENT,
    )  # fmt: skip


class _Pen:
    """Writes text on the axes of a picture, and measures it."""

    def __init__(self, axes: Any, theme: Theme, scale: float) -> None:
        from matplotlib import font_manager
        from matplotlib.patheffects import withStroke

        self.axes, self.theme, self._scale = axes, theme, scale
        there = set(font_manager.get_font_names())
        self._fonts = [name for name in _FONTS if name in there]
        self._halo = [withStroke(linewidth=4 * _POINT, foreground=theme.halo, alpha=0.85)]

    def write(self, text: str, x: float, y: float, size: float, **style: Any) -> Any:
        """Write text with its top left corner at a place, unless the style says otherwise."""
        style = {"va": "top", "color": self.theme.quiet, **style}
        return self.axes.text(
            x, y, text, fontsize=size * _POINT, fontfamily=self._fonts, parse_math=False, **style
        )

    def name(self, text: str, size: float, *, bold: bool) -> Any:
        """Write the name of an area, which still has to be moved to its place."""
        return self.write(
            text, 0, 0, size, ha="center", va="center", color=self.theme.ink, linespacing=1.1,
            weight="bold" if bold else "normal", path_effects=self._halo, zorder=3,
        )  # fmt: skip

    def measure(self, text: Any) -> tuple[float, float]:
        """Return the width and the height of a text in pixels."""
        extent = text.get_window_extent(self.axes.figure.canvas.get_renderer())
        return extent.width / self._scale, extent.height / self._scale


def _draw_points(axes: Any, at: NDArray[np.float64], coloring: Coloring) -> None:
    """Draw the points in a random order, so that no category covers the others."""
    order = np.random.default_rng(0).permutation(len(at))
    size, opacity = _point_style(len(at))
    colors = np.array([_rgb(color) for color in coloring.palette]).reshape(-1, 3)
    axes.scatter(
        *at[order].T, c=colors[coloring.codes[order]], s=(size * _POINT) ** 2, alpha=opacity,
        linewidths=0, rasterized=True,
    )  # fmt: skip


def _draw_legend(pen: _Pen, coloring: Coloring, area: Box) -> Box:
    """Draw the entries that fit on the right of an area, and return what is left of it."""
    left, top, right, bottom = area
    fitting = int((_LEGEND_SHARE * (right - left) - _SWATCH) / _LETTER)
    letters = min(_LEGEND_LETTERS, max(10, fitting))
    room = int((bottom - top) // _LINE) - 2
    shown = coloring.entries if len(coloring.entries) <= room + 1 else coloring.entries[:room]
    lines = []
    for entry in shown:
        number = f"{entry['count']:,}"
        lines.append(f"{cut(entry['label'], letters - len(number) - 2)}  {number}")
    if more := len(coloring.entries) - len(shown):
        lines.append(f"and {more:,} more")
    heights = [top + (at + 1.4) * _LINE for at in range(len(lines))]
    title = pen.write(cut(coloring.title, letters), 0, top, 13, weight="bold")
    written = [pen.write(line, 0, y, 12) for line, y in zip(lines, heights, strict=True)]
    width = max(pen.measure(text)[0] for text in (title, *written)) + _SWATCH
    title.set_x(right - width)
    for text in written:
        text.set_x(right - width + _SWATCH)
    for entry, y in zip(shown, heights, strict=False):
        pen.axes.plot(
            right - width + 5, y + 7, "o", markersize=9 * _POINT, markeredgewidth=0,
            color=coloring.palette[(entry["low"] + entry["high"]) // 2],
        )  # fmt: skip
    return left, top, right - width - _MARGIN, bottom


def _draw_names(
    pen: _Pen,
    labels: Sequence[Mapping[str, Any]],
    coordinates: NDArray[np.float32],
    area: Box,
) -> dict[str, Any]:
    """Draw the names for which there is room, the first of them first, and return their texts."""
    if not len(labels) or not len(coordinates):
        return {}
    places = np.array([[label["x"], label["y"]] for label in labels], dtype=np.float32)
    largest = {
        wide: max((one["count"] for one in labels if one.get("wide", False) == wide), default=0)
        for wide in (True, False)
    }
    zoom = math.sqrt((area[2] - area[0]) / _REFERENCE)
    taken: list[Box] = []
    names = {}
    for label, (x, y) in zip(labels, _fitted(places, coordinates, area).tolist(), strict=True):
        wide = label.get("wide", False)
        low, high = _NAME_SIZES[wide]
        size = zoom * (low + (high - low) * math.sqrt(label["count"] / largest[wide]))
        text = pen.name(_wrapped(label["text"]), size, bold=wide or not largest[True])
        half = [length / 2 + 2 for length in pen.measure(text)]
        away = half[1] + _GAP
        box = _free(x, y, half, (0.0, -away, away) if wide else (-away, away, 0.0), area, taken)
        if box is None:
            text.remove()
            continue
        taken.append(box)
        text.set_position(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
        names[label["text"]] = text
    return names


def _wrapped(name: str) -> str:
    """Break a name into lines, between its words or after an underscore."""
    lines = textwrap.wrap(name.replace("_", "_ "), _NAME_WIDTH, break_long_words=False)
    return "\n".join(line.replace("_ ", "_") for line in lines) or name


def _free(
    x: float, y: float, half: list[float], shifts: Sequence[float], area: Box, taken: list[Box]
) -> Box | None:
    """Return a box at a place, or above or below it, that overlaps no other; None if there is none."""
    across, down = half
    for shift in shifts:
        left = min(max(x - across, area[0]), area[2] - 2 * across)
        top = min(max(y + shift - down, area[1]), area[3] - 2 * down)
        box = (left, top, left + 2 * across, top + 2 * down)
        if all(
            box[0] >= other[2] or other[0] >= box[2] or box[1] >= other[3] or other[1] >= box[3]
            for other in taken
        ):
            return box
    return None


def _fitted(
    places: NDArray[np.float32], coordinates: NDArray[np.float32], area: Box
) -> NDArray[np.float64]:
    """Return the pixels of places, if the coordinates fill an area."""
    if not len(coordinates):
        return np.zeros((0, 2))
    low, high = coordinates.min(axis=0).astype(float), coordinates.max(axis=0).astype(float)
    size = np.array([area[2] - area[0], area[3] - area[1]]) - 12
    scale = float((size / np.maximum(high - low, 1e-9)).min())
    middle = np.array([area[0] + area[2], area[1] + area[3]]) / 2
    away: NDArray[np.float64] = (places - (low + high) / 2) * scale
    return middle + away * [1, -1]


def _point_style(count: int) -> tuple[float, float]:
    """Return the diameter in pixels and the opacity of points, as the widget draws them (scene.ts)."""
    for most, style in ((2_000, (7.0, 0.9)), (20_000, (4.5, 0.8)), (200_000, (2.6, 0.65))):
        if count <= most:
            return style
    return 1.6, 0.45


def _rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))


def _with_palette(png: io.BytesIO) -> bytes:
    """Return a PNG with a palette, for the output of a notebook, which holds it twice."""
    from PIL import Image  # matplotlib requires it

    held = io.BytesIO()
    with Image.open(png) as picture:
        quantized = picture.convert("RGBA").quantize(_COLORS_KEPT, Image.Quantize.FASTOCTREE)
        quantized.save(held, "PNG", optimize=True)
    return held.getvalue()
