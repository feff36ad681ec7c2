"""`Table`: the records of a collection as rows that can be sorted, filtered, and edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from chromalab import Collection
from chromalab.arguments.where_text import format_where
from chromalab.errors import ChromalabError, InvalidArgumentError, short
from chromalab.results.tables import html_table
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.core.cell_events import after_writes
from chromalab_widgets.core.cells import shown
from chromalab_widgets.core.fields import bound, choice, flag, maybe, text, texts, whole
from chromalab_widgets.core.filters import (
    Bound,
    check_where,
    condition_of,
    in_range,
    joined,
    one_of,
    parse_tokens,
    parts_of,
    without,
)
from chromalab_widgets.core.selection_bar import SELECTION_VERBS, ActingWidget
from chromalab_widgets.core.summary import summary
from chromalab_widgets.core.text import cut
from chromalab_widgets.core.widget import Reply, Verb
from chromalab_widgets.table.columns import Columns, descending_only
from chromalab_widgets.table.copied import copied
from chromalab_widgets.table.edits import Edits
from chromalab_widgets.table.row_source import BY_ID, RowSource

if TYPE_CHECKING:
    import pandas

__all__ = ["Table"]

_PAGE = 500
_MOST = 2**53
_DOCUMENT_SHOWN = 300
_READER_SHOWN = 20_000  # characters of a document in the reader
_VALUE_SHOWN = 200
_STATIC_ROWS = 20
_OPTIONS = ("where", "contains", "order_by", "only_selection")  # traits that change the rows


def _nothing() -> None:
    """Do nothing: the initial value of callbacks that `close` calls."""


class Table(ActingWidget):
    """Show the records as rows that can be sorted, filtered, edited and deleted.

    Rows are read as they come into view, so a collection may have any number of records. The traits
    `where`, `contains`, `order_by` and `only_selection` can be set, observed, and linked with
    `traitlets.link`, and the browser changes them, too. `where_text`, `command` and the other traits can
    only be read and observed.

    A collection of chromadb works, too. Its documents and metadata are then copied, once and for each
    `refresh`, and cells cannot be edited.

    Args:
        collection: A collection, or any object with Chroma's `name` and `get`.
        where: The initial metadata filter; the headers of the columns change it.
        contains: The initial text that documents must contain.
        order_by: The field to sort by, or "#id"; a leading "-" sorts in descending order.
        show: The metadata fields to show, in this order, or "all"; by default, the 50 most frequent ones.
        height: The height in pixels.

    Attributes:
        collection: The collection.
        where: The metadata filter, which may be any filter that Chroma accepts.
        contains: A text that the documents must contain, or "".
        order_by: A metadata field or "#id", with a leading "-" for descending order; "" for insertion order.
        only_selection: Whether only the records of `collection.selection` are listed.
        where_text: The filter as text.
        command: A cell that reads the same records.

    Example:
        In a notebook::

            table = papers.table(where={"year": {"$gte": 2020}}, order_by="-year")
            table               # the last line of a cell displays it
            table.where         # the filter, including changes made in the browser
            table.df()          # the rows, in the order shown
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
            "_range", column=text(), low=maybe(bound()), high=maybe(bound()), closed=flag()
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
        **SELECTION_VERBS,
    }

    collection_name = traitlets.Unicode().tag(sync=True)
    where = traitlets.Any(help="A metadata filter, or None.").tag(sync=True)
    contains = traitlets.Unicode().tag(sync=True)
    order_by = traitlets.Unicode().tag(sync=True)
    only_selection = traitlets.Bool().tag(sync=True)
    columns = traitlets.List(traitlets.Dict(), help="Each with `key` and `kind`.").tag(sync=True)
    conditions = traitlets.Dict(help="The condition on each column.").tag(sync=True)
    where_text = traitlets.Unicode(help="The filter as text.").tag(sync=True)
    command = traitlets.Unicode().tag(sync=True)
    total = traitlets.Int(help="The number of rows.").tag(sync=True)
    records = traitlets.Int(help="The number of records in the collection.").tag(sync=True)
    selected = traitlets.Int(help="The number of selected records.").tag(sync=True)
    undoable = traitlets.Unicode(help="What would be undone, or empty.").tag(sync=True)
    status = traitlets.Unicode(help="One line about the rows.").tag(sync=True)
    stamp = traitlets.Int(help="Increases when rows may have changed.").tag(sync=True)
    generation = traitlets.Int(
        help="Increases when different rows are listed or they have changed; requests about rows include it."
    ).tag(sync=True)
    height = traitlets.Int(420, min=120, max=4_000).tag(sync=True)

    def __init__(
        self,
        collection: Any,
        where: Mapping[str, Any] | None = None,
        *,
        contains: str = "",
        order_by: str = "",
        show: Sequence[str] | str | None = None,
        height: int = 420,
    ) -> None:
        self.collection = collection
        self._is_own = isinstance(collection, Collection)
        self._show = show
        self._end_watch = self._stop_updates = _nothing
        self._open()
        self._columns.check_order(order_by)
        # Raises now if an option is not valid.
        RowSource(self._held, dict(where or {}) or None, contains, order_by).page(0, 0, [])
        self._picked: frozenset[str] = frozenset()
        self._version = -1
        self._seen: tuple[int, RowSource | None] = (-1, None)
        super().__init__(collection, collection_name=collection.name, height=height)
        self._picked = frozenset(self.selection)
        self.where = None if where is None else dict(where)
        self.contains, self.order_by = contains, order_by
        self.columns = self._columns.described()
        self._relist()
        self.observe(lambda change: self._relist(), _OPTIONS)
        self._stop_updates = after_writes(self._after_write)

    def _open(self) -> None:
        """Take the collection, or a new copy of another library's."""
        self._held: Collection = self.collection if self._is_own else copied(self.collection)
        self._edits, self._columns = Edits(self._held), Columns(self._held, self._show)

    def _check_own(self) -> None:
        if not self._is_own:
            raise InvalidArgumentError(
                f"A table can only change a collection of chromalab; {short(self.collection_name)} is of "
                f"{type(self.collection).__module__.partition('.')[0]}. Call its update or delete, then "
                "refresh."
            )

    def close(self) -> None:
        """Remove the widget; the records remain."""
        self._stop_updates()
        super().close()

    def ids(self) -> list[str]:
        """Return the ids of all rows, in order."""
        return self._source.ids(0, None)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame of all rows, in order."""
        return self._source.page(0, None, ["documents", "metadatas"]).df()

    def edit(self, id: str, column: str, typed: str) -> None:
        """Write a value as if it had been typed: blank text deletes it, and the type stays the same.

        Args:
            id: The id of the record.
            column: The metadata field.
            typed: The text.

        Raises:
            InvalidArgumentError: The text cannot be parsed as the type of the old value; nothing is written.
        """
        with self.working():
            self._check_own()
            if self._edits.edit(id, column, typed, kind=self._columns.kind(column)):
                self._relist()

    def delete(self, ids: Sequence[str] | None = None) -> int:
        """Delete records and return how many there were; `undo` restores them.

        Args:
            ids: The ids of the records; by default, those of the selection.
        """
        with self.working():
            self._check_own()
            gone = list(self.selection) if ids is None else list(ids)
            count = self._edits.delete(gone)
            dropped = set(gone)
            self._select([id for id in self.selection if id not in dropped])
            self._relist()
            return count

    def undo(self) -> str:
        """Undo the last edit or deletion and return a description of it."""
        with self.working():
            try:
                return self._edits.undo()
            finally:
                self._relist()

    def refresh(self) -> None:
        """Read again, to include what another program or another cell has written."""
        with self.working():
            if not self._is_own:
                self._open()
                self.columns = self._columns.described()
            self._relist()

    @traitlets.validate("where")
    def _check_where(self, proposal: Any) -> Any:
        return check_where(self, proposal["value"])

    @traitlets.validate("order_by")
    def _check_order(self, proposal: Any) -> Any:
        value: str = proposal["value"]
        with self.validating():
            self._columns.check_order(value)
        return value

    def _relist(self) -> None:
        """Count the rows, and make the browser request them again."""
        with self.working():
            self._version = self._held.get_version()
            self._source = source = RowSource(
                self._held,
                self.where,
                self.contains,
                self.order_by,
                tuple(self.selection) if self.only_selection else None,
            )
            self.total, self.records = source.count(), self._held.count()
            self.selected = len(self._picked)
            self.where_text = format_where(self.where) or str(self.where or "")
            found = ((key, condition_of(self.where, key)) for key in self._columns.names())
            self.conditions = {key: condition for key, condition in found if condition}
            self.undoable = self._edits.last
            self.status = self._summary_line()
            self.command = source.command if self._is_own else source.call(self.collection_name)
            self.stamp += 1
            if self._seen != (self._version, source):  # not merely a different selection
                self._seen = self._version, source
                self.generation += 1

    def _summary_line(self) -> str:
        among = "" if self.total == self.records else f" of {self.records:,}"
        rows = f"{self.total:,}{among} record{'' if self.records == 1 else 's'}"
        key = self.order_by.removeprefix("-")
        direction = "descending" if self.order_by.startswith("-") else "ascending"
        order = f"by {'id' if key == BY_ID else key}, {direction}" if key else ""
        picked = f"{self.selected:,} selected" if self.selected else ""
        return ", ".join(filter(None, [rows, order, picked, self._columns.left_out]))

    def _records_written(self) -> None:
        self.refresh()

    def _selection_changed(self) -> None:
        self._picked = frozenset(self.selection)
        with suppress(ChromalabError):  # not the fault of the code that selects; `error` shows it
            self._relist()

    def _after_write(self) -> None:
        with self.updating():
            self._catch_up()

    def _catch_up(self) -> None:
        """Count the rows again if the collection has changed."""
        if self._held.get_version() != self._version:
            self._relist()

    def _page(self, start: int, stop: int) -> Reply:
        self._catch_up()
        stop = min(stop, start + _PAGE)
        found = self._source.page(start, stop, ["documents", "metadatas"])
        self._columns.add(found["metadatas"])
        # A trait that does not change is not sent.
        self.columns, self.status = self._columns.described(), self._summary_line()
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
        found = self._source.without(column).distinct(column)
        return Reply({"column": column, "stamp": self.stamp, **summary(found)})

    def _record(self, id: str) -> Reply:
        document, metadata = self._edits.read(id)
        cells = {key: shown(value) for key, value in metadata.items()}
        return Reply(
            {"id": id, "document": document and cut(document, _READER_SHOWN), "cells": cells}
        )

    def _all_ids(self) -> Reply:
        return Reply({"text": "\n".join(self.ids())})

    def _sort(self, column: str, direction: str) -> None:
        if direction == "up" and column.startswith("-"):
            raise descending_only(column)
        self.order_by = {"up": column, "down": f"-{column}", "none": ""}[direction]

    def _range(self, column: str, low: Bound, high: Bound, closed: bool) -> None:
        self._filter(column, in_range(column, low, high, closed=closed))

    def _pick(self, column: str, tokens: list[str]) -> None:
        in_lists = self._columns.kind(column) == "list"
        self._filter(column, one_of(column, parse_tokens(tokens), in_lists=in_lists))

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
        ids = self._source.ids(first, last + 1)
        self._catch_up()  # after reading the ids, as another process may have written just before
        if generation != self.generation:
            raise InvalidArgumentError("The rows have changed since. Select again.")
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
        found = self._source.page(0, _STATIC_ROWS, ["documents", "metadatas"])
        keys = [column["key"] for column in self.columns]
        rows = [
            [id, document, *((metadata or {}).get(key) for key in keys)]
            for id, document, metadata in zip(
                found["ids"], found["documents"], found["metadatas"], strict=True
            )
        ]
        first = f"First {len(rows):,} rows of " if len(rows) < self.total else ""
        note = f"{first}{self.status}"
        return html_table(["id", "document", *keys], rows, caption=self.collection_name, note=note)
