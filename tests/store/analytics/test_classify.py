"""`classify` on questions to a bank, embedded by the real model."""

import numpy as np
import pytest

import chromalab
from chromalab import datasets
from chromalab.analytics import classify
from chromalab.analytics.classify.classifier import METHOD_NAMES
from chromalab.analytics.classify.methods import METHODS
from chromalab.embed import WordLlama
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def bank():
    """A snapshot of all questions with one of twenty intents, embedded by WordLlama, and the intents."""
    found = datasets.load("banking77")
    intents = [metadata["intent"] for metadata in found.metadatas]
    some = set(sorted(set(intents))[:20])
    rows = [row for row, intent in enumerate(intents) if intent in some]
    texts = [found.documents[row] for row in rows]
    vectors = np.asarray(WordLlama()(texts), dtype=np.float32)
    return Snapshot.of(vectors, documents=texts), [intents[row] for row in rows]


def some_of(labels, each, seed=0):
    """Return `each` labels of each class, and None for all other records."""
    rng, given = np.random.default_rng(seed), [None] * len(labels)
    array = np.array(labels)
    for label in sorted(set(labels)):
        for row in rng.permutation(np.flatnonzero(array == label))[:each].tolist():
            given[row] = label
    return given


@pytest.fixture(scope="module")
def by_ten(bank):
    """A classification of the questions from ten labels per intent."""
    return classify(bank[0], some_of(bank[1], 10))


@pytest.fixture(scope="module")
def by_twenty(bank):
    """A classification of the questions from twenty labels per intent."""
    return classify(bank[0], some_of(bank[1], 20))


def accuracy(found, truth):
    """Return the share of the unlabeled records whose predicted label is correct."""
    hits = [
        one == other
        for one, other, own in zip(found.predicted, truth, found.is_labeled, strict=True)
        if not own
    ]
    return np.mean(hits)


@pytest.mark.parametrize(("each", "least"), [(1, 0.4), (2, 0.5), (3, 0.55), (5, 0.65)])
def test_accuracy_grows_with_the_number_of_labels(bank, each, least):
    snapshot, truth = bank
    found = classify(snapshot, some_of(truth, each))
    assert accuracy(found, truth) > least
    assert (found.method == "few-shot") == (each <= 2) or found.tried
    assert found.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)


def test_ten_labels_per_class_predict_most_intents(bank, by_ten):
    assert accuracy(by_ten, bank[1]) > 0.72
    assert by_ten.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("each", [1, 2])
def test_with_one_or_two_labels_per_class_the_unlabeled_records_help(bank, each):
    snapshot, truth = bank
    given = some_of(truth, each, seed=3)
    alone = accuracy(classify(snapshot, given, method="logistic"), truth)
    assert accuracy(classify(snapshot, given), truth) > alone


def test_the_method_is_chosen_by_cross_validation_and_reported(bank, by_ten):
    (snapshot, truth), found = bank, by_ten
    tried = {row["method"]: row["score"] for row in found.tried}
    assert len(tried) == 9
    assert tried[found.method] >= tried["logistic"]
    assert "held-out labels" in found.why
    assert found.method in repr(found)
    requested = classify(snapshot, some_of(truth, 10), method="knn")
    assert (requested.method, requested.why) == ("knn", "requested")


def test_cross_validated_accuracy_is_that_of_new_records(bank, by_twenty):
    (_, truth), found = bank, by_twenty
    assert found.report.labels == 400
    assert found.report.accuracy == pytest.approx(accuracy(found, truth), abs=0.06)
    assert found.report.support.tolist() == [20] * 20
    assert 0 < found.report.macro_f1 <= 1
    assert found.report.df().shape == (20, 5)
    counts = found.confusion()
    assert counts.to_numpy().sum() == 400
    assert np.trace(counts.to_numpy()[:, :20]) == round(found.report.accuracy * 400)


def test_probabilities_are_calibrated(bank, by_twenty):
    from chromalab.analytics.classify.calibration import expected_calibration_error

    (_, truth), found = bank, by_twenty
    new = ~found.is_labeled
    hits = np.array([one == other for one, other in zip(found.predicted, truth, strict=True)])
    assert expected_calibration_error(found.confidence[new], hits[new]) < 0.07
    assert "calibrated on 400 held-out labels" in found.calibrated


def test_a_threshold_abstains_without_training_again(bank, by_ten):
    (snapshot, truth), found = bank, by_ten
    strict = found.at(0.9)
    assert strict.probabilities is found.probabilities
    confident = [row for row, label in enumerate(strict.predicted) if label is not None]
    assert 0 < len(confident) < len(truth)
    assert np.mean([strict.predicted[row] == truth[row] for row in confident]) > accuracy(
        found, truth
    )
    assert strict.report.abstained > 0
    assert strict.confusion()["no label"].sum() == strict.report.abstained
    assert strict.at(None).labels == found.labels
    assert classify(snapshot, some_of(truth, 10), threshold=0.9).labels == strict.labels


def test_wrong_labels_are_suspects(bank):
    snapshot, truth = bank
    given = some_of(truth, 20)
    rng, kinds = np.random.default_rng(1), sorted(set(truth))
    labeled = [row for row, label in enumerate(given) if label is not None]
    wrong = rng.permutation(labeled)[:20].tolist()
    for row in wrong:
        given[row] = kinds[(kinds.index(truth[row]) + 7) % 20]
    suspects = classify(snapshot, given).suspects()
    found = [int(id) for id in suspects["id"]]
    assert len(set(wrong) & set(found[:20])) >= 12
    caught = suspects[suspects["id"].isin([str(row) for row in wrong])]
    fixed = [
        truth[int(id)] == label for id, label in zip(caught["id"], caught["suggested"], strict=True)
    ]
    assert np.mean(fixed) > 0.7


def test_the_same_seed_gives_the_same_result(bank):
    snapshot, truth = bank
    given = some_of(truth, 4)
    one, other = classify(snapshot, given), classify(snapshot, given)
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert (one.method, one.tried) == (other.method, other.tried)


def test_records_may_have_more_than_one_label():
    rng = np.random.default_rng(0)
    codes = rng.random((200, 3)) < 0.4
    codes[~codes.any(axis=1), 0] = True
    rows = codes @ np.eye(3, 8) * 2 + rng.normal(0, 0.3, (200, 8))
    truth = [tuple(np.array(["x", "y", "z"])[row].tolist()) for row in codes]
    given = [list(label) if row < 100 else None for row, label in enumerate(truth)]
    found = classify(rows, given)
    assert found.multilabel
    assert (
        np.mean([set(a) == set(b) for a, b in zip(found.labels[100:], truth[100:], strict=True)])
        > 0.9
    )
    assert found.report.macro_f1 > 0.9
    sure = found.at(0.995).predicted
    assert sum(map(len, sure)) < sum(map(len, found.predicted))
    with pytest.raises(InvalidArgumentError, match=r"report\.df"):
        found.confusion()
    with pytest.raises(InvalidArgumentError, match="more than one"):
        classify(rows, given, method="few-shot")
    given[0] = ["y"] if truth[0] != ("y",) else ["z"]
    assert classify(rows, given).suspects()["given"].map(type).eq(tuple).all()


@pytest.mark.parametrize(
    ("rows", "labels", "expected"),
    [
        (np.empty((0, 3)), [], []),
        ([[1, 0]], ["a"], ["a"]),
        (np.eye(3), ["a", None, float("nan")], ["a", "a", "a"]),
        (np.eye(3), ["a", "a", "a"], ["a", "a", "a"]),
        (np.eye(4), [1, "1", True, 1.0], [1, "1", True, 1.0]),
        (np.zeros((3, 2)), ["a", "b", None], ["a", "b", "a"]),
        (np.ones((3, 2)), ["a", "b", None], ["a", "b", "a"]),
    ],
    ids=str,
)
def test_small_and_degenerate_data_is_classified(rows, labels, expected):
    found = classify(rows, labels)
    assert found.labels == expected
    assert [type(label) for label in found.labels] == [type(label) for label in expected]
    assert not np.isnan(found.probabilities).any()
    assert repr(found)
    assert found.df().shape == (len(expected), 5)
    assert len(found.suspects()) == 0


def test_a_thousand_classes_are_distinguished():
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(1000, 32)), 3, axis=0) + rng.normal(0, 0.1, (3000, 32))
    given = [f"class {row // 3}" if row % 3 else None for row in range(3000)]
    found = classify(rows, given)
    assert len(found.classes) == 1000
    assert np.mean([found.labels[row] == f"class {row // 3}" for row in range(0, 3000, 3)]) > 0.95


def test_hostile_labels_and_texts_are_escaped():
    rng = np.random.default_rng(0)
    rows = np.repeat(np.eye(2), 40, axis=0) + rng.normal(0, 0.3, (80, 2))
    labels = [HOSTILE if row < 40 else "$x_ü$" for row in range(80)]
    labels[0], labels[1] = "$x_ü$", None
    found = classify(Snapshot.of(rows, documents=[HOSTILE] * 80), labels)
    assert "<img src=x" not in found._repr_html_()
    assert "data:image/png" in found._repr_html_()
    assert "<img src=x" not in found.report._repr_html_()


def test_invalid_arguments_raise():
    rows = np.eye(3)
    with pytest.raises(InvalidArgumentError, match="Pass field alone, or one or both"):
        classify(rows)
    with pytest.raises(InvalidArgumentError, match="Pass field alone"):
        classify(rows, ["a", "b", None], labels=["a"])
    with pytest.raises(InvalidArgumentError, match="all are None"):
        classify(rows, [None] * 3)
    with pytest.raises(InvalidArgumentError, match="got 1 labels for 3 records"):
        classify(rows, ["a"])
    with pytest.raises(InvalidArgumentError, match="Did you mean 'logistic'"):
        classify(rows, ["a", "b", None], method="logistics")
    with pytest.raises(InvalidArgumentError, match="from 0 to 1"):
        classify(rows, ["a", "b", None], threshold=2)
    with pytest.raises(InvalidArgumentError, match="most records have none"):
        classify(rows, ["a", "b", None], method="words")
    with pytest.raises(
        InvalidArgumentError, match="A label must be a string, a number or a boolean"
    ):
        classify(rows, [{"a": 1}, "b", None])
    with pytest.raises(InvalidArgumentError, match="no embedding function"):
        classify(rows, labels=["a", "b"])
    with pytest.raises(InvalidArgumentError, match="examples must be texts by label"):
        classify(rows, examples="a")
    with pytest.raises(InvalidArgumentError, match="labels must be names"):
        classify(rows, labels="a,b")
    assert isinstance(chromalab.errors.InvalidArgumentError("x"), ValueError)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"field": 5}, "field must be"),
        ({"examples": {"tea": 5}}, "examples must be"),
        ({"examples": {"tea": None}}, "examples must be"),
        ({"field": ["a", "b"], "random_state": -1}, "random_state"),
        ({"field": ["a", "b"], "random_state": 1.5}, "random_state"),
    ],
)
def test_invalid_labels_and_seeds_raise(options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        classify(np.eye(2), **options)


def test_the_named_methods_are_those_that_there_are():
    assert set(METHOD_NAMES) == {"auto", *METHODS}
