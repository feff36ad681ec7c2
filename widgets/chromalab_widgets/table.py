"""`Table`: the records of a collection as rows, however many: sorted, filtered, edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from chromalab import Collection
from chromalab.arguments.records import read_filter
from chromalab.arguments.where_text import format_where
from chromalab.display import html_table
from chromalab.errors import ChromalabError, InvalidArgumentError
from chromalab_widgets.base import Reply, Verb, cut
from chromalab_widgets.bundles import bundle
from chromalab_widgets.cells import shown
from chromalab_widgets.columns import Columns, largest_first_alone
from chromalab_widgets.conditions import (
    condition_of,
    in_range,
    joined,
    one_of,
    parts_of,
    without,
)
from chromalab_widgets.editing import Edits
from chromalab_widgets.fields import choice, flag, maybe, number, text, texts, whole
from chromalab_widgets.following import after_cells
from chromalab_widgets.listed import BY_ID, Listed
from chromalab_widgets.selection import SelectingWidget
from chromalab_widgets.summaries import summary

if TYPE_CHECKING:
    import pandas

__all__ = ["Table"]

_PAGE = 500
_MOST = 2**53
_DOCUMENT_SHOWN = 300
_READ = 20_000
_VALUE_SHOWN = 200
_STATIC_ROWS = 20
_FOLLOWED = ("where", "contains", "order_by", "only_selection")


def _nothing() -> None:
    """Stand in for what a widget ends, until it has begun."""


class Table(SelectingWidget):
    """Show the records of a collection as rows, and change them.

    Rows are read when they come into view, so the number of records plays no part. The traits `where`,
    `contains`, `order_by` and `only_selection` may be set, observed, and linked with `traitlets.link`; what
    is done in the browser sets them too. `where_text`, `command` and the others are only read and observed.

    Attributes:
        collection: Whose records.
        where: The filter on metadata; columns write it, and it may be any filter of Chroma's.
        contains: A text that the documents contain, or "".
        order_by: A metadata key or "#id", after a "-" for descending order; "" for insertion order.
        only_selection: Whether only the records of `collection.selection` are listed.
        where_text: The filter as a text.
        command: The cell that reads the same records.

    Args:
        collection: A collection.
        where: The first filter.
        contains: The first text.
        order_by: The first order.
        columns: Which metadata keys, in this order; the most frequent of those that are met, unless said.
        height: In pixels.

    Example:
        In a notebook::

            table = papers.table(where={"year": {"$gte": 2020}}, order_by="-year")
            table               # the last line of a cell shows it
            table.where         # what the columns were filtered by since
    """

    _esm = bundle("table.js")
    _css = bundle("table.css")

    verbs: ClassVar = {
        "page": Verb("_page", quiet=True, start=whole(0, _MOST), stop=whole(0, _MOST)),
        "summary": Verb("_summary", quiet=True, column=text(blank=True)),
        "record": Verb("_record", quiet=True, id=text(blank=True)),
        "ids": Verb("_all_ids"),
        "sort": Verb("_sort", column=text(), direction=choice("up", "down", "none")),
        "range": Verb(
            "_range", column=text(), low=maybe(number()), high=maybe(number()), closed=flag()
        ),
        "pick": Verb("_pick", column=text(), tokens=texts(1_000)),
        "search": Verb("_search", text=text(blank=True)),
        "clear": Verb("_clear"),
        "narrow": Verb("_narrow", on=flag()),
        "select": Verb(
            "_select_rows",
            at=whole(0, _MOST),
            to=maybe(whole(0, _MOST)),
            mode=choice("replace", "toggle", "add"),
            generation=whole(0, _MOST),
        ),
        "select_all": Verb("_select_all", on=flag()),
        "edit": Verb("edit", id=text(blank=True), column=text(), typed=text(1_000_000, blank=True)),
        "delete": Verb("delete", ids=maybe(texts(1))),
        "undo": Verb("undo"),
        "refresh": Verb("refresh"),
    }

    collection_name = traitlets.Unicode().tag(sync=True)
    where = traitlets.Any(help="A filter of Chroma's, or None.").tag(sync=True)
    contains = traitlets.Unicode().tag(sync=True)
    order_by = traitlets.Unicode().tag(sync=True)
    only_selection = traitlets.Bool().tag(sync=True)
    columns = traitlets.List(traitlets.Dict(), help="Each with `key` and `kind`.").tag(sync=True)
    conditions = traitlets.Dict(help="What each column is filtered by.").tag(sync=True)
    where_text = traitlets.Unicode(help="The filter as a text.").tag(sync=True)
    command = traitlets.Unicode().tag(sync=True)
    total = traitlets.Int(help="How many rows there are.").tag(sync=True)
    records = traitlets.Int(help="How many the collection has.").tag(sync=True)
    selected = traitlets.Int(help="How many records are selected.").tag(sync=True)
    undoable = traitlets.Unicode(help="What undo would take back, or empty.").tag(sync=True)
    status = traitlets.Unicode(help="One line about the rows.").tag(sync=True)
    stamp = traitlets.Int(help="Goes up when rows that were read may have changed.").tag(sync=True)
    generation = traitlets.Int(
        help="Goes up when other rows are listed, or they changed; rows are sent with it."
    ).tag(sync=True)
    height = traitlets.Int(420, min=120, max=4_000).tag(sync=True)

    def __init__(
        self,
        collection: Collection,
        *,
        where: Mapping[str, Any] | None = None,
        contains: str = "",
        order_by: str = "",
        columns: Sequence[str] | None = None,
        height: int = 420,
    ) -> None:
        self.collection = collection
        self._edits = Edits(collection)
        self._end_watch = self._end_following = _nothing
        self._columns = Columns(collection, columns)
        self._columns.check_order(order_by)
        Listed(collection, dict(where or {}) or None, contains, order_by).page(
            0, 0, []
        )  # or it raises
        self._picked: frozenset[str] = frozenset()
        self._version = -1
        self._seen: tuple[int, Listed | None] = (-1, None)
        super().__init__(collection, collection_name=collection.name, height=height)
        self._picked = frozenset(self.selection)
        self.where = None if where is None else dict(where)
        self.contains, self.order_by = contains, order_by
        self.columns = self._columns.described()
        self._relist()
        self.observe(lambda change: self._relist(), _FOLLOWED)
        self._end_following = after_cells(self._after_cell)

    def close(self) -> None:
        """Take the widget away; the records stay."""
        self._end_following()
        super().close()

    def ids(self) -> list[str]:
        """List the ids of all rows, in their order."""
        return self._listed.ids(0, None)

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame of all rows, in their order."""
        return self._listed.page(0, None, ["documents", "metadatas"]).df()

    def edit(self, id: str, column: str, typed: str) -> None:
        """Write a value as if it had been typed: a blank text deletes it, a number stays one.

        Raises:
            InvalidArgumentError: the text is none of the type that stands there; nothing was written.
        """
        with self.working():
            if self._edits.edit(id, column, typed, kind=self._columns.kind(column)):
                self._relist()

    def delete(self, ids: Sequence[str] | None = None) -> int:
        """Delete records, those of the selection unless ids are given; `undo` brings them back."""
        with self.working():
            gone = list(self.selection) if ids is None else list(ids)
            count = self._edits.delete(gone)
            dropped = set(gone)
            self._select([id for id in self.selection if id not in dropped])
            self._relist()
            return count

    def undo(self) -> str:
        """Take the last edit or deletion back; returns what it was."""
        with self.working():
            try:
                return self._edits.undo()
            finally:
                self._relist()

    def refresh(self) -> None:
        """Read anew what another program or another cell wrote."""
        with self.working():
            self._relist()

    @traitlets.validate("where")
    def _check_where(self, proposal: Any) -> Any:
        where = proposal["value"] or None
        with self.refusing():
            read_filter(None, where, None)
        return where

    @traitlets.validate("order_by")
    def _check_order(self, proposal: Any) -> Any:
        value: str = proposal["value"]
        with self.refusing():
            self._columns.check_order(value)
        return value

    def _relist(self) -> None:
        """Count the rows, and have the browser ask for them again."""
        with self.working():
            self._version = self.collection.get_version()
            self._listed = listed = Listed(
                self.collection,
                self.where,
                self.contains,
                self.order_by,
                tuple(self.selection) if self.only_selection else None,
            )
            self.total, self.records = listed.count(), self.collection.count()
            self.selected = len(self._picked)
            self.where_text = format_where(self.where) or str(self.where or "")
            said = ((key, condition_of(self.where, key)) for key in self._columns.names())
            self.conditions = {key: condition for key, condition in said if condition}
            self.undoable = self._edits.last
            self.status = self._said()
            self.command = listed.command
            self.stamp += 1
            if self._seen != (self._version, listed):  # more than another selection
                self._seen = self._version, listed
                self.generation += 1

    def _said(self) -> str:
        among = "" if self.total == self.records else f" of {self.records:,}"
        rows = f"{self.total:,}{among} records"
        key = self.order_by.removeprefix("-")
        way = "largest first" if self.order_by.startswith("-") else "smallest first"
        order = f"by {'id' if key == BY_ID else key}, {way}" if key else ""
        picked = f"{self.selected:,} selected" if self.selected else ""
        return ", ".join(filter(None, [rows, order, picked, self._columns.left_out]))

    def _selection_changed(self) -> None:
        self._picked = frozenset(self.selection)
        with suppress(ChromalabError):  # whoever selects is not to blame: `error` says it
            self._relist()

    def _after_cell(self) -> None:
        with self.telling():
            self._catch_up()

    def _catch_up(self) -> None:
        """Count the rows anew, if somebody has written."""
        if self.collection.get_version() != self._version:
            self._relist()

    def _page(self, start: int, stop: int) -> Reply:
        self._catch_up()
        stop = min(stop, start + _PAGE)
        found = self._listed.page(start, stop, ["documents", "metadatas"])
        self._columns.meet(found["metadatas"])
        # A trait that stays equal is not sent.
        self.columns, self.status = self._columns.described(), self._said()
        names = set(self._columns.names())
        rows = [
            {
                "id": id,
                "document": None if document is None else cut(document, _DOCUMENT_SHOWN),
                "cells": {
                    key: cut(shown(value), _VALUE_SHOWN)
                    for key, value in (metadata or {}).items()
                    if key in names
                },
                "selected": id in self._picked,
            }
            for id, document, metadata in zip(
                found["ids"], found["documents"], found["metadatas"], strict=True
            )
        ]
        return Reply(
            {"stamp": self.stamp, "generation": self.generation, "start": start, "rows": rows}
        )

    def _summary(self, column: str) -> Reply:
        found = self._listed.but_for(column).distinct(column)
        return Reply({"column": column, "stamp": self.stamp, **summary(found)})

    def _record(self, id: str) -> Reply:
        document, metadata = self._edits.read(id)
        cells = {key: shown(value) for key, value in metadata.items()}
        return Reply({"id": id, "document": document and cut(document, _READ), "cells": cells})

    def _all_ids(self) -> Reply:
        return Reply({"text": "\n".join(self.ids())})

    def _sort(self, column: str, direction: str) -> None:
        if direction == "up" and column.startswith("-"):
            raise largest_first_alone(column)
        self.order_by = {"up": column, "down": f"-{column}", "none": ""}[direction]

    def _range(self, column: str, low: float | None, high: float | None, closed: bool) -> None:
        self._filter(column, in_range(column, low, high, closed=closed))

    def _pick(self, column: str, tokens: list[str]) -> None:
        self._filter(column, one_of(column, tokens, in_lists=self._columns.kind(column) == "list"))

    def _filter(self, column: str, parts: list[dict[str, Any]]) -> None:
        self._columns.check(column)
        self.where = joined([*parts_of(without(self.where, column)), *parts])

    def _search(self, text: str) -> None:
        self.contains = text

    def _clear(self) -> None:
        self.where, self.contains = None, ""

    def _narrow(self, on: bool) -> None:
        self.only_selection = on

    def _select_rows(self, at: int, to: int | None, mode: str, generation: int) -> None:
        first, last = sorted((at, at if to is None else to))
        ids = self._listed.ids(first, last + 1)
        self._catch_up()  # after they were read: somebody may have written just before
        if generation != self.generation:
            raise InvalidArgumentError("The rows have changed since. Choose again.")
        before = [] if mode == "replace" else list(self.selection)
        if mode == "toggle" and self._picked.issuperset(ids):
            taken = set(ids)
            self._select([id for id in before if id not in taken])
        else:
            self._select(list(dict.fromkeys([*before, *ids])))

    def _select_all(self, on: bool) -> None:
        plain = not self.contains and not self.only_selection
        self._select(self.ids() if on else [], where=self.where if on and plain else None)

    def __repr__(self) -> str:
        return f"Table({self.collection_name!r}, {self.status})"

    def _static_html(self) -> str:
        found = self._listed.page(0, _STATIC_ROWS, ["documents", "metadatas"])
        keys = [column["key"] for column in self.columns]
        rows = [
            [id, document, *((metadata or {}).get(key) for key in keys)]
            for id, document, metadata in zip(
                found["ids"], found["documents"], found["metadatas"], strict=True
            )
        ]
        first = f"the first {len(rows):,} shown; " if len(rows) < self.total else ""
        note = f"{first}{self.status}"
        return html_table(["id", "document", *keys], rows, caption=self.collection_name, note=note)
