"""`cluster`: groups of records, from the neighbour graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.centers import kmeans
from chromalab.analytics.cluster.clusters import Clusters
from chromalab.analytics.cluster.communities import communities
from chromalab.analytics.cluster.density import dense
from chromalab.analytics.cluster.making import copies_weight, directed, made
from chromalab.analytics.cluster.membership import settle
from chromalab.analytics.cluster.resolution import Choice, choose
from chromalab.analytics.cluster.weights import NEIGHBORS, weights_of
from chromalab.analytics.graph import graph_of
from chromalab.analytics.graph.copies import unit
from chromalab.errors import InvalidArgumentError, near, notice, short
from chromalab.progress import bar
from chromalab.snapshot import Snapshot

__all__ = ["METHODS", "cluster"]

METHODS = ("auto", "hdbscan", "leiden", "kmeans")
"""The methods of `cluster`."""

_NOISE = 0.1  # share of neighbours; from 0 to .2 changed no score of banking77 by more than .001
_SIZE = 15
_TRIALS = 3  # of Leiden, of which the best counts, ...
_FEW = 20_000  # ... while there are no more nodes: they steady the choice between near equals


def cluster(
    data: Any,
    *,
    method: str = "auto",
    n_clusters: int | None = None,
    resolution: float | None = None,
    min_cluster_size: int | None = None,
    min_samples: int | None = None,
    leaf: bool = False,
    noise: float | None = None,
    random_state: int = 0,
    previous: Clusters | None = None,
    progress: bool = False,
) -> Clusters:
    """Group records by their vectors.

    "leiden" finds communities of the neighbour graph; nearly every record is in one. How fine they
    are is chosen by what two halves of the graph's edges agree on, unless `resolution` says it.
    "hdbscan" finds dense cores and calls the rest noise, on short texts about half. "kmeans" makes
    `n_clusters`. "auto" is kmeans where `n_clusters` is given, else leiden.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        method: "auto", "leiden", "hdbscan" or "kmeans".
        n_clusters: How many; leiden joins the communities it finds until so many are left. Where
            there are fewer, a warning says so.
        resolution: Of leiden; more makes more and smaller clusters. 1 is plain modularity.
        min_cluster_size: The fewest records of a cluster; 15, less below 300 records.
        min_samples: Of hdbscan: how many neighbours make a record dense; None for min_cluster_size.
        leaf: Of hdbscan: take the finest clusters, more and smaller, rather than the most stable.
        noise: Records with less than this share of their neighbours in their cluster are noise; .1
            for leiden, 0 for the others.
        random_state: The seed.
        previous: An earlier clustering, of these records or some of them: clusters keep its numbers.
        progress: Whether to show bars, after a second.

    Returns:
        Labels, confidences, and a hierarchy.

    Raises:
        InvalidArgumentError: an argument cannot be used.

    Example:
        >>> import numpy as np
        >>> rows = np.repeat(np.eye(3), 20, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 3))
        >>> cluster(rows).sizes.tolist()
        [20, 20, 20]
    """
    _check(method, n_clusters, resolution, min_cluster_size, min_samples, noise)
    if leaf and method != "hdbscan":
        raise InvalidArgumentError(
            f"leaf=True goes with method='hdbscan'; found method={short(method)}."
        )
    if previous is not None and not isinstance(previous, Clusters):
        raise InvalidArgumentError(f"previous takes earlier Clusters; found {short(previous)}.")
    snapshot = Snapshot.of(data)
    graph = graph_of(snapshot, NEIGHBORS, random_state=random_state, progress=progress)
    if method == "auto":
        method = "leiden" if n_clusters is None else "kmeans"
    if min_cluster_size is None:
        min_cluster_size = max(2, min(_SIZE, len(snapshot) // 20))
    if noise is None:
        noise = _NOISE if method == "leiden" else 0.0
    weights = weights_of(graph)
    has_direction = directed(snapshot, graph)
    strength: NDArray[np.float32] | None = None
    choice = Choice(resolution or 1.0)
    labels = np.full(len(graph), -1, dtype=np.int32)
    if method == "hdbscan":
        labels, strength = dense(
            graph, min_cluster_size=min_cluster_size, min_samples=min_samples, leaf=leaf
        )
        if noise > 0:
            labels = np.where(strength < noise, np.int32(-1), labels)
    elif method == "kmeans":
        vectors = unit(snapshot.vectors[graph.first[has_direction]])[0]
        copies = graph.copies[has_direction].astype(np.float64)
        labels[has_direction] = kmeans(vectors, copies, n_clusters or 1, random_state)
    elif len(graph):
        if resolution is None:
            with bar("resolution", "tried", progress) as tell:
                choice = choose(weights, random_state=random_state, tell=tell)
        trials = _TRIALS if len(graph) <= _FEW else 1
        labels = communities(weights, choice.resolution, random_state=random_state, trials=trials)
    if method != "hdbscan" and len(graph) and (method == "leiden" or noise > 0):
        labels = settle(
            weights,
            np.where(has_direction, labels, np.int32(-1)).astype(np.int32),
            graph.copies,
            copies_weight(graph, has_direction),
            smallest=min_cluster_size if method == "leiden" else 1,
            noise=noise,
        )
    found = made(
        snapshot,
        graph,
        weights,
        labels,
        method=method,
        parameters={
            "method": method,
            "n_clusters": n_clusters,
            "resolution": choice.resolution if method == "leiden" else None,
            "min_cluster_size": None if method == "kmeans" else min_cluster_size,
            "min_samples": min_samples,
            "leaf": leaf if method == "hdbscan" else None,
            "noise": noise,
            "random_state": random_state,
        },
        curve={
            "resolution": list(choice.tried),
            "stability": list(choice.stability),
            "n_clusters": list(choice.n_clusters),
        },
        strength=strength,
        has_direction=has_direction,
        previous=None if n_clusters and method == "leiden" else previous,
    )
    if method == "leiden" and n_clusters is not None:
        found = found.at(n_clusters=min(n_clusters, found.n_clusters))
    if n_clusters is not None and found.n_clusters < n_clusters and len(snapshot):
        more = "; a larger resolution=... makes more" if method == "leiden" else ""
        notice(f"n_clusters={n_clusters:,}, but {found.n_clusters:,} were found{more}.")
    return found


def _check(
    method: str,
    n_clusters: Any,
    resolution: Any,
    min_cluster_size: Any,
    min_samples: Any,
    noise: Any,
) -> None:
    if method not in METHODS:
        known = near(str(method), METHODS, what="Methods")
        raise InvalidArgumentError(f"No method {short(method)}. {known}")
    for name, value, least in (
        ("n_clusters", n_clusters, 1),
        ("min_cluster_size", min_cluster_size, 2),
        ("min_samples", min_samples, 1),
    ):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise InvalidArgumentError(
                f"{name} is a whole number from {least} on; found {short(value)}."
            )
    if method == "kmeans" and n_clusters is None:
        raise InvalidArgumentError("kmeans needs n_clusters=...; leiden finds how many there are.")
    if method == "hdbscan" and n_clusters is not None:
        raise InvalidArgumentError(
            f"hdbscan finds how many clusters there are; found n_clusters={short(n_clusters)}. Use "
            "method='kmeans', or join what is found by .at(n_clusters=...)."
        )
    number = isinstance(resolution, int | float | np.number) and not isinstance(resolution, bool)
    if resolution is not None and not (number and 0 < resolution < np.inf):
        raise InvalidArgumentError(f"resolution is a number above 0; found {short(resolution)}.")
    number = isinstance(noise, int | float | np.number) and not isinstance(noise, bool)
    if noise is not None and not (number and 0 <= noise <= 1):
        raise InvalidArgumentError(f"noise is a share from 0 to 1; found {short(noise)}.")
