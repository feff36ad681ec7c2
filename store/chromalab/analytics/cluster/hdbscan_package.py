"""What users of the `hdbscan` package know: its condensed tree, exemplars, GLOSH, and its own run.

The package (BSD, https://github.com/scikit-learn-contrib/hdbscan) is imported for its own run and for
its `CondensedTree` alone. In both cases the tree is kept as the package's list of edges.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.hdbscan import CondensedTree
from chromalab.errors import MissingDependencyError

__all__ = ["edges_of", "exact_hdbscan", "exemplars", "outlier_scores", "package_tree"]

_FIELDS = [("parent", np.intp), ("child", np.intp), ("lambda_val", float), ("child_size", np.intp)]


def edges_of(condensed: CondensedTree, node: NDArray[np.int32]) -> NDArray[np.float64]:
    """List the edges of a condensed tree as `hdbscan` does.

    Args:
        condensed: The tree of the nodes.
        node: (n,) int32, the node of each record.

    Returns:
        (edges, 4) float64: parent, child, density at which the child leaves it, and number of records
        in the child. Below n, a child is a record; n is the cluster of all records, and larger numbers
        are the clusters within it, a parent before its children.
    """
    n, clusters = len(node), len(condensed.parent)
    sizes = np.bincount(condensed.cluster[node], minlength=clusters)
    for at in range(clusters - 1, 0, -1):
        sizes[condensed.parent[at]] += sizes[at]
    records = [n + condensed.cluster[node], np.arange(n), condensed.until[node], np.ones(n)]
    splits = [n + condensed.parent, n + np.arange(clusters), condensed.birth, sizes]
    edges = np.vstack([np.column_stack(records), np.column_stack(splits)[1:]])
    return edges[np.lexsort((edges[:, 2], edges[:, 0]))]


def exact_hdbscan(
    vectors: NDArray[np.float32],
    *,
    min_cluster_size: int,
    min_samples: int | None,
    leaf: bool,
    epsilon: float,
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]:
    """Run `hdbscan.HDBSCAN`, which compares all pairs: its time grows with the square of their number.

    Args:
        vectors: (n, dimension) float32, of unit length.
        min_cluster_size: Smallest number of records in a cluster.
        min_samples: How many neighbors make a record dense; min_cluster_size if None.
        leaf: Whether to take the finest clusters.
        epsilon: `cluster_selection_epsilon`.

    Returns:
        (n,) int32 labels, -1 for noise; (n,) float32 probabilities; and the edges, see `edges_of`.

    Raises:
        MissingDependencyError: hdbscan is not installed.
    """
    hdbscan = _package("exact=True")
    if len(vectors) < 2:  # the package refuses them
        none = np.zeros((0, 4))
        return np.full(len(vectors), -1, np.int32), np.zeros(len(vectors), np.float32), none
    found = hdbscan.HDBSCAN(
        min_cluster_size=min_cluster_size,
        min_samples=min_samples,
        cluster_selection_method="leaf" if leaf else "eom",
        cluster_selection_epsilon=float(epsilon),
        approx_min_span_tree=False,
        core_dist_n_jobs=1,
    ).fit(vectors.astype(np.float64))
    raw = found.condensed_tree_.to_numpy()
    edges = np.column_stack([raw[name].astype(np.float64) for name, _ in _FIELDS])
    return found.labels_.astype(np.int32), found.probabilities_.astype(np.float32), edges


def package_tree(edges: NDArray[np.float64], labels: NDArray[np.int32]) -> Any:
    """Make a `hdbscan.plots.CondensedTree` of edges; see `edges_of`.

    Raises:
        MissingDependencyError: hdbscan is not installed.
    """
    plots = _package("condensed_tree()").plots
    raw = np.empty(len(edges), dtype=_FIELDS)
    for at, (name, _) in enumerate(_FIELDS):
        raw[name] = edges[:, at]
    return plots.CondensedTree(raw, labels)


def exemplars(edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the records that are the last to leave a cluster without children, ascending.

    Example:
        >>> exemplars(np.array([[3, 0, 1.0, 1], [3, 1, 2.0, 1], [3, 2, 2.0, 1]]))
        array([1, 2])
    """
    parent, child, n = _ends(edges)
    is_leaf = np.ones(parent.max(initial=-1) + 1, dtype=bool)
    is_leaf[parent[child >= n]] = False
    last = _densest(parent, edges)
    return np.sort(child[is_leaf[parent] & (edges[:, 2] == last[parent])])


def outlier_scores(edges: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return GLOSH: how far below the densest record of its cluster each record leaves it.

    Campello, Moulavi, Zimek and Sander 2015, https://doi.org/10.1145/2733381.

    Args:
        edges: The edges of the tree.
        n: Number of records.

    Returns:
        (n,) float64, from 0 for the densest to 1.

    Example:
        >>> outlier_scores(np.array([[3, 0, 1.0, 1], [3, 1, 2.0, 1], [3, 2, 2.0, 1]]), 3)
        array([0.5, 0. , 0. ])
    """
    parent, child, _ = _ends(edges)
    densest = _densest(parent, edges)
    splits = child >= n
    order = np.argsort(-child[splits])  # children come after their parents
    for below, above in zip(child[splits][order] - n, parent[splits][order], strict=True):
        densest[above] = max(densest[above], densest[below])
    left, top = edges[~splits, 2], densest[parent[~splits]]
    scores = np.zeros(n)
    scores[child[~splits]] = np.where(left < top, 1 - left / np.where(left < top, top, 1), 0)
    return scores


def _ends(edges: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return the parents, numbered from 0, the children, and the number of records."""
    parent, child = edges[:, 0].astype(np.int64), edges[:, 1].astype(np.int64)
    n = int(parent.min(initial=len(edges)))
    return parent - n, child, n


def _densest(parent: NDArray[np.int64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest density at which something leaves each cluster."""
    densest = np.zeros(parent.max(initial=-1) + 1)
    np.maximum.at(densest, parent, edges[:, 2])
    return densest


def _package(what: str) -> ModuleType:
    try:
        import hdbscan.plots
    except ImportError as error:
        raise MissingDependencyError(
            f"{what} needs hdbscan ({error}). Run pip install hdbscan."
        ) from error
    package: ModuleType = hdbscan
    return package
