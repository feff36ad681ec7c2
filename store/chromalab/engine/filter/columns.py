"""Metadata keys as columns in memory: a code a record, filled on first use, then kept up to date.

A column is aligned with the view of its version. For a later version only the records that are new
or were changed are read; for an earlier one, of a reader that began before a write, it is made anew
and not kept.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import records
from chromalab.engine.disk.view import View
from chromalab.engine.filter.dictionary import Codes, Dictionary
from chromalab.errors import InternalError, MissingDependencyError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Column", "Columns"]

_HELD = 64  # keys in memory; the one that was not used for longest goes first
_UNUSED = 1000  # values that no record has any more, before a dictionary is made anew
_DAMAGED = "damaged"
_REST = len(",null]")
_OPPOSITE = {"$ne": "$eq", "$nin": "$in", "$not_contains": "$contains"}

# Two paths make an array of JSON, in which true and 1, and a text and a list, are not the same;
# an object has no [0], so the second is null.
_VALUE = (
    "CASE WHEN metadata GLOB '{*' THEN json_extract(metadata, ?, '$[0]')"
    f" WHEN metadata IS NOT NULL THEN '{_DAMAGED}' END"
)
_OF_ALL = "FROM records WHERE collection = ? AND slot >= ?"  # by the index, as the view is read
_OF_SOME = "FROM records WHERE place IN (SELECT value FROM json_each(?))"

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Column:
    """The values of one key, at one version.

    Attributes:
        moment: Generation and version of the view it is aligned with.
        places: (n,) int64, the view's.
        codes: (n,) int32, which value each record has; -1 where it has none.
        dictionary: The values by code; it may hold some that no record has any more.
    """

    moment: tuple[int, int]
    places: Places
    codes: Codes
    dictionary: Dictionary

    @property
    def values(self) -> list[Any]:
        """The values by code."""
        return self.dictionary.values

    def mask(self, operator: str, wanted: Any) -> NDArray[np.bool_]:
        """Which records compare so, as `clauses.Compare` says: (n,) bool.

        The comparison is made once for each distinct value, not for each record.
        """
        if operator in _OPPOSITE:  # matches what lacks the key, too
            return ~self.mask(_OPPOSITE[operator], wanted)
        picked = self.dictionary.picked(operator, wanted)
        if len(picked) == 1:
            return np.asarray(self.codes == picked[0])
        table = np.zeros(len(self.values) + 1, dtype=np.bool_)  # -1 takes the last
        table[picked] = True
        return table.take(self.codes)

    def order(self, positions: Places, *, descending: bool) -> Places:
        """Sort positions by their values, those without one last, equal ones as they came."""
        table = self.dictionary.ranks()
        ranks, last = table.take(self.codes[positions]), len(table) - 1
        if descending:
            ranks = np.where(ranks < last, -ranks, last)
        return positions[np.argsort(ranks, kind="stable")]

    def arrow(self) -> pyarrow.Array:
        """Make an Arrow array: of the values' type, a text as a dictionary, several types as JSON.

        Raises:
            MissingDependencyError: pyarrow is not installed.
        """
        try:
            import pyarrow
        except ImportError as error:
            raise MissingDependencyError(
                'Arrow columns need pyarrow: pip install "chromalab[arrow]"'
            ) from error
        used, codes = np.unique(self.codes, return_inverse=True)
        values = [self.values[code] for code in used.tolist() if code >= 0]
        missing = self.codes < 0
        codes = codes.reshape(-1) - (len(used) - len(values))
        types = {type(value) for value in values}
        if len(types) > 1 or dict in types:
            values = [json.dumps(value, ensure_ascii=False) for value in values]
        indices = pyarrow.array(codes.astype(np.int32), mask=missing)
        made = pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array(values))
        return made if len(types) > 1 or types <= {str, dict} else made.dictionary_decode()


class Columns:
    """The columns of one collection that are in memory, shared by the threads of a client."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Column] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: sqlite3.Connection, number: int, view: View, key: str) -> Column:
        """Make the column of a key for the view of the transaction's moment.

        Args:
            connection: In the transaction the view was made in.
            number: The collection's.
            view: The records.
            key: A metadata key.

        Raises:
            InternalError: the metadata of a record is damaged.
        """
        with self._lock:
            known = self._held.get(key)
            if known is not None:
                self._held.move_to_end(key)
        if known is not None and known.moment == view.moment:
            return known
        column = None
        if known is not None and known.moment < view.moment:
            column = _refreshed(connection, number, view, key, known)
        column = column or _filled(connection, number, view, key)
        with self._lock:
            latest = self._held.get(key)
            if latest is None or latest.moment < column.moment:
                self._held[key] = column
                self._held.move_to_end(key)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        return column


def _filled(connection: sqlite3.Connection, number: int, view: View, key: str) -> Column:
    dictionary = Dictionary()
    places, codes = _read(connection, key, dictionary, _OF_ALL, (number, -(2**63)))
    if not np.array_equal(places, view.places):  # they are of one moment
        raise InternalError("The records table is damaged. Restore the folder from a copy.")
    return Column(view.moment, view.places, codes, dictionary)


def _refreshed(
    connection: sqlite3.Connection, number: int, view: View, key: str, known: Column
) -> Column | None:
    """Bring a column up to a later version; None where it is better made anew."""
    (generation, version), places = known.moment, known.places
    if generation != view.generation or not len(places):
        return None
    if len(known.values) > 2 * len(view.places) + _UNUSED:
        return None
    kept = int(np.searchsorted(view.places, places[-1], side="right"))  # later ones are new
    codes = known.codes
    if kept < len(places):  # some were deleted
        codes = codes[np.searchsorted(places, view.places[:kept])]
    changed = connection.execute(
        "SELECT DISTINCT place FROM changed WHERE collection = ? AND version > ?", (number, version)
    ).fetchall()
    touched = np.array(changed, dtype=np.int64).ravel()
    at = np.searchsorted(view.places[:kept], touched)
    there = view.places[np.minimum(at, kept - 1)] == touched if kept else np.zeros(0, np.bool_)
    stale = np.concatenate([touched[there], view.places[kept:]])
    if len(stale) > len(view.places) // 2 + _UNUSED:
        return None
    if len(stale):
        bound = (json.dumps(stale.tolist()),)
        found, new = _read(connection, key, known.dictionary, _OF_SOME, bound)
        grown = np.full(len(view.places), -1, dtype=np.int32)
        grown[:kept] = codes
        grown[np.searchsorted(view.places, found)] = new
        codes = grown
    return Column(view.moment, view.places, codes, known.dictionary)


def _read(
    connection: sqlite3.Connection,
    key: str,
    dictionary: Dictionary,
    where: str,
    bound: tuple[Any, ...],
) -> tuple[Places, Codes]:
    """Read the codes of some records: their places, ascending, and a code each."""
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
    """Read places and codes, each distinct text once; None where not all of it is plain JSON."""
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
    """Whether a key stands in JSON, and in a path of SQLite's, as it is."""
    return not any(c in '"\\' or c < " " or "\ud800" <= c <= "\udfff" for c in key)
