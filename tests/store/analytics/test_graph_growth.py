import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab.analytics.graph import growth
from chromalab.analytics.graph.approximate import RecallSample
from chromalab.analytics.graph.construction import build
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.graph.growth import extended


def recall(graph, vectors, size=1000):
    scaled, has_direction = unit(vectors[graph.representative])
    assert has_direction.all()
    return RecallSample.of(scaled, np.random.default_rng(7), size=size).recall(graph.distances)


def assert_is_consistent(graph, vectors):
    """Assert that lists are sorted, without gaps or the node itself, and have the true distances."""
    scaled, _ = unit(vectors[graph.representative])
    there = graph.neighbors >= 0
    assert np.array_equal(graph.node[graph.representative], np.arange(len(graph)))
    assert np.array_equal(vectors[graph.representative][graph.node], vectors)
    assert np.array_equal(np.isfinite(graph.distances), there)
    assert (graph.distances[:, 1:] >= graph.distances[:, :-1]).all()
    owner, place = np.nonzero(there)
    neighbor = graph.neighbors[owner, place]
    assert (owner != neighbor).all()
    assert len({*zip(owner.tolist(), neighbor.tolist(), strict=True)}) == len(owner)
    direct = 1 - np.einsum("ij,ij->i", scaled[owner], scaled[neighbor])
    assert np.allclose(direct, graph.distances[owner, place], atol=2e-6)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_exact_graph_stays_exact_as_it_grows_and_shrinks(data):
    growth_at = growth._MIN_NODES
    seed = data.draw(st.integers(0, 99))
    rng = np.random.default_rng(seed)
    kinds = rng.integers(-2, 3, size=(300, 3)).astype(
        np.float32
    )  # with duplicates and the zero vector
    pool = np.where(rng.random((300, 1)) < 0.5, kinds, rng.normal(size=(300, 3))).astype(np.float32)
    names = rng.permutation(1000)[:300].astype(np.int64)
    inside = rng.random(300) < 0.8
    graph, rows = build(pool[inside], 30), names[inside]
    try:
        growth._MIN_NODES = 40
        for _ in range(3):
            flipped = rng.random(300) < data.draw(st.sampled_from([0, 0.01, 0.05]))
            inside = inside ^ flipped
            vectors = pool[inside]
            after = extended(graph, rows, vectors, names[inside])
            full = build(vectors, 30)
            if after is None:
                after = full
            graph, rows = after, names[inside]
            assert np.array_equal(after.node, full.node)
            assert np.array_equal(after.representative, full.representative)
            assert_lists_are_prefixes_of_the_full_ones(after, full)
    finally:
        growth._MIN_NODES = growth_at


def assert_lists_are_prefixes_of_the_full_ones(graph, full):
    there = graph.neighbors >= 0
    assert (there.sum(axis=1) >= np.minimum(15, (full.neighbors >= 0).sum(axis=1))).all()
    assert np.array_equal(np.sort(there, axis=1)[:, ::-1], there)
    assert np.allclose(graph.distances[there], full.distances[there], atol=1e-6)


def points(n, seed=0):
    rng = np.random.default_rng(seed)
    centers = 2 * rng.normal(size=(100, 16))
    return (centers[rng.integers(0, 100, n)] + rng.normal(size=(n, 16))).astype(np.float32)


@pytest.mark.parametrize(("gone", "new"), [(0, 1000), (1000, 0), (700, 700), (1, 1)])
def test_recall_of_an_updated_graph_matches_a_rebuilt_one(gone, new):
    everything, random = points(17_000), np.random.default_rng(1)
    names = random.permutation(17_000).astype(np.int64)
    before, now = np.arange(16_000), np.arange(gone, 16_000 + new)
    old = build(everything[before], 30)
    assert not old.exact
    after = extended(old, names[before], everything[now], names[now])
    assert after is not None
    assert_is_consistent(after, everything[now])
    full = build(everything[now], 30)
    assert recall(after, everything[now]) >= recall(full, everything[now]) - 0.02
    assert recall(after, everything[now]) == pytest.approx(after.recall, abs=0.02)


def test_recall_does_not_drift_over_many_small_changes():
    everything = points(16_500)
    rows = np.arange(13_000)
    graph = build(everything[rows], 30)
    for step in range(1, 8):
        now = np.arange(step * 500, 13_000 + step * 500)
        graph = extended(graph, rows, everything[now], now)
        assert graph is not None
        rows = now
    assert_is_consistent(graph, everything[rows])
    assert recall(graph, everything[rows]) >= graph.recall - 0.02


def test_new_duplicates_and_deleted_representatives_are_handled():
    vectors = points(2000)
    vectors[1000:1010] = vectors[0]
    old = build(vectors, 30)
    now = np.concatenate([vectors[1:], vectors[:2]])
    after = extended(old, np.arange(2000), now, np.concatenate([np.arange(1, 2000), [5000, 5001]]))
    full = build(now, 30)
    assert np.array_equal(after.node, full.node)
    assert np.array_equal(after.representative, full.representative)
    assert np.array_equal(after.neighbors, full.neighbors)
    assert np.array_equal(after.counts, full.counts)


def test_added_and_deleted_zero_vectors_are_never_neighbors():
    vectors = points(1500)
    with_zero = np.concatenate([vectors, np.zeros((3, 16), dtype=np.float32)])
    here, there = np.arange(1500), np.arange(1503)
    after = extended(build(vectors, 30), here, with_zero, there)
    assert (after.neighbors[-1] == -1).all()
    assert not (after.neighbors == len(after) - 1).any()
    back = extended(after, there, vectors, here)
    assert np.array_equal(back.neighbors, build(vectors, 30).neighbors)


def test_too_many_changes_inconsistent_names_and_empty_graphs_require_a_rebuild():
    vectors = points(4000)
    old = build(vectors[:2000], 30)
    here = np.arange(2000)
    assert extended(old, here, vectors, np.arange(4000)) is None
    assert extended(old, here, vectors[:0], here[:0]) is None
    merged = vectors[:2000].copy()
    merged[1] = merged[0]  # the name now belongs to another vector
    assert extended(old, here, merged, here) is None
    assert extended(build(vectors[:0], 30), here[:0], vectors, np.arange(4000)) is None
