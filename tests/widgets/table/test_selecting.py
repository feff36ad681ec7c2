"""Rows are selected for every widget, and the table can list only the selection."""

import pytest

import chromalab


def test_deleting_the_selection_empties_it(browser, notes):
    notes.selection.set(["a", "c"])
    browser.send("delete")
    assert browser.ids() == ["b", "d"]
    assert notes.selection.ids == []
    assert browser.table.undoable == "deleting 2 records"
    browser.send("delete")
    assert browser.table.error == "Nothing to delete. Select records or move to a row first."
    browser.send("undo")
    assert notes.count() == 4


def test_rows_are_selected_by_position_for_every_widget(browser, notes):
    other = notes.table()
    browser.send("sort", column="year", direction="up")
    browser.ids()
    browser.select(0)
    assert notes.selection.ids == ["b"]
    browser.select(0, to=2)
    assert notes.selection.ids == ["b", "a", "c"]
    browser.select(1, mode="toggle")
    assert notes.selection.ids == ["b", "c"]
    assert other.selected == 2
    assert [row["selected"] for row in browser.ask("page", start=0, stop=4)["rows"]] == [
        True, False, True, False,
    ]  # fmt: skip
    browser.send("select_all", on=True)
    assert len(notes.selection) == 4
    browser.send("select_all", on=False)
    assert notes.selection.ids == []


@pytest.mark.parametrize("to", [None, 3])
def test_a_click_on_rows_that_have_changed_selects_nothing(tmp_path, browse, to):
    with chromalab.PersistentClient(tmp_path) as one, chromalab.PersistentClient(tmp_path) as two:
        notes = one.create_collection("notes", embedding_function=None)
        notes.add(ids=["a", "b", "c", "d", "e"], embeddings=[[0]] * 5)
        browser = browse(notes.table())
        shown, stamp = browser.ids(), browser.table.stamp
        two.get_collection("notes", embedding_function=None).delete(ids=["a"])
        browser.select(shown.index("c"), to)
        assert notes.selection.ids == []
        assert browser.table.error == "The rows have changed since. Select again."
        browser.send("delete")
        assert notes.count() == 4
        assert browser.table.stamp > stamp  # so the browser reads its rows again
        browser.select(browser.ids().index("c"))
        assert (notes.selection.ids, browser.table.error) == (["c"], "")


def test_a_click_on_rows_from_before_sorting_selects_nothing(browser, notes):
    browser.ids()
    browser.table.order_by = "-year"
    browser.select(0)
    assert (notes.selection.ids, browser.table.error[:21]) == ([], "The rows have changed")


def test_rapid_clicks_all_count(browser, notes):
    browser.ids()
    for at in range(3):
        browser.select(at, mode="toggle")
    assert notes.selection.ids == ["a", "b", "c"]


def test_selecting_all_rows_of_a_filter_stores_the_filter(browser, notes):
    browser.send("pick", column="kind", tokens=['"tea"'])
    browser.send("select_all", on=True)
    assert notes.selection.where == {"kind": "tea"}


def test_the_table_lists_the_selection_and_follows_it(browser, notes):
    browser.send("narrow", on=True)
    assert browser.ids() == []
    assert browser.ask("summary", column="kind")["values"] == []
    notes.selection = ["c", "b"]
    assert browser.ids() == ["b", "c"]
    browser.send("pick", column="kind", tokens=['"tea"'])
    assert browser.ids() == ["c"]
    assert browser.table.command == """%chroma get notes c b --where 'kind = "tea"' """.strip()
    assert browser.ask("ids") == {"text": "c"}
    browser.send("narrow", on=False)
    assert browser.ids() == ["a", "c"]


def test_a_closed_table_does_not_follow_the_selection(notes):
    table = notes.table()
    stamp = table.stamp
    table.close()
    notes.selection = ["a"]
    assert table.stamp == stamp
