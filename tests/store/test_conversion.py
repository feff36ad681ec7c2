"""Values of pandas, numpy and Arrow are accepted by every call, by position, and missing ones are None."""

import datetime
from decimal import Decimal
from enum import Enum

import numpy as np
import pandas
import pyarrow
import pytest

import chromalab
from chromalab.conversion import items, plain, plain_where, values_by_record
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

VECTORS = [[1.0, 2.0], [3.0, 4.0]]
TEXTS = ["tea", "walk"]
NOON = pandas.Timestamp("2024-06-01 12:00")


def objects(*rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


def shown(value):
    return f"{type(value).__module__}.{type(value).__name__}"


@pytest.fixture
def points(client):
    return client.create_collection("points", embedding_function=None)


MATRICES = [
    pandas.Series(VECTORS, index=[5, 3]),
    pandas.Series([np.array(row) for row in VECTORS]),
    pandas.Series(VECTORS, dtype=pandas.ArrowDtype(pyarrow.list_(pyarrow.float64()))),
    pandas.DataFrame(VECTORS),
    pandas.DataFrame(VECTORS).convert_dtypes(),
    pandas.DataFrame({"embedding": VECTORS}),
    objects(np.array([1, 2]), np.array([3, 4], dtype=np.float32)),
    objects([1, 2], (3, 4)),
    np.asfortranarray(VECTORS),
    np.array(VECTORS, dtype=np.float16),
    np.array(VECTORS, dtype=np.uint8),
    pyarrow.array(VECTORS),
    pyarrow.chunked_array([pyarrow.array(VECTORS[:1]), pyarrow.array(VECTORS[1:])]),
    pyarrow.array(VECTORS, pyarrow.list_(pyarrow.float32(), 2)),
    pyarrow.table({"x": [1.0, 3.0], "y": [2.0, 4.0]}),
    [np.array(row) for row in VECTORS],
    [pandas.Series(row, index=[9, 8]) for row in VECTORS],
    tuple(map(tuple, VECTORS)),
]


@pytest.mark.parametrize("matrix", MATRICES, ids=shown)
def test_embeddings_may_be_of_any_library(points, matrix):
    points.add(ids=["a", "b"], embeddings=matrix)
    assert points.get(include=["embeddings"])["embeddings"].tolist() == VECTORS
    assert points.query(query_embeddings=matrix, n_results=1)["ids"] == [["a"], ["b"]]
    assert Snapshot.of(matrix).vectors.tolist() == VECTORS


def test_generators_are_read_once(points):
    points.add(
        ids=(id for id in "ab"),
        embeddings=(row for row in VECTORS),
        documents=(text for text in TEXTS),
        metadatas=({"n": n} for n in (1, 2)),
    )
    assert points.get()["documents"] == TEXTS
    assert points.get()["metadatas"] == [{"n": 1}, {"n": 2}]


COLUMNS = [
    pandas.Series(TEXTS, index=[1, 0]),
    pandas.Series(TEXTS, dtype="category"),
    pandas.Series(TEXTS, dtype="string"),
    pandas.Index(TEXTS),
    np.array(TEXTS),
    np.array(TEXTS, dtype=object),
    pyarrow.array(TEXTS),
    pyarrow.chunked_array([TEXTS]),
    pyarrow.array(TEXTS).dictionary_encode(),
    [np.str_("tea"), pyarrow.scalar("walk")],
    dict.fromkeys(TEXTS).keys(),
]


@pytest.mark.parametrize("column", COLUMNS, ids=shown)
def test_ids_and_documents_may_be_columns_of_any_library(points, column):
    points.add(ids=column, embeddings=VECTORS, documents=column)
    found = points.get(ids=column)
    assert (found["ids"], found["documents"]) == (TEXTS, TEXTS)
    assert {type(text) for text in (*found["ids"], *found["documents"])} == {str}
    points.selection.ids = column
    assert points.selection.ids == TEXTS
    assert Snapshot.of(VECTORS, documents=column).documents == TEXTS
    assert points.delete(ids=column) == {"deleted": 2}


def test_a_text_without_dimensions_is_one_id(points):
    points.add(ids=np.array("a"), embeddings=[[1, 2]], documents=np.str_("tea"))
    assert points.get(ids=np.array("a"))["documents"] == ["tea"]
    points.selection.ids = np.array("a")
    assert points.selection.ids == ["a"]


def test_a_set_of_ids_can_be_read_but_not_paired(points):
    points.add(ids=["a", "b"], embeddings=VECTORS)
    assert points.get(ids={"a", "b"})["ids"] == ["a", "b"]
    for call in (points.add, points.upsert, points.update):
        with pytest.raises(ValueError, match="ids must be a list, because"):
            call(ids={"c", "d"}, embeddings=VECTORS)
    with pytest.raises(ValueError, match="documents must be a list with one text per vector"):
        Snapshot.of(VECTORS, documents=set(TEXTS))


MISSING = [
    None,
    float("nan"),
    np.float32("nan"),
    pandas.NA,
    pandas.NaT,
    np.datetime64("NaT"),
    Decimal("NaN"),
    Decimal("sNaN"),
    pyarrow.scalar(None, pyarrow.string()),
    np.ma.masked,
]


@pytest.mark.parametrize("missing", MISSING, ids=shown)
def test_a_missing_value_means_the_same_in_every_call(points, missing):
    points.add(
        ids=["a", "b"],
        embeddings=VECTORS,
        documents=["tea", missing],
        metadatas=[{"n": 1, "m": missing}, missing],
    )
    found = points.get()
    assert (found["documents"], found["metadatas"]) == (["tea", None], [{"n": 1}, None])
    points.update(ids=["a"], metadatas=[{"n": missing, "k": ""}])
    assert points.get(ids=["a"])["metadatas"] == [{"k": ""}]
    assert Snapshot.of(VECTORS, documents=["tea", missing]).documents == ["tea", None]


def test_metadata_may_be_a_table(points):
    table = pandas.DataFrame({"price": [10.5, None], "at": [NOON, None], "kind": ["x", None]})
    expected = [{"price": 10.5, "at": "2024-06-01T12:00:00", "kind": "x"}, None]
    forms = (table, table.to_dict("records"), pyarrow.Table.from_pandas(table))
    for number, metadatas in enumerate(forms):
        ids = [f"{number}a", f"{number}b"]
        points.add(ids=ids, embeddings=VECTORS, metadatas=metadatas)
        assert points.get(ids=ids)["metadatas"] == expected


class Kind(str, Enum):
    TEA = "tea"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.str_("x"), "x"),
        (Kind.TEA, "tea"),
        (np.bool_(True), True),
        (np.uint8(3), 3),
        (np.float64(0.5), 0.5),
        (np.array(3), 3),
        (pyarrow.scalar(3), 3),
        (NOON, "2024-06-01T12:00:00"),
        (NOON.tz_localize("Europe/Berlin"), "2024-06-01T12:00:00+02:00"),
        (datetime.date(2024, 6, 1), "2024-06-01"),
        (np.datetime64("2024-06-01T12:00", "ns"), "2024-06-01T12:00:00"),
        (np.datetime64("2024-06-01T12"), "2024-06-01T12:00:00"),
        (pyarrow.scalar(datetime.date(2024, 6, 1)), "2024-06-01"),
        (pandas.Timedelta(minutes=2), 120.0),
        (np.timedelta64(1, "s"), 1.0),
        (Decimal("1.5"), 1.5),
        (list(np.array(["x", "y"])), ["x", "y"]),
        (np.array([1, 2]), [1, 2]),
        (pandas.Series([True, False], index=[3, 1]), [True, False]),
        ([NOON, NOON], ["2024-06-01T12:00:00"] * 2),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_metadata_values_become_those_of_python(points, value, expected):
    points.add(ids=["a"], embeddings=[[1, 2]], metadatas=[{"value": value}])
    found = points.get()["metadatas"][0]["value"]
    assert found == expected
    assert type(found) is type(expected)
    if isinstance(expected, list):
        assert [type(item) for item in found] == [type(item) for item in expected]


@pytest.mark.parametrize(
    "where",
    [
        {"n": np.int64(1)},
        {"n": {"$in": np.array([1, 7])}},
        {"n": {"$in": pandas.Series([1, 7], index=[4, 2])}},
        {"n": {"$in": pandas.Series([1, None], dtype="Int64")}},
        {"n": {"$in": pyarrow.array([1, None])}},
        {"n": {"$in": {1, 7}}},
        {"n": {"$nin": np.array([2])}},
        {"n": {"$lt": np.float32(1.5)}},
        {"n": {"$lte": np.array(1)}},
        {"n": pyarrow.scalar(1)},
        {"kind": np.str_("x")},
        {"kind": {"$in": pandas.Series(["x", np.nan])}},
        {"$and": [{"kind": {"$in": np.array(["x"])}}, {"n": {"$ne": np.int8(2)}}]},
    ],
)
def test_operands_of_filters_may_be_of_any_library(points, where):
    metadatas = [{"n": 1, "kind": "x"}, {"n": 2, "kind": "y"}]
    points.add(ids=["a", "b"], embeddings=VECTORS, metadatas=metadatas)
    assert points.get(where=where)["ids"] == ["a"]
    assert points.get(ids=["a", "b"], where=where)["ids"] == ["a"]


def test_a_selection_by_a_date_can_be_saved(points):
    points.add(ids=["a", "b"], embeddings=VECTORS, metadatas=[{"at": NOON}, {"at": "2020-01-01"}])
    points.selection.set(where={"at": {"$gte": np.datetime64("2024-01-01")}})
    points.selection.save("late")
    assert points.selection.ids == ["a"]
    assert points.selection.where == {"at": {"$gte": "2024-01-01"}}


def test_texts_of_a_snapshot_are_paired_by_position():
    texts = pandas.Series([f"text {n}" for n in range(20)]).sample(frac=1, random_state=1)
    snapshot = Snapshot.of(np.eye(20), documents=texts)
    assert [snapshot.document(row) for row in range(20)] == list(texts)
    with pytest.raises(ValueError, match="one text per vector; got 19 documents for 20 vectors"):
        Snapshot.of(np.eye(20), documents=texts[1:])
    with pytest.raises(ValueError, match=r"documents\[1\] must be a string, or None"):
        Snapshot.of(VECTORS, documents=["tea", 3])


def test_analyses_take_a_series_with_missing_texts():
    texts = pandas.Series(["some text", None] * 20).sample(frac=1, random_state=0)
    vectors = np.random.default_rng(0).normal(size=(40, 4))
    snapshot = Snapshot.of(vectors, documents=texts)
    assert len(chromalab.analytics.dedupe(snapshot).at(0.99).df()) <= 40
    assert sum(text is None for text in snapshot.documents) == 20


def test_what_has_no_counterpart_is_left_to_the_checks():
    value = object()
    assert plain(value) is value
    assert items(value) is None
    assert plain_where({"a": value}) == {"a": value}


IDS = ["a", "b", "c"]
SHUFFLED = pandas.Series([3, 1, 2], index=["c", "a", "b"])


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (SHUFFLED, [1, 2, 3]),
        (SHUFFLED.iloc[:2], [1, None, 3]),
        (pandas.Series([9, 1, 2, 3], index=["other", *IDS]), [1, 2, 3]),
        ({"c": 3, "a": np.nan}, [None, None, 3]),
        (pandas.Series([1, 2, 3], index=[2, 0, 1]), [1, 2, 3]),
        (pandas.Series([1, pandas.NA, 3], dtype="Int64", index=["x", "y", "z"]), [1, None, 3]),
        (pyarrow.array(["x", None, "y"]).dictionary_encode(), ["x", None, "y"]),
        ([pyarrow.scalar("x"), pyarrow.scalar(None, pyarrow.string()), "y"], ["x", None, "y"]),
        (pandas.DataFrame({"only": [1, 2, 3]}, index=["c", "a", "b"]), [2, 3, 1]),
        ((n for n in range(3)), [0, 1, 2]),
    ],
    ids=range(10),
)
def test_values_of_records_are_read_by_id_where_they_have_ids(given, values):
    assert values_by_record(given, IDS, "color") == values


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"x", "y", "z"}, "color must be a metadata field, or one value per record"),
        (np.array("a"), "color must be a metadata field, or one value per record"),
        ([1, 2], "got 2 values for 3 records"),
        ({"x": 1, "y": 2, "z": 3}, "The keys of color must be ids of records"),
        ({}, "The keys of color must be ids of records"),
        (pandas.Series([1, 2, 3], index=["a", "a", "b"]), "got several for 'a'"),
        (pandas.DataFrame({"x": [1], "y": [2], "z": [3]}), "Choose a column"),
    ],
    ids=range(7),
)
def test_values_that_belong_to_no_record_raise(given, problem):
    with pytest.raises(InvalidArgumentError, match=problem):
        values_by_record(given, IDS, "color")
