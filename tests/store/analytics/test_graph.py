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

# Few values, so that there are copies, zero vectors, and equal distances.
few = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0])
small = st.tuples(st.integers(0, 40), st.integers(1, 4)).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=few)
)


def slow(vectors, k):
    """The graph as its definition says it, in float64: node of each record, and lists of (node, distance)."""
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
def test_the_exact_graph_is_that_of_its_definition(vectors, k):
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
def test_records_with_equal_vectors_are_one_node_with_or_without_a_hash(vectors):
    node, first = distinct(vectors)
    slow_node, slow_first = _distinct_bytes(vectors)
    assert np.array_equal(node, slow_node)
    assert np.array_equal(first, slow_first)
    assert (node.dtype, first.dtype) == (np.int32, np.int64)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 6), st.integers(1, 90), st.data())
def test_the_largest_of_each_row_are_those_of_a_stable_sort(rows, width, data):
    values = data.draw(
        hnp.arrays(np.float32, (rows, width), elements=st.integers(0, 30).map(float))
    )
    k = data.draw(st.integers(1, width))
    columns, found = largest(values, k)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :k]
    assert np.array_equal(columns, expected)
    assert np.array_equal(found, np.take_along_axis(values, expected, 1))


def test_the_largest_of_long_rows_of_equal_values_are_the_first():
    values = np.ones((3, 5000), dtype=np.float32)
    values[1, 4000] = 2
    assert largest(values, 3)[0].tolist() == [[0, 1, 2], [4000, 0, 1], [0, 1, 2]]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.data())
def test_lists_made_of_pairs_hold_the_most_similar(n, k, data):
    pairs = data.draw(st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, 9)), min_size=1))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    similarity = rng.permutation(np.linspace(-1, 1, len(pairs), dtype=np.float32))
    whom, who = (np.array(column, dtype=np.int32) for column in zip(*sorted(pairs), strict=True))
    lists, values = lists_of_pairs(whom, who, similarity, n, k)
    for owner in range(n):
        mine = sorted(zip(-similarity[whom == owner], who[whom == owner], strict=True))[:k]
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
def test_nothing_one_record_copies_zeros_and_extremes_are_no_error(vectors):
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
    middle = 3 * rng.normal(size=(150, 16))
    return {
        "clusters": middle[rng.integers(0, 150, n)] + rng.normal(size=(n, 16)),
        "no clusters": rng.normal(size=(n, 14)),
        "few dimensions": rng.normal(size=(n, 5)) @ rng.normal(size=(5, 24)),
        "nearly one vector": 1 + 1e-2 * rng.normal(size=(n, 16)),
        "nearly twenty vectors": middle[rng.integers(0, 20, n)] + 1e-5 * rng.normal(size=(n, 16)),
        "many equal distances": rng.integers(0, 3, size=(n, 12)),
    }


@pytest.mark.parametrize("kind", sorted(kinds(10)))
def test_the_recall_it_states_is_what_it_has(kind):
    vectors = kinds(16_000)[kind].astype(np.float32)
    scaled, has_direction = unit(vectors[distinct(vectors)[1]])
    scaled = scaled[has_direction]
    random = np.random.default_rng(0)
    held = RecallSample.of(scaled, random)
    found = approximate_neighbors(scaled, 30, held, random=random)
    assert found is not None
    neighbors, distances = found
    truth = RecallSample.of(scaled, np.random.default_rng(99), size=2000)
    assert held.recall(distances) >= 0.95
    assert truth.recall(distances) == pytest.approx(held.recall(distances), abs=0.02)
    rows = truth.rows[:200]
    there = neighbors[rows] >= 0
    direct = 1 - np.einsum("rd,rkd->rk", scaled[rows], scaled[neighbors[rows]])
    assert np.allclose(direct[there], distances[rows][there], atol=2e-6)
    assert not (neighbors == np.arange(len(neighbors))[:, None]).any()
    in_order = np.sort(neighbors, axis=1)
    assert not ((in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)).any()


def test_copies_and_zeros_take_no_places_in_lists():
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


def test_what_does_not_gather_in_cells_is_compared_with_all():
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


def test_two_threads_or_one_give_the_same_graph(monkeypatch):
    vectors = kinds(14_000)["no clusters"].astype(np.float32)
    many = build(vectors, 30)
    monkeypatch.setattr("chromalab.cores._MAX_THREADS", 1)
    one = build(vectors, 30)
    assert many.neighbors.tobytes() == one.neighbors.tobytes()
    assert many.distances.tobytes() == one.distances.tobytes()


def test_an_interrupt_passes_through_and_the_next_call_works():
    vectors = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exact_neighbors(unit(vectors)[0], 5, on_progress=interrupt)
    assert len(build(vectors, 5)) == 3000


def test_the_bar_is_told_every_step_up_to_the_last():
    told = []
    build(
        kinds(13_000)["clusters"].astype(np.float32),
        30,
        on_progress=lambda *step: told.append(step),
    )
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("k", [0, -1, 201, 2.5, "7", None, True])
def test_a_k_that_is_none_is_refused(k):
    with pytest.raises(InvalidArgumentError, match="whole number from 1 to 200"):
        graph_of(Snapshot.of(np.eye(3)), k=k)


@pytest.mark.parametrize("seed", [-1, 0.5, None, "0"])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(InvalidArgumentError, match="random_state"):
        graph_of(Snapshot.of(np.eye(3)), random_state=seed)


def test_a_second_call_returns_the_graph_of_the_first_and_it_cannot_be_changed():
    snapshot = Snapshot.of(np.random.default_rng(0).normal(size=(100, 4)))
    one, two = graph_of(snapshot), graph_of(snapshot, k=10)
    assert (one.k, two.k) == (15, 10)
    assert np.shares_memory(one.neighbors, two.neighbors)
    assert graph_of(snapshot, k=60).k == 60
    with pytest.raises(ValueError, match="read-only"):
        one.neighbors[0, 0] = 5
