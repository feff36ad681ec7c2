"""The search panel: filters from Python, ticked, and typed."""

import re
from contextlib import nullcontext

import ipywidgets
import pytest

from chromalab.errors import InvalidArgumentError
from chromalab_widgets import Searcher


def test_where_filters_every_search_and_the_status_says_so(facts, send):
    searcher = Searcher(facts, where={"topic": "animals"})
    send(searcher, {"verb": "search", "text": "moon"})
    assert [row["id"] for row in searcher.rows] == ["bee"]
    assert re.fullmatch(r"1 of 3 in \d+ ms, filtered", searcher.status)


def test_facets_are_read_when_asked_for_and_filter_every_search(facts, send):
    searcher = Searcher(facts)
    assert searcher.facets == []
    send(searcher, {"verb": "facets"})
    assert searcher.facets == [
        {"key": "topic", "values": [["animals", 1], ["space", 1]], "more": 0}
    ]
    searcher.search("moon")
    send(searcher, {"verb": "filter", "key": "topic", "place": 0, "on": True})
    assert [row["id"] for row in searcher.rows] == ["bee"]
    assert searcher.status.endswith(", filtered")
    send(searcher, {"verb": "filter", "key": "topic", "place": 1, "on": True})
    assert [row["id"] for row in searcher.rows] == ["moon", "bee"]
    for place in (0, 1):
        send(searcher, {"verb": "filter", "key": "topic", "place": place, "on": False})
    assert len(searcher.rows) == 3
    send(searcher, {"verb": "filter", "key": "topic", "place": 9, "on": True})
    assert searcher.error == "There is no value 9 of 'topic' to filter by"


def test_facets_go_with_where_and_lists_count_by_element(facts, send):
    facts.update(ids=["moon", "bee"], metadatas=[{"tags": ["far", "cold"]}, {"tags": ["far"]}])
    searcher = Searcher(facts, where={"topic": "space"})
    send(searcher, {"verb": "facets"})
    tags = next(facet for facet in searcher.facets if facet["key"] == "tags")
    assert tags["values"] == [["far", 2], ["cold", 1]]
    send(searcher, {"verb": "filter", "key": "tags", "place": 0, "on": True})
    searcher.search("bee")
    assert [row["id"] for row in searcher.rows] == ["moon"]


@pytest.fixture
def searcher(facts):
    facts.add(
        ids=["wasp"],
        documents=["A wasp, not a bee"],
        metadatas=[{"topic": "animals", "year": 2020}],
    )
    searcher = Searcher(facts)
    searcher.search("moon")
    return searcher


def ids(searcher):
    return [row["id"] for row in searcher.rows]


def test_a_typed_filter_holds_for_every_search_until_it_is_emptied(searcher, send):
    send(searcher, {"verb": "restrict", "text": " year >= 1969 "})
    assert (searcher.where_text, ids(searcher)) == ("year >= 1969", ["moon", "wasp"])
    assert re.fullmatch(r"2 of 4 in \d+ ms, filtered", searcher.status)
    send(searcher, {"verb": "search", "text": "bee"})
    assert ids(searcher) == ["wasp", "moon"]
    send(searcher, {"verb": "find", "text": "a bee that is missing"})
    assert searcher.error.endswith("finds no record that is not shown already")
    send(searcher, {"verb": "restrict", "text": "  "})
    assert (searcher.where_text, len(searcher.rows)) == ("", 4)
    assert "filtered" not in searcher.status


def test_typed_ticked_and_given_filters_hold_together(searcher, send):
    send(searcher, {"verb": "facets"})
    send(searcher, {"verb": "filter", "key": "topic", "place": 0, "on": True})
    assert ids(searcher) == ["wasp", "bee"]
    searcher.restrict("year >= 1969 or topic = 'space'")
    assert ids(searcher) == ["wasp"]
    searcher.where = {"year": {"$lt": 2000}}
    assert ids(searcher) == []
    send(searcher, {"verb": "filter", "key": "topic", "place": 0, "on": False})
    assert ids(searcher) == ["moon"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("year >", "The condition cannot be parsed: expected a number"),
        ("year >= :y", "got ':y' at character 9"),
        ("year in (1969, 'x')", "found [1969, 'x']"),  # what the store says of what can be read
        ("topic > 'a'", "found 'a'"),
        ("x" * 10_001, "The filter has 10,001 characters: shorten it to 10,000"),
        (None, "The filter is a str, got NoneType"),
    ],
)
def test_a_filter_that_cannot_be_read_is_a_sentence_and_changes_nothing(
    searcher, send, text, sentence
):
    searcher.restrict("year = 1969")
    found, status = searcher.results, searcher.status
    send(searcher, {"verb": "restrict", "text": text})
    assert sentence in searcher.error
    assert (searcher.where_text, searcher.status) == ("year = 1969", status)
    assert searcher.results is found
    assert ids(searcher) == ["moon"]


def test_in_python_a_filter_that_cannot_be_read_is_raised(searcher):
    with pytest.raises(InvalidArgumentError, match="For example: year >= 2020"):
        searcher.restrict("year")
    with pytest.raises(InvalidArgumentError, match="For example: year >= 2020"):
        searcher.where_text = "year"
    assert (searcher.where_text, len(searcher.rows)) == ("", 4)
    assert "For example: year >= 2020" in searcher.error


def test_a_filter_that_is_set_searches_again(searcher):
    searcher.where_text = " year = 1969 "
    assert (searcher.where_text, searcher.error) == ("year = 1969", "")
    assert (ids(searcher), searcher.status[-10:]) == (["moon"], ", filtered")
    searcher.where = {"topic": "animals"}
    assert ids(searcher) == []
    searcher.where_text = ""
    assert ids(searcher) == ["wasp", "bee"]
    searcher.where = None
    assert len(searcher.rows) == 4


def test_facets_that_are_read_again_let_go_of_what_was_ticked_and_search(searcher, send):
    for _ in range(2):
        send(searcher, {"verb": "facets"})
        assert (searcher.chosen, len(searcher.rows)) == ({}, 4)
        send(searcher, {"verb": "filter", "key": "topic", "place": 0, "on": True})
        assert ids(searcher) == ["wasp", "bee"]


@pytest.mark.parametrize(("trait", "value"), [("where_text", "year >"), ("where", {"year": {}})])
def test_a_filter_that_is_refused_leaves_the_one_before_whoever_sets_it(searcher, trait, value):
    searcher.where_text, searcher.where = "year = 1969", {"topic": "space"}
    for held in (nullcontext, searcher.hold_trait_notifications):
        with pytest.raises(InvalidArgumentError), held():
            setattr(searcher, trait, value)
        assert (searcher.where_text, searcher.where) == ("year = 1969", {"topic": "space"})
        searcher.search("bee")
        assert ids(searcher) == ["moon"]


def test_a_refused_filter_of_a_link_is_a_sentence_in_the_panel(searcher):
    box = ipywidgets.Text()
    ipywidgets.link((box, "value"), (searcher, "where_text"))
    data = {"method": "update", "state": {"value": "year >"}, "buffer_paths": []}
    box._handle_msg({"content": {"data": data}, "buffers": []})
    assert searcher.error.startswith("The condition cannot be parsed: expected a number")
    assert (searcher.where_text, len(searcher.rows)) == ("", 4)


def test_a_panel_with_a_filter_that_cannot_be_read_is_not_made(facts):
    alive = len(ipywidgets.widgets.widget._instances)
    with pytest.raises(InvalidArgumentError, match="bad"):
        Searcher(facts, where={"year": {"$bad": 1}})
    assert len(ipywidgets.widgets.widget._instances) == alive


def test_a_filter_before_the_first_search_waits_for_it(facts, send):
    searcher = Searcher(facts)
    send(searcher, {"verb": "restrict", "text": "topic = 'animals'"})
    assert (searcher.results, searcher.error) == (None, "")
    searcher.search("moon")
    assert ids(searcher) == ["bee"]
