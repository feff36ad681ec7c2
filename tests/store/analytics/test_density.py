"""HDBSCAN on the graph, against the `hdbscan` package, which compares all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from chromalab.analytics.cluster.hdbscan import (
    condense,
    core_distances,
    select_clusters,
    single_linkage,
    spanning_tree,
)
from chromalab.analytics.cluster.hdbscan import hdbscan as our_hdbscan
from chromalab.analytics.graph import NeighborGraph, graph_of
from chromalab.snapshot import Snapshot


def blobs(
    n: int, dimension: int, groups: int, seed: int, spread: float = 0.4
) -> NDArray[np.float32]:
    """Make unit vectors around random centers; every third one is three times as far from its center."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(groups, dimension))
    far = 1 + np.arange(n) % 3
    rows = centers[np.arange(n) % groups] + spread * far[:, None] * rng.normal(size=(n, dimension))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def graph(rows: NDArray[np.float32], k: int = 30) -> NeighborGraph:
    return graph_of(Snapshot.of(rows), k=k)


@pytest.mark.parametrize("leaf", [False, True])
@pytest.mark.parametrize("dimension", [20, 64])
def test_matches_hdbscan_on_the_raw_vectors(dimension: int, leaf: bool) -> None:
    import hdbscan

    rows = blobs(900, dimension, 9, seed=dimension)
    method = "leaf" if leaf else "eom"
    true = hdbscan.HDBSCAN(15, min_samples=5, cluster_selection_method=method).fit(rows)
    labels, strength, _ = our_hdbscan(graph(rows), min_cluster_size=15, min_samples=5, leaf=leaf)
    assert true.labels_.max() > 3
    assert adjusted_rand_score(true.labels_, labels) >= 0.95
    both = (labels >= 0) & (true.labels_ >= 0)
    assert np.mean(np.abs(strength - true.probabilities_)[both] < 0.02) > 0.95


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(3, 40), seed=st.integers(0, 10_000), samples=st.integers(1, 4), leaf=st.booleans()
)
def test_the_tree_of_a_complete_graph_matches_hdbscan(
    n: int, seed: int, samples: int, leaf: bool
) -> None:
    from hdbscan._hdbscan_linkage import label
    from hdbscan._hdbscan_tree import compute_stability, condense_tree, get_clusters

    rows = blobs(n, 5, 3, seed)
    known = graph(rows, k=n - 1)
    core = core_distances(known, samples)
    edges, lengths = spanning_tree(known, core)
    # Prim's algorithm on all pairs.
    distance = np.sqrt(np.maximum(2 - 2 * rows.astype(float) @ rows.T.astype(float), 0))
    true_core = np.sort(distance, axis=1)[:, min(samples, n - 1)]
    reach = np.maximum(distance, np.maximum(true_core[:, None], true_core))
    inside, total = {0}, 0.0
    while len(inside) < n:
        outside = [row for row in range(n) if row not in inside]
        part = reach[np.ix_(sorted(inside), outside)]
        total += part.min()
        inside.add(outside[int(part.min(axis=0).argmin())])
    assert lengths.sum() == pytest.approx(total, rel=1e-3)
    # The loops of the hdbscan package over the same tree.
    single = label(np.column_stack([edges, lengths]).astype(float))
    condensed = condense_tree(single, 3)
    stability = compute_stability(condensed)
    true, strengths, _ = get_clusters(condensed, stability, "leaf" if leaf else "eom")
    tree, sizes = single_linkage(edges, lengths, known.counts)
    # In hdbscan a node drops out where it merges; its core distance matters only for duplicates.
    labels, strength = select_clusters(condense(tree, lengths, sizes, core, 3), leaf=leaf)
    assert adjusted_rand_score(true, labels) == 1
    assert np.array_equal(true < 0, labels < 0)
    np.testing.assert_allclose(strength, strengths, rtol=1e-5, atol=1e-6)


def test_components_of_the_graph_do_not_come_out_as_clusters() -> None:
    rng = np.random.default_rng(0)
    axes = np.zeros((2, 40))
    axes[0, 0] = axes[1, 1] = 3
    centers = np.repeat(axes, 6, axis=0) + rng.normal(size=(12, 40)) * 0.35
    rows = np.repeat(centers, 40, axis=0) + rng.normal(size=(480, 40)) * 0.05
    known = graph(rows.astype(np.float32), k=8)
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    ends = np.arange(0, known.neighbors.size + 1, known.k)
    links = csr_matrix((np.ones(known.neighbors.size), known.neighbors.ravel(), ends))
    assert connected_components(links)[0] >= 2
    labels, _, _ = our_hdbscan(known, min_cluster_size=15, min_samples=5)
    assert labels.max() + 1 == 12
    assert adjusted_rand_score(np.arange(480) // 40, labels) > 0.95
    assert np.isfinite(spanning_tree(known, core_distances(known, 5))[1]).all()


def test_duplicates_count_as_separate_records() -> None:
    import hdbscan

    rows = blobs(300, 20, 4, seed=3)
    copied = np.repeat(rows, 1 + np.arange(300) % 4, axis=0)
    true = hdbscan.HDBSCAN(20, min_samples=6).fit(copied.astype(float))
    known = graph(copied)
    labels, _, _ = our_hdbscan(known, min_cluster_size=20, min_samples=6)
    assert len(known) == 300
    assert true.labels_.max() > 1
    assert adjusted_rand_score(true.labels_, labels[known.node]) >= 0.95


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_too_few_records_are_noise(n: int) -> None:
    known = graph(blobs(n, 4, 2, 0) if n else np.zeros((0, 4), dtype=np.float32))
    labels, strength, _ = our_hdbscan(known, min_cluster_size=15)
    assert labels.tolist() == [-1] * n
    assert strength.tolist() == [0.0] * n
