"""Neighbor graphs cached in a folder. A checksum covers every byte; a file that fails it is ignored."""

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

from chromalab.analytics.graph.graph import NeighborGraph
from chromalab.files import keep_newest, replace_file

__all__ = ["GraphKey", "load_graph", "related_graphs", "store_graph"]

_MAGIC = b"chromalab graph 1\n"
_CHECKSUM = 32  # bytes, at the end of the file
_MAX_HEADER = 10_000  # bytes
_MAX_FILES = 4  # per folder
_PATTERN = "neighbors-*.graph"


@dataclass(frozen=True, eq=False)
class GraphKey:
    """Identifies a graph by the vectors and the options that it was built from.

    Attributes:
        file: The name of the file whose rows `rows` are.
        rows: (n,) int64, the names of the vectors.
        k: Number of stored neighbors per node.
        random_state: The seed.
    """

    file: str
    rows: NDArray[np.int64]
    k: int
    random_state: int

    @property
    def name(self) -> str:
        """The name of the graph's file."""
        about = json.dumps([self.file, self.k, self.random_state]).encode()
        rows = np.ascontiguousarray(self.rows, dtype="<i8").data
        digest = hashlib.blake2b(about, digest_size=16)
        digest.update(rows)
        return f"neighbors-{digest.hexdigest()}.graph"


def store_graph(folder: Path, key: GraphKey, graph: NeighborGraph) -> bool:
    """Write a graph, whole or not at all, and delete all but the newest few.

    Returns:
        Whether it was written. A full disk or a read-only folder is not an error.
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
    arrays = (key.rows, graph.node, graph.representative, graph.neighbors, graph.distances)
    for array, kind in zip(arrays, ("<i8", "<i4", "<i8", "<i4", "<f4"), strict=True):
        parts.append(np.ascontiguousarray(array, dtype=kind).tobytes())
    digest = hashlib.blake2b(digest_size=_CHECKSUM)
    for part in parts:
        digest.update(part)
    try:
        replace_file(folder / key.name, [*parts, digest.digest()])
        keep_newest(folder, _PATTERN, _MAX_FILES)
    except OSError:
        return False
    return True


def load_graph(folder: Path, key: GraphKey) -> NeighborGraph | None:
    """Read the graph of a key; return None if there is no file, or if it is damaged."""
    read = _read(folder / key.name, _max_bytes(key))
    if read is None or read[0].name != key.name or not np.array_equal(read[0].rows, key.rows):
        return None
    return read[1]


def related_graphs(folder: Path, key: GraphKey) -> Iterator[tuple[GraphKey, NeighborGraph]]:
    """Yield the graphs of other rows of the same file, those that share the most rows first.

    Graphs of four times as many rows are left out: too many of their records would be gone.
    """
    with contextlib.suppress(OSError):
        found = (_read(path, 4 * _max_bytes(key)) for path in folder.glob(_PATTERN))
        others = [read for read in found if read is not None]
        fitting = [
            (len(np.intersect1d(other.rows, key.rows)), number)
            for number, (other, _) in enumerate(others)
            if (other.file, other.k, other.random_state) == (key.file, key.k, key.random_state)
        ]
        for _, number in sorted(fitting, key=lambda each: (-each[0], others[each[1]][0].name)):
            yield others[number]


def _max_bytes(key: GraphKey) -> int:
    """Return the largest possible size of the file of a key."""
    return _MAX_HEADER + 100 + len(key.rows) * (20 + 8 * key.k)


def _read(path: Path, max_bytes: int) -> tuple[GraphKey, NeighborGraph] | None:
    try:
        if not path.is_file() or path.stat().st_size > max_bytes:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    body, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
    if not body.startswith(_MAGIC):
        return None
    if hashlib.blake2b(body, digest_size=_CHECKSUM).digest() != checksum:
        return None
    try:
        return _parsed(memoryview(body)[len(_MAGIC) :])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _parsed(body: memoryview) -> tuple[GraphKey, NeighborGraph]:
    """Parse what `store_graph` wrote; raise ValueError or the like if it is inconsistent."""
    size = int.from_bytes(body[:8], "little")
    if size > _MAX_HEADER:
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
    rows, node, representative, neighbors, distances = arrays
    key = GraphKey(str(header["file"]), rows, k, seed)
    graph = NeighborGraph(
        neighbors.reshape(m, k),
        distances.reshape(m, k),
        node,
        representative,
        float(header["recall"]),
        bool(header["exact"]),
        seed,
    )
    if not _is_consistent(graph, n):
        raise ValueError(header)
    return key, graph


def _is_consistent(graph: NeighborGraph, n: int) -> bool:
    m = len(graph)
    neighbors, distances = graph.neighbors, graph.distances
    return bool(
        0 <= graph.recall <= 1
        and (m > 0) == (n > 0)
        and _within(graph.node, 0, m)
        and _within(graph.representative, 0, n)
        and _within(neighbors, -1, m)
        and np.array_equal(graph.node[graph.representative], np.arange(m))
        and (np.diff(graph.representative) > 0).all()
        and not np.isnan(distances).any()
        and (distances >= 0).all()
        and np.array_equal(np.isinf(distances), neighbors < 0)
        and (distances[:, 1:] >= distances[:, :-1]).all()
    )


def _within(values: NDArray[Any], least: int, end: int) -> bool:
    return not len(values) or bool(values.min() >= least and values.max() < end)
