"""Graphs on the disk: only the links, as the vectors are in the vector file.

    magic, length of the header, header (JSON), the arrays in order, BLAKE2b of everything before

A file is disposable. It is used only if every byte is as written, if it belongs to the vectors, and
if every link leads to an existing row, because the libraries would follow any number.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk.folder import hold, sync_folder
from chromalab.engine.index.hnsw import Curve, HnswGraph, comparable
from chromalab.engine.index.library import GraphImage, Memory, Parameters
from chromalab.engine.values import Vectors
from chromalab.files import rename, sync

__all__ = ["GraphFile", "Unusable"]

_MAGIC = b"chromalab graph 1\n"
_ARRAYS = {"slots": "<i8", "levels": "<u1", "counts": "<u2", "links": "<u4"}
_UPPER = {"upper_counts": "<u2", "upper_links": "<u4"}
_DIGEST = 32
_PROBES = 64  # rows whose checksum the file stores, to recognize the vectors it belongs to


_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN
_BLOCK = 1 << 24
_ROWS = 1024  # rows that are made at a time when a graph is loaded
_HIGHEST = 60  # the limit of a graph's levels; 10 million rows at M=2 have 24
_WRONG = (KeyError, TypeError, ValueError, IndexError, RuntimeError, ArithmeticError, MemoryError)


class Unusable(Exception):
    """The file is damaged or belongs to other vectors; `client.check()` reports the reason."""


@dataclass(frozen=True)
class GraphFile:
    """The file of one graph."""

    path: Path

    def stamp(self) -> tuple[int, int, int] | None:
        """Identify the file; a new one has another stamp. None if there is none."""
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def write(self, graph: HnswGraph, vectors: Vectors) -> None:
        """Save a graph of these vectors; readers see either the old file or the new one, complete."""
        about = {
            **asdict(graph.parameters),
            "covered": graph.covered,
            "curve": list(graph.curve),
            "probes": _probes(vectors[: graph.covered]),
        }
        digest = hashlib.blake2b(digest_size=_DIGEST)
        self.path.parent.mkdir(exist_ok=True)
        draft = _draft(self.path)
        try:
            with (
                graph.image(self.scratch) as image,
                os.fdopen(os.open(draft, _NEW, 0o666), "wb") as file,
            ):
                hold(file.fileno())
                for part in _serialized(about, image.read(), graph.parameters):
                    digest.update(part)
                    file.write(part)
                file.write(digest.digest())
                file.flush()
                sync(file.fileno())
            rename(draft, self.path)
        except FileNotFoundError:
            return  # the collection was deleted or compacted, and its files removed, in the meantime
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(self.path.parent)

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
        except _WRONG as error:
            raise Unusable("it is malformed") from error

    def _assemble(self, image: GraphImage, vectors: Vectors) -> tuple[int, Curve]:
        """Write the graph to an image; returns the number of rows it covers, and its curve."""
        parameters = image.parameters
        header, arrays = self._parts(_most_bytes(len(vectors), parameters.max_neighbors))
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

    def copy_to(self, other: GraphFile, rows: int, max_neighbors: int) -> None:
        """Copy the graph, if there is one, for another collection with the same vectors."""
        draft = _draft(other.path)
        with suppress(OSError, Unusable):
            blocks = self._blocks(_most_bytes(rows, max_neighbors))
            with os.fdopen(os.open(draft, _NEW, 0o666), "wb") as file:
                hold(file.fileno())
                file.writelines(blocks)
            rename(draft, other.path)

    def damage(self) -> str | None:
        """Describe what is wrong with the bytes of the file; None if nothing is, or if it is missing."""
        if self.stamp() is None:
            return None
        digest, last = hashlib.blake2b(digest_size=_DIGEST), b""
        try:
            for block in self._blocks(None):
                last += block
                digest.update(last[:-_DIGEST])
                last = last[-_DIGEST:]
        except Unusable as error:
            return str(error)
        if digest.digest() != last:
            return "its checksum is wrong"
        return None

    def _blocks(self, most: int | None) -> Iterator[bytes]:
        """Read a regular file that is no larger than it could need to be."""
        try:
            handle = os.open(self.path, os.O_RDONLY | _PLAIN)
            try:
                found = os.fstat(handle)
                if not stat.S_ISREG(found.st_mode):
                    raise Unusable("it is not a regular file")
                if most is not None and found.st_size > most:
                    raise Unusable("it is too large")
                while block := os.read(handle, _BLOCK):
                    yield block
            finally:
                os.close(handle)
        except OSError as error:
            raise Unusable(f"it cannot be read: {error.strerror}") from error

    def _parts(self, most: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        content = bytearray()
        for block in self._blocks(most):
            content += block
        body, digest = memoryview(content)[:-_DIGEST], content[-_DIGEST:]
        if hashlib.blake2b(body, digest_size=_DIGEST).digest() != digest:
            raise Unusable("its checksum is wrong")
        if body[: len(_MAGIC)] != _MAGIC:
            raise Unusable("it has another format")
        at = len(_MAGIC) + 8
        length = int.from_bytes(body[len(_MAGIC) : at], "little")
        header = json.loads(bytes(body[at : at + length]))
        at += length
        arrays = {}
        for name, kind in {**_ARRAYS, **_UPPER}.items():
            size = header["sizes"][name]
            arrays[name] = np.frombuffer(body, dtype=kind, count=size, offset=at)
            at += arrays[name].nbytes
        return header, arrays


def _draft(path: Path) -> Path:
    """A path beside the file, with a name that cannot be predicted."""
    return path.with_name(f"{path.name}.tmp-{secrets.token_hex(8)}")


def _most_bytes(rows: int, max_neighbors: int) -> int:
    """The largest size that the file of a graph may have, with room to spare."""
    return (1 << 20) + rows * (32 + 16 * max_neighbors)


def _serialized(
    about: dict[str, Any], memory: Memory, made: Parameters
) -> Iterator[bytes | memoryview]:
    """Yield the parts of a file: its header, then the links of each row, block by block."""
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
    text = json.dumps(header).encode()
    yield from (_MAGIC, len(text).to_bytes(8, "little"), text)
    yield from (array.data for array in before)
    for rows in memory.blocks:
        yield _unpacked(rows[:, : made.vector_at])[1].data
    yield from (upper_counts.data, upper_links.data)


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
