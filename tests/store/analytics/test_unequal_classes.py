"""Few labels, and unequal classes: the choice of method, the report, the suspects and missing labels."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow
import pytest

from chromalab import datasets
from chromalab.analytics import classify, label_queue, propagate
from chromalab.analytics.classify.linear import fit_linear
from chromalab.analytics.classify.methods import METHODS, class_weights
from chromalab.analytics.classify.model_selection import balanced_weights, default_method
from chromalab.analytics.classify.points import Points
from chromalab.analytics.classify.report import checked_classes, label_errors
from chromalab.analytics.label_values import plain_label
from chromalab.embed import WordLlama
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

pandas = pytest.importorskip("pandas")

SIZES = (19, 6, 4, 2, 1)


@pytest.fixture(scope="module")
def bank():
    """A snapshot of the questions with one of five intents, embedded by WordLlama, and the intents."""
    found = datasets.load("banking77")
    intents = np.array([metadata["intent"] for metadata in found.metadatas])
    some = np.unique(intents)[::15][:5]
    rows = np.flatnonzero(np.isin(intents, some))
    texts = [found.documents[row] for row in rows]
    return Snapshot.of(np.asarray(WordLlama()(texts), dtype=np.float32), documents=texts), intents[
        rows
    ]


def unequal(truth, sizes, seed):
    """Return so many labels of each class, and None for all other records."""
    rng, given = np.random.default_rng(seed), [None] * len(truth)
    for kind, size in zip(np.unique(truth), sizes, strict=True):
        for row in rng.permutation(np.flatnonzero(truth == kind))[:size].tolist():
            given[row] = str(truth[row])
    return given


def balanced_accuracy(predicted, truth):
    said = np.array(predicted, dtype=object)
    return np.mean([np.mean(said[truth == kind] == kind) for kind in np.unique(truth)])


def test_auto_is_close_to_the_best_of_its_methods_with_unequal_classes(bank):
    snapshot, truth = bank
    scores = {name: [] for name in ("auto", *METHODS)}
    for seed in range(3):
        given = unequal(truth, SIZES, seed)
        for name, found in scores.items():
            predicted = classify(snapshot, given, method=name, random_state=seed).predicted
            found.append(balanced_accuracy(predicted, truth))
    mean = {name: np.mean(found) for name, found in scores.items()}
    assert mean["auto"] >= max(mean.values()) - 0.02


def test_the_smallest_class_decides_the_default_method():
    def labels(*sizes):
        return np.repeat(np.eye(len(sizes), dtype=bool), sizes, axis=0)

    assert default_method(labels(50, 40, 10), multilabel=False) == "few-shot"
    assert default_method(labels(50, 40, 11), multilabel=False) == "logistic"
    # One rare class of twenty does not decide.
    assert default_method(labels(*[30] * 19, 1), multilabel=False) == "logistic"


def test_methods_are_compared_by_balanced_accuracy(bank):
    snapshot, truth = bank
    found = classify(snapshot, unequal(truth, (60, 20, 8, 5, 4), 0))
    assert "balanced accuracy" in found.why
    score = next(row["score"] for row in found.tried if row["method"] == found.method)
    assert score == pytest.approx(found.report.balanced_accuracy, abs=0.1)


def test_the_report_has_the_recall_of_each_class_and_their_mean(bank):
    snapshot, truth = bank
    found = classify(snapshot, unequal(truth, (60, 20, 8, 5, 4), 0))
    report = found.report
    counts = found.confusion().to_numpy()[:, :5]
    np.testing.assert_allclose(report.recall, np.diag(counts) / counts.sum(axis=1))
    assert report.balanced_accuracy == pytest.approx(report.recall.mean())
    assert f"balanced accuracy {report.balanced_accuracy:.1%}" in repr(found)


def test_every_class_counts_the_same_in_a_linear_model():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 4)).astype(np.float32)
    given = np.eye(2, dtype=bool)[[0] * 40 + [1] * 20]
    weights = (given @ class_weights(given)).astype(np.float32)
    weights /= weights.mean()
    twice = np.r_[np.arange(60), np.arange(40, 60)]  # each label of the small class two times
    weighted = fit_linear(rows, given, loss="softmax", C=10, weights=weights)
    repeated = fit_linear(rows[twice], given[twice], loss="softmax", C=10 * 60 / 80)
    np.testing.assert_allclose(weighted.scores(rows), repeated.scores(rows), atol=0.05)
    assert balanced_weights(given)[given[:, 0]].sum() == pytest.approx(0.5)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_class_with_few_labels_is_found_by_every_method(bank, method):
    snapshot, truth = bank
    rows = np.flatnonzero([label is not None for label in unequal(truth, (40, 5, 5, 5, 5), 1)])
    kinds, codes = np.unique(truth, return_inverse=True)
    points = Points(snapshot, np.empty((0, snapshot.dimension), dtype=np.float32))
    score = METHODS[method](
        points, rows, np.eye(5, dtype=bool)[codes[rows]], np.arange(len(truth)), False
    )
    recall = [np.mean(score[codes == kind].argmax(axis=1) == kind) for kind in range(len(kinds))]
    assert min(recall[1:]) > 0.4


def test_correct_labels_are_hardly_ever_suspects(bank):
    snapshot, truth = bank
    suspects = labels = 0
    for seed in range(5):
        given = unequal(truth, (40, 12, 8, 5, 3), seed)
        suspects += len(classify(snapshot, given).suspects())
        labels += 68
    assert suspects < 0.05 * labels


def test_there_are_no_suspects_where_a_class_has_too_few_labels():
    given = np.eye(3, dtype=bool)[[0] * 30 + [1] * 30 + [2] * 4 + [0, 2]]
    held_out = np.where(given, 0.98, 0.01).astype(np.float32)
    held_out[64] = 0.01, 0.98, 0.01  # of a class with 31 labels
    held_out[65] = 0.01, 0.98, 0.01  # of one with 5, until one of them is not held out
    assert label_errors(held_out, given, multilabel=False).tolist() == [64, 65]
    held_out[60] = np.nan
    assert label_errors(held_out, given, multilabel=False).tolist() == [64]
    assert checked_classes(held_out, given).tolist() == [True, True, False]
    # A model that is wrong more often than right finds no errors.
    held_out[:20] = 0.01, 0.98, 0.01
    assert len(label_errors(held_out, given, multilabel=False)) == 0


def test_three_labels_of_each_of_many_classes_have_no_suspects_and_are_not_enough():
    found = datasets.load("banking77")
    intents = np.array([metadata["intent"] for metadata in found.metadatas])
    kinds = np.unique(intents)[:30]
    rows = np.concatenate([np.flatnonzero(intents == kind)[:10] for kind in kinds])
    texts = [found.documents[row] for row in rows]
    snapshot = Snapshot.of(np.asarray(WordLlama()(texts), dtype=np.float32), documents=texts)
    given = [str(intents[row]) if at % 10 < 3 else None for at, row in enumerate(rows)]
    result = classify(snapshot, given)
    assert len(result.suspects()) == 0
    queue = label_queue(snapshot, given)
    assert not queue.should_stop
    assert "you can stop" not in repr(queue)
    # The queue and the classification give one number for the same labels.
    assert queue.curve.method == result.method
    assert queue.curve.accuracy == pytest.approx(result.report.balanced_accuracy)


def test_missing_and_blank_values_are_no_labels():
    nothing = [
        None,
        float("nan"),
        np.float32("nan"),
        pandas.NA,
        pandas.NaT,
        np.datetime64("NaT"),
        np.ma.masked,
        "",
        " \t\n",
    ]
    assert [plain_label(value) for value in nothing] == [None] * len(nothing)
    assert plain_label(Decimal("sNaN")) is None
    there = ["None", "nan", 0, False, 0.0, np.str_("a"), np.int64(2), np.bool_(True)]
    plain = [plain_label(value) for value in there]
    assert plain == ["None", "nan", 0, False, 0.0, "a", 2, True]
    assert [type(value) for value in plain] == [str, str, int, bool, float, str, int, bool]


def test_values_of_columns_are_the_labels_that_metadata_would_hold():
    day = "2024-06-01"
    columns = (
        [np.datetime64(day, "ns"), pandas.Timestamp(day)],
        [np.datetime64(day), datetime.date(2024, 6, 1)],
        [Decimal("1.5"), pyarrow.scalar(1.5)],
    )
    found = [{plain_label(value) for value in column} for column in columns]
    assert found == [{"2024-06-01T00:00:00"}, {day}, {1.5}]


def test_labels_with_ids_belong_to_the_records_with_these_ids(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a", "b", "c", "d"], embeddings=np.eye(2)[[0, 0, 1, 1]])
    given = pandas.Series(["right", "left"], index=["d", "a"])
    for labels in (given, given.to_dict()):
        assert points.propagate(labels).labels == ["left", "left", "right", "right"]
        assert points.label_queue(labels, n=4).labeled == 2


COLUMNS = {
    "list": lambda labels: labels,
    "array": lambda labels: np.array(labels, dtype=object),
    "text": lambda labels: np.array([label or "" for label in labels]),
    "series": lambda labels: pandas.Series(labels, index=range(100, 100 + len(labels))),
    "nullable": lambda labels: pandas.Series(labels, dtype="string"),
    "category": lambda labels: pandas.Series(labels, dtype="category"),
    "table": lambda labels: pandas.DataFrame({"label": labels}),
    "blank": lambda labels: ["  " if label is None else label for label in labels],
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_labels_may_be_any_column(kind):
    rng = np.random.default_rng(0)
    rows = np.repeat(np.eye(2, 4), 30, axis=0) + rng.normal(0, 0.1, (60, 4))
    labels = [None if row % 3 else "ab"[row // 30] for row in range(60)]
    column = COLUMNS[kind](labels)
    truth = ["ab"[row // 30] for row in range(60)]
    assert classify(rows, column).labels == truth
    assert propagate(rows, column).labels == truth
    queue = label_queue(rows, column, n=3)
    assert (queue.labeled, queue.unlabeled) == (20, 40)
    assert list(queue.classes) == ["a", "b"]


def test_nullable_numbers_and_booleans_are_labels():
    rows = np.eye(6)
    numbers = pandas.Series([1, 2, None, 1, 2, None], dtype="Int64")
    assert {type(label) for label in classify(rows, numbers).labels} == {int}
    answers = pandas.Series([True, False, None, True, False, None], dtype="boolean")
    assert {type(label) for label in propagate(rows, answers, alpha=0.5).labels} <= {
        bool,
        type(None),
    }


@pytest.mark.parametrize("analyze", [classify, propagate, label_queue])
@pytest.mark.parametrize("labels", [{"a": 1, "b": 2, "c": 3}, {"a", "b", "c"}], ids=["dict", "set"])
def test_labels_without_an_order_raise(analyze, labels):
    with pytest.raises(InvalidArgumentError, match="field must be"):
        analyze(np.eye(3), labels)


def test_blank_labels_in_metadata_are_predicted(client):
    points = client.create_collection("points", embedding_function=None)
    labels = ["a", "b", "", " ", "a", "b"]
    points.add(
        ids=list("uvwxyz"),
        embeddings=np.eye(2)[[0, 1, 0, 1, 0, 1]] + 0.01 * np.arange(6)[:, None],
        metadatas=[{"kind": label} for label in labels],
    )
    found = points.classify("kind", into="kind")
    assert found.labels == ["a", "b", "a", "b", "a", "b"]
    assert [one["kind"] for one in points.get()["metadatas"]] == found.labels
    assert points.label_queue("kind").labeled == 4
    assert points.propagate("kind").labels == found.labels


def test_a_series_of_labels_by_id_is_written_without_its_gaps(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=list("abcd"), embeddings=np.eye(4))
    queue = points.label_queue("kind", n=4)
    labels = pandas.Series(["tea", pandas.NA, "", "chalk"], index=list("abcd"), dtype="string")
    assert queue.label(labels) == 2
    assert queue.label({"b": np.int64(3), "c": float("nan")}) == 1
    metadatas = points.get()["metadatas"]
    assert metadatas == [{"kind": "tea"}, {"kind": 3}, None, {"kind": "chalk"}]


def test_the_order_of_the_classes_does_not_depend_on_which_record_has_which_label():
    rows = np.eye(6)
    one = label_queue(rows, ["travel", "card", None, None, "other", None])
    other = label_queue(rows, [None, "card", "other", "travel", None, None])
    assert list(one.classes) == list(other.classes) == ["card", "other", "travel"]
    chosen = label_queue(rows, ["travel", "card"] + [None] * 4, choices=["travel", "work", "card"])
    assert list(chosen.classes) == ["travel", "work", "card"]


def test_the_same_seed_gives_the_same_choice_and_the_same_curve(bank):
    snapshot, truth = bank
    given = unequal(truth, (40, 12, 8, 5, 3), 2)
    one, other = (classify(snapshot, given, random_state=5) for _ in range(2))
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert (one.method, one.tried) == (other.method, other.tried)
    curves = [label_queue(snapshot, given, random_state=5).curve for _ in range(2)]
    assert str(curves[0]) == str(curves[1])
