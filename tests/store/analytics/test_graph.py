import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chromalab.analytics.graph import graph_of
from chromalab.analytics.graph.approximate import RecallSample, approximate_neighbors
from chromalab.analytics.graph.construction import build
from chromalab.analytics.graph.distinct_vectors import _distinct_bytes, distinct, unit
from chromalab.analytics.graph.exact import exact_neighbors, largest
from chromalab.analytics.graph.graph import lists_of_pairs
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

# Few values, so that there are duplicates, zero vectors and equal distances.
few = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0])
small = st.tuples(st.integers(0, 40), st.integers(1, 4)).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=few)
)


def slow(vectors, k):
    """Compute the graph by its definition, in float64: the node of each record, and (node, distance) lists."""
    nodes, number = [], {}
    node = [number.setdefault(tuple(v + 0.0), len(number)) for v in vectors.astype(np.float64)]
    nodes = [np.array(v) for v in number]
    lists = []
    for a, v in enumerate(nodes):
        pairs = []
        for b, w in enumerate(nodes):
            if a != b and v.any() and w.any():
                pairs.append((1 - v @ w / np.linalg.norm(v) / np.linalg.norm(w), b))
        lists.append(sorted(pairs)[:k])
    return node, lists


@settings(max_examples=150, deadline=None)
@given(small, st.integers(1, 12))
def test_exact_graph_matches_brute_force(vectors, k):
    graph = build(vectors, k)
    node, lists = slow(vectors, k)
    assert graph.node.tolist() == node
    assert graph.representative.tolist() == [node.index(number) for number in range(len(lists))]
    assert graph.counts.tolist() == [node.count(number) for number in range(len(lists))]
    assert graph.exact
    assert graph.recall == 1
    assert graph.neighbors.shape == graph.distances.shape == (len(lists), k)
    assert (graph.neighbors.dtype, graph.distances.dtype) == (np.int32, np.float32)
    scaled, _ = unit(vectors[graph.representative])
    for number, expected in enumerate(lists):
        there = graph.neighbors[number] >= 0
        found = graph.neighbors[number][there]
        assert there.sum() == len(expected) == len(set(found.tolist()))
        assert number not in found
        assert np.isinf(graph.distances[number][~there]).all()
        far = graph.distances[number][there]
        assert np.allclose(far, [distance for distance, _ in expected], atol=1e-6)
        assert np.allclose(far, 1 - scaled[found] @ scaled[number], atol=1e-6)
        assert (np.diff(far) >= 0).all()
        ties = np.flatnonzero(np.diff(far) == 0)
        assert (np.diff(found)[ties] > 0).all()


@settings(max_examples=100, deadline=None)
@given(small)
def test_equal_vectors_share_a_node_with_and_without_hashing(vectors):
    node, first = distinct(vectors)
    slow_node, slow_first = _distinct_bytes(vectors)
    assert np.array_equal(node, slow_node)
    assert np.array_equal(first, slow_first)
    assert (node.dtype, first.dtype) == (np.int32, np.int64)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 6), st.integers(1, 90), st.data())
def test_largest_values_per_row_match_a_stable_sort(rows, width, data):
    values = data.draw(
        hnp.arrays(np.float32, (rows, width), elements=st.integers(0, 30).map(float))
    )
    k = data.draw(st.integers(1, width))
    columns, found = largest(values, k)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :k]
    assert np.array_equal(columns, expected)
    assert np.array_equal(found, np.take_along_axis(values, expected, 1))


def test_ties_in_long_rows_go_to_the_first_columns():
    values = np.ones((3, 5000), dtype=np.float32)
    values[1, 4000] = 2
    assert largest(values, 3)[0].tolist() == [[0, 1, 2], [4000, 0, 1], [0, 1, 2]]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.data())
def test_lists_of_pairs_contain_the_most_similar_neighbors(n, k, data):
    pairs = data.draw(st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, 9)), min_size=1))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    similarity = rng.permutation(np.linspace(-1, 1, len(pairs), dtype=np.float32))
    owners, others = (
        np.array(column, dtype=np.int32) for column in zip(*sorted(pairs), strict=True)
    )
    lists, values = lists_of_pairs(owners, others, similarity, n, k)
    for owner in range(n):
        mine = sorted(zip(-similarity[owners == owner], others[owners == owner], strict=True))[:k]
        assert lists[owner].tolist() == [int(b) for _, b in mine] + [-1] * (k - len(mine))
        assert values[owner, : len(mine)].tolist() == [-float(s) for s, _ in mine]


@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros((0, 0)),
        np.zeros((0, 3)),
        np.zeros((3, 0)),
        np.zeros((4, 3)),
        np.ones((1, 3)),
        np.ones((50, 3)),
        np.ones((2, 3), dtype=np.float16),
        np.array([[1e-30, 0], [3e38, 3e38], [0, 1e-40]]),
    ],
)
def test_empty_single_duplicate_zero_and_extreme_vectors_do_not_raise(vectors):
    graph = graph_of(Snapshot.of(vectors))
    assert len(graph.node) == len(vectors)
    assert graph.counts.sum() == len(vectors)
    assert np.array_equal(np.isinf(graph.distances), graph.neighbors < 0)
    assert not np.isnan(graph.distances).any()
    assert ((graph.distances >= 0) & ((graph.distances <= 2.000001) | (graph.neighbors < 0))).all()


def test_very_small_and_very_large_vectors_keep_their_direction():
    scaled, has_direction = unit(np.array([[1e-40, 0], [3e38, 3e38], [0, 0]], dtype=np.float32))
    assert has_direction.tolist() == [True, True, False]
    assert np.allclose(scaled, [[1, 0], [0.5**0.5, 0.5**0.5], [0, 0]])


def kinds(n):
    rng = np.random.default_rng(0)
    centers = 3 * rng.normal(size=(150, 16))
    return {
        "clusters": centers[rng.integers(0, 150, n)] + rng.normal(size=(n, 16)),
        "no clusters": rng.normal(size=(n, 14)),
        "few dimensions": rng.normal(size=(n, 5)) @ rng.normal(size=(5, 24)),
        "nearly one vector": 1 + 1e-2 * rng.normal(size=(n, 16)),
        "nearly twenty vectors": centers[rng.integers(0, 20, n)] + 1e-5 * rng.normal(size=(n, 16)),
        "many equal distances": rng.integers(0, 3, size=(n, 12)),
    }


@pytest.mark.parametrize("kind", sorted(kinds(10)))
def test_estimated_recall_matches_the_true_recall(kind):
    vectors = kinds(16_000)[kind].astype(np.float32)
    scaled, has_direction = unit(vectors[distinct(vectors)[1]])
    scaled = scaled[has_direction]
    random = np.random.default_rng(0)
    sample = RecallSample.of(scaled, random)
    found = approximate_neighbors(scaled, 30, sample, random=random)
    assert found is not None
    neighbors, distances = found
    truth = RecallSample.of(scaled, np.random.default_rng(99), size=2000)
    assert sample.recall(distances) >= 0.95
    assert truth.recall(distances) == pytest.approx(sample.recall(distances), abs=0.02)
    rows = truth.rows[:200]
    there = neighbors[rows] >= 0
    direct = 1 - np.einsum("rd,rkd->rk", scaled[rows], scaled[neighbors[rows]])
    assert np.allclose(direct[there], distances[rows][there], atol=2e-6)
    assert not (neighbors == np.arange(len(neighbors))[:, None]).any()
    in_order = np.sort(neighbors, axis=1)
    assert not ((in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)).any()


def test_duplicates_and_zero_vectors_do_not_fill_neighbor_lists():
    rng = np.random.default_rng(0)
    distinct_ones = rng.normal(size=(12_500, 8)).astype(np.float32)
    clean = build(distinct_ones, 30)
    drawn = np.concatenate([np.arange(12_500), rng.integers(0, 12_500, 8000)])
    vectors = np.concatenate([np.zeros((2, 8), dtype=np.float32), distinct_ones[drawn]])
    graph = build(vectors, 30)
    assert not graph.exact
    assert np.array_equal(
        graph.neighbors[1:], np.where(clean.neighbors >= 0, clean.neighbors + 1, -1)
    )
    assert graph.counts.tolist() == [2, *np.bincount(drawn)]
    assert (graph.neighbors[0] == -1).all()


def test_vectors_without_structure_are_compared_exactly():
    vectors = np.random.default_rng(0).normal(size=(13_000, 200)).astype(np.float32)
    graph = build(vectors, 30)
    assert graph.exact
    assert graph.recall == 1


def test_the_same_seed_gives_the_same_graph_bit_for_bit():
    vectors = kinds(14_000)["clusters"].astype(np.float32)
    one, two, other = (build(vectors, 30, random_state=seed) for seed in (0, 0, 1))
    assert not one.exact
    assert one.neighbors.tobytes() == two.neighbors.tobytes()
    assert one.distances.tobytes() == two.distances.tobytes()
    assert (one.recall, one.random_state) == (two.recall, 0)
    assert other.random_state == 1
    assert other.neighbors.tobytes() != one.neighbors.tobytes()


def test_the_number_of_threads_does_not_change_the_graph(monkeypatch):
    vectors = kinds(14_000)["no clusters"].astype(np.float32)
    many = build(vectors, 30)
    monkeypatch.setattr("chromalab.cores._MAX_THREADS", 1)
    one = build(vectors, 30)
    assert many.neighbors.tobytes() == one.neighbors.tobytes()
    assert many.distances.tobytes() == one.distances.tobytes()


def test_an_interrupt_propagates_and_the_next_call_works():
    vectors = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exact_neighbors(unit(vectors)[0], 5, on_progress=interrupt)
    assert len(build(vectors, 5)) == 3000


def test_progress_is_reported_up_to_the_last_step():
    steps = []
    build(
        kinds(13_000)["clusters"].astype(np.float32),
        30,
        on_progress=lambda *step: steps.append(step),
    )
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize("k", [0, -1, 201, 2.5, "7", None, True])
def test_an_invalid_k_raises(k):
    with pytest.raises(InvalidArgumentError, match="k must be an integer from 1 to 200"):
        graph_of(Snapshot.of(np.eye(3)), k=k)


@pytest.mark.parametrize("seed", [-1, 0.5, None, "0"])
def test_an_invalid_seed_raises(seed):
    with pytest.raises(InvalidArgumentError, match="random_state"):
        graph_of(Snapshot.of(np.eye(3)), random_state=seed)


def test_a_second_call_returns_the_same_read_only_graph():
    snapshot = Snapshot.of(np.random.default_rng(0).normal(size=(100, 4)))
    one, two = graph_of(snapshot), graph_of(snapshot, k=10)
    assert (one.k, two.k) == (15, 10)
    assert np.shares_memory(one.neighbors, two.neighbors)
    assert graph_of(snapshot, k=60).k == 60
    with pytest.raises(ValueError, match="read-only"):
        one.neighbors[0, 0] = 5
