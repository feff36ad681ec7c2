"""HDBSCAN on the neighbor graph: dense cores are clusters, and everything else is noise.

Campello, Moulavi and Sander 2013, https://doi.org/10.1007/978-3-642-37456-2_14; McInnes and Healy
2017, https://doi.org/10.1109/ICDMW.2017.12. The mutual reachability of all pairs is never computed:
the minimum spanning tree of the graph's edges takes the place of that of all pairs.

The condensed tree is the same as the one that `hdbscan` makes in compiled loops (BSD,
https://github.com/scikit-learn-contrib/hdbscan). Here it is made by operations on whole arrays, which
take a fifth of the time at 100,000 nodes, and nodes may represent more than one record.
`hdbscan_package` runs that package, and gives our tree in its form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.graph import NeighborGraph

__all__ = [
    "CondensedTree",
    "condense",
    "core_distances",
    "hdbscan",
    "select_clusters",
    "single_linkage",
    "spanning_tree",
]

_FLOOR = (
    1e-3  # smaller distances are rounding errors: cosines of equal float32 vectors differ by 5e-7
)

_NEIGHBORS = 20  # ARI with all pairs on banking77 .95-1.00; 30 gave no more, in twice the time
_MORE = 5  # neighbors beyond those of the core distance, for the spanning tree to choose from


@dataclass(frozen=True, eq=False)
class CondensedTree:
    """Clusters from sparse to dense. Number 0 is all records; a parent comes before its children.

    Densities are 1 / distance.

    Attributes:
        cluster: (m,) int64, the densest cluster that each node is in.
        until: (m,) float64, the density at which the node drops out of it.
        parent: (clusters,) int64, -1 for the first.
        birth: (clusters,) float64, the density at which each cluster splits off.
        stability: (clusters,) float64, the density range of each cluster, summed over its records.
    """

    cluster: NDArray[np.int64]
    until: NDArray[np.float64]
    parent: NDArray[np.int64]
    birth: NDArray[np.float64]
    stability: NDArray[np.float64]


def hdbscan(
    graph: NeighborGraph,
    *,
    min_cluster_size: int = 15,
    min_samples: int | None = None,
    leaf: bool = False,
    epsilon: float = 0.0,
    n_neighbors: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32], CondensedTree]:
    """Find dense clusters, as `hdbscan.HDBSCAN` does on unit vectors.

    All records together are never one cluster, since a cluster is denser than what surrounds it, unless
    they all have the same direction.

    Args:
        graph: The neighbor graph. A node of 20 equal records is as dense as 20 records.
        min_cluster_size: The smallest number of records in a cluster.
        min_samples: How many neighbors make a record dense; min_cluster_size by default, and never
            more than the graph has.
        leaf: Whether to take the finest clusters rather than the most stable ones.
        epsilon: Distance below which clusters are not split; see `select_clusters`.
        n_neighbors: Number of neighbors that count, 20 by default, and never more than the graph has.

    Returns:
        (m,) int32 labels, -1 for noise; (m,) float32, how close each node is to the core of its
        cluster; and the tree.

    Example:
        >>> alone = NeighborGraph(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32),
        ...                       np.zeros(1, np.int32), np.zeros(1, np.int64), 1.0, True, 0)
        >>> hdbscan(alone)[0].tolist()
        [-1]
    """
    count = len(graph)
    min_samples = min_cluster_size if min_samples is None else min_samples
    graph = graph.cut(max(n_neighbors or _NEIGHBORS, min_samples + _MORE))
    core = core_distances(graph, min_samples)
    edges, lengths = spanning_tree(graph, core)
    if not (lengths > _FLOOR).any():  # one direction: nothing is denser than all records together
        found, top = graph.counts.sum() >= min_cluster_size, 1 / _FLOOR
        whole = CondensedTree(
            cluster=np.zeros(count, dtype=np.int64),
            until=np.full(count, top),
            parent=np.array([-1]),
            birth=np.zeros(1),
            stability=np.array([top * graph.counts.sum()]),
        )
        labels = np.full(count, found - 1, dtype=np.int32)
        return labels, np.full(count, found, dtype=np.float32), whole
    tree, sizes = single_linkage(edges, lengths, graph.counts)
    condensed = condense(tree, lengths, sizes, core, min_cluster_size)
    return *select_clusters(condensed, leaf=leaf, epsilon=epsilon), condensed


def core_distances(graph: NeighborGraph, min_samples: int) -> NDArray[np.float64]:
    """Return the distance within which each node has `min_samples` other records.

    Records with the same vector count.

    Returns:
        (m,) float64 Euclidean distances of unit vectors. If the graph has too few neighbors, it is the
        distance to the last of them.
    """
    counts = graph.counts
    lengths = _euclidean(graph)
    known = np.isfinite(lengths)
    nearby = np.where(known, counts[graph.neighbors], 0)
    reached = np.cumsum(nearby, axis=1) + (counts - 1)[:, None]
    enough = reached >= min_samples
    last = known.sum(axis=1) - 1
    rank = np.where(enough.any(axis=1), enough.argmax(axis=1), last) if graph.k else last
    core = np.full(len(graph), _FLOOR)
    has = rank >= 0
    core[has] = lengths[np.flatnonzero(has), rank[has]]
    core[counts - 1 >= min_samples] = _FLOOR
    return core


def spanning_tree(
    graph: NeighborGraph, core: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Compute the minimum spanning tree of the mutual reachability along the graph's edges.

    If the graph is not connected, its components are bridged at the largest length in it, never at
    infinity: otherwise the components would come out as the clusters.

    Returns:
        (m - 1, 2) int64 edges and (m - 1,) float64 lengths, ascending.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    count = len(graph)
    lengths = _euclidean(graph)
    known = np.isfinite(lengths)
    rows = np.repeat(np.arange(count), known.sum(axis=1))
    columns = graph.neighbors[known]
    reach = np.maximum(lengths[known], np.maximum(core[rows], core[columns]))
    ends = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    forest = minimum_spanning_tree(csr_matrix((reach, columns, ends), shape=(count, count))).tocoo()
    edges = np.column_stack([forest.row, forest.col]).astype(np.int64)
    parts, part = connected_components(forest, directed=False)
    if parts > 1:
        # Each component is bridged at the node with its smallest core distance, as it would be if all
        # pairs were known.
        order = np.lexsort((core, part))
        first = order[np.concatenate([[True], part[order][1:] != part[order][:-1]])]
        longest = max(float(reach.max(initial=_FLOOR)), _FLOOR)
        edges = np.concatenate([edges, np.column_stack([first[:-1], first[1:]])])
        all_lengths = np.concatenate([forest.data, np.full(parts - 1, longest)])
    else:
        all_lengths = forest.data
    order = np.argsort(all_lengths, kind="stable")
    return edges[order], all_lengths[order]


def single_linkage(
    edges: NDArray[np.int64], lengths: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Turn a spanning tree into the single-linkage tree: the merges, shortest edge first.

    Args:
        edges: (m - 1, 2) int64, shortest first.
        lengths: (m - 1,) float64.
        counts: (m,) int64, the number of records per node.

    Returns:
        (m - 1, 2) int64, the two parts of each merge: a node below m, or m + the row of an earlier
        merge; and (2m - 1,) int64, the number of records in each part.
    """
    count = len(counts)
    sizes = counts.tolist() + [0] * (count - 1)
    above = list(range(2 * count - 1))
    tree = []
    for at, (one, other) in enumerate(edges.tolist(), start=count):
        while above[one] != one:
            above[one] = one = above[above[one]]
        while above[other] != other:
            above[other] = other = above[above[other]]
        tree.append((one, other))
        above[one] = above[other] = at
        sizes[at] = sizes[one] + sizes[other]
    return np.array(tree, dtype=np.int64).reshape(-1, 2), np.array(sizes, dtype=np.int64)


def condense(
    tree: NDArray[np.int64],
    lengths: NDArray[np.float64],
    sizes: NDArray[np.int64],
    core: NDArray[np.float64],
    min_cluster_size: int,
) -> CondensedTree:
    """Reduce a single-linkage tree to the merges of two clusters.

    Args:
        tree: (m - 1, 2) int64, the merges, shortest first: a node, or m + a row.
        lengths: (m - 1,) float64, the distance of each merge.
        sizes: (2m - 1,) int64, the number of records in each part.
        core: (m,) float64 core distances, at which the records of a node merge.
        min_cluster_size: The smallest number of records in a cluster.
    """
    count = len(core)
    total = 2 * count - 1
    above = np.full(total, total - 1)
    above[tree.ravel()] = np.repeat(np.arange(count, total), 2)
    density = 1 / np.concatenate([core, lengths])
    large = sizes >= min_cluster_size
    large[-1] = True  # all records, even if they are too few
    # A cluster starts at both parts of a merge if both of them are large.
    splits = large[tree].all(axis=1)
    start = np.zeros(total, dtype=bool)
    start[tree[splits].ravel()] = True
    start[-1] = True
    # From each node up to the first large part of the tree, and from there to the start of its cluster.
    part = _climb(above, large)[:count]
    top = _climb(above, start)
    starts = np.flatnonzero(start)[::-1]  # the last merge comes first
    number = np.empty(total, dtype=np.int64)
    number[starts] = np.arange(len(starts))
    parent = np.concatenate([[-1], number[top[above[starts[1:]]]]])
    birth = np.concatenate([[0.0], density[above[starts[1:]]]])
    cluster, until = number[top[part]], density[part]
    own = np.bincount(cluster, (until - birth[cluster]) * sizes[:count], len(starts))
    within = np.bincount(
        parent[1:], (birth[1:] - birth[parent[1:]]) * sizes[starts[1:]], len(starts)
    )
    return CondensedTree(cluster, until, parent, birth, np.asarray(own + within, dtype=np.float64))


def select_clusters(
    condensed: CondensedTree, *, leaf: bool, epsilon: float = 0.0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Select clusters of the condensed tree, and label the nodes.

    Args:
        condensed: The condensed tree.
        leaf: Select the clusters without children. If False, select those that are more stable than
            all clusters within them together (excess of mass).
        epsilon: Distance below which a cluster is not split: in place of one that splits off at less,
            the nearest cluster around it that does not is selected, but never all records (Malzer and
            Baum 2020, https://doi.org/10.1109/MFI49285.2020.9235263).

    Returns:
        (m,) int32 labels, -1 for noise, and (m,) float32, the density at which a node drops out,
        divided by that of the last node of its cluster to do so.
    """
    parent = condensed.parent.tolist()
    stability = condensed.stability.tolist()
    clusters = len(parent)
    selected = [False] * clusters
    within = [0.0] * clusters
    has_children = [False] * clusters
    for at in range(clusters - 1, 0, -1):
        if leaf:
            selected[at] = not has_children[at]
        else:
            selected[at] = not within[at] > stability[at]
        within[parent[at]] += stability[at] if selected[at] else within[at]
        has_children[parent[at]] = True
    for at in range(clusters - 1, 0, -1):
        if selected[at] and parent[at] > 0 and 1 / condensed.birth[at] < epsilon:
            selected[parent[at]] = True
    label = [-1] * clusters
    found = 0
    for at in range(1, clusters):
        if label[parent[at]] >= 0:
            label[at] = label[parent[at]]  # inside a selected cluster
        elif selected[at]:
            label[at], found = found, found + 1
    labels = np.array(label, dtype=np.int32)[condensed.cluster]
    # As in hdbscan, the highest density of a cluster is that of the nodes and children that leave the
    # cluster itself.
    last = np.zeros(clusters)
    np.maximum.at(last, condensed.cluster, condensed.until)
    np.maximum.at(last, condensed.parent[1:], condensed.birth[1:])
    top = np.zeros(max(found, 1))
    for at in range(1, clusters):
        if label[at] >= 0 and label[parent[at]] != label[at]:
            top[label[at]] = last[at]
    strength = np.minimum(condensed.until / np.maximum(top[labels], 1e-12), 1)
    return labels, np.where(labels >= 0, strength, 0).astype(np.float32)


def _climb(above: NDArray[np.int64], stops: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first stop at or above each part, by doubling the step."""
    to = np.where(stops, np.arange(len(above)), above)
    while not stops[to].all():
        to = to[to]
    return to


def _euclidean(graph: NeighborGraph) -> NDArray[np.float64]:
    """Return the distances of the unit vectors, at least the floor: scipy reads 0 as no edge."""
    cosine = np.maximum(graph.distances.astype(np.float64), 0)
    lengths: NDArray[np.float64] = np.maximum(np.sqrt(2 * cosine), _FLOOR)
    return np.where(graph.neighbors >= 0, lengths, np.inf)
