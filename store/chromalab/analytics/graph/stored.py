"""Graphs kept in a folder: read only if every byte is as it was written."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cache_files import keep_newest, replace_file
from chromalab.analytics.graph.graph import Graph

__all__ = ["Key", "keep", "kept", "kin"]

_MAGIC = b"chromalab graph 1\n"
_SUM = 32  # bytes of the checksum, at the end
_MOST_HEADER = 10_000  # bytes
_KEPT = 4  # graphs in a folder
_PATTERN = "neighbors-*.graph"


@dataclass(frozen=True, eq=False)
class Key:
    """What a graph is the graph of.

    Attributes:
        file: Names what `rows` are rows of.
        rows: (n,) int64, the names of the vectors.
        k: Neighbours stored of each node.
        random_state: The seed.
    """

    file: str
    rows: NDArray[np.int64]
    k: int
    random_state: int

    @property
    def name(self) -> str:
        """The name of the file that holds it."""
        about = json.dumps([self.file, self.k, self.random_state]).encode()
        rows = np.ascontiguousarray(self.rows, dtype="<i8").data
        digest = hashlib.blake2b(about, digest_size=16)
        digest.update(rows)
        return f"neighbors-{digest.hexdigest()}.graph"


def keep(folder: Path, key: Key, graph: Graph) -> bool:
    """Write a graph, whole or not at all, and delete all but the newest few.

    Returns:
        Whether it was written: a full disk, or a folder that may not be written, is no error.
    """
    header = json.dumps(
        {
            "file": key.file,
            "k": key.k,
            "random_state": key.random_state,
            "n": len(key.rows),
            "m": len(graph),
            "recall": graph.recall,
            "exact": graph.exact,
        }
    ).encode()
    parts = [_MAGIC, len(header).to_bytes(8, "little"), header]
    arrays = (key.rows, graph.node, graph.first, graph.neighbors, graph.distances)
    for array, kind in zip(arrays, ("<i8", "<i4", "<i8", "<i4", "<f4"), strict=True):
        parts.append(np.ascontiguousarray(array, dtype=kind).tobytes())
    digest = hashlib.blake2b(digest_size=_SUM)
    for part in parts:
        digest.update(part)
    try:
        replace_file(folder / key.name, [*parts, digest.digest()])
        keep_newest(folder, _PATTERN, _KEPT)
    except OSError:
        return False
    return True


def kept(folder: Path, key: Key) -> Graph | None:
    """Read the graph of a key; None where there is none, or anything is wrong with its file."""
    read = _read(folder / key.name, _largest(key))
    if read is None or read[0].name != key.name or not np.array_equal(read[0].rows, key.rows):
        return None
    return read[1]


def kin(folder: Path, key: Key) -> Iterator[tuple[Key, Graph]]:
    """Give the graphs of other rows of the same file, those first that share most with it.

    Not those of four times the rows, of which too many would be gone.
    """
    with contextlib.suppress(OSError):
        found = (_read(path, 4 * _largest(key)) for path in folder.glob(_PATTERN))
        others = [read for read in found if read is not None]
        fitting = [
            (len(np.intersect1d(other.rows, key.rows)), number)
            for number, (other, _) in enumerate(others)
            if (other.file, other.k, other.random_state) == (key.file, key.k, key.random_state)
        ]
        for _, number in sorted(fitting, key=lambda each: (-each[0], others[each[1]][0].name)):
            yield others[number]


def _largest(key: Key) -> int:
    """Return the bytes that the graph of a key takes at most."""
    return _MOST_HEADER + 100 + len(key.rows) * (20 + 8 * key.k)


def _read(path: Path, most: int) -> tuple[Key, Graph] | None:
    try:
        if not path.is_file() or path.stat().st_size > most:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    body, checksum = data[:-_SUM], data[-_SUM:]
    if not body.startswith(_MAGIC) or hashlib.blake2b(body, digest_size=_SUM).digest() != checksum:
        return None
    try:
        return _parsed(memoryview(body)[len(_MAGIC) :])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _parsed(body: memoryview) -> tuple[Key, Graph]:
    """Read what `keep` wrote; a ValueError, or the like, where it does not hold together."""
    size = int.from_bytes(body[:8], "little")
    if size > _MOST_HEADER:
        raise ValueError(size)
    header: dict[str, Any] = json.loads(bytes(body[8 : 8 + size]))
    n, m, k, seed = (int(header[name]) for name in ("n", "m", "k", "random_state"))
    if min(n, m, k) < 0 or len(body) != 8 + size + 12 * n + 8 * m + 8 * m * k:
        raise ValueError(header)
    at = 8 + size
    arrays = []
    for kind, count in (("<i8", n), ("<i4", n), ("<i8", m), ("<i4", m * k), ("<f4", m * k)):
        arrays.append(np.frombuffer(body, dtype=kind, count=count, offset=at))
        at += arrays[-1].nbytes
    rows, node, first, neighbors, distances = arrays
    key = Key(str(header["file"]), rows, k, seed)
    graph = Graph(
        neighbors.reshape(m, k),
        distances.reshape(m, k),
        node,
        first,
        float(header["recall"]),
        bool(header["exact"]),
        seed,
    )
    if not _holds_together(graph, n):
        raise ValueError(header)
    return key, graph


def _holds_together(graph: Graph, n: int) -> bool:
    m = len(graph)
    neighbors, distances = graph.neighbors, graph.distances
    return bool(
        0 <= graph.recall <= 1
        and (m > 0) == (n > 0)
        and _within(graph.node, 0, m)
        and _within(graph.first, 0, n)
        and _within(neighbors, -1, m)
        and np.array_equal(graph.node[graph.first], np.arange(m))
        and (np.diff(graph.first) > 0).all()
        and not np.isnan(distances).any()
        and (distances >= 0).all()
        and np.array_equal(np.isinf(distances), neighbors < 0)
        and (distances[:, 1:] >= distances[:, :-1]).all()
    )


def _within(values: NDArray[Any], least: int, end: int) -> bool:
    return not len(values) or bool(values.min() >= least and values.max() < end)
