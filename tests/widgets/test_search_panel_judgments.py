"""The search panel: judgments on results, the reasons for their ranks, and their selection."""

import numpy as np
import pytest

from chromalab.feedback import Transform
from chromalab_widgets import SearchPanel


def test_a_judgment_is_stored_immediately_and_shown_in_other_widgets(facts, send):
    search_panel = SearchPanel(facts, by="ada")
    search_panel.search("moon")
    send(search_panel, {"verb": "judge", "id": "moon", "relevance": 1, "note": "the Moon itself"})
    (stored,) = facts.feedback
    assert (stored.query, stored.id, stored.relevance, stored.by) == ("moon", "moon", 1.0, "ada")
    assert (stored.note, stored.shown) == ("the Moon itself", True)
    again = SearchPanel(facts, by="bob")
    again.search("moon")
    assert again.judgments == search_panel.judgments
    assert again.judgments["moon"] == {
        "relevance": 1.0,
        "note": "the Moon itself",
        "by": "ada",
        "shown": True,
    }
    again.search("bee")
    assert again.judgments == {}


def test_clearing_removes_only_the_judgments_of_the_same_user(facts, send):
    ada, bob = SearchPanel(facts, by="ada"), SearchPanel(facts, by="bob")
    for search_panel in (ada, bob):
        search_panel.search("moon")
        send(search_panel, {"verb": "judge", "id": "moon", "relevance": 1})
    send(bob, {"verb": "judge", "id": "moon", "relevance": 0})
    assert [judgment.by for judgment in facts.feedback] == ["ada"]
    assert bob.judgments["moon"]["by"] == "ada"
    send(ada, {"verb": "judge", "id": "moon", "relevance": 0})
    assert (list(facts.feedback), ada.judgments) == ([], {})


def test_judging_needs_a_search_first(facts, send):
    search_panel = SearchPanel(facts)
    send(search_panel, {"verb": "judge", "id": "moon", "relevance": 1})
    assert (
        search_panel.error
        == "A judgment needs a query that the record answers. Search for something first."
    )
    search_panel.search("moon")
    send(search_panel, {"verb": "judge", "id": "mon", "relevance": 1})
    assert search_panel.error.startswith("No record 'mon' in 'facts'. Did you mean 'moon'?")
    send(search_panel, {"verb": "judge", "id": "moon", "relevance": 7})
    assert (
        search_panel.error
        == "The relevance of 'judge' must be a finite number from -1 to 1; got 7."
    )
    assert len(facts.feedback) == 0


def test_a_collection_of_another_client_can_be_searched_but_not_judged(facts, send):
    class Plain:
        name, count, query = facts.name, facts.count, facts.query

    search_panel = SearchPanel(Plain())
    search_panel.search("moon")
    assert (len(search_panel.rows), search_panel.can_judge) == (3, False)
    send(search_panel, {"verb": "judge", "id": "moon", "relevance": 1})
    assert search_panel.error == "Judgments need a chromalab collection; got Plain."


def test_a_missing_record_is_found_by_id_or_words_and_stored_as_not_shown(facts, send):
    search_panel = SearchPanel(facts, n_results=1)
    search_panel.search("moon")
    send(search_panel, {"verb": "find", "text": "bare"})
    assert [row["id"] for row in search_panel.candidates] == ["bare"]
    send(search_panel, {"verb": "find", "text": "moon bee"})
    assert [row["id"] for row in search_panel.candidates] == ["bee", "bare"]
    send(search_panel, {"verb": "missing", "id": "bee"})
    (stored,) = facts.feedback
    assert (stored.query, stored.id, stored.relevance, stored.shown) == ("moon", "bee", 1.0, False)
    assert search_panel.judgments["bee"]["shown"] is False
    send(search_panel, {"verb": "find", "text": "moon"})
    assert (
        search_panel.error
        == "No record found for 'moon' that is not already shown. Try other words."
    )


def test_the_panel_says_why_a_record_is_missing(facts, send):
    search_panel = SearchPanel(facts, n_results=1)
    search_panel.search("moon")
    send(search_panel, {"verb": "find", "text": "bare"})
    assert [row["why"] for row in search_panel.candidates] == [
        "Knn 'moon' in #embedding, k=1: distance 66, cut at 0"
    ]
    search_panel.where_text = "topic is not null and topic != 'animals'"
    send(search_panel, {"verb": "find", "text": "bee"})
    assert [row["why"] for row in search_panel.candidates] == [
        "Where topic is not null and topic != 'animals': "
        "does not match topic != 'animals' (topic is 'animals')"
    ]
    send(search_panel, {"verb": "find", "text": "bare"})
    assert search_panel.candidates[0]["why"].endswith("topic is not null (it has no topic)")


def test_over_another_client_the_panel_explains_by_distance_alone(facts, send):
    class Plain:
        name, count, query, get = facts.name, facts.count, facts.query, facts.get

    search_panel = SearchPanel(Plain(), n_results=2)
    search_panel.search("moon")
    send(search_panel, {"verb": "why", "id": "bee"})
    assert search_panel.reasons["lines"][0] == (
        "Rank 2 by distance alone: distance 3.0000, 3.0000 more than the first result."
    )
    send(search_panel, {"verb": "find", "text": "bare"})
    assert [row["why"] for row in search_panel.candidates] == [""]


@pytest.fixture
def swapped(facts):
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.float32)
    model = facts.fingerprint()
    facts.transforms.add(Transform(name="swap", matrix=swap, both=False, model=model))
    facts.transforms.use("swap")
    return facts


def test_ranks_before_and_after_a_transform_are_compared(swapped, send):
    search_panel = SearchPanel(swapped)
    search_panel.search("moon")
    assert search_panel.transform == "swap"
    assert [row["id"] for row in search_panel.rows] == ["bee", "moon", "bare"]
    assert search_panel.moves == {"bee": 2, "moon": 1, "bare": 3}
    send(search_panel, {"verb": "side", "side": "before"})
    assert [row["id"] for row in search_panel.rows] == ["moon", "bee", "bare"]
    assert search_panel.moves == {"moon": 2, "bee": 1, "bare": 3}
    send(search_panel, {"verb": "side", "side": "sideways"})
    assert search_panel.error == "The side of 'side' must be one of after, before; got 'sideways'."
    swapped.transforms.use(None)
    search_panel.search("moon")
    assert (search_panel.transform, search_panel.moves) == ("", {})


def test_the_reasons_are_ranks_and_shared_words(swapped, send):
    search_panel = SearchPanel(swapped)
    search_panel.search("the moon")
    send(search_panel, {"verb": "why", "id": "moon"})
    assert search_panel.reasons == {
        "id": "moon",
        "lines": [
            "Knn 'the moon' in #embedding, k=10: number 2, score 2",
            "Without the transform 'swap', it has rank 1.",
            "Shared words: moon. They did not affect the rank.",
        ],
    }
    send(search_panel, {"verb": "why", "id": "bee"})
    assert search_panel.reasons["lines"][-1].startswith("It shares no words with the query")
    send(search_panel, {"verb": "why", "id": ""})
    assert search_panel.reasons == {}


def test_results_select_records_for_every_widget_over_the_collection(facts, send):
    one, other = SearchPanel(facts), SearchPanel(facts)
    for search_panel in (one, other):
        search_panel.search("moon")
    send(one, {"verb": "select", "id": "bee", "more": False})
    assert (facts.selection.ids, other.picked) == (["bee"], ["bee"])
    send(other, {"verb": "select", "id": "moon", "more": True})
    assert facts.selection.ids == ["bee", "moon"]
    send(other, {"verb": "select", "id": "bee", "more": True})
    assert one.picked == ["moon"]
    send(one, {"verb": "select", "id": "other", "more": False})
    assert one.error == "'other' is not among the results."
    facts.selection.clear()
    assert one.picked == []
