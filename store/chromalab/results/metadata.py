"""Which metadata keys are displayed: a few by default, or those that `show` names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chromalab.engine import read_instant

__all__ = ["ALL", "FEW", "Show", "shown_keys"]

Show = Sequence[str] | str | None
"""Metadata keys in order, "all" of them, or None for the most useful few."""

ALL = "all"
FEW = 4
"""The number of keys that are displayed by default."""

_LONG = 40  # characters: longer values are texts of their own
_MANY = 20  # records: among fewer, it says little that a value is always the same or never


def shown_keys(show: Show, metadatas: Iterable[Mapping[str, Any] | None]) -> list[str]:
    """Return the metadata keys to display for some records.

    By default these are the four keys that most records have and whose values are short, in the order in
    which they are stored; keys whose values never differ, or are names of single records, come last.

    Args:
        show: The keys, "all", or None.
        metadatas: The metadata of the records.

    Example:
        >>> tea = {"name": "tea", "note": "a drink " * 10, "kind": "food", "hot": True, "year": 1}
        >>> milk = {"name": "milk", "kind": "food", "hot": False, "year": 2, "fat": 3}
        >>> shown_keys(None, [tea, milk])
        ['name', 'kind', 'hot', 'year']
        >>> shown_keys(["year", "name"], [tea, milk])
        ['year', 'name']
    """
    if show is not None and show != ALL and list(show) != [ALL]:
        return list(show)
    values: dict[str, list[Any]] = {}
    for metadata in metadatas:
        for key, value in (metadata or {}).items():
            values.setdefault(key, []).append(value)
    if show is not None:
        return list(values)

    def rank(key: str) -> tuple[bool, int, bool]:
        texts = [str(value)[: _LONG + 1] for value in values[key]]
        is_long = sum(map(len, texts)) > _LONG * len(texts)
        return is_long, -len(texts), _is_dull(values[key], len(set(texts)))

    chosen = set(sorted(values, key=rank)[:FEW])
    return [key for key in values if key in chosen]


def _is_dull(values: Sequence[Any], distinct: int) -> bool:
    """Whether values are all the same, or nearly all different texts that are no dates."""
    if len(values) < _MANY or 1 < distinct <= len(values) / 2:
        return False
    first = values[0]
    return distinct == 1 or (isinstance(first, str) and read_instant(first) is None)
