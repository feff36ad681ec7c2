"""A rollback journal replaces a write-ahead log where one cannot work, without obscure errors."""

import os
import sqlite3
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

import chromalab
from chromalab import errors
from chromalab.engine.disk.folder import holds_wal, is_wal


@pytest.fixture
def folder(tmp_path):
    """A folder in which SQLite gets no shared memory, because the name of its file is taken."""
    path = tmp_path / "drive"
    (path / "store.sqlite3-shm").mkdir(parents=True)
    return path


def opened(folder):
    """Open a store, whether or not this process has already shown the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.ChromalabWarning)
        return chromalab.PersistentClient(folder)


def test_a_rollback_journal_warns_once_and_works(folder):
    with pytest.warns(errors.ChromalabWarning, match=r"drive' cannot share memory.*local disk"):
        client = chromalab.PersistentClient(folder)
    with client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a", "b"], embeddings=[[1, 2], [3, 4]])
        points.delete(ids=["a"])
        points.compact()
        assert not client.check()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with chromalab.PersistentClient(folder) as client:
            assert client.get_collection("points").get()["ids"] == ["b"]
    assert not is_wal(folder / "store.sqlite3")


KILLED = """
import os, sys, chromalab
points = chromalab.PersistentClient(sys.argv[1]).create_collection("points", embedding_function=None)
points.add(ids=["a", "b"], embeddings=[[1, 2], [3, 4]])
os._exit(0)  # the records are only in the log
"""


def test_a_store_with_a_write_ahead_log_is_converted_without_loss(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=True)
    assert (tmp_path / "store.sqlite3-wal").stat().st_size > 0
    (tmp_path / "store.sqlite3-shm").unlink()
    (tmp_path / "store.sqlite3-shm").mkdir()
    with pytest.warns(errors.ChromalabWarning, match="rollback journal"):
        client = chromalab.PersistentClient(tmp_path)
    with client:
        points = client.get_collection("points")
        assert points.get()["ids"] == ["a", "b"]
        points.add(ids=["c"], embeddings=[[5, 6]])
        assert not client.check()
    assert not is_wal(tmp_path / "store.sqlite3")


def test_a_store_returns_to_a_write_ahead_log_where_one_works(folder):
    with opened(folder) as client:
        client.create_collection("points", embedding_function=None)
    (folder / "store.sqlite3-shm").rmdir()
    with chromalab.PersistentClient(folder) as client:
        assert is_wal(folder / "store.sqlite3")
        client.get_collection("points").add(ids=["a"], embeddings=[[1, 2]])


def test_a_database_of_another_program_stays_unchanged(folder):
    file = folder / "store.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(errors.VersionMismatchError, match="not created by chromalab"):
        opened(folder)
    assert file.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="a VFS of Unix")
def test_a_file_system_without_shared_memory_is_detected(tmp_path):
    for vfs, works in (("unix", True), ("unix-dotfile", False), ("unix-none", False)):
        connection = sqlite3.connect(
            f"file:{tmp_path}/{vfs}?vfs={vfs}", uri=True, isolation_level=None
        )
        assert holds_wal(connection) is works
        connection.close()


ADDER = """
import sys, warnings
import chromalab
warnings.simplefilter("ignore")
points = chromalab.PersistentClient(sys.argv[1]).get_collection("points", embedding_function=None)
sys.stdin.readline()  # start together
for n in range(60):
    points.add(ids=[f"{sys.argv[2]}{n}"], embeddings=[[n, ord(sys.argv[2])]])
    assert f"{sys.argv[2]}{n}" in points.get()["ids"]
"""


def test_concurrent_readers_and_writers_wait_for_each_other(folder):
    with opened(folder) as client:
        points = client.create_collection("points", embedding_function=None)
        adders = [
            subprocess.Popen(
                [sys.executable, "-c", ADDER, str(folder), name],
                stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for name in "abc"
        ]  # fmt: skip
        for adder in adders:
            adder.stdin.write("go\n")
            adder.stdin.flush()
        while any(adder.poll() is None for adder in adders):
            points.get(include=["embeddings"])
        for adder in adders:
            _, output = adder.communicate(timeout=120)
            assert adder.returncode == 0, output
        found = points.get(include=["embeddings"])
        assert len(found["ids"]) == 180
        for id, vector in zip(found["ids"], found["embeddings"].tolist(), strict=True):
            assert vector == [int(id[1:]), ord(id[0])]
        assert not client.check()


def test_a_commit_waits_for_a_reader_and_loses_nothing(folder):
    with opened(folder) as client:
        points = client.create_collection("points", embedding_function=None)
        reader = sqlite3.connect(
            folder / "store.sqlite3", isolation_level=None, check_same_thread=False
        )
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM records").fetchall()
        timer = threading.Timer(0.5, reader.execute, ["COMMIT"])
        timer.start()
        points.add(ids=["a"], embeddings=[[1, 2]])
        timer.join()
        reader.close()
        assert points.get()["ids"] == ["a"]


READ_ONLY = """
import os, sys
import tqdm.auto  # while this process can still read its own packages
import chromalab
folder = sys.argv[1]
if os.geteuid() == 0:  # root can write anywhere, so switch to the user nobody
    os.seteuid(65534)
client = chromalab.PersistentClient(folder)
points = client.get_collection("points")
points.add(ids=["a"], embeddings=[[1, 2]])
for path in (os.path.join(folder, "vectors"), folder):
    os.chmod(path, 0o555)
for number in range(3):
    try:
        if number == 0:
            points.add(ids=["b"], embeddings=[[3, 4]])
        elif number == 1:
            made = client.create_collection("more", embedding_function=None)
            made.add(ids=["b"], embeddings=[[3, 4]])
        else:
            points.delete(ids=["a"])
            points.compact()
        print("worked")
    except PermissionError as error:
        print(type(error).__name__, error)
print(points.count())
"""


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="drops privileges: POSIX only")
@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_a_folder_made_read_only_under_an_open_client_works_or_raises(tmp_path, journal):
    folder = tmp_path / "store"
    folder.mkdir()
    if journal == "rollback":
        (folder / "store.sqlite3-shm").mkdir()
    with opened(folder) as client:
        client.create_collection("points", embedding_function=None)
    for path in (tmp_path, *tmp_path.parents[:3]):
        path.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534 if os.geteuid() == 0 else -1, -1)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ_ONLY, str(folder)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *lines, count = done.stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line == "worked" or line.startswith("StoreNotWritableError The folder"), line
        assert "readonly" not in line
    assert any(line != "worked" for line in lines)
    assert int(count) in (0, 1, 2)


def test_a_cell_that_creates_the_client_can_run_repeatedly(tmp_path):
    files = Path("/proc/self/fd")
    opened = []
    for n in range(40):
        client = chromalab.PersistentClient(tmp_path)  # the previous one is not closed
        points = client.get_or_create_collection("points", embedding_function=None)
        points.add(ids=[str(n)], embeddings=[[n, n]])
        opened.append(len(list(files.iterdir())) if files.is_dir() else 0)
    assert points.count() == 40
    assert opened[-1] <= opened[0]  # other tests in this process may have files open too
