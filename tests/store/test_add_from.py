"""`add_from`: tables of every kind are added, in batches that are written completely or not at all."""

import datetime
from decimal import Decimal

import numpy as np
import pandas
import pytest

import chromalab
from chromalab import errors


def test_texts_get_content_ids_so_duplicates_are_skipped(notes):
    added = notes.add_from(["tea", "walk", "tea"])
    assert (added.added, added.skipped, added.collection) == (2, 1, "notes")
    assert notes.add_from(["walk", "home"]).added == 1
    assert notes.count() == 3


def test_existing_records_are_not_embedded_again(notes, function):
    notes.add_from(["tea", "walk"])
    notes.add_from(["tea", "walk", "home"])
    assert function.embedded == ["tea", "walk", "home"]


def test_a_dataset_keeps_its_ids_and_metadata(notes):
    facts = chromalab.datasets.load("facts")
    assert notes.add_from(facts).added == 96
    assert notes.get()["ids"] == list(facts.ids)
    assert notes.get()["metadatas"] == list(facts.metadatas)


def test_all_other_columns_are_metadata_by_default(notes):
    rows = [{"id": 1, "text": "x", "year": 2020, "kind": "a"}, {"id": 2, "text": "y", "year": None}]
    notes.add_from(rows)
    assert notes.get()["ids"] == ["1", "2"]
    assert notes.get()["metadatas"] == [{"year": 2020, "kind": "a"}, None]
    notes.add_from([{"id": "3", "text": "z", "year": 1, "kind": "b"}], meta=["kind"])
    assert notes.get(ids="3")["metadatas"] == [{"kind": "b"}]


def test_empty_cells_of_every_kind_are_omitted(notes):
    frame = pandas.DataFrame(
        {
            "text": ["a", "b", "c", "d"],
            "f": [1.5, np.nan, 2.5, 3.5],
            "s": ["x", None, np.nan, "y"],
            "n": pandas.array([1, None, 3, 4], dtype="Int64"),
            "t": [[1, 2], None, [3], [4]],
        }
    )
    notes.add_from(frame)
    assert notes.get()["metadatas"] == [
        {"f": 1.5, "s": "x", "n": 1, "t": [1, 2]},
        None,
        {"f": 2.5, "n": 3, "t": [3]},
        {"f": 3.5, "s": "y", "n": 4, "t": [4]},
    ]


def test_numeric_column_names_become_strings(notes):
    frame = pandas.DataFrame([["tea", "a", 2020], ["walk", "b", 2021]])
    notes.add_from(frame, text=0, id=1)
    assert notes.get()["ids"] == ["a", "b"]
    assert notes.get()["documents"] == ["tea", "walk"]
    assert notes.get()["metadatas"] == [{"2": 2020}, {"2": 2021}]


def test_meta_can_be_a_single_name(notes):
    notes.add_from([{"text": "tea", "year": 1, "kind": "a"}], meta="year")
    notes.add_from([{"text": "walk", 7: 1, "kind": "a"}], meta=7)
    assert notes.get()["metadatas"] == [{"year": 1}, {"7": 1}]


def test_two_columns_of_the_same_name_are_rejected_and_none_is_dropped(notes):
    frame = pandas.DataFrame([["tea", 1, 2]], columns=["text", "n", "n"])
    with pytest.raises(errors.InvalidArgumentError, match="Two columns are named 'n'"):
        notes.add_from(frame)


def test_small_arrays_become_lists_and_empty_ones_are_omitted(notes):
    cells = [np.array([1, 2]), np.array([]), [], np.array(["x"])]
    notes.add_from([{"text": f"text {n}", "m": cell} for n, cell in enumerate(cells)])
    assert notes.get()["metadatas"] == [{"m": [1, 2]}, None, None, {"m": ["x"]}]


@pytest.mark.parametrize("name", ["embedding", "Embeddings", "vector"])
@pytest.mark.parametrize("cell", [np.ones(3), np.ones(384), [0.5] * 384, [0, 0.5]])
def test_vectors_do_not_silently_become_metadata(notes, name, cell):
    rows = [{"text": "tea", "year": 1, name: cell}]
    with pytest.raises(errors.InvalidArgumentError, match=f"Column '{name}' holds vectors"):
        notes.add_from(rows)
    notes.add_from(rows, meta="year")
    assert notes.get()["metadatas"] == [{"year": 1}]


def test_texts_in_a_column_named_vector_are_metadata(notes):
    notes.add_from([{"text": "malaria", "vector": ["mosquito"]}])
    assert notes.get()["metadatas"] == [{"vector": ["mosquito"]}]


def test_dates_become_iso_strings(notes):
    noon = datetime.datetime(2020, 5, 1, 12)
    cells = [
        noon,
        noon.date(),
        pandas.Timestamp(noon),
        np.datetime64("2020-05-01T12:00:00"),
        pandas.NaT,
    ]
    notes.add_from([{"text": f"text {n}", "at": cell} for n, cell in enumerate(cells)])
    at = "2020-05-01T12:00:00"
    assert notes.get()["metadatas"] == [
        {"at": at},
        {"at": "2020-05-01"},
        {"at": at},
        {"at": at},
        None,
    ]


def test_an_interrupt_keeps_whole_batches_and_reports_how_many(client, function):
    function.interrupt_after = 25
    notes = client.create_collection("notes", embedding_function=function)
    texts = [f"text {n}" for n in range(100)]
    with pytest.raises(KeyboardInterrupt) as caught:
        notes.add_from(texts, batch_size=10, progress=False)
    assert str(caught.value).startswith("Interrupted: 30 added, of 100 for 'notes'.")
    assert caught.value.done.added == notes.count() == 30
    (line,) = caught.value._render_traceback_()
    assert "30 added, of 100" in line
    function.interrupt_after = None
    assert notes.add_from(texts, progress=False) == chromalab.AddResult("notes", 70, 30)


class InterruptedAfterCommit:
    """An engine whose second write is interrupted when it is already durable."""

    def __init__(self, engine):
        self.engine = engine
        self.writes = 0

    def __getattr__(self, name):
        return getattr(self.engine, name)

    def add(self, *args):
        added = self.engine.add(*args)
        self.writes += 1
        if self.writes == 2:
            raise KeyboardInterrupt
        return added


def test_an_interrupt_after_the_commit_counts_the_written_batch(notes, function):
    notes.add_from([f"text {n}" for n in range(5, 15)])
    engine = InterruptedAfterCommit(notes.engine)
    late = chromalab.Collection(engine, notes.get_model(), function)
    with pytest.raises(chromalab.AddInterrupted) as caught:
        late.add_from([f"text {n}" for n in range(100)], batch_size=10, progress=False)
    assert caught.value.done == chromalab.AddResult("notes", 10, 10)
    assert str(caught.value).startswith(
        "Interrupted: 10 added, 10 skipped (same id), of 100 for 'notes'."
    )
    assert notes.count() == 20


def test_a_dry_run_counts_but_writes_nothing(notes, function):
    notes.add_from(["tea"])
    assert repr(notes.add_from(["tea", "walk"], dry_run=True)) == (
        "notes: 1 would be added, 1 skipped (same id)"
    )
    assert notes.count() == 1
    assert function.embedded == ["tea"]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ([{"text": "x"}, {"text": None}], {}, "Row 1: 'text' must be a string; got None. Drop"),
        ([{"body": "x"}], {}, "No column for the text. Pass text=... Columns: body"),
        ([{"body": "x"}], {"text": "boby"}, "Did you mean 'body'?"),
        ([{"text": "x", "id": None}], {}, "Row 0: 'id' is empty"),
        (
            [{"text": "x", "m": {"a": 1}}],
            {},
            "Row 0: metadata['m'] must be a str, an int, a float, a bool or a list of one of these; got {'a': 1}, of type dict.",
        ),
        (
            [{"text": "x", "m": 1}, {"text": "y", "m": Decimal(1)}],
            {},
            "Row 1: metadata['m'] must be a str, an int, a float, a bool or a list of one of these; got Decimal('1')",
        ),
        (
            [{"text": "x", "m": Decimal(1)}],
            {},
            "Convert the column, or choose the columns with meta=[...]",
        ),
        (
            [{"text": "x", "m": np.ones((2, 2))}],
            {},
            "Row 0: metadata['m'] must be a list of at least one str, int, float or bool, all of the same type; got [[1.0, 1.0], [1.0, 1.0]]",
        ),
        (
            [{"text": "x", "id": {"a": 1}}],
            {},
            "Row 0: 'id' must be a string or a number; got {'a': 1}, of type dict.",
        ),
        ([{"text": "x", "m": np.ones(384)}], {}, "Column 'm' holds vectors"),
        ([{"text": "x", 1: 2, "1": 3}], {}, "Two columns are named '1'. Rename one of them."),
        ([{"text": b"x" * 10**7}], {}, "xxx'. Drop or fill"),
        ([{"text": np.ones(2)}], {}, "Row 0: 'text' must be a string; got array([1., 1.])."),
        ([{"text": "x", 0: 1}], {"meta": "0,1"}, "No column '0,1' for meta"),
        (
            [{"text": "x"}, {"text": "\ud800"}],
            {},
            "Column 'text' must be text that can be encoded; got text that is not valid Unicode (value 1",
        ),
        (
            [{"text": "x", "m": float("inf")}],
            {},
            "Row 0: metadata['m'] must be a finite number; got inf",
        ),
        ([{"text": "x", "m": 1}], {"meta": ["n"]}, "No column 'n' for meta"),
        (["x", 3], {}, "Row 0 must be a dict; got 'x', of type str."),
        ("one text", {}, "list of texts; got 'one text', of type str."),
        (7, {}, "list of texts; got 7, of type int."),
        (["x"], {"batch_size": 0}, "batch_size must be an integer from 1 to 5,461; got 0."),
        (["x"], {"batch_size": 5462}, "batch_size must be an integer from 1 to 5,461; got 5462."),
        (["x"], {"batch_size": 2.5}, "batch_size must be an integer"),
        (["bad \ud800"], {}, "not valid Unicode"),
    ],
)
def test_an_invalid_row_is_named_and_nothing_is_written(notes, function, data, options, message):
    with pytest.raises(errors.InvalidArgumentError) as caught:
        notes.add_from(data, **options)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400
    assert notes.count() == 0
    assert function.embedded == []


def test_more_records_than_one_call_allows_are_split(notes):
    assert notes.add_from([f"text {n}" for n in range(6000)], batch_size=1000).added == 6000
    assert notes.count() == 6000


def test_the_result_is_shown_without_control_characters():
    assert repr(chromalab.AddResult("no\x1b[2J\ntes", 1, 0)) == "no [2J tes: 1 added"
