"""`cluster`: groups of records, from the neighbour graph."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
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
from chromalab.types import Where

__all__ = ["METHODS", "cluster"]

Method = Literal["auto", "hdbscan", "leiden", "kmeans"]
METHODS: tuple[Method, ...] = get_args(Method)
"""The methods of `cluster`."""

_NOISE = 0.1  # share of neighbours; from 0 to .2 changed no score of banking77 by more than .001
_SIZE = 15
_TRIALS = 3  # of Leiden, of which the best counts, ...
_FEW = 20_000  # ... while there are no more nodes: they steady the choice between near equals


@analysis(Clusters)
def cluster(
    data: Any,
    method: Method = "auto",
    *,
    n_clusters: int | None = None,
    resolution: float | None = None,
    min_cluster_size: int | None = None,
    min_samples: int | None = None,
    leaf: bool = False,
    noise: float | None = None,
    previous: Clusters | None = None,
    where: Where | None = None,
    into: str | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Clusters:
    """Cluster records by their embeddings.

    "leiden" finds the communities of the neighbor graph, and puts nearly every record in one. By
    default it chooses the finest resolution at which two halves of the graph's edges still agree.
    "hdbscan" finds dense cores and calls all other records noise; on short texts that is about half of
    them. "kmeans" makes `n_clusters` clusters. "auto" is "kmeans" if `n_clusters` is given, and
    "leiden" otherwise.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        method: Clustering method: "auto", "leiden", "hdbscan" or "kmeans".
        n_clusters: Number of clusters. Leiden merges its communities until this many are left. If it
            finds fewer, a warning says so.
        resolution: Resolution of Leiden; a higher one makes more and smaller clusters. 1 is plain
            modularity. By default it is chosen from the data.
        min_cluster_size: Smallest number of records in a cluster; 15 by default, fewer below 300
            records.
        min_samples: For HDBSCAN, how many neighbors make a record dense; min_cluster_size by default.
        leaf: For HDBSCAN, take the finest clusters rather than the most stable ones. They are more and
            smaller.
        noise: Records with less than this share of their neighbors in their cluster are noise. The
            default is .1 for Leiden and 0 for the other methods.
        previous: An earlier clustering of these records, or of some of them, whose cluster numbers are
            reused.
        where: Analyze only the records that match this filter.
        into: Write the cluster numbers to this metadata field.
        random_state: Seed of the neighbor graph and of the clustering.
        progress: Show a progress bar after one second.

    Returns:
        Labels, probabilities, and a hierarchy.

    Raises:
        InvalidArgumentError: an argument is invalid.

    Example:
        >>> import chromalab, numpy as np
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> rows = np.repeat(np.eye(2), 30, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 2))
        >>> points.add(ids=[str(i) for i in range(60)], embeddings=rows)
        >>> points.cluster(n_clusters=2, into="group").sizes.tolist()
        [30, 30]
        >>> points.get(ids=["0"])["metadatas"]
        [{'group': 0}]
    """
    _check(method, n_clusters, resolution, min_cluster_size, min_samples, noise)
    if leaf and method != "hdbscan":
        raise InvalidArgumentError(
            f"leaf=True goes with method='hdbscan'; found method={short(method)}."
        )
    if previous is not None and not isinstance(previous, Clusters):
        raise InvalidArgumentError(f"previous takes earlier Clusters; found {short(previous)}.")
    snapshot: Snapshot = data
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
