"""Rows are read one page at a time, and columns are the fields that were found."""

import numpy as np
import pytest

from chromalab_widgets import Table


def test_a_page_has_ids_documents_and_the_existing_cells(browser):
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


def test_columns_are_the_fields_that_were_found_with_their_kinds(browser, notes):
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


def test_fields_are_counted_whatever_their_values_are(client):
    notes = client.create_collection("counted", embedding_function=None)
    metadatas = [{"year": 9}, {"kind": "tea"}, {"year": 9, "kind": "tea", "size": 10**6}]
    notes.add(ids=["a", "b", "c"], embeddings=[[0], [1], [2]], metadatas=metadatas)
    assert [column["key"] for column in notes.table().columns] == ["year", "kind", "size"]


def test_only_the_given_columns_are_shown(notes):
    table = Table(notes, show=["kind", "year"])
    assert [column["key"] for column in table.columns] == ["kind", "year"]


@pytest.fixture
def wide(client):
    """Two records with 5,000 fields, of which every tenth of the first 500 is in both."""
    wide = client.create_collection("wide", embedding_function=None)
    keys = [f"k{number:04}" for number in range(5_000)]
    wide.add(
        ids=["all", "some"],
        embeddings=[[0], [1]],
        metadatas=[dict.fromkeys(keys, 1), dict.fromkeys(keys[:500:10], 2)],
    )
    return wide


def test_the_fifty_most_frequent_fields_are_columns_and_the_status_shows_it(wide, browse):
    browser = browse(wide.table())
    frequent = [f"k{number:04}" for number in range(0, 500, 10)]
    assert [column["key"] for column in browser.table.columns] == frequent
    status = "2 records, 50 of 5,000 fields shown (show=[...] shows others)"
    assert browser.table.status == status
    rows = browser.ask("page", start=0, stop=2)["rows"]
    assert [list(row["cells"]) for row in rows] == [frequent, frequent]
    assert len(browser.ask("record", id="all")["cells"]) == 5_000
    assert "k0001" not in browser.table._static_html()
    wide.upsert(ids=["late"], embeddings=[[2]], metadatas=[{"later": 1}])
    browser.ask("page", start=0, stop=3)
    assert [column["key"] for column in browser.table.columns] == frequent
    assert "50 of 5,001 fields" in browser.table.status


def test_of_very_many_fields_the_frequent_ones_are_columns_and_the_rest_is_ignored(client, browse):
    hostile = client.create_collection("hostile", embedding_function=None)
    metadatas = [{f"k{row}_{n}": 1 for n in range(2_000)} for row in range(6)]
    for metadata in metadatas[-2:]:
        metadata["common"] = 1
    hostile.add(ids=list("abcdef"), embeddings=[[0]] * 6, metadatas=metadatas)
    browser = browse(hostile.table())
    names = [column["key"] for column in browser.table.columns]
    assert names == [*(f"k0_{n}" for n in range(49)), "common"]
    status = "6 records, 50 of more than 10,000 fields shown (show=[...] shows others)"
    assert browser.table.status == status
    hostile.add(ids=["g"], embeddings=[[0]], metadatas=[{f"more{n}": 1 for n in range(2_000)}])
    browser.ids()
    assert browser.table.status == status.replace("6 records", "7 records")
    assert [column["key"] for column in browser.table.columns] == names


def test_any_number_of_columns_can_be_given(wide):
    keys = [f"k{number:04}" for number in range(60)]
    table = wide.table(show=keys)
    assert [column["key"] for column in table.columns] == keys
    assert table.status == "2 records"
    assert len(wide.table(show="all").columns) == 5_000


def test_fields_found_later_become_columns_while_there_is_room(client, browse):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(ids=["a"], embeddings=[[0]], metadatas=[{f"k{i}": 1 for i in range(49)}])
    browser = browse(notes.table())
    before = [column["key"] for column in browser.table.columns]
    notes.add(ids=["b"], embeddings=[[1]], metadatas=[{"one": 1, "another": 2}])
    browser.ask("page", start=0, stop=2)
    assert [column["key"] for column in browser.table.columns] == [*before, "one"]
    assert "50 of 51 fields" in browser.table.status


def test_a_hundred_thousand_records_are_paged_in_any_order(browse, client):
    many = client.create_collection("many", embedding_function=None)
    for start in range(0, 100_000, 5_000):
        part = range(start, start + 5_000)
        many.add(
            ids=[f"id{i:06d}" for i in part],
            embeddings=np.zeros((5_000, 2)),
            documents=[f"text {i}" for i in part],
            metadatas=[{"n": i, "mod": i % 7} for i in part],
        )
    browser = browse(many.table())
    assert browser.table.total == 100_000
    rows = browser.ask("page", start=99_900, stop=100_000)["rows"]
    assert [row["id"] for row in rows] == [f"id{i:06d}" for i in range(99_900, 100_000)]
    browser.send("sort", column="n", direction="down")
    assert browser.ask("page", start=50_000, stop=50_001)["rows"][0]["id"] == "id049999"
    browser.send("sort", column="#id", direction="down")
    assert browser.ask("page", start=3, stop=4)["rows"][0]["id"] == "id099996"
    browser.send("pick", column="mod", tokens=["3", "4"])
    browser.send("sort", column="n", direction="up")
    assert browser.table.total == sum(i % 7 in (3, 4) for i in range(100_000))
    assert browser.ask("page", start=2, stop=3)["rows"][0]["id"] == "id000010"
    assert len(browser.ask("page", start=0, stop=2**53)["rows"]) == 500  # the maximum


def test_writes_of_another_cell_appear_with_the_next_page(browser, notes):
    stamp = browser.table.stamp
    notes.add(ids=["e"], embeddings=[[9]])
    assert browser.ids() == ["a", "b", "c", "d", "e"]
    assert browser.table.total == 5
    assert browser.table.stamp > stamp


def test_long_texts_are_cut_in_rows_but_not_in_the_editor(browse, client):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(ids=["a"], embeddings=[[1]], documents=["x" * 900], metadatas=[{"k": "y" * 900}])
    browser = browse(notes.table())
    (row,) = browser.ask("page", start=0, stop=1)["rows"]
    assert row["document"] == "x" * 300 + " …"
    assert row["cells"]["k"] == "y" * 200 + " …"
    assert browser.ask("record", id="a")["cells"]["k"] == "y" * 900


def test_an_empty_collection_is_a_table_too(browse, client):
    browser = browse(client.create_collection("none", embedding_function=None).table())
    assert browser.ids() == []
    assert browser.table.columns == []
    assert browser.table.status == "0 records"


def test_the_status_names_a_column_that_no_record_has(notes, browse):
    browser = browse(notes.table(show=np.array(["kind", "nope"])))
    assert browser.table.status == "4 records, no record has 'nope'"
    notes.update(ids=["a"], metadatas=[{"nope": 1}])
    browser.ids()
    assert browser.table.status == "4 records"
