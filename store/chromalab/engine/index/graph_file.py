"""Graphs on the disk: only the links, as the vectors are in the vector file.

A file is disposable. It is used only if every byte is as written, if it belongs to the vectors, and
if every link leads to an existing row, because the libraries would follow any number.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk.array_file import WRONG, ArrayFile, Unusable
from chromalab.engine.index.hnsw import Curve, HnswGraph, comparable
from chromalab.engine.index.library import GraphImage, Memory, Parameters
from chromalab.engine.values import Vectors

__all__ = ["GraphFile", "Unusable"]

_MAGIC = b"chromalab graph 1\n"
_ARRAYS = {"slots": "<i8", "levels": "<u1", "counts": "<u2", "links": "<u4"}
_UPPER = {"upper_counts": "<u2", "upper_links": "<u4"}
_PROBES = 64  # rows whose checksum the file stores, to recognize the vectors it belongs to

_ROWS = 1024  # rows that are made at a time when a graph is loaded
_HIGHEST = 60  # the limit of a graph's levels; 10 million rows at M=2 have 24


@dataclass(frozen=True)
class GraphFile:
    """The file of one graph."""

    path: Path

    @property
    def _file(self) -> ArrayFile:
        return ArrayFile(self.path, _MAGIC)

    def stamp(self) -> tuple[int, int, int] | None:
        """Identify the file; a new one has another stamp. None if there is none."""
        return self._file.stamp()

    def write(self, graph: HnswGraph, vectors: Vectors) -> None:
        """Save a graph of these vectors; readers see either the old file or the new one, complete."""
        about = {
            **asdict(graph.parameters),
            "covered": graph.covered,
            "curve": list(graph.curve),
            "probes": _probes(vectors[: graph.covered]),
        }
        with graph.image(self.scratch) as image:
            self._file.write_parts(*_serialized(about, image.read(), graph.parameters))

    @property
    def scratch(self) -> Path:
        """A folder of the store, with space for temporary files."""
        return self.path.parent.parent / "cache"

    def read(
        self,
        parameters: Parameters,
        vectors: Vectors,
        release: Callable[[], None] = lambda: None,
    ) -> HnswGraph:
        """Load the graph of these vectors.

        Args:
            parameters: The parameters it must have been built with.
            vectors: (rows, dimension), float32: the committed rows.
            release: Releases the pages of the vectors; called before the graph takes its memory.

        Raises:
            Unusable: Anything in the file is wrong.
        """
        try:
            with GraphImage(parameters, self.scratch) as image:
                covered, curve = self._assemble(image, vectors)
                release()
                return HnswGraph(image, covered, curve=curve)
        except WRONG as error:
            raise Unusable("it is malformed") from error

    def _assemble(self, image: GraphImage, vectors: Vectors) -> tuple[int, Curve]:
        """Write the graph to an image; returns the number of rows it covers, and its curve."""
        parameters = image.parameters
        header, arrays = self.arrays(_most_bytes(len(vectors), parameters.max_neighbors))
        covered = header["covered"]
        if {name: header[name] for name in asdict(parameters)} != asdict(parameters):
            raise Unusable("it was built with other parameters")
        if not 0 < covered <= len(vectors) or header["probes"] != _probes(vectors[:covered]):
            raise Unusable("it belongs to other vectors")
        _check(arrays, parameters, header)
        curve = [(int(ef), float(recall)) for ef, recall in header["curve"]]
        if any(not 0 < ef <= 10_000 or not 0 <= recall <= 1 for ef, recall in curve):
            raise Unusable("it is malformed")
        image.write(_memory(parameters, header, arrays, vectors))
        return covered, curve

    def arrays(self, most: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Read the header and the arrays of a file of at most that many bytes, unchecked.

        Raises:
            Unusable: The file is damaged.
        """
        return self._file.read({**_ARRAYS, **_UPPER}, most)

    def copy_to(self, other: GraphFile, rows: int, max_neighbors: int) -> None:
        """Copy the graph, if there is one, for another collection with the same vectors."""
        self._file.copy_to(other._file, _most_bytes(rows, max_neighbors))

    def damage(self) -> str | None:
        """Describe what is wrong with the bytes of the file; None if nothing is, or if it is missing."""
        return self._file.damage()


def _most_bytes(rows: int, max_neighbors: int) -> int:
    """The largest size that the file of a graph may have, with room to spare."""
    return (1 << 20) + rows * (32 + 16 * max_neighbors)


def _serialized(
    about: dict[str, Any], memory: Memory, made: Parameters
) -> tuple[dict[str, Any], Iterator[memoryview]]:
    """Return the header of a file and its arrays, of which the links come block by block."""
    slots, counts = [], []
    for rows in memory.blocks:
        slots.append(np.ascontiguousarray(rows[:, made.slot_at :]).view("<i8").ravel())
        counts.append(_unpacked(rows[:, : made.vector_at])[0])
    upper_counts, upper_links = _unpacked(memory.upper)
    before = [np.concatenate(slots), memory.levels.astype("<u1"), np.concatenate(counts)]
    sizes = [*map(len, before), int(before[-1].sum()), len(upper_counts), len(upper_links)]
    header = {
        **about,
        "max_level": int(memory.levels[memory.entry]),
        "enterpoint_node": memory.entry,
        "sizes": dict(zip({**_ARRAYS, **_UPPER}, sizes, strict=True)),
    }

    def parts() -> Iterator[memoryview]:
        yield from (array.data for array in before)
        for rows in memory.blocks:
            yield _unpacked(rows[:, : made.vector_at])[1].data
        yield from (upper_counts.data, upper_links.data)

    return header, parts()


def _unpacked(lists: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Split lists of links (n, 4 + 4 * most) into counts and links."""
    numbers = np.ascontiguousarray(lists).view("<u4")
    counts = (numbers[:, 0] & 0xFFFF).astype("<u2")
    held = np.arange(numbers.shape[1] - 1) < counts[:, np.newaxis]
    return counts, numbers[:, 1:][held].astype("<u4")


def _packed(counts: NDArray[Any], links: NDArray[Any], most: int) -> NDArray[np.uint8]:
    """Reassemble lists of links: (n, 4 + 4 * most) bytes."""
    numbers = np.zeros((len(counts), 1 + most), dtype="<u4")
    numbers[:, 0] = counts
    numbers[:, 1:][np.arange(most) < counts[:, np.newaxis]] = links
    return numbers.view(np.uint8)


def _check(arrays: dict[str, NDArray[Any]], made: Parameters, header: dict[str, Any]) -> None:
    """Reject links that a library would follow outside of its memory."""
    slots, levels = arrays["slots"], arrays["levels"].astype(np.int64)
    counts, upper = arrays["counts"], arrays["upper_counts"]
    most = made.max_neighbors
    owners = np.repeat(np.arange(len(slots)), levels)
    first = np.cumsum(levels) - levels
    at_level = np.arange(len(owners)) - first[owners] + 1
    sound = (
        0 < len(slots) == len(levels) == len(counts)
        and 0 <= slots.min() <= slots.max() < header["covered"]
        and np.count_nonzero(np.bincount(slots)) == len(slots)
        and len(upper) == len(owners)
        and int(counts.max()) <= 2 * most
        and int(upper.max(initial=0)) <= most
        and int(counts.sum()) == len(arrays["links"])
        and int(upper.sum()) == len(arrays["upper_links"])
        and int(arrays["links"].max(initial=0)) < len(slots)
        and int(arrays["upper_links"].max(initial=0)) < len(slots)
        and 0 <= header["enterpoint_node"] < len(slots)
        and int(levels.max()) <= _HIGHEST
        and header["max_level"] == levels.max() == levels[header["enterpoint_node"]]
        and bool(np.all(levels[arrays["upper_links"]] >= np.repeat(at_level, upper)))
    )
    if not sound:
        raise Unusable("its links point to missing rows")


def _memory(
    made: Parameters, header: dict[str, Any], arrays: dict[str, NDArray[Any]], vectors: Vectors
) -> Memory:
    slots = arrays["slots"]
    ends = np.concatenate([[0], np.cumsum(arrays["counts"], dtype=np.int64)])

    def blocks() -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(slots), _ROWS):
            some = slice(start, start + _ROWS)
            chosen, counts = slots[some], arrays["counts"][some]
            links = arrays["links"][ends[start] : ends[start + len(chosen)]]
            yield made.block(counts, links, comparable(made, vectors[chosen]), chosen)

    upper = _packed(arrays["upper_counts"], arrays["upper_links"], made.max_neighbors)
    return Memory(blocks(), arrays["levels"].astype(np.int32), upper, header["enterpoint_node"])


def _probes(vectors: Vectors) -> int:
    """A checksum of a sample of rows, including the first and the last."""
    chosen = np.unique(np.linspace(0, len(vectors) - 1, _PROBES).astype(np.int64))
    return zlib.crc32(np.ascontiguousarray(vectors[chosen], dtype="<f4").tobytes())
