"""Threads whose batches wait for each other: one commit for all of them, and each fails alone."""

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

import chromalab

THREADS = 64


@pytest.fixture
def points(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["first"], embeddings=[[0, 0]])
        yield points


@pytest.fixture
def pool():
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


@contextmanager
def another_writer(folder):
    """Hold the lock of a store, as another process does."""
    other = sqlite3.connect(folder / "store.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("COMMIT")
        other.close()


def queued(pool, points, calls):
    """Start calls in threads of their own, each once the one before waits for its turn."""
    queue = points.engine.engine._batches._queue
    running = []
    for number, call in enumerate(calls, start=1):
        running.append(pool.submit(call))
        while len(queue) < number:
            assert not running[-1].done()
            os.sched_yield() if hasattr(os, "sched_yield") else None
    return running


def adding(points, number, dimension=2):
    return lambda: points.add(
        ids=[f"{number}a", f"{number}b"], embeddings=[[number] * dimension] * 2
    )


@contextmanager
def counted_commits(folder):
    """Count the commits to a store: the frames of its write-ahead log that end one."""
    with sqlite3.connect(folder / "store.sqlite3") as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    other.close()
    commits = []
    yield commits
    log = (folder / "store.sqlite3-wal").read_bytes()
    page = int.from_bytes(log[8:12], "big")
    for at in range(32, len(log), 24 + page):  # https://www.sqlite.org/fileformat2.html#walformat
        pages_after_commit = int.from_bytes(log[at + 4 : at + 8], "big")
        if pages_after_commit and log[at + 8 : at + 16] == log[16:24]:  # of this log, not an older
            commits.append(pages_after_commit)


def test_batches_that_wait_are_committed_once_in_the_order_of_their_calls(points, pool, tmp_path):
    with counted_commits(tmp_path) as commits:
        with another_writer(tmp_path):
            running = queued(pool, points, [adding(points, n) for n in range(THREADS)])
        for done in running:
            done.result()
    assert len(commits) == 1
    expected = [f"{n}{half}" for n in range(THREADS) for half in "ab"]
    assert points.get()["ids"] == ["first", *expected]
    assert points.query(query_embeddings=[[40, 40]], n_results=2)["ids"] == [["40a", "40b"]]


def test_batches_without_others_are_committed_one_by_one(points, tmp_path):
    with counted_commits(tmp_path) as commits:
        for number in range(5):
            adding(points, number)()
    assert len(commits) == 5


def test_batches_that_fail_leave_the_others_of_their_commit_as_they_are(points, pool, tmp_path):
    gone = points.fork("gone")
    deleting = chromalab.PersistentClient(tmp_path)
    deleting.delete_collection("gone")
    deleting.close()
    kinds = [
        (lambda n: adding(points, n), None),
        (lambda n: adding(points, n, dimension=3), chromalab.errors.InvalidDimensionException),
        (lambda n: lambda: points.update(ids=["first"], metadatas=[{"n": n}]), None),
        (lambda n: adding(gone, n), chromalab.errors.NotFoundError),
    ]
    expected = [kinds[n % len(kinds)] for n in range(THREADS)]
    with counted_commits(tmp_path) as commits:
        with another_writer(tmp_path):
            running = queued(pool, points, [make(n) for n, (make, _) in enumerate(expected)])
        failures = [done.exception() for done in running]
    assert [type(failure) for failure in failures] == [error or type(None) for _, error in expected]
    assert len(commits) == 1
    added = [f"{n}{half}" for n in range(0, THREADS, len(kinds)) for half in "ab"]
    assert points.get()["ids"] == ["first", *added]
    assert points.get(ids=["first"])["metadatas"] == [{"n": 62}]


def test_a_damaged_store_fails_every_batch_with_its_own_error_and_writes_none(
    points, pool, tmp_path
):
    file = next((tmp_path / "vectors").iterdir())
    with another_writer(tmp_path):
        running = queued(pool, points, [adding(points, n) for n in range(4)])
        file.rename(file.with_suffix(".away"))
    failures = [done.exception() for done in running]
    assert all("is missing, and with it 1 rows" in str(failure) for failure in failures)
    assert len(set(map(id, failures))) == 4
    file.with_suffix(".away").rename(file)
    adding(points, 7)()
    assert points.get()["ids"] == ["first", "7a", "7b"]


def test_many_large_batches_are_not_committed_together(points, pool, tmp_path):
    def large(number):
        ids = [f"{number}-{row}" for row in range(600)]
        return lambda: points.add(ids=ids, embeddings=[[number, 1]] * 600)

    with counted_commits(tmp_path) as commits:
        with another_writer(tmp_path):
            running = queued(pool, points, [large(n) for n in range(3)])
        for done in running:
            done.result()
    assert len(commits) == 3
    assert points.count() == 1801


def test_the_main_thread_and_others_write_at_once(points, pool):
    start = threading.Barrier(9)

    def work(name):
        start.wait()
        for number in range(20):
            points.add(ids=[f"{name}-{number}"], embeddings=[[number, 0]])

    running = [pool.submit(work, name) for name in "abcdefgh"]
    work("main")
    for done in running:
        done.result()
    assert points.count() == 1 + 9 * 20
