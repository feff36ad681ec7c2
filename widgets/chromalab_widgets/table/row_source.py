"""The source of a table's rows: records that are filtered, ordered, and read one page at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chromalab import Collection
from chromalab.results.records import GetResult
from chromalab.results.reports import Distinct
from chromalab.types import Include
from chromalab_widgets.core.filters import without
from chromalab_widgets.table.command import get_command, in_python

__all__ = ["BY_ID", "RowSource"]

_IDS_ON_A_LINE = 100

BY_ID = "#id"
"""The `order_by` that sorts by id; no metadata key can start with "#"."""


@dataclass(frozen=True)
class RowSource:
    """The records that a table lists, and their order.

    Unless they are sorted by id, nothing is held in memory even for a million records: the engine looks
    up each page again, and so includes what others have written.

    Attributes:
        collection: The collection of the records.
        where: A filter on metadata, or None.
        contains: A text that the documents must contain, or "".
        order_by: A metadata field or "#id", with a leading "-" for descending order; "" for insertion order.
        among: The only ids to list; None for all.
    """

    collection: Collection
    where: dict[str, Any] | None = None
    contains: str = ""
    order_by: str = ""
    among: tuple[str, ...] | None = None

    @property
    def where_document(self) -> dict[str, str] | None:
        """The filter on documents."""
        return {"$contains": self.contains} if self.contains else None

    def count(self) -> int:
        """Return the number of records."""
        if self.among is not None:
            return len(self.ids(0, None))
        return self.collection.count(self.where, self.where_document)

    def ids(self, start: int, stop: int | None) -> list[str]:
        """Return the ids of some records, by position in the order."""
        if self.among == ():
            return []
        if self._by_id:
            return self._sorted()[start:stop]
        return list(self._get(start, stop, include=[])["ids"])

    def page(self, start: int, stop: int | None, include: Include) -> GetResult:
        """Read some records, by position in the order."""
        if self.among == ():
            return self.collection.get(limit=0, include=include)
        if not self._by_id:
            return self._get(start, stop, include=include)
        wanted = self._sorted()[start:stop]
        if not wanted:
            return self.collection.get(limit=0, include=include)
        found = self.collection.get(ids=wanted, include=include)
        at = {id: position for position, id in enumerate(found["ids"])}
        order = [at[id] for id in wanted if id in at]
        for part in ("ids", *include):
            found[part] = [found[part][position] for position in order]
        return found

    def without(self, key: str) -> RowSource:
        """Return the same source without the conditions that concern only this field."""
        return replace(self, where=without(self.where, key))

    def distinct(self, key: str) -> Distinct:
        """Count the values of a field."""
        if self.among == ():
            return Distinct(key, (), (), 0)
        among = None if self.among is None else list(self.among)
        return self.collection.distinct(key, self.where, self.where_document, ids=among)

    @property
    def command(self) -> str:
        """A cell that reads these records; it uses insertion order where the table sorts by id."""
        if self.among is not None and len(self.among) > _IDS_ON_A_LINE:
            return "collection.selection.df()  # too many ids for one line"
        return get_command(
            self.collection.name,
            where=self.where,
            contains=self.contains,
            order_by="" if self._by_id else self.order_by,
            ids=None if self.among is None else list(self.among),
        )

    def call(self, name: str) -> str:
        """Return Python code that reads these records with chromadb, which does not sort."""
        ids = None if self.among is None else list(self.among)
        return in_python(name, where=self.where, contains=self.contains, ids=ids)

    @property
    def _by_id(self) -> bool:
        return self.order_by.removeprefix("-") == BY_ID

    def _get(self, start: int, stop: int | None, *, include: Include) -> GetResult:
        return self.collection.get(
            ids=None if self.among is None else list(self.among),
            where=self.where,
            where_document=self.where_document,
            offset=start,
            limit=None if stop is None else stop - start,
            include=include,
            order_by=None if self._by_id else self.order_by or None,
        )

    def _sorted(self) -> list[str]:
        """Sort all ids; the result is cached until the collection changes."""
        version = self.collection.get_version()
        cached: tuple[int, list[str]] | None = self.__dict__.get("_cached")
        if cached is None or cached[0] != version:
            ids = sorted(
                self._get(0, None, include=[])["ids"], reverse=self.order_by.startswith("-")
            )
            cached = version, ids
            self.__dict__["_cached"] = cached
        return cached[1]
