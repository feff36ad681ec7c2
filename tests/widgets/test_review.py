import re
from pathlib import Path

import anywidget
import numpy as np
import pytest

import chromalab
from chromalab.errors import InvalidArgumentError, NotFoundError
from chromalab.feedback import Decisions
from chromalab_widgets import Review
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.review.duplicate_queue import differences

HOSTILE = "<img src=x onerror=alert(1)>"
WIDGETS = Path(__file__).parents[2] / "widgets"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def client(folder):
    with chromalab.PersistentClient(folder) as client:
        yield client


def send(review, verb, **fields):
    """Deliver a message as the browser sends it."""
    data = {"method": "custom", "content": {"verb": verb, **fields}}
    review._handle_msg({"content": {"data": data}, "buffers": []})


def decide(review, choice, value=None):
    send(review, "decide", item=review.key, choice=choice, value=value)


@pytest.fixture
def teas(client):
    teas = client.create_collection("teas", embedding_function=None)
    teas.add(
        ids=["a", "b", "c", "d", "e", "f"],
        embeddings=[[1, 0, 0], [1, 0, 0.01], [0, 1, 0], [0, 1, 0.01], [0, 0, 1], [0.6, 0.6, 0.5]],
        documents=[
            "green tea from Japan",
            "green tea from China",
            "a piece of white chalk",
            "a piece of blue chalk",
            "a long walk by the sea",
            HOSTILE,
        ],
        metadatas=[{"year": 1}, {"year": 2, "origin": "China"}, None, {"soft": True}, None, None],
    )
    return teas


def duplicates(teas):
    return teas.dedupe(threshold=0.95)


def test_a_group_shows_its_records_and_their_differences(teas):
    review = duplicates(teas).review()
    assert (review.kind, review.collection_name, review.length) == ("duplicates", "teas", 2)
    first, second = review.item["records"]
    assert (first["id"], second["id"]) == ("a", "b")
    assert [list(piece) for piece in second["text"]] == [
        ["green tea from ", 0],
        ["Japan", -1],
        ["China", 1],
    ]
    assert [list(pair) for pair in second["metadata"]] == [
        ["year", "2", True],
        ["origin", "China", True],
    ]
    assert second["note"].startswith("'a' and 'b': semantic")
    assert [choice["name"] for choice in review.choices] == ["merge", "keep", "distinct"]


def test_decisions_are_deferred_applied_in_one_transaction_and_undone(teas):
    review = duplicates(teas).review()
    before = teas.get(include=["documents", "metadatas", "embeddings"])
    decide(review, "merge")
    assert (review.done, review.total, review.position) == (1, 2, 2)
    assert teas.count() == 6
    decide(review, "keep", "d")
    assert (review.key, review.item, review.plan) == ("", {}, "2 deleted, 1 updated")
    send(review, "apply")
    assert (review.error, teas.count()) == ("", 4)
    assert teas.get(ids=["a"])["metadatas"] == [{"year": 1, "origin": "China"}]
    assert teas.get(ids=["d"])["metadatas"] == [{"soft": True}]
    assert review.plan == ""
    send(review, "undo")
    after = teas.get(include=["documents", "metadatas", "embeddings"])
    order = np.argsort(after["ids"])
    assert sorted(after["ids"]) == before["ids"]
    assert [after["metadatas"][at] for at in order] == before["metadatas"]
    assert np.array_equal(after["embeddings"][order], before["embeddings"])
    assert review.plan == "2 deleted, 1 updated"
    send(review, "undo")
    send(review, "undo")
    assert (review.done, review.position, len(review.decisions)) == (0, 1, 0)
    send(review, "undo")
    assert review.error == "There are no decisions to undo in 'duplicates'."


def test_a_review_continues_after_a_restart_and_apply_can_still_be_undone(client, folder):
    teas = client.create_collection("teas", embedding_function=None)
    teas.add(
        ids=["a", "b", "c", "d"],
        embeddings=[[1, 0], [1, 0.01], [0, 1], [0.01, 1]],
        documents=["one", "one!", "two", "two!"],
    )
    review = duplicates(teas).review(by="ada")
    decide(review, "distinct")
    decide(review, "merge")
    client.close()
    with chromalab.PersistentClient(folder) as again:
        teas = again.get_collection("teas", embedding_function=None)
        review = duplicates(teas).review()
        assert (review.done, review.key) == (2, "")
        assert {decision.by for decision in review.decisions} == {"ada"}
        review.apply()
        assert teas.get(include=[])["ids"] == ["a", "b", "c"]
    with chromalab.PersistentClient(folder) as again:
        teas = again.get_collection("teas", embedding_function=None)
        review = duplicates(teas).review()
        assert (review.done, review.length) == (1, 1)
        review.undo()
        assert teas.get(ids=["d"])["documents"] == ["two!"]


def test_other_writes_are_never_overwritten(teas):
    review = duplicates(teas).review()
    decide(review, "merge")
    teas.update(ids=["b"], metadatas=[{"year": 3}])
    send(review, "apply")
    assert "version" in review.error or "changed" in review.error
    assert teas.count() == 6
    assert [decision.choice for decision in review.decisions] == ["merge"]
    with pytest.raises(InvalidArgumentError, match="has changed"):
        Review.of(review.queue.result)


def test_undoing_a_deletion_does_not_overwrite_later_writes(teas):
    review = duplicates(teas).review()
    decide(review, "merge")
    review.apply()
    teas.add(ids=["b"], embeddings=[[1, 1, 1]], documents=["another b"])
    review.undo()
    assert review.status.endswith("; left alone: 1 record changed since")
    assert teas.get(ids=["b"])["documents"] == ["another b"]


def test_invalid_requests_are_refused_with_a_message(teas):
    review = duplicates(teas).review()
    decide(review, "burn")
    assert review.error == "No choice 'burn'. Choices: distinct, keep, merge."
    send(review, "decide", item="another", choice="merge")
    assert review.error == "The item to decide on must be the one shown; got 'another'. Look again."
    decide(review, "keep", "f")
    assert review.error == "The record to keep must be one of ['a', 'b']; got 'f'."
    send(review, "go", by=5)
    assert review.error == "The by of 'go' must be from -1 to 1; got 5."
    send(review, "accept", least=0.9)
    assert review.error == "There are no guesses about duplicates."
    send(review, "apply")
    assert review.error == "Nothing to apply: no decision changes a record."
    send(review, "eval", code="1")
    assert review.error.startswith("No verb 'eval'")
    assert len(review.decisions) == 0


def test_going_back_shows_the_decision_which_can_be_changed(teas):
    review = duplicates(teas).review()
    decide(review, "distinct")
    send(review, "go", by=-1)
    assert (review.position, review.decided) == (1, "Not duplicates")
    decide(review, "merge")
    assert (review.done, review.plan) == (1, "1 deleted, 1 updated")
    for _ in range(3):
        send(review, "go", by=1)
    assert review.position == 2


def test_an_array_cannot_be_reviewed():
    from chromalab.analytics import dedupe

    with pytest.raises(InvalidArgumentError, match="chromalab collection"):
        dedupe([[1.0, 0.0], [1.0, 0.0]]).review()
    with pytest.raises(InvalidArgumentError, match="must be one of Duplicates"):
        Review.of([])


def test_outliers_are_kept_deleted_or_marked(teas):
    found = teas.outliers().at(share=0.5)
    first, second, third = found.outlier_ids
    review = found.review(into="odd")
    assert review.item["records"][0]["id"] == first
    decide(review, "delete")
    decide(review, "mark")
    decide(review, "keep")
    assert review.plan == "1 deleted, 1 marked"
    send(review, "apply")
    assert teas.get(ids=[first])["ids"] == []
    assert teas.get(ids=[second])["metadatas"][0]["odd"] is True
    review.undo()
    assert teas.get(ids=[first])["ids"] == [first]
    assert "odd" not in (teas.get(ids=[second])["metadatas"][0] or {})
    assert teas.get(ids=[third])["ids"] == [third]


@pytest.fixture
def facts(client):
    facts = client.create_collection("facts", embedding_function=chromalab.embed.WordLlama())
    facts.add_from(chromalab.datasets.load("facts"))
    return facts


def test_clusters_are_named_merged_and_dissolved_into_metadata(facts):
    clusters = facts.cluster(n_clusters=4)
    review = clusters.review(into="theme")
    assert review.length == 4
    keys = list(review.queue.items)
    decide(review, "name", "stars")
    assert [target[0] for target in review.item["targets"]] == [keys[0], keys[2], keys[3]]
    decide(review, "merge", keys[0])
    decide(review, "dissolve")
    assert "(1 name)" in review.plan
    send(review, "apply")
    sizes = sorted(clusters.sizes.tolist(), reverse=True)
    assert list(facts.distinct("theme")) == [("stars", sizes[0] + sizes[1])]
    decide(review, "merge", keys[1])
    review.apply()
    assert facts.distinct("theme")[0] == ("stars", sum(sizes) - sizes[2])
    review.undo()
    review.undo()
    review.undo()
    with pytest.raises(InvalidArgumentError, match="theme"):
        facts.distinct("theme")


def test_clusters_cannot_be_merged_into_each_other(facts):
    review = facts.cluster(n_clusters=3).review()
    first, second, _ = review.queue.items
    decide(review, "merge", first)
    assert "must be another cluster" in review.error
    decide(review, "name")
    assert review.error == "'Rename' needs a text. Type one."
    decide(review, "merge", second)
    decide(review, "merge", first)
    assert "merged into each other" in review.error


def test_labels_are_written_immediately_and_undone(facts):
    review = facts.label("kind", choices=["nature", "people"], n=3)
    assert review.item["heading"] == "Label: kind"
    first = review.key
    decide(review, "label 0")
    assert facts.get(ids=[first])["metadatas"][0]["kind"] == "nature"
    assert (review.done, review.total) == (1, facts.count())
    second = review.key
    decide(review, "skip")
    decide(review, "label 1")
    assert review.length == 6
    assert second not in list(review.queue.items)[3:]
    for _ in range(3):
        send(review, "undo")
    assert (review.key, len(review.decisions)) == (first, 0)
    assert "kind" not in facts.get(ids=[first])["metadatas"][0]


def test_confident_guesses_are_accepted_at_once_and_undone(facts):
    about = facts.get(include=["metadatas"])
    truth = {
        id: metadata["topic"] for id, metadata in zip(about["ids"], about["metadatas"], strict=True)
    }
    names = sorted(set(truth.values()))
    review = facts.label("guess", choices=names, n=5)
    for _ in range(20):
        decide(review, f"label {names.index(truth[review.key])}")
    assert review.error == ""
    assert review.item["suggested"].startswith("label ")
    assert re.fullmatch(r".+ \(\d+% confident\)", review.item["guess"])
    send(review, "guesses", least=0.3)
    count = review.confident["count"]
    assert count > 0
    assert len(review.confident["examples"]) == min(5, count)
    send(review, "accept", least=0.3)
    assert sum(n for _, n in facts.distinct("guess")) == 20 + count
    send(review, "undo")
    assert sum(n for _, n in facts.distinct("guess")) == 20


def test_a_record_that_was_deleted_in_the_meantime_cannot_be_labeled(teas):
    review = teas.label("kind", choices=["drink", "thing"], n=3)
    gone = review.key
    teas.delete(ids=[gone])
    decide(review, "label 0")
    assert review.error == f"No record '{gone}': it has been deleted. Skip it."
    assert (review.key, review.done, len(review.decisions)) == (gone, 0, 0)
    decide(review, "skip")
    assert review.error == ""
    assert review.key != gone


def test_a_label_that_was_changed_after_the_decision_is_not_undone(teas):
    review = teas.label("kind", choices=["drink", "thing"], n=3)
    first = review.key
    decide(review, "label 0")
    teas.update(ids=[first], metadatas=[{"kind": "leaf"}])
    send(review, "undo")
    assert review.status == "Undone: drink; left alone: 1 record changed since"
    assert (review.key, review.error, len(review.decisions)) == (first, "", 0)
    assert teas.get(ids=[first])["metadatas"][0]["kind"] == "leaf"
    decide(review, "label 1")
    send(review, "undo")
    assert review.status == "Undone: thing"
    assert teas.get(ids=[first])["metadatas"][0]["kind"] == "leaf"


def test_an_undo_leaves_later_writes_and_requires_new_clusters(facts):
    clusters = facts.cluster(n_clusters=3)
    review = clusters.review(into="theme")
    review.decide("name", "stars")
    review.apply()
    id = clusters.records(0)[0]
    facts.update(ids=[id], metadatas=[{"theme": "mine"}])
    review.undo()
    assert review.status.endswith("; left alone: 1 record changed since")
    assert list(facts.distinct("theme")) == [("mine", 1)]
    with pytest.raises(InvalidArgumentError, match="has changed since"):
        review.apply()


def test_any_label_can_be_typed_if_there_are_no_choices(facts):
    review = facts.label("kind")
    id = review.key
    decide(review, "other", "tea & <b>chalk</b>")
    assert facts.get(ids=[id])["metadatas"][0]["kind"] == "tea & <b>chalk</b>"


def test_clearing_decisions_keeps_their_effect(teas):
    review = duplicates(teas).review()
    review.decide("merge")
    review.apply()
    assert repr(review.decisions) == "Decisions('duplicates', 2 decisions)"
    assert (review.decisions.clear(), len(review.decisions), teas.count()) == (2, 0, 5)


def test_python_can_decide_by_the_label_of_a_choice(teas):
    review = duplicates(teas).review()
    assert review.decide("Not duplicates").choice == "distinct"
    assert repr(review) == "Review(duplicates of 'teas', 1 of 2 decided)"
    with pytest.raises(NotFoundError):
        Decisions(teas, "nothing").undo()


def test_the_html_for_a_saved_notebook_escapes_everything(teas):
    teas.update(ids=["a"], embeddings=[[1, 0, 0]], documents=[HOSTILE])
    review = duplicates(teas).review()
    data, _ = review._repr_mimebundle_()
    assert "<img" not in data["text/html"]
    assert "&lt;img" in data["text/html"]


def test_the_typescript_knows_the_same_traits():
    source = (WIDGETS / "src/review/model.ts").read_text()
    body = re.search(r"interface ReviewModel \{(.*?)\n\}", source, re.DOTALL).group(1)
    ours = set(Review.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    assert set(re.findall(r"^\s+(\w+):", body, re.MULTILINE)) == ours


def test_the_bundle_is_small_and_loads_nothing_from_elsewhere():
    for name in ("review.js", "review.css"):
        text = bundle(name).read_text()
        assert len(text) < 300_000
        assert "//" not in text


@pytest.mark.parametrize(
    ("first", "second"), [("", ""), ("a b", "a b"), ("tea", ""), ("", "tea"), ("月と猫", "月と犬")]
)
def test_differences_contain_both_texts(first, second):
    found = differences(first, second)
    assert "".join(piece for piece, mark in found if mark >= 0) == second
    assert "".join(piece for piece, mark in found if mark <= 0) == first
