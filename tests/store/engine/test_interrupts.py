"""Ctrl-C or a close at any time leaves a working store, for this process and for others."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

import chromalab
from chromalab.engine.disk.store import Store

LOOP = """
import itertools, random, signal, sys, threading, chromalab
from pathlib import Path
from chromalab.engine import EmbeddedEngine, Scope

rng = random.Random(3)
client = chromalab.PersistentClient(sys.argv[1])
points = client.create_collection("points", embedding_function=None)
main, ended = threading.main_thread().ident, threading.Event()

def add_beside(name):
    for batch in itertools.count():
        if ended.is_set():
            return
        points.add(ids=[f"{name}-{batch}-{row}" for row in range(3)], embeddings=[[0, batch]] * 3)
        added.append(name)

added = []
beside = [threading.Thread(target=add_beside, args=(name,)) for name in sys.argv[3:]]
for thread in beside:
    thread.start()
for n in range(int(sys.argv[2])):
    timer = threading.Timer(rng.random() * 0.01, signal.pthread_kill, (main, signal.SIGINT))
    try:
        timer.start()
        for batch in range(1000):
            points.add(ids=[f"{n}-{batch}-{row}" for row in range(3)], embeddings=[[n, batch]] * 3)
    except KeyboardInterrupt:
        pass
    timer.join()
    whole = points.get()["ids"]
    assert len(whole) % 3 == 0, "half a batch"
    engine = EmbeddedEngine(Path(sys.argv[1]))  # its own connection, as in another process
    with chromalab.ClientAPI(engine, Scope(), chromalab.Settings()) as other:
        other.get_collection("points").add(ids=[f"other {n}", f"o {n}", f"a {n}"], embeddings=[[0, 0]] * 3)
ended.set()
for thread in beside:
    thread.join()
assert sum(id[0] in "xyz" for id in points.get()["ids"]) == 3 * len(added)
print("works")
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="sends signals: POSIX only")
@pytest.mark.parametrize("given", [["60"], ["15", "x", "y", "z"]], ids=["alone", "beside others"])
def test_interrupts_at_random_times_leave_no_open_transaction(tmp_path, given):
    done = subprocess.run(
        [sys.executable, "-c", LOOP, str(tmp_path), *given],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout == "works\n", done.stderr


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="sends signals: POSIX only")
def test_waiting_for_another_writer_can_be_interrupted_and_leaves_no_lock(tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    points = client.create_collection("points", embedding_function=None)
    other = sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        points.add(ids=["a"], embeddings=[[1, 2]])
    timer.join()
    assert points.count() == 0
    other.execute("COMMIT")
    other.close()
    points.add(ids=["a"], embeddings=[[1, 2]])
    assert points.count() == 1


def test_a_store_closed_in_the_middle_of_a_query_of_another_thread_waits_for_it(tmp_path):
    def query():
        with store.read() as connection:
            connection.create_function("half", 0, wait_until_closed)
            found.extend(connection.execute("SELECT half() + half()").fetchone())

    def wait_until_closed():
        running.set()
        while store.is_there:
            pass
        return 0.5

    store, running, found = Store(tmp_path), threading.Event(), []
    thread = threading.Thread(target=query)
    thread.start()
    running.wait()
    store.close()
    assert found == [1.0]
    thread.join()


def test_a_write_that_waits_for_another_process_ends_when_its_client_is_closed(tmp_path):
    def write():
        with pytest.raises(chromalab.errors.ClientClosedError):
            points.add(ids=["a"], embeddings=[[1, 2]])
        ended.set()

    client = chromalab.PersistentClient(tmp_path)
    points = client.create_collection("points", embedding_function=None)
    store, ended = points.engine.engine.store, threading.Event()
    other = sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    thread = threading.Thread(target=write)
    thread.start()
    while not store.running._threads:
        pass
    client.close()
    assert ended.wait(30)  # `other` still has the lock
    thread.join()
    other.close()
    assert chromalab.PersistentClient(tmp_path).get_collection("points").count() == 0


def test_a_store_is_not_closed_by_a_call_within_its_own_transaction(tmp_path):
    store = Store(tmp_path)
    with store.read() as connection:
        with pytest.raises(chromalab.errors.InternalError, match="within another of its own calls"):
            store.close()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    store.close()
