"""Facets: the metadata fields of a collection that have few enough values to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chromalab_widgets.core.filters import joined, one_of
from chromalab_widgets.core.text import cut

__all__ = ["Facet", "facets_of", "where_of"]

_LOOKED_AT = 1000  # records whose fields are considered; a field of none of them is rare
_KEYS = 12
_VALUES = 12
_MOST = 200  # distinct values; a field with more of them, such as a title, does not group records
_SHOWN = 60


@dataclass(frozen=True)
class Facet:
    """A metadata field and the values that can be chosen.

    Attributes:
        key: The field.
        values: The most frequent values.
        counts: The number of records with each value.
        more: The number of other values.
        in_lists: Whether records contain lists of these values.
    """

    key: str
    values: tuple[Any, ...]
    counts: tuple[int, ...]
    more: int
    in_lists: bool

    def shown(self) -> dict[str, Any]:
        """Return what the browser draws; it refers to a value by its position."""
        return {
            "key": self.key,
            "values": [
                [cut(str(v), _SHOWN), n] for v, n in zip(self.values, self.counts, strict=True)
            ],
            "more": self.more,
        }


def facets_of(collection: Any) -> list[Facet]:
    """Find the facets of a collection; a collection that cannot count its values has none."""
    if not hasattr(collection, "distinct"):
        return []
    in_lists: dict[str, bool] = {}
    for metadata in collection.get(limit=_LOOKED_AT, include=["metadatas"])["metadatas"]:
        for key, value in (metadata or {}).items():
            in_lists[key] = in_lists.get(key, False) or isinstance(value, list)
    facets = []
    for key in sorted(in_lists):
        found = collection.distinct(key)
        records = sum(found.counts)
        if not 1 < len(found) <= _MOST or (len(found) == records > _VALUES):
            continue
        plain = [(v, n) for v, n in found if isinstance(v, str | int | float | bool)][:_VALUES]
        if plain:
            values, counts = zip(*plain, strict=True)
            facets.append(Facet(key, values, counts, len(found) - len(plain), in_lists[key]))
        if len(facets) == _KEYS:
            break
    return facets


def where_of(
    facets: Sequence[Facet],
    chosen: Mapping[str, Sequence[int]],
    *others: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """Return the filter for the chosen values: one of the chosen values in each of the chosen fields.

    Args:
        facets: The facets of the collection.
        chosen: The positions of the chosen values, by field.
        others: Filters that must match as well; None or empty ones are ignored.
    """
    parts = [dict(where) for where in others if where]
    for facet in facets:
        values = [facet.values[position] for position in chosen.get(facet.key, ())]
        parts += one_of(facet.key, values, in_lists=facet.in_lists)
    return joined(parts)
