"""`Map`: the records of a collection as points, to explore, search, and select from."""

from __future__ import annotations

import base64
import html
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets

from chromalab.analytics import Duplicates, Outliers
from chromalab.errors import InvalidArgumentError, MissingDependencyError, short
from chromalab.results.tables import count, cut, data_frame, html_block
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.core.fields import text, whole
from chromalab_widgets.core.selection import SelectingWidget
from chromalab_widgets.core.widget import Reply, Verb
from chromalab_widgets.map.colors import Values
from chromalab_widgets.map.density import contours
from chromalab_widgets.map.export import draw_png, label_picture, page
from chromalab_widgets.map.labels import naming_of
from chromalab_widgets.map.layout import layout_of, most_moved, moved_onto
from chromalab_widgets.map.records import Records

__all__ = ["Map"]

_FOUND = 50  # records that a search highlights
_NEAR = 12
_MOVED = 20
_LISTED = 200
_ROW = whole(0, 2**32 - 1)
_GENERATION = whole(0, 2**53)
_SAVED = (
    "collection_name", "count", "generation", "points", "codes", "legend", "color_by", "hidden", "labels",
    "contours", "density", "groups", "outliers", "query", "hits", "moved", "status", "height",
)  # fmt: skip
_DRAWN = 200_000  # points in the picture of a saved notebook; a larger map is sampled
_WIDTH, _HEIGHT = 760, 520  # the size of that picture in pixels
_LEGEND_SHOWN = 40  # entries below it
_METHODS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA", "pacmap": "PaCMAP"}


def _binary(help: str) -> Any:
    return traitlets.Bytes(help=help).tag(sync=True)


class Map(SelectingWidget):
    """Show the records as points on a map, where similar records are close to each other.

    Drag to move, scroll to zoom, click a point to see its true neighbors, press L or hold Alt and drag to
    lasso. The selected records are `collection.selection`.

    Args:
        collection: A collection, a snapshot, or (n, dimension) numbers.
        projection: A result of `project`, the name of its method, or (n, 2) numbers. If None,
            `collection.project()` is used.
        color: What the colors show; by default, the labels. It may be a metadata field;
            "neighbor_recall", the share of each record's 15 nearest neighbors that are among its 15 nearest
            on the map; a result with one value per record, such as clusters; or one value per record.
        labels: Names to write on the map. They may be topics; clusters, which are then named, and also
            merged into ten wide areas if there are more than twenty; a metadata field; one name per
            record; or True for `collection.cluster()`.
        text: The metadata field to show in place of the documents.
        duplicates: A result of `dedupe`; each group is outlined.
        outliers: A result of `outliers`; each outlier gets a ring.
        density: Whether to show density contours; a button on the map changes it.
        height: The height in CSS pixels.

    Attributes:
        selection: `collection.selection`.
        hidden: The numbers of the legend entries that are switched off.
        hits: The results of the last search, nearest first: `row`, `id`, `text`, `distance`.
        focus: The record that was clicked, with its nearest neighbors as `near`.
        moved: After `update`, the records that moved furthest, with the `distance` on the map.

    Example:
        In a notebook::

            map = papers.map(color="year", labels=papers.cluster().topics(), text="abstract")
            map                                    # the last line of a cell displays it
            papers.selection.df()                  # the records that were lassoed
            map.update(papers.project("tsne"))     # the points move to their new coordinates
    """

    _esm = bundle("map.js")
    _css = bundle("map.css")

    verbs: ClassVar[Mapping[str, Verb]] = {
        "select": Verb("_select_rows", quiet=True, buffers=True, generation=_GENERATION),
        "item": Verb("_item", quiet=True, row=_ROW, generation=_GENERATION),
        "items": Verb("_items", quiet=True, buffers=True, generation=_GENERATION),
        "search": Verb("search", text=text(blank=True), called={"text": "The text to search for"}),
        "near": Verb("_near_row", row=_ROW, generation=_GENERATION),
        "unfocus": Verb("_unfocus", quiet=True),
        "color": Verb("_recolor", by=text(1000, blank=True)),
        "entry": Verb("_entry", entry=whole(0, 255)),
    }

    writable = frozenset({"density", "hidden"})

    collection_name = traitlets.Unicode().tag(sync=True)
    count = traitlets.Int(help="The number of points.").tag(sync=True)
    generation = traitlets.Int(
        help="Increases when the points move; requests about rows include it."
    ).tag(sync=True)
    points = _binary("float32: all x, then all y, from -1 to 1.")
    codes = _binary("uint8: the color of each point, an index into the legend's palette.")
    legend = traitlets.Dict(help="title, kind, palette, entries.").tag(sync=True)
    color_by = traitlets.Unicode(help="What the colors show, or empty.").tag(sync=True)
    color_choices: Any = traitlets.List(help="What the colors can show.").tag(sync=True)
    hidden = traitlets.List(
        traitlets.Int(min=0, max=255), maxlen=256, help="The legend entries that are switched off."
    ).tag(sync=True)
    selected = _binary("uint32: the selected rows.")
    labels: Any = traitlets.List(help="text, x, y, count of each label.").tag(sync=True)
    contours: Any = traitlets.List(help="level and lines of each contour.").tag(sync=True)
    density = traitlets.Bool(help="Whether contours are shown.").tag(sync=True)
    groups = _binary("uint32: for each group of duplicates, its size and its rows.")
    outliers = _binary("uint32: the rows of outliers.")
    query = traitlets.Unicode(help="The text that `hits` are the results of.").tag(sync=True)
    hits: Any = traitlets.List(help="The results of the last search.").tag(sync=True)
    focus = traitlets.Dict(help="A record with its nearest neighbors, or empty.").tag(sync=True)
    moved: Any = traitlets.List(help="The records that moved furthest.").tag(sync=True)
    can_search = traitlets.Bool().tag(sync=True)
    status = traitlets.Unicode(help="One line about the map.").tag(sync=True)
    height = traitlets.Int(520, min=200).tag(sync=True)

    def __init__(
        self,
        collection: Any,
        projection: Any = None,
        *,
        color: Any = None,
        labels: Any = None,
        text: str | None = None,
        duplicates: Duplicates | None = None,
        outliers: Outliers | None = None,
        density: bool = False,
        height: int = 520,
    ) -> None:
        if not isinstance(duplicates, Duplicates | None):
            raise InvalidArgumentError(
                f"duplicates must be a result of dedupe(); got {short(duplicates)}."
            )
        if not isinstance(outliers, Outliers | None):
            raise InvalidArgumentError(
                f"outliers must be a result of outliers(); got {short(outliers)}."
            )
        self.collection = collection
        self._layout = layout_of(collection, projection)
        snapshot = self._layout.snapshot
        self._text = text
        self._picked: bytes | None = None  # the rows of a selection that the browser is making
        self._records = Records(snapshot, collection, text)
        self._values = Values(self._layout)
        self._naming = naming_of(labels, collection, snapshot)
        super().__init__(
            collection,
            collection_name=str(getattr(collection, "name", "") or snapshot.name or "array"),
            can_search=self._records.can_search,
            density=density,
            height=height,
        )
        self._outliers, self._duplicates = outliers, duplicates
        with self.hold_sync():
            self._send_layout()
            self.recolor(self._default_color() if color is None else color)
            self._selection_changed()

    def recolor(self, by: Any = None) -> None:
        """Change what the colors show; the coordinates are not sent again.

        Args:
            by: Anything that `color` accepts; None for a single color.

        Raises:
            InvalidArgumentError: There is no such name, or not one value per record.
        """
        with self.working():
            self._coloring = self._values.coloring(by or None if isinstance(by, str) else by)
            self.codes = self._coloring.codes.tobytes()
            self.legend, self.color_by = self._coloring.legend(), self._coloring.title
            self.hidden, self.color_choices = [], self._values.names()

    def update(self, projection: Any = None, *, labels: Any = None) -> None:
        """Move the points to another projection, such as one made after tuning.

        The new projection is rotated and scaled so that the points move as little as possible; `moved`
        lists those that moved most.

        Args:
            projection: Anything that a new map accepts.
            labels: New labels, as for a new map; if None, the labels stay the same.

        Raises:
            InvalidArgumentError: The projection is not valid; the map does not change.
        """
        with self.working():
            earlier = self._layout
            layout = moved_onto(layout_of(self.collection, projection), earlier)
            snapshot = layout.snapshot
            naming = naming_of(labels, self.collection, snapshot)
            if naming is None and self._naming is not None:
                naming = self._naming.of(snapshot.ids)
            self._layout, self._naming = layout, naming
            self._records = Records(snapshot, self.collection, self._text)
            self._values = self._values.moved(layout)
            self.hits, self.query, self.focus = [], "", {}
            self._send_layout()
            known = self.color_by in self._values.names()
            self.recolor(self.color_by if known and labels is None else self._default_color())
            self._selection_changed()
            self.moved = [
                self._records.line(row, distance=far)
                for row, far in most_moved(layout, earlier, _MOVED)
            ]

    def search(self, text: str) -> list[dict[str, Any]]:
        """Highlight the records nearest to a text, as typing it in the search box does.

        Args:
            text: The query; an empty one ends the search.

        Returns:
            `hits`: at most 50 records, nearest first.

        Raises:
            InvalidArgumentError: The collection cannot embed texts.
        """
        with self.working():
            self.query, self.focus = text.strip(), {}
            self.hits = []
            self.hits = self._records.search(self.query, _FOUND) if self.query else []
            return list(self.hits)

    def neighbors_of(self, id: str) -> list[dict[str, Any]]:
        """Draw lines to the true neighbors of a record, as a click on it does.

        Raises:
            InvalidArgumentError: The record is not on the map.
        """
        self._near(self._layout.snapshot.row_of(id))
        return list(self.focus["near"])

    def to_png(
        self, path: str | os.PathLike[str] | None = None, *, width: int = 1200, height: int = 800
    ) -> bytes:
        """Draw all points, without labels, as a PNG.

        Args:
            path: A file to write the PNG to; None writes no file.
            width: The width in pixels.
            height: The height in pixels.

        Returns:
            The bytes of the PNG.
        """
        drawn = self._picture(self.count, width, height)
        if path is not None:
            Path(path).write_bytes(drawn)
        return drawn

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the map as one HTML file that works without a kernel or a network.

        Neighbors and search by meaning need the kernel and are not included; the search box finds words
        instead. The file contains the documents, cut to 700 characters.

        Args:
            path: The file to write.

        Returns:
            The path.
        """
        state = {name: getattr(self, name) for name in _SAVED}
        state |= {
            "selected": self.selected, "focus": {}, "color_choices": [], "can_search": True,
            "error": "", "busy": False,
        }  # fmt: skip
        cards = [self._records.card(row) for row in range(self.count)]
        code, css = (bundle(f"map.{kind}").read_text("utf-8") for kind in ("js", "css"))
        written = Path(path)
        title = f"Map of {self.collection_name}"
        written.write_text(page(title, state, cards, code=code, css=css), "utf-8")
        return written

    def to_jscatter(self, **options: Any) -> Any:
        """Create a `jscatter.Scatter` of the points with their colors and texts.

        Args:
            options: Options for `jscatter.Scatter`.

        Raises:
            MissingDependencyError: jupyter-scatter is not installed.
        """
        try:
            import jscatter
        except ImportError as error:
            raise MissingDependencyError(
                f"to_jscatter() needs jupyter-scatter ({error}). Run pip install jupyter-scatter."
            ) from error
        given = {"data": self._frame(), "x": "x", "y": "y", **options}
        if self._coloring.kind != "none":
            given.setdefault("color_by", "color")
        return jscatter.Scatter(**given)

    def to_embedding_atlas(self, **options: Any) -> Any:
        """Create an `EmbeddingAtlasWidget` of the points with their colors and texts.

        Args:
            options: Options for `EmbeddingAtlasWidget`.

        Raises:
            MissingDependencyError: embedding-atlas is not installed.
        """
        try:
            from embedding_atlas.widget import EmbeddingAtlasWidget
        except ImportError as error:
            raise MissingDependencyError(
                f"to_embedding_atlas() needs embedding-atlas ({error}). Run pip install embedding-atlas."
            ) from error
        return EmbeddingAtlasWidget(self._frame(), x="x", y="y", text="text", **options)

    def _send_layout(self) -> None:
        """Send the coordinates and everything that depends on them."""
        layout = self._layout
        self.generation += 1
        self.count, self.points = len(layout.snapshot), layout.points()
        self.labels = [] if self._naming is None else self._naming.placed(layout.coordinates)
        self.contours = contours(layout.coordinates)
        groups = [] if self._duplicates is None else self._groups(self._duplicates)
        self.groups = np.array(groups, dtype=np.uint32).tobytes()
        ids = [] if self._outliers is None else self._outliers.outlier_ids
        self.outliers = self._records.rows(ids).tobytes()
        self.status = self._summary()

    def _default_color(self) -> Any:
        """Return what to color by if no color is given."""
        by = None if self._naming is None else self._naming.color
        if isinstance(by, list):  # bare names
            self._values.coloring(by, "label")
            return "label"
        return by

    def _groups(self, duplicates: Duplicates) -> list[int]:
        ids, flat = duplicates.snapshot.ids, []
        for group in duplicates.rows:
            rows = self._records.rows([ids[row] for row in group]).tolist()
            if len(rows) > 1:
                flat += [len(rows), *rows]
        return flat

    def _summary(self) -> str:
        projection = self._layout.projection
        records = count(self.count, "record")
        if projection is None:
            return records
        about = f"{_METHODS.get(projection.method, projection.method)} of {records}"
        if self.count <= 16:  # all the other records are its 15 nearest
            return about
        recall = f"{projection.neighbor_recall:.2f}".removeprefix("0")
        return f"{about}, neighbor recall@15 {recall}"

    def _selection_changed(self) -> None:
        picked, self._picked = self._picked, None
        self.selected = self._records.rows(self.selection).tobytes() if picked is None else picked

    def _select_rows(self, generation: int, buffers: Sequence[bytes]) -> None:
        rows = self._rows(generation, buffers, self.count)
        once = list(dict.fromkeys(rows))
        self._picked = np.array(once, dtype=np.uint32).tobytes()
        try:
            self._select([self._layout.snapshot.ids[row] for row in once])
        finally:
            self._picked = None
        self.error = ""

    def _rows(self, generation: int, buffers: Sequence[bytes], most: int) -> list[int]:
        """Read the rows that the browser sends as one buffer of uint32.

        Raises:
            InvalidArgumentError: There are no such rows, or the points have moved since it drew them.
        """
        if generation != self.generation:
            raise InvalidArgumentError("The points have moved since. Try again.")
        if len(buffers) != 1 or len(buffers[0]) > 4 * most or len(buffers[0]) % 4:
            raise InvalidArgumentError(f"Rows must be one buffer of at most {most:,} uint32.")
        rows = np.frombuffer(buffers[0], dtype=np.uint32)
        if len(rows) and rows.max() >= self.count:
            raise InvalidArgumentError(
                f"A row must be less than {self.count:,}, the number of points; got {rows.max():,}."
            )
        found: list[int] = rows.tolist()
        return found

    def _row(self, row: int, generation: int) -> int:
        (found,) = self._rows(generation, [row.to_bytes(4, sys.byteorder)], 1)
        return found

    def _item(self, row: int, generation: int) -> Reply:
        return Reply(self._records.card(self._row(row, generation)))

    def _items(self, generation: int, buffers: Sequence[bytes]) -> Reply:
        rows = self._rows(generation, buffers, _LISTED)
        return Reply({"items": [self._records.line(row) for row in rows]})

    def _near_row(self, row: int, generation: int) -> None:
        self._near(self._row(row, generation))

    def _near(self, row: int) -> None:
        with self.working():
            near = self._records.near(row, _NEAR)
            self.focus = self._records.line(row, near=near)

    def _unfocus(self) -> None:
        self.focus = {}

    def _recolor(self, by: str) -> None:
        self.recolor(by)

    def _entry(self, entry: int) -> None:
        """Select the records of an entry of the legend."""
        coloring, ids = self._coloring, self._layout.snapshot.ids
        if entry >= len(coloring.entries):
            raise InvalidArgumentError(
                f"The legend entry must be less than {len(coloring.entries)}, the number of entries; "
                f"got {entry}."
            )
        rows, where = coloring.rows(entry).tolist(), None
        if entry < len(coloring.values) and self._values.is_key(coloring.title):
            value = self._layout.snapshot.column(coloring.title)[rows[0]]
            if isinstance(value, str | int | float):  # no filter can match a whole list
                where = {coloring.title: value}
        self._select([ids[row] for row in rows], where=where)

    def _frame(self) -> Any:
        entry = {
            code: one["label"]
            for one in self._coloring.entries
            for code in range(one["low"], one["high"] + 1)
        }
        rows = [
            [id, float(x), float(y), entry.get(code), self._records.text(row)]
            for row, (id, (x, y), code) in enumerate(
                zip(
                    self._layout.snapshot.ids,
                    self._layout.coordinates,
                    self._coloring.codes.tolist(),
                    strict=True,
                )
            )
        ]
        return data_frame(rows, ["id", "x", "y", "color", "text"])

    def _picture(
        self, most: int, width: int = _WIDTH, height: int = _HEIGHT, *, transparent: bool = False
    ) -> bytes:
        coordinates, coloring = self._layout.coordinates, self._coloring
        rows = np.arange(len(coordinates))
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(0).choice(len(rows), most, replace=False))
        return draw_png(
            coordinates[rows], coloring.codes[rows], coloring.palette,
            width=width, height=height, transparent=transparent,
        )  # fmt: skip

    def _static_png(self) -> bytes:
        return self._picture(_DRAWN, transparent=True)

    def _static_html(self) -> str:
        encoded = base64.b64encode(self._static_png()).decode("ascii")
        name = html.escape(f"Map of {self.collection_name}: {self.status}", quote=True)
        drawn = f"<img alt='{name}' width='{_WIDTH}' src='data:image/png;base64,{encoded}'>"
        named = label_picture(self._layout.coordinates, self.labels, _WIDTH, _HEIGHT)
        note = html.escape(f"{self.status}. Run the cell to use it.")
        picture = f"<div style='position:relative;width:{_WIDTH}px'>{drawn}{named}</div>"
        return html_block(f"{picture}{self._static_legend()}<p>{note}</p>")

    def _static_legend(self) -> str:
        """Return the legend on a few lines: a colored square, the label and the number of each entry."""
        legend = self._coloring
        if not legend.entries:
            return ""
        shown = [
            "<span style='white-space:nowrap;margin-right:14px'>"
            f"<span style='color:{legend.palette[(entry['low'] + entry['high']) // 2]}'>■</span> "
            f"{html.escape(entry['label'])} <small>{entry['count']:,}</small></span> "
            for entry in legend.entries[:_LEGEND_SHOWN]
        ]
        more = cut(len(shown), len(legend.entries))
        title = html.escape(legend.title)
        return f"<p style='max-width:{_WIDTH}px'><b>{title}</b>: {''.join(shown)}{more}</p>"

    def __repr__(self) -> str:
        color = f", color={self.color_by!r}" if self.color_by else ""
        selected = f", {len(self.selected) // 4:,} selected" if self.selected else ""
        return f"Map({self.collection_name!r}, {count(self.count, 'record')}{color}{selected})"
