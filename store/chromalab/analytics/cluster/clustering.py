"""`cluster`: clusters of records, from the neighbor graph."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
from chromalab.analytics.cluster.assembly import assemble, directed, reach_of
from chromalab.analytics.cluster.clusterer import Clusterer, labels_by, parameters_of
from chromalab.analytics.cluster.clusters import Clusters
from chromalab.analytics.cluster.hdbscan import hdbscan
from chromalab.analytics.cluster.hdbscan_package import edges_of, exact_hdbscan
from chromalab.analytics.cluster.heaps import find_heaps
from chromalab.analytics.cluster.kmeans import kmeans
from chromalab.analytics.cluster.leiden import ResolutionChoice, choose_resolution, leiden
from chromalab.analytics.cluster.membership import (
    NEIGHBORS,
    edge_weights,
    settle,
    weights_of_equals,
)
from chromalab.analytics.graph import graph_of
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.errors import InvalidArgumentError, near, notice, short
from chromalab.results.progress import bar
from chromalab.snapshot import Snapshot
from chromalab.types import Where

__all__ = ["METHODS", "cluster"]

Method = Literal["auto", "hdbscan", "leiden", "kmeans"]
METHODS: tuple[Method, ...] = get_args(Method)
"""The methods of `cluster`."""

_NOISE = (
    0.1  # share of neighbors; values from 0 to .2 change no score of banking77 by more than .001
)
_MIN_CLUSTER_SIZE = 15
# Up to 20,000 nodes Leiden runs three times and the best run counts, which makes the choice between
# nearly equal partitions more stable.
_TRIALS = 3
_TRIALS_UP_TO = 20_000


@analysis(Clusters)
def cluster(
    data: Any,
    method: Method | Clusterer = "auto",
    *,
    n_clusters: int | None = None,
    resolution: float | None = None,
    min_cluster_size: int | None = None,
    min_samples: int | None = None,
    leaf: bool = False,
    cluster_selection_epsilon: float = 0.0,
    n_neighbors: int | None = None,
    exact: bool = False,
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

    "hdbscan" makes its tree of the neighbor graph, not of all pairs. On one tree, the package of that
    name finds equal clusters, in 5 times the CPU time for 10,000 records and 1.9 times for 100,000. In noisy blobs of 12 dimensions,
    the adjusted Rand index to all pairs is .94 with 20 neighbors per record, and .999 with
    `n_neighbors=100`; of 24 dimensions, .71 and .999. `exact=True` runs the package itself.

    Any estimator with `fit_predict` can be the method, such as `sklearn.cluster.AgglomerativeClustering()`.
    It is fitted to the embeddings, scaled to unit length, and its options are its own. Its label -1 is
    noise. The result is not cached.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        method: Clustering method: "auto", "leiden", "hdbscan", "kmeans", or an estimator.
        n_clusters: Number of clusters. Leiden merges its communities until this many are left. If it
            finds fewer, a warning says so.
        resolution: Resolution of Leiden; a higher one makes more and smaller clusters. 1 is plain
            modularity. By default it is chosen from the data.
        min_cluster_size: Smallest number of records in a cluster; 15 by default, fewer below 300
            records.
        min_samples: For HDBSCAN, how many neighbors make a record dense. min_cluster_size by default.
        leaf: For HDBSCAN, take the finest clusters rather than the most stable ones. They are more and
            smaller.
        cluster_selection_epsilon: For HDBSCAN, the distance of unit vectors below which clusters are not
            split, so that a dense region stays one cluster. It is sqrt(2 * cosine distance).
        n_neighbors: For HDBSCAN, the number of neighbors in the graph, 20 by default and at most 200. Only
            these count for `min_samples`.
        exact: For HDBSCAN, compare all pairs with the hdbscan package, which must be installed. The time
            grows with the square of the number of records.
        noise: Smallest share of a record's neighbors in its own cluster. With less, it is noise. The
            default is .1 for Leiden and 0 for the other methods.
        previous: Earlier clusters of these records, or of some of them, to reuse their numbers.
        where: Analyze only the records that match this filter.
        into: Write the cluster numbers to this metadata field.
        random_state: Seed of the neighbor graph and of the clustering.
        progress: Show a progress bar after one second.

    Returns:
        Labels, probabilities, and a hierarchy.

    Raises:
        InvalidArgumentError: An argument is invalid.
        MissingDependencyError: `exact=True`, and hdbscan is not installed.

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
    _check(
        method,
        n_clusters,
        resolution,
        min_cluster_size,
        min_samples,
        noise,
        cluster_selection_epsilon,
        n_neighbors,
    )
    if previous is not None and not isinstance(previous, Clusters):
        raise InvalidArgumentError(f"previous must be earlier Clusters; got {short(previous)}.")
    clusterer = None if isinstance(method, str) else method
    by = (
        method if isinstance(method, str) else f"{type(method).__name__}()"
    )  # never a method's name
    if by == "auto":
        by = "leiden" if n_clusters is None else "kmeans"
    _check_used("n_clusters", n_clusters, by, "leiden", "kmeans")
    _check_used("leaf", leaf or None, by, "hdbscan")
    _check_used("min_samples", min_samples, by, "hdbscan")
    _check_used("cluster_selection_epsilon", cluster_selection_epsilon or None, by, "hdbscan")
    _check_used("n_neighbors", n_neighbors, by, "hdbscan")
    _check_used("exact", exact or None, by, "hdbscan")
    _check_used("resolution", resolution, by, "leiden")
    _check_used("min_cluster_size", min_cluster_size, by, "leiden", "hdbscan")
    if previous is not None and by == "leiden" and n_clusters is not None:
        raise InvalidArgumentError(
            "previous does not go with n_clusters and method='leiden', which numbers the merged clusters "
            "by size. Leave one of them out, or use method='kmeans'."
        )
    snapshot: Snapshot = data
    k = max(NEIGHBORS, n_neighbors or 0)
    graph = graph_of(snapshot, k, random_state=random_state, progress=progress)
    if min_cluster_size is None:
        min_cluster_size = max(2, min(_MIN_CLUSTER_SIZE, len(snapshot) // 20))
    if noise is None:
        noise = _NOISE if by == "leiden" else 0.0
    weights = edge_weights(graph)
    has_direction = directed(snapshot, graph)
    strength: NDArray[np.float32] | None = None
    choice = ResolutionChoice(resolution or 1.0)
    labels = np.full(len(graph), -1, dtype=np.int32)
    condensed = np.zeros((0, 4))
    if exact:
        found, certain, condensed = exact_hdbscan(
            unit(snapshot.vectors)[0],
            min_cluster_size=min_cluster_size,
            min_samples=min_samples,
            leaf=leaf,
            epsilon=cluster_selection_epsilon,
        )
        labels, strength = found[graph.representative], certain[graph.representative]
    elif by == "hdbscan":
        labels, strength, tree = hdbscan(
            graph,
            min_cluster_size=min_cluster_size,
            min_samples=min_samples,
            leaf=leaf,
            epsilon=cluster_selection_epsilon,
            n_neighbors=n_neighbors,
        )
        condensed = edges_of(tree, graph.node)
    elif clusterer is not None and has_direction.any():
        rows = np.flatnonzero(has_direction[graph.node])
        found = np.full(len(snapshot), -1, dtype=np.int32)
        found[rows] = labels_by(clusterer, unit(snapshot.vectors[rows])[0])
        labels = found[graph.representative]
    elif by == "kmeans":
        vectors = unit(snapshot.vectors[graph.representative[has_direction]])[0]
        counts = graph.counts[has_direction].astype(np.float64)
        labels[has_direction] = kmeans(vectors, counts, n_clusters or 1, random_state)
    elif len(graph):
        heaps = find_heaps(graph, has_direction, min_cluster_size)
        edges, inner = weights, None
        if heaps is not None:
            edges, inner = heaps.merged(weights), heaps.inner
        if resolution is None:
            with bar("resolution", "tried", progress) as on_progress:
                choice = choose_resolution(
                    edges, inner=inner, random_state=random_state, on_progress=on_progress
                )
        labels = leiden(
            edges,
            choice.resolution,
            inner=inner,
            random_state=random_state,
            trials=_TRIALS if len(graph) <= _TRIALS_UP_TO else 1,
        )
        if heaps is not None:
            labels = labels[heaps.group]
    if strength is not None:
        labels = np.where(strength < noise, np.int32(-1), labels)
    elif len(graph) and (by == "leiden" or noise > 0):
        settled = settle(
            weights,
            np.where(has_direction, labels, np.int32(-1)).astype(np.int32),
            graph.counts,
            weights_of_equals(graph, has_direction),
            smallest=min_cluster_size if by == "leiden" else 1,
            noise=noise,
        )
        labels = settled if by == "leiden" else np.where(labels < 0, labels, settled)
    parts = assemble(
        snapshot,
        graph,
        weights,
        labels,
        strength=strength,
        previous=None if previous is None else (previous.labels, previous.snapshot.ids),
        has_direction=has_direction,
    )
    result = Clusters(
        snapshot=snapshot,
        **vars(parts),
        parameters={
            "method": by,
            "n_clusters": n_clusters,
            "resolution": choice.resolution if by == "leiden" else None,
            "min_cluster_size": min_cluster_size if by in ("leiden", "hdbscan") else None,
            "min_samples": min_samples,
            "leaf": leaf if by == "hdbscan" else None,
            "cluster_selection_epsilon": cluster_selection_epsilon or None,
            "n_neighbors": n_neighbors,
            "exact": exact or None,
            "estimator": None if clusterer is None else parameters_of(clusterer),
            "noise": noise,
            "random_state": random_state,
        },
        curve={
            "resolution": list(choice.tried),
            "stability": list(choice.stability),
            "n_clusters": list(choice.n_clusters),
        },
        recall=float(graph.recall),
        method=by,
        reach=reach_of(graph),
        condensed=condensed,
    )
    if by == "leiden" and n_clusters is not None:
        result = result.at(n_clusters=min(n_clusters, result.n_clusters))
    if n_clusters is not None and result.n_clusters < n_clusters and len(snapshot):
        more = " A higher resolution=... finds more." if by == "leiden" else ""
        notice(
            f"Only {result.n_clusters:,} of n_clusters={n_clusters:,} clusters were found.{more}"
        )
    return result


def _check_used(name: str, value: Any, method: str, *methods: str) -> None:
    """Raise if an option is given that the method does not use."""
    if value is not None and method not in methods:
        uses = " or ".join(map(repr, methods))
        raise InvalidArgumentError(
            f"{name} goes with method={uses}; got {name}={short(value)} with method={method!r}."
        )


def _check(
    method: Any,
    n_clusters: Any,
    resolution: Any,
    min_cluster_size: Any,
    min_samples: Any,
    noise: Any,
    epsilon: Any,
    n_neighbors: Any,
) -> None:
    if isinstance(method, type) and hasattr(method, "fit_predict"):
        name = method.__name__
        raise InvalidArgumentError(
            f"method must be an estimator; got the class {name}. Use {name}()."
        )
    is_estimator = not isinstance(method, str) and hasattr(method, "fit_predict")
    if not is_estimator and method not in METHODS:
        known = near(str(method), METHODS, what="Methods")
        raise InvalidArgumentError(f"No method {short(method)}. {known}")
    for name, value, least in (
        ("n_clusters", n_clusters, 1),
        ("min_cluster_size", min_cluster_size, 2),
        ("min_samples", min_samples, 1),
        ("n_neighbors", n_neighbors, 1),
    ):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise InvalidArgumentError(f"{name} must be an integer ≥ {least}; got {short(value)}.")
    if method == "kmeans" and n_clusters is None:
        raise InvalidArgumentError(
            "method='kmeans' needs n_clusters. Use method='leiden' to find the number of clusters."
        )
    if method == "hdbscan" and n_clusters is not None:
        raise InvalidArgumentError(
            f"hdbscan finds the number of clusters itself; got n_clusters={short(n_clusters)}. Use "
            "method='kmeans', or merge the clusters it finds with .at(n_clusters=...)."
        )
    number = isinstance(resolution, int | float | np.number) and not isinstance(resolution, bool)
    if resolution is not None and not (number and 0 < resolution < np.inf):
        raise InvalidArgumentError(f"resolution must be a number above 0; got {short(resolution)}.")
    number = isinstance(epsilon, int | float | np.number) and not isinstance(epsilon, bool)
    if not (number and 0 <= epsilon < np.inf):
        raise InvalidArgumentError(
            f"cluster_selection_epsilon must be a distance ≥ 0; got {short(epsilon)}."
        )
    number = isinstance(noise, int | float | np.number) and not isinstance(noise, bool)
    if noise is not None and not (number and 0 <= noise <= 1):
        raise InvalidArgumentError(f"noise must be a share from 0 to 1; got {short(noise)}.")
