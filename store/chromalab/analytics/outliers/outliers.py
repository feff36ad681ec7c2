"""`outliers`: records that are far from all others."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
from chromalab.analytics.graph import graph_of
from chromalab.analytics.graph.graph import NeighborGraph
from chromalab.analytics.outliers.result import Outliers, cut_at
from chromalab.analytics.outliers.scores import (
    RobustScale,
    centroid_distance,
    global_local,
    isolation,
    local_outlier_factor,
    mean_distance,
    robust_scale,
)
from chromalab.arguments.values import check_integer
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.snapshot import Snapshot
from chromalab.types import Where

__all__ = ["METHODS", "outliers", "outliers_of"]

Method = Literal["distance", "lof", "glosh", "centroid", "isolation"]
METHODS: tuple[Method, ...] = get_args(Method)
"""The methods of `outliers`."""

_LARGEST = 2.0  # the largest cosine distance


@analysis(Outliers)
def outliers(
    data: Any,
    method: Method = "distance",
    *,
    k: int = 10,
    share: float | None = None,
    threshold: float | None = None,
    copies: bool = False,
    where: Where | None = None,
    into: str | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Outliers:
    """Score every record by how far it is from the others, and flag the outliers.

    "distance" is the mean cosine distance to the k nearest neighbors. It is cheap, and it finds texts
    from another source better than the other methods do. "lof" compares densities, and suits groups
    of different density; outliers that resemble one another mask each other. "glosh" compares the
    density at a record with the densest point of its cluster in the HDBSCAN tree. "centroid" is the
    distance to the nearest of sqrt(n) k-means centers, and "isolation" is scikit-learn's
    IsolationForest.

    Equal vectors count once, so 40 copies of one strange text are 40 outliers. With `copies=True` they
    are each other's neighbors at distance 0, and none of them is an outlier. A zero vector has no
    direction: its score is the largest possible one, 2.0, and in the other methods the score of the
    farthest record.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        method: Scoring method: "distance", "lof", "glosh", "centroid" or "isolation".
        k: Number of neighbors that count.
        share: Flag this share of the records, the farthest ones; 0 to 1.
        threshold: Flag scores above this one. The default is 3.5 robust standard deviations above the
            median (Iglewicz and Hoaglin 1993).
        copies: Count copies of a record as its neighbors; only for method "distance".
        where: Analyze only the records that match this filter.
        into: Write the scores to this metadata field.
        random_state: Seed of the neighbor graph, the centers and the forest.
        progress: Show a progress bar after one second.

    Returns:
        The scores, the outliers, and the reason for each.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Example:
        >>> import chromalab
        >>> facts = chromalab.EphemeralClient().create_collection("facts")
        >>> _ = facts.add_from(chromalab.datasets.load("facts"))
        >>> facts.add(ids=["odd"], documents=["lorem ipsum dolor sit amet"])
        >>> facts.outliers().df()["id"][0]
        'odd'
    """
    if method not in METHODS:
        known = near(str(method), METHODS, what="Methods")
        raise InvalidArgumentError(f"No method {short(method)}. {known}")
    check_integer("k", k, 1)
    if copies and method != "distance":
        raise InvalidArgumentError(
            f"copies=True goes with method='distance'; got method={short(method)}."
        )
    snapshot: Snapshot = data
    cut_at(np.zeros(0, dtype=np.float32), RobustScale(0.0, 0.0), share, threshold)  # checks both
    graph = graph_of(snapshot, k=int(k), random_state=random_state, progress=progress)
    return outliers_of(
        snapshot,
        graph,
        method=method,
        k=int(k),
        share=share,
        threshold=threshold,
        copies=copies,
        random_state=random_state,
    )


def outliers_of(
    snapshot: Snapshot,
    graph: NeighborGraph,
    *,
    method: str = "distance",
    k: int = 10,
    share: float | None = None,
    threshold: float | None = None,
    copies: bool = False,
    random_state: int = 0,
) -> Outliers:
    """Score the records of a snapshot from its graph; see `outliers`."""
    scores = _scores(snapshot, graph, method, k, copies, random_state)
    scale = robust_scale(scores[graph.node] if copies else scores)
    near = graph.cut(k)
    rows = np.where(
        near.neighbors < 0, -1, graph.representative[near.neighbors] if len(graph) else -1
    )
    own = scores[graph.node]
    return Outliers(
        snapshot=snapshot,
        parameters={
            "method": method,
            "k": k,
            "share": share,
            "threshold": threshold,
            "copies": copies,
            "random_state": random_state,
        },
        recall=float(graph.recall),
        scores=own,
        threshold=cut_at(own, scale, share, threshold),
        median=scale.median,
        deviation=scale.deviation,
        neighbors=rows.astype(np.int32)[graph.node],
        distances=near.distances[graph.node],
        copies=graph.counts[graph.node].astype(np.int32),
    )


def _scores(
    snapshot: Snapshot, graph: NeighborGraph, method: str, k: int, copies: bool, random_state: int
) -> NDArray[np.float32]:
    """Score each node; return (m,) float32, finite."""
    if method == "distance":
        scores = mean_distance(graph, k, copies=copies)
    elif method == "lof":
        scores = local_outlier_factor(graph, k)
    elif method == "glosh":
        scores = global_local(graph, k)
    else:
        vectors = np.asarray(snapshot.vectors[graph.representative], dtype=np.float32)
        score = centroid_distance if method == "centroid" else isolation
        scores = score(vectors, random_state=random_state)
    alone = np.flatnonzero((graph.neighbors < 0).all(axis=1))
    zero = alone
    if len(alone):
        zero = alone[~np.any(snapshot.vectors[graph.representative[alone]], axis=1)]
    scores[np.setdiff1d(np.flatnonzero(np.isnan(scores)), zero)] = 0  # the only vector there is
    if method == "distance":
        scores[zero] = _LARGEST
    elif len(zero):
        rest = np.delete(scores, zero)
        scores[zero] = rest.max() if len(rest) else 0
    return scores
