"""Which metadata keys a table shows as columns: those that were met in records that were read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chromalab import Collection
from chromalab.errors import InvalidArgumentError, near, short
from chromalab_widgets.cells import kind_of
from chromalab_widgets.listed import BY_ID

__all__ = ["MOST", "Columns", "largest_first_alone"]

MOST = 50
"""How many keys become columns by themselves: each is drawn, and counted."""

_KNOWN = 10_000  # keys that are remembered: records may have any number, each its own
_SAMPLE = 300  # records at either end: reading all of them takes seconds a million


class Columns:
    """The metadata keys of a collection, with what stands under them.

    The most frequent keys of the first and last records are the columns; keys that are met later come
    after them, while there is room, so that no column goes away while one scrolls.

    Args:
        collection: Whose.
        given: These, in this order, and no others; None for those that are met, `MOST` of them.
    """

    def __init__(self, collection: Collection, given: Sequence[str] | None = None) -> None:
        self._collection = collection
        self._given = given is not None
        sample: list[Mapping[str, Any] | None] = []
        for offset in sorted({0, max(0, collection.count() - _SAMPLE)}):
            found = collection.get(limit=_SAMPLE, offset=offset, include=["metadatas"])
            sample += found["metadatas"]
        if given is None:
            met = Counter(key for metadata in sample for key in metadata or ())
            known = [key for key, _ in met.most_common(_KNOWN)]
            columns = set(known[:MOST])
            self._names = [key for key in met if key in columns]
        else:
            self._names = known = list(dict.fromkeys(given))
        self._types: dict[str, set[type]] = {key: set() for key in known}
        self._more = False  # whether there are keys beyond those that are remembered
        self.meet(sample)

    def meet(self, metadatas: Iterable[Mapping[str, Any] | None]) -> None:
        """Note the keys of records that were read, and the types under them."""
        for metadata in metadatas:
            for key, value in (metadata or {}).items():
                if key not in self._types and not self._remember(key):
                    continue
                self._types[key].add(type(value))

    def _remember(self, key: str) -> bool:
        """Note a key that was not met before; False where it has no room."""
        if self._given or len(self._types) == _KNOWN:
            self._more = not self._given
            return False
        self._types[key] = set()
        if len(self._names) < MOST:
            self._names.append(key)
        return True

    def names(self) -> list[str]:
        """List the keys that are columns, in the order in which they were met."""
        return list(self._names)

    @property
    def left_out(self) -> str:
        """Say that keys are no columns, and what shows them; empty where all are."""
        known, shown = len(self._types), len(self._names)
        if shown == known and not self._more:
            return ""
        many = f"{'more than ' * self._more}{known:,}"
        return f"{shown} of {many} keys as columns, columns=[...] shows others"

    def kind(self, key: str) -> str:
        """Name what stands under a key; see `kind_of`."""
        return kind_of(self._types.get(key, ()))

    def check(self, key: str) -> None:
        """Refuse a key that was not met; InvalidArgumentError names the near ones."""
        if key not in self._types:
            raise InvalidArgumentError(
                f"No column {key!r}. {near(key, self._types, what='Columns')}"
            )

    def check_order(self, order_by: str) -> None:
        """Refuse an order that there is not; InvalidArgumentError names the near ones."""
        if not order_by or order_by.removeprefix("-") == BY_ID:
            return
        try:
            self._collection.get(limit=0, include=[], order_by=order_by)
        except InvalidArgumentError:
            if order_by.startswith("-") and order_by in self._types:
                raise largest_first_alone(order_by) from None
            raise

    def described(self) -> list[dict[str, str]]:
        """Describe each as `key` and `kind`, for the browser."""
        return [{"key": key, "kind": self.kind(key)} for key in self.names()]


def largest_first_alone(key: str) -> InvalidArgumentError:
    """Say that a key which starts with "-" has no ascending order: the "-" is taken for the descending one."""
    return InvalidArgumentError(
        f"A '-' before a key means the largest first, so {short(key)} is sorted by in that order alone: "
        f"order_by={short('-' + key)}."
    )
