"""A table over a collection of another library, of which it needs Chroma's `name` and `get` only."""

import pytest

from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError
from chromalab_widgets.table.table import Table


class Foreign:
    """A collection with Chroma's signatures, kept in another program's memory."""

    name = "notes"

    def __init__(self):
        self.records = {
            "a": ("green tea", {"year": 2001, "kind": "tea"}),
            "b": ("white chalk", {"year": 1999, "kind": "chalk"}),
            "c": ("black tea", {"year": 2020, "kind": "tea"}),
            "d": (None, {}),
        }

    def get(self, ids=None, where=None, limit=None, offset=None, where_document=None, include=()):
        assert where is None
        wanted = [id for id in self.records if ids is None or id in ids]
        wanted = wanted[offset or 0 :][:limit]
        return {
            "ids": wanted,
            "documents": [self.records[id][0] for id in wanted],
            "metadatas": [self.records[id][1] for id in wanted],
        }


@pytest.fixture
def foreign():
    return Foreign()


def test_rows_are_sorted_filtered_counted_and_selected(foreign, browse):
    browser = browse(Table(foreign))
    assert browser.ids() == ["a", "b", "c", "d"]
    browser.send("sort", column="year", direction="down")
    assert browser.ids() == ["c", "a", "b", "d"]
    browser.select(0, 1)
    assert list(browser.table.selection) == ["c", "a"]
    browser.send("pick", column="kind", tokens=['"tea"'])
    browser.send("search", text="green")
    assert browser.ids() == ["a"]
    assert browser.ask("summary", column="kind")["values"][0]["count"] == 1
    assert browser.table.status == "1 of 4 records, by year, descending, 2 selected"
    assert "green tea" in browser.table._repr_mimebundle_()[0]["text/html"]


def test_the_command_is_one_that_chromadb_knows(foreign):
    table = Table(foreign, where={"year": {"$gt": 2000}}, order_by="-year")
    assert table.command == "client.get_collection('notes').get(where={'year': {'$gt': 2000}})"


def test_records_are_read_again_on_refresh(foreign, browse):
    browser = browse(Table(foreign))
    before = browser.ids(), browser.generation
    foreign.records["e"] = ("cocoa", {"sweet": True})
    browser.send("refresh")
    assert browser.ids() == [*before[0], "e"]
    assert browser.generation > before[1]
    assert [column["key"] for column in browser.table.columns] == ["year", "kind", "sweet"]


def test_records_are_not_changed(foreign, browse):
    browser = browse(Table(foreign))
    problem = browser.ask("edit", id="a", column="year", typed="2002")
    assert problem.startswith("A table can only change a collection of chromalab; 'notes' is of ")
    with pytest.raises(InvalidArgumentError, match="update or delete"):
        browser.table.delete(["a"])
    assert browser.ids() == ["a", "b", "c", "d"]


def test_what_is_no_collection_is_refused():
    with pytest.raises(InvalidArgumentTypeError, match="must be a collection; got 'notes'"):
        Table("notes")
