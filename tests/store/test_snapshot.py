"""Snapshots of a collection, of arrays, and of other programs' collections; records replaced as one."""

import gc

import numpy as np
import pytest

import chromalab
from chromalab.errors import InvalidArgumentError, StoreNotWritableError, VersionMismatchError
from chromalab.snapshot import Snapshot


@pytest.fixture
def points(tmp_path):
    client = chromalab.PersistentClient(tmp_path / "store")
    made = client.create_collection("points", embedding_function=None)
    made.add(
        ids=list("abcd"),
        embeddings=np.eye(4),
        documents=["tea", None, "chalk", "milk"],
        metadatas=[{"n": 1}, {"n": 2}, None, {"n": 4}],
    )
    return made


def test_a_snapshot_holds_what_was_there_when_it_was_taken(points):
    taken = points.snapshot()
    points.delete(ids=["b"])
    points.update(ids=["a"], embeddings=[[9, 9, 9, 9]], documents=["coffee"])
    points.compact()
    assert list(taken.ids) == list("abcd")
    np.testing.assert_array_equal(taken.vectors, np.eye(4))
    assert taken.document(0) == "tea"
    assert taken.document(1) == ""
    assert taken.column("n") == [1, 2, None, 4]
    assert taken.is_stale
    assert not points.snapshot().is_stale
    assert list(points.snapshot().ids) == ["a", "c", "d"]
    np.testing.assert_array_equal(points.snapshot().vectors[0], [9, 9, 9, 9])


def test_its_vectors_cannot_be_changed_and_are_the_stores_own_file(points):
    whole, some = points.snapshot(), points.snapshot(where={"n": {"$ne": 2}})
    for taken in (whole, some):
        with pytest.raises(ValueError, match="read-only"):
            taken.vectors[0, 0] = 5
    assert not whole.vectors.flags.owndata
    assert list(some.ids) == ["a", "c", "d"]
    np.testing.assert_array_equal(some.vectors, np.eye(4)[[0, 2, 3]])


def test_it_is_taken_once_a_version_for_as_long_as_somebody_holds_it(points):
    taken = points.snapshot()
    assert points.snapshot() is taken
    assert points.snapshot(where={"n": 1}) is not taken
    points.add(ids=["e"], embeddings=[[1, 1, 1, 1]])
    assert points.snapshot() is not taken
    del taken
    gc.collect()
    assert len(points.snapshot()) == 5


def test_a_row_keeps_its_name_while_its_vector_stays(points):
    before = points.snapshot()
    points.update(ids=["a"], metadatas=[{"n": 7}])
    same = points.snapshot()
    assert same.file == before.file
    np.testing.assert_array_equal(same.rows, before.rows)
    points.update(ids=["a"], embeddings=[[0, 0, 0, 1]])
    moved = points.snapshot()
    assert moved.rows[0] not in before.rows
    np.testing.assert_array_equal(moved.rows[1:], before.rows[1:])


def test_an_empty_collection_and_an_empty_array_have_a_snapshot(tmp_path):
    client = chromalab.PersistentClient(tmp_path / "store")
    taken = client.create_collection("empty", embedding_function=None).snapshot()
    assert (len(taken), taken.dimension) == (0, 0)
    assert len(Snapshot.of([])) == 0
    assert len(Snapshot.of(np.empty((0, 7)))) == 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([[np.nan, 1.0]], "NaN or infinity"),
        ([[np.inf, 1.0]], "NaN or infinity"),
        ([1.0, 2.0], "dimension"),
        ("text", "dimension"),
        ([[1], [1, 2]], "dimension"),
        ({"a": 1}, "dimension"),
    ],
)
def test_what_is_no_set_of_vectors_is_refused_with_a_sentence(data, says):
    with pytest.raises(InvalidArgumentError, match=says):
        Snapshot.of(data)


def test_what_has_chromas_get_is_read_page_by_page(points):
    class Other:  # the surface of another program's collection, over a real one
        name = "other"

        def count(self):
            return points.count()

        def get(self, **asked):
            return points.get(**{**asked, "limit": min(asked["limit"], 3)})

    taken = Snapshot.of(Other())
    assert list(taken.ids) == list("abcd")
    assert taken.version is None
    np.testing.assert_array_equal(taken.vectors, np.eye(4))
    assert taken.column("n") == [1, 2, None, 4]


def test_records_are_replaced_all_or_none(points):
    before = points.get(include=["embeddings", "documents", "metadatas"])
    with pytest.raises(InvalidArgumentError, match="changed since"):
        points.replace_records(delete=["a"], version=99)
    with pytest.raises(InvalidArgumentError):
        points.replace_records(delete=["a"], update={"ids": ["b"], "metadatas": [{"n": {}}]})
    assert points.count() == 4
    done = points.replace_records(
        delete=["a", "nobody"], update={"ids": ["c"], "metadatas": [{"same_as": "a"}]}
    )
    assert done.removed.ids == ["a"]
    assert done.version == points.get_version()
    assert points.get(ids=["a", "c"])["metadatas"] == [{"same_as": "a"}]
    points.replace_records(
        restore=done.removed, update={"ids": ["c"], "metadatas": [{"same_as": None}]}
    )
    after = points.get(include=["embeddings", "documents", "metadatas"])
    order = [after["ids"].index(id) for id in before["ids"]]
    np.testing.assert_array_equal(after["embeddings"][order], before["embeddings"])
    assert [after["documents"][row] for row in order] == before["documents"]
    assert points.get(ids=["a"])["metadatas"] == [{"n": 1}]


def test_what_was_kept_of_a_collection_goes_with_it(points, tmp_path):
    folder = points.snapshot().folder
    folder.mkdir(parents=True)
    (folder / "kept.result").write_bytes(b"x")
    with chromalab.PersistentClient(tmp_path / "store") as client:
        client.create_collection("other")
        client.delete_collection("points")
    assert not folder.exists()


def test_a_link_in_place_of_the_cache_is_refused(points, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = tmp_path / "linked"
    store.mkdir()
    (store / "cache").symlink_to(elsewhere)
    with pytest.raises((VersionMismatchError, StoreNotWritableError)):
        chromalab.PersistentClient(store)


def test_the_numbers_of_a_data_frame_are_an_array():
    import pandas

    rows = np.eye(3)
    np.testing.assert_array_equal(Snapshot.of(pandas.DataFrame(rows)).vectors, rows)


def test_a_row_is_found_by_its_id_and_a_column_by_its_key(points):
    taken = points.snapshot()
    assert [taken.row_of(id) for id in taken.ids] == list(range(len(taken)))
    for unknown in ("z", ["a"], None):
        with pytest.raises(InvalidArgumentError, match="Ids: "):
            taken.row_of(unknown)
    with pytest.raises(InvalidArgumentError, match="No record has the metadata key 'yaer'"):
        taken.known_column("yaer")


def test_a_result_says_which_records_it_is_about(points):
    where = {"n": {"$gte": 2}}
    found = points.outliers(where=where, progress=False)
    assert "where n: {'$gte': 2}" in repr(found)
    where["n"]["$gte"] = 1
    assert found.snapshot.where == {"n": {"$gte": 2}}
    assert "where" not in repr(points.outliers(progress=False))
