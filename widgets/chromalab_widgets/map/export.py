"""A map without its kernel: a PNG, and one HTML file that needs no network."""

from __future__ import annotations

import base64
import html
import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_png", "label_picture", "page"]

_BACKGROUND = (255, 255, 255)
_FONT, _LINE, _LETTER = (
    13,
    18,
    7.4,
)  # pixels of a label: its font, its height, the width of a letter

# The host side of an anywidget: its state, its events, and the replies that a kernel would give.
_HOST = """
const decode = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const revive = (value) => Array.isArray(value) ? value.map(revive)
  : value && typeof value === "object" ? ("$binary" in value ? decode(value.$binary)
    : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]))) : value;
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const state = revive(read("state")), cards = read("cards"), handlers = new Map();
const emit = (event, ...given) => [...(handlers.get(event) ?? [])].forEach((handler) => handler(...given));
const change = (changes) => {
  Object.assign(state, changes);
  for (const key of Object.keys(changes)) emit(`change:${key}`);
};
const line = ({ row, id, text }) => ({ row, id, text: text.slice(0, 160) });
const answers = {
  item: ({ row }) => cards[row],
  items: (_, [rows]) => ({ items: [...new Uint32Array(rows)].map((row) => line(cards[row])) }),
  search: ({ text }) => {
    const words = text.toLowerCase().split(/\\s+/).filter(Boolean);
    const found = words.length === 0 ? [] : cards.filter((card) => {
      const own = card.text.toLowerCase();
      return words.every((word) => own.includes(word));
    });
    change({ query: text, hits: found.slice(0, 50).map(line), busy: false });
  },
  near: ({ row }) => change({ focus: { ...line(cards[row]), near: [] } }),
  select: (_, [rows]) => change({ selected: new DataView(rows) }),
  unfocus: () => change({ focus: {} }),
  entry: ({ entry }) => {
    const { low, high } = state.legend.entries[entry], codes = new Uint8Array(state.codes.buffer), rows = [];
    codes.forEach((code, row) => { if (low <= code && code <= high) rows.push(row); });
    change({ selected: new DataView(Uint32Array.from(rows).buffer) });
  },
};
const model = {
  get: (key) => state[key],
  set: (key, value) => change({ [key]: value }),
  save_changes: () => {},
  on: (event, handler) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
  off: (event, handler) => handlers.get(event)?.delete(handler),
  send: ({ verb, request, ...fields }, _, buffers = []) => {
    const body = answers[verb]?.(fields, buffers) ?? {};
    if (request !== undefined) queueMicrotask(() => emit("msg:custom", { reply: request, body }, []));
  },
};
const source = new Blob([read("code")], { type: "text/javascript" });
const { default: widget } = await import(URL.createObjectURL(source));
widget.render({ model, el: document.getElementById("map") });
"""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 1200px; margin: 16px auto; padding: 0 12px; font-family: system-ui, sans-serif; }}
{css}
</style>
<body>
<div id="map"></div>
<script type="application/json" id="state">{state}</script>
<script type="application/json" id="cards">{cards}</script>
<script type="application/json" id="code">{code}</script>
<script type="module">{host}</script>
</body>
</html>
"""


def page(
    title: str, state: dict[str, Any], cards: list[dict[str, Any]], *, code: str, css: str
) -> str:
    """Build the HTML page.

    Args:
        title: The title of the page.
        state: The traits, which may contain bytes at any depth.
        cards: The card of each record, by row.
        code: The JavaScript bundle of the widget.
        css: The CSS of the widget.
    """
    return _PAGE.format(
        title=html.escape(title),
        css=css.replace("</", "<\\/"),
        state=_embedded(_plain(state)),
        cards=_embedded(cards),
        code=_embedded(code),
        host=_HOST,
    )


def draw_png(
    coordinates: NDArray[np.float32],
    codes: NDArray[np.uint8],
    palette: list[str],
    *,
    width: int = 760,
    height: int = 520,
    transparent: bool = False,
) -> bytes:
    """Draw one disc per point, later points over earlier ones.

    Args:
        coordinates: (n, 2) float32 from -1 to 1.
        codes: (n,) uint8, indices into the palette.
        palette: At most 255 colors as #rrggbb.
        width: The width in pixels.
        height: The height in pixels.
        transparent: Whether the background is transparent instead of white.

    Returns:
        A PNG with one byte per pixel, as it has no more colors than the palette and the background.
    """
    reach = _reach(len(coordinates))
    image = np.zeros((height, width), dtype=np.uint8)
    if len(coordinates):
        x, y = _pixels(coordinates, coordinates, width, height).T
        around = range(-reach, reach + 1)
        disc = [
            (dx, dy) for dx in around for dy in around if dx * dx + dy * dy <= reach * reach + 1
        ]
        for dx, dy in disc:
            image[y + dy, x + dx] = codes + 1
    colors = [_BACKGROUND, *(_channels(color) for color in palette)]
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row starts with its filter type, 0
    rows[:, 1:] = image
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = {
        b"IHDR": header,
        b"PLTE": bytes(channel for color in colors for channel in color),
        **({b"tRNS": b"\0"} if transparent else {}),  # the opacity of the first color
        b"IDAT": zlib.compress(rows.tobytes()),
        b"IEND": b"",
    }
    chunks = (_chunk(name, data) for name, data in parts.items())
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def label_picture(
    coordinates: NDArray[np.float32], labels: Sequence[Mapping[str, Any]], width: int, height: int
) -> str:
    """Draw the labels of a map as an SVG element to lay over the picture that `draw_png` draws.

    Labels that would overlap an earlier one are left out, as on the map; wide areas come first.
    """
    if not len(labels) or not len(coordinates):
        return ""
    points = np.array([[label["x"], label["y"]] for label in labels], dtype=np.float32)
    places = _pixels(points, coordinates, width, height).tolist()
    wide = any(label["wide"] for label in labels)
    taken: list[tuple[float, float, float, float]] = []
    texts = []
    for label, (x, y) in zip(labels, places, strict=True):
        if wide and not label["wide"]:
            break
        half = len(label["text"]) * _LETTER / 2
        x = min(max(x, half + 4), width - half - 4)
        box = (x - half, y - _LINE / 2, x + half, y + _LINE / 2)
        if any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for other in taken
        ):
            continue
        taken.append(box)
        texts.append(f"<text x='{x:.0f}' y='{y:.0f}'>{html.escape(label['text'])}</text>")
    style = (
        f"font:600 {_FONT}px system-ui,sans-serif;text-anchor:middle;dominant-baseline:middle;"
        "fill:currentColor;stroke:var(--jp-layout-color0,Canvas);stroke-width:3px;paint-order:stroke"
    )
    return (
        f"<svg viewBox='0 0 {width} {height}' aria-hidden='true' style='position:absolute;top:0;left:0;"
        f"width:{width}px;height:{height}px;{style}'>{''.join(texts)}</svg>"
    )


def _reach(count: int) -> int:
    """Return the radius of the points in pixels."""
    return max(1, min(4, round(6 - math.log10(count + 1))))


def _pixels(
    places: NDArray[np.float32], coordinates: NDArray[np.float32], width: int, height: int
) -> NDArray[np.intp]:
    """Return where places are in a picture of the coordinates: columns and rows of pixels."""
    margin = _reach(len(coordinates)) + 6
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    scale = min((width - 2 * margin) / span[0], (height - 2 * margin) / span[1])
    middle = (low + high) / 2
    x = np.rint(width / 2 + (places[:, 0] - middle[0]) * scale)
    y = np.rint(height / 2 - (places[:, 1] - middle[1]) * scale)
    return np.column_stack([x, y]).astype(np.intp)


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$binary": base64.b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _embedded(value: Any) -> str:
    """Encode JSON for a script element, which no text inside may close."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
