"""The records of a collection at one version: their slots and places, in insertion order.

A record has three numbers, all int64. Its *slot* is its row in the vector file, its *place* its key
in the records table, and its *position* its index in the view.

A view takes 16 bytes per record in memory and never changes. That of a later version is made from an
earlier one by reading only what was written in between.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk.catalog import Entry
from chromalab.errors import InternalError
from chromalab.lazy import cached_property

__all__ = ["View", "view_at"]


_LEAST = -(2**63)  # a first view reads every slot, so that impossible ones are noticed


@dataclass(frozen=True, eq=False)
class View:
    """The live records of one version; two are equal only if they are the same object.

    Attributes:
        version: The collection's version.
        generation: The generation of the vector file whose rows the slots are.
        slots: (n,) int64, each record's row in the vector file.
        places: (n,) int64, ascending: each record's key in the records table.
        committed: The number of committed rows in the vector file.
    """

    version: int
    generation: int
    slots: NDArray[np.int64]
    places: NDArray[np.int64]
    committed: int

    @property
    def revision(self) -> tuple[int, int]:
        """The generation and the version, by which views are ordered."""
        return self.generation, self.version

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """(committed + 1,) the position of each slot; -1 if its record was deleted or has moved.

        The last one, also -1, is for slots that were added later.
        """
        found = np.full(self.committed + 1, -1, dtype=np.int64)
        found[self.slots] = np.arange(len(self.slots))
        return found


def view_at(connection: sqlite3.Connection, entry: Entry, known: View | None) -> View:
    """Make the view of the transaction's version, from a known one where that saves reading."""
    if known is not None and known.revision == (entry.generation, entry.model.version):
        return known
    if known is None or known.generation != entry.generation or known.version > entry.model.version:
        nothing = np.empty(0, dtype=np.int64)
        known = View(-1, entry.generation, slots=nothing, places=nothing, committed=0)
    elif known.version >= 0:
        known = _without_dead(connection, entry, known)
    # Two lists in one pass, as JSON, cost half as much as fetching the rows.
    found = connection.execute(
        "SELECT json_group_array(slot), json_group_array(place) FROM records"
        " WHERE collection = ? AND slot >= ?",
        (entry.number, known.committed or _LEAST),
    ).fetchone()
    new = np.column_stack([_integers(json.loads(numbers)) for numbers in found])
    if len(new) and not known.committed <= new[:, 0].min() <= new[:, 0].max() < entry.slots:
        raise InternalError(
            f"Collection {entry.model.name!r} is damaged: its records refer to rows that do not exist. "
            "Restore the folder from a copy."
        )
    slots = np.concatenate([known.slots, new[:, 0]])
    places = np.concatenate([known.places, new[:, 1]])
    if np.any(np.diff(places) < 0):  # an update gave an older record a new slot
        order = np.argsort(places)
        slots, places = slots[order], places[order]
    return View(entry.model.version, entry.generation, slots, places, entry.slots)


def _without_dead(connection: sqlite3.Connection, entry: Entry, known: View) -> View:
    dead = connection.execute(
        "SELECT slot FROM dead_slots WHERE collection = ? AND version > ?",
        (entry.number, known.version),
    ).fetchall()
    if not dead:
        return known
    alive = ~np.isin(known.slots, _integers([slot for (slot,) in dead]))
    return replace(known, slots=known.slots[alive], places=known.places[alive])


def _integers(values: list[Any]) -> NDArray[np.int64]:
    """Make an array; SQLite may store values of other types than the schema declares."""
    if not set(map(type, values)) <= {int}:
        raise InternalError("The records table is damaged. Restore the folder from a copy.")
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError as error:
        raise InternalError(
            "The records table is damaged. Restore the folder from a copy."
        ) from error
