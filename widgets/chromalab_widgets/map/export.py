"""What a map is exported as: one HTML file that needs no kernel and no network, or a data frame."""

from __future__ import annotations

import html
import json
from typing import Any

from chromalab.results.tables import data_frame
from chromalab_widgets.core.binary import encode
from chromalab_widgets.map.colors import Coloring
from chromalab_widgets.map.layout import Layout
from chromalab_widgets.map.records import Records

__all__ = ["frame", "page"]

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


def frame(layout: Layout, coloring: Coloring, records: Records) -> Any:
    """Return a data frame with one row per record: `id`, `x`, `y`, `color` (the legend's label), `text`."""
    entry = {
        code: one["label"]
        for one in coloring.entries
        for code in range(one["low"], one["high"] + 1)
    }
    points = zip(layout.snapshot.ids, layout.coordinates, coloring.codes.tolist(), strict=True)
    rows = [
        [id, float(x), float(y), entry.get(code), records.text(row)]
        for row, (id, (x, y), code) in enumerate(points)
    ]
    return data_frame(rows, ["id", "x", "y", "color", "text"])


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
        state=_embedded(encode(state)),
        cards=_embedded(cards),
        code=_embedded(code),
        host=_HOST,
    )


def _embedded(value: Any) -> str:
    """Encode JSON for a script element, which no text inside may close."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
