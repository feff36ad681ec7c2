"""Facets: the metadata fields of a collection that have few enough values to choose from, or are ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chromalab_widgets.core.filters import Bound, in_range, joined, one_of
from chromalab_widgets.core.summary import summary
from chromalab_widgets.core.text import cut

__all__ = ["Facet", "RangeFacet", "facets_of", "where_of"]

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


@dataclass(frozen=True)
class RangeFacet:
    """A metadata field of numbers or dates, of which a range can be chosen.

    Attributes:
        key: The field.
        histogram: Its distribution, as `summary` returns it.
    """

    key: str
    histogram: Mapping[str, Any]

    def shown(self) -> dict[str, Any]:
        """Return what the browser draws."""
        return {"key": self.key, "histogram": dict(self.histogram)}


def facets_of(collection: Any) -> list[Facet | RangeFacet]:
    """Find the facets of a collection; a collection that cannot count its values has none."""
    if not hasattr(collection, "distinct"):
        return []
    in_lists: dict[str, bool] = {}
    for metadata in collection.get(limit=_LOOKED_AT, include=["metadatas"])["metadatas"]:
        for key, value in (metadata or {}).items():
            in_lists[key] = in_lists.get(key, False) or isinstance(value, list)
    facets: list[Facet | RangeFacet] = []
    for key in sorted(in_lists):
        found = collection.distinct(key)
        histogram = summary(found)
        if histogram["kind"] != "values" and not histogram["others"]:
            facets.append(RangeFacet(key, histogram))
            continue
        records = sum(found.counts)
        if not 1 < len(found) <= _MOST or (len(found) == records > _VALUES):
            continue
        plain = [(v, n) for v, n in found if isinstance(v, str | int | float | bool)][:_VALUES]
        if plain:
            values, counts = zip(*plain, strict=True)
            facets.append(Facet(key, values, counts, len(found) - len(plain), in_lists[key]))
    return facets[:_KEYS]


def where_of(
    facets: Sequence[Facet | RangeFacet],
    chosen: Mapping[str, Sequence[int]],
    ranges: Mapping[str, tuple[Bound, Bound]],
    *others: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """Return the filter for the chosen values and ranges, all of which must match.

    Args:
        facets: The facets of the collection.
        chosen: The positions of the chosen values, by field; one of them must match.
        ranges: The chosen bounds, both of which are included, by field.
        others: Filters that must match as well; None or empty ones are ignored.
    """
    parts = [dict(where) for where in others if where]
    for facet in facets:
        if isinstance(facet, RangeFacet):
            parts += in_range(facet.key, *ranges.get(facet.key, (None, None)), closed=True)
            continue
        values = [facet.values[position] for position in chosen.get(facet.key, ())]
        parts += one_of(facet.key, values, in_lists=facet.in_lists)
    return joined(parts)
