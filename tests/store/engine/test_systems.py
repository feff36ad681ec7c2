"""What Windows and macOS do otherwise, simulated: their clocks, locks, renames and syncs."""

import fcntl
import gc
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest

import chromalab
from chromalab.client import opening
from chromalab.engine.disk import folder
from chromalab.engine.index.planner import Costs, PlannerInput, choose_plan, machine_costs
from chromalab.files import rename, replace_file, sync


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMALAB_CACHE", str(tmp_path / "cache"))
    machine_costs.cache_clear()
    yield tmp_path / "cache"
    machine_costs.cache_clear()


def large_collection(costs):
    query = PlannerInput(
        queries=1, k=10, dimension=384, records=100_000, matches=100_000, filtered=False,
        gathered=False, covered=100_000, max_neighbors=16, tail=0, ef=100, index="",
    )  # fmt: skip
    return choose_plan(query, costs).method


def test_costs_are_measured_though_the_clock_of_threads_moves_in_steps_of_16_ms(cache, monkeypatch):
    fine = time.thread_time
    monkeypatch.setattr(time, "thread_time", lambda: fine() // 0.015625 * 0.015625)
    costs = machine_costs()
    assert 0 < costs.multiplied < costs.scanned < 1
    assert 0 < costs.gathered < 1
    assert large_collection(costs) == "index"
    assert json.loads((cache / "costs.json").read_text())["scanned"] == costs.scanned


def test_costs_that_cannot_be_are_neither_stored_nor_used(cache, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", lambda: 1.0)
    stopped = iter([0.0, 1.0] * 3)  # the clock of threads moves once a second
    monkeypatch.setattr(time, "thread_time", lambda: next(stopped))
    assert machine_costs() == Costs()
    assert not (cache / "costs.json").exists()


def refusing(times):
    """Windows' `os.replace` while another process reads the file, as often as given."""
    replace, refused = os.replace, []

    def refuse(source, target):
        if len(refused) < times:
            refused.append(target)
            raise PermissionError(13, "Access is denied", str(target))
        replace(source, target)

    return refuse, refused


def test_a_file_that_is_being_read_is_replaced_at_the_third_attempt(tmp_path, monkeypatch):
    refuse, refused = refusing(2)
    monkeypatch.setattr(os, "replace", refuse)
    replace_file(tmp_path / "file", [b"new"])
    assert len(refused) == 2
    assert (tmp_path / "file").read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_file_that_may_not_be_replaced_stays_and_raises(tmp_path, monkeypatch):
    (tmp_path / "draft").write_bytes(b"new")
    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", refusing(9)[0])
    with pytest.raises(PermissionError):
        rename(tmp_path / "draft", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_without_file_locks_a_new_draft_counts_as_being_written_and_an_old_one_does_not(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    draft = tmp_path / "draft"
    with draft.open("wb") as file:
        folder.hold(file.fileno())
    assert folder.is_held(draft)
    os.utime(draft, (0, 0))
    assert not folder.is_held(draft)


WITHOUT_LOCKS = """
import sys
sys.modules["fcntl"] = None
import chromalab, numpy as np
with chromalab.PersistentClient(sys.argv[1]) as client:
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=[str(n) for n in range(3000)], embeddings=np.eye(3000, 200, dtype="f4") + 1)
    points.delete(ids=["7"])
    points.compact(progress=False)
    print(points.count(), client.check().problems)
"""


def test_a_store_works_without_file_locks(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LOCKS, tmp_path], capture_output=True, text=True
    )
    assert done.stdout == "2999 ()\n", done.stderr


def test_on_macos_a_sync_waits_for_the_drive(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda handle, what: asked.append(what))
    with chromalab.PersistentClient(tmp_path / "store") as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=[str(n) for n in range(500)], embeddings=np.ones((500, 100)))
        with client._engine.engine.store.read() as connection:
            flags = ("fullfsync", "checkpoint_fullfsync")
            assert [connection.execute(f"PRAGMA {flag}").fetchone() for flag in flags] == [(1,)] * 2
    assert asked
    assert set(asked) == {51}


def test_a_drive_that_offers_no_full_sync_gets_the_ordinary_one(tmp_path, monkeypatch):
    def refuse(handle, what):
        raise OSError(45, "Operation not supported")

    synced = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with (tmp_path / "file").open("wb") as file:
        sync(file.fileno())
        assert synced == [file.fileno()]


def test_two_spellings_of_one_folder_share_an_engine(tmp_path, monkeypatch):
    (tmp_path / "Notes").mkdir()
    (tmp_path / "notes").symlink_to(tmp_path / "Notes")
    monkeypatch.setattr(os.path, "realpath", str)  # as on macOS, where both are names of one folder
    with (
        chromalab.PersistentClient(tmp_path / "Notes") as one,
        chromalab.PersistentClient(tmp_path / "notes") as other,
    ):
        assert one._engine.engine is other._engine.engine


maps = pytest.mark.skipif(
    not os.path.exists("/proc/self/maps"), reason="reads Linux's list of maps"
)
AT_EXIT = """
import os, shutil, sys
import chromalab, numpy as np
remove, own = shutil.rmtree, []
def checked(folder, **how):
    mapped = str(folder) in open("/proc/self/maps").read()
    remove(folder, **how)
    if own and os.path.basename(folder).startswith("chromalab-"):  # not what others left before
        print(mapped, os.path.exists(folder))
shutil.rmtree = checked
client = chromalab.EphemeralClient()
own.append(client.get_settings()._folder.name)
points = client.create_collection("points", embedding_function=None)
points.add(ids=[str(n) for n in range(2000)], embeddings=np.ones((2000, 300)))
points.query(query_embeddings=np.ones((1, 300)), n_results=1)
assert client.get_settings()._folder.name in open("/proc/self/maps").read()
if sys.argv[1] == "close":
    client.close()
"""


@maps
@pytest.mark.parametrize("end", ["close", "exit"])
def test_an_ephemeral_store_unmaps_its_files_before_it_deletes_them(end):
    done = subprocess.run([sys.executable, "-c", AT_EXIT, end], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for ephemeral stores, in which this process has not looked yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opening._sweep.cache_clear()
    return tmp_path


def killed_and_aged(temporary):
    """The folders of two stores that are two hours old: of a killed process, and of a client."""
    end = "import os, chromalab; client = chromalab.EphemeralClient(); os.kill(os.getpid(), 9)"
    environment = {**os.environ, "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", end], env=environment)
    (killed,) = temporary.iterdir()
    client = chromalab.EphemeralClient()
    for mark in temporary.glob("*/in-use.lock"):
        os.utime(mark, (time.time() - 7200,) * 2)
    opening._sweep.cache_clear()
    return killed, client


def test_the_store_of_a_killed_process_is_deleted_and_that_of_a_client_is_not(temporary):
    killed, client = killed_and_aged(temporary)
    with chromalab.EphemeralClient() as other:
        assert not killed.exists()
        assert other.count_collections() == client.count_collections() == 0
        assert client.get_settings()._folder.exists()


def test_without_file_locks_a_store_whose_mark_is_open_is_kept(temporary, monkeypatch):
    killed, client = killed_and_aged(temporary)
    unlink, live = type(temporary).unlink, client.get_settings()._folder

    def refuse(path, **how):
        if path.parent == live:  # what Windows does to a file that is open
            raise PermissionError(13, "Access is denied", str(path))
        unlink(path, **how)

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(type(temporary), "unlink", refuse)
    with chromalab.EphemeralClient():
        assert (killed.exists(), live.exists()) == (False, True)


def test_a_link_to_another_folder_is_not_swept(temporary):
    kept = temporary / "kept"
    kept.mkdir()
    (kept / "in-use.lock").touch()
    os.utime(kept / "in-use.lock", (0, 0))
    (temporary / "chromalab-link").symlink_to(kept)
    with chromalab.EphemeralClient():
        assert [path.name for path in kept.iterdir()] == ["in-use.lock"]


@maps
def test_the_vectors_of_a_deleted_collection_are_unmapped_before_they_are_deleted(
    tmp_path, monkeypatch
):
    unlink, mapped = type(tmp_path).unlink, []

    def checked(path, **how):
        with open("/proc/self/maps") as lines:
            mapped.append(str(path) in lines.read())
        unlink(path, **how)

    with chromalab.PersistentClient(tmp_path / "store") as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=[str(n) for n in range(2000)], embeddings=np.ones((2000, 300)))
        points.query(query_embeddings=np.ones((1, 300)), n_results=1)
        gc.collect()
        monkeypatch.setattr(type(tmp_path), "unlink", checked)
        client.delete_collection("points")
    assert mapped
    assert not any(mapped)
    assert not list((tmp_path / "store" / "vectors").iterdir())
