"""The records that a table lists: filtered, ordered, read a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chromalab import Collection
from chromalab.aggregates import Distinct
from chromalab.results.records import GetResult
from chromalab.types import Include
from chromalab_widgets.commands import get_command
from chromalab_widgets.conditions import without

__all__ = ["BY_ID", "Listed"]

_IDS_ON_A_LINE = 100

BY_ID = "#id"
"""The `order_by` that sorts by id; no metadata key starts with "#"."""


@dataclass(frozen=True)
class Listed:
    """Which records of a collection, and in which order.

    Nothing of a million records is held, unless they are sorted by id: the engine finds each page anew,
    and so sees what others wrote.

    Attributes:
        collection: Theirs.
        where: A filter on metadata, or None.
        contains: A text that the documents contain, or "".
        order_by: A metadata key or "#id", after a "-" for descending order; "" for insertion order.
        among: Only these ids; None for all.
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
        """Count the records."""
        if self.among is not None:
            return len(self.ids(0, None))
        return self.collection.count(self.where, self.where_document)

    def ids(self, start: int, stop: int | None) -> list[str]:
        """Read the ids of some of them, by their place in the order."""
        if self.among == ():
            return []
        if self._by_id:
            return self._sorted()[start:stop]
        return list(self._get(start, stop, include=[])["ids"])

    def page(self, start: int, stop: int | None, include: Include) -> GetResult:
        """Read some of them, by their place in the order."""
        if self.among == ():
            return self.collection.get(limit=0, include=include)
        if not self._by_id:
            return self._get(start, stop, include=include)
        wanted = self._sorted()[start:stop]
        if not wanted:
            return self.collection.get(limit=0, include=include)
        found = self.collection.get(ids=wanted, include=include)
        at = {id: place for place, id in enumerate(found["ids"])}
        order = [at[id] for id in wanted if id in at]
        for part in ("ids", *include):
            found[part] = [found[part][place] for place in order]
        return found

    def but_for(self, key: str) -> Listed:
        """The same without what the filter says of one key alone."""
        return replace(self, where=without(self.where, key))

    def distinct(self, key: str) -> Distinct:
        """Count the values of a key."""
        if self.among == ():
            return Distinct(key, (), (), 0)
        among = None if self.among is None else list(self.among)
        return self.collection.distinct(key, self.where, self.where_document, ids=among)

    @property
    def command(self) -> str:
        """The cell that reads these records; in insertion order, where the table's is by id."""
        if self.among is not None and len(self.among) > _IDS_ON_A_LINE:
            return "collection.selection.df()  # too many ids for a line"
        return get_command(
            self.collection.name,
            where=self.where,
            contains=self.contains,
            order_by="" if self._by_id else self.order_by,
            ids=None if self.among is None else list(self.among),
        )

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
        """Sort all ids; kept for as long as the collection stays as it is."""
        version = self.collection.get_version()
        kept: tuple[int, list[str]] | None = self.__dict__.get("_kept")
        if kept is None or kept[0] != version:
            ids = sorted(
                self._get(0, None, include=[])["ids"], reverse=self.order_by.startswith("-")
            )
            kept = version, ids
            self.__dict__["_kept"] = kept
        return kept[1]
