"""Selections, searches and requests on the map."""

import numpy as np
import pytest

from chromalab.errors import InvalidArgumentError, NotFoundError
from chromalab_widgets import Map

HOSTILE = "</script><img src=x onerror=alert(1)>"
HALF = 20  # points on each side


def test_a_lasso_in_the_browser_is_the_selection_of_the_collection(map, points, put):
    put(map, [3, 1])
    assert points.selection.ids == ["p3", "p1"]
    assert map.selected_ids == ("p3", "p1")
    assert list(points.selection.df()["id"]) == ["p1", "p3"]
    put(map, [])
    assert points.selection.ids == []


def test_what_python_selects_is_sent_to_the_browser(map, points):
    points.selection.set(where={"side": "right"})
    rows = np.frombuffer(map.selected, dtype=np.uint32)
    assert rows.tolist() == list(range(HALF, 2 * HALF))


def test_a_selection_that_is_partly_off_the_map_stays_complete(points):
    left = points.snapshot(where={"side": "left"})
    map = Map(points, points.project("pca", where={"side": "left"}))
    assert map.count == len(left)
    points.selection.ids = ["p0", "p39"]
    assert np.frombuffer(map.selected, dtype=np.uint32).tolist() == [0]
    assert points.selection.ids == ["p0", "p39"]


def test_rows_that_do_not_exist_select_nothing(map, points, put):
    put(map, [1, 10_000])
    assert points.selection.ids == []
    assert map.error == "A row must be less than 40, the number of points; got 10,000."
    put(map, [1])
    assert (points.selection.ids, map.error) == (["p1"], "")


def test_rows_from_before_the_points_moved_are_refused(map, points, vectors, put, ask):
    before = map.generation
    map.update(vectors[::-1].copy())
    put(map, [5], generation=before)
    assert points.selection.ids == []
    assert map.error == "The points have moved since. Try again."
    assert ask(map, verb="near", row=5, generation=before) == map.error
    assert map.focus == {}


def test_a_selection_of_the_browser_is_shown_on_every_map(map, points, vectors, put):
    other = points.map(vectors[:, ::-1].copy())
    put(map, [7, 3])
    assert other.selected == map.selected == np.array([7, 3], dtype=np.uint32).tobytes()


def test_a_duplicate_row_is_selected_once(map, points, put):
    put(map, [2, 1, 2])
    assert points.selection.ids == ["p2", "p1"]
    assert len(points.selection.df()) == 2


def test_a_legend_entry_of_lists_selects_its_records_without_a_filter(points, vectors, send):
    points.update(ids=["p0", "p1"], metadatas=[{"tags": ["a", "b"]}] * 2)
    map = points.map(vectors, color="tags")
    send(map, verb="entry", entry=0)
    assert points.selection.ids == ["p0", "p1"]
    assert points.selection.where is None


def test_a_legend_entry_selects_its_records_with_the_filter(map, points, send):
    send(map, verb="entry", entry=1)
    assert len(points.selection) == HALF
    assert points.selection.where == {"side": "right"}
    send(map, verb="entry", entry=2)
    assert map.error == "The legend entry must be less than 2, the number of entries; got 2."


def test_a_search_highlights_the_nearest_and_an_empty_one_ends_it(map, points, send):
    send(map, verb="search", text=" to the left ")
    assert map.query == "to the left"
    found = points.query(query_texts=["left"], n_results=2 * HALF)["ids"][0]
    assert [hit["id"] for hit in map.hits] == found
    assert {hit["row"] for hit in map.hits[:HALF]} == set(range(HALF))
    send(map, verb="search", text="")
    assert (map.query, map.hits) == ("", [])


def test_there_is_a_search_box_if_texts_can_be_embedded(map, client, vectors):
    assert map.can_search
    bare = client.create_collection("bare", embedding_function=None)
    bare.add(ids=["a", "b"], embeddings=[[0.0, 1.0], [1.0, 0.0]])
    assert not bare.map([[0, 0], [1, 1]]).can_search
    assert not Map(vectors).can_search


def test_records_written_later_are_found_and_marked_as_off_the_map(map, points):
    points.add(ids=["new"], embeddings=[[-1, 0]])
    assert map.search("left")[0] == {
        "row": -1, "id": "new", "text": "not on the map", "distance": 0.0,
    }  # fmt: skip


def test_a_click_shows_the_true_neighbors(map, points, send):
    send(map, verb="near", row=5, generation=map.generation)
    assert map.focus["id"] == "p5"
    assert len(map.focus["near"]) == 12
    assert "p5" not in [line["id"] for line in map.focus["near"]]
    send(map, verb="unfocus")
    assert map.focus == {}
    own = points.get(ids=["p5"], include=["embeddings"])["embeddings"]
    true = points.query(query_embeddings=own, n_results=13)["ids"][0]
    assert ["p5", *(line["id"] for line in map.neighbors_of("p5"))] == true


def test_cards_and_lines_are_sent_on_request_as_plain_text(map, ask):
    card = ask(map, verb="item", row=2, generation=1)
    assert card == {
        "row": 2, "id": "p2", "text": f"{HOSTILE} 2", "metadata": [["side", "left"], ["n", "2"]],
    }  # fmt: skip
    rows = np.array([3, 1], dtype=np.uint32).tobytes()
    items = ask(map, [memoryview(rows)], verb="items", generation=1)["items"]
    assert [item["id"] for item in items] == ["p3", "p1"]


def test_another_field_can_be_shown_as_text(points, vectors, ask):
    map = points.map(vectors, text="side")
    assert ask(map, verb="item", row=0, generation=1)["text"] == "left"
    with pytest.raises(InvalidArgumentError, match="metadata key 'sid'"):
        points.map(vectors, text="sid")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"verb": "drop"},
            "No verb 'drop'. Verbs: color, entry, item, items, near, refresh, search, select ... 8 of 19 shown.",
        ),
        (
            {"verb": "item", "row": 40, "generation": 1},
            "A row must be less than 40, the number of points; got 40.",
        ),
        (
            {"verb": "item", "row": -1, "generation": 1},
            "The row of 'item' must be from 0 to 4,294,967,295; got -1.",
        ),
        (
            {"verb": "near", "row": True, "generation": 1},
            "The row of 'near' must be an integer; got True.",
        ),
        ({"verb": "near"}, "The verb 'near' takes ['generation', 'row']; got []."),
        ({"verb": "items", "generation": 1}, "Rows must be one buffer of at most 200 uint32."),
        ({"verb": "select", "generation": 1}, "Rows must be one buffer of at most 40 uint32."),
        ({"verb": "search", "text": 1}, "The text to search for must be a str; got int."),
        (
            {"verb": "color", "by": "side", "sql": ""},
            "The verb 'color' takes ['by']; got ['by', 'sql'].",
        ),
    ],
)
def test_an_invalid_request_is_shown_and_replied_as_an_error(map, content, sentence, ask):
    assert ask(map, **content) == sentence
    assert map.error == sentence
    assert not map.busy


def test_a_search_over_a_deleted_collection_is_an_error(map, client, send):
    client.delete_collection("points")
    send(map, verb="search", text="left")
    assert "it was deleted" in map.error
    with pytest.raises(NotFoundError):
        map.search("left")
