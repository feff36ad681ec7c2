"""`collection.df` and `collection.export` give the records back with the types of their values."""

import datetime
import json
import os
from pathlib import Path

import pandas
import pytest

import chromalab
from chromalab import errors
from chromalab.files import write_whole

ROWS = [
    {"id": "a", "text": "tea", "at": datetime.date(2024, 6, 1), "n": 1, "hot": True, "x": 0.5},
    {"id": "b", "text": "walk", "tags": ["p", "q"], "mixed": 1},
    {"id": "c", "text": "home", "at": datetime.datetime(2024, 6, 2, 12), "mixed": "one"},
]


def test_df_keeps_types_where_values_are_missing(notes):
    notes.add_from(ROWS)
    frame = notes.df()
    assert frame.columns.tolist() == ["id", "document", "at", "n", "hot", "x", "tags", "mixed"]
    assert frame["at"].dtype.kind == "M"
    assert frame["at"][2] == pandas.Timestamp("2024-06-02 12:00")
    assert (str(frame["n"].dtype), str(frame["hot"].dtype)) == ("Int64", "boolean")
    assert frame["x"].dtype == float
    assert frame["tags"][1] == ["p", "q"]
    assert notes.df(where={"at": {"$gt": "2024-06-02"}})["id"].tolist() == ["c"]


def test_dates_with_time_zones_are_in_utc_and_other_texts_stay(notes):
    zones = ["2024-06-01T00:00:00+02:00", "2024-06-01"]
    notes.add_from([{"text": zone, "at": zone, "when": word} for zone, word in zip(zones, ["2024-06-01", "soon"], strict=True)])  # fmt: skip
    assert notes.df()["at"].tolist() == [
        pandas.Timestamp("2024-05-31 22:00", tz="UTC"),
        pandas.Timestamp("2024-06-01", tz="UTC"),
    ]
    assert notes.df()["when"].tolist() == ["2024-06-01", "soon"]


def test_metadata_with_the_name_of_a_column_is_prefixed(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[1]], metadatas=[{"id": 7, "n": 1}], uris=["u"])
    assert points.df().to_dict("records") == [
        {"id": "a", "document": None, "uri": "u", "metadata.id": 7, "n": 1}
    ]


def test_an_empty_collection_has_an_empty_table(notes, tmp_path):
    assert notes.df().columns.tolist() == ["id", "document"]
    assert notes.export(tmp_path / "none.csv").records == 0


def test_parquet_comes_back_as_it_was(notes, tmp_path):
    notes.add_from(ROWS)
    written = notes.export(tmp_path / "notes.parquet")
    assert repr(written) == f"notes: 3 records written to {tmp_path / 'notes.parquet'}"
    frame = pandas.read_parquet(written.path)
    assert frame["at"].dtype.kind == "M"
    assert frame["n"].tolist()[0] == 1
    assert frame["mixed"].tolist()[1:] == ["1", '"one"']
    assert frame["tags"][1].tolist() == ["p", "q"]


def test_an_exported_csv_can_be_added_again(client, function, notes, tmp_path):
    notes.add_from(ROWS, meta=["at", "n"])
    notes.export(str(tmp_path / "notes.csv"), where={"n": 1})
    copy = client.create_collection("copy", embedding_function=function)
    copy.add_from(pandas.read_csv(tmp_path / "notes.csv", parse_dates=["at"]))
    assert copy.get(where={"at": datetime.date(2024, 6, 1)})["documents"] == ["tea"]


def test_json_has_what_is_stored(notes, tmp_path):
    notes.add_from(ROWS)
    assert notes.export(tmp_path / "notes.json").columns[:3] == ("id", "document", "at")
    rows = json.loads((tmp_path / "notes.json").read_text("utf-8"))
    assert rows[1] == {"id": "b", "document": "walk", "tags": ["p", "q"], "mixed": 1}
    assert rows[0]["at"] == "2024-06-01"
    notes.export(tmp_path / "notes.jsonl")
    assert [*map(json.loads, (tmp_path / "notes.jsonl").read_text("utf-8").splitlines())] == rows


def test_ids_choose_among_the_records(notes, tmp_path):
    notes.add_from(ROWS)
    notes.export(tmp_path / "two.json", ids=["c", "a", "unknown"], where={"mixed": "one"})
    assert [row["id"] for row in json.loads((tmp_path / "two.json").read_text("utf-8"))] == ["c"]
    assert notes.df(ids=["c", "a"])["id"].tolist() == ["a", "c"]


def test_a_file_is_replaced_only_on_request(notes, tmp_path):
    notes.add_from(["tea"])
    notes.export(tmp_path / "notes.csv")
    with pytest.raises(errors.InvalidArgumentError, match="already exists"):
        notes.export(tmp_path / "notes.csv")
    assert notes.export(tmp_path / "notes.csv", overwrite=True).records == 1
    with pytest.raises(
        errors.InvalidArgumentError, match=r"path must end with .csv, .parquet, .json or .jsonl"
    ):
        notes.export(tmp_path / "notes.xlsx")
    assert isinstance(notes.export(tmp_path / "more.csv").df(), pandas.DataFrame)
    assert chromalab.Collection.export.__doc__


@pytest.mark.parametrize("path", [None, 5, b"notes.csv"])
def test_what_is_not_a_path_raises(notes, path):
    with pytest.raises(errors.InvalidArgumentError, match="path must be the name of a file; got"):
        notes.export(path)


def test_a_device_is_written_to_and_not_replaced():
    pty = pytest.importorskip("pty")
    keyboard, screen = pty.openpty()
    device = Path(os.ttyname(screen))
    write_whole(device, b"tea", overwrite=True)
    assert device.is_char_device()
    assert os.read(keyboard, 3) == b"tea"
    os.close(keyboard)
    os.close(screen)
