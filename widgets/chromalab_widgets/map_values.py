"""What a map can be coloured by: metadata, results of analyses, values that are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chromalab.analytics import Clusters, Duplicates, Outliers, Projection, Result, Topics
from chromalab.errors import InvalidArgumentError, near, short
from chromalab_widgets.map_colors import Coloring, color_values, plain
from chromalab_widgets.map_layout import Layout

__all__ = ["HONESTY", "Values", "fitted"]

HONESTY = "honesty"
"""The share of a record's true neighbours that are near it on the map, where no metadata key has the name."""

_KEYS_READ = (
    10_000  # records whose keys make the menu; a key that is rarer can be asked for by name
)
_KEYS_SHOWN = 60


class Values:
    """What the records of a layout can be coloured by, each coded once.

    Args:
        layout: The records.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        metadatas = (layout.snapshot.metadatas or ())[:_KEYS_READ]
        self._keys = sorted({key for metadata in metadatas for key in metadata or ()})[:_KEYS_SHOWN]
        self._made: dict[str, Coloring] = {}
        self._results: dict[str, Any] = {}

    def names(self) -> list[str]:
        """List what can be asked for by name: keys, then results that were given, then honesty."""
        return list(dict.fromkeys([*self._keys, *self._results, HONESTY]))

    def is_key(self, name: str) -> bool:
        """Whether a name is a metadata key, not a result or values that were given."""
        return name in self._keys and name not in self._results

    def coloring(self, by: Any, title: str | None = None) -> Coloring:
        """Code what is asked for; a result is known by its name from then on.

        Args:
            by: A name of `names()`, a result, one value a record, or None for one colour.
            title: What bare values are called.

        Raises:
            InvalidArgumentError: nothing has that name, or it is of other records.
        """
        count = len(self.layout.snapshot)
        if by is None:
            return plain(count)
        if not isinstance(by, str):
            name, values, named = _read(by)
            if title is not None and not isinstance(by, Result):
                name, named = title, True
            if isinstance(by, Result):
                values = fitted(values, by.snapshot.ids, self.layout.snapshot.ids)
            self._made[name] = color_values(values, count, name, named=named)
            self._results[name] = by
            return self._made[name]
        if by not in self._made:
            self._made[by] = color_values(self._named(by), count, by)
        return self._made[by]

    def moved(self, layout: Layout) -> Values:
        """Make the same for the records' new places: results stay, honesty is measured anew."""
        values = Values(layout)
        for by in self._results.values():
            if isinstance(by, Result):
                values.coloring(by)
        return values

    def _named(self, name: str) -> Sequence[Any] | np.ndarray[Any, Any]:
        values = self.layout.snapshot.column(name)
        if any(value is not None for value in values):
            return values
        if name == HONESTY:
            return self.layout.honesty()
        hint = near(name, self.names(), what="Known")
        raise InvalidArgumentError(f"Nothing to colour by is called {short(name)}. {hint}")


def fitted(values: Any, ids: Sequence[str], wanted: Sequence[str]) -> Any:
    """Put values of some records in the order of others; None for those that have none.

    Raises:
        InvalidArgumentError: none of the records are among the others.
    """
    if ids is wanted or tuple(ids) == tuple(wanted):
        return values
    value = dict(zip(ids, values, strict=True))
    if wanted and not any(id in value for id in wanted):
        raise InvalidArgumentError(
            "The result is of other records: none of its ids are on the map."
        )
    return [value.get(id) for id in wanted]


def _read(by: Any) -> tuple[str, Any, bool]:
    """Read a result: what it is called, one value a record, whether numbers are names."""
    if isinstance(by, Topics):
        return "topic", by.names, True
    if isinstance(by, Clusters):
        return "cluster", [None if label < 0 else label for label in by.labels.tolist()], True
    if isinstance(by, Outliers):
        return "outlier score", by.scores, False
    if isinstance(by, Projection):
        return HONESTY, by.neighbor_recalls, False
    if isinstance(by, Duplicates):
        spare = set(by.duplicate_ids)
        copies = ["a copy" if id in spare else "kept" for id in by.snapshot.ids]
        return "duplicates", copies, True
    labels = getattr(by, "labels", None)
    if isinstance(by, Result) and labels is not None:
        return type(by).__name__.lower(), labels, True
    if isinstance(by, Result) or not hasattr(by, "__len__"):
        raise InvalidArgumentError(
            "A map is coloured by a metadata key, a result with a value a record, or one value a "
            f"record; found {type(by).__name__}."
        )
    name = getattr(by, "name", None)  # of a pandas Series
    return name if isinstance(name, str) and name else "values", by, False
