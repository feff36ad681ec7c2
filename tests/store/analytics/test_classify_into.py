"""Classification of a collection: examples, names, and writes, which never replace a user's label."""

import numpy as np
import pytest

from chromalab import analytics
from chromalab.analytics import classify
from chromalab.errors import InvalidArgumentError

TEXTS = {
    "a": "I lost my card in the supermarket",
    "b": "my card was stolen yesterday",
    "c": "I want my money back for this purchase",
    "d": "please refund the payment I made",
    "e": "where is the nearest cash machine",
    "f": "is there an ATM near the station",
}


@pytest.fixture
def bank(client):
    """Six questions embedded by the built-in model, three of them labeled."""
    made = client.create_collection("bank")
    kinds = {"a": "lost", "c": "refund", "e": "cash"}
    made.add(
        ids=list(TEXTS),
        documents=list(TEXTS.values()),
        metadatas=[{"kind": kinds[id]} if id in kinds else {"n": 1} for id in TEXTS],
    )
    return made


def metadata(collection, id):
    return collection.get(ids=[id])["metadatas"][0]


def test_predictions_are_written_beside_labels_and_not_learned_from(bank):
    found = bank.classify("kind", into="kind")
    assert found.labels == ["lost", "lost", "refund", "refund", "cash", "cash"]
    assert metadata(bank, "a") == {"kind": "lost"}
    written = metadata(bank, "b")
    assert (written["kind"], written["kind_predicted"]) == ("lost", "lost")
    assert 0 < written["kind_confidence"] <= 1
    assert not found.is_stale
    again = bank.classify("kind")
    assert again.is_labeled.tolist() == [True, False] * 3
    assert bank.count(where={"kind_confidence": {"$gte": 0}}) == 3


def test_a_corrected_prediction_is_a_label(bank):
    bank.classify("kind", into="kind")
    bank.update(ids=["b"], metadatas=[{"kind": "stolen"}])
    again = bank.classify("kind", into="kind")
    assert again.is_labeled.tolist() == [True, True, True, False, True, False]
    assert metadata(bank, "b")["kind"] == "stolen"


def test_a_label_given_in_the_meantime_is_not_overwritten(bank):
    found = bank.classify("kind")
    bank.update(ids=["b", "d"], metadatas=[{"kind": "stolen"}, {"other": 1}])
    assert found.into("kind").is_stale
    assert metadata(bank, "b") == {"n": 1, "kind": "stolen"}
    assert metadata(bank, "d")["kind"] == "refund"


def test_another_field_is_written_except_where_it_has_a_value(bank):
    bank.update(ids=["f"], metadatas=[{"guess": "mine"}])
    bank.classify("kind", into="guess")
    assert metadata(bank, "a")["guess"] == "lost"
    assert metadata(bank, "f") == {"n": 1, "guess": "mine"}
    with pytest.raises(InvalidArgumentError, match="all predictions"):
        bank.classify("guess", where={"guess": "lost"})


def test_a_label_below_the_threshold_removes_an_old_prediction(bank):
    bank.classify("kind", into="kind")
    bank.classify("kind", threshold=1.0, into="kind")
    assert metadata(bank, "b") == {"n": 1}
    assert metadata(bank, "a") == {"kind": "lost"}


def test_examples_and_names_are_embedded_by_the_collection(bank):
    examples = {"lost": ["card stolen", "my card is gone"], "refund": ["money back"]}
    found = bank.classify(examples=examples)
    assert found.labels[:4] == ["lost", "lost", "refund", "refund"]
    assert found.examples == ("card stolen", "my card is gone", "money back")
    pairs = [(text, label) for label, texts in examples.items() for text in texts]
    assert bank.classify(examples=pairs).labels == found.labels
    named = bank.classify(labels={"lost_card": "the card is gone", "refund": "", "cash": "an ATM"})
    assert named.labels == ["lost_card"] * 2 + ["refund"] * 2 + ["cash"] * 2
    assert named.method == "zero-shot"
    assert "not calibrated" in named.calibrated
    both = bank.classify(examples=examples, labels=["lost", "refund", "cash machine"])
    assert both.labels[4:] == ["cash machine"] * 2
    with pytest.raises(InvalidArgumentError, match="Did you mean 'refund'"):
        bank.classify(examples={"refnd": "money"}, labels=["refund", "lost"])


def test_labels_of_different_types_are_distinguished(bank):
    one = bank.classify(examples={1: "card", 2: "money"})
    other = bank.classify(examples={"1": "card", "2": "money"})
    assert (one.classes, other.classes) == ((1, 2), ("1", "2"))


def test_the_result_is_cached_until_the_collection_changes(tmp_path):
    import chromalab

    with chromalab.PersistentClient(tmp_path) as client:
        rng = np.random.default_rng(0)
        points = client.create_collection("points", embedding_function=None)
        rows = np.repeat(np.eye(3), 30, axis=0) + rng.normal(0, 0.2, (90, 3))
        kinds = [{"kind": row // 30} if row % 2 else None for row in range(90)]
        points.add(ids=[str(row) for row in range(90)], embeddings=rows, metadatas=kinds)
        first = points.classify("kind")
        again = points.classify("kind")
        assert list((tmp_path / "cache").rglob("classification-*.result"))
        np.testing.assert_array_equal(first.held_out, again.held_out)
        assert repr(first) == repr(again)
        assert again.classes == (0, 1, 2)
        points.update(ids=["0"], metadatas=[{"kind": 7}])
        assert first.is_stale
        assert 7 in points.classify("kind").classes


def test_several_labels_are_written_as_lists(client):
    rng = np.random.default_rng(0)
    points = client.create_collection("points", embedding_function=None)
    rows = np.repeat(np.eye(2), 30, axis=0) + rng.normal(0, 0.1, (60, 2))
    tags = [{"tags": ["all", "xy"[row // 30]]} if row % 2 else None for row in range(60)]
    points.add(ids=[str(row) for row in range(60)], embeddings=rows, metadatas=tags)
    points.classify("tags", into="tags")
    assert metadata(points, "0")["tags"] == ["all", "x"]
    assert points.classify("tags").is_labeled.sum() == 30


def test_a_collection_of_another_client_is_classified_and_written_to(bank):
    class Other:
        """A collection of another client, with `get`, `count` and `update` only."""

        name = "other"

        def __init__(self, collection):
            self.get, self.count, self.update = collection.get, collection.count, collection.update

    classify(Other(bank), "kind").into("kind")
    assert metadata(bank, "a") == {"kind": "lost"}
    assert metadata(bank, "d")["kind_predicted"] == "refund"


def test_an_array_cannot_be_written_to_and_an_unknown_field_suggests_similar_ones(bank):
    with pytest.raises(InvalidArgumentError, match="no collection to write to"):
        analytics.classify(np.eye(2), ["a", "b"]).into("kind")
    with pytest.raises(InvalidArgumentError, match="Did you mean 'kind'"):
        bank.classify("knd")


def test_a_users_own_field_with_the_name_of_the_mark_does_not_hide_labels(client):
    points = client.create_collection("points", embedding_function=None)
    rows = np.repeat(np.eye(2), 3, axis=0) + np.linspace(0, 0.1, 6)[:, None]
    kinds = [{"kind": "x"}, {"kind": "x"}, None, {"kind": "y"}, {"kind": "y"}, None]
    points.add(ids=list("abcdef"), embeddings=rows, metadatas=kinds)
    points.classify("kind", into="kind_predicted")
    assert points.classify("kind").is_labeled.tolist() == [True, True, False, True, True, False]
    points.update(ids=list("abcdef"), metadatas=[{"kind_predicted": "x"}] * 6)
    points.classify(field="kind", into="kind")
    assert [metadata(points, id)["kind"] for id in "abde"] == ["x", "x", "y", "y"]
    assert points.classify("kind").is_labeled.tolist() == [True, True, False, True, True, False]
