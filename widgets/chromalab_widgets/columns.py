"""Which metadata keys a table shows as columns: those that were met in records that were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chromalab import Collection
from chromalab.errors import InvalidArgumentError, near
from chromalab_widgets.cells import kind_of

__all__ = ["Columns"]

_SAMPLE = 300  # records at either end: reading all of them takes seconds a million


class Columns:
    """The metadata keys of a collection, with what stands under them.

    Args:
        collection: Whose.
        given: These, in this order, and no others; None for all that are met.
    """

    def __init__(self, collection: Collection, given: Sequence[str] | None = None) -> None:
        self._given = given is not None
        self._types: dict[str, set[type]] = {key: set() for key in given or ()}
        for offset in {0, max(0, collection.count() - _SAMPLE)}:
            found = collection.get(limit=_SAMPLE, offset=offset, include=["metadatas"])
            self.meet(found["metadatas"])

    def meet(self, metadatas: Iterable[Mapping[str, Any] | None]) -> None:
        """Note the keys of records that were read, and the types under them."""
        for metadata in metadatas:
            for key, value in (metadata or {}).items():
                if not self._given or key in self._types:
                    self._types.setdefault(key, set()).add(type(value))

    def names(self) -> list[str]:
        """List the keys."""
        return list(self._types)

    def kind(self, key: str) -> str:
        """Name what stands under a key; see `kind_of`."""
        return kind_of(self._types.get(key, ()))

    def check(self, key: str) -> None:
        """Refuse a key that is no column; InvalidArgumentError names the near ones."""
        if key not in self._types:
            raise InvalidArgumentError(
                f"No column {key!r}. {near(key, self._types, what='Columns')}"
            )

    def described(self) -> list[dict[str, str]]:
        """Describe each as `key` and `kind`, for the browser."""
        return [{"key": key, "kind": kind_of(types)} for key, types in self._types.items()]
