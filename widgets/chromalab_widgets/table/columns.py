"""The columns of a table: the metadata fields found in the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from chromalab import Collection
from chromalab.arguments.values import check_show
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.results.metadata import ALL, Show
from chromalab_widgets.core.cells import kind_of
from chromalab_widgets.table.row_source import BY_ID

__all__ = ["MOST", "Columns", "descending_only"]

MOST = 50
"""The number of fields that become columns by default: each one is drawn and counted."""

_KNOWN = 10_000  # fields that are remembered, as every record may have different ones
_SAMPLE = 300  # records from either end, as reading all of them takes seconds per million


class Columns:
    """The metadata fields of a collection and the types of their values.

    The most frequent fields of the first and last records are the columns. Fields found later are
    appended while there is room, so that no column disappears during scrolling.

    Args:
        collection: The collection.
        show: The fields to show, in this order, or "all"; None for the `MOST` most frequent ones.
    """

    def __init__(self, collection: Collection, show: Show = None) -> None:
        self._collection = collection
        show = check_show(show)
        self._most = _KNOWN if show == ALL else MOST
        self._given = show is not None and show != ALL
        sample: list[Mapping[str, Any] | None] = []
        for offset in sorted({0, max(0, collection.count() - _SAMPLE)}):
            found = collection.get(limit=_SAMPLE, offset=offset, include=["metadatas"])
            sample += found["metadatas"]
        if show is None or show == ALL:
            met = Counter(key for metadata in sample for key in metadata or ())
            known = [key for key, _ in met.most_common(_KNOWN)]
            columns = set(known[: self._most])
            self._names = [key for key in met if key in columns]
        else:
            self._names = known = list(show)
        self._types: dict[str, set[type]] = {key: set() for key in known}
        self._more = False  # whether there are fields beyond those that are remembered
        self.add(sample)
        self._nowhere = [
            key for key in self._names if not self._types[key] and self._is_nowhere(key)
        ]

    def add(self, metadatas: Iterable[Mapping[str, Any] | None]) -> None:
        """Take note of the fields of records that were read, and of the types of their values."""
        for metadata in metadatas:
            for key, value in (metadata or {}).items():
                if key not in self._types and not self._remember(key):
                    continue
                self._types[key].add(type(value))

    def _is_nowhere(self, key: str) -> bool:
        return not self._collection.count(where={key: {"$exists": True}})

    def _remember(self, key: str) -> bool:
        """Remember a new field; return False if there is no room for it."""
        if self._given or len(self._types) == _KNOWN:
            self._more = not self._given
            return False
        self._types[key] = set()
        if len(self._names) < self._most:
            self._names.append(key)
        return True

    def names(self) -> list[str]:
        """List the fields that are columns, in the order in which they were found."""
        return list(self._names)

    @property
    def left_out(self) -> str:
        """A note on fields that are not columns, or that no record has; empty if there are none."""
        nowhere = [short(key) for key in self._nowhere if not self._types[key]]
        if nowhere:
            return f"no record has {' or '.join(nowhere)}"
        known, shown = len(self._types), len(self._names)
        if shown == known and not self._more:
            return ""
        many = f"{'more than ' * self._more}{known:,}"
        return f"{shown} of {many} fields shown (show=[...] shows others)"

    def kind(self, key: str) -> str:
        """Return what a column contains; see `kind_of`."""
        return kind_of(self._types.get(key, ()))

    def check(self, key: str) -> None:
        """Raise InvalidArgumentError, with the closest names, for a field that is not known."""
        if key not in self._types:
            raise InvalidArgumentError(
                f"No column {key!r}. {near(key, self._types, what='Columns')}"
            )

    def check_order(self, order_by: str) -> None:
        """Raise InvalidArgumentError, with the closest names, for an order by an unknown field."""
        if not order_by or order_by.removeprefix("-") == BY_ID:
            return
        try:
            self._collection.get(limit=0, include=[], order_by=order_by)
        except InvalidArgumentError:
            if order_by.startswith("-") and order_by in self._types:
                raise descending_only(order_by) from None
            raise

    def described(self) -> list[dict[str, str]]:
        """Return the `key` and `kind` of each column, for the browser."""
        return [{"key": key, "kind": self.kind(key)} for key in self.names()]


def descending_only(key: str) -> InvalidArgumentError:
    """Return the error for an ascending order by a field whose name starts with "-"."""
    return InvalidArgumentError(
        f"A '-' before a field means descending order, so {short(key)} can only be sorted in "
        f"descending order. Use order_by={short('-' + key)}."
    )
