"""Small writes wait for the disk once; after a power cut, their vectors are restored from SQLite."""

import shutil
import sqlite3

import numpy as np
import pytest

import chromalab

DIMENSION = 16


def rows_of(collection):
    found = collection.get(include=["embeddings"])
    return dict(zip(found["ids"], found["embeddings"].tolist(), strict=True))


def written(path, small=30):
    """Write a store with one large write and some small ones; returns its rows."""
    vectors = np.random.default_rng(0).normal(size=(1500 + small, DIMENSION)).astype(np.float32)
    with chromalab.PersistentClient(path) as client:
        collection = client.create_collection("rows", embedding_function=None)
        collection.add(ids=[f"a{n}" for n in range(1500)], embeddings=vectors[:1500])
        for n in range(small):
            collection.add(ids=[f"b{n}"], embeddings=vectors[1500 + n : 1501 + n])
        collection.update(ids=["a7"], embeddings=vectors[:1] * 3)
        return rows_of(collection)


def vector_file(path):
    (file,) = (path / "vectors").iterdir()
    return file


def waiting(path):
    with sqlite3.connect(path / "store.sqlite3") as connection:
        return connection.execute("SELECT count(*) FROM pending_vectors").fetchone()[0]


@pytest.mark.parametrize("lost", ["the end", "zeros"])
def test_vectors_that_never_reached_the_file_are_restored_after_a_power_cut(tmp_path, lost):
    rows = written(tmp_path / "store")
    shutil.copytree(tmp_path / "store", tmp_path / "cut")
    synced = 1500 * DIMENSION * 4  # the part that the large write waited for
    with vector_file(tmp_path / "cut").open("r+b") as file:
        size = file.seek(0, 2)
        file.truncate(synced)
        if lost == "zeros":
            file.truncate(size)
    with chromalab.PersistentClient(tmp_path / "cut") as client:
        assert rows_of(client.get_collection("rows")) == rows
        assert not client.check(progress=False)


def test_a_large_write_or_many_small_ones_empty_the_table(tmp_path):
    written(tmp_path)
    assert waiting(tmp_path) == 31
    with chromalab.PersistentClient(tmp_path) as client:
        collection = client.get_collection("rows")
        collection.add(ids=[f"c{n}" for n in range(2000)], embeddings=np.ones((2000, DIMENSION)))
        assert waiting(tmp_path) == 0
        for n in range(1100):
            collection.add(ids=[f"d{n}"], embeddings=[np.ones(DIMENSION)])
        assert 0 < waiting(tmp_path) < 200


def test_pending_rows_are_deleted_with_their_collection(tmp_path):
    written(tmp_path)
    with chromalab.PersistentClient(tmp_path) as client:
        client.delete_collection("rows")
    assert waiting(tmp_path) == 0


def test_compaction_deletes_pending_rows_and_keeps_the_vectors(tmp_path):
    rows = written(tmp_path)
    with chromalab.PersistentClient(tmp_path) as client:
        client.get_collection("rows").compact(progress=False)
        assert waiting(tmp_path) == 0
    with chromalab.PersistentClient(tmp_path) as client:
        assert rows_of(client.get_collection("rows")) == rows


def test_a_fork_reads_the_small_writes_of_its_shared_file(tmp_path):
    rows = written(tmp_path / "store")
    with chromalab.PersistentClient(tmp_path / "store") as client:
        client.get_collection("rows").fork("branch")
    shutil.copytree(tmp_path / "store", tmp_path / "cut")
    with vector_file(tmp_path / "cut").open("r+b") as file:
        file.truncate(1500 * DIMENSION * 4)
    with chromalab.PersistentClient(tmp_path / "cut") as client:
        assert rows_of(client.get_collection("branch")) == rows
        client.delete_collection("rows")
        assert rows_of(client.get_collection("branch")) == rows


@pytest.mark.parametrize(
    "row",
    [
        ("../../x-0.f32", 0, b"\0" * 64),
        (None, 2**40, b"\0" * 64),
        (None, -5, b"\0" * 64),
        (None, 3, b"short"),
        (None, 3, "text"),
    ],
)
def test_untrusted_rows_in_the_table_are_never_written(tmp_path, row):
    rows = written(tmp_path, small=0)
    file = vector_file(tmp_path)
    before = file.read_bytes()
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute(
            "INSERT OR REPLACE INTO pending_vectors VALUES (?, ?, ?)",
            (row[0] or file.name, *row[1:]),
        )
    with chromalab.PersistentClient(tmp_path) as client:
        assert rows_of(client.get_collection("rows")) == rows
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {
        "store.sqlite3", "store.sqlite3-wal", "store.sqlite3-shm", file.name,
    }  # fmt: skip
