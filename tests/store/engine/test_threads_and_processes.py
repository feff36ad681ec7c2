"""One folder used by several threads, clients and forks."""

import os
import threading
from contextlib import contextmanager

import pytest

import chromalab
from chromalab.engine import EmbeddedEngine, Scope
from chromalab.engine.disk.store import Store


@pytest.fixture
def points(tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    yield client.create_collection("points", embedding_function=None)
    client.close()


def test_another_process_sees_a_commit_on_its_next_call(points, tmp_path, elsewhere):
    other = elsewhere(tmp_path).get_collection("points")
    assert other.count() == 0
    points.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]])
    assert other.count() == 2
    assert other.query(query_embeddings=[[0, 1]], n_results=1)["ids"] == [["b"]]
    other.delete(ids=["b"])
    other.update(ids=["a"], embeddings=[[5, 5]])
    assert points.query(query_embeddings=[[0, 1]])["ids"] == [["a"]]
    assert points.get(include=["embeddings"])["embeddings"].tolist() == [[5, 5]]


def test_threads_write_and_read_through_one_client(points):
    failures = []

    def work(name):
        try:
            for n in range(40):
                points.add(ids=[f"{name}{n}"], embeddings=[[n, 0]])
                assert f"{name}{n}" in points.get(ids=[f"{name}{n}"])["ids"]
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert points.count() == 160


def test_a_collection_is_created_though_another_client_creates_and_deletes_it(
    tmp_path, monkeypatch
):
    with (
        chromalab.PersistentClient(tmp_path) as client,
        chromalab.PersistentClient(tmp_path) as rival,
    ):
        create = client._engine.create_collection

        def raced(*arguments):
            monkeypatch.undo()
            rival.create_collection("notes", embedding_function=None)
            try:
                return create(*arguments)
            finally:
                rival.delete_collection("notes")

        monkeypatch.setattr(client._engine, "create_collection", raced)
        assert client.get_or_create_collection("notes", embedding_function=None).count() == 0


def test_connections_of_ended_threads_are_closed(points):
    for _ in range(20):
        thread = threading.Thread(target=points.count)
        thread.start()
        thread.join()
    points.count()
    assert len(points.engine.engine.store._connections) <= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks: POSIX only")
def test_a_forked_child_opens_its_own_connection(points):
    points.add(ids=["parent"], embeddings=[[1, 2]])
    child = os.fork()
    if child == 0:
        try:
            points.add(ids=["child"], embeddings=[[3, 4]])
            os._exit(0 if points.count() == 2 else 1)
        except BaseException:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert points.get()["ids"] == ["parent", "child"]


def test_a_collection_deleted_by_another_process_raises_a_readable_error(
    points, tmp_path, elsewhere
):
    elsewhere(tmp_path).delete_collection("points")
    with pytest.raises(chromalab.errors.NotFoundError, match="it was deleted"):
        points.count()
    assert "no longer available" in repr(points)


def test_a_closed_client_raises(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
    with pytest.raises(chromalab.errors.ClientClosedError, match="Create a new one"):
        points.count()


def test_deleting_a_collection_removes_its_file_and_leftovers_of_a_crash(points, tmp_path):
    points.add(ids=["a"], embeddings=[[1, 2]])
    kept = chromalab.PersistentClient(tmp_path).create_collection("kept", embedding_function=None)
    kept.add(ids=["k"], embeddings=[[1]])
    orphan = tmp_path / "vectors" / "11111111-1111-1111-1111-111111111111-0.f32"
    orphan.write_bytes(b"left behind")
    chromalab.PersistentClient(tmp_path).delete_collection("points")
    assert [file.name for file in (tmp_path / "vectors").iterdir()] == [f"{kept.id}-0.f32"]
    assert kept.get(include=["embeddings"])["embeddings"].tolist() == [[1]]


class Overtaken(Store):
    """Has another thread write and read between the beginning of a read and the read itself."""

    meanwhile = None

    @contextmanager
    def read(self):
        with super().read() as connection:
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile:
                thread = threading.Thread(target=meanwhile)
                thread.start()
                thread.join()
            yield connection


def test_a_read_that_was_overtaken_begins_again(points, tmp_path):
    def write_and_read():
        points.add(ids=["b"], embeddings=[[1, 0]])
        assert engine.count(points.id) == 2

    points.add(ids=["a"], embeddings=[[0, 1]])
    engine = EmbeddedEngine(tmp_path)
    engine.store.close()
    engine.store = Overtaken(tmp_path)
    assert engine.count(points.id) == 1
    engine.store.meanwhile = write_and_read
    assert engine.count(points.id) == 2
    engine.close()


class Meanwhile(Store):
    """Runs a function between the commit of a delete and the removal of its files."""

    @contextmanager
    def write(self, *, final=False):
        with super().write(final=final) as connection:
            yield connection
        if final:
            self.meanwhile()


def test_a_file_created_by_another_client_during_a_delete_is_kept(points, tmp_path):
    def make():
        made = client.create_collection("made-meanwhile", embedding_function=None)
        made.add(ids=["a"], embeddings=[[1, 2]])

    client = chromalab.PersistentClient(tmp_path)
    points.add(ids=["p"], embeddings=[[0, 0]])
    engine = EmbeddedEngine(tmp_path)
    engine.store.close()
    engine.store = Meanwhile(tmp_path)
    engine.store.meanwhile = make
    engine.delete_collection(Scope(), "points")
    engine.close()
    made = client.get_collection("made-meanwhile")
    assert made.get(include=["embeddings"])["embeddings"].tolist() == [[1, 2]]
    assert len(list((tmp_path / "vectors").iterdir())) == 1
