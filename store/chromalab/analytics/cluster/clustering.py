"""`cluster`: clusters of records, from the neighbor graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

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
from chromalab.analytics.graph.graph import NeighborGraph
from chromalab.arguments.values import check_integer, is_number
from chromalab.errors import InvalidArgumentError, near, notice, short
from chromalab.results.progress import bar
from chromalab.snapshot import Snapshot
from chromalab.types import Where

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["METHODS", "cluster"]

Method = Literal["auto", "hdbscan", "leiden", "kmeans"]
METHODS: tuple[Method, ...] = get_args(Method)
"""The methods of `cluster`."""

# A share of neighbors; values from 0 to .2 change no score of banking77 by more than .001.
_NOISE = 0.1
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

    "hdbscan" builds its tree from the neighbor graph, not from all pairs, in about a tenth of the time that
    the hdbscan package takes. From the same tree, both find the same clusters. On noisy 12-dimensional
    blobs, its clusters agree with those from all pairs to an adjusted Rand index of .94 with 20 neighbors
    per record, and of .999 with `n_neighbors=100`; in 24 dimensions, of .71 and .999. `exact=True` runs the
    package itself.

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
    # An estimator has parentheses, so that its name is never that of a method.
    by = method if isinstance(method, str) else f"{type(method).__name__}()"
    if by == "auto":
        by = "leiden" if n_clusters is None else "kmeans"
    for name, value, methods in (
        ("n_clusters", n_clusters, ("leiden", "kmeans")),
        ("leaf", leaf or None, ("hdbscan",)),
        ("min_samples", min_samples, ("hdbscan",)),
        ("cluster_selection_epsilon", cluster_selection_epsilon or None, ("hdbscan",)),
        ("n_neighbors", n_neighbors, ("hdbscan",)),
        ("exact", exact or None, ("hdbscan",)),
        ("resolution", resolution, ("leiden",)),
        ("min_cluster_size", min_cluster_size, ("leiden", "hdbscan")),
    ):
        if value is not None and by not in methods:
            uses = " or ".join(map(repr, methods))
            raise InvalidArgumentError(
                f"{name} goes with method={uses}; got {name}={short(value)} with method={by!r}."
            )
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
    none = np.full(len(graph), -1, dtype=np.int32)
    found = _Partition(none, choice=ResolutionChoice(resolution or 1.0))
    if by == "hdbscan":
        found = _by_density(
            snapshot,
            graph,
            n_neighbors=n_neighbors,
            exact=exact,
            min_cluster_size=min_cluster_size,
            min_samples=min_samples,
            leaf=leaf,
            epsilon=cluster_selection_epsilon,
        )
    elif by == "leiden" and len(graph):
        found = _by_communities(
            graph,
            weights,
            has_direction,
            min_cluster_size,
            resolution,
            random_state=random_state,
            progress=progress,
        )
    elif by == "kmeans":
        vectors = unit(snapshot.vectors[graph.representative[has_direction]])[0]
        counts = graph.counts[has_direction].astype(np.float64)
        found.labels[has_direction] = kmeans(vectors, counts, n_clusters or 1, random_state)
    elif clusterer is not None and has_direction.any():
        rows = np.flatnonzero(has_direction[graph.node])
        by_row = np.full(len(snapshot), -1, dtype=np.int32)
        by_row[rows] = labels_by(clusterer, unit(snapshot.vectors[rows])[0])
        found = _Partition(by_row[graph.representative])
    labels = found.labels
    if found.strength is not None:
        labels = np.where(found.strength < noise, np.int32(-1), labels)
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
        strength=found.strength,
        previous=None if previous is None else (previous.labels, previous.snapshot.ids),
        has_direction=has_direction,
    )
    result = Clusters(
        snapshot=snapshot,
        **vars(parts),
        parameters={
            "method": by,
            "n_clusters": n_clusters,
            "resolution": found.choice.resolution if by == "leiden" else None,
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
            "resolution": list(found.choice.tried),
            "stability": list(found.choice.stability),
            "n_clusters": list(found.choice.n_clusters),
        },
        recall=float(graph.recall),
        method=by,
        reach=reach_of(graph),
        condensed=found.condensed,
    )
    if by == "leiden" and n_clusters is not None:
        result = result.at(n_clusters=min(n_clusters, result.n_clusters))
    if n_clusters is not None and result.n_clusters < n_clusters and len(snapshot):
        more = " A higher resolution=... finds more." if by == "leiden" else ""
        notice(
            f"Only {result.n_clusters:,} of n_clusters={n_clusters:,} clusters were found.{more}"
        )
    return result


@dataclass(frozen=True, eq=False)
class _Partition:
    """What a method makes of the m nodes of a graph.

    Attributes:
        labels: (m,) int32, -1 for noise.
        strength: (m,) float32 probabilities, by HDBSCAN only.
        condensed: (edges, 4) float64, the edges of HDBSCAN's tree.
        choice: The resolution of Leiden.
    """

    labels: NDArray[np.int32]
    strength: NDArray[np.float32] | None = None
    condensed: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    choice: ResolutionChoice = field(default_factory=lambda: ResolutionChoice(1.0))


def _by_density(
    snapshot: Snapshot,
    graph: NeighborGraph,
    *,
    n_neighbors: int | None,
    exact: bool,
    **options: Any,
) -> _Partition:
    """Find dense clusters by HDBSCAN: on the neighbor graph, or on all pairs."""
    if exact:
        labels, strength, condensed = exact_hdbscan(unit(snapshot.vectors)[0], **options)
        rows = graph.representative
        return _Partition(labels[rows], strength[rows], condensed)
    labels, strength, tree = hdbscan(graph, n_neighbors=n_neighbors, **options)
    return _Partition(labels, strength, edges_of(tree, graph.node))


def _by_communities(
    graph: NeighborGraph,
    weights: csr_matrix,
    has_direction: NDArray[np.bool_],
    min_cluster_size: int,
    resolution: float | None,
    *,
    random_state: int,
    progress: bool,
) -> _Partition:
    """Find communities by Leiden, in which each heap of copies is one node."""
    heaps = find_heaps(graph, has_direction, min_cluster_size)
    edges, inner = (weights, None) if heaps is None else (heaps.merged(weights), heaps.inner)
    if resolution is None:
        with bar("resolution", "tried", progress) as on_progress:
            choice = choose_resolution(
                edges, inner=inner, random_state=random_state, on_progress=on_progress
            )
    else:
        choice = ResolutionChoice(resolution)
    labels = leiden(
        edges,
        choice.resolution,
        inner=inner,
        random_state=random_state,
        trials=_TRIALS if len(graph) <= _TRIALS_UP_TO else 1,
    )
    return _Partition(labels if heaps is None else labels[heaps.group], choice=choice)


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
        if value is not None:
            check_integer(name, value, least)
    if method == "kmeans" and n_clusters is None:
        raise InvalidArgumentError(
            "method='kmeans' needs n_clusters. Use method='leiden' to find the number of clusters."
        )
    if method == "hdbscan" and n_clusters is not None:
        raise InvalidArgumentError(
            f"hdbscan finds the number of clusters itself; got n_clusters={short(n_clusters)}. Use "
            "method='kmeans', or merge the clusters it finds with .at(n_clusters=...)."
        )
    if resolution is not None and not (is_number(resolution) and 0 < resolution < np.inf):
        raise InvalidArgumentError(f"resolution must be a number above 0; got {short(resolution)}.")
    if not (is_number(epsilon) and 0 <= epsilon < np.inf):
        raise InvalidArgumentError(
            f"cluster_selection_epsilon must be a distance ≥ 0; got {short(epsilon)}."
        )
    if noise is not None and not (is_number(noise) and 0 <= noise <= 1):
        raise InvalidArgumentError(f"noise must be a share from 0 to 1; got {short(noise)}.")
