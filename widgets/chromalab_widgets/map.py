"""`Map`: the records of a collection as points, to look at, search, and select from."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import traitlets

from chromalab.analytics import Duplicates, Outliers
from chromalab.errors import InvalidArgumentError
from chromalab_widgets.base import Reply, Verb
from chromalab_widgets.bundles import bundle
from chromalab_widgets.fields import text, whole
from chromalab_widgets.map_density import contours
from chromalab_widgets.map_labels import naming_of
from chromalab_widgets.map_layout import layout_of, most_moved, moved_onto
from chromalab_widgets.map_records import Records
from chromalab_widgets.map_saving import Saved
from chromalab_widgets.map_values import Values
from chromalab_widgets.selection import SelectingWidget

__all__ = ["Map"]

_FOUND = 50  # records that a search lights up
_NEAR = 12
_MOVED = 20
_LISTED = 200
_ROW = whole(0, 2**32 - 1)
_GENERATION = whole(0, 2**53)


def _binary(help: str) -> Any:
    return traitlets.Bytes(help=help).tag(sync=True)


class Map(Saved, SelectingWidget):
    """Show records as points of a map: like ones lie near each other.

    Drag to move, scroll to zoom, click a point for its true neighbours, L or Alt and drag to lasso. What
    is selected is `collection.selection`.

    Args:
        collection: A collection, a snapshot, or (n, dimension) numbers.
        projection: What `collection.project` returned, the name of its method, or (n, 2) numbers; what
            `collection.project()` makes if None.
        color: A metadata key; "honesty", the share of a record's true neighbours that are near it here;
            a result with a value a record, such as clusters; or one value a record. The labels if None.
        labels: Names on the map: topics; clusters, which are then named, many of them also joined to
            eight wide areas; a metadata key; one name a record; or True for `collection.cluster()`.
        text: The metadata key of what is shown of a record, in place of its document.
        duplicates: What `collection.dedupe` returned: a line goes around each group.
        outliers: What `collection.outliers` returned: a ring goes around each.
        density: Whether lines of equal density are shown; a button of the map changes it.
        height: In CSS pixels.

    Attributes:
        selection: `collection.selection`.
        hidden: The entries of the legend that are switched off, by number.
        hits: What the last search found: `row`, `id`, `text`, `distance`, nearest first.
        focus: The record that was clicked, and its nearest, as `near`.
        moved: After `update`, the records that moved furthest, with `distance` on the map.

    Example:
        In a notebook::

            map = collection.map(color="year", labels=True)
            map                                        # the last line of a cell shows it
            collection.selection.df()                  # what was lassoed
            map.update(collection.project("tsne"))     # the points move to where they are now
    """

    _esm = bundle("map.js")
    _css = bundle("map.css")

    verbs: ClassVar[Mapping[str, Verb]] = {
        "select": Verb("_select_rows", quiet=True, buffers=True, generation=_GENERATION),
        "item": Verb("_item", quiet=True, row=_ROW, generation=_GENERATION),
        "items": Verb("_items", quiet=True, buffers=True, generation=_GENERATION),
        "search": Verb("search", text=text(blank=True), called={"text": "The text to search for"}),
        "near": Verb("_ask_near", row=_ROW, generation=_GENERATION),
        "unfocus": Verb("_unfocus", quiet=True),
        "color": Verb("_recolor", by=text(1000, blank=True)),
        "entry": Verb("_entry", entry=whole(0, 255)),
    }

    writable = frozenset({"density", "hidden"})

    collection_name = traitlets.Unicode().tag(sync=True)
    count = traitlets.Int(help="Of the points.").tag(sync=True)
    generation = traitlets.Int(help="Goes up when the points move; rows are sent with it.").tag(
        sync=True
    )
    points = _binary("float32: all x, then all y, from -1 to 1.")
    codes = _binary("uint8: the colour of each point, a place in the legend's palette.")
    legend = traitlets.Dict(help="title, kind, palette, entries.").tag(sync=True)
    color_by = traitlets.Unicode(help="What the colours show, or empty.").tag(sync=True)
    color_choices: Any = traitlets.List(help="What they may show.").tag(sync=True)
    hidden = traitlets.List(
        traitlets.Int(min=0, max=255), maxlen=256, help="Entries of the legend that are off."
    ).tag(sync=True)
    selected = _binary("uint32: the rows that are selected.")
    labels: Any = traitlets.List(help="text, x, y, count of each name.").tag(sync=True)
    contours: Any = traitlets.List(help="level and lines of each contour.").tag(sync=True)
    density = traitlets.Bool(help="Whether contours are shown.").tag(sync=True)
    groups = _binary("uint32: for each group of duplicates how many, and their rows.")
    outliers = _binary("uint32: the rows of outliers.")
    query = traitlets.Unicode(help="The text that `hits` answers.").tag(sync=True)
    hits: Any = traitlets.List(help="What was found.").tag(sync=True)
    focus = traitlets.Dict(help="A record with its nearest, or empty.").tag(sync=True)
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
        self.collection = collection
        self._layout = layout_of(collection, projection)
        snapshot = self._layout.snapshot
        self._text = text
        self._picked: bytes | None = None  # rows that the browser selects just now
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
            self._place()
            self.recolor(self._name_colors() if color is None else color)
            self._selection_changed()

    def recolor(self, by: Any = None) -> None:
        """Colour the points by something else; their places are not sent again.

        Args:
            by: What `color` may be; None for one colour.

        Raises:
            InvalidArgumentError: nothing has that name, or it has no value a record.
        """
        with self.working():
            self._coloring = self._values.coloring(by or None if isinstance(by, str) else by)
            self.codes = self._coloring.codes.tobytes()
            self.legend, self.color_by = self._coloring.legend(), self._coloring.title
            self.hidden, self.color_choices = [], self._values.names()

    def update(self, projection: Any = None, *, labels: Any = None) -> None:
        """Let the points move to another projection, such as one made after tuning.

        It is turned and scaled so that as much as can be stays where it is; `moved` lists what moved most.

        Args:
            projection: As for a new map.
            labels: New names, as for a new map; the same as before if None.

        Raises:
            InvalidArgumentError: the projection cannot be used; the map stays as it is.
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
            self._place()
            known = self.color_by in self._values.names()
            self.recolor(self.color_by if known and labels is None else self._name_colors())
            self._selection_changed()
            self.moved = [
                self._records.line(row, distance=far)
                for row, far in most_moved(layout, earlier, _MOVED)
            ]

    def search(self, text: str) -> list[dict[str, Any]]:
        """Light up the records nearest to a text, as if it had been typed; an empty one ends that.

        Returns:
            `hits`: at most 50, nearest first.

        Raises:
            InvalidArgumentError: the collection cannot embed texts.
        """
        with self.working():
            self.query, self.focus = text.strip(), {}
            self.hits = []
            self.hits = self._records.search(self.query, _FOUND) if self.query else []
            return list(self.hits)

    def neighbors_of(self, id: str) -> list[dict[str, Any]]:
        """Show the true neighbours of a record as lines, as if it had been clicked.

        Raises:
            InvalidArgumentError: the record is not on the map.
        """
        self._near(self._layout.snapshot.row_of(id))
        return list(self.focus["near"])

    def _place(self) -> None:
        """Send where everything lies."""
        layout = self._layout
        self.generation += 1
        self.count, self.points = len(layout.snapshot), layout.points()
        self.labels = [] if self._naming is None else self._naming.placed(layout.places)
        self.contours = contours(layout.places)
        groups = [] if self._duplicates is None else self._groups(self._duplicates)
        self.groups = np.array(groups, dtype=np.uint32).tobytes()
        ids = [] if self._outliers is None else self._outliers.outlier_ids
        self.outliers = self._records.rows(ids).tobytes()
        self.status = self._summary()

    def _name_colors(self) -> Any:
        """Return what the names say to colour by."""
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
        records = f"{self.count:,} record{'' if self.count == 1 else 's'}"
        if projection is None or self.count <= 16:  # all the others are its 15 nearest
            return records
        true = f"{projection.neighbor_recall:.0%} of the 15 nearest are near here, too"
        return f"{records} by {projection.method}; {true}"

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
        """Read rows that the browser names, by one buffer of uint32.

        Raises:
            InvalidArgumentError: there are others, or the points have moved since it drew them.
        """
        if generation != self.generation:
            raise InvalidArgumentError("The points have moved since. Try again.")
        if len(buffers) != 1 or len(buffers[0]) > 4 * most or len(buffers[0]) % 4:
            raise InvalidArgumentError(f"Rows are one buffer of at most {most:,} uint32.")
        rows = np.frombuffer(buffers[0], dtype=np.uint32)
        if len(rows) and rows.max() >= self.count:
            raise InvalidArgumentError(
                f"There is no point {rows.max():,} among the {self.count:,}."
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

    def _ask_near(self, row: int, generation: int) -> None:
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
                f"The legend has {len(coloring.entries)} entries, not {entry + 1}."
            )
        rows, where = coloring.rows(entry).tolist(), None
        if entry < len(coloring.values) and self._values.is_key(coloring.title):
            value = self._layout.snapshot.column(coloring.title)[rows[0]]
            if isinstance(value, str | int | float):  # not a list: no filter asks for a whole one
                where = {coloring.title: value}
        self._select([ids[row] for row in rows], where=where)

    def __repr__(self) -> str:
        color = f", color={self.color_by!r}" if self.color_by else ""
        selected = f", {len(self.selected) // 4:,} selected" if self.selected else ""
        return f"Map({self.collection_name!r}, {self.count:,} records{color}{selected})"
