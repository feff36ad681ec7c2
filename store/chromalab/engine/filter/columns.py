"""Metadata keys as columns in memory: one code per record, filled on first use, then updated.

A column is aligned with the view of its version. For a later version, only new and changed records
are read. For an earlier one, needed by a reader that began before a write, it is filled from scratch
and not cached.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import records
from chromalab.engine.disk.view import View
from chromalab.engine.filter.dictionary import Codes, Dictionary
from chromalab.errors import InternalError

__all__ = ["Column", "Columns"]

_HELD = 64  # keys in memory; the least recently used one is dropped first
_UNUSED = 1000  # values no longer used, beyond which a dictionary is rebuilt
_DAMAGED = "damaged"
_REST = len(",null]")
_OPPOSITE = {"$ne": "$eq", "$nin": "$in", "$not_contains": "$contains"}

# With two paths the result is a JSON array, which distinguishes true from 1 and a string from a list.
# An object has no [0], so the second element is null.
_VALUE = (
    "CASE WHEN metadata GLOB '{*' THEN json_extract(metadata, ?, '$[0]')"
    f" WHEN metadata IS NOT NULL THEN '{_DAMAGED}' END"
)
_OF_ALL = (
    "FROM records WHERE collection = ? AND slot >= ?"  # by the index that the view is read with
)
_OF_SOME = "FROM records WHERE place IN (SELECT value FROM json_each(?))"

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Column:
    """The values of one key, at one version.

    Attributes:
        revision: The generation and version of the view it is aligned with.
        places: (n,) int64, the places of the view.
        codes: (n,) int32, the code of each record's value; -1 if it has none.
        dictionary: The values by code, possibly including some no longer used.
    """

    revision: tuple[int, int]
    places: Places
    codes: Codes
    dictionary: Dictionary

    @property
    def values(self) -> list[Any]:
        """The values by code."""
        return self.dictionary.values

    def mask(self, operator: str, wanted: Any) -> NDArray[np.bool_]:
        """The records for which a comparison holds, as in `clauses.Compare`: (n,) bool.

        The comparison is evaluated once per distinct value, not once per record.
        """
        if operator == "$exists":
            return np.asarray((self.codes >= 0) == wanted)
        if operator in _OPPOSITE:  # also matches records that lack the key
            return ~self.mask(_OPPOSITE[operator], wanted)
        picked = self.dictionary.picked(operator, wanted)
        if len(picked) == 1:
            return np.asarray(self.codes == picked[0])
        table = np.zeros(len(self.values) + 1, dtype=np.bool_)  # code -1 takes the last entry
        table[picked] = True
        return table.take(self.codes)

    def order(self, positions: Places, *, descending: bool) -> Places:
        """Sort positions by their values, stably; those without a value come last."""
        table = self.dictionary.ranks()
        ranks, last = table.take(self.codes[positions]), len(table) - 1
        if descending:
            ranks = np.where(ranks < last, -ranks, last)
        return positions[np.argsort(ranks, kind="stable")]


class Columns:
    """The columns of one collection that are in memory, shared by the threads of a client."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Column] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: sqlite3.Connection, number: int, view: View, key: str) -> Column:
        """Get the column of a key for the view of the transaction's version.

        Args:
            connection: A connection in the transaction that the view was made in.
            number: The number of the collection.
            view: The records.
            key: A metadata key.

        Raises:
            InternalError: The metadata of a record is damaged.
        """
        with self._lock:
            known = self._held.get(key)
            if known is not None:
                self._held.move_to_end(key)
        if known is not None and known.revision == view.revision:
            return known
        column = None
        if known is not None and known.revision < view.revision:
            column = _refreshed(connection, number, view, key, known)
        column = column or _filled(connection, number, view, key)
        with self._lock:
            latest = self._held.get(key)
            if latest is None or latest.revision < column.revision:
                self._held[key] = column
                self._held.move_to_end(key)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        return column


def _filled(connection: sqlite3.Connection, number: int, view: View, key: str) -> Column:
    dictionary = Dictionary()
    places, codes = _read(connection, key, dictionary, _OF_ALL, (number, -(2**63)))
    if not np.array_equal(places, view.places):  # the two are from one transaction
        raise InternalError("The records table is damaged. Restore the folder from a copy.")
    return Column(view.revision, view.places, codes, dictionary)


def _refreshed(
    connection: sqlite3.Connection, number: int, view: View, key: str, known: Column
) -> Column | None:
    """Update a column to a later version; None if filling it from scratch is better."""
    (generation, version), places = known.revision, known.places
    if generation != view.generation or not len(places):
        return None
    if len(known.values) > 2 * len(view.places) + _UNUSED:
        return None
    old = int(np.searchsorted(view.places, places[-1], side="right"))  # later ones are new
    codes = known.codes
    if old < len(places):  # some were deleted
        codes = codes[np.searchsorted(places, view.places[:old])]
    changed = connection.execute(
        "SELECT DISTINCT place FROM changed WHERE collection = ? AND version > ?", (number, version)
    ).fetchall()
    touched = np.array(changed, dtype=np.int64).ravel()
    at = np.searchsorted(view.places[:old], touched)
    there = view.places[np.minimum(at, old - 1)] == touched if old else np.zeros(0, np.bool_)
    stale = np.concatenate([touched[there], view.places[old:]])
    if len(stale) > len(view.places) // 2 + _UNUSED:
        return None
    if len(stale):
        bound = (json.dumps(stale.tolist()),)
        found, new = _read(connection, key, known.dictionary, _OF_SOME, bound)
        grown = np.full(len(view.places), -1, dtype=np.int32)
        grown[:old] = codes
        grown[np.searchsorted(view.places, found)] = new
        codes = grown
    return Column(view.revision, view.places, codes, known.dictionary)


def _read(
    connection: sqlite3.Connection,
    key: str,
    dictionary: Dictionary,
    where: str,
    bound: tuple[Any, ...],
) -> tuple[Places, Codes]:
    """Read the codes of some records: their places, ascending, and one code per place."""
    read = _read_json(connection, key, dictionary, where, bound) if _is_plain(key) else None
    if read is None:
        stored = connection.execute(f"SELECT place, metadata {where}", bound)
        held = [(place, (records.load(text) or {}).get(key)) for place, text in stored]
        read = [place for place, _ in held], dictionary.encode(value for _, value in held)
    places, codes = np.array(read[0], dtype=np.int64), np.array(read[1], dtype=np.int32)
    order = np.argsort(places, kind="stable")
    return places[order], codes[order]


def _read_json(
    connection: sqlite3.Connection,
    key: str,
    dictionary: Dictionary,
    where: str,
    bound: tuple[Any, ...],
) -> tuple[list[int], list[int]] | None:
    """Read places and codes, parsing each distinct text once; None if some is not plain JSON."""
    try:
        rows = connection.execute(
            f"SELECT place, {_VALUE} {where}",
            (f'$."{key}"', *bound),
        ).fetchall()
    except sqlite3.OperationalError as error:
        if "JSON" not in str(error):
            raise
        return None
    texts = [text for _, text in rows]
    codes = dict.fromkeys(texts, -1)
    codes.pop(None, None)
    if _DAMAGED in codes:
        return None
    try:
        values = json.loads(f"[{','.join(text[1:-_REST] for text in codes)}]")
    except (ValueError, RecursionError):
        return None
    codes.update(zip(codes, dictionary.encode(values), strict=True))
    codes[None] = -1
    return [place for place, _ in rows], list(map(codes.__getitem__, texts))


def _is_plain(key: str) -> bool:
    """Whether a key appears unescaped both in JSON and in a JSON path of SQLite."""
    return not any(c in '"\\' or c < " " or "\ud800" <= c <= "\udfff" for c in key)
