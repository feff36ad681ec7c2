"""The exact scan is exact: it matches sorted float64 distances, also for extreme numbers."""

import numpy as np
import pytest

from chromalab.engine.index.scan import ExactScan, distances, measured, norms_of


def true_answer(vectors, query, k, slots, space):
    measured = distances(query, vectors[slots], space)
    order = np.argsort(measured, kind="stable")[:k]
    return order, measured[order]


@pytest.mark.parametrize("space", ["l2", "cosine", "ip"])
@pytest.mark.parametrize(
    "kind",
    [
        "unit",
        "far from the origin",
        "copies",
        "huge",
        "tiny",
        "zeros",
        "near ties",
        "one huge row",
        "one tiny row",
        "large query",
        "edge of float32",
    ],
)
def test_matches_brute_force(space, kind):
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(20_000, 24))
    if kind == "unit":
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    elif kind == "far from the origin":
        vectors = vectors * 0.01 + 1e5
    elif kind == "copies":
        vectors = vectors[rng.integers(0, 40, size=20_000)]
    elif kind == "huge":
        vectors *= 1e25
    elif kind == "tiny":
        vectors *= 1e-25
    elif kind == "zeros":
        vectors[::2] = 0
    elif kind == "near ties":
        vectors = 1 + vectors * 1e-6
    elif kind == "one huge row":
        vectors[7] = 2e19
    elif kind == "one tiny row":
        vectors[7] = vectors[8] * 1e-17
    elif kind == "edge of float32":
        vectors *= 3e18
    vectors = vectors.astype(np.float32)
    slots = np.sort(rng.choice(20_000, size=17_000, replace=False))
    queries = vectors[[8, *rng.integers(0, 20_000, size=3)]]
    if kind == "large query":
        queries = queries * np.float32(1e19)
    positions, measured = ExactScan(vectors, norms_of(vectors), space).search(queries, 10, slots)
    for row, query in enumerate(queries):
        expected, exact = true_answer(vectors, query, 10, slots, space)
        np.testing.assert_array_equal(positions[row], expected)
        np.testing.assert_allclose(measured[row], exact)


def test_returns_all_candidates_if_there_are_fewer_than_requested():
    vectors = np.eye(3, dtype=np.float32)
    positions, measured = ExactScan(vectors, norms_of(vectors), "l2").search(
        vectors[:1], 10, np.array([0, 2])
    )
    assert positions.tolist() == [[0, 1]]
    assert measured.tolist() == [[0.0, 2.0]]


def test_a_large_batch_of_queries_gives_the_same_answers_as_single_queries():
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(9_000, 16)).astype(np.float32)
    scan, slots = ExactScan(vectors, norms_of(vectors), "cosine"), np.arange(9_000)
    together, _ = scan.search(vectors[:50], 5, slots)
    alone = [scan.search(vectors[row : row + 1], 5, slots)[0][0] for row in range(50)]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("space", ["l2", "cosine", "ip"])
def test_a_distance_does_not_depend_on_what_else_is_measured(space):
    rng = np.random.default_rng(6)
    vectors = rng.normal(size=(500, 37)).astype(np.float32)
    queries, candidates = (
        vectors[:40],
        rng.permuted(np.tile(np.arange(500), (40, 1)), axis=1)[:, :30],
    )
    candidates[:, ::3] = -1  # absent
    found, far = measured(queries, candidates, 10, vectors, np.arange(500), space)
    for query, winners, distances_of_these in zip(queries, found, far, strict=True):
        alone = [distances(query, vectors[row : row + 1], space)[0] for row in winners]
        assert distances_of_these.tolist() == alone
        assert distances_of_these.tolist() == sorted(alone)


def test_a_cosine_distance_is_never_outside_0_and_2():
    vectors = np.random.default_rng(7).normal(size=(500, 37)).astype(np.float32)
    for vector in vectors:
        same, opposite = distances(vector, np.stack([vector, -vector]), "cosine")
        assert 0 <= same < 1e-12
        assert 2 - 1e-12 < opposite <= 2
