"""The libraries that implement HNSW: hnswlib, and voyager, which descends from it.

hnswlib is faster when it was compiled for the machine, but has no wheels for Python 3.13 and later,
where voyager has some. Both hold a graph in the same layout of memory, so each can continue what the
other built, and a single thread gives rows the same links with either.
"""

from __future__ import annotations

import bisect
import errno
import functools
import importlib
import io
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.scratch import scratch_file
from chromalab.engine.index.setting import SharedSetting
from chromalab.engine.values import Vectors
from chromalab.errors import MissingDependencyError

__all__ = [
    "NO_LIBRARY",
    "GraphImage",
    "Hnswlib",
    "Index",
    "Memory",
    "Parameters",
    "Voyager",
    "library",
]

NO_LIBRARY = (
    "Neither hnswlib nor voyager is installed, so every query compares all records. "
    "For an index: pip install voyager."
)

_BLOCK = 1024  # rows read at a time

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

    def block(
        self, counts: NDArray[Any], links: NDArray[Any], vectors: Vectors, slots: Slots
    ) -> Bytes:
        """Lay out rows in memory: (n, row_bytes).

        Args:
            counts: (n,) the number of links of each row.
            links: (sum of counts,) the links, row by row.
            vectors: (n, dimension), float32, of unit length for "cosine".
            slots: (n,)
        """
        rows = np.zeros((len(slots), self.row_bytes // 4), dtype="<u4")
        vector, slot = self.vector_at // 4, self.slot_at // 4
        rows[:, 0] = counts
        rows[:, 1:vector][np.arange(vector - 1) < counts[:, np.newaxis]] = links
        rows[:, vector:slot] = vectors.view("<u4")
        rows[:, slot:] = slots.view("<u4").reshape(-1, 2)
        return rows.view(np.uint8)


@dataclass(frozen=True)
class Memory:
    """A graph in the layout of both libraries.

    Attributes:
        blocks: Arrays (n, row_bytes) of bytes, together one row for each inserted row: the number of
            its links on the lowest level, space for 2 * max_neighbors of them, vector, slot. They
            are made while they are read.
        levels: (rows,) int32, the highest level of each row.
        upper: (sum of levels, 4 + 4 * max_neighbors) bytes: the links on the levels above, by row
            and level, as the number of links and space for max_neighbors of them.
        entry: The row where a search begins; it has the highest level.
    """

    blocks: Iterable[Bytes]
    levels: NDArray[np.int32]
    upper: Bytes
    entry: int


class GraphImage:
    """A graph in an unnamed file, as both libraries read and write it; a context manager.

    A library holds its graph in memory of its own. Whatever passes in or out goes through the disk,
    block by block, so that it is never in memory twice.

    Args:
        parameters: The parameters of the graph.
        folder: Where the file is created, on a disk with space for it; by default, and if it is not
            writable, in the system's temporary folder.

    Raises:
        MissingDependencyError: No library is installed.
    """

    # `saveIndex` in hnswlib's hnswalg.h, and in voyager's, which puts 19 bytes before it.
    HEADER = struct.Struct("<6Qi I3QdQ")
    _PREFIX = b"VOYA", 19
    _MOST_AT = 8  # where the header has the number of rows that there is room for

    def __init__(self, parameters: Parameters, folder: Path | None) -> None:
        kind = library()
        if kind is None:
            raise MissingDependencyError(NO_LIBRARY)
        self.library = kind
        self.parameters = parameters
        self._scratch = scratch_file(folder)

    def __enter__(self) -> GraphImage:
        self._file, self.path = self._scratch.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._scratch.__exit__(*error)

    def write(self, memory: Memory, room: int = 0) -> None:
        """Write a graph of at least one row, with room for more."""
        made, most = self.parameters, self.parameters.max_neighbors
        count = len(memory.levels)
        self._file.write(
            self.HEADER.pack(
                0,
                count + room,
                count,
                made.row_bytes,
                made.slot_at,
                made.vector_at,
                int(memory.levels[memory.entry]),
                memory.entry,
                most,
                2 * most,
                most,
                1 / np.log(most),
                max(made.ef_construction, most),
            )
        )
        for block in memory.blocks:
            self._file.write(block.data)
        self._file.write(bytes(count * self.library.extra()))
        words = np.empty(count + memory.upper.size // 4, dtype="<u4")
        sizes = np.zeros(len(words), dtype=bool)
        sizes[_sizes_at(memory.levels, 1 + most)] = True
        words[sizes] = memory.levels * 4 * (1 + most)
        words[~sizes] = np.ascontiguousarray(memory.upper).view("<u4").ravel()
        self._file.write(words.data)
        self._file.flush()

    def read(self) -> Memory:
        """Read the graph that a library has saved.

        Raises:
            OSError: It is incomplete, as the libraries ignore that a disk is full.
        """
        most = self.parameters.max_neighbors
        _, _, count, size, *_, entry, _, _, _, _, _ = self.HEADER.unpack(
            self._read(self._start, self.HEADER.size)
        )
        first = self._start + self.HEADER.size
        last = first + count * (size + self.library.extra())
        words = np.frombuffer(self._read(last, self._file.seek(0, io.SEEK_END) - last), "<u4")
        levels = _levels(words, count, 1 + most)
        upper = np.delete(words, _sizes_at(levels, 1 + most)).reshape(-1, 1 + most)
        return Memory(self._Blocks(self, first, count), levels, upper.view(np.uint8), entry)

    def make_room(self, more: int) -> None:
        """Have the library that loads the graph reserve memory for more rows."""
        at = self._start + self._MOST_AT
        (most,) = struct.unpack("<Q", self._read(at, 8))
        self._file.seek(at)
        self._file.write(struct.pack("<Q", most + more))
        self._file.flush()

    @property
    def _start(self) -> int:
        magic, size = self._PREFIX
        return size if self._read(0, len(magic)) == magic else 0

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        content = self._file.read(size)
        if size < 0 or len(content) < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return content

    @dataclass(frozen=True)
    class _Blocks:
        """The rows of the file, read from the disk each time."""

        image: GraphImage
        first: int
        count: int

        def __iter__(self) -> Iterator[Bytes]:
            size = self.image.parameters.row_bytes
            for start in range(0, self.count, _BLOCK):
                rows = min(_BLOCK, self.count - start)
                content = self.image._read(self.first + start * size, rows * size)
                yield np.frombuffer(content, np.uint8).reshape(rows, size)


class Hnswlib:
    """An index of hnswlib (or chroma-hnswlib, the same module in wheels for Python 3.12 and earlier).

    Args:
        image: The graph to continue.
    """

    name: ClassVar = "hnswlib"

    def __init__(self, image: GraphImage) -> None:
        import hnswlib

        made = image.parameters
        self._index = hnswlib.Index("l2" if made.space == "l2" else "ip", made.dimension)
        self._index.load_index(image.path)
        self.renew()
        process_forks.renew_in_child(self)

    @staticmethod
    @functools.cache
    def extra() -> int:
        """The bytes that it saves per row after the rows: chroma-hnswlib has 4, unused by us."""
        import hnswlib

        made = Parameters("l2", dimension=1, max_neighbors=2, ef_construction=2)
        index = hnswlib.Index(made.space, made.dimension)
        index.init_index(1, M=made.max_neighbors)
        index.add_items(np.zeros((1, 1), dtype=np.float32), [0])
        with scratch_file(None) as (file, path):
            index.save_index(path)
            size = file.seek(0, io.SEEK_END)
        links = size - GraphImage.HEADER.size - made.row_bytes - 4  # on any number of levels
        return int(links % (4 + 4 * made.max_neighbors))

    def renew(self) -> None:
        """Create new locks; after a fork, a thread missing in the child may hold the old ones."""
        self._ef = SharedSetting(self._index.set_ef)  # it is that of the whole index

    def __len__(self) -> int:
        return int(self._index.element_count)

    def reserve(self, rows: int) -> None:
        """Make room for that many rows in all."""
        if rows > self._index.get_max_elements():
            self._index.resize_index(rows)

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

    def save(self, image: GraphImage) -> None:
        """Save the graph, to be stored or continued."""
        self._index.save_index(image.path)


class Voyager:
    """An index of voyager, of which one is only ever loaded.

    A new one would normalize vectors for "cosine" once more, and for "ip" add a dimension to them.

    Args:
        image: The graph to continue.
    """

    name: ClassVar = "voyager"

    def __init__(self, image: GraphImage) -> None:
        import voyager

        made = image.parameters
        space = voyager.Space.Euclidean if made.space == "l2" else voyager.Space.InnerProduct
        self._index = voyager.Index.load(image.path, space, made.dimension)
        self._unreachable = voyager.RecallError

    @staticmethod
    def extra() -> int:
        """The bytes that it saves per row after the rows."""
        return 0

    def __len__(self) -> int:
        return int(self._index.num_elements)

    def reserve(self, rows: int) -> None:
        """Make room for that many rows in all."""
        if rows > self._index.max_elements:
            self._index.max_elements = rows

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

    def save(self, image: GraphImage) -> None:
        """Save the graph, to be stored or continued."""
        self._index.save(image.path)


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
    """Where an image has the size of each row's upper links: before them, even if there are none."""
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
