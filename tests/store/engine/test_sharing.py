"""The clients of one folder share one engine in a process, and are closed independently."""

import gc
import os
import shutil
import subprocess
import sys
import threading

import pytest

import chromalab
from chromalab import errors


def engine(client):
    return client._engine.engine


def test_clients_of_a_folder_share_an_engine_however_its_path_is_written(tmp_path, monkeypatch):
    one = chromalab.PersistentClient(tmp_path / "s")
    (tmp_path / "link").symlink_to(tmp_path / "s")
    monkeypatch.chdir(tmp_path)
    others = [chromalab.PersistentClient(path) for path in ("s", "./link", tmp_path / "s/../s")]
    assert {engine(client) for client in others} == {engine(one)}
    assert engine(chromalab.PersistentClient(tmp_path / "other")) is not engine(one)


def test_leases_of_one_engine_share_a_key_and_a_new_engine_gets_another(tmp_path):
    one, two = chromalab.PersistentClient(tmp_path), chromalab.PersistentClient(tmp_path)
    key = one._engine.key
    assert two._engine.key == engine(two).key == key
    one.close()
    two.close()
    with pytest.raises(errors.ClientClosedError):
        _ = one._engine.key
    del one, two
    gc.collect()
    assert chromalab.PersistentClient(tmp_path)._engine.key != key


def test_a_closed_client_raises_while_another_continues(tmp_path):
    one, two = chromalab.PersistentClient(tmp_path), chromalab.PersistentClient(tmp_path)
    points = one.create_collection("points", embedding_function=None)
    one.close()
    one.close()
    for call in (points.count, one.list_collections, lambda: one.set_database("x")):
        with pytest.raises(errors.ClientClosedError):
            call()
    assert two.get_collection("points").count() == 0
    assert "ClientClosedError" in repr(one)


def test_the_last_client_closes_the_files(tmp_path):
    one, two = chromalab.PersistentClient(tmp_path), chromalab.PersistentClient(tmp_path)
    shared = engine(one)
    one.close()
    assert shared.store.is_there
    two.close()
    assert not shared.store.is_there
    assert engine(chromalab.PersistentClient(tmp_path)) is not shared


def test_a_collection_keeps_the_files_open_after_its_client_is_collected(tmp_path):
    points = chromalab.PersistentClient(tmp_path).create_collection(
        "points", embedding_function=None
    )
    points.add(ids=["a"], embeddings=[[1, 2]])
    assert points.count() == 1
    store = points.engine.engine.store
    del points
    gc.collect()
    assert not store.is_there


def test_a_cell_that_runs_again_opens_nothing_twice(tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    first = engine(client)
    for _ in range(3):
        client = chromalab.PersistentClient(tmp_path)
    assert engine(client) is first


def test_a_folder_that_was_deleted_and_created_again_gets_a_new_engine(tmp_path):
    old = chromalab.PersistentClient(tmp_path / "s")
    old.create_collection("points", embedding_function=None)
    shutil.rmtree(tmp_path / "s")
    new = chromalab.PersistentClient(tmp_path / "s")
    assert new.count_collections() == 0
    with pytest.raises(errors.StoreGoneError):
        old.count_collections()
    old.close()
    assert engine(chromalab.PersistentClient(tmp_path / "s")) is engine(new)


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [("normal", "full", "full"), ("full", "normal", "full"), ("off", "normal", "normal")],
)
def test_the_strictest_durability_applies_to_all_clients(tmp_path, first, second, both):
    one = chromalab.PersistentClient(tmp_path, durability=first)
    two = chromalab.PersistentClient(tmp_path, durability=second)
    for client in (one, two):
        store = engine(client).store
        assert store.durability == both
        with store.write() as connection:
            (level,) = connection.execute("PRAGMA synchronous").fetchone()
        assert level == {"full": 2, "normal": 1, "off": 0}[both]
    with pytest.raises(errors.InvalidArgumentError, match="full, normal, off"):
        chromalab.PersistentClient(tmp_path, durability="maximum")


def test_clients_created_by_many_threads_at_once_share_an_engine(tmp_path):
    start, made = threading.Barrier(8), []

    def make():
        start.wait()
        made.append(chromalab.PersistentClient(tmp_path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({engine(client) for client in made}) == 1
    for client in made[1:]:
        client.close()
    assert made[0].count_collections() == 0


FORK = """
import os, sys, chromalab
client = chromalab.PersistentClient(sys.argv[1])
points = client.create_collection("points", embedding_function=None)
child = os.fork()
if child == 0:
    chromalab.PersistentClient(sys.argv[1]).get_collection("points").add(ids=["c"], embeddings=[[1]])
    client.close()
    os._exit(0 if chromalab.PersistentClient(sys.argv[1]).get_collection("points").count() == 1 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), points.get()["ids"])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks: POSIX only")
def test_a_forked_child_can_close_its_client_and_create_another(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "0 ['c']\n", done.stderr


def test_an_ephemeral_store_is_removed_with_its_last_client():
    client = chromalab.EphemeralClient()
    folder = engine(client).store.path
    admin = chromalab.AdminClient(client.get_settings())
    del client
    assert folder.exists()
    del admin
    assert not folder.exists()


WRITER = """
import sys, chromalab
with chromalab.PersistentClient(sys.argv[1]) as client:
    client.get_collection("many").update(ids=["m3"], documents=["new"], embeddings=[[0]])
"""


def test_two_engines_of_one_process_do_not_lose_the_locks_of_each_other(tmp_path, elsewhere):
    with chromalab.PersistentClient(tmp_path) as client:
        many = client.create_collection("many", embedding_function=None)
        many.add(ids=[f"m{n}" for n in range(50)], embeddings=[[n] for n in range(50)])
        other = elsewhere(tmp_path).get_collection("many")  # reads the header of the open file
        many.add(ids=["more"], embeddings=[[0]])
        assert other.count() == 51
        subprocess.run([sys.executable, "-c", WRITER, tmp_path], check=True)
        assert (tmp_path / "store.sqlite3-wal").exists()
        assert many.get(ids=["m3"])["documents"] == other.get(ids=["m3"])["documents"] == ["new"]
        many.delete(ids=["m1"])
        assert not client.check(progress=False)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs a list of open files")
def test_a_closed_store_leaves_no_file_open(tmp_path, elsewhere):
    def opened():
        links = (os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd"))
        return [os.readlink(link) for link in links if os.path.lexists(link)]

    for _ in range(3):
        with chromalab.PersistentClient(tmp_path) as client:
            client.get_or_create_collection("notes", embedding_function=None)
            elsewhere(tmp_path).close()
    assert not [path for path in opened() if str(tmp_path) in path]
