"""`graph_of`: the neighbor graph of a snapshot, from memory, from the cache, extended, or built."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.approximate import RecallSample, approximate_neighbors
from chromalab.analytics.graph.distinct_vectors import distinct, unit
from chromalab.analytics.graph.exact import exact_neighbors
from chromalab.analytics.graph.graph import NeighborGraph, order_ties
from chromalab.analytics.graph.growth import extended
from chromalab.analytics.graph.storage import GraphKey, load_graph, related_graphs, store_graph
from chromalab.arguments.values import check_integer, check_random_state
from chromalab.results.progress import bar
from chromalab.snapshot import Snapshot

__all__ = ["build", "graph_of"]

_STORED_K = 30  # neighbors per node: deletions may remove some before lists must be recomputed
_MAX_K = 200

# Nodes up to which all pairs are compared. For glosses of 256 dimensions, exact and approximate search
# take 0.44 and 0.34 s of CPU at 8,000 nodes, 0.92 and 0.58 at 12,000, 1.48 and 0.71 at 15,000. The costs
# cross earlier, but an exact graph is worth up to a second.
_EXACT_NODES = 12_000
_NODES_PER_NEIGHBOR = 50  # fewer nodes are compared exactly: a cell has at least 2k vectors

_MEMORY: WeakKeyDictionary[Snapshot, dict[tuple[int, int], NeighborGraph]] = WeakKeyDictionary()
_LOCK = threading.RLock()  # two threads that need the same graph compute it once


def graph_of(
    snapshot: Snapshot, k: int = 15, *, random_state: int = 0, progress: bool = False
) -> NeighborGraph:
    """Return the k nearest neighbors of every distinct vector of a snapshot, by cosine distance.

    A graph that was computed before is returned at once, also in a later process if the snapshot is
    of a store. If records were added or deleted since, the earlier graph is updated.

    Args:
        snapshot: The records.
        k: Number of neighbors per node, 1 to 200.
        random_state: The seed, used if there are too many vectors to compare all pairs.
        progress: Show a progress bar after one second.

    Raises:
        InvalidArgumentError: k or random_state is invalid.

    Example:
        >>> graph_of(Snapshot.of([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), k=1).neighbors
        array([[1],
               [0],
               [1]], dtype=int32)
    """
    k, random_state = check_integer("k", k, 1, _MAX_K), check_random_state(random_state)
    stored_k = max(k, _STORED_K)
    with _LOCK:
        graphs = _MEMORY.setdefault(snapshot, {})
        graph = graphs.get((stored_k, random_state))
        if graph is None:
            key = GraphKey(snapshot.file, snapshot.rows, stored_k, random_state)
            graph = _from_cache(snapshot, key, k, progress)
            for array in (graph.neighbors, graph.distances, graph.node, graph.representative):
                array.flags.writeable = False
            graphs[stored_k, random_state] = graph
    return graph.cut(k)


def _from_cache(snapshot: Snapshot, key: GraphKey, k: int, progress: bool) -> NeighborGraph:
    """Load the graph of a key; otherwise extend a related graph, or build it, and store it."""
    folder = snapshot.folder if snapshot.file else None
    if folder is not None:
        graph = load_graph(folder, key)
        if graph is not None:
            return graph
    with bar("neighbors", "step", progress) as on_progress:
        graph = None
        if folder is not None and key.k == _STORED_K:
            for other, old in related_graphs(folder, key):
                graph = extended(
                    old, other.rows, snapshot.vectors, key.rows, k=k, on_progress=on_progress
                )
                break  # the next ones share fewer records with it
        if graph is None:
            graph = build(
                snapshot.vectors, key.k, random_state=key.random_state, on_progress=on_progress
            )
    if folder is not None:
        store_graph(folder, key, graph)
    return graph


def build(
    vectors: NDArray[np.float32],
    k: int,
    *,
    random_state: int = 0,
    on_progress: Callable[[int, int], Any] | None = None,
) -> NeighborGraph:
    """Find the k nearest neighbors of every distinct vector.

    Args:
        vectors: (n, dimension) float32, finite.
        k: Number of neighbors per node.
        random_state: The seed, used if not all pairs are compared.
        on_progress: Called with the number of finished steps and their total.

    Returns:
        The graph. Its lists are empty (-1 and inf) if all vectors are zero, or there is at most one.

    Example:
        >>> build(np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32), 1).neighbors
        array([[1],
               [0]], dtype=int32)
    """
    node, representative = distinct(vectors)
    scaled, has_direction = unit(vectors[representative])
    m, nonzero = len(representative), np.flatnonzero(has_direction)
    if len(nonzero) < m:
        scaled = scaled[nonzero]
    random = np.random.default_rng(random_state)
    recall, found = 1.0, None
    if len(nonzero) > max(_EXACT_NODES, _NODES_PER_NEIGHBOR * k):
        sample = RecallSample.of(scaled, random)
        found = approximate_neighbors(scaled, k, sample, random=random, on_progress=on_progress)
        if found is not None:
            recall = sample.recall(found[1])
    exact = found is None
    if found is None:
        found = exact_neighbors(scaled, k, on_progress=on_progress)
    neighbors, distances = found
    order_ties(neighbors, distances)
    if len(nonzero) < m:
        neighbors, distances = _with_zero_vector(neighbors, distances, nonzero, m)
    return NeighborGraph(neighbors, distances, node, representative, recall, exact, random_state)


def _with_zero_vector(
    neighbors: NDArray[np.int32],
    distances: NDArray[np.float32],
    nonzero: NDArray[np.int64],
    m: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Reinsert the zero vector; it has no neighbors, and is a neighbor of none."""
    shape = (m, neighbors.shape[1])
    all_neighbors = np.full(shape, -1, dtype=np.int32)
    all_distances = np.full(shape, np.inf, dtype=np.float32)
    # A neighbor of -1 indexes the last number before `where` discards it. If there are no other
    # vectors, there is no number to index, so one is added.
    numbers = nonzero if len(nonzero) else np.zeros(1, dtype=np.int64)
    all_neighbors[nonzero] = np.where(neighbors >= 0, numbers[neighbors], -1)
    all_distances[nonzero] = distances
    return all_neighbors, all_distances
