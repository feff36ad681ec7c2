"""Sparse vectors in metadata come back unchanged wherever a record is read."""

import json
import sqlite3

import numpy as np
import pytest

import chromalab
from chromalab import Knn, SparseVector, errors

WORDS = SparseVector([3, 17], [0.5, -1.25], ["tea", "hot"])


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(
        ids=["a", "b"], embeddings=[[1, 0], [0, 1]], metadatas=[{"words": WORDS, "n": 1}, {"n": 2}]
    )
    return points


def test_get_and_query_return_sparse_vectors_unchanged(points):
    assert points.get()["metadatas"] == [{"words": WORDS, "n": 1}, {"n": 2}]
    found = points.query(query_embeddings=[[1, 0]], n_results=1)
    assert found["metadatas"] == [[{"words": WORDS, "n": 1}]]
    assert found.df()["words"].tolist() == [WORDS]
    assert "words: sparse vector of 2" in repr(points.get())
    assert "sparse vector of 2" in points.get()._repr_html_()


def test_update_replaces_merges_and_deletes_sparse_vectors(points):
    points.update(ids=["a", "b"], metadatas=[{"n": 5}, {"words": SparseVector([], [])}])
    assert points.get()["metadatas"] == [
        {"words": WORDS, "n": 5},
        {"n": 2, "words": SparseVector([], [])},
    ]
    points.update(ids=["a"], metadatas=[{"words": None}])
    assert points.get(ids=["a"])["metadatas"] == [{"n": 5}]


def test_sparse_vectors_are_stored_in_chromas_format(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a"], embeddings=[[1]], metadatas=[{"w": WORDS}])
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        (stored,) = connection.execute("SELECT metadata FROM records").fetchone()
    connection.close()
    assert json.loads(stored)["w"] == {
        "#type": "sparse_vector",
        "indices": [3, 17],
        "values": [0.5, -1.25],
        "tokens": ["tea", "hot"],
    }
    assert SparseVector.from_dict(WORDS.to_dict()) == WORDS


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"words": 1}, []),
        ({"words": {"$ne": 1}}, ["a", "b"]),
        ({"words": {"$contains": "indices"}}, []),
        ({"words": {"$not_contains": "indices"}}, ["a", "b"]),
        ({"words": {"$in": ["x"]}}, []),
        ({"words": {"$nin": ["x"]}}, ["a", "b"]),
        ({"words": {"$gt": 0}}, []),
        ({"n": 1}, ["a"]),
    ],
)
def test_filters_do_not_match_sparse_vectors(points, where, ids):
    assert points.get(where=where)["ids"] == ids


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([1, 2], [1.0]), "must have as many values as indices; got 1 and 2"),
        (([1], [1.0], []), "as many labels as indices"),
        (
            ([2, 1], [1, 1]),
            r"indices\[1\] of a sparse vector must be an integer .* greater than the index before it; got 1\.",
        ),
        (([1, 1], [1, 1]), r"indices\[1\]"),
        (
            ([-1], [1]),
            r"indices\[0\] of a sparse vector must be an integer of at least 0.*; got -1\.",
        ),
        (([2**63], [1]), r"indices\[0\]"),
        (([True], [1]), r"indices\[0\] of a sparse vector must be an integer.*; got True\."),
        (([1.0], [1]), r"indices\[0\]"),
        (
            ([1], [float("nan")]),
            r"values\[0\] of a sparse vector must be a finite number; got nan\.",
        ),
        (([1], [float("inf")]), r"values\[0\]"),
        (([1], ["x"]), r"values\[0\]"),
        (([1], [True]), r"values\[0\]"),
        (([1], [1], [3]), r"labels\[0\] of a sparse vector must be a string; got 3\."),
        (("12", [1, 2]), "indices of a sparse vector must be a list; got '12', of type str"),
        ((None, [1]), "indices of a sparse vector must be a list; got None"),
    ],
)
def test_invalid_parts_are_rejected(parts, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        SparseVector(*parts)


def test_arrays_are_accepted(points):
    made = SparseVector(np.array([1, 5]), np.array([0.5, 1.0], dtype=np.float32))
    assert made == SparseVector([1, 5], [0.5, 1.0])
    assert type(made.indices[0]) is int
    assert len({made, SparseVector((1, 5), (0.5, 1.0))}) == 1


def test_a_long_sparse_vector_has_a_short_repr():
    long = SparseVector(range_list := list(range(0, 3000, 3)), [1.0] * len(range_list))
    assert repr(long) == "SparseVector(1,000 values, indices 0 to 2997)"
    assert str(long) == "sparse vector of 1,000"


def test_sparse_vectors_are_for_records_only_and_their_stored_form_is_rejected(client, points):
    with pytest.raises(errors.InvalidArgumentError, match="The collection's metadata"):
        client.create_collection("other", metadata={"w": WORDS}, embedding_function=None)
    for value in (WORDS.to_dict(), [WORDS], {"a": WORDS}):
        with pytest.raises(errors.InvalidArgumentError):
            points.add(ids=["x"], embeddings=[[1, 2]], metadatas=[{"w": value}])
    bad = SparseVector([1], [1.0], ["\ud800"])
    with pytest.raises(errors.InvalidArgumentError, match="not valid Unicode"):
        points.add(ids=["x"], embeddings=[[1, 2]], metadatas=[{"w": bad}])
    assert points.count() == 2


def test_rows_of_a_table_can_have_sparse_vectors(client, function):
    notes = client.create_collection("notes", embedding_function=function)
    notes.add_from([{"id": "a", "text": "tea", "words": WORDS}], progress=False)
    assert notes.get()["metadatas"] == [{"words": WORDS}]


@pytest.mark.parametrize(
    "stored", [{"#type": "sparse_vector", "indices": "x", "values": []}, {"#type": "x"}, {}]
)
def test_a_sparse_vector_that_was_changed_in_the_file_is_reported_as_damage(tmp_path, stored):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a"], embeddings=[[1]], metadatas=[{"w": WORDS}])
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute("UPDATE records SET metadata = ?", (json.dumps({"w": stored}),))
    connection.close()
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.get_collection("points")
        with pytest.raises(errors.InternalError, match="damaged"):
            points.get()


def test_a_search_takes_a_sparse_vector_as_a_plain_dict():
    parts = {"indices": [3, 17], "values": [0.5, -1.25]}
    assert Knn(parts, key="words") == Knn(SparseVector(**parts), key="words")
    with pytest.raises(errors.InvalidArgumentTypeError, match="must be a text, a vector"):
        Knn({"indices": [3]}, key="words")
