"""Judgments that teach nothing are refused with a reason; invalid arguments raise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromalab import errors
from chromalab.feedback import ResolvedJudgments, TuneReport, tune


def refused(judged, words, **options):
    report = tune(judged, **options)
    assert not report.admitted
    assert words in report.reason
    assert report.transform.method == "identity"
    np.testing.assert_array_equal(report.transform.queries(judged.queries), judged.queries)
    return report


def test_too_few_judgments_are_refused(world):
    assert refused(world.judged([0, 2], each=2), "8 judgments are too few").candidate is None


def test_judgments_of_one_query_are_refused(world):
    report = refused(world.judged([0], each=10), "only 1 query")
    assert report.admission.needed == 2


def test_only_answers_or_only_non_answers_are_refused(world):
    judged = world.judged()
    for sign, words in ((1, "Everything was judged relevant"), (-1, "Nothing was judged relevant")):
        kept = np.sign(judged.relevance) == sign
        part = ResolvedJudgments.of(
            judged.queries, judged.documents, judged.pairs[kept], judged.relevance[kept]
        )
        refused(part, words)


@pytest.mark.parametrize("each", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_log_with_shuffled_records_is_refused(seed, each, new_world):
    judged = new_world(seed).judged(each=each)
    pairs = judged.pairs.copy()
    pairs[:, 1] = np.random.default_rng(seed).permutation(pairs[:, 1])
    refused(
        ResolvedJudgments.of(judged.queries, judged.documents, pairs, judged.relevance),
        "do not fit their queries",
    )


@pytest.fixture
def displayed(new_world):
    """Judges the first ten records of some queries by a function of their ranks and of who answers."""

    def make(seed, queries, judge):
        world = new_world(seed)
        random = np.random.default_rng(seed)
        ranked = np.argsort(-(world.queries[:queries] @ world.documents.T), axis=1)[:, :10]
        right = world.group[ranked] == world.asked[:queries, np.newaxis]
        grades = [judge(random, row) for row in right]
        pairs = np.stack([np.repeat(np.arange(queries), 10), ranked.ravel()], axis=1)
        return ResolvedJudgments.of(world.queries, world.documents, pairs, np.concatenate(grades))

    return make


def test_random_thumbs_on_few_queries_are_refused(displayed):
    def coins(random, _):
        return random.integers(0, 2, 10) * 2 - 1

    logs = [displayed(seed, queries, coins) for seed in range(10) for queries in (5, 7, 15)]
    assert sum(tune(judged).admitted for judged in logs) == 0
    report = refused(logs[1], "too few to tell these from random ones")
    assert f"judge about {report.admission.needed} more queries" in report.reason
    assert 0 < report.admission.needed <= 15


@pytest.mark.parametrize(
    "grades",
    [[1, -1] * 5, [1] * 4 + [-1] * 6, [-1] * 10],
    ids=["up and down in turn", "top ranks up", "all down"],
)
@pytest.mark.parametrize("queries", [7, 15])
def test_thumbs_by_rank_are_refused(displayed, queries, grades):
    assert not tune(displayed(queries, queries, lambda *_: grades)).admitted


def test_true_judgments_of_few_queries_are_admitted(displayed):
    report = tune(displayed(0, 10, lambda _, right: right * 2 - 1))
    assert report.admitted
    assert len(report.held_out.queries) == 10


def test_judgments_that_repeat_the_ranking_are_refused_before_learning(displayed):
    repeated = displayed(0, 10, lambda *_: [1] * 4 + [-1] * 6)
    report = refused(repeated, "already ranks every answer above")
    assert report.candidate is None
    # Without the test of few queries, the transform is learned and held out.
    assert tune(repeated, gate="veto").held_out is not None


def test_many_judgments_must_show_a_gain(world):
    judged = world.judged(each=9)
    assert len(judged) >= 500
    grades = np.random.default_rng(0).permutation(judged.relevance)
    strict = tune(ResolvedJudgments.of(judged.queries, judged.documents, judged.pairs, grades))
    if not strict.admitted:
        assert "one standard error" in strict.reason or "do not fit" in strict.reason
    else:
        assert strict.gain > strict.se


def test_the_gate_can_be_turned_off(world):
    judged = world.judged()
    pairs = judged.pairs.copy()
    pairs[:, 1] = np.random.default_rng(0).permutation(pairs[:, 1])
    shuffled = ResolvedJudgments.of(judged.queries, judged.documents, pairs, judged.relevance)
    report = tune(shuffled, gate="off")
    assert report.admitted
    assert report.transform.method != "identity"


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_judgments_give_a_report(data):
    size = st.integers(1, 12)
    queries, documents, dimension = data.draw(size), data.draw(size), data.draw(st.integers(1, 6))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    count = data.draw(st.integers(0, 40))
    judged = ResolvedJudgments.of(
        random.integers(-1, 2, (queries, dimension)),
        random.integers(-1, 2, (documents, dimension)),
        np.stack(
            [random.integers(0, queries, count), random.integers(0, documents, count)], axis=1
        ),
        random.integers(-1, 3, count),
    )
    report = tune(judged, gate=data.draw(st.sampled_from(["auto", "off", "strict"])))
    assert isinstance(report, TuneReport)
    assert report.reason
    assert repr(report)
    assert np.isfinite(report.transform.queries(judged.queries)).all()
    assert np.isfinite(report.transform.documents(judged.documents)).all()


def test_arrays_that_do_not_match_are_refused(world):
    with pytest.raises(errors.InvalidArgumentError, match="Judgments must be"):
        ResolvedJudgments.of([[0, 1]], [[1, 0]], [[0, 5]], [1])
    with pytest.raises(errors.InvalidArgumentError, match="NaN"):
        ResolvedJudgments.of([[0, np.nan]], [[1, 0]], [[0, 0]], [1])
    with pytest.raises(errors.InvalidArgumentError, match="Did you mean 'ridge'"):
        tune(world.judged(), method="rigde")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"space": "dot"}, "cosine, l2 or ip"),
        ({"pairs": [[0], [1, 2]]}, "pairs must be"),
        ({"relevance": ["good"]}, "m numbers"),
        ({"texts": ["one"]}, "Judgments must be"),
    ],
)
def test_arrays_that_are_not_judgments_are_refused(wrong, says):
    given = {"queries": np.eye(2), "documents": np.eye(2), "pairs": [[0, 1]], "relevance": [1]}
    with pytest.raises(errors.InvalidArgumentError, match=says):
        ResolvedJudgments.of(**{**given, **wrong})


def test_texts_and_ids_of_judgments_may_be_arrays():
    names = np.array(["a", "b"])
    judged = ResolvedJudgments.of(np.eye(2), np.eye(2), [[0, 1]], [1], texts=names, ids=names)
    assert judged.df().iloc[0].tolist() == [0, "a", "b", 1.0, 1.0]


@pytest.mark.parametrize("seed", [None, -1, 1.5, "0", True, 2**32])
def test_a_seed_must_be_a_non_negative_integer_of_32_bits(client, world, seed):
    with pytest.raises(errors.InvalidArgumentError, match="random_state"):
        tune(world.judged(), random_state=seed)
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[1, 0]])
    with pytest.raises(errors.InvalidArgumentError, match="random_state"):
        points.feedback.suggest(queries=[[1, 0]], random_state=seed)
    with pytest.raises(errors.InvalidArgumentError, match="random_state"):
        points.evaluate([[1, 0]], [["a"]], random_state=seed)


@pytest.mark.parametrize("name", ["", "active", "live", "two\nlines", 5])
def test_the_name_is_checked_before_learning(client, name):
    points = client.create_collection("points", embedding_function=None)
    with pytest.raises(errors.InvalidArgumentError, match="name"):
        points.tune(name=name)
