"""Values are edited and records deleted in place, and each change can be taken back."""

import pytest

from chromalab.errors import NotFoundError


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
        ("year", "9" * 30, "must fit in 64 bits; got 9"),
        ("tags", "[" * 100_000, "'tags' holds a list, such as"),
        ("tags", "[1, true]", "must be a list of at least one str, int, float or bool, all of the same type; got [1, True]."),
        ("#id", "x", "must not be empty, start with '#'"),
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
