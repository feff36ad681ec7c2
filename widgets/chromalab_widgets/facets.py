"""Facets: the metadata keys of a collection with few enough values to choose among."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chromalab_widgets.base import cut
from chromalab_widgets.conditions import joined

__all__ = ["Facet", "facets_of", "where_of"]

_LOOKED_AT = 1000  # records whose keys are known; a key of none of them is rare
_KEYS = 12
_VALUES = 12
_MOST = 200  # distinct values; a key with more of them, such as a title, sorts nothing
_SHOWN = 60


@dataclass(frozen=True)
class Facet:
    """A metadata key, and values that can be chosen.

    Attributes:
        key: The key.
        values: The most frequent values.
        counts: How many records have each.
        more: How many other values there are.
        listed: Whether records hold lists of them.
    """

    key: str
    values: tuple[Any, ...]
    counts: tuple[int, ...]
    more: int
    listed: bool

    def shown(self) -> dict[str, Any]:
        """What the browser draws; it names a value by its place."""
        return {
            "key": self.key,
            "values": [
                [cut(str(v), _SHOWN), n] for v, n in zip(self.values, self.counts, strict=True)
            ],
            "more": self.more,
        }


def facets_of(collection: Any) -> list[Facet]:
    """Find the facets of a collection; of one that cannot count its values, none."""
    if not hasattr(collection, "distinct"):
        return []
    listed: dict[str, bool] = {}
    for metadata in collection.get(limit=_LOOKED_AT, include=["metadatas"])["metadatas"]:
        for key, value in (metadata or {}).items():
            listed[key] = listed.get(key, False) or isinstance(value, list)
    facets = []
    for key in sorted(listed):
        found = collection.distinct(key)
        records = sum(found.counts)
        if not 1 < len(found) <= _MOST or (len(found) == records > _VALUES):
            continue
        plain = [(v, n) for v, n in found if isinstance(v, str | int | float | bool)][:_VALUES]
        if plain:
            values, counts = zip(*plain, strict=True)
            facets.append(Facet(key, values, counts, len(found) - len(plain), listed[key]))
        if len(facets) == _KEYS:
            break
    return facets


def where_of(
    facets: Sequence[Facet],
    chosen: Mapping[str, Sequence[int]],
    *others: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """Make the filter of what was chosen: any of the values of a key, all of the keys.

    Args:
        facets: What there is.
        chosen: By key, places of values.
        others: Filters that hold besides; None or empty for none.
    """
    parts = [dict(where) for where in others if where]
    for facet in facets:
        values = [facet.values[place] for place in chosen.get(facet.key, ())]
        if not values:
            continue
        if facet.listed:
            each = [{facet.key: {"$contains": value}} for value in values]
            parts.append(each[0] if len(each) == 1 else {"$or": each})
        else:
            parts.append({facet.key: values[0] if len(values) == 1 else {"$in": values}})
    return joined(parts)
