"""`add_from`: tables of every kind are added, in batches that are written completely or not at all."""

import datetime
import uuid
from decimal import Decimal

import numpy as np
import pandas
import pyarrow
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


@pytest.mark.parametrize("name", ["embedding", "Embeddings", "content_vector"])
@pytest.mark.parametrize(
    "cell", [np.ones(3), np.ones(384), [0.5] * 384, [0, 0.5], [1, 2], (0.5, 1.0), [[0.5], [1.0]]]
)
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
        (
            [{"text": "x"}, {"text": None}],
            {},
            "1 of 2 rows cannot be added, and nothing was written: 'text' must be a string; got None in row 1. Drop",
        ),
        ([{"body": "x"}], {}, "No column for the text. Pass text=... Columns: body"),
        ([{"body": "x"}], {"text": "boby"}, "Did you mean 'body'?"),
        (
            [{"text": "x", "id": None}],
            {},
            "'id' must be a string or a number, as every record needs an id; got None in row 0.",
        ),
        (
            [{"text": "x", "m": {"a": 1}}],
            {},
            "'m' must be a single value or a list; got {'a': 1}, of type dict, in row 0. Store nested dicts",
        ),
        (
            [{"text": "x", "m": 1}, {"text": "y", "m": 1j}],
            {},
            "'m' must be a str, an int, a float, a bool, a date or a list of one of these; got 1j, of type complex, in row 1.",
        ),
        (
            [{"text": "x", "m": b"x"}],
            {},
            "Convert the column, or choose the columns with meta=[...]",
        ),
        (
            [{"text": "x", "m": np.ones((2, 2))}],
            {},
            "'m' must be a list of at least one str, int, float or bool, all of the same type; got [[1.0, 1.0], [1.0, 1.0]]",
        ),
        (
            [{"text": "x", "id": {"a": 1}}],
            {},
            "'id' must be a string or a number; got {'a': 1}, of type dict, in row 0.",
        ),
        ([{"text": "x", "m": np.ones(384)}], {}, "Column 'm' holds vectors"),
        ([{"text": "x", 1: 2, "1": 3}], {}, "Two columns are named '1'. Rename one of them."),
        ([{"text": b"x" * 10**7}], {}, "xxx', of type bytes, in row 0. Drop or fill"),
        (
            [{"text": np.ones(2)}],
            {},
            "'text' must be a string; got array([1., 1.]), of type ndarray, in row 0.",
        ),
        ([{"text": "x", 0: 1}], {"meta": "0,1"}, "No column '0,1' for meta"),
        (
            [{"text": "x"}, {"text": "\ud800"}],
            {},
            r"'text' must be text that can be encoded as UTF-8; got '\ud800' in row 1.",
        ),
        (
            [{"text": "x", "m": float("inf")}],
            {},
            "'m' must be a finite number; got inf in row 0.",
        ),
        ([{"text": "x", "m": 1}], {"meta": ["n"]}, "No column 'n' for meta"),
        (["x", 3], {}, "Row 0 must be a dict; got 'x', of type str."),
        ("one text", {}, "list of texts; got 'one text', of type str."),
        (7, {}, "list of texts; got 7, of type int."),
        (["x"], {"batch_size": 0}, "batch_size must be an integer from 1 to 5,461; got 0."),
        (["x"], {"batch_size": 5462}, "batch_size must be an integer from 1 to 5,461; got 5462."),
        (["x"], {"batch_size": 2.5}, "batch_size must be an integer"),
        (["bad \ud800"], {}, "must be text that can be encoded as UTF-8"),
        (["tea", None], {}, "'text' must be a string; got None in row 1."),
        ({"text": "tea"}, {}, "A dict must have one list per column"),
        (
            {"text": ["tea"], "n": [1, 2]},
            {},
            "must have the same length; got 1 for 'text', 2 for 'n'.",
        ),
        ([{"text": "x", "$m": 1}], {}, "must not be empty, start with '#' or '$'"),
        ([{"text": "x", "m": 2**64}], {}, "'m' must be an integer of 64 bits"),
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


DAY = datetime.date(2024, 5, 1)
TABLE = {
    "id": ["a", "b"],
    "text": ["tea", "walk"],
    "n": [1, None],
    "at": [DAY, None],
    "tags": [["x"], []],
}


def frame():
    return pandas.DataFrame(TABLE).astype({"n": "Int64"})


@pytest.mark.parametrize(
    "data",
    [
        TABLE,
        pyarrow.table(TABLE),
        pyarrow.RecordBatch.from_pydict(TABLE),
        frame(),
        frame().convert_dtypes(dtype_backend="pyarrow"),
        frame().set_index("id"),
        frame().set_index(["text", "id"]),
        [dict(zip(TABLE, row, strict=True)) for row in zip(*TABLE.values(), strict=True)],
    ],
    ids=lambda data: type(data).__name__,
)
def test_every_kind_of_table_gives_the_same_records(notes, data):
    notes.add_from(data)
    found = notes.get()
    assert (found["ids"], found["documents"]) == (["a", "b"], ["tea", "walk"])
    assert found["metadatas"] == [{"n": 1, "at": "2024-05-01", "tags": ["x"]}, None]


def test_a_generator_a_reader_and_what_get_returned_are_tables_too(client, function, notes):
    notes.add_from(row for row in [{"id": "a", "text": "tea", "n": 1}])
    notes.add_from(pyarrow.table({"id": ["b"], "text": ["walk"]}).to_reader())
    copy = client.create_collection("copy", embedding_function=function)
    copy.add_from(notes.get())
    assert copy.get() == notes.get()
    assert copy.get()["metadatas"] == [{"n": 1}, None]


@pytest.mark.parametrize(
    "texts",
    [
        np.array(["tea", "walk"]),
        pandas.Series(["tea", "walk"], index=[7, 3]),
        pyarrow.array(["tea", "walk"]),
        (text for text in ("tea", "walk")),
    ],
    ids=lambda texts: type(texts).__name__,
)
def test_every_kind_of_column_is_a_list_of_texts(notes, texts):
    assert notes.add_from(texts).added == 2
    assert notes.get()["documents"] == ["tea", "walk"]


def test_whole_floats_are_the_ids_that_a_join_made_of_integers(notes):
    notes.add_from({"id": [1, 2], "text": ["tea", "walk"]})
    assert repr(notes.add_from({"id": [1.0, 2.0, 3.0], "text": ["tea", "walk", "home"]})) == (
        "notes: 1 added, 2 skipped (same id)"
    )
    assert notes.get()["ids"] == ["1", "2", "3"]
    notes.add_from({"id": [1.5, 4.0], "text": ["more", "yet"]})
    assert notes.get()["ids"][3:] == ["1.5", "4.0"]


def test_values_with_one_obvious_form_are_converted(notes):
    key = uuid.UUID(int=7)
    row = {
        "id": key,
        "text": np.str_("tea"),
        "price": Decimal("1.50"),
        "took": pandas.Timedelta(minutes=2),
        "month": pandas.Period("2024-05"),
        "words": [np.str_("a"), np.str_("b")],
        "at": datetime.time(12),
        "none": "",
        "long": ["word"] * 100,
    }
    notes.add_from([row])
    found = notes.get()
    assert (found["ids"], found["documents"]) == ([str(key)], ["tea"])
    assert found["metadatas"] == [
        {
            "price": 1.5,
            "took": 120.0,
            "month": "2024-05-01",
            "words": ["a", "b"],
            "at": "12:00:00",
            "long": ["word"] * 100,
        }
    ]


def test_nested_dicts_are_flattened_on_request(notes):
    nested = {"name": "Ada", "at": {"day": DAY}}
    notes.add_from([{"text": "tea", "by": nested}, {"text": "walk", "by": None}], flatten=True)
    assert notes.get()["metadatas"] == [{"by.name": "Ada", "by.at.day": "2024-05-01"}, None]
    notes.add_from([{"text": "home", "by": {"name": "Bo"}, "n": 1}], flatten=True, meta="by")
    assert notes.get(where={"by.name": "Bo"})["metadatas"] == [{"by.name": "Bo"}]
    with pytest.raises(errors.InvalidArgumentError, match=r"Two columns are named 'by\.name'"):
        notes.add_from([{"text": "x", "by": {"name": 1}, "by.name": 2}], flatten=True)


def messy():
    return pandas.DataFrame(
        {
            "id": ["a", "b", None, "d", "e"],
            "text": ["tea", None, "walk", 3, "home"],
            "price": [1.0, np.inf, 2.0, 3.0, np.nan],
            "by": [{"name": "Ada"}, None, None, None, {"name": "Bo"}],
        },
        index=["v", "w", "x", "y", "z"],
    )


def test_one_report_lists_everything_that_is_wrong_by_column(notes, function):
    with pytest.raises(errors.InvalidArgumentError) as caught:
        notes.add_from(messy())
    message = str(caught.value)
    assert message.startswith("5 of 5 rows cannot be added, and nothing was written: ")
    for part in (
        "'by' must be a single value or a list; got {'name': 'Ada'}, of type dict, in 2 rows: 'v', 'z'",
        "'text' must be a string; got None in row 'w'",
        "'text' must be a string; got 3, of type int, in row 'y'",
        "'price' must be a finite number; got inf in row 'w'",
        "'id' must be a string or a number, as every record needs an id; got None in row 'x'",
        "flatten=True",
        "meta=[...]",
        "skip_bad=True",
    ):
        assert part in message
    assert function.embedded == []


def test_bad_rows_are_left_out_on_request_and_reported(notes):
    added = notes.add_from(messy(), skip_bad=True, flatten=True)
    assert (added.added, added.skipped, added.bad_rows) == (2, 0, 3)
    assert {(problem.column, problem.rows) for problem in added.problems} == {
        ("text", ("w",)),
        ("text", ("y",)),
        ("price", ("w",)),
        ("id", ("x",)),
    }
    assert "Left out 3 rows: 'text' must be a string; got None in row 'w'" in repr(added)
    assert notes.get()["metadatas"] == [{"price": 1.0, "by.name": "Ada"}, {"by.name": "Bo"}]


def test_rows_whose_id_has_another_text_are_listed(notes):
    notes.add_from({"id": ["a", "b"], "text": ["tea", "walk"]})
    added = notes.add_from({"id": list("abcc"), "text": ["coffee", "walk", "home", "room"]})
    assert (added.added, added.skipped, added.repeated) == (1, 3, 1)
    assert {(clash.id, clash.text, clash.kept, clash.row) for clash in added.clashes} == {
        ("a", "coffee", "tea", 0),
        ("c", "room", "home", 3),
    }
    assert repr(added) == (
        "notes: 1 added, 3 skipped (same id)\nSkipped 2 rows whose id has another text: see .clashes"
    )
    assert added.df()["clashes"].tolist() == [2]


def test_a_corrected_table_updates_the_records_that_differ(notes, function):
    texts = ["tea", "walk", "home"]
    table = pandas.DataFrame({"id": list("abc"), "text": texts, "kind": list("xyz")})
    notes.add_from(table)
    notes.update(ids=["a"], metadatas=[{"label": "good"}])
    table.loc[0, "text"] = "coffee"
    table.loc[1, "kind"] = None
    kept = notes.add_from(table)
    assert (kept.added, kept.skipped, kept.differing) == (0, 3, 1)
    assert "Skipped 1 row with other metadata, which `update` writes" in repr(kept)
    assert notes.get()["documents"] == texts
    function.embedded.clear()
    assert notes.add_from(table, update=True, dry_run=True).updated == 2
    assert repr(notes.add_from(table, update=True)) == (
        "notes: 0 added, 2 updated, 1 skipped (same id)"
    )
    assert function.embedded == ["coffee"]
    found = notes.get(include=["documents", "metadatas", "embeddings"])
    assert found["documents"] == ["coffee", "walk", "home"]
    assert found["metadatas"] == [{"kind": "x", "label": "good"}, None, {"kind": "z"}]
    assert found["embeddings"][0].tolist() == [6, 0]
    assert notes.add_from(table, update=True).updated == 0


def test_an_update_from_another_collection_is_undone_at_once(client, function):
    old, new = (
        client.create_collection(name, embedding_function=function) for name in ("old", "new")
    )
    ids = [str(n) for n in range(5)]
    old.add(ids=ids, documents=["tea"] * 5)
    new.add(ids=[*ids, "more"], documents=["walk"] * 6)
    updated = old.add_from(new, update=True, batch_size=2)
    assert (updated.added, updated.updated) == (1, 5)
    assert old.get()["documents"] == ["walk"] * 6
    assert [operation.records for operation in old.history()] == [5]
    old.undo()
    assert old.get(ids=ids)["documents"] == ["tea"] * 5


def test_an_interrupted_update_continues_where_it_stopped(client, function):
    notes = client.create_collection("notes", embedding_function=function)
    rows = [{"id": str(n), "text": f"text {n}"} for n in range(30)]
    notes.add_from(rows[:20], progress=False)
    rows = [{**row, "text": f"{row['text']}a"} for row in rows]
    function.interrupt_after = len(function.embedded) + 10
    with pytest.raises(chromalab.AddInterrupted, match="0 added, 10 updated, of 30") as caught:
        notes.add_from(rows, update=True, batch_size=10, progress=False)
    assert caught.value.done.updated == 10
    function.interrupt_after = None
    rest = notes.add_from(rows, update=True, batch_size=10, progress=False)
    assert (rest.added, rest.updated, rest.skipped) == (10, 10, 10)


def test_blank_and_truncated_texts_are_counted(client, notes):
    assert notes.add_from(["", " \n", "tea"]).blank == 2
    assert notes.describe().blank_documents == 2
    assert notes.describe().truncated_documents is None
    mini = client.create_collection("mini", embedding_function=chromalab.embed.MiniLM())
    added = mini.add_from(["tea", "tea " * 300, "tea, " * 60])
    assert (added.truncated, mini.describe().truncated_documents) == (1, 1)
    assert repr(added).endswith("1 text longer than the model reads")
    assert "1 longer than the model reads" in repr(mini.describe())
