"""`label_queue`: which records to label next, and whether it is worth it."""

import numpy as np
import pytest

from chromalab import datasets
from chromalab.analytics import label_queue
from chromalab.analytics.labeling.learning_curve import learning_curve
from chromalab.analytics.labeling.strategies import farthest_first
from chromalab.embed import WordLlama
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def bank():
    """A snapshot of 30 questions of each of 20 intents, embedded by WordLlama, and the intents."""
    found = datasets.load("banking77")
    intents = np.array([metadata["intent"] for metadata in found.metadatas])
    rows = np.concatenate([np.flatnonzero(intents == one)[:30] for one in np.unique(intents)[:20]])
    texts = [found.documents[row] for row in rows]
    vectors = np.asarray(WordLlama()(texts), dtype=np.float32)
    return Snapshot.of(vectors, documents=texts), intents[rows].tolist()


@pytest.fixture
def points(client):
    """Three groups, two of which have one label."""
    rng = np.random.default_rng(0)
    made = client.create_collection("points", embedding_function=None)
    rows = np.repeat(np.eye(3, 6), 30, axis=0) + rng.normal(0, 0.2, (90, 6))
    kinds = {0: "a", 30: "b"}
    made.add(
        ids=[str(row) for row in range(90)],
        embeddings=rows,
        documents=[f"{HOSTILE} {row}" for row in range(90)],
        metadatas=[{"kind": kinds[row]} if row in kinds else None for row in range(90)],
    )
    return made


@pytest.mark.parametrize("seed", range(3))
def test_the_first_queue_covers_more_classes_than_chance(bank, seed):
    snapshot, truth = bank
    seen = {
        strategy: len(
            {
                truth[row]
                for row in label_queue(
                    snapshot, [None] * len(truth), strategy=strategy, n=20, random_state=seed
                ).rows
            }
        )
        for strategy in ("auto", "random")
    }
    assert seen["auto"] > seen["random"]


def test_later_queues_select_what_the_model_is_uncertain_about(bank):
    snapshot, truth = bank
    given, stages = [None] * len(truth), []
    for _ in range(4):
        queue = label_queue(snapshot, given, n=20)
        assert all(given[row] is None for row in queue.rows)
        stages.append(queue.stage)
        for row in queue.rows.tolist():
            given[row] = truth[row]
    assert stages[0] == "k-center"
    assert stages[-1] == "margin"
    assert label_queue(snapshot, given, n=5).confidence.max() < 0.6


def test_labels_are_written_and_used_by_the_next_queue(points):
    queue = points.label_queue("kind", n=3)
    assert queue.labeled == 2
    assert len(queue) == len(queue.documents) == 3
    assert queue.label({queue.ids[0]: "c", queue.ids[1]: None}) == 1
    again = points.label_queue("kind", n=3)
    assert again.labeled == 3
    assert queue.ids[0] not in again.ids
    assert queue.is_stale
    assert set(again.classes) == {"a", "b", "c"}


def test_a_prediction_is_not_a_label_until_a_user_confirms_it(points):
    points.classify("kind", into="kind")
    queue = points.label_queue("kind", n=2)
    assert queue.labeled == 2
    label = points.get(ids=queue.ids[:1])["metadatas"][0]["kind"]
    queue.label({queue.ids[0]: label})
    assert points.get(ids=queue.ids[:1])["metadatas"] == [{"kind": label}]
    assert points.classify("kind").is_labeled.sum() == 3


def test_invalid_labels_raise_and_nothing_is_written(points):
    queue = points.label_queue("kind", choices=["a", "b"])
    with pytest.raises(InvalidArgumentError, match="'z' is not one of the choices"):
        queue.label({queue.ids[0]: "a", queue.ids[1]: "z"})
    with pytest.raises(InvalidArgumentError, match="No record 'nobody'"):
        queue.label({"nobody": "a"})
    with pytest.raises(InvalidArgumentError, match="dict of labels by id"):
        queue.label(["a"])
    assert points.label_queue("kind").labeled == 2
    with pytest.raises(InvalidArgumentError, match="your own list"):
        label_queue(np.eye(3), [None] * 3).label({"0": "a"})


@pytest.mark.parametrize(
    "strategy", ["k-center", "margin", "margin + diverse", "entropy", "random"]
)
def test_every_strategy_selects_distinct_records_with_reasons(points, strategy):
    queue = points.label_queue("kind", strategy=strategy, n=10)
    assert len(set(queue.ids)) == 10
    assert not {"0", "30"} & set(queue.ids)
    assert all(queue.reasons)
    assert queue.df().shape == (10, 5)
    assert points.label_queue("kind", strategy=strategy, n=10).ids == queue.ids
    assert HOSTILE not in queue._repr_html_()


def test_one_of_several_equal_vectors_is_selected():
    rows = np.repeat(np.eye(4), 5, axis=0)
    queue = label_queue(rows, ["a"] + [None] * 19, n=10)
    assert sorted(row // 5 for row in queue.rows.tolist()) == [1, 2, 3]
    assert len(label_queue(rows[:5], ["a"] + [None] * 4, n=3)) == 3


def test_farthest_first_matches_brute_force():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labeled, candidates = np.array([3, 9]), np.arange(10, 40)
    taken = labeled.tolist()
    for _ in range(6):
        left = [row for row in candidates.tolist() if row not in taken]
        taken.append(max(left, key=lambda row: min(1 - float(rows[row] @ rows[o]) for o in taken)))
    assert candidates[farthest_first(rows, labeled, candidates, 6)[0]].tolist() == taken[2:]


def test_the_learning_curve_shows_when_to_stop(bank):
    snapshot, truth = bank
    easy = np.repeat(np.eye(4, 8), 50, axis=0) + np.random.default_rng(0).normal(0, 0.1, (200, 8))
    flat = label_queue(
        np.vstack([easy, easy[:9] + 0.01]), [row // 50 for row in range(200)] + [None] * 9
    )
    assert flat.should_stop
    assert "you can stop" in repr(flat)
    steep = label_queue(snapshot, [one if row % 3 == 0 else None for row, one in enumerate(truth)])
    assert not steep.should_stop
    assert steep.curve.gain > 0
    assert np.all(np.diff(steep.curve.scores) > 0)
    few = label_queue(snapshot, [one if row < 30 else None for row, one in enumerate(truth)])
    assert "too few labels to estimate" in repr(few)


def test_the_expected_gain_is_close_to_the_actual_gain(bank):
    snapshot, truth = bank
    kinds, codes = np.unique(truth, return_inverse=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(truth))
    given = np.eye(len(kinds), dtype=bool)[codes[order]]
    vectors = snapshot.vectors[order]
    half = learning_curve(vectors[:240], given[:240], 240, multilabel=False, rng=rng)
    whole = learning_curve(vectors[:480], given[:480], 1, multilabel=False, rng=rng)
    assert half.scores[-1] + half.gain == pytest.approx(whole.scores[-1], abs=0.08)


def test_replay_compares_with_random_selection_if_there_are_enough_labels(bank):
    snapshot, truth = bank
    replay = label_queue(snapshot, truth).replay()
    assert replay.labels == len(truth)
    assert replay.gain > 0
    assert "auto" in repr(replay)
    assert "data:image/png" in replay._repr_html_()
    few = label_queue(snapshot, [one if row < 50 else None for row, one in enumerate(truth)])
    assert "too few to compare" in repr(few.replay())
    chance = label_queue(snapshot, truth, strategy="random").replay()
    assert chance.gain == 0


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        (np.empty((0, 2)), []),
        ([[1, 0]], [None]),
        (np.eye(3), ["a", "b", "a"]),
        (np.zeros((4, 2)), [None] * 4),
        (np.eye(4), [["a", "b"], ["a"], None, None]),
    ],
    ids=str,
)
def test_small_and_degenerate_data_has_a_queue(rows, labels):
    queue = label_queue(rows, labels, n=3)
    assert len(queue) <= labels.count(None)
    assert repr(queue)


def test_invalid_arguments_raise(points):
    with pytest.raises(InvalidArgumentError, match="Did you mean 'margin'"):
        points.label_queue("kind", strategy="margn")
    with pytest.raises(InvalidArgumentError, match="n must be an integer"):
        points.label_queue("kind", n=0)
    with pytest.raises(InvalidArgumentError, match="choices must be a list of labels"):
        points.label_queue("kind", choices="ab")
    assert points.label_queue("new", n=2).labeled == 0


@pytest.mark.parametrize(
    "choices", [np.array(["a", "c"]), {"a": 1, "c": 2}, (name for name in "ac"), ["a", "c"]]
)
def test_choices_may_be_any_list_of_labels(points, choices):
    queue = points.label_queue("kind", choices=choices, n=1)
    assert list(queue.parameters["choices"]) == ["a", "c"]
    assert list(queue.classes) == ["a", "c", "b"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"choices": 5}, "choices must be a list of labels"),
        ({"choices": [["a"]]}, "A label must be"),
        ({"choices": ["a", None]}, "choices must be a list of labels"),
        ({"field": None}, "field must be a metadata field"),
        ({"field": 5}, "field must be a metadata field"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_invalid_options_raise(points, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        points.label_queue(**{"field": "kind", **options})
