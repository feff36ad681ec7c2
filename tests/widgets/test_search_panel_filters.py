"""The search panel: filters from Python, chosen facets, and typed conditions."""

import re
from contextlib import nullcontext

import ipywidgets
import pytest

from chromalab.errors import InvalidArgumentError
from chromalab_widgets import SearchPanel


def test_where_filters_every_search_and_the_status_shows_it(facts, send):
    search_panel = SearchPanel(facts, where={"topic": "animals"})
    send(search_panel, {"verb": "search", "text": "moon"})
    assert [row["id"] for row in search_panel.rows] == ["bee"]
    assert re.fullmatch(r"1 of 3 in \d+ ms, filtered", search_panel.status)


def test_facets_are_read_on_request_and_filter_every_search(facts, send):
    search_panel = SearchPanel(facts)
    assert search_panel.facets == []
    send(search_panel, {"verb": "facets"})
    assert search_panel.facets == [
        {"key": "topic", "values": [["animals", 1], ["space", 1]], "more": 0}
    ]
    search_panel.search("moon")
    send(search_panel, {"verb": "filter", "key": "topic", "position": 0, "on": True})
    assert [row["id"] for row in search_panel.rows] == ["bee"]
    assert search_panel.status.endswith(", filtered")
    send(search_panel, {"verb": "filter", "key": "topic", "position": 1, "on": True})
    assert [row["id"] for row in search_panel.rows] == ["moon", "bee"]
    for position in (0, 1):
        send(search_panel, {"verb": "filter", "key": "topic", "position": position, "on": False})
    assert len(search_panel.rows) == 3
    send(search_panel, {"verb": "filter", "key": "topic", "position": 9, "on": True})
    assert search_panel.error == "No value 9 of 'topic' to filter by."


def test_facets_combine_with_where_and_count_the_elements_of_lists(facts, send):
    facts.update(ids=["moon", "bee"], metadatas=[{"tags": ["far", "cold"]}, {"tags": ["far"]}])
    search_panel = SearchPanel(facts, where={"topic": "space"})
    send(search_panel, {"verb": "facets"})
    tags = next(facet for facet in search_panel.facets if facet["key"] == "tags")
    assert tags["values"] == [["far", 2], ["cold", 1]]
    send(search_panel, {"verb": "filter", "key": "tags", "position": 0, "on": True})
    search_panel.search("bee")
    assert [row["id"] for row in search_panel.rows] == ["moon"]


def test_numbers_and_dates_are_filtered_by_range(facts, send):
    rows = range(20)
    facts.add(
        ids=[f"d{row}" for row in rows],
        embeddings=[[row, 0, 0] for row in rows],
        metadatas=[{"day": f"2024-05-{row + 1:02}", "n": row} for row in rows],
    )
    panel = SearchPanel(facts, n_results=50)
    send(panel, {"verb": "facets"})
    day, n = (facet for facet in panel.facets if "histogram" in facet)
    assert (day["key"], n["key"]) == ("day", "n")
    assert (day["histogram"]["kind"], day["histogram"]["edges"][0]) == ("dates", "2024-05-01")
    assert (n["histogram"]["kind"], sum(n["histogram"]["counts"])) == ("numbers", 20)
    panel.search("moon")
    send(panel, {"verb": "range", "key": "day", "low": "2024-05-03", "high": "2024-05-06"})
    assert sorted(ids(panel)) == ["d2", "d3", "d4", "d5"]
    assert panel.status.endswith(", filtered")
    send(panel, {"verb": "range", "key": "n", "low": 4, "high": None})
    assert sorted(ids(panel)) == ["d4", "d5"]
    send(panel, {"verb": "range", "key": "day", "low": None, "high": None})
    assert panel.ranges == {"n": (4.0, None)}
    assert len(ids(panel)) == 16
    send(panel, {"verb": "range", "key": "n", "low": "soon", "high": None})
    assert "must be a number, or a date such as 2024-06-30; got 'soon'" in panel.error
    send(panel, {"verb": "range", "key": "topic", "low": 1, "high": None})
    assert panel.error == "'topic' has no range to filter by."


@pytest.fixture
def search_panel(facts):
    facts.add(
        ids=["wasp"],
        documents=["A wasp, not a bee"],
        metadatas=[{"topic": "animals", "year": 2020}],
    )
    search_panel = SearchPanel(facts)
    search_panel.search("moon")
    return search_panel


def ids(search_panel):
    return [row["id"] for row in search_panel.rows]


def test_a_typed_filter_applies_to_every_search_until_it_is_cleared(search_panel, send):
    send(search_panel, {"verb": "restrict", "text": " year >= 1969 "})
    assert (search_panel.where_text, ids(search_panel)) == ("year >= 1969", ["moon", "wasp"])
    assert re.fullmatch(r"2 of 4 in \d+ ms, filtered", search_panel.status)
    send(search_panel, {"verb": "search", "text": "bee"})
    assert ids(search_panel) == ["wasp", "moon"]
    send(search_panel, {"verb": "find", "text": "a bee that is missing"})
    assert search_panel.error.endswith("that is not already shown. Try other words.")
    send(search_panel, {"verb": "restrict", "text": "  "})
    assert (search_panel.where_text, len(search_panel.rows)) == ("", 4)
    assert "filtered" not in search_panel.status


def test_typed_chosen_and_given_filters_apply_together(search_panel, send):
    send(search_panel, {"verb": "facets"})
    send(search_panel, {"verb": "filter", "key": "topic", "position": 0, "on": True})
    assert ids(search_panel) == ["wasp", "bee"]
    search_panel.restrict("year >= 1969 or topic = 'space'")
    assert ids(search_panel) == ["wasp"]
    search_panel.where = {"year": {"$lt": 2000}}
    assert ids(search_panel) == []
    send(search_panel, {"verb": "filter", "key": "topic", "position": 0, "on": False})
    assert ids(search_panel) == ["moon"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("year >", "The condition cannot be parsed: expected a number"),
        ("year >= :y", "got ':y' at character 9"),
        ("year in (1969, 'x')", "got [1969, 'x']"),  # parsed, but refused by the store
        ("topic > 'a'", "got 'a'"),
        ("x" * 10_001, "The filter must have at most 10,000 characters; got 10,001. Shorten it."),
        (None, "The filter must be a str; got NoneType."),
    ],
)
def test_an_invalid_filter_is_reported_and_changes_nothing(search_panel, send, text, sentence):
    search_panel.restrict("year = 1969")
    found, status = search_panel.results, search_panel.status
    send(search_panel, {"verb": "restrict", "text": text})
    assert sentence in search_panel.error
    assert (search_panel.where_text, search_panel.status) == ("year = 1969", status)
    assert search_panel.results is found
    assert ids(search_panel) == ["moon"]


def test_in_python_an_invalid_filter_raises(search_panel):
    with pytest.raises(InvalidArgumentError, match="For example: year >= 2020"):
        search_panel.restrict("year")
    with pytest.raises(InvalidArgumentError, match="For example: year >= 2020"):
        search_panel.where_text = "year"
    assert (search_panel.where_text, len(search_panel.rows)) == ("", 4)
    assert "For example: year >= 2020" in search_panel.error


def test_a_filter_that_is_set_searches_again(search_panel):
    search_panel.where_text = " year = 1969 "
    assert (search_panel.where_text, search_panel.error) == ("year = 1969", "")
    assert (ids(search_panel), search_panel.status[-10:]) == (["moon"], ", filtered")
    search_panel.where = {"topic": "animals"}
    assert ids(search_panel) == []
    search_panel.where_text = ""
    assert ids(search_panel) == ["wasp", "bee"]
    search_panel.where = None
    assert len(search_panel.rows) == 4


def test_reading_facets_again_clears_the_choices_and_searches(search_panel, send):
    for _ in range(2):
        send(search_panel, {"verb": "facets"})
        assert (search_panel.chosen, len(search_panel.rows)) == ({}, 4)
        send(search_panel, {"verb": "filter", "key": "topic", "position": 0, "on": True})
        assert ids(search_panel) == ["wasp", "bee"]


@pytest.mark.parametrize(("trait", "value"), [("where_text", "year >"), ("where", {"year": {}})])
def test_a_refused_filter_leaves_the_previous_one(search_panel, trait, value):
    search_panel.where_text, search_panel.where = "year = 1969", {"topic": "space"}
    for context in (nullcontext, search_panel.hold_trait_notifications):
        with pytest.raises(InvalidArgumentError), context():
            setattr(search_panel, trait, value)
        assert (search_panel.where_text, search_panel.where) == ("year = 1969", {"topic": "space"})
        search_panel.search("bee")
        assert ids(search_panel) == ["moon"]


def test_a_refused_filter_from_a_link_is_shown_in_the_panel(search_panel):
    box = ipywidgets.Text()
    ipywidgets.link((box, "value"), (search_panel, "where_text"))
    data = {"method": "update", "state": {"value": "year >"}, "buffer_paths": []}
    box._handle_msg({"content": {"data": data}, "buffers": []})
    assert search_panel.error.startswith("The condition cannot be parsed: expected a number")
    assert (search_panel.where_text, len(search_panel.rows)) == ("", 4)


def test_a_panel_with_an_invalid_filter_is_not_created(facts):
    alive = len(ipywidgets.widgets.widget._instances)
    with pytest.raises(InvalidArgumentError, match="bad"):
        SearchPanel(facts, where={"year": {"$bad": 1}})
    assert len(ipywidgets.widgets.widget._instances) == alive


def test_a_filter_set_before_the_first_search_applies_to_it(facts, send):
    search_panel = SearchPanel(facts)
    send(search_panel, {"verb": "restrict", "text": "topic = 'animals'"})
    assert (search_panel.results, search_panel.error) == (None, "")
    search_panel.search("moon")
    assert ids(search_panel) == ["bee"]
