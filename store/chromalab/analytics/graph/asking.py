"""`graph_of`: the graph of a snapshot, from memory, from the store's cache, or made now."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

import numpy as np

from chromalab.analytics.graph.building import build
from chromalab.analytics.graph.graph import Graph
from chromalab.analytics.graph.growth import extended
from chromalab.analytics.graph.stored import Key, keep, kept, kin
from chromalab.arguments.values import check_random_state
from chromalab.errors import InvalidArgumentError, short
from chromalab.progress import bar
from chromalab.snapshot import Snapshot

__all__ = ["graph_of"]

_STORED = 30  # neighbours of each: deletes may take some before any must be looked for again
_MOST = 200

_MEMORY: WeakKeyDictionary[Snapshot, dict[tuple[int, int], Graph]] = WeakKeyDictionary()
_LOCK = threading.RLock()  # two threads that ask for the same graph find it once


def graph_of(
    snapshot: Snapshot, k: int = 15, *, random_state: int = 0, progress: bool = False
) -> Graph:
    """Return the k nearest neighbours of every distinct vector of a snapshot, by cosine distance.

    What was found before is returned at once, in later processes too where the snapshot is that of
    a store. Where records came or went since, the graph that was is brought up to date.

    Args:
        snapshot: The records.
        k: Neighbours of each, 1 to 200.
        random_state: The seed of what is drawn where there are too many to compare all pairs.
        progress: Whether to show a bar, after a second.

    Raises:
        InvalidArgumentError: k, or random_state, is no such number.

    Example:
        >>> graph_of(Snapshot.of([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), k=1).neighbors
        array([[1],
               [0],
               [1]], dtype=int32)
    """
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or not 1 <= k <= _MOST:
        raise InvalidArgumentError(f"k is a whole number from 1 to {_MOST}; found {short(k)}.")
    k, random_state = int(k), check_random_state(random_state)
    stored = max(k, _STORED)
    with _LOCK:
        graphs = _MEMORY.setdefault(snapshot, {})
        graph = graphs.get((stored, random_state))
        if graph is None:
            graph = _found(
                snapshot, Key(snapshot.file, snapshot.rows, stored, random_state), k, progress
            )
            for array in (graph.neighbors, graph.distances, graph.node, graph.first):
                array.flags.writeable = False
            graphs[stored, random_state] = graph
    return graph.cut(k)


def _found(snapshot: Snapshot, key: Key, k: int, progress: bool) -> Graph:
    folder = snapshot.folder if snapshot.file else None
    if folder is not None:
        graph = kept(folder, key)
        if graph is not None:
            return graph
    with bar("neighbors", "step", progress) as tell:
        graph = None
        if folder is not None and key.k == _STORED:
            for other, old in kin(folder, key):
                graph = extended(old, other.rows, snapshot.vectors, key.rows, k=k, tell=tell)
                break  # the others share less with it
        if graph is None:
            graph = build(snapshot.vectors, key.k, random_state=key.random_state, tell=tell)
    if folder is not None:
        keep(folder, key, graph)
    return graph
