"""Stores in folders that may only be read: everything that reads works, and nothing is written there."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import chromalab
import chromalab.analytics  # the child, which is another user, may not read what these import
import chromalab.feedback
from chromalab import errors

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="drops privileges in a fork: POSIX only"
)

FORMATS = Path(__file__).parents[2] / "data" / "formats"
NOBODY = 65534


@pytest.fixture
def folder(tmp_path):
    """Where any user may look for a store."""
    for path in (tmp_path, *tmp_path.parents[:3]):
        path.chmod(0o755)
    (tmp_path / "temporary").mkdir()
    (tmp_path / "temporary").chmod(0o777)
    return tmp_path / "store"


def protect(folder):
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def as_reader(folder, act, *sides):
    """Call a function with a client of the folder, as a user who may only read; return its answer."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # root can write anywhere, so switch to the user nobody
        try:
            if os.geteuid() == 0:
                os.setegid(NOBODY)
                os.seteuid(NOBODY)
            tempfile.tempdir = str(folder.parent / "temporary")
            with chromalab.PersistentClient(folder) as client:
                answer = act(client, *sides)
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        finally:
            os.write(writer, json.dumps(answer).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        answer = json.loads(answers.read())
    os.waitpid(child, 0)
    return answer


def points_in(folder, count=40):
    with chromalab.PersistentClient(folder) as client:
        points = client.create_collection("points", embedding_function=None)
        rows = np.random.default_rng(0).normal(size=(count, 4))
        points.add(ids=[str(n) for n in range(count)], embeddings=rows, documents=["text"] * count)
        points.delete(ids=["0"])


def ids(client):
    return client.get_collection("points").get()["ids"]


def test_reading_searching_and_analyses_work_and_leave_no_file(folder):
    points_in(folder)
    shutil.copytree(folder, folder.with_name("writable"))
    protect(folder)
    before = contents(folder)

    def act(client):
        points = client.get_or_create_collection("points", embedding_function=None)
        points.build_index()
        return [
            points.count(),
            points.query(query_embeddings=[[0, 0, 0, 1]], n_results=3)["ids"][0],
            len(points.get(where_document={"$contains": "text"})["ids"]),
            len(points.cluster(progress=False).labels),
            len(points.outliers(progress=False).scores),
            points.recall().value,
            bool(client.check(progress=False)),
            repr(client).startswith("PersistentClient"),
        ]

    with chromalab.PersistentClient(folder.with_name("writable")) as client:
        usual = act(client)  # also imports what the other user may not be able to
    assert as_reader(folder, act) == usual
    count, nearest, *rest = usual
    assert (count, len(nearest)) == (39, 3)
    assert rest == [39, 39, 39, 1.0, False, True]
    assert contents(folder) == before


WRITES = {
    "add": lambda points: points.add(ids=["new"], embeddings=[[1, 2, 3, 4]]),
    "delete": lambda points: points.delete(ids=["1"]),
    "modify": lambda points: points.modify(name="other"),
    "compact": lambda points: points.compact(),
    "into": lambda points: points.cluster(into="group", progress=False),
    "judge": lambda points: points.feedback.add([1, 2, 3, 4], "1", True),
    "fork": lambda points: points.fork("copy"),
}


@pytest.mark.parametrize("name", sorted(WRITES))
def test_writes_say_what_to_do(folder, name):
    points_in(folder)
    if name == "into":
        chromalab.analytics.cluster(np.eye(4), progress=False)  # imports
    protect(folder)
    before = contents(folder)
    said = as_reader(folder, lambda client: WRITES[name](client.get_collection("points")))
    assert said.startswith("StoreNotWritableError: The store in '"), said
    assert "open for reading only" in said
    assert "copy the folder" in said
    assert contents(folder) == before


def test_the_catalog_cannot_be_changed(folder):
    points_in(folder)
    protect(folder)
    for change in (
        lambda client: client.create_collection("more"),
        lambda client: client.delete_collection("points"),
    ):
        assert "open for reading only" in as_reader(folder, change)


KILLED = """
import os, sys, chromalab
client = chromalab.PersistentClient(sys.argv[1])
client.get_collection("points").add(ids=["logged"], embeddings=[[1, 2, 3, 4]])
os._exit(0)
"""


@pytest.mark.parametrize("index_of_the_log", ["there", "lost"])
def test_writes_that_are_only_in_the_log_are_read(folder, index_of_the_log):
    points_in(folder)
    subprocess.run([sys.executable, "-c", KILLED, folder], check=True)
    assert (folder / "store.sqlite3-wal").stat().st_size
    if index_of_the_log == "lost":
        (folder / "store.sqlite3-shm").unlink()
    protect(folder)
    before = contents(folder)
    assert as_reader(folder, ids)[-1] == "logged"
    assert contents(folder) == before


def test_a_log_that_is_not_readable_is_never_left_out(folder):
    if os.geteuid():
        pytest.skip("only root can own a file that the reader does not")
    points_in(folder)
    subprocess.run([sys.executable, "-c", KILLED, folder], check=True)
    protect(folder)
    (folder / "store.sqlite3-wal").chmod(0o400)
    (folder / "store.sqlite3-shm").chmod(0o400)
    said = as_reader(folder, ids)
    assert said.startswith("StoreNotWritableError"), said
    assert "store.sqlite3-wal" in said


def test_a_transaction_that_a_crash_left_in_a_rollback_journal_is_not_seen(folder):
    points_in(folder)
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    crash = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1] + "/store.sqlite3", isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # pages are written before the commit
connection.execute("PRAGMA cache_spill = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE records SET id = id || 'x', document = ?", ("y" * 20000,))
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", crash, folder], check=True)
    assert (folder / "store.sqlite3-journal").stat().st_size
    protect(folder)
    before = contents(folder)
    assert as_reader(folder, ids) == [str(n) for n in range(1, 40)]
    assert contents(folder) == before


def test_what_the_owner_writes_meanwhile_is_seen(folder):
    points_in(folder)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    if os.geteuid():
        pytest.skip("the owner can write, and only root can be another user")
    asked, ask = os.pipe()
    told, tell = os.pipe()
    owner = os.fork()
    if owner == 0:
        os.close(ask)
        client = None
        for number in iter(lambda: os.read(asked, 1), b""):
            client = client or chromalab.PersistentClient(folder)
            points = client.get_collection("points")
            points.upsert(ids=[f"new{number.decode()}"], embeddings=[[1, 2, 3, 4]])
            if number == b"2":
                points.compact()
            if number == b"3":
                client.close()
                client = None
            os.write(tell, b"x")
        os._exit(0)

    def act(client):
        seen = [client.get_collection("points").count()]
        for number in b"01234":
            os.write(ask, bytes([number]))
            os.read(told, 1)
            points = client.get_collection("points")
            nearest = points.query(query_embeddings=[[1, 2, 3, 4]], n_results=20)["distances"][0]
            seen.append((points.count(), sum(distance == 0 for distance in nearest)))
        return seen

    answer = as_reader(folder, act)
    os.close(ask)
    os.waitpid(owner, 0)
    assert answer == [39, [40, 1], [41, 2], [42, 3], [43, 4], [44, 5]]


@pytest.mark.parametrize("release", sorted(path.name for path in FORMATS.iterdir()))
def test_a_store_of_an_earlier_release_is_read(release, folder):
    shutil.copytree(FORMATS / release, folder)
    protect(folder)
    before = contents(folder)
    found = as_reader(folder, lambda client: client.get_collection("notes").get()["ids"])
    assert found == [f"n{i}" for i in range(20) if i != 5]
    assert contents(folder) == before


def test_vectors_that_a_power_cut_took_are_not_read_as_zeros(folder):
    points_in(folder)
    with chromalab.PersistentClient(folder) as client:
        client.get_collection("points").add(ids=["last"], embeddings=[[1, 2, 3, 4]])
    (file,) = (folder / "vectors").iterdir()
    with file.open("r+b") as opened:
        opened.truncate(40 * 16)
    protect(folder)
    said = as_reader(folder, ids)
    assert said.startswith("InternalError: The vector files in '"), said
    assert "not writable" in said


def test_a_folder_that_became_writable_is_opened_again_for_writing(folder):
    points_in(folder)

    def act(client):
        folder.chmod(0o755)
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        with chromalab.PersistentClient(folder) as again:
            again.get_collection("points").add(ids=["new"], embeddings=[[1, 2, 3, 4]])
        return ids(client)[-1]

    protect(folder)
    if os.geteuid() == 0:
        for path in [*folder.rglob("*"), folder]:
            os.chown(path, NOBODY, NOBODY)
    assert as_reader(folder, act) == "new"


def test_the_error_is_also_a_permission_error():
    assert issubclass(errors.StoreNotWritableError, PermissionError)
