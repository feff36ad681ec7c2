"""Snapshots of collections, arrays and other programs' collections; records replaced in one transaction."""

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


def test_later_writes_do_not_change_a_snapshot(points):
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


def test_the_vectors_of_a_snapshot_are_a_read_only_map_of_the_stores_file(points):
    whole, some = points.snapshot(), points.snapshot(where={"n": {"$ne": 2}})
    for taken in (whole, some):
        with pytest.raises(ValueError, match="read-only"):
            taken.vectors[0, 0] = 5
    assert not whole.vectors.flags.owndata
    assert list(some.ids) == ["a", "c", "d"]
    np.testing.assert_array_equal(some.vectors, np.eye(4)[[0, 2, 3]])


def test_a_held_snapshot_is_reused_until_the_version_changes(points):
    taken = points.snapshot()
    assert points.snapshot() is taken
    assert points.snapshot(where={"n": 1}) is not taken
    points.add(ids=["e"], embeddings=[[1, 1, 1, 1]])
    assert points.snapshot() is not taken
    del taken
    gc.collect()
    assert len(points.snapshot()) == 5


def test_the_row_of_a_record_changes_only_with_its_vector(points):
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
    ("data", "message"),
    [
        ([[np.nan, 1.0]], "NaN or infinity"),
        ([[np.inf, 1.0]], "NaN or infinity"),
        ([1.0, 2.0], "dimension"),
        ("text", "dimension"),
        ([[1], [1, 2]], "dimension"),
        ({"a": 1}, "dimension"),
    ],
)
def test_data_that_is_not_a_set_of_vectors_is_rejected(data, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Snapshot.of(data)


def test_any_object_with_chromas_get_is_read_page_by_page(points):
    class Other:  # the interface of another program's collection, over a real one
        name = "other"

        def count(self):
            return points.count()

        def get(self, **given):
            return points.get(**{**given, "limit": min(given["limit"], 3)})

    taken = Snapshot.of(Other())
    assert list(taken.ids) == list("abcd")
    assert taken.version is None
    np.testing.assert_array_equal(taken.vectors, np.eye(4))
    assert taken.column("n") == [1, 2, None, 4]


def test_records_are_replaced_atomically(points):
    before = points.get(include=["embeddings", "documents", "metadatas"])
    with pytest.raises(InvalidArgumentError, match="changed since"):
        points.replace_records(delete=["a"], version=99)
    with pytest.raises(InvalidArgumentError):
        points.replace_records(delete=["a"], update={"ids": ["b"], "metadatas": [{"n": {}}]})
    assert points.count() == 4
    done = points.replace_records(
        delete=["a", "nobody"], update={"ids": ["c"], "metadatas": [{"same_as": "a"}]}
    )
    assert done.deleted == 1
    assert done.version == points.get_version()
    assert points.get(ids=["a", "c"])["metadatas"] == [{"same_as": "a"}]
    assert points.undo(done.operation).restored == 2
    after = points.get(include=["embeddings", "documents", "metadatas"])
    order = [after["ids"].index(id) for id in before["ids"]]
    np.testing.assert_array_equal(after["embeddings"][order], before["embeddings"])
    assert [after["documents"][row] for row in order] == before["documents"]
    assert points.get(ids=["a"])["metadatas"] == [{"n": 1}]


def test_cached_results_are_deleted_with_their_collection(points, tmp_path):
    folder = points.snapshot().folder
    folder.mkdir(parents=True)
    (folder / "cached.result").write_bytes(b"x")
    with chromalab.PersistentClient(tmp_path / "store") as client:
        client.create_collection("other")
        client.delete_collection("points")
    assert not folder.exists()


def test_a_symbolic_link_in_place_of_the_cache_is_rejected(points, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = tmp_path / "linked"
    store.mkdir()
    (store / "cache").symlink_to(elsewhere)
    with pytest.raises((VersionMismatchError, StoreNotWritableError)):
        chromalab.PersistentClient(store)


def test_a_data_frame_is_treated_as_an_array():
    import pandas

    rows = np.eye(3)
    np.testing.assert_array_equal(Snapshot.of(pandas.DataFrame(rows)).vectors, rows)


def test_a_row_is_found_by_id_and_a_column_by_metadata_key(points):
    taken = points.snapshot()
    assert [taken.row_of(id) for id in taken.ids] == list(range(len(taken)))
    for unknown in ("z", ["a"], None):
        with pytest.raises(InvalidArgumentError, match="Ids: "):
            taken.row_of(unknown)
    with pytest.raises(InvalidArgumentError, match="No record has the metadata key 'yaer'"):
        taken.known_column("yaer")


def test_a_result_shows_the_filter_of_its_records(points):
    where = {"n": {"$gte": 2}}
    found = points.outliers(where=where, progress=False)
    assert "where n: {'$gte': 2}" in repr(found)
    where["n"]["$gte"] = 1
    assert found.snapshot.where == {"n": {"$gte": 2}}
    assert "where" not in repr(points.outliers(progress=False))
