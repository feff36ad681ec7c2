"""The steps of `dedupe`, each compared with brute force."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab.analytics.dedupe.candidates import distinct_records, semantic_pairs
from chromalab.analytics.dedupe.groups import star_groups
from chromalab.analytics.dedupe.minhash import jaccard, near_pairs
from chromalab.analytics.dedupe.texts import equal_texts, normalized
from chromalab.analytics.dedupe.thresholds import suggest_thresholds, thresholds_from_judgments
from chromalab.analytics.graph import NeighborGraph

WORDS = "tea chalk green white a of the river stone 茶 été straße ab"


@st.composite
def similar_texts(draw):
    """Distinct texts, many of which differ only a little."""
    words = st.sampled_from(WORDS.split())
    texts = draw(st.lists(st.lists(words, min_size=1, max_size=12), min_size=1, max_size=12))
    for at in draw(st.lists(st.integers(0, len(texts) - 1), max_size=12)):
        changed = list(texts[at])
        changed[draw(st.integers(0, len(changed) - 1))] = draw(words)
        texts.append(changed)
    return list(dict.fromkeys(" ".join(text) for text in texts))


def grams(text):
    text = f" {text} "
    return {text[at : at + 3] for at in range(len(text) - 2)}


def slow_jaccard(one, other):
    return len(grams(one) & grams(other)) / max(len(grams(one) | grams(other)), 1)


@given(similar_texts())
@settings(max_examples=60, deadline=None)
def test_jaccard_matches_brute_force(texts):
    left, right = np.triu_indices(len(texts), 1)
    expected = [slow_jaccard(texts[a], texts[b]) for a, b in zip(left, right, strict=True)]
    np.testing.assert_allclose(jaccard(texts, left, right), expected, rtol=1e-6)


def test_comparing_long_texts_in_blocks_gives_the_same_result():
    rng = np.random.default_rng(0)
    parts = ["".join(rng.choice(list("abcde "), 40)) for _ in range(9)]
    texts = ["".join(rng.choice(parts, 4)) * 2500 for _ in range(4)] + ["abc", "abd"]
    left, right = np.triu_indices(len(texts), 1)
    sets = [grams(text) for text in texts]
    expected = [
        len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in zip(left, right, strict=True)
    ]
    assert sum(map(len, texts)) * 3 > 2_000_000, "they would fit into one block"
    np.testing.assert_allclose(jaccard(texts, left, right), expected, rtol=1e-6)


@pytest.mark.parametrize("by", ["rensa", "numpy"])
def test_minhash_finds_nearly_all_similar_pairs(by, monkeypatch):
    if by == "numpy":
        monkeypatch.setitem(sys.modules, "rensa", None)
    rng = np.random.default_rng(1)
    letters = list("abcdefghijklmnopqrstuvwxyz ")
    texts = ["".join(rng.choice(letters, 60)) for _ in range(150)]
    for text in texts[:150]:
        changed = list(text)
        for at in rng.choice(60, rng.integers(1, 6), replace=False):
            changed[at] = rng.choice(letters)
        texts.append("".join(changed))
    left, right = np.triu_indices(len(texts), 1)
    similarity = jaccard(texts, left, right)
    found = set(zip(*(rows.tolist() for rows in near_pairs(texts)), strict=True))
    for least, recall in ((0.7, 0.99), (0.6, 0.9), (0.5, 0.65)):
        true = {
            pair
            for pair, j in zip(
                zip(left.tolist(), right.tolist(), strict=True), similarity, strict=True
            )
            if j >= least
        }
        assert len(true) > 20
        assert len(found & true) >= recall * len(true), least
    assert len(found) < len(left) / 50, "too many dissimilar candidates"


@given(similar_texts(), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_minhash_is_reproducible_and_never_pairs_a_text_with_itself(texts, seed):
    one, other = near_pairs(texts, random_state=seed)
    again = near_pairs(texts, random_state=seed)
    assert (one == again[0]).all()
    assert (other == again[1]).all()
    assert (one < other).all()
    assert len(np.unique(one * len(texts) + other)) == len(one)


def test_many_similar_texts_do_not_make_all_pairs():
    texts = [f"this line of boilerplate precedes number {n}" for n in range(2000)]
    left, _ = near_pairs(texts)
    assert 2000 < len(left) < 2000 * 1999 / 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Green  Tea!", "green tea"),
        ("\ufb01ne \uff57\uff49\uff44\uff45", "fine wide"),
        ("straße", "STRASSE"),
        ("zero\u200bwidth soft\u00adhyphen", "zerowidth softhyphen"),
        ("(a) - b", "a b"),
        ("e\u0301te\u0301", "été"),
    ],
)
def test_case_width_spaces_and_punctuation_are_ignored(one, other):
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C#", "C"),
        ("C++", "C"),
        ("5%", "5"),
        ("?", "!"),
        ("हिन्दी", "हनद"),
        ("été", "ete"),
        ("1", "2"),
    ],
)
def test_meaningful_differences_are_preserved(one, other):
    assert normalized(one) != normalized(other)


@given(st.text())
def test_normalization_is_idempotent(text):
    assert normalized(normalized(text)) == normalized(text)


def test_empty_texts_equal_nothing():
    assert equal_texts(["", "a", "", "a"]).tolist() == [-1, 1, -1, 1]


def slow_stars(count, links, rank):
    """Visit the nodes in order; each joins its most similar earlier center, or becomes a center."""
    center = {}
    for node in sorted(range(count), key=rank.__getitem__):
        before = [
            (-score, rank[other], other)
            for pair, score in links.items()
            if node in pair
            for other in pair - {node}
            if rank[other] < rank[node] and center[other] == other
        ]
        center[node] = min(before)[2] if before else node
    return [center[node] for node in range(count)]


@st.composite
def linked_nodes(draw):
    count = draw(st.integers(2, 12))
    pairs = draw(
        st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30)
    )
    links = {
        frozenset(pair): draw(st.sampled_from([0.8, 0.9, 1.0]))
        for pair in pairs
        if len(set(pair)) == 2
    }
    return count, links, draw(st.permutations(range(count)))


@given(linked_nodes())
@settings(max_examples=200, deadline=None)
def test_stars_match_visiting_the_nodes_one_by_one(given_nodes):
    count, links, rank = given_nodes
    pairs = np.array([sorted(pair) for pair in links], dtype=np.int64).reshape(-1, 2)
    score = np.array(list(links.values()), dtype=np.float32)
    found = star_groups(count, pairs[:, 0], pairs[:, 1], score, np.array(rank))
    assert found.tolist() == slow_stars(count, links, rank)
    for node, center in enumerate(found.tolist()):
        assert node == center or frozenset((node, center)) in links


@st.composite
def small_graphs(draw):
    """A graph of a few nodes, the records at each node, and which of their texts are equal."""
    nodes = draw(st.integers(1, 6))
    lists, lengths = [], []
    distance = {}
    for node in range(nodes):
        others = [other for other in draw(st.permutations(range(nodes))) if other != node]
        others = others[: draw(st.integers(0, len(others)))]
        for other in others:
            ends = frozenset((node, other))
            distance.setdefault(ends, draw(st.sampled_from([0.01, 0.05, 0.15, 0.3])))
        row = sorted((distance[frozenset((node, other))], other) for other in others)
        row += [(np.inf, -1)] * (nodes - len(row))
        lengths.append([d for d, _ in row])
        lists.append([other for _, other in row])
    node = list(range(nodes)) + draw(st.lists(st.integers(0, nodes - 1), max_size=3))
    equal = [-1] * len(node)
    for record in range(len(node)):
        kind = draw(st.integers(-1, record))
        equal[record] = kind if kind < 0 or equal[kind] == kind else record
    graph = NeighborGraph(
        np.array(lists, np.int32).reshape(nodes, -1),
        np.array(lengths, np.float32).reshape(nodes, -1),
        np.array(node, np.int32),
        np.arange(nodes),
        1.0,
        True,
        0,
    )
    return graph, np.array(equal)


@given(small_graphs())
@settings(max_examples=150, deadline=None)
def test_semantic_pairs_match_brute_force_over_edges_and_records(given_graph):
    graph, equal = given_graph
    zero = np.zeros(len(equal), dtype=bool)
    records = distinct_records(equal, graph.node.astype(np.int64), zero=zero)
    left, right, cosine = semantic_pairs(graph, records, 0.8, zero)
    at_node = [
        sorted({int(records.distinct[row]) for row in np.flatnonzero(graph.node == node)})
        for node in range(len(graph))
    ]
    expected = {}
    for node in range(len(graph)):
        first = at_node[node][0]
        for record in at_node[node][1:]:
            expected[frozenset((first, record))] = 1.0
        for other, distance in zip(graph.neighbors[node], graph.distances[node], strict=True):
            if other < 0 or distance > 0.2 + 1e-6:
                continue
            one_side, other_side = at_node[node], at_node[other]
            if len(one_side) * len(other_side) > 8:
                one_side, other_side = one_side[:1], other_side[:1]
            for one in one_side:
                for two in other_side:
                    ends = frozenset((one, two))
                    if len(ends) == 2:
                        expected[ends] = max(expected.get(ends, 0), 1 - distance)
    found = {frozenset((int(a), int(b))): c for a, b, c in zip(left, right, cosine, strict=True)}
    assert len(found) == len(left)
    assert found.keys() == expected.keys()
    for ends, value in expected.items():
        assert found[ends] == pytest.approx(value, abs=1e-6)


def planted(rng, noise, pairs):
    """Scores of chance pairs, many of which are second-best, and of isolated true pairs."""
    left = np.concatenate([rng.integers(0, 400, noise), 1000 + 2 * np.arange(pairs)])
    right = np.concatenate([500 + rng.integers(0, 400, noise), 1001 + 2 * np.arange(pairs)])
    jaccard = np.concatenate([rng.uniform(0.6, 0.75, noise), rng.uniform(0.7, 1, pairs)])
    return left, right, jaccard.astype(np.float32)


def test_chance_matches_raise_the_suggested_threshold():
    rng = np.random.default_rng(0)
    unknown = np.full(2000, np.nan, np.float32)
    left, right, similarity = planted(rng, 100, 1500)
    _, few = suggest_thresholds(left, right, unknown[: len(left)], similarity)
    left, right, similarity = planted(rng, 1500, 500)
    _, many = suggest_thresholds(left, right, unknown[: len(left)], similarity)
    assert few < many
    assert many >= 0.72


def test_judgments_move_the_thresholds():
    scores = np.linspace(0.8, 1, 201).astype(np.float32)
    none = np.full(201, np.nan, np.float32)
    judged = np.arange(0, 201, 10)
    strict, _ = thresholds_from_judgments(scores, none, judged, scores[judged] > 0.97)
    wide, _ = thresholds_from_judgments(scores, none, judged, scores[judged] > 0.87)
    assert wide < strict
    assert abs(strict - 0.97) < 0.02
    assert abs(wide - 0.87) < 0.02
