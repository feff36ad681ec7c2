"""What users of the `hdbscan` package know, and any estimator as the method of `cluster`."""

from __future__ import annotations

import subprocess
import sys

import hdbscan
import numpy as np
import pytest
from hdbscan._hdbscan_linkage import label
from hdbscan._hdbscan_tree import compute_stability, condense_tree, get_clusters
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score

import chromalab
from chromalab.analytics.cluster import Clusters, cluster
from chromalab.analytics.cluster.hdbscan import (
    condense,
    core_distances,
    select_clusters,
    single_linkage,
    spanning_tree,
)
from chromalab.analytics.estimators import ClusterEstimator
from chromalab.analytics.graph import graph_of
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

GROUPS = 6


def blobs(
    n: int = 600, dimension: int = 12, noise: int = 150, seed: int = 0
) -> NDArray[np.float32]:
    """Make unit vectors in groups, and between them records of no group."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(GROUPS, dimension))
    rows = centers[np.arange(n) % GROUPS] + 0.3 * rng.normal(size=(n, dimension))
    rows = np.vstack([rows, 1.3 * rng.normal(size=(noise, dimension))])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    return blobs()


@pytest.fixture(scope="module")
def ours(rows: NDArray[np.float32]) -> Clusters:
    return cluster(rows, "hdbscan", min_samples=5)


def test_exact_gives_the_labels_and_the_tree_of_the_package(rows: NDArray[np.float32]) -> None:
    true = hdbscan.HDBSCAN(15, min_samples=5, approx_min_span_tree=False).fit(rows.astype(float))
    found = cluster(rows, "hdbscan", min_samples=5, exact=True)
    assert true.labels_.max() > 3
    assert adjusted_rand_score(true.labels_, found.labels) == 1
    assert np.array_equal(true.labels_ < 0, found.labels < 0)
    np.testing.assert_allclose(found.probabilities, true.probabilities_, atol=1e-5)
    tree, whole = found.condensed_tree().to_numpy(), true.condensed_tree_.to_numpy()
    assert tree.dtype == whole.dtype
    for name in ("parent", "child", "child_size"):
        assert np.array_equal(tree[name], whole[name])
    np.testing.assert_allclose(tree["lambda_val"], whole["lambda_val"], rtol=1e-5)
    np.testing.assert_allclose(found.outlier_scores(), true.outlier_scores_, atol=1e-5)
    stand = np.vstack(true.exemplars_)
    known = [row for number in found.numbers for row in found.exemplars(int(number))]
    assert len(known) == len(stand)
    got = rows[np.array(known, dtype=int)]
    np.testing.assert_allclose(np.sort(got, axis=0), np.sort(stand, axis=0), atol=1e-6)


def test_our_tree_is_drawn_by_the_package(ours: Clusters) -> None:
    import matplotlib

    matplotlib.use("agg")
    tree = ours.condensed_tree()
    assert isinstance(tree, hdbscan.plots.CondensedTree)
    axes = tree.plot(select_clusters=True)
    assert len(axes.patches) > ours.n_clusters
    frame = tree.to_pandas()
    records = frame[frame.child < len(ours.labels)]
    assert sorted(records.child) == list(range(len(ours.labels)))
    splits = frame[frame.child_size > 1]
    assert (splits.child > splits.parent).all()
    within = frame.groupby("parent").child_size.sum()
    assert (within.loc[splits.child].to_numpy() == splits.child_size.to_numpy()).all()
    # The package reads from the tree what we do.
    model = hdbscan.HDBSCAN()
    model._condensed_tree = tree.to_numpy()
    np.testing.assert_allclose(ours.outlier_scores(), model.outlier_scores_, atol=1e-12)


def test_exemplars_are_dense_records_of_their_cluster(ours: Clusters) -> None:
    for number in ours.numbers.tolist():
        found = [int(id) for id in ours.exemplars(number)]
        assert found
        assert (ours.labels[found] == number).all()
    merged = ours.merge([0, 1])
    assert sorted(merged.exemplars(0)) == sorted(ours.exemplars(0) + ours.exemplars(1))
    with pytest.raises(InvalidArgumentError, match="No cluster 99"):
        ours.exemplars(99)


def test_records_with_equal_vectors_are_all_in_the_tree() -> None:
    copied = np.repeat(blobs(240, noise=30), 1 + np.arange(270) % 3, axis=0)
    found = cluster(copied, "hdbscan", min_samples=6)
    tree = found.condensed_tree().to_numpy()
    assert (tree["child"] < len(copied)).sum() == len(copied)
    assert tree["parent"].min() == len(copied)
    equal = cluster(np.ones((40, 3)), "hdbscan")
    assert equal.condensed_tree().to_numpy()["parent"].tolist() == [40] * 40
    assert equal.outlier_scores().tolist() == [0.0] * 40


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_records_are_noise(n: int, exact: bool) -> None:
    found = cluster(np.eye(4)[:n], "hdbscan", exact=exact, min_cluster_size=5)
    assert found.labels.tolist() == [-1] * n
    assert len(found.outlier_scores()) == n


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(20, 60),
    seed=st.integers(0, 10_000),
    epsilon=st.floats(0.05, 1.2),
    leaf=st.booleans(),
)
def test_epsilon_gives_the_clusters_of_the_package_on_one_tree(
    n: int, seed: int, epsilon: float, leaf: bool
) -> None:
    vectors = blobs(n, 5, n // 5, seed)
    graph = graph_of(Snapshot.of(vectors), k=len(vectors) - 1)
    core = core_distances(graph, 2)
    edges, lengths = spanning_tree(graph, core)
    single = label(np.column_stack([edges, lengths]).astype(float))
    condensed = condense_tree(single, 3)
    true, strengths, _ = get_clusters(
        condensed,
        compute_stability(condensed),
        "leaf" if leaf else "eom",
        cluster_selection_epsilon=epsilon,
    )
    tree, sizes = single_linkage(edges, lengths, graph.counts)
    ours = condense(tree, lengths, sizes, core, 3)
    labels, strength = select_clusters(ours, leaf=leaf, epsilon=epsilon)
    assert adjusted_rand_score(true, labels) == 1
    assert np.array_equal(true < 0, labels < 0)
    np.testing.assert_allclose(strength, strengths, rtol=1e-5, atol=1e-6)


def test_epsilon_joins_clusters_in_both(rows: NDArray[np.float32]) -> None:
    options = {"min_samples": 3, "min_cluster_size": 5, "leaf": True}
    for exact in (False, True):
        fine, wide = (
            cluster(rows, "hdbscan", exact=exact, cluster_selection_epsilon=epsilon, **options)
            for epsilon in (0.0, 0.6)
        )
        assert 1 < wide.n_clusters < fine.n_clusters
        assert wide.parameters["cluster_selection_epsilon"] == 0.6


def test_more_neighbors_come_nearer_to_all_pairs() -> None:
    vectors = blobs(700, 6, 500, seed=1)
    true = cluster(vectors, "hdbscan", exact=True).labels
    few, many = (
        adjusted_rand_score(true, cluster(vectors, "hdbscan", n_neighbors=k).labels)
        for k in (20, 200)
    )
    assert few < many
    assert many > 0.95


class Halves:
    """An estimator of a user: two halves by the first coordinate, and noise where it is near 0."""

    def fit_predict(self, X: NDArray[np.float32]) -> list[int]:
        assert X.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-5)
        return [-1 if abs(first) < 0.1 else 7 * (first > 0) for first in X[:, 0].tolist()]


@pytest.mark.parametrize(
    "estimator",
    [KMeans(4, n_init=1, random_state=3), AgglomerativeClustering(5), Halves()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_any_estimator_can_be_the_method(rows: NDArray[np.float32], estimator: object) -> None:
    again = clone(estimator) if hasattr(estimator, "get_params") else estimator
    found = cluster(3 * rows, estimator)
    expected = np.array(again.fit_predict(rows))
    assert adjusted_rand_score(expected, found.labels) > 0.99
    assert np.array_equal(expected < 0, found.labels < 0)
    assert found.method == f"{type(estimator).__name__}()"
    assert found.at(n_clusters=2).n_clusters == 2
    assert found.method in repr(found)


def test_the_estimator_is_recorded_with_its_random_state(rows: NDArray[np.float32]) -> None:
    found = cluster(rows, KMeans(3, random_state=5))
    assert found.parameters["estimator"]["random_state"] == 5
    assert found.parameters["estimator"]["n_clusters"] == 3
    assert cluster(rows, Halves()).parameters["estimator"] == {}


def test_noise_stays_noise_when_doubtful_records_join_it(rows: NDArray[np.float32]) -> None:
    plain, strict = cluster(rows, Halves()), cluster(rows, Halves(), noise=0.7)
    assert (strict.labels[plain.labels < 0] == -1).all()
    assert strict.noise > plain.noise > 0


def test_other_parameters_of_an_estimator_give_another_result() -> None:
    client = chromalab.EphemeralClient()
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=[str(row) for row in range(60)], embeddings=blobs(60, noise=0))
    assert [points.cluster(KMeans(k, random_state=0)).n_clusters for k in (3, 4)] == [3, 4]


def test_records_without_direction_are_noise_for_estimators() -> None:
    found = cluster(np.vstack([np.zeros((2, 3)), np.eye(3)]), AgglomerativeClustering(2))
    assert found.labels[:2].tolist() == [-1, -1]
    assert found.n_clusters == 2
    assert cluster(np.zeros((3, 4)), AgglomerativeClustering(2)).n_clusters == 0


def test_an_estimator_takes_an_estimator(rows: NDArray[np.float32]) -> None:
    model = clone(ClusterEstimator(KMeans(4, random_state=0)))
    assert len(set(model.fit_predict(rows).tolist())) == 4
    assert model.set_params(method__n_clusters=3).fit(rows).clusters_.n_clusters == 3


class Words:
    def fit_predict(self, X: NDArray[np.float32]) -> list[str]:
        return ["tea"] * len(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": KMeans}, r"must be an estimator; got the class KMeans. Use KMeans\(\)"),
        ({"method": 3}, "No method 3"),
        ({"method": Words()}, r"Words.fit_predict must return 750 integers.*got <U3 of shape"),
        ({"method": KMeans(3), "n_clusters": 4}, "n_clusters goes with method='leiden' or"),
        ({"method": KMeans(3), "leaf": True}, r"leaf=True with method='KMeans\(\)'"),
        ({"exact": True}, "exact goes with method='hdbscan'; got exact=True"),
        ({"n_neighbors": 50}, "n_neighbors goes with method='hdbscan'"),
        ({"cluster_selection_epsilon": 0.1}, "cluster_selection_epsilon goes with"),
        ({"method": "hdbscan", "cluster_selection_epsilon": -1}, "distance ≥ 0; got -1"),
        ({"method": "hdbscan", "n_neighbors": 0}, "n_neighbors must be an integer ≥ 1; got 0"),
    ],
)
def test_invalid_arguments_are_explained(
    rows: NDArray[np.float32], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        cluster(rows, **options)


def test_only_hdbscan_has_a_tree(rows: NDArray[np.float32]) -> None:
    found = cluster(rows, n_clusters=3)
    for call in (found.condensed_tree, found.outlier_scores, lambda: found.exemplars(0)):
        with pytest.raises(InvalidArgumentError, match="Only method='hdbscan' makes a density"):
            call()


def test_the_tree_is_cached_with_the_clusters(tmp_path) -> None:
    with chromalab.PersistentClient(tmp_path / "store") as client:
        points = client.create_collection("points", embedding_function=None)
        vectors = blobs(300, noise=60)
        points.add(ids=[str(row) for row in range(360)], embeddings=vectors)
        first = points.cluster("hdbscan", exact=True, progress=False)
        again = points.cluster("hdbscan", exact=True, progress=False)
        assert np.array_equal(first.condensed, again.condensed)
        assert len(again.condensed) >= 360


def test_without_the_package_one_line_says_how_to_install_it() -> None:
    code = """
import sys
sys.modules["hdbscan"] = None  # as if it were not installed
import numpy as np
from chromalab.analytics.cluster import cluster
from chromalab.errors import MissingDependencyError
found = cluster(np.random.default_rng(0).normal(size=(60, 4)), "hdbscan", min_cluster_size=3)
print(len(found.outlier_scores()))
for call in (found.condensed_tree, lambda: cluster(np.eye(4), "hdbscan", exact=True)):
    try:
        call()
    except MissingDependencyError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    scores, tree, exact = done.stdout.splitlines()
    assert scores == "60"
    assert tree.startswith("condensed_tree() needs hdbscan")
    assert exact.startswith("exact=True needs hdbscan")
    assert tree.endswith("Run pip install hdbscan.")
    assert exact.endswith("Run pip install hdbscan.")
