"""The inverted index of one metadata key, or of the documents, at one version of a collection.

Most records are in one large part, which is in a file and memory-mapped. What was written since is in a
second part, the tail; it is small and in memory. Records that were deleted or changed stay in the part
they are in, and are marked as dead. When the tail is large or many records are dead, the parts are
merged.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import records
from chromalab.engine.disk.view import View
from chromalab.engine.inverted.postings import Alive, Postings, merged
from chromalab.engine.inverted.terms import term_numbers
from chromalab.errors import InternalError

__all__ = ["DOCUMENT", "Field", "InvertedIndex", "Part"]

DOCUMENT = "#document"
"""The key of the documents."""

_BEFORE_ALL = -(2**63)
_BLOCK = 4096  # records read at a time
_TAIL = 20_000  # entries that a tail may have in any case; merging it takes 2 ms
_TAIL_SHARE = 1 / 8  # entries that it may have as a share of the large part's
_DEAD_SHARE = 0.3  # records that may be dead, as a share of all with postings


class Field(NamedTuple):
    """What is indexed: the texts or the sparse vectors under a key."""

    key: str
    is_sparse: bool

    @property
    def code(self) -> str:
        """A name for files, as a key may be any text."""
        text = f"{'sparse' if self.is_sparse else 'text'} {self.key}"
        return blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()


class Part(NamedTuple):
    """Postings, and which of their records are as they were when the postings were made."""

    postings: Postings
    alive: Alive

    @classmethod
    def of(cls, postings: Postings) -> Part:
        """Make a part of which all records are alive."""
        return cls(postings, np.ones(len(postings), dtype=np.bool_))


@dataclass(frozen=True, eq=False)
class InvertedIndex:
    """The terms of the records of one version.

    Attributes:
        revision: The generation and version of the view it belongs to.
        covered: The place of the last record of that view.
        count: The number of records of that view.
        parts: The large part, then the tail.
    """

    revision: tuple[int, int]
    covered: int = _BEFORE_ALL
    count: int = 0
    parts: tuple[Part, ...] = ()

    def refreshed(
        self, connection: sqlite3.Connection, number: int, view: View, field: Field
    ) -> InvertedIndex:
        """Update to a later view of the same generation, reading only what was written in between.

        Args:
            connection: A connection in the transaction that the view was made in.
            number: The number of the collection.
            view: The records.
            field: What is indexed.

        Raises:
            InternalError: The metadata of a record is damaged.
        """
        old = int(np.searchsorted(view.places, self.covered, side="right"))  # later ones are new
        changed = np.empty(0, dtype=np.int64)
        if old:
            rows = connection.execute(
                "SELECT DISTINCT place FROM changed WHERE collection = ? AND version > ?"
                " ORDER BY place",
                (number, self.revision[1]),
            )
            changed = np.array(rows.fetchall(), dtype=np.int64).ravel()
            changed = changed[changed <= self.covered]
        parts = [
            Part(postings, _still_alive(postings, alive, view, changed, deleted=old < self.count))
            for postings, alive in self.parts
        ]
        stale = np.concatenate([_present(changed, view.places), view.places[old:]])
        fresh = _read(connection, stale, field)
        if len(fresh):
            tail = [*parts[1:], Part.of(fresh)]
            parts[1:] = [Part.of(merged(tail))] if len(tail) > 1 else tail
        last = int(view.places[-1]) if len(view.places) else _BEFORE_ALL
        covered = max(self.covered, last)
        return InvertedIndex(view.revision, covered, len(view.places), tuple(parts))

    @property
    def is_due(self) -> bool:
        """Whether merging the parts is worth its time."""
        if not self.parts:
            return False
        (first, _), *tail = self.parts
        entries = sum(len(postings.records) for postings, _ in tail)
        total = sum(len(postings) for postings, _ in self.parts)
        return (
            entries > max(_TAIL, len(first.records) * _TAIL_SHARE)
            or total - self.texts > max(total, _BLOCK) * _DEAD_SHARE
        )

    def merged(self) -> InvertedIndex:
        """Merge the parts into one."""
        return replace(self, parts=(Part.of(merged(self.parts)),))

    @cached_property
    def texts(self) -> int:
        """The number of records that have a value."""
        return sum(int(np.count_nonzero(alive)) for _, alive in self.parts)

    @cached_property
    def mean_length(self) -> float:
        """The mean number of terms of these records."""
        total = sum(
            int(postings.lengths.sum(where=alive, dtype=np.int64)) for postings, alive in self.parts
        )
        return total / self.texts if total else 1.0


def _still_alive(
    postings: Postings, alive: Alive, view: View, changed: NDArray[np.int64], *, deleted: bool
) -> Alive:
    if deleted:
        at = np.searchsorted(view.places, postings.places).clip(max=max(0, len(view.places) - 1))
        there = view.places[at] == postings.places if len(view.places) else np.zeros_like(alive)
        alive = alive & there
    rows = postings.rows(changed)
    if len(rows):
        alive = alive.copy()
        alive[rows] = False
    return alive


def _present(some: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of some places, ascending, that are among others, ascending."""
    at = np.searchsorted(places, some)
    return some[places[at.clip(max=max(0, len(places) - 1))] == some] if len(places) else some[:0]


def _read(connection: sqlite3.Connection, places: NDArray[np.int64], field: Field) -> Postings:
    """Read the values of records and split them into terms."""
    column = "document" if field.key == DOCUMENT else "metadata"
    blocks = []
    for start in range(0, max(1, len(places)), _BLOCK):
        block = places[start : start + _BLOCK].tolist()
        rows = records.fetch(connection, block, [column])
        values: dict[int, Any] = {place: value for place, (value,) in rows.items()}
        if column == "metadata":
            parsed = records.load_all(list(values.values()))
            values = {
                place: (metadata or {}).get(field.key)
                for place, metadata in zip(values, parsed, strict=True)
            }
        kind = dict if field.is_sparse else str  # nothing else in stored metadata is a dict
        there: dict[int, Any] = {
            place: value for place, value in values.items() if isinstance(value, kind)
        }
        found = (_dimensions if field.is_sparse else term_numbers)(there.values())
        blocks.append((np.array(list(there), dtype=np.int64), *found))
    return Postings.of(*map(np.concatenate, zip(*blocks, strict=True)))


def _dimensions(
    vectors: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Read stored sparse vectors: the number of dimensions of each, then all of them, and the values.

    Raises:
        InternalError: One is damaged.
    """
    try:
        indices = [vector["indices"] for vector in vectors]
        values = [vector["values"] for vector in vectors]
        lengths = [len(part) for part in indices]
        flat = [index for part in indices for index in part]
        weights = np.array([value for part in values for value in part], dtype=np.float64)
        sound = (
            lengths == [len(part) for part in values]
            and set(map(type, flat)) <= {int}
            and bool(np.all(np.isfinite(weights)))
        )
        if sound:
            dimensions = np.array(flat, dtype=np.int64)
            return np.array(lengths, dtype=np.int64), dimensions, weights
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _damaged() from error
    raise _damaged()


def _damaged() -> InternalError:
    return InternalError("The metadata of a record is damaged. Restore the folder from a copy.")
