"""Compaction reclaims space while others read and write, and is all or nothing."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import chromalab


@pytest.fixture
def client(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        yield client


@pytest.fixture
def points(client):
    made = client.create_collection("points", embedding_function=None)
    numbers = range(100)
    made.add(
        ids=[f"p{n}" for n in numbers],
        embeddings=[[n, n * 2, n * 3] for n in numbers],
        documents=[f"document {n}" for n in numbers],
        metadatas=[{"n": n} for n in numbers],
    )
    return made


def everything(collection):
    found = collection.get(include=["embeddings", "documents", "metadatas"])
    return {**found, "embeddings": found["embeddings"].tolist()}


def files(folder):
    return sorted(path.name for path in (folder / "vectors").iterdir())


def test_compaction_removes_dead_rows_and_changes_nothing_else(points, client, tmp_path):
    points.delete(ids=[f"p{n}" for n in range(0, 100, 2)])
    points.update(ids=["p1", "p99"], embeddings=[[7, 7, 7], [8, 8, 8]])
    before = everything(points)
    done = points.compact()
    assert repr(done) == (
        "points: 52 dead rows removed, 0.0 -> 0.0 MB; 1 operation can no longer be undone"
    )
    assert (done.rows_before, done.rows_after) == (102, 50)
    assert (done.bytes_before, done.bytes_after) == (102 * 12, 50 * 12)
    assert list(done.df()["rows"]) == [102, 50]
    assert everything(points) == before
    assert points.query(query_embeddings=[[8, 8, 8]], n_results=1)["ids"] == [["p99"]]
    assert points.get(where={"n": {"$gte": 97}})["ids"] == ["p97", "p99"]
    assert files(tmp_path) == [f"{points.id}-1.f32"]
    assert (tmp_path / "vectors" / files(tmp_path)[0]).stat().st_size == 50 * 12
    points.add(ids=["new"], embeddings=[[1, 1, 1]])
    assert not client.check()


def test_compaction_does_nothing_without_dead_rows(points, tmp_path):
    done = points.compact()
    assert (done.rows_before, done.rows_after) == (100, 100)
    assert files(tmp_path) == [f"{points.id}-0.f32"]


def test_an_emptied_collection_has_no_file_and_remains_usable(points, client, tmp_path):
    points.delete(where={"n": {"$gte": 0}})
    assert points.compact().rows_after == 0
    assert files(tmp_path) == []
    points.add(ids=["a"], embeddings=[[1, 2, 3]])
    assert everything(points)["embeddings"] == [[1, 2, 3]]
    assert not client.check()


def test_writes_during_the_copy_are_kept(points, client):
    points.delete(ids=["p0", "p1"])
    other = client.get_collection("points")
    calls = []

    def meanwhile(done, total):
        calls.append((done, total))
        if len(calls) == 1:
            other.add(ids=["new"], embeddings=[[5, 5, 5]], documents=["new"])
            other.update(ids=["p2"], embeddings=[[6, 6, 6]])
            other.update(ids=["p3"], metadatas=[{"n": -1}])
            other.delete(ids=["p4", "p98"])

    points.engine.compact(points.id, meanwhile)
    found = everything(points)
    assert found["ids"] == ["p2", "p3", *(f"p{n}" for n in range(5, 100) if n != 98), "new"]
    assert found["embeddings"][:2] == [[6, 6, 6], [3, 6, 9]]
    assert found["embeddings"][-1] == [5, 5, 5]
    assert found["metadatas"][1] == {"n": -1}
    assert not client.check()


def test_the_slower_of_two_concurrent_compactions_starts_over(points, client, tmp_path):
    points.delete(ids=["p0"])
    other = client.get_collection("points")
    inner = []

    def meanwhile(done, total):
        if not inner:
            inner.append(None)
            inner.append(other.compact())
            other.delete(ids=["p1"])

    done = points.engine.compact(points.id, meanwhile)
    assert (done.rows_before, done.rows_after) == (99, 98)
    assert files(tmp_path) == [f"{points.id}-2.f32"]
    assert everything(points)["ids"] == [f"p{n}" for n in range(2, 100)]
    assert not client.check()


def test_a_reader_that_opens_the_file_too_late_retries(points, client):
    points.delete(ids=["p0"])
    asked = []

    def ask(collection):
        asked.append(collection.entry.generation)
        if len(asked) == 1:
            subprocess.run(
                [sys.executable, "-c", COMPACT, str(client._engine.engine.store.path)], check=True
            )
        return collection.vectors[collection.view.slots].tolist()

    vectors = points.engine.engine._read(points.id, ask)
    assert asked == [0, 1]
    assert vectors == [[n, n * 2, n * 3] for n in range(1, 100)]


COMPACT = """
import sys, chromalab
chromalab.PersistentClient(sys.argv[1]).get_collection("points").compact()
"""


def test_a_reader_that_has_the_file_open_keeps_it(points, client):
    points.delete(ids=["p0"])
    folder = client._engine.engine.store.path

    def ask(collection):
        rows = collection.vectors
        subprocess.run([sys.executable, "-c", COMPACT, str(folder)], check=True)
        return rows[collection.view.slots].tolist()

    assert points.engine.engine._read(points.id, ask)[0] == [1, 2, 3]
    assert points.compact().rows_before == 99


def test_a_fork_keeps_the_old_file(points, client, tmp_path):
    points.delete(ids=["p0"])
    fork = points.fork("fork")
    before = everything(fork)
    points.compact()
    assert files(tmp_path) == sorted([f"{points.id}-0.f32", f"{points.id}-1.f32"])
    assert everything(fork) == before == everything(points)
    assert fork.compact().rows_after == 99
    assert files(tmp_path) == sorted([f"{points.id}-1.f32", f"{fork.id}-1.f32"])
    assert everything(fork) == before
    assert not client.check()


def test_an_error_or_interrupt_leaves_the_collection_unchanged(points, client, tmp_path):
    points.delete(ids=["p0"])
    before = everything(points)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        points.engine.compact(points.id, interrupt)
    assert everything(points) == before
    assert files(tmp_path) == [f"{points.id}-0.f32"]
    points.compact()
    assert everything(points) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process: POSIX only")
def test_leftovers_of_a_killed_compaction_are_removed_by_the_next(points, client, tmp_path):
    points.delete(ids=["p0"])
    child = os.fork()
    if child == 0:
        try:
            points.engine.compact(points.id, lambda done, total: os.kill(os.getpid(), 9))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert len(files(tmp_path)) == 2
    report = client.check()
    assert not report
    assert [name.split(".tmp-")[0] for name in report.leftovers] == [f"vectors/{points.id}-1.f32"]
    assert "1 file left by a crash, harmless" in repr(report)
    points.compact()
    assert files(tmp_path) == [f"{points.id}-1.f32"]


def test_a_draft_being_written_is_not_a_leftover(points, client, tmp_path):
    points.delete(ids=["p0"])
    seen = []

    def meanwhile(done, total):
        client.create_collection("other", embedding_function=None)
        client.delete_collection("other")  # removes leftovers
        seen.extend(files(tmp_path))
        seen.extend(client.check().leftovers)

    points.engine.compact(points.id, meanwhile)
    assert len(seen) == 2
    assert points.count() == 99


def compact_repeatedly(folder, done):
    """Add, delete and compact until the process is killed; writes a byte after each round."""
    points = chromalab.PersistentClient(folder).get_collection("points", embedding_function=None)
    n = points.count() and max(int(id) for id in points.get()["ids"]) + 1
    while True:
        rows = range(n, n + 40)
        points.add(ids=[str(m) for m in rows], embeddings=[[m, -m] for m in rows])
        points.delete(ids=[str(m) for m in rows[::2]])
        points.compact()
        n += 40
        os.write(done, b".")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process: POSIX only")
def test_kill_minus_9_at_any_point_leaves_an_undamaged_store(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        client.create_collection("points", embedding_function=None)
    rng = np.random.default_rng(11)
    for _ in range(12):
        rounds, done = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                compact_repeatedly(tmp_path, done)
            finally:
                os._exit(1)
        os.close(done)
        for _ in range(int(rng.integers(1, 5))):
            assert os.read(rounds, 1)
        for _ in range(int(rng.integers(0, 40_000))):  # a random time within the next round
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(rounds)
        with chromalab.PersistentClient(tmp_path) as client:
            report = client.check()
            assert not report, report
            found = client.get_collection("points").get(include=["embeddings"])
            assert [[int(id), -int(id)] for id in found["ids"]] == found["embeddings"].tolist()
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.get_collection("points")
        points.delete(ids=points.get(limit=1)["ids"])
        points.compact()
        assert len(files(tmp_path)) == 1


def test_compaction_reclaims_the_free_pages_of_sqlite(points, tmp_path):
    texts = ["a text of some length " * 20] * 2000
    points.add(ids=[f"t{n}" for n in range(2000)], embeddings=[[1, 2, 3]] * 2000, documents=texts)
    points.engine.engine.store.disconnect()  # the contents of the log go into the file
    large = (tmp_path / "store.sqlite3").stat().st_size
    points.delete(where_document={"$contains": "length"})
    points.compact()
    assert (tmp_path / "store.sqlite3").stat().st_size < large / 4
    assert points.count() == 100


BUSY = """
import sys, chromalab
points = chromalab.PersistentClient(sys.argv[1]).get_collection("points", embedding_function=None)
for n in range(60):
    points.add(ids=[f"{sys.argv[2]}{n}", f"{sys.argv[2]}x"], embeddings=[[n, 0, 0], [0, 0, 0]])
    points.delete(ids=[f"{sys.argv[2]}x"])
"""


def test_other_processes_write_while_one_compacts(points, client, tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", BUSY, str(tmp_path), name], stderr=subprocess.PIPE)
        for name in "ab"
    ]
    while any(writer.poll() is None for writer in writers):
        points.compact()
    assert [writer.communicate()[1] for writer in writers] == [b"", b""]
    found = points.get(include=["embeddings"])
    vectors = dict(zip(found["ids"], found["embeddings"].tolist(), strict=True))
    assert len(vectors) == 220
    assert all(vectors[f"{name}{n}"] == [n, 0, 0] for name in "ab" for n in range(60))
    points.compact()
    assert not client.check()
