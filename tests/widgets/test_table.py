import re
from pathlib import Path

import numpy as np
import pytest

import chromalab
from chromalab.errors import InvalidArgumentError, NotFoundError
from chromalab_widgets import Table
from chromalab_widgets.bundles import bundle
from chromalab_widgets.summaries import BINS

HOSTILE = "<img src=x onerror=alert(1)>"
WIDGETS = Path(__file__).parents[2] / "widgets"


@pytest.fixture
def client():
    with chromalab.EphemeralClient() as client:
        yield client


@pytest.fixture
def notes(client):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(
        ids=["a", "b", "c", "d"],
        embeddings=[[0], [1], [2], [3]],
        documents=["green tea", "white chalk", "black tea", None],
        metadatas=[
            {"year": 2001, "kind": "tea", "hot": True, "tags": ["x", "y"]},
            {"year": 1999, "kind": "chalk"},
            {"year": 2020, "kind": "tea", "tags": ["y"]},
            None,
        ],
    )
    return notes


class Browser:
    """Sends what the browser sends, and keeps what it is sent."""

    def __init__(self, table):
        self.table = table
        self.replies = []
        table.send = lambda content, buffers=None: self.replies.append(content)

    def tell(self, verb, **fields):
        data = {"method": "custom", "content": {"verb": verb, **fields}}
        self.table._handle_msg({"content": {"data": data}, "buffers": []})

    def ask(self, verb, **fields):
        self.tell(verb, request=7, **fields)
        (reply,) = self.replies
        self.replies.clear()
        assert reply["reply"] == 7
        return reply.get("body", reply.get("problem"))

    def ids(self):
        return [row["id"] for row in self.ask("page", start=0, stop=100)["rows"]]


@pytest.fixture
def browser(notes):
    return Browser(notes.table())


def test_a_page_has_ids_documents_and_the_cells_that_are_there(browser):
    page = browser.ask("page", start=1, stop=4)
    assert page["start"] == 1
    assert page["stamp"] == browser.table.stamp
    assert page["rows"][0] == {
        "id": "b",
        "document": "white chalk",
        "cells": {"year": "1999", "kind": "chalk"},
        "selected": False,
    }
    assert page["rows"][2] == {"id": "d", "document": None, "cells": {}, "selected": False}


def test_columns_are_the_keys_that_were_met_with_their_kinds(browser, notes):
    assert browser.table.columns == [
        {"key": "year", "kind": "number"},
        {"key": "kind", "kind": "text"},
        {"key": "hot", "kind": "boolean"},
        {"key": "tags", "kind": "list"},
    ]
    notes.upsert(ids=["e"], embeddings=[[4]], metadatas=[{"late": 1.5, "kind": 3}])
    browser.ask("page", start=0, stop=100)
    assert browser.table.columns[1] == {"key": "kind", "kind": "mixed"}
    assert browser.table.columns[-1] == {"key": "late", "kind": "number"}


def test_only_the_columns_that_were_asked_for_are_shown(notes):
    table = Table(notes, columns=["kind", "year"])
    assert [column["key"] for column in table.columns] == ["kind", "year"]


def test_a_hundred_thousand_records_are_paged_in_any_order(client):
    many = client.create_collection("many", embedding_function=None)
    for start in range(0, 100_000, 5_000):
        part = range(start, start + 5_000)
        many.add(
            ids=[f"id{i:06d}" for i in part],
            embeddings=np.zeros((5_000, 2)),
            documents=[f"text {i}" for i in part],
            metadatas=[{"n": i, "mod": i % 7} for i in part],
        )
    browser = Browser(many.table())
    assert browser.table.total == 100_000
    rows = browser.ask("page", start=99_900, stop=100_000)["rows"]
    assert [row["id"] for row in rows] == [f"id{i:06d}" for i in range(99_900, 100_000)]
    browser.tell("sort", column="n", direction="down")
    assert browser.ask("page", start=50_000, stop=50_001)["rows"][0]["id"] == "id049999"
    browser.tell("sort", column="#id", direction="down")
    assert browser.ask("page", start=3, stop=4)["rows"][0]["id"] == "id099996"
    browser.tell("pick", column="mod", tokens=["3", "4"])
    browser.tell("sort", column="n", direction="up")
    assert browser.table.total == sum(i % 7 in (3, 4) for i in range(100_000))
    assert browser.ask("page", start=2, stop=3)["rows"][0]["id"] == "id000010"
    assert len(browser.ask("page", start=0, stop=2**53)["rows"]) == 500  # at most, whoever asks


def test_a_column_filter_writes_the_where_and_its_text(browser):
    browser.tell("range", column="year", low=2000, high=2020, closed=True)
    table = browser.table
    assert table.where == {"$and": [{"year": {"$gte": 2000}}, {"year": {"$lte": 2020}}]}
    assert table.where_text == "year >= 2000 and year <= 2020"
    assert browser.ids() == ["a", "c"]
    assert table.status == "2 of 4 records"
    browser.tell("pick", column="kind", tokens=['"chalk"'])
    assert table.where_text == 'year >= 2000 and year <= 2020 and kind = "chalk"'
    assert table.conditions["year"] == {
        "text": "year >= 2000 and year <= 2020", "low": 2000, "high": 2020, "tokens": [],
    }  # fmt: skip
    assert browser.ids() == []
    browser.tell("range", column="year", low=None, high=None, closed=True)
    assert table.where == {"kind": "chalk"}
    browser.tell("pick", column="kind", tokens=[])
    assert (table.where, table.where_text, table.total) == (None, "", 4)


def test_a_value_of_a_list_column_picks_the_records_that_hold_it(browser):
    browser.tell("pick", column="tags", tokens=['"x"'])
    assert browser.table.where == {"tags": {"$contains": "x"}}
    assert browser.ids() == ["a"]
    browser.tell("pick", column="tags", tokens=['"x"', '"y"'])
    assert browser.ids() == ["a", "c"]
    assert browser.table.conditions["tags"]["tokens"] == ['"x"', '"y"']


def test_a_filter_of_python_is_kept_beside_those_of_the_columns(browser):
    mixed = {"$or": [{"year": 1999}, {"kind": "tea"}]}
    browser.table.where = mixed
    browser.tell("pick", column="hot", tokens=["true"])
    assert browser.table.where == {"$and": [mixed, {"hot": True}]}
    assert browser.table.where_text == '(year = 1999 or kind = "tea") and hot = true'
    browser.tell("clear")
    assert browser.table.where is None


def test_documents_are_searched_and_the_order_is_the_engines(browser):
    browser.tell("search", text="tea")
    browser.tell("sort", column="year", direction="down")
    assert browser.ids() == ["c", "a"]
    assert browser.table.contains == "tea"
    assert browser.table.order_by == "-year"
    assert browser.table.status == "2 of 4 records, by year, largest first"
    browser.tell("sort", column="year", direction="none")
    assert browser.ids() == ["a", "c"]


def test_what_python_sets_is_checked(notes):
    table = notes.table()
    with pytest.raises(InvalidArgumentError, match="'yaer'"):
        table.order_by = "yaer"
    with pytest.raises(InvalidArgumentError):
        table.where = {"$bad": 1}
    with pytest.raises(InvalidArgumentError, match="Did you mean 'year'"):
        notes.table(order_by="yeer")
    assert (table.where, table.order_by, table.total) == (None, "", 4)


def test_the_table_can_be_set_read_and_made_a_frame_in_python(notes):
    table = notes.table(where={"kind": "tea"}, order_by="-year", contains="tea")
    assert table.ids() == ["c", "a"]
    assert table.df()["year"].tolist() == [2020, 2001]
    table.order_by = "#id"
    assert table.df()["id"].tolist() == ["a", "c"]
    assert repr(table) == "Table('notes', 2 of 4 records, by id, smallest first)"


def test_numbers_are_counted_in_bins_and_texts_by_value(client):
    many = client.create_collection("many", embedding_function=None)
    values = np.random.default_rng(0).normal(size=2_000)
    many.add(
        ids=[str(i) for i in range(2_000)],
        embeddings=np.zeros((2_000, 1)),
        metadatas=[
            {"score": float(value), "whole": i % 100, "kind": f"k{min(i % 40, 20)}", "stars": i % 5}
            for i, value in enumerate(values)
        ],
    )
    browser = Browser(many.table())
    score = browser.ask("summary", column="score")
    assert score["kind"] == "numbers"
    assert score["counts"] == np.histogram(values, bins=BINS)[0].tolist()
    whole = browser.ask("summary", column="whole")
    assert whole["edges"] == [float(edge) for edge in range(0, 101, 5)]
    assert whole["counts"] == [100] * 20
    kind = browser.ask("summary", column="kind")
    assert kind["values"][0] == {"token": '"k20"', "label": "k20", "count": 1000}
    assert (len(kind["values"]), kind["distinct"], kind["others"]) == (12, 21, 450)
    stars = browser.ask("summary", column="stars")
    assert [value["token"] for value in stars["values"]] == ["0", "1", "2", "3", "4"]
    browser.tell("pick", column="stars", tokens=["0"])
    assert sum(browser.ask("summary", column="whole")["counts"]) == 400
    assert len(browser.ask("summary", column="stars")["values"]) == 5  # its own filter apart


def test_columns_are_counted_anew_after_a_filter_but_not_after_a_click(browser, notes):
    counted, stamp = browser.table.counted, browser.table.stamp
    browser.tell("select", at=0, mode="replace")
    assert browser.table.counted == counted
    assert browser.table.stamp > stamp
    browser.tell("pick", column="kind", tokens=['"tea"'])
    assert browser.table.counted == counted + 1


def test_a_number_stays_a_number_and_a_blank_deletes_the_key(browser, notes):
    for typed, stored in [("2002", 2002), (" 2.5 ", 2.5), ("-1e3", -1000.0)]:
        browser.tell("edit", id="a", column="year", typed=typed)
        assert browser.table.error == ""
        found = notes.get(ids=["a"])["metadatas"][0]["year"]
        assert found == stored
        assert type(found) is type(stored)
    browser.tell("edit", id="b", column="kind", typed="42")
    assert notes.get(ids=["b"])["metadatas"][0]["kind"] == "42"
    browser.tell("edit", id="a", column="hot", typed="False")
    assert notes.get(ids=["a"])["metadatas"][0]["hot"] is False
    browser.tell("edit", id="a", column="tags", typed='["z"]')
    assert notes.get(ids=["a"])["metadatas"][0]["tags"] == ["z"]
    browser.tell("edit", id="d", column="year", typed="7")  # where nothing stood, as the column is
    assert notes.get(ids=["d"])["metadatas"][0] == {"year": 7}
    browser.tell("edit", id="a", column="year", typed="  ")
    assert "year" not in notes.get(ids=["a"])["metadatas"][0]


@pytest.mark.parametrize(
    ("column", "typed", "sentence"),
    [
        ("year", "then", "'year' holds a number; found 'then'. Leave it blank to delete the value."),
        ("year", "NaN", "'year' holds a number; found 'NaN'. Leave it blank to delete the value."),
        ("year", "true", "'year' holds a number; found 'true'. Leave it blank to delete the value."),
        ("hot", "maybe", "'hot' holds true or false; found 'maybe'. Leave it blank to delete the value."),
        ("year", "9" * 30, "whole numbers have at most 64 bits."),
        ("tags", "[" * 100_000, "'tags' holds a list, such as"),
        ("tags", "[1, true]", "a list holds one or more str, int, float or bool, all of one type."),
        ("#id", "x", "a key is not empty, does not start with '#'"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_with_a_sentence(
    browser, notes, column, typed, sentence
):
    before = notes.get()
    assert sentence in browser.ask("edit", id="a", column=column, typed=typed)
    assert sentence in browser.table.error
    assert notes.get() == before
    browser.tell("undo")
    assert browser.table.error == "Nothing to undo: nothing was changed here."


def test_edits_and_deletions_are_undone_one_by_one(browser, notes):
    before = notes.get(include=["documents", "metadatas", "embeddings"])
    browser.tell("edit", id="a", column="year", typed="1")
    browser.tell("edit", id="d", column="kind", typed="salt")
    browser.tell("delete", ids=["b"])
    assert browser.table.undoable == "deleting 'b'"
    assert browser.ids() == ["a", "c", "d"]
    browser.tell("undo")
    assert browser.table.undoable == "'kind' of 'd'"
    browser.tell("undo")
    browser.tell("undo")
    assert browser.table.undoable == ""
    after = notes.get(include=["documents", "metadatas", "embeddings"])
    by_id = sorted(range(4), key=after["ids"].__getitem__)
    for part in ("ids", "documents", "metadatas"):
        assert [after[part][at] for at in by_id] == before[part]
    assert after["embeddings"][by_id].tolist() == before["embeddings"].tolist()


def test_the_selection_is_deleted_and_leaves_the_selection(browser, notes):
    notes.selection.set(["a", "c"])
    browser.tell("delete")
    assert browser.ids() == ["b", "d"]
    assert notes.selection.ids == []
    assert browser.table.undoable == "deleting 2 records"
    browser.tell("delete")
    assert browser.table.error == "Nothing to delete: select records, or go to one."
    browser.tell("undo")
    assert notes.count() == 4


def test_rows_are_selected_by_place_for_every_widget(browser, notes):
    other = notes.table()
    browser.tell("sort", column="year", direction="up")
    browser.tell("select", at=0, mode="replace")
    assert notes.selection.ids == ["b"]
    browser.tell("select", at=0, to=2, mode="replace")
    assert notes.selection.ids == ["b", "a", "c"]
    browser.tell("select", at=1, mode="toggle")
    assert notes.selection.ids == ["b", "c"]
    assert other.selected == 2
    assert [row["selected"] for row in browser.ask("page", start=0, stop=4)["rows"]] == [
        True, False, True, False,
    ]  # fmt: skip
    browser.tell("select_all", on=True)
    assert len(notes.selection) == 4
    browser.tell("select_all", on=False)
    assert notes.selection.ids == []


def test_all_rows_of_a_filter_are_selected_with_the_filter(browser, notes):
    browser.tell("pick", column="kind", tokens=['"tea"'])
    browser.tell("select_all", on=True)
    assert notes.selection.where == {"kind": "tea"}


def test_the_selection_narrows_the_table_and_goes_on_doing_so(browser, notes):
    browser.tell("narrow", on=True)
    assert browser.ids() == []
    assert browser.ask("summary", column="kind")["values"] == []
    notes.selection = ["c", "b"]
    assert browser.ids() == ["b", "c"]
    browser.tell("pick", column="kind", tokens=['"tea"'])
    assert browser.ids() == ["c"]
    assert browser.table.command == """%chroma get notes c b --where 'kind = "tea"' """.strip()
    assert browser.ask("ids") == {"text": "c"}
    browser.tell("narrow", on=False)
    assert browser.ids() == ["a", "c"]


def test_what_another_cell_wrote_is_seen_with_the_next_page(browser, notes):
    stamp = browser.table.stamp
    notes.add(ids=["e"], embeddings=[[9]])
    assert browser.ids() == ["a", "b", "c", "d", "e"]
    assert browser.table.total == 5
    assert browser.table.stamp > stamp


def test_a_record_that_is_gone_is_said(browser, notes):
    notes.delete(ids=["a"])
    assert browser.ask("record", id="a") == "No record 'a' any more: somebody deleted it."
    with pytest.raises(NotFoundError):
        browser.table.edit("a", "year", "1")


def test_an_edit_of_a_record_that_is_gone_is_not_said_to_be_undone(browser, notes):
    browser.tell("edit", id="b", column="year", typed="1")
    browser.tell("edit", id="a", column="year", typed="1")
    notes.delete(ids=["a"])
    browser.tell("undo")
    assert browser.table.error == "No record 'a' any more: somebody deleted it."
    assert browser.table.undoable == "'year' of 'b'"
    browser.tell("undo")
    assert (browser.table.error, browser.table.undoable) == ("", "")
    assert notes.get(ids=["b"])["metadatas"][0]["year"] == 1999


def test_what_was_written_anew_is_not_said_to_come_back(browser, notes):
    table = browser.table
    table.delete(["a", "b"])
    notes.add(ids=["a"], embeddings=[[9]], documents=["new"])
    assert table.undo() == "deleting 2 records, but for 1 written anew since"
    assert notes.get(ids=["a", "b"])["documents"] == ["new", "white chalk"]
    table.delete(["c"])
    notes.add(ids=["c"], embeddings=[[9]], documents=["new"])
    browser.tell("undo")
    assert table.error.startswith("No undo of deleting 'c': written anew since")
    assert table.undoable == ""


def test_a_deleted_collection_is_said_in_the_widget(browser, notes, client):
    client.delete_collection("notes")
    browser.table._after_cell()
    assert "notes" in browser.table.error or "collection" in browser.table.error.lower()


@pytest.mark.parametrize(
    "content",
    [
        {"verb": "drop"},
        {"verb": "page", "start": -1, "stop": 2},
        {"verb": "page", "start": 0, "stop": "2"},
        {"verb": "sort", "column": "year", "direction": "sideways"},
        {"verb": "sort", "column": "nothing", "direction": "up"},
        {"verb": "range", "column": "year", "low": "x", "high": None, "closed": True},
        {"verb": "range", "column": "nothing", "low": 1, "high": None, "closed": True},
        {"verb": "pick", "column": "kind", "tokens": ['{"$gt": 1}']},
        {"verb": "pick", "column": "kind", "tokens": ["nonsense"]},
        {"verb": "pick", "column": "year", "tokens": ["NaN"]},
        {"verb": "pick", "column": "year", "tokens": ["1e999"]},
        {"verb": "pick", "column": "year", "tokens": ["9" * 30]},
        {"verb": "pick", "column": "year", "tokens": ["[" * 100_000]},
        {"verb": "delete", "ids": ["a", "b"]},
        {"verb": "summary", "column": "nothing"},
    ],
)
def test_a_request_that_is_not_understood_changes_nothing(browser, notes, content):
    before = notes.get()
    problem = browser.ask(**content)
    assert isinstance(problem, str)
    assert problem == browser.table.error
    assert (browser.table.where, browser.table.order_by, notes.get()) == (None, "", before)


def test_hostile_text_is_text_everywhere(client):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(ids=[HOSTILE], embeddings=[[1]], documents=[HOSTILE], metadatas=[{HOSTILE: HOSTILE}])
    browser = Browser(notes.table())
    (row,) = browser.ask("page", start=0, stop=1)["rows"]
    assert (row["id"], row["document"], row["cells"]) == (HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    assert browser.ask("summary", column=HOSTILE)["values"][0]["label"] == HOSTILE
    data, _ = browser.table._repr_mimebundle_()
    assert "<img" not in data["text/html"]
    assert data["text/html"].count("&lt;img") == 4


def test_long_texts_are_cut_in_rows_and_whole_where_they_are_edited(client):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(ids=["a"], embeddings=[[1]], documents=["x" * 900], metadatas=[{"k": "y" * 900}])
    browser = Browser(notes.table())
    (row,) = browser.ask("page", start=0, stop=1)["rows"]
    assert row["document"] == "x" * 300 + " …"
    assert row["cells"]["k"] == "y" * 200 + " …"
    assert browser.ask("record", id="a")["cells"]["k"] == "y" * 900


def test_a_saved_notebook_shows_the_first_rows(browser, notes):
    data, _ = browser.table._repr_mimebundle_()
    assert "white chalk" in data["text/html"]
    assert "4 records" in data["text/html"]


def test_an_empty_collection_is_a_table_too(client):
    browser = Browser(client.create_collection("none", embedding_function=None).table())
    assert browser.ids() == []
    assert browser.table.columns == []
    assert browser.table.status == "0 records"


def test_a_table_of_a_closed_client_is_displayed_with_a_sentence():
    client = chromalab.EphemeralClient()
    table = client.create_collection("empty", embedding_function=None).table()
    client.close()
    data, _ = table._repr_mimebundle_()
    assert data["text/html"].startswith("<p>Table: This client was closed.")


def test_a_closed_table_watches_nothing_any_more(notes):
    table = notes.table()
    stamp = table.stamp
    table.close()
    notes.selection = ["a"]
    assert table.stamp == stamp


def test_the_typescript_knows_the_same_traits_and_verbs():
    source = (WIDGETS / "src/table/model.ts").read_text()
    body = re.search(r"interface TableModel \{(.*?)\}", source, re.DOTALL).group(1)
    import anywidget

    ours = set(Table.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    assert set(re.findall(r"^\s+(\w+):", body, re.MULTILINE)) == ours
    files = "".join(file.read_text() for file in (WIDGETS / "src/table").glob("*.ts"))
    said = set(re.findall(r'(?:ask(?:<[^(]*>)?|tell)\("(\w+)"', files))
    assert said <= set(Table.verbs)
    assert set(Table.verbs) - said == {"undo", "clear", "refresh"}  # sent by the name of a button


def test_the_bundles_are_small_and_load_nothing_from_elsewhere():
    for name in ("table.js", "table.css", "panel.js", "panel.css"):
        text = bundle(name).read_text()
        assert len(text) < 300_000
        assert "://" not in text
