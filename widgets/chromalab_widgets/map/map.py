"""`Map`: the records of a collection as points, to explore, search, and select from.

The module has over 600 lines because requests of the browser, calls from Python, and the thread that
computes the layout all change the same traits, under one lock.
"""

from __future__ import annotations

import base64
import html
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets
from numpy.typing import NDArray

from chromalab.analytics import Duplicates, Outliers, Projection, Result
from chromalab.analytics.project.projector import MapOptions
from chromalab.arguments.values import check_show
from chromalab.errors import InvalidArgumentError, MissingDependencyError, short
from chromalab.results.tables import count, html_block
from chromalab.snapshot import Snapshot
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.core.fields import text, whole
from chromalab_widgets.core.selection_bar import SELECTION_VERBS, ActingWidget
from chromalab_widgets.core.text import sentence
from chromalab_widgets.core.widget import Reply, Verb
from chromalab_widgets.map.colors import NEIGHBOR_RECALL, Values
from chromalab_widgets.map.density import contours
from chromalab_widgets.map.export import frame, page
from chromalab_widgets.map.labels import Naming, naming_of
from chromalab_widgets.map.layout import (
    METHODS,
    Layout,
    first_layout,
    layout_of,
    most_moved,
    moved_onto,
    read_again,
    scaled,
)
from chromalab_widgets.map.layout_thread import LayoutThread, someone_is_watching
from chromalab_widgets.map.picture import (
    DARK,
    LIGHT,
    NOTEBOOK_WIDTH,
    check_sizes,
    draw_picture,
    notebook_picture,
)
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
_BY_LABELS = object()  # the default of what the colors show
_AT_ONCE = 0.3  # seconds that a call waits for a layout, as it takes no longer if it is cached


def _binary(help: str) -> Any:
    return traitlets.Bytes(help=help).tag(sync=True)


class Map(ActingWidget):
    """Show the records as points on a map, where similar records are close to each other.

    Drag to move, scroll to zoom, click a point to see its true neighbors, press L or hold Alt and drag to
    lasso. The selected records are `collection.selection`.

    In a notebook, the call returns at once: the map shows principal components, and then moves to the
    layout while that is computed. What needs the layout, such as `projection` and `to_png`, waits for it. In
    scripts, and where a notebook is run as a batch (`nbconvert --execute`), the call itself waits.

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
        show: The metadata fields that cards show, or "all"; by default, the most useful ones.

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
        "stop": Verb("_stop", quiet=True),
        **SELECTION_VERBS,
    }

    writable = ActingWidget.writable | {"density", "hidden"}

    _thread: LayoutThread | None = None  # while the layout is being computed

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
    computing = traitlets.Bool(help="Whether the layout is still being computed.").tag(sync=True)
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
        show: Sequence[str] | str | None = None,
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
        name = projection if isinstance(projection, str) else "umap"
        self._method = METHODS.get(name, name)  # what is computed, unless coordinates are given
        self._named: Naming | None = None  # what the thread has named
        self._failure: BaseException | None = None
        self._has_picture = True  # whether the static version shows the points yet
        computed = (projection is None or isinstance(projection, str)) and someone_is_watching()
        if computed:
            MapOptions(method=name)  # raises here, not in the thread, if there is no such method
            self._layout = first_layout(Snapshot.of(collection))
        else:
            self._layout = layout_of(collection, projection)
        snapshot = self._layout.snapshot
        self._text, self._show = text, check_show(show)
        self._picked: bytes | None = None  # the rows of a selection that the browser is making
        self._records = Records(snapshot, collection, text, self._show)
        self._values = Values(self._layout)
        # Clusters are computed, and named, in the thread as well.
        named_later = computed and (labels is True or isinstance(labels, Result))
        self._naming = None if named_later else naming_of(labels, collection, snapshot)
        self._color = _BY_LABELS if color is None else color
        super().__init__(
            collection,
            collection_name=str(getattr(collection, "name", "") or snapshot.name or "array"),
            can_search=self._records.can_search,
            density=density,
            height=height,
            computing=computed,
        )
        self._outliers, self._duplicates = outliers, duplicates
        with self.hold_sync():
            self.generation += 1
            self._send_layout()
            self._paint()
            self._selection_changed()
        if computed:
            self._start(projection or "umap", labels if named_later else None)

    @property
    def projection(self) -> Projection | None:
        """The projection that the map shows, once it is computed; None for bare coordinates."""
        self._wait()
        return self._layout.projection

    def close(self) -> None:
        """Remove the widget, and end its computation; the selection remains."""
        self._abandon()
        super().close()

    def recolor(self, by: Any = None) -> None:
        """Change what the colors show; the coordinates are not sent again.

        Args:
            by: Anything that `color` accepts; None for a single color.

        Raises:
            InvalidArgumentError: There is no such name, or not one value per record.
        """
        if self._needs_layout(by):
            self._wait()
        with self.working():
            before, self._color = self._color, by
            try:
                self._paint()
            except BaseException:
                self._color = before
                raise

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
        self._abandon()
        with self.working():
            earlier = self._layout
            layout = moved_onto(layout_of(self.collection, projection), earlier)
            snapshot = layout.snapshot
            naming = naming_of(labels, self.collection, snapshot)
            if naming is None and self._naming is not None:
                naming = self._naming.of(snapshot.ids)
            self._layout, self._naming = layout, naming
            self._records = Records(snapshot, self.collection, self._text, self._show)
            self._values = self._values.moved(layout)
            self.hits, self.query, self.focus = [], "", {}
            self.generation += 1
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
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str | None = None,
        width: int = 1200,
        height: int = 800,
        scale: float = 2.0,
        dark: bool = False,
    ) -> bytes:
        """Draw the whole map as a PNG, with the names of the areas, a legend and a title.

        Args:
            path: A file to write the PNG to; None writes no file.
            title: The title; by default, the name of the collection. "" draws none.
            width: The width in pixels, for which the sizes of text and points are made.
            height: The height in pixels.
            scale: How many dots the PNG has for each of these pixels, per side.
            dark: Whether the background is dark.

        Returns:
            The bytes of the PNG.

        Raises:
            InvalidArgumentError: A size is not a number in its range.
        """
        check_sizes(width, height, scale)
        self._wait()
        drawn = draw_picture(
            self._layout.coordinates, self._coloring, self.labels,
            title=self.collection_name if title is None else title, note="" if title == "" else self.status,
            width=int(width), height=int(height), scale=scale, theme=DARK if dark else LIGHT,
        )  # fmt: skip
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
        self._wait()
        state = {name: getattr(self, name) for name in _SAVED}
        state |= {
            "selected": self.selected, "focus": {}, "color_choices": [], "can_search": True,
            "can_act": False, "selection_changes": 0, "error": "", "busy": False, "computing": False,
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

    def _start(self, method: str, labels: Any) -> None:
        """Compute the layout, and the names that `labels` still needs, in a thread."""
        snapshot = self._layout.snapshot

        def compute(on_frame: Callable[[NDArray[np.float32], int, int], None]) -> Layout:
            if labels is not None:
                self._named = naming_of(labels, self.collection, snapshot)
            return layout_of(snapshot, method, {"progress": False, "on_frame": on_frame})

        def show(coordinates: NDArray[np.float32], done: int, total: int) -> None:
            with self.hold_sync():
                self.points = scaled(coordinates).T.tobytes()
                records = count(self.count, "record")
                self.status = f"{self._method} of {records}, epoch {done:,} of {total:,}"
                if self._naming is None and self._named is not None:
                    self._naming = self._named
                    self._paint()

        def ended() -> None:
            self._settle()
            self._has_picture = True
            self._update_static()

        thread = LayoutThread(compute, show=show, ended=ended, lock=self._lock)
        self._thread = thread
        if thread.wait(_AT_ONCE):
            self._settle()

    def _settle(self) -> None:
        """Show the computed layout, or why there is none."""
        with self._lock, self.hold_sync():
            thread = self._thread
            if thread is None or not thread.done:
                return
            self._thread, self.computing = None, False
            try:
                self._layout = thread.result()
                self._naming = self._named or self._naming
                self._values = self._values.moved(self._layout, keeps_colors=False)
                self._send_layout()
                self._paint()
            except BaseException as problem:  # it is raised where the layout is asked for
                self._failure, self.error = problem, sentence(problem)
                self.status = self._summary()

    def _wait(self) -> None:
        """Wait until the layout is computed; raise what the computation raised."""
        thread = self._thread
        if thread is not None:
            thread.result()
            self._settle()
        if self._failure is not None:
            raise self._failure

    def _abandon(self) -> None:
        """End the computation without its layout."""
        thread, self._thread, self.computing, self._failure = self._thread, None, False, None
        if thread is not None:
            thread.abandon()

    def _stop(self) -> None:
        """Leave the map as it is at this moment of the computation."""
        if self._thread is not None:
            self._thread.stop()

    def _records_written(self) -> None:
        """Show the records as they are now, where they were, without those that are gone."""
        self._wait()  # what is being computed has the records of before
        with self.working():
            layout = read_again(self._layout, self.collection)
            self._records = Records(layout.snapshot, self.collection, self._text, self._show)
            self._naming = self._naming and self._naming.of(layout.snapshot.ids)
            if len(layout.snapshot) != self.count:
                self._layout = layout
                self.hits, self.query, self.focus, self.moved = [], "", {}, []
                self._send_layout()
            self._layout, hidden = layout, self.hidden
            self._values = self._values.moved(layout)
            self.recolor(self.color_by if self.color_by in self._values.names() else None)
            self.hidden = [entry for entry in hidden if entry < len(self.legend["entries"])]
            self._selection_changed()

    def _send_layout(self) -> None:
        """Send the coordinates and everything that depends on them."""
        layout = self._layout
        self.count, self.points = len(layout.snapshot), layout.points()
        # While points move, names would stay behind.
        named = None if self.computing else self._naming
        self.labels = [] if named is None else named.placed(layout.coordinates)
        self.contours = contours(layout.coordinates)
        groups = [] if self._duplicates is None else self._records.groups(self._duplicates)
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

    def _paint(self) -> None:
        """Send the colors, and what they can show; what needs the layout is shown once it is computed."""
        by = self._default_color() if self._color is _BY_LABELS else self._color
        if (isinstance(by, str) and by == "") or self._needs_layout(by):
            by = None
        self._coloring = self._values.coloring(by)
        self.codes = self._coloring.codes.tobytes()
        self.legend, self.color_by = self._coloring.legend(), self._coloring.title
        names = self._values.names()
        self.hidden, self.color_choices = [], [by for by in names if not self._needs_layout(by)]

    def _needs_layout(self, by: Any) -> bool:
        recall = isinstance(by, str) and by == NEIGHBOR_RECALL and not self._values.is_key(by)
        return recall and self.computing

    def _summary(self) -> str:
        if not (self.count and self.computing):
            return self._layout.summary()
        about = f"PCA of {count(self.count, 'record')}"
        return about if self._method == "PCA" else f"{about}, until {self._method} is computed"

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
        return self._records.sent(buffers, most)

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
        return frame(self._layout, self._coloring, self._records)

    def _ipython_display_(self) -> None:
        # The picture follows where it can, because drawing it takes longer than the widget does.
        self._has_picture = not someone_is_watching()
        super()._ipython_display_()
        if not self._has_picture:
            self._has_picture = True
            threading.Thread(target=self._update_static, daemon=True).start()

    def _static_version(self) -> tuple[str, bytes | None]:
        note = html.escape(f"{self.status}. Run the cell to use it.")
        if not self._has_picture:
            return html_block(f"<p>{note}</p>"), None
        picture = notebook_picture(self._layout.coordinates, self._coloring, self.labels)
        encoded = base64.b64encode(picture).decode("ascii")
        name = html.escape(f"Map of {self.collection_name}: {self.status}", quote=True)
        drawn = f"<img alt='{name}' width='{NOTEBOOK_WIDTH}' src='data:image/png;base64,{encoded}'>"
        return html_block(f"{drawn}<p>{note}</p>"), picture

    def __repr__(self) -> str:
        color = f", color={self.color_by!r}" if self.color_by else ""
        selected = f", {len(self.selected) // 4:,} selected" if self.selected else ""
        return f"Map({self.collection_name!r}, {count(self.count, 'record')}{color}{selected})"
