"""A large collection gets an index through a transform, in the background or waited for."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import chromalab
from chromalab.engine.index import collection_index

QUICK = {"max_neighbors": 8, "ef_construction": 40, "num_threads": 1}
ROWS, WIDE = 2400, 24


@pytest.fixture
def low_thresholds(monkeypatch):
    """Lets a small collection have an index, as the size that needs one is not tested here."""
    monkeypatch.setattr(collection_index, "_ROWS", 1000)
    monkeypatch.setattr(collection_index, "_NUMBERS", 1000)
    monkeypatch.setattr(collection_index, "_TAIL_NUMBERS", 1000)


def clustered(count, seed):
    random = np.random.default_rng(seed)
    centers = np.random.default_rng(99).normal(size=(40, WIDE))
    return (
        centers[random.integers(0, 40, count)] + 0.5 * random.normal(size=(count, WIDE))
    ).astype(np.float32)


@pytest.fixture
def large(low_thresholds, tmp_path):
    with chromalab.PersistentClient(tmp_path / "store", durability="off") as client:
        large = client.create_collection(
            "large", embedding_function=None, configuration={"hnsw": {**QUICK, "space": "cosine"}}
        )
        large.add(
            ids=[f"r{row}" for row in range(ROWS)],
            embeddings=clustered(ROWS, 0),
            metadatas=[{"n": row % 3} for row in range(ROWS)],
        )
        yield large


def until(happened, seconds=60):
    """Polls until a condition holds; the test fails if it never does.

    The thread that it waits for has a lower priority than this one.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return
    pytest.fail("the condition never held")


def method(collection, **asked):
    return collection.explain(query_embeddings=clustered(1, 5), **asked).plan.method


def by_index(collection, monkeypatch):
    """Makes the planner choose the index, although a scan of so few rows is faster."""
    from chromalab.engine import nearest
    from chromalab.engine.index.planner import Costs

    monkeypatch.setattr(nearest, "machine_costs", lambda: Costs(1.0, 1.0, 1.0))
    return method(collection)


def test_a_large_collection_gets_an_index_of_its_mapped_records(
    large, monkeypatch, some_transform, check, records_of
):
    large.transforms.add(some_transform(dimension=WIDE))
    used = large.transforms.use("some")
    assert (
        repr(used)
        == "large: 'some' is being prepared in the background; until then queries go through none"
    )
    until(lambda: large.transforms.active is not None)
    assert by_index(large, monkeypatch) == "index"
    status = large.get_indexing_status()
    assert (status.num_indexed_ops, status.num_unindexed_ops) == (ROWS, 0)
    assert large.transforms.df()["state"].tolist() == ["active"]
    assert large.recall(sample=50).method == "index"
    assert large.recall(sample=50).value >= 0.95

    transform, query = large.transforms.active, clustered(1, 3)[0]
    large.add(ids=["new"], embeddings=[query], metadatas=[{"n": 1}])
    assert large.explain(query_embeddings=[query]).plan.tail == 1
    assert large.query(query_embeddings=[query], n_results=1)["ids"] == [["new"]]
    large.update(ids=["new"], embeddings=[-query])
    assert large.query(query_embeddings=[-query], n_results=1)["ids"] == [["new"]]
    large.delete(ids=["new"])
    assert large.query(query_embeddings=[-query], n_results=1)["ids"] != [["new"]]
    check(large, records_of(large), query, transform, "cosine", 10, where={"n": 2})


def test_a_transform_is_active_when_use_returns_after_waiting(
    large, monkeypatch, some_transform, check, records_of
):
    large.transforms.add(some_transform(dimension=WIDE))
    assert repr(large.transforms.use("some", wait=True, progress=False)) == (
        "large: queries go through 'some'"
    )
    assert by_index(large, monkeypatch) == "index"
    large.compact(progress=False)
    large.delete(ids=["r0", "r1"])
    large.compact(progress=False)
    transform, query = large.transforms.active, clustered(1, 3)[0]
    check(large, records_of(large), query, transform, "cosine", 10)
    until(lambda: large.query(query_embeddings=[query]) and method(large) == "index")
    assert large.recall(sample=50).value >= 0.95


def test_an_interrupt_while_waiting_leaves_the_former_transform_active(
    low_thresholds, client, some_transform
):
    large = client.create_collection(
        "large", embedding_function=None, configuration={"hnsw": {**QUICK, "ef_construction": 2000}}
    )
    large.add(ids=[f"r{row}" for row in range(ROWS)], embeddings=clustered(ROWS, 0))
    large.transforms.add(some_transform("first", WIDE, both=False))
    large.transforms.add(some_transform("second", WIDE, seed=2))
    large.transforms.use("first")

    def interrupt():
        until(lambda: large.transforms._pending_switch() is not None)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        large.transforms.use("second", wait=True, progress=False)
    thread.join()
    assert large.transforms.active.name == "first"
    assert large.transforms.df()["state"].tolist() == ["active", ""]
    large.transforms.use("second", wait=True, progress=False)
    assert large.transforms.active.name == "second"


def test_a_later_use_supersedes_a_pending_switch(large, some_transform):
    large.transforms.add(some_transform("slow", WIDE))
    large.transforms.add(some_transform("plain", WIDE, both=False, seed=1))
    large.transforms.add(some_transform("other", WIDE, seed=2))
    large.transforms.use("slow")
    large.transforms.use("plain")
    assert large.transforms.active.name == "plain"
    large.transforms.use("slow")
    large.transforms.use("other")
    until(lambda: large.transforms.active.name != "plain")
    assert large.transforms.active.name == "other"
    large.transforms.use("slow")
    large.transforms.use(None)
    until(lambda: not large.engine.engine._builder._waiting)
    assert large.transforms.active is None


def test_closing_during_preparation_leaves_the_former_transform_active(
    low_thresholds, tmp_path, some_transform
):
    client = chromalab.PersistentClient(tmp_path, durability="off")
    configuration = {"hnsw": {**QUICK, "ef_construction": 2000}}
    large = client.create_collection("large", embedding_function=None, configuration=configuration)
    large.add(ids=[f"r{row}" for row in range(ROWS)], embeddings=clustered(ROWS, 0))
    large.transforms.add(some_transform(dimension=WIDE))
    large.transforms.use("some")
    client.close()
    with chromalab.PersistentClient(tmp_path) as again:
        transforms = again.get_collection("large").transforms
        assert transforms.active is None
        assert "closed before it was done" in transforms.df()["state"][0]
        transforms.use("some", wait=True, progress=False)
        assert transforms.active.name == "some"


def test_python_may_exit_during_preparation(tmp_path):
    code = f"""
import chromalab, numpy as np
from chromalab.engine.index import collection_index
from chromalab.feedback import Transform
collection_index._ROWS = collection_index._NUMBERS = 1000
client = chromalab.PersistentClient({str(tmp_path)!r}, durability="off")
large = client.create_collection(
    "large", embedding_function=None, configuration={{"hnsw": {{"ef_construction": 2000}}}}
)
rows = np.random.default_rng(0).normal(size=({ROWS}, {WIDE}))
large.add(ids=[f"r{{row}}" for row in range({ROWS})], embeddings=rows)
large.transforms.add(Transform(name="some", matrix=np.eye({WIDE}, dtype=np.float32)))
large.transforms.use("some")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    with chromalab.PersistentClient(tmp_path) as client:
        large = client.get_collection("large")
        assert large.transforms.active is None
        assert large.transforms.df()["state"].tolist() == [""]
