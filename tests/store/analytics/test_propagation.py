"""Labels are spread along the neighbor graph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab.analytics import propagate
from chromalab.analytics.graph import graph_of
from chromalab.analytics.propagation import spread
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot


def slow(graph, votes, alpha):
    """Compute the same with dense matrices and loops, in float64."""
    m = len(graph)
    weights = np.zeros((m, m))
    for node in range(m):
        for other, far in zip(graph.neighbors[node], graph.distances[node], strict=True):
            if other >= 0 and far < 1:
                weights[node, other] += 1 - far
                weights[other, node] += 1 - far
    degree = np.maximum(weights.sum(axis=1), 1e-12)
    weights /= np.sqrt(np.outer(degree, degree))
    start = np.array([row / row.sum() if row.sum() else row for row in votes.astype(float)])
    found = start
    for _ in range(10):
        found = alpha * weights @ found + (1 - alpha) * start
    around = weights @ found
    around = np.where(around.any(axis=1, keepdims=True), around, start)
    return np.array([row / row.sum() if row.sum() else row for row in around])


@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 99), st.sampled_from([0.0, 0.5, 0.9]))
@settings(deadline=None, max_examples=30)
def test_matches_brute_force(n, classes, seed, alpha):
    rng = np.random.default_rng(seed)
    graph = graph_of(Snapshot.of(rng.normal(size=(n, 4))), 5)
    votes = (rng.random((n, classes)) < 0.2).astype(np.float32)
    np.testing.assert_allclose(spread(graph, votes, alpha), slow(graph, votes, alpha), atol=1e-5)


def test_a_few_labels_reach_whole_groups_and_reveal_a_wrong_label(client):
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(center, 0.2, (50, 6)) for center in np.eye(6)[:3]])
    points = client.create_collection("points", embedding_function=None)
    metadatas = [None] * 150
    for row in range(0, 150, 2):
        metadatas[row] = {"kind": "abc"[row // 50]}
    metadatas[7] = {"kind": "c"}
    points.add(ids=[str(row) for row in range(150)], embeddings=rows, metadatas=metadatas)
    found = points.propagate("kind", into="guess")
    truth = ["abc"[row // 50] for row in range(150)]
    assert np.mean([one == other for one, other in zip(found.labels, truth, strict=True)]) > 0.95
    assert found.doubtful_ids == ["7"]
    assert points.get(ids=["9"])["metadatas"] == [{"guess": "a"}]
    assert points.get(ids=["7"])["metadatas"] == [{"kind": "c", "guess": "c"}]
    assert found.df()["given"].sum() == 76
    again = points.propagate("kind")
    np.testing.assert_array_equal(again.codes, found.codes)


def test_user_labels_are_escaped_and_keep_their_types():
    labels = ["<script>alert(1)</script>", 1, 1.0, True, None]
    found = propagate(np.eye(5), labels, alpha=0)
    assert "<script>" not in found._repr_html_()
    assert [type(label) for label in found.labels[:4]] == [str, int, float, bool]
    assert found.labels[4] is None


@pytest.mark.parametrize("vectors", [np.zeros((3, 2)), np.ones((3, 2)), np.eye(3)[:, :2]], ids=str)
def test_degenerate_vectors_keep_their_own_labels(vectors):
    found = propagate(vectors, ["a", None, "b"])
    assert len(found.labels) == 3
    assert not np.isnan(found.probabilities).any()


def test_invalid_labels_raise_with_an_explanation(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[1, 0]], metadatas=[{"kind": "x"}])
    with pytest.raises(InvalidArgumentError, match="Did you mean 'kind'"):
        points.propagate("kin")
    with pytest.raises(InvalidArgumentError, match="all are None"):
        propagate(np.eye(2), [None, None])
    with pytest.raises(InvalidArgumentError, match="got 1 values for 2 records"):
        propagate(np.eye(2), ["a"])
    with pytest.raises(InvalidArgumentError, match="alpha"):
        propagate(np.eye(2), ["a", "b"], alpha=1)
    with pytest.raises(InvalidArgumentError, match="must be a string, a number or a boolean; got"):
        propagate(np.eye(2), [["a"], "b"])
    assert propagate(np.empty((0, 3)), []).labels == []
