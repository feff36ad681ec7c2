"""The distinct values of one metadata key, numbered, and which of them satisfy a comparison.

A dictionary only grows, and the number of a value, its *code*, never changes. So columns of several
versions share one, and threads may read it while another adds to it.
"""

from __future__ import annotations

import itertools
import json
import math
import operator
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.filter.dates import Dates, Instant, read_instant

__all__ = ["Codes", "Dictionary", "ordering"]

Codes = NDArray[np.int32]

_INT64 = 2**63
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_SCALARS = (bool, int, float, str)  # types that are their own key; others are keyed by their JSON


class Dictionary:
    """Numbers values in the order first met; 1, 1.0 and True are three values.

    Attributes:
        values: The values, each at the index of its code.

    Example:
        >>> years = Dictionary()
        >>> years.encode([1999, 2004, None, 1999, True])
        [0, 1, -1, 0, 2]
        >>> years.picked("$gt", 2000).tolist()
        [1]
    """

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._lock = threading.Lock()
        self._codes: dict[type, dict[Any, int]] = {kind: {} for kind in (*_SCALARS, list)}
        self._numbers = _Numbers()
        self._dates = Dates()
        self._elements: dict[type, dict[Any, list[int]]] = {kind: {} for kind in _SCALARS}
        self._searched = 0
        self._ranks = np.zeros(1, dtype=np.int64)

    def encode(self, values: Iterable[Any]) -> list[int]:
        """Return the code of each value, adding new ones; None, which means no value, is -1."""
        with self._lock:
            return [-1 if value is None else self._code(value) for value in values]

    def picked(self, comparison: str, wanted: Any) -> Codes:
        """The codes of the values that satisfy a comparison of a filter.

        Args:
            comparison: "$eq", "$in", "$contains", or one of "$gt", "$gte", "$lt", "$lte".
            wanted: The operand of the filter: a scalar or an instant, or a sequence of them for "$in".
        """
        first = wanted[0] if comparison == "$in" and wanted else wanted
        if isinstance(first, Instant):
            return self._picked_dates(comparison, wanted)
        if comparison in _COMPARE:
            with self._lock:
                numbers = self._numbers = self._numbers.extended(self.values)
            return numbers.picked(comparison, wanted)
        if comparison == "$contains":
            with self._lock:
                self._search_lists()
                found = {c for kind in _like(wanted) for c in self._elements[kind].get(wanted, ())}
        else:
            found = {
                self._codes[kind][value]
                for value in (wanted if comparison == "$in" else [wanted])
                for kind in _like(value)
                if value in self._codes[kind]
            }
        return np.array(sorted(found), dtype=np.int32)

    def _picked_dates(self, comparison: str, wanted: Any) -> Codes:
        if comparison == "$contains":
            with self._lock:
                self._search_lists()
                texts = [t for t in self._elements[str] if read_instant(t) == wanted]
                found = {code for text in texts for code in self._elements[str][text]}
            return np.array(sorted(found), dtype=np.int32)
        dates = self._known_dates()
        instants = wanted if comparison == "$in" else [wanted]
        compare = _COMPARE.get(comparison, operator.eq)
        return np.unique(np.concatenate([dates.picked(compare, instant) for instant in instants]))

    def _known_dates(self) -> Dates:
        with self._lock:
            self._dates = self._dates.extended(self.values)
            return self._dates

    def ranks(self) -> NDArray[np.int64]:
        """The rank of each value in `ordering`, from 0, by code; equal values share a rank.

        Where all texts are dates, they are ordered in time, whatever their time zones.

        The result is (m + 1,) int64; the last entry, the largest, is for records without a value.
        """
        ranks = self._ranks
        values = self.values[:]
        if len(ranks) != len(values) + 1:
            dates = self._known_dates()
            instants = dates.by_code() if dates.all_texts else {}
            keys = [
                (1, instants[code]) if code in instants else ordering(value)
                for code, value in enumerate(values)
            ]
            order = sorted(range(len(keys)), key=keys.__getitem__)
            steps = [0, *(keys[a] != keys[b] for a, b in itertools.pairwise(order))]
            ranks = np.full(len(values) + 1, len(values), dtype=np.int64)
            ranks[np.array(order, dtype=np.int64)] = np.cumsum(steps)[: len(order)]
            self._ranks = ranks
        return ranks

    def _code(self, value: Any) -> int:
        kind = type(value)
        if kind in _SCALARS:
            codes, key = self._codes[kind], value
        else:
            codes, key = self._codes[list], json.dumps(value)
        code = codes.get(key)
        if code is None:
            code = len(self.values)
            self.values.append(
                value
            )  # before its code is visible, as tables are as long as the values
            codes[key] = code
        return code

    def _search_lists(self) -> None:
        """Record which lists contain each element, for the lists that are new."""
        new = range(self._searched, len(self.values))
        for code in new:
            if isinstance(self.values[code], list):
                for item in self.values[code]:
                    if type(item) in _SCALARS:
                        self._elements[type(item)].setdefault(item, []).append(code)
        self._searched = new.stop


class _Numbers:
    """The numbers among the values, as separate int64 and float64 arrays: neither covers the other."""

    def __init__(self) -> None:
        self._read = 0
        self._int_codes = self._float_codes = np.empty(0, dtype=np.int32)
        self._ints = np.empty(0, dtype=np.int64)
        self._floats = np.empty(0, dtype=np.float64)
        self._large: dict[int, int] = {}  # beyond 64 bits, which only another program writes

    def extended(self, values: Sequence[Any]) -> _Numbers:
        """A copy extended by the new values."""
        if self._read == len(values):
            return self
        more = _Numbers()
        more._read = len(values)
        new = values[self._read :]
        kinds = list(map(type, new))
        found = [self._read + at for at, kind in enumerate(kinds) if kind is int]
        large = {code for code in found if not -_INT64 <= values[code] < _INT64}
        ints = [code for code in found if code not in large] if large else found
        floats = [self._read + at for at, kind in enumerate(kinds) if kind is float]
        more._int_codes, more._ints = _join(self._int_codes, self._ints, ints, values)
        more._float_codes, more._floats = _join(self._float_codes, self._floats, floats, values)
        more._large = self._large | {code: values[code] for code in large}
        return more

    def picked(self, comparison: str, wanted: float) -> Codes:
        """The codes of the numbers that satisfy a comparison, as exactly as in Python."""
        compare = _COMPARE[comparison]
        return np.concatenate(
            [
                self._int_codes[_compare_ints(self._ints, comparison, wanted)],
                self._float_codes[_compare_floats(self._floats, comparison, wanted)],
                np.array([c for c, v in self._large.items() if compare(v, wanted)], np.int32),
            ]
        )


def ordering(value: Any) -> tuple[Any, ...]:
    """The sort key of metadata values: numbers, then strings, booleans, lists, then the rest.

    Example:
        >>> sorted([True, "b", 2.5, [1], "a", 1], key=ordering)
        [1, 2.5, 'a', 'b', True, [1]]
    """
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, int | float) and value == value:
        return 0, value
    if isinstance(value, str):
        return 1, value
    if isinstance(value, list):
        return 3, tuple(map(ordering, value))
    return 4, json.dumps(value)


def _like(wanted: Any) -> tuple[type, ...]:
    """The types that an equal value may have."""
    if isinstance(wanted, bool):
        return (bool,)
    return (str,) if isinstance(wanted, str) else (int, float)


def _join(codes: Codes, held: NDArray[Any], new: list[int], values: Sequence[Any]) -> Any:
    if not new:
        return codes, held
    more = np.array([values[code] for code in new], dtype=held.dtype)
    return np.concatenate([codes, np.array(new, dtype=codes.dtype)]), np.concatenate([held, more])


def _compare_ints(ints: NDArray[np.int64], comparison: str, wanted: float) -> NDArray[np.bool_]:
    if isinstance(wanted, float) and math.isfinite(wanted):
        # x < 2.5 becomes x < 3, and x <= 2.5 becomes x <= 2: as a float64, 2**53 + 1 would be 2**53
        wanted = math.ceil(wanted) if comparison in ("$lt", "$gte") else math.floor(wanted)
    if -_INT64 <= wanted < _INT64:
        return np.asarray(_COMPARE[comparison](ints, np.int64(wanted)))
    return np.full(len(ints), _COMPARE[comparison](0, wanted))


def _compare_floats(
    floats: NDArray[np.float64], comparison: str, wanted: float
) -> NDArray[np.bool_]:
    try:
        nearest = float(wanted)
    except OverflowError:
        nearest = math.inf if wanted > 0 else -math.inf
    if nearest > wanted:  # no float is between the two, so x <= wanted means x < nearest
        comparison = {"$lte": "$lt", "$gt": "$gte"}.get(comparison, comparison)
    elif nearest < wanted:
        comparison = {"$lt": "$lte", "$gte": "$gt"}.get(comparison, comparison)
    return np.asarray(_COMPARE[comparison](floats, nearest))
