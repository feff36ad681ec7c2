"""Finds the records that match: ids by the index, `where` by columns, then the documents left."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import records
from chromalab.engine.disk.view import View
from chromalab.engine.filter.clauses import Among, Compare, Join, Text
from chromalab.engine.filter.columns import Column
from chromalab.engine.values import Clause, Filter

__all__ = ["Positions", "matching"]

_FEW = 500  # the number of records up to which reading their metadata beats filling a column
_FIRST, _MOST = 512, 16384  # documents read at a time: few at first, as these may be enough
_PARTS = 100  # comparisons per statement; SQLite limits the depth of expressions to 1,000

Positions = NDArray[np.int64]


def matching(
    connection: sqlite3.Connection,
    number: int,
    view: View,
    column: Callable[[str], Column],
    filter: Filter,
    enough: int | None = None,
) -> Positions:
    """Find the records that match all parts of a filter.

    Args:
        connection: A connection in the transaction that the view was made in.
        number: The number of the collection.
        view: The records of the collection.
        column: Returns the column of a key.
        filter: The filter.
        enough: The number of matches needed, in insertion order; more may be returned.

    Returns:
        Positions in the view, ascending: (m,) int64.
    """
    positions = None
    if filter.ids is not None:
        positions = _of_ids(connection, number, view, filter.ids)
    if filter.where is not None:
        if positions is not None and len(positions) <= _FEW and _is_of_metadata(filter.where):
            positions = _one_by_one(connection, view, positions, filter.where)
        else:
            mask = _Mask(connection, number, view, column).of(filter.where)
            positions = np.flatnonzero(mask) if positions is None else positions[mask[positions]]
    if filter.where_document is not None:
        if positions is None:
            positions = np.arange(len(view.places))
        search = _Search(connection, number, view)
        return search.matching(positions, filter.where_document, enough)
    if positions is None:
        return np.arange(len(view.places) if enough is None else min(enough, len(view.places)))
    return positions


def _of_ids(
    connection: sqlite3.Connection, number: int, view: View, ids: Sequence[str]
) -> Positions:
    found = records.places_of(connection, number, ids)
    places = np.sort(np.array(found, dtype=np.int64))
    positions = np.searchsorted(view.places, places).astype(np.int64)
    # A damaged index may list records that the table does not have.
    there = positions < len(view.places)
    positions, places = positions[there], places[there]
    return np.asarray(positions[view.places[positions] == places], dtype=np.int64)


def _one_by_one(
    connection: sqlite3.Connection, view: View, positions: Positions, clause: Clause
) -> Positions:
    texts = records.fetch(connection, view.places[positions].tolist(), ("metadata",))
    mask = [clause.matches(records.load(text) or {}, None) for (text,) in texts.values()]
    return positions[np.array(mask, dtype=np.bool_)]


def _is_of_metadata(clause: Clause) -> bool:
    if isinstance(clause, Join):
        return all(map(_is_of_metadata, clause.clauses))
    return isinstance(clause, Compare)


@dataclass(frozen=True)
class _Mask:
    """Evaluates a tree for all records of a collection at once."""

    connection: sqlite3.Connection
    number: int
    view: View
    column: Callable[[str], Column]

    def of(self, clause: Clause) -> NDArray[np.bool_]:
        """The records that match: (records,) bool."""
        if isinstance(clause, Join):
            join = np.logical_and if clause.operator == "$and" else np.logical_or
            return reduce(join, map(self.of, clause.clauses))
        if isinstance(clause, Compare):
            return self.column(clause.key).mask(clause.operator, clause.value)
        if isinstance(clause, Among):
            found = self._at(_of_ids(self.connection, self.number, self.view, clause.ids))
            return found if clause.operator == "$in" else ~found
        search = _Search(self.connection, self.number, self.view)
        everything = np.arange(len(self.view.places))
        return self._at(search.matching(everything, clause, None))

    def _at(self, positions: Positions) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.view.places), dtype=np.bool_)
        mask[positions] = True
        return mask


@dataclass(frozen=True)
class _Search:
    """A search in the documents of one collection."""

    connection: sqlite3.Connection
    number: int
    view: View

    def matching(self, positions: Positions, clause: Clause, enough: int | None) -> Positions:
        """The positions that match; stops once there are `enough` of them."""
        in_sql, rest = _split(clause)
        found_so_far: list[Positions] = []
        size, start, count = _FIRST if enough is not None else _MOST, 0, 0
        while start < len(positions) and (enough is None or count < enough):
            chunk = positions[start : start + size]
            found = self._places(self.view.places[chunk], in_sql, rest)
            found_so_far.append(np.searchsorted(self.view.places, found))
            count += len(found)
            start, size = start + size, min(2 * size, _MOST)
        return np.concatenate([np.empty(0, dtype=np.int64), *found_so_far])

    def _places(
        self, places: NDArray[np.int64], in_sql: tuple[str, list[str]], rest: Clause | None
    ) -> NDArray[np.int64]:
        which, bound = self._bounds(places)
        condition, texts = in_sql
        document = "document" if rest is not None else "NULL"
        rows = self.connection.execute(
            f"SELECT place, {document} FROM records"  # noqa: S608
            f" WHERE {which} AND {condition} ORDER BY place",
            (*bound, *texts),
        )
        found = [place for place, text in rows if rest is None or rest.matches({}, text)]
        return np.array(found, dtype=np.int64)

    def _bounds(self, places: NDArray[np.int64]) -> tuple[str, tuple[int | str, ...]]:
        """An SQL condition for places: a range if the collection has no others in it."""
        first, last = int(places[0]), int(places[-1])
        within = np.searchsorted(self.view.places, [first, last])
        if within[1] - within[0] == len(places) - 1 and last - first < 4 * len(places):
            return "place BETWEEN ? AND ? AND +collection = ?", (first, last, self.number)
        return "place IN (SELECT value FROM json_each(?))", (json.dumps(places.tolist()),)


def _split(clause: Clause) -> tuple[tuple[str, list[str]], Clause | None]:
    """Split a tree into the part that SQL can express, with its bound strings, and the rest."""
    whole = _in_sql(clause)
    if whole is not None:
        return whole, None
    if isinstance(clause, Join) and clause.operator == "$and":
        parts = [(part, _in_sql(part)) for part in clause.clauses]
        sqls = [sql for _, sql in parts if sql is not None]
        if sqls and sum(len(texts) for _, texts in sqls) <= _PARTS:
            rest = Join("$and", tuple(part for part, sql in parts if sql is None))
            return _joined(sqls, "AND"), rest
    return ("TRUE", []), clause


def _in_sql(clause: Clause) -> tuple[str, list[str]] | None:
    """Translate a clause to equivalent SQL, which exists for strings that are contained or not.

    The strings are bound, never part of the statement. instr() compares UTF-8 bytes, in which a
    string is found exactly where its characters are.
    """
    if isinstance(clause, Join):
        parts = [_in_sql(part) for part in clause.clauses]
        sqls = [part for part in parts if part is not None]
        if len(sqls) < len(parts) or sum(len(texts) for _, texts in sqls) > _PARTS:
            return None
        return _joined(sqls, "AND" if clause.operator == "$and" else "OR")
    if not isinstance(clause, Text) or clause.operator not in ("$contains", "$not_contains"):
        return None
    if any("\ud800" <= character <= "\udfff" for character in clause.value):
        return None  # no document contains it, and it cannot be bound
    found = "coalesce(instr(document, ?), 0)"
    return f"{found} {'>' if clause.operator == '$contains' else '='} 0", [clause.value]


def _joined(parts: list[tuple[str, list[str]]], word: str) -> tuple[str, list[str]]:
    return f"({f' {word} '.join(sql for sql, _ in parts)})", [
        t for _, texts in parts for t in texts
    ]
