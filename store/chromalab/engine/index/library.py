"""The libraries that implement HNSW: hnswlib, and voyager, which descends from it.

hnswlib is faster when it was compiled for the machine, but has no wheels for Python 3.13 and later,
where voyager has some. Both hold a graph in the same layout of memory, so each can continue what the
other built, and a single thread gives rows the same links with either.
"""

from __future__ import annotations

import bisect
import functools
import importlib
import io
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import process_forks
from chromalab.engine.index.setting import SharedSetting
from chromalab.engine.values import Vectors

__all__ = ["NO_LIBRARY", "Hnswlib", "Index", "Memory", "Parameters", "Voyager", "library"]

NO_LIBRARY = (
    "Neither hnswlib nor voyager is installed, so every query compares all records. "
    "For an index: pip install voyager."
)

# Of the numbers that draw the levels of rows. It is what a loaded index of voyager starts from.
_SEED = 1

Slots = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Parameters:
    """The parameters that a graph was built with.

    Attributes:
        space: "l2", "cosine" or "ip".
        dimension: The length of a row.
        max_neighbors: HNSW's M.
        ef_construction: Candidates considered per insertion.
    """

    space: str
    dimension: int
    max_neighbors: int
    ef_construction: int

    @property
    def vector_at(self) -> int:
        """Where the vector of a row begins in its bytes, after the links."""
        return 4 + 8 * self.max_neighbors

    @property
    def slot_at(self) -> int:
        """Where the slot of a row begins in its bytes, after the vector."""
        return self.vector_at + 4 * self.dimension

    @property
    def row_bytes(self) -> int:
        """The bytes of a row."""
        return self.slot_at + 8

    def block(self, links: Bytes, vectors: Vectors, slots: Slots) -> Bytes:
        """Lay out rows in memory: (n, row_bytes).

        Args:
            links: (n, vector_at) bytes.
            vectors: (n, dimension), float32, of unit length for "cosine".
            slots: (n,)
        """
        rows = np.empty((len(slots), self.row_bytes), dtype=np.uint8)
        rows[:, : self.vector_at] = links
        rows[:, self.vector_at : self.slot_at] = vectors.view(np.uint8).reshape(len(slots), -1)
        rows[:, self.slot_at :] = slots[:, np.newaxis].view(np.uint8)
        return rows


@dataclass(frozen=True)
class Memory:
    """A graph in the layout of both libraries.

    Attributes:
        blocks: Arrays (n, row_bytes) of bytes, together one row for each inserted row: the number of
            its links on the lowest level, space for 2 * max_neighbors of them, vector, slot. They
            may be made while they are read, and are read once.
        levels: (rows,) int32, the highest level of each row.
        upper: (sum of levels, 4 + 4 * max_neighbors) bytes: the links on the levels above, by row
            and level, as the number of links and space for max_neighbors of them.
        entry: The row where a search begins; it has the highest level.
    """

    blocks: Iterable[Bytes]
    levels: NDArray[np.int32]
    upper: Bytes
    entry: int


class Hnswlib:
    """An index of hnswlib (or chroma-hnswlib, the same module in wheels for Python 3.12 and earlier).

    Args:
        parameters: The parameters of the graph.
        memory: The graph to continue; it has at least one row.
        room: The number of rows that will be added.
    """

    name: ClassVar = "hnswlib"

    def __init__(self, parameters: Parameters, memory: Memory, room: int = 0) -> None:
        import hnswlib

        empty = hnswlib.Index("l2" if parameters.space == "l2" else "ip", parameters.dimension)
        empty.init_index(
            1,
            M=parameters.max_neighbors,
            ef_construction=parameters.ef_construction,
            random_seed=_SEED,
        )
        (state,) = empty.__getstate__()
        count = len(memory.levels)
        rows = np.empty((count, parameters.row_bytes), dtype=np.uint8)
        at = 0
        for block in memory.blocks:
            rows[at : at + len(block)] = block
            at += len(block)
        slots = np.ascontiguousarray(rows[:, parameters.slot_at :]).view(np.uint64).ravel()
        state |= {
            "cur_element_count": count,
            "max_elements": count + room,
            "max_level": int(memory.levels[memory.entry]),
            "enterpoint_node": memory.entry,
            "ep_added": True,
            "label_lookup_external": slots,
            "label_lookup_internal": np.arange(count, dtype=np.uint32),
            "element_levels": memory.levels,
            "data_level0": rows.view(np.int8).reshape(-1),
            "link_lists": np.ascontiguousarray(memory.upper).view(np.int8).reshape(-1),
        }
        self._index = hnswlib.Index(state)
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Create new locks; after a fork, a thread missing in the child may hold the old ones."""
        self._ef = SharedSetting(self._index.set_ef)  # it is that of the whole index

    def __len__(self) -> int:
        return int(self._index.element_count)

    def add(self, rows: Vectors, slots: Slots, threads: int) -> None:
        """Insert rows (n, dimension)."""
        self._index.add_items(rows, slots, num_threads=threads)

    def search(self, queries: Vectors, k: int, ef: int, threads: int) -> Slots | None:
        """Find (q, k) slots, nearest first; None if too few are within reach."""
        with self._ef.at(max(ef, k)):
            try:
                slots, _ = self._index.knn_query(queries, k=k, num_threads=threads)
            except RuntimeError:
                return None
        return np.asarray(slots.astype(np.int64))

    def slots(self) -> Slots:
        """The slots of its rows, in any order."""
        return np.asarray(self._index.get_ids_list(), dtype=np.int64)

    def memory(self) -> Memory:
        """The graph, to be stored or continued."""
        (state,) = self._index.__getstate__()
        count = state["cur_element_count"]
        rows = state["data_level0"].view(np.uint8).reshape(-1, state["size_data_per_element"])
        upper = state["link_lists"].view(np.uint8).reshape(-1, state["size_links_per_element"])
        levels = state["element_levels"][:count].astype(np.int32)
        return Memory([rows[:count]], levels, upper, int(state["enterpoint_node"]))


class Voyager:
    """An index of voyager, of which one is only ever loaded, from hnswlib's file format.

    A new one would normalize vectors for "cosine" once more, and for "ip" add a dimension to them.

    Args:
        parameters: The parameters of the graph.
        memory: The graph to continue; it has at least one row.
        room: The number of rows that will be added.
    """

    name: ClassVar = "voyager"

    # From `HierarchicalNSW::saveIndex` in voyager's cpp/src/hnswalg.h. `save` puts 19 bytes before it.
    _HEADER = struct.Struct("<6Qi I3QdQ")
    _PREFIX = 19

    def __init__(self, parameters: Parameters, memory: Memory, room: int = 0) -> None:
        import voyager

        space = voyager.Space.Euclidean if parameters.space == "l2" else voyager.Space.InnerProduct
        self._parameters = parameters
        self._index = voyager.Index.load(
            _Stream(self._parts(parameters, memory, room)), space, parameters.dimension
        )
        self._unreachable = voyager.RecallError

    @classmethod
    def _parts(cls, parameters: Parameters, memory: Memory, room: int) -> Iterator[Any]:
        count, most = len(memory.levels), parameters.max_neighbors
        yield cls._HEADER.pack(
            0,
            count + room,
            count,
            parameters.row_bytes,
            parameters.slot_at,
            parameters.vector_at,
            int(memory.levels[memory.entry]),
            memory.entry,
            most,
            2 * most,
            most,
            1 / np.log(most),
            max(parameters.ef_construction, most),
        )
        yield from memory.blocks
        words = np.empty(count + memory.upper.size // 4, dtype="<u4")
        sizes = np.zeros(len(words), dtype=bool)
        sizes[_sizes_at(memory.levels, 1 + most)] = True
        words[sizes] = memory.levels * 4 * (1 + most)
        words[~sizes] = np.ascontiguousarray(memory.upper).view("<u4").ravel()
        yield words

    def __len__(self) -> int:
        return int(self._index.num_elements)

    def add(self, rows: Vectors, slots: Slots, threads: int) -> None:
        """Insert rows (n, dimension)."""
        self._index.add_items(rows, slots.tolist(), num_threads=threads)

    def search(self, queries: Vectors, k: int, ef: int, threads: int) -> Slots | None:
        """Find (q, k) slots, nearest first; None if too few are within reach."""
        try:
            slots, _ = self._index.query(queries, k, num_threads=threads, query_ef=max(ef, k))
        except self._unreachable:
            return None
        return np.asarray(slots.astype(np.int64))

    def slots(self) -> Slots:
        """The slots of its rows, in any order."""
        return np.fromiter(self._index.ids, dtype=np.int64, count=len(self))

    def memory(self) -> Memory:
        """The graph, to be stored or continued."""
        buffer = io.BytesIO()
        self._index.save(buffer)
        saved, most = buffer.getbuffer(), self._parameters.max_neighbors
        _, _, count, size, *_, entry, _, _, _, _, _ = self._HEADER.unpack_from(saved, self._PREFIX)
        at = self._PREFIX + self._HEADER.size
        rows = np.frombuffer(saved, np.uint8, count * size, at).reshape(count, size)
        words = np.frombuffer(saved, "<u4", offset=at + rows.nbytes)
        levels = _levels(words, count, 1 + most)
        upper = np.delete(words, _sizes_at(levels, 1 + most)).reshape(-1, 1 + most)
        return Memory([rows], levels, upper.view(np.uint8), entry)


Index = Hnswlib | Voyager


@functools.cache
def library() -> type[Index] | None:
    """The library that is used: hnswlib if it is installed, or else voyager, or None."""
    for kind in (Hnswlib, Voyager):
        with suppress(ImportError):
            importlib.import_module(kind.name)
            return kind
    return None


def _sizes_at(levels: NDArray[np.int32], width: int) -> Slots:
    """Where voyager has the size of each row's upper links: before them, even if there are none."""
    before = np.cumsum(levels, dtype=np.int64) - levels
    return np.asarray(np.arange(len(levels)) + before * width)


def _levels(words: NDArray[np.uint32], count: int, width: int) -> NDArray[np.int32]:
    """Read the level of each row from the sizes of its upper links; most have size 0."""
    levels = np.zeros(count, dtype=np.int32)
    filled = np.flatnonzero(words)
    row = at = found = 0
    while (found := bisect.bisect_left(filled, at, found)) < len(filled):
        row += int(filled[found]) - at
        at = int(filled[found])
        levels[row] = words[at] // (4 * width)
        at += 1 + int(levels[row]) * width
        row += 1
    return levels


class _Stream:
    """The part of a file's interface through which voyager reads, over parts made one by one."""

    def __init__(self, parts: Iterator[Any]) -> None:
        self._parts = parts
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._parts, b"")).cast("B")
        part, self._rest = self._rest[:size], self._rest[size:]
        return part.tobytes()

    def seekable(self) -> bool:
        """Whether the size can be found by seeking."""
        return False

    def tell(self) -> int:
        """The position, which is not used in a file that is not seekable."""
        return 0

    def seek(self, *_: int) -> int:
        """Move to a position, which is not possible."""
        raise io.UnsupportedOperation("seek")
