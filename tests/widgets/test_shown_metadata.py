"""Which metadata fields cards, chips and reviews show: a few by default, or those of `show`."""

import numpy as np
import pytest

from chromalab.errors import InvalidArgumentError
from chromalab_widgets import Map, Review


@pytest.fixture
def wide(client):
    wide = client.create_collection("wide", embedding_function=None)
    fields = {f"key{number}": number for number in range(7)}
    wide.add(
        ids=["a", "b", "c"],
        embeddings=[[0, 0], [0, 0], [1, 0]],
        documents=["tea", "tea", "milk"],
        metadatas=[{**fields, "year": 1}, {**fields, "year": 2}, {**fields, "year": 3}],
    )
    return wide


def card_of(map):
    return map._item(0, map.generation).body["metadata"]


def test_a_card_shows_a_few_fields_and_how_many_more_there_are(wide):
    coordinates = np.eye(3, 2)
    few = [["key0", "0"], ["key1", "1"], ["key2", "2"], ["key3", "3"], ["…", "4 more"]]
    assert card_of(wide.map(coordinates)) == few
    assert card_of(wide.map(coordinates, show=["year", "key6"])) == [["year", "1"], ["key6", "6"]]
    assert len(card_of(wide.map(coordinates, show="all"))) == 8
    assert card_of(wide.map(coordinates, show=[])) == []
    with pytest.raises(
        InvalidArgumentError, match='show must be a list of metadata keys, or "all"'
    ):
        wide.map(coordinates, show="year")


def test_results_of_a_search_show_the_same(facts):
    facts.update(ids=["moon"], metadatas=[{f"key{number}": number for number in range(7)}])
    panel = facts.search_panel(n_results=1)
    panel.search("moon")
    assert len(panel.rows[0]["metadata"]) == 5
    assert panel.rows[0]["metadata"][-1] == ["…", "5 more"]
    panel = facts.search_panel(n_results=1, show=["key6", "topic"])
    panel.search("moon")
    assert panel.rows[0]["metadata"] == [["key6", "6"], ["topic", "space"]]


def test_a_review_shows_a_few_fields_and_all_that_differ(wide):
    wide.update(ids=["b"], metadatas=[{"key6": 7}])
    groups = wide.dedupe()
    first, second = groups.review().item["records"]
    assert [fact[0] for fact in first["metadata"]][-1] == "…"
    assert ["key6", "7", True] in [list(fact) for fact in second["metadata"]]
    chosen = groups.review(show=["key5"]).item["records"]
    assert [[fact[0] for fact in record["metadata"]] for record in chosen] == [
        ["key5"], ["key5", "key6", "year"],
    ]  # fmt: skip
    assert isinstance(groups.review(), Review)
    assert isinstance(wide.map(np.eye(3, 2)), Map)
