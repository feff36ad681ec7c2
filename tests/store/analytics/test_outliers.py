import dataclasses
import html

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab.analytics.graph.graph import NeighborGraph
from chromalab.analytics.outliers import outliers
from chromalab.analytics.outliers.outliers import METHODS, outliers_of
from chromalab.analytics.outliers.scores import (
    global_local,
    local_outlier_factor,
    mean_distance,
    robust_scale,
)
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot


def exact(vectors, k):
    """Compute the graph of a few vectors by brute force."""
    vectors = np.asarray(vectors, dtype=np.float32)
    n = len(vectors)
    directions = vectors.astype(np.float64)
    norms = np.linalg.norm(directions, axis=1)
    seen, node, first = {}, [], []
    for row in range(n):
        key = vectors[row].tobytes()
        if key not in seen:
            seen[key] = len(first)
            first.append(row)
        node.append(seen[key])
    neighbors = np.full((len(first), k), -1, dtype=np.int32)
    distances = np.full((len(first), k), np.inf, dtype=np.float32)
    for at, row in enumerate(first):
        near = []
        for other, there in enumerate(first):
            if other != at and norms[row] and norms[there]:
                cosine = directions[row] @ directions[there] / norms[row] / norms[there]
                near.append((max(0.0, 1 - cosine), other))
        for place, (distance, other) in enumerate(sorted(near)[:k]):
            neighbors[at, place], distances[at, place] = other, distance
    whole = np.array(first, dtype=np.int64)
    return NeighborGraph(neighbors, distances, np.array(node, dtype=np.int32), whole, 1.0, True, 0)


def scored(vectors, *, k=10, documents=None, **arguments):
    snapshot = Snapshot.of(np.asarray(vectors, dtype=np.float32), documents=documents)
    return outliers_of(snapshot, exact(snapshot.vectors, k), k=k, **arguments)


@pytest.fixture
def bundle():
    """Return thirty similar directions, and one far from them."""
    near = np.eye(24)[0] + np.random.default_rng(0).normal(scale=0.1, size=(30, 24))
    return np.vstack([near, -near[0] + np.eye(24)[1]]).astype(np.float32)


VECTORS = st.lists(
    st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 2)), min_size=1, max_size=14
)


@settings(deadline=None)
@given(VECTORS, st.integers(1, 6), st.booleans())
def test_mean_distance_matches_brute_force(points, k, copies):
    vectors = np.array(points, dtype=np.float32)
    graph = exact(vectors, 20)
    found = mean_distance(graph, k, copies=copies)[graph.node]
    for row, one in enumerate(vectors.astype(np.float64)):
        near = []
        for at, other in enumerate(vectors.astype(np.float64)):
            same = (one == other).all()
            if at == row or (same and not copies):
                continue
            norms = np.linalg.norm(one) * np.linalg.norm(other)
            if same or norms:
                near.append((0.0 if same else max(0.0, 1 - one @ other / norms), other.tobytes()))
        if not copies:
            near = [(distance, text) for distance, text in set(near)]
        expected = np.mean(sorted(distance for distance, _ in near)[:k]) if near else np.nan
        assert found[row] == pytest.approx(expected, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_local_outlier_factor_matches_scikit_learn(k):
    from sklearn.neighbors import LocalOutlierFactor

    vectors = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    theirs = -LocalOutlierFactor(k, metric="cosine").fit(vectors).negative_outlier_factor_
    assert local_outlier_factor(exact(vectors, 20), k) == pytest.approx(theirs, rel=1e-4)


@settings(deadline=None)
@given(VECTORS, st.integers(1, 6))
def test_local_outlier_factor_is_finite_for_nodes_with_neighbors(points, k):
    graph = exact(np.array(points, dtype=np.float32), 20)
    found = local_outlier_factor(graph, k)
    assert (np.isfinite(found) == (graph.neighbors >= 0).any(axis=1)).all()


def test_glosh_matches_hdbscan():
    from hdbscan import HDBSCAN

    rng = np.random.default_rng(0)
    vectors = np.vstack([rng.normal(np.eye(6)[at] * 4, 1, size=(40, 6)) for at in (0, 3)])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    theirs = HDBSCAN(15, min_samples=5, approx_min_span_tree=False).fit(unit).outlier_scores_
    ours = global_local(exact(vectors, 79), 5)
    assert ours == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_planted_outlier_the_highest_score(bundle, method):
    found = scored(bundle, method=method, k=5)
    assert found.order[0] == 30
    assert found.scores.dtype == np.float32
    assert (found.scores == scored(bundle, method=method, k=5).scores).all()


def test_the_default_threshold_flags_only_the_outlier_and_gives_a_reason(bundle):
    found = scored(bundle, documents=[f"word {row}" for row in range(31)], k=5)
    assert found.outlier_ids == ["30"]
    assert found.z[30] > 3.5 > found.z[:30].max()
    assert found.percentile[30] == pytest.approx(100 * 30 / 31)
    reason = found.reason("30")
    assert reason.startswith(f"mean distance {found.scores[30]:.2f} to its 5 nearest neighbors, ")
    assert "robust standard deviations above the median; nearest record, at " in reason
    assert reason.endswith(f": word {found.nearest('30')[0][0]}")
    assert "below the median" in found.reason(found.ids[found.order[-1]])


def test_nearest_returns_neighbors_with_their_distances(bundle):
    near = scored(bundle, k=3).nearest("30")
    unit = bundle / np.linalg.norm(bundle, axis=1, keepdims=True)
    distances = 1 - unit[:30] @ unit[30]
    assert [id for id, _ in near] == [str(row) for row in np.argsort(distances)[:3]]
    assert [distance for _, distance in near] == pytest.approx(np.sort(distances)[:3], abs=1e-5)


def test_copies_of_an_outlier_are_all_outliers_unless_copies_count(bundle):
    spam = np.vstack([bundle, np.repeat(bundle[30:], 39, axis=0)])
    found = scored(spam, k=5)
    assert int(found.is_outlier.sum()) == 40
    assert found.is_outlier[30:].all()
    assert "39 other records have the same vector" in found.reason("30")
    assert found.nearest("50") == found.nearest("30")
    counted = scored(spam, k=5, copies=True)
    assert (counted.scores[30:] == 0).all()
    assert not counted.is_outlier[30:].any()


def test_a_share_flags_the_highest_scores_including_ties(bundle):
    assert scored(bundle, share=0.1).outlier_ids[0] == "30"
    assert len(scored(bundle, share=0.1).outlier_ids) == 3
    assert len(scored(np.vstack([bundle, bundle[30:]]), share=1 / 32).outlier_ids) == 2
    assert scored(bundle, share=0).outlier_ids == []
    assert len(scored(bundle, share=1).outlier_ids) == 30


def test_the_threshold_can_change_without_scoring_again(bundle):
    found = scored(bundle)
    assert found.at(threshold=-1.0).is_outlier.all()
    assert found.at(share=0.1).outlier_ids == scored(bundle, share=0.1).outlier_ids
    assert found.at(share=0.1).at().threshold == found.threshold
    assert found.at(threshold=0.5).parameters["threshold"] == 0.5


def test_a_zero_vector_has_the_highest_score(bundle):
    vectors = np.vstack([bundle, np.zeros((2, 24))])
    found = scored(vectors, k=5)
    assert found.scores[31:].tolist() == [2.0, 2.0]
    assert found.is_outlier[31:].all()
    assert found.reason("31").startswith("zero vector")
    assert found.reason("31").endswith("1 other record has the same vector")
    assert found.nearest("31") == []
    for method in METHODS[1:]:
        other = scored(vectors, method=method, k=5)
        assert other.scores[31] == other.scores.max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "vectors",
    [
        np.empty((0, 3)),
        np.ones((1, 3)),
        np.zeros((1, 3)),
        np.zeros((5, 3)),
        np.ones((5, 3)),
        np.eye(2),
        np.eye(4),
        np.repeat(np.eye(3), 4, axis=0).astype(np.float16),
    ],
    ids=["none", "one", "one zero", "zeros", "identical", "two", "few", "copies in float16"],
)
def test_few_or_equal_vectors_do_not_raise_and_have_no_outliers(vectors, method):
    for arguments in ({}, {"share": 0.5}):
        found = outliers(vectors, method=method, **arguments)
        assert np.isfinite(found.scores).all()
        if len(vectors) < 2 or method in ("distance", "lof"):
            assert found.outlier_ids == []
        assert repr(found)
        assert found._repr_html_()
        assert len(found.df()) == len(vectors)
        assert all(found.reason(id) for id in found.ids)


@settings(deadline=None)
@given(VECTORS, st.integers(1, 4), st.sampled_from(["distance", "lof"]))
def test_any_vectors_have_finite_scores_and_a_reason(points, k, method):
    found = scored(points, k=k, method=method)
    assert np.isfinite(found.scores).all()
    assert np.isfinite(found.z).all()
    assert len(found.outlier_ids) == found.is_outlier.sum()
    assert all(found.reason(id) for id in found.ids)


def test_rounding_errors_do_not_make_outliers():
    noise = np.random.default_rng(0).normal(scale=1e-7, size=(50, 8))
    found = scored(1 + noise.astype(np.float32))
    assert found.outlier_ids == []
    assert (found.z == 0).all()


def test_the_scale_of_mostly_equal_scores_is_above_zero():
    scale = robust_scale(np.array([1, 1, 1, 1, 3], dtype=np.float32))
    assert scale.median == 1
    assert scale.deviation == pytest.approx(0.4 / 0.7979)
    assert robust_scale(np.ones(4, dtype=np.float32)).deviation == 0
    assert robust_scale(np.array([1, 2, 3, 4, 100], dtype=np.float32)).deviation == pytest.approx(
        1 / 0.6745
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "knn"}, "No method 'knn'"),
        ({"method": 3}, "No method 3"),
        ({"k": 0}, "k must be an integer ≥ 1; got 0"),
        ({"k": True}, "got True"),
        ({"share": 2}, "share must be a number from 0 to 1; got 2"),
        ({"share": float("nan")}, "got nan"),
        ({"threshold": "far"}, "threshold must be a number; got 'far'"),
        ({"share": 0.1, "threshold": 1}, "not both"),
        ({"method": "lof", "copies": True}, "copies=True goes with method='distance'"),
    ],
)
def test_invalid_arguments_raise_with_their_name(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        outliers(np.eye(3), **arguments)


def test_an_unknown_record_raises(bundle):
    with pytest.raises(InvalidArgumentError, match="No record 'z' among the 31"):
        scored(bundle).reason("z")
    with pytest.raises(InvalidArgumentError, match="No record 'z' among the 31"):
        scored(bundle).nearest("z")


def test_into_writes_flags_and_scores_and_check_finds_inconsistencies(bundle):
    found = scored(bundle)
    columns = found.columns("odd")
    assert columns["odd"] == [False] * 30 + [True]
    assert columns["odd_score"] == found.scores.tolist()
    found.check()
    for broken in (
        {"scores": found.scores[1:]},
        {"neighbors": found.neighbors + 99},
        {"distances": found.distances[:, 1:]},
    ):
        with pytest.raises(ValueError, match="inconsistent"):
            dataclasses.replace(found, **broken).check()


def test_the_result_is_readable_and_hostile_texts_are_escaped(bundle):
    texts = [f"<b>{row}</b> $\\frac$ \x1b[31m" for row in range(31)]
    found = scored(bundle, documents=texts, k=5)
    assert "1 of 31 records is an outlier: score above" in repr(found)
    assert "10 of 31 shown" in repr(found)
    shown = found._repr_html_()
    assert "<b>" not in shown
    assert html.escape("<b>30</b>") in shown
    assert "\x1b" not in shown + repr(found) + found.reason("30")
    frame = found.df()
    assert frame["id"][0] == "30"
    assert frame["is_outlier"].sum() == 1
    assert frame["nearest"][0] == found.nearest("30")[0][0]
    assert list(frame.columns)[-1] == "document"


def test_texts_from_another_source_are_found_among_texts_on_one_subject():
    from chromalab import datasets
    from chromalab.embed import WordLlama

    facts = datasets.load("facts")
    usual = [
        text
        for text, metadata in zip(facts.documents, facts.metadatas, strict=True)
        if metadata["topic"] == facts.metadatas[0]["topic"]
    ]
    strange = [text for text in facts.documents if text not in usual][::20]
    texts = usual + strange
    vectors = np.asarray(WordLlama()(texts))
    far = scored(vectors, k=5, documents=texts).order[: len(strange)]
    assert {texts[row] for row in far} & set(strange)
    assert len([row for row in far if row >= len(usual)]) >= len(strange) - 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "vectors",
    [
        np.random.default_rng(0).normal(size=(100, 1)),
        np.tile([[1.0, 0.0], [0.0, 1.0]], (50, 1)) * np.arange(1, 101)[:, None],
        np.tile([[1.0, 2.0]], (40, 1)),
        np.repeat(np.random.default_rng(2).normal(size=(2, 8)), 50, axis=0),
        np.stack(
            [np.cos(np.arange(60) / 60 * 2 * np.pi), np.sin(np.arange(60) / 60 * 2 * np.pi)], 1
        ),
    ],
    ids=["one dimension", "two directions", "one vector", "two heaps", "a ring"],
)
def test_vectors_of_few_directions_are_scored_and_shown(vectors, method):
    found = outliers(vectors.astype(np.float32), method=method, progress=False)
    assert np.isfinite(found.scores).all()
    assert "<img" in found._repr_html_()
    assert len(found.df()) == len(vectors)


@pytest.mark.parametrize("method", METHODS)
def test_the_largest_seed_is_that_of_scikit_learn(method):
    vectors = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    outliers(vectors, method=method, random_state=2**32 - 1, progress=False)
    with pytest.raises(InvalidArgumentError, match=r"from 0 to 4,294,967,295; got 4294967296"):
        outliers(vectors, method=method, random_state=2**32, progress=False)
