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
        self._types: dict[str, set[type]] = {key: set() for key in given or ()}
        self._sampled: Counter[str] = Counter()
        for offset in {0, max(0, collection.count() - _SAMPLE)}:
            found = collection.get(limit=_SAMPLE, offset=offset, include=["metadatas"])
            for metadata in found["metadatas"]:
                self._sampled.update(list(metadata or ()))  # of a mapping it would add the values
            self.meet(found["metadatas"])

    def meet(self, metadatas: Iterable[Mapping[str, Any] | None]) -> None:
        """Note the keys of records that were read, and the types under them."""
        for metadata in metadatas:
            for key, value in (metadata or {}).items():
                if not self._given or key in self._types:
                    self._types.setdefault(key, set()).add(type(value))

    def names(self) -> list[str]:
        """List the keys that are columns, in the order in which they were met."""
        if self._given or len(self._types) <= MOST:
            return list(self._types)
        frequent = sorted(self._types, key=lambda key: -self._sampled[key])[:MOST]
        return [key for key in self._types if key in set(frequent)]

    @property
    def left_out(self) -> str:
        """Say that keys are no columns, and what shows them; empty where all are."""
        known, shown = len(self._types), len(self.names())
        return f"{shown} of {known:,} keys as columns, columns=[...] shows others" * (shown < known)

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
