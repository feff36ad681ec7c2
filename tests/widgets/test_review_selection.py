"""A review and the selection of its collection follow each other."""

import pytest

import chromalab
from chromalab_widgets import Map


def send(review, verb, **fields):
    """Deliver a message as the browser sends it."""
    data = {"method": "custom", "content": {"verb": verb, **fields}}
    review._handle_msg({"content": {"data": data}, "buffers": []})


@pytest.fixture
def teas(client):
    teas = client.create_collection("teas", embedding_function=None)
    teas.add(
        ids=["a", "b", "c", "d", "e", "f"],
        embeddings=[[1, 0, 0], [1, 0, 0.01], [0, 1, 0], [0, 1, 0.01], [0, 0, 1], [0.6, 0.6, 0.5]],
        documents=["green tea", "green teas", "white chalk", "white chalks", "a walk", "the sea"],
    )
    return teas


@pytest.fixture
def review(teas):
    """Of two groups of duplicates: a and b, c and d. It follows the selection."""
    review = teas.dedupe(threshold=0.95).review()
    review.follows = True
    teas.selection.set([])
    return review


def test_opening_a_review_keeps_the_selection_and_does_not_follow_it(teas):
    teas.selection = ["c", "e"]
    review = teas.dedupe(threshold=0.95).review()
    assert (teas.selection.ids, review.position) == (["c", "e"], 1)
    assert review.selected_ids == ("c", "e")
    review.go(1)
    assert teas.selection.ids == ["c", "e"]  # it does not follow by default


def test_every_move_selects_the_shown_records_in_map_and_table(teas, review):
    table, map = teas.table(), Map(teas, "pca")
    table.only_selection = True
    review.go(1)
    assert table.ids() == ["c", "d"]
    assert len(map.selected) == 2 * 4
    review.go(-1)
    assert table.ids() == ["a", "b"]
    review.decide("distinct")
    assert (review.position, table.ids()) == (2, ["c", "d"])
    review.decide("distinct")  # nothing is left to show
    assert (review.key, table.ids()) == ("", ["c", "d"])
    review.undo()
    review.undo()
    assert (review.position, table.ids()) == (1, ["a", "b"])


def test_a_selection_made_elsewhere_shows_its_item(teas, review):
    table = teas.table()
    teas.selection = ["e", "d", "f"]
    assert (review.position, review.item["records"][0]["id"]) == (2, "c")
    assert teas.selection.ids == ["e", "d", "f"]  # the selection stays
    table._select_rows(0, None, "replace", table.generation)
    assert (review.position, teas.selection.ids) == (1, ["a"])
    teas.selection = ["e"]  # in no item
    teas.selection = []
    assert review.position == 1
    teas.selection = ["d", "b"]  # the item shown has one of them
    assert review.position == 1


def test_a_selection_that_moves_the_review_keeps_decisions(teas, review):
    review.decide("distinct")
    teas.selection = ["b"]
    assert (review.position, review.decided, review.done) == (1, "Not duplicates", 1)


def test_reviews_over_one_collection_move_each_other_once(teas, review):
    labels = teas.label("kind", choices=["drink", "thing"], n=6)
    labels.follows = True
    moves = []
    teas.selection.watch(lambda selection: moves.append(selection.ids))
    review.go(1)
    assert moves == [["c", "d"]]
    assert labels.key in ("c", "d")
    labels.decide("skip")
    assert moves == [["c", "d"], [labels.key]]


def test_following_can_be_switched_off_and_on(teas, review):
    send(review, "follow", on=False)
    assert (review.error, review.follows) == ("", False)
    review.go(1)
    assert teas.selection.ids == []
    teas.selection = ["a"]
    assert review.position == 2
    review.follows = True
    assert teas.selection.ids == ["c", "d"]
    send(review, "follow", on=1)
    assert review.error == "The on of 'follow' must be true or false; got 1."


def test_deleted_records_do_not_stay_selected(teas, review):
    teas.selection = ["a", "b"]
    review.decide("keep")
    review.decide("distinct")
    teas.selection = ["b", "f", "d"]
    review.apply()
    assert teas.selection.ids == ["f", "d"]
    review.go(-1)
    review.go(-1)
    assert (review.position, teas.selection.ids) == (1, ["a"])


def test_outliers_labels_and_clusters_select_their_records(teas):
    outliers = teas.outliers().at(share=0.5).review()
    outliers.follows = True
    outliers.go(1)
    assert teas.selection.ids == [outliers.key]
    outliers.close()
    labels = teas.label("kind", choices=["drink", "thing"], n=6)
    labels.follows = True
    labels.decide("skip")
    assert teas.selection.ids == [labels.key]
    labels.close()
    clusters = teas.cluster(n_clusters=2)
    review = clusters.review()
    review.follows = True
    review.go(1)
    (second,) = [label for label in (0, 1) if clusters.records(label) == teas.selection.ids]
    teas.selection = clusters.records(1 - second)[:1]
    assert review.position == 1


def test_a_closed_review_does_not_follow(teas, review):
    review.close()
    teas.selection = ["c"]
    assert review.position == 1


def test_a_widget_that_cannot_follow_does_not_affect_the_others(tmp_path):
    with (
        chromalab.PersistentClient(tmp_path) as first,
        chromalab.PersistentClient(tmp_path) as second,
    ):
        teas = first.create_collection("teas", embedding_function=None)
        teas.add(ids=["a", "b", "c", "d"], embeddings=[[1, 0], [1, 0], [0, 1], [0, 1]])
        review, table = teas.dedupe().review(), teas.table()
        review.follows = True
        again = second.get_collection("teas", embedding_function=None)
        first.close()
        again.selection = ["c"]
        assert again.selection.ids == ["c"]
        assert review.error == table.error == "This client was closed. Create a new one."
