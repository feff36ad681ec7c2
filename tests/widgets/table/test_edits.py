"""Values are edited and records deleted in place, and each change can be undone."""

import pytest

from chromalab.errors import NotFoundError


def test_an_edit_keeps_the_type_and_blank_text_deletes_the_field(browser, notes):
    for typed, stored in [("2002", 2002), (" 2.5 ", 2.5), ("-1e3", -1000.0)]:
        browser.send("edit", id="a", column="year", typed=typed)
        assert browser.table.error == ""
        found = notes.get(ids=["a"])["metadatas"][0]["year"]
        assert found == stored
        assert type(found) is type(stored)
    browser.send("edit", id="b", column="kind", typed="42")
    assert notes.get(ids=["b"])["metadatas"][0]["kind"] == "42"
    browser.send("edit", id="a", column="hot", typed="False")
    assert notes.get(ids=["a"])["metadatas"][0]["hot"] is False
    browser.send("edit", id="a", column="tags", typed='["z"]')
    assert notes.get(ids=["a"])["metadatas"][0]["tags"] == ["z"]
    browser.send(
        "edit", id="d", column="year", typed="7"
    )  # no old value, so the type of the column
    assert notes.get(ids=["d"])["metadatas"][0] == {"year": 7}
    browser.send("edit", id="a", column="year", typed="  ")
    assert "year" not in notes.get(ids=["a"])["metadatas"][0]


@pytest.mark.parametrize(
    ("column", "typed", "sentence"),
    [
        ("year", "then", "The value of 'year' must be a number; got 'then'. Leave it blank to delete the value."),
        ("year", "NaN", "The value of 'year' must be a number; got 'NaN'. Leave it blank to delete the value."),
        ("year", "true", "The value of 'year' must be a number; got 'true'. Leave it blank to delete the value."),
        ("hot", "maybe", "The value of 'hot' must be true or false; got 'maybe'. Leave it blank to delete the value."),
        ("year", "9" * 30, "must fit in 64 bits; got 9"),
        ("tags", "[" * 100_000, "The value of 'tags' must be a list, such as"),
        ("tags", "[1, true]", "must be a list of at least one str, int, float or bool, all of the same type; got [1, True]."),
        ("#id", "x", "must not be empty, start with '#'"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused_with_a_message(browser, notes, column, typed, sentence):
    before = notes.get()
    assert sentence in browser.ask("edit", id="a", column=column, typed=typed)
    assert sentence in browser.table.error
    assert notes.get() == before
    browser.send("undo")
    assert browser.table.error == "Nothing to undo: nothing has been changed here."


def test_edits_and_deletions_are_undone_one_at_a_time(browser, notes):
    before = notes.get(include=["documents", "metadatas", "embeddings"])
    browser.send("edit", id="a", column="year", typed="1")
    browser.send("edit", id="d", column="kind", typed="salt")
    browser.send("delete", ids=["b"])
    assert browser.table.undoable == "deleting 'b'"
    assert browser.ids() == ["a", "c", "d"]
    browser.send("undo")
    assert browser.table.undoable == "editing 'kind' of 'd'"
    browser.send("undo")
    browser.send("undo")
    assert browser.table.undoable == ""
    after = notes.get(include=["documents", "metadatas", "embeddings"])
    by_id = sorted(range(4), key=after["ids"].__getitem__)
    for part in ("ids", "documents", "metadatas"):
        assert [after[part][at] for at in by_id] == before[part]
    assert after["embeddings"][by_id].tolist() == before["embeddings"].tolist()


def test_a_deleted_record_is_reported(browser, notes):
    notes.delete(ids=["a"])
    assert browser.ask("record", id="a") == "No record 'a': it has been deleted."
    with pytest.raises(NotFoundError):
        browser.table.edit("a", "year", "1")


def test_an_edit_of_a_deleted_record_cannot_be_undone(browser, notes):
    browser.send("edit", id="b", column="year", typed="1")
    browser.send("edit", id="a", column="year", typed="1")
    notes.delete(ids=["a"])
    browser.send("undo")
    assert browser.table.error == "No record 'a': it has been deleted."
    assert browser.table.undoable == "editing 'year' of 'b'"
    browser.send("undo")
    assert (browser.table.error, browser.table.undoable) == ("", "")
    assert notes.get(ids=["b"])["metadatas"][0]["year"] == 1999


def test_records_that_were_written_again_are_not_restored(browser, notes):
    table = browser.table
    table.delete(["a", "b"])
    notes.add(ids=["a"], embeddings=[[9]], documents=["new"])
    assert table.undo() == "deleting 2 records, except for 1 written again since"
    assert notes.get(ids=["a", "b"])["documents"] == ["new", "white chalk"]
    table.delete(["c"])
    notes.add(ids=["c"], embeddings=[[9]], documents=["new"])
    browser.send("undo")
    assert table.error.startswith(
        "Cannot undo deleting 'c': all of it has been written again since"
    )
    assert table.undoable == ""
