"""`link`: record linkage between two collections."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chromalab.analytics import dedupe, outliers, project
from chromalab.analytics.dedupe import link
from chromalab.analytics.dedupe.links import mutual_best_matches
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

ER = Path(__file__).parents[4] / "shared" / "data" / "er"

SCORES = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0])


@given(
    arrays(np.float32, st.tuples(st.integers(0, 7), st.just(2)), elements=SCORES),
    arrays(np.float32, st.tuples(st.integers(0, 7), st.just(2)), elements=SCORES),
)
@settings(max_examples=150, deadline=None)
def test_mutual_best_matches_match_brute_force(left, right):
    scores = left @ right.T
    expected = []
    for row in range(len(left)):
        if not len(right):
            continue
        match = int(np.argmax(scores[row]))
        if int(np.argmax(scores[:, match])) == row:
            expected.append((row, match))
    one, other, cosine, lexical = mutual_best_matches(left, right)
    assert list(zip(one.tolist(), other.tolist(), strict=True)) == expected
    np.testing.assert_allclose(cosine, scores[one, other])
    assert np.isnan(lexical).all()


def test_comparing_many_records_in_blocks_gives_the_same_result():
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(n, 6)).astype(np.float32) for n in (500, 9000))
    calls = []
    found = mutual_best_matches(left, right, on_progress=lambda *at: calls.append(at))
    assert len(calls) > 1
    assert calls[-1] == (500, 500)
    scores = left @ right.T
    match = scores.argmax(axis=1)
    mutual = np.flatnonzero(scores[:, match].argmax(axis=0) == np.arange(500))
    assert found[0].tolist() == mutual.tolist()
    assert found[1].tolist() == match[mutual].tolist()


def test_the_product_code_decides_between_similar_products():
    left = ["sony headphones MDR-7506 black", "sony headphones MDR-1000 black"]
    right = ["headphones by sony, mdr 1000", "headphones by sony, mdr 7506"]
    same = np.ones((2, 4), np.float32)
    found = link(Snapshot.of(same, documents=left), Snapshot.of(same, documents=right))
    assert found.pairs == [("0", "1"), ("1", "0")]


def test_a_record_is_in_at_most_one_link_at_every_threshold():
    rng = np.random.default_rng(1)
    found = link(rng.normal(size=(60, 5)), rng.normal(size=(40, 5)))
    lefts, rights = zip(*found.pairs, strict=True)
    assert len(set(lefts)) == len(lefts)
    assert len(set(rights)) == len(rights)
    assert found.threshold == 0.6
    assert len(found.at(-1)) >= len(found) >= len(found.at(0.9))
    assert (found.score[found.at(0.9).linked] >= 0.9).all()


def test_a_result_shows_the_highest_scores_first():
    texts = ["green tea <b>", "white chalk"]
    vectors = [[1.0, 0.0], [0.0, 1.0]]
    found = link(Snapshot.of(vectors, documents=texts), Snapshot.of(vectors, documents=texts))
    assert repr(found).startswith("2 links between 2 and 2 records with a score of at least 0.4")
    assert "<b>" not in found._repr_html_()
    assert found.df()["score"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("right", [[], [[0.0, 0.0]], [[1.0, 0.0]] * 3])
def test_degenerate_data_never_raises(right):
    found = link([[1.0, 0.0], [0.0, 0.0]], right)
    assert len(found) <= 1
    assert isinstance(repr(found), str)
    assert len(found.df()) == len(found)


def test_different_dimensions_and_invalid_thresholds_raise():
    with pytest.raises(InvalidArgumentError, match="dimension; got 2 and 3"):
        link([[1.0, 0.0]], [[1.0, 0.0, 0.0]])
    with pytest.raises(InvalidArgumentError, match="got 'high'"):
        link([[1.0]], [[1.0]], threshold="high")
    with pytest.raises(InvalidArgumentError, match="got 7"):
        link([[1.0]], [[1.0]]).at(7)


@pytest.mark.skipif(not ER.exists(), reason="the shared data is not available")
@pytest.mark.parametrize(("name", "least"), [("abt_buy", 0.8), ("walmart_amazon", 0.6)])
def test_products_of_two_shops_are_linked_at_the_default_threshold(name, least):
    from chromalab.embed import WordLlama

    data = json.loads((ER / f"er_{name}.json").read_text())
    cut, texts = data["n_left"], data["texts"]
    vectors = WordLlama()(texts)
    found = link(
        Snapshot.of(vectors[:cut], documents=texts[:cut]),
        Snapshot.of(vectors[cut:], documents=texts[cut:]),
    )
    gold = {tuple(pair) for pair in data["pos"]}
    links = {(int(found.left[at]), cut + int(found.right[at])) for at in found.linked}
    assert 2 * len(links & gold) / (len(links) + len(gold)) >= least


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e37, 1e-37])
def test_the_length_of_vectors_has_no_influence(scale):
    rows = np.random.default_rng(0).normal(size=(20, 6))
    texts = ["tea"] * 20  # the cosine of their pairs is not computed by the graph
    plain, scaled = (Snapshot.of(rows * by, documents=texts) for by in (1, scale))
    np.testing.assert_array_equal(link(rows * scale, rows * scale).left, np.arange(20))
    np.testing.assert_allclose(dedupe(scaled).cosine, dedupe(plain).cosine, atol=1e-6)
    assert project(scaled, method="pca").trustworthiness > 0.5
    assert np.isfinite(outliers(scaled, method="centroid").scores).all()
