"""The bar over a selection: what the browser may do with the selected records."""

import csv
import io

import numpy as np
import pytest

from chromalab_widgets import Map, Table


@pytest.fixture
def ask(send, monkeypatch):
    """Deliver a request of the browser and return the body and the buffers of the reply."""

    def request(widget, verb, **fields):
        answers = []
        monkeypatch.setattr(
            widget, "send", lambda content, buffers=None: answers.append((content, buffers))
        )
        send(widget, {"verb": f"selection.{verb}", "request": 1, **fields})
        ((answer, buffers),) = answers
        return (answer.get("body", answer.get("problem")), buffers)

    return request


@pytest.fixture(params=["map", "table", "search_panel"])
def widget(request, facts):
    facts.selection = ["moon", "bee"]
    if request.param == "map":
        return facts.map(np.eye(3, 2), color="topic")
    made = getattr(facts, request.param)()
    if request.param == "search_panel":
        made.search("the moon")
    return made


def test_a_label_is_written_with_the_type_of_the_field(widget, facts, ask):
    given = {"overwrite": False, "count": 2}
    assert ask(widget, "label", field="area", value="sky", **given)[0] == {"changed": 2}
    assert facts.get(where={"area": "sky"})["ids"] == ["moon", "bee"]
    facts.selection = ["bee"]
    given["count"] = 1
    assert ask(widget, "label", field="year", value="1970", **given)[0] == {"changed": 1}
    assert facts.get(where={"year": 1970})["ids"] == ["bee"]
    problem = (
        "The value of 'year' must be a number; got 'soon'. Leave it blank to delete the value."
    )
    assert ask(widget, "label", field="year", value="soon", **given)[0] == problem
    assert widget.error == problem


def test_values_of_people_are_replaced_after_a_question(widget, facts, ask):
    given = {"field": "topic", "value": "sky", "count": 2}
    assert ask(widget, "label", overwrite=False, **given)[0] == {"conflicts": 2}
    assert facts.count(where={"topic": "sky"}) == 0
    assert ask(widget, "label", overwrite=True, **given)[0] == {"changed": 2}
    assert facts.count(where={"topic": "sky"}) == 2


def test_what_was_confirmed_for_another_selection_is_refused(widget, facts, ask):
    problem = "The selection has changed: 2 records are selected now. Try again."
    assert ask(widget, "delete", count=1)[0] == problem
    label = {"field": "a", "value": "b", "overwrite": False, "count": 3}
    assert ask(widget, "label", **label)[0] == problem
    assert facts.count() == 3


def test_deleted_records_leave_the_widget_and_the_selection(widget, facts, ask):
    assert ask(widget, "delete", count=2)[0] == {"deleted": 2}
    assert facts.get(include=[])["ids"] == ["bare"]
    assert facts.selection.ids == []
    shown = {"Map": "count", "Table": "total", "SearchPanel": "rows"}[type(widget).__name__]
    left = getattr(widget, shown)
    assert (left if isinstance(left, int) else len(left)) == 1
    problem = "No records are selected. Select some in a widget, or with selection.set(...)."
    assert ask(widget, "contrast")[0] == problem


def test_known_fields_and_values_are_suggested(widget, ask):
    assert ask(widget, "fields")[0] == {"fields": ["topic", "year"]}
    assert ask(widget, "values", field="topic")[0] == {"values": ["animals", "space"]}
    assert ask(widget, "values", field="year")[0] == {"values": ["1969"]}
    assert ask(widget, "values", field="unknown")[0] == {"values": []}


def test_the_selection_is_contrasted_searched_exported_and_downloaded(widget, facts, ask, tmp_path):
    body = ask(widget, "contrast")[0]
    assert (body["selected"], body["others"]) == (2, 1)
    found = ask(widget, "query", text="a bee on a flower")[0]["rows"]
    assert [row["id"] for row in found] == ["bee", "moon"]
    path = str(tmp_path / "two.csv")
    assert ask(widget, "export", path=path, overwrite=False)[0] == {"path": path, "records": 2}
    assert "already exists" in ask(widget, "export", path=path, overwrite=False)[0]
    _, (content,) = ask(widget, "download")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["topic"] for row in rows] == ["space", "animals"]
    assert content == (tmp_path / "two.csv").read_bytes()


def test_a_map_over_another_programs_records_offers_only_what_it_can(facts):
    assert facts.map(np.eye(3, 2)).can_act
    assert not Map(np.eye(3), np.eye(3, 2)).can_act


def test_labels_show_on_the_map_at_once_where_the_points_were(facts, ask):
    map = facts.map(np.eye(3, 2), color="topic")
    points = map.points
    facts.selection = ["bare"]
    label = {"field": "topic", "value": "space", "overwrite": False, "count": 1}
    ask(map, "label", **label)
    assert [(entry["label"], entry["count"]) for entry in map.legend["entries"]] == [
        ("space", 2), ("animals", 1),
    ]  # fmt: skip
    assert map.points == points
    ask(map, "label", **{**label, "field": "area"})
    assert "area" in map.color_choices


def test_every_change_of_the_selection_is_sent_and_returned(facts, send):
    """marimo runs dependent cells again when the browser sets a trait of a widget."""
    panel, table = facts.search_panel(), Table(facts)
    seen = []
    table.observe(lambda change: seen.append(change["new"]), "selection_changes")
    facts.selection = ["moon"]
    facts.selection = ["moon", "bee"]
    facts.selection = ["moon", "bee"]
    assert seen == [1, 2]
    assert panel.get_state()["selection_changes"] == 2
    panel.set_state({"selection_seen": 2})
    assert panel.selection_seen == 2
