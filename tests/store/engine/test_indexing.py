"""The index: its recall, its correctness immediately after every write, and that it is disposable."""

import os
import threading
import time

import numpy as np
import pytest

import chromalab
from chromalab.engine.index.builder import IndexJob
from chromalab.engine.index.graph_file import GraphFile

pytestmark = pytest.mark.usefixtures("index_library")

ROWS, DIMENSION = 10_400, 256  # about the smallest collection that has an index
QUICK = {"space": "cosine", "max_neighbors": 8, "ef_construction": 40, "num_threads": 1}


@pytest.fixture(scope="module")
def vectors():
    random = np.random.default_rng(7)
    centers = random.normal(size=(400, DIMENSION))
    rows = centers[random.integers(0, 400, ROWS)] + 0.7 * random.normal(size=(ROWS, DIMENSION))
    return rows.astype(np.float32)


def fill(collection, vectors, start=0, stop=None):
    stop = len(vectors) if stop is None else stop
    for first in range(start, stop, 5000):
        rows = range(first, min(first + 5000, stop))
        collection.add(
            ids=[f"v{row}" for row in rows],
            embeddings=vectors[first : rows.stop],
            metadatas=[{"row": row, "tenth": row % 10, "early": row < 200} for row in rows],
        )


@pytest.fixture(scope="module")
def indexed(vectors, tmp_path_factory, index_library):
    """A store with an index on the disk, which tests copy or only read."""
    path = tmp_path_factory.mktemp("indexed")
    with chromalab.PersistentClient(path) as client:
        collection = client.create_collection(
            "rows", embedding_function=None, configuration={"hnsw": QUICK}
        )
        fill(collection, vectors)
        collection.build_index(progress=False)
    return path


@pytest.fixture
def store(indexed, tmp_path):
    import shutil

    shutil.copytree(indexed, tmp_path / "store")
    with chromalab.PersistentClient(tmp_path / "store") as client:
        collection = client.get_collection("rows")
        collection.build_index(progress=False)  # loads the file
        yield tmp_path / "store", client, collection


def recall(collection, vectors, queries, rows, **how):
    found = collection.query(query_embeddings=queries, n_results=10, **how)["ids"]
    assert all(len(ids) == min(10, len(rows)) for ids in found)
    unit = vectors[rows] / np.linalg.norm(vectors[rows], axis=1, keepdims=True)
    near = np.argsort(-queries @ unit.T, axis=1, kind="stable")[:, :10]
    true = [{f"v{row}" for row in rows[at]} for at in near]
    return np.mean([len(set(a) & b) / len(b) for a, b in zip(found, true, strict=True)])


def index_file(path):
    (file,) = (path / "index").iterdir()
    return file


def queries_near(vectors, count=40):
    random = np.random.default_rng(1)
    rows = vectors[random.integers(0, ROWS, count)]
    return (rows + 0.3 * random.normal(size=rows.shape)).astype(np.float32)


def test_queries_use_the_index_and_match_brute_force(store, vectors, index_library):
    _, _, collection = store
    plan = collection.explain(query_embeddings=vectors[:1]).plan
    assert plan.method == "index"
    assert f"by {index_library} over" in plan.index
    assert recall(collection, vectors, queries_near(vectors), np.arange(ROWS)) >= 0.95
    measured = collection.recall(sample=50, random_state=3)
    assert (measured.method, measured.sample) == ("index", 50)
    assert 0.95 <= measured.value <= 1
    assert collection.recall(sample=50, random_state=3) == measured


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ({"tenth": {"$lt": 5}}, lambda rows: rows % 10 < 5),
        ({"tenth": 3}, lambda rows: rows % 10 == 3),
        ({"row": {"$lt": 100}}, lambda rows: rows < 100),
        ({"row": {"$lt": 3}}, lambda rows: rows < 3),
        ({"early": True}, lambda rows: rows < 200),
        ({"early": False}, lambda rows: rows >= 200),
    ],
)
def test_a_filtered_query_returns_as_many_records_as_match(store, vectors, where, chosen):
    _, _, collection = store
    rows = np.flatnonzero(chosen(np.arange(ROWS)))
    assert recall(collection, vectors, queries_near(vectors), rows, where=where) >= 0.95


def test_a_filter_that_only_far_records_pass_still_finds_them(store, vectors):
    _, _, collection = store
    near = np.argsort(np.linalg.norm(vectors - vectors[0], axis=1))
    far = near[len(near) // 2 :]
    collection.update(
        ids=[f"v{row}" for row in far[:5000]], metadatas=[{"far": True}] * len(far[:5000])
    )
    rows = np.sort(far[:5000])
    assert recall(collection, vectors, vectors[:1], rows, where={"far": True}) == 1


def test_written_records_are_found_immediately_and_deleted_ones_never(store, vectors):
    _, _, collection = store
    query = vectors[17:18]
    collection.add(ids=["new"], embeddings=query * 2)
    assert set(collection.query(query_embeddings=query, n_results=2)["ids"][0]) == {"v17", "new"}
    collection.update(ids=["v17"], embeddings=-query)
    assert collection.query(query_embeddings=query, n_results=1)["ids"] == [["new"]]
    assert collection.query(query_embeddings=-query, n_results=1)["ids"] == [["v17"]]
    collection.delete(ids=["new"])
    found = collection.query(query_embeddings=query, n_results=50)["ids"][0]
    assert "new" not in found
    assert "v17" not in found
    nearest = found[:20]
    collection.delete(ids=nearest)
    assert not set(nearest) & set(collection.query(query_embeddings=query, n_results=50)["ids"][0])
    assert collection.explain(query_embeddings=query).plan.method == "index"


def test_queries_return_as_many_records_as_requested_after_most_are_deleted(store, vectors):
    _, _, collection = store
    collection.delete(where={"tenth": {"$ne": 0}})
    rows = np.arange(0, ROWS, 10)
    assert recall(collection, vectors, queries_near(vectors), rows) >= 0.95


def test_reopening_the_folder_loads_the_graph_file_instead_of_building(indexed, vectors):
    before = GraphFile(index_file(indexed)).stamp()
    with chromalab.PersistentClient(indexed) as client:
        collection = client.get_collection("rows")
        assert collection.explain(query_embeddings=vectors[:1]).plan.method == "exact scan"
        collection.build_index(progress=False)
        assert collection.explain(query_embeddings=vectors[:1]).plan.method == "index"
        assert recall(collection, vectors, queries_near(vectors), np.arange(ROWS)) >= 0.95
    assert GraphFile(index_file(indexed)).stamp() == before


def test_the_background_thread_builds_the_index_after_a_write(vectors, tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        collection = client.create_collection(
            "rows", embedding_function=None, configuration={"hnsw": QUICK}
        )
        fill(collection, vectors)
        assert collection.explain(query_embeddings=vectors[:1]).plan.method == "exact scan"
        until(lambda: collection.explain(query_embeddings=vectors[:1]).plan.method == "index")
        until(lambda: (tmp_path / "index").exists() and len(list((tmp_path / "index").iterdir())))
        status = collection.get_indexing_status()
        assert (status.num_indexed_ops, status.num_unindexed_ops) == (ROWS, 0)


def test_an_interrupted_build_leaves_nothing(vectors, tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        collection = client.create_collection(
            "rows", embedding_function=None, configuration={"hnsw": QUICK}
        )
        fill(collection, vectors)
        done = []

        def interrupt(rows, total):
            done.append((rows, total))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            client._engine.build_index(collection.id, interrupt)
        assert done[0][0] < done[0][1]
        assert not list(tmp_path.glob("index/*"))
        assert collection.query(query_embeddings=vectors[:1], n_results=1)["ids"] == [["v0"]]
        collection.build_index(progress=False)
        assert collection.explain(query_embeddings=vectors[:1]).plan.method == "index"


def test_closing_the_client_ends_its_thread(vectors, tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    configuration = {"hnsw": {**QUICK, "ef_construction": 4000}}
    collection = client.create_collection(
        "rows", embedding_function=None, configuration=configuration
    )
    fill(collection, vectors)
    assert any(thread.name == "chromalab-index" for thread in threading.enumerate())
    client.close()
    assert not any(t.name == "chromalab-index" and t.is_alive() for t in threading.enumerate())


def test_the_same_rows_give_the_same_graph_file(indexed, vectors, tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        collection = client.create_collection(
            "rows", embedding_function=None, configuration={"hnsw": QUICK}
        )
        fill(collection, vectors)
        collection.build_index(progress=False)
    assert index_file(tmp_path).read_bytes() == index_file(indexed).read_bytes()


def test_the_index_grows_with_the_collection(store, vectors):
    path, _, collection = store
    more = queries_near(vectors, 3000)
    before = index_file(path).stat().st_size
    collection.add(ids=[f"m{row}" for row in range(3000)], embeddings=more)
    assert collection.explain(query_embeddings=more[:1]).plan.tail == 3000
    collection.build_index(progress=False)
    assert collection.explain(query_embeddings=more[:1]).plan.tail == 0
    assert index_file(path).stat().st_size > before
    found = collection.query(query_embeddings=more[:50], n_results=1)["ids"]
    assert sum(ids == [f"m{row}"] for row, ids in enumerate(found)) >= 48


def test_an_index_built_by_another_process_is_loaded(store, vectors):
    path, _, collection = store
    import subprocess
    import sys

    code = f"""
import chromalab, numpy as np
client = chromalab.PersistentClient({str(path)!r})
rows = client.get_collection("rows")
rows.add(ids=[f"m{{i}}" for i in range(2500)], embeddings=np.random.default_rng(0).normal(size=(2500, {DIMENSION})))
rows.build_index(progress=False)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    written = GraphFile(index_file(path)).stamp()
    collection.build_index(progress=False)
    assert collection.explain(query_embeddings=vectors[:1]).plan.tail == 0
    assert GraphFile(index_file(path)).stamp() == written


def test_a_target_recall_of_one_means_an_exact_scan(store, vectors):
    _, _, collection = store
    collection.modify(configuration={"hnsw": {"target_recall": 1.0}})
    assert collection.explain(query_embeddings=vectors[:1]).plan.method == "exact scan"
    assert recall(collection, vectors, queries_near(vectors, 10), np.arange(ROWS)) == 1


def test_rows_too_large_for_the_index_are_still_found(vectors, tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        configuration = {"hnsw": {**QUICK, "space": "l2"}}
        collection = client.create_collection(
            "rows", embedding_function=None, configuration=configuration
        )
        rows = vectors.copy()
        rows[5] = 3e19
        fill(collection, rows)
        collection.build_index(progress=False)
        assert collection.query(query_embeddings=rows[5:6], n_results=1)["ids"] == [["v5"]]
        assert collection.query(query_embeddings=rows[6:7], n_results=1)["ids"] == [["v6"]]


def until(happened, seconds=60):
    """Polls until a condition holds; the test fails if it never does.

    The thread that it waits for has a lower priority than this one.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return
    pytest.fail("the condition never held")


def test_a_fork_starts_with_the_index_of_its_original_and_grows_its_own(store, vectors):
    path, _, collection = store
    branch = collection.fork("branch")
    written = {GraphFile(file).stamp()[0] for file in (path / "index").iterdir()}
    branch.build_index(progress=False)
    collection.add(ids=["here"], embeddings=vectors[:1] + 1)
    branch.add(ids=["there"], embeddings=vectors[:1] + 1)
    assert branch.explain(query_embeddings=vectors[:1]).plan.method == "index"
    assert branch.query(query_embeddings=vectors[:1] + 1, n_results=1)["ids"] == [["there"]]
    assert collection.query(query_embeddings=vectors[:1] + 1, n_results=1)["ids"] == [["here"]]
    assert {GraphFile(file).stamp()[0] for file in (path / "index").iterdir()} == written


def test_a_fork_finds_records_that_its_original_deleted(store, vectors):
    _, _, collection = store
    branch = collection.fork("branch")
    collection.delete(ids=[f"v{row}" for row in range(250)])
    collection.build_index(progress=False)
    branch.build_index(progress=False)
    assert branch.explain(query_embeddings=vectors[:1]).plan.method == "index"
    found = branch.query(query_embeddings=vectors[:250], n_results=1)["ids"]
    assert sum(ids == [f"v{row}"] for row, ids in enumerate(found)) >= 245


def test_filters_that_are_equal_in_python_are_distinguished(store, vectors):
    _, _, collection = store
    collection.update(ids=["v1", "v2", "v3"], metadatas=[{"x": 1}, {"x": True}, {"x": 1.0}])
    found = [
        collection.query(query_embeddings=vectors[:1], where=where)["ids"][0]
        for where in ({"x": 1}, {"x": True}, {"x": 1}, {"x": {"$in": [True]}}, {"x": {"$in": [1]}})
    ]
    assert [sorted(ids) for ids in found] == [
        ["v1", "v3"],
        ["v2"],
        ["v1", "v3"],
        ["v2"],
        ["v1", "v3"],
    ]


@pytest.mark.parametrize("trap", ["a link", "a pipe", "a folder", "a giant"])
def test_an_untrusted_file_in_place_of_the_index_is_harmless(store, vectors, tmp_path, trap):
    path, client, _ = store
    client.close()
    file, victim = index_file(path), tmp_path / "victim"
    file.unlink()
    victim.write_bytes(b"mine")
    if trap == "a link":
        file.symlink_to(victim)
    elif trap == "a pipe":
        os.mkfifo(file)
    elif trap == "a folder":
        file.mkdir()
    else:
        with file.open("wb") as sparse:
            sparse.truncate(1 << 40)
    with chromalab.PersistentClient(path) as opened:
        collection = opened.get_collection("rows")
        collection.build_index(progress=False)
        assert recall(collection, vectors, queries_near(vectors, 10), np.arange(ROWS)) >= 0.9
        opened.delete_collection("rows")
    assert victim.read_bytes() == b"mine"


@pytest.mark.parametrize("value", [0, 1, 10**30, True, "x", None, float("inf")])
def test_impossible_graph_parameters_are_rejected(tmp_path, value):
    with (
        chromalab.PersistentClient(tmp_path) as client,
        pytest.raises(chromalab.errors.InvalidArgumentError),
    ):
        client.create_collection("rows", configuration={"hnsw": {"max_neighbors": value}})


def test_a_paused_index_is_not_built_until_it_is_resumed(vectors, tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        collection = client.create_collection(
            "rows", embedding_function=None, configuration={"hnsw": QUICK}
        )
        collection.pause_index()
        fill(collection, vectors)
        for _ in range(3):
            assert collection.query(query_embeddings=vectors[:1], n_results=1)["ids"] == [["v0"]]
        assert not client._engine.engine._builder._waiting
        assert (
            "is paused; resume_index() continues it" in collection.explain(vectors[:1]).plan.index
        )
        collection.resume_index()
        assert client._engine.engine._builder._waiting
        collection.build_index(progress=False)
        assert collection.explain(vectors[:1]).plan.method == "index"


def test_a_build_that_is_paused_continues_from_where_it_stopped(store, vectors):
    _, client, collection = store
    more = queries_near(vectors, 6000)
    for start in (0, 3000):
        ids = [f"m{row}" for row in range(start, start + 3000)]
        collection.add(ids=ids, embeddings=more[start : start + 3000])
    before, done = collection.explain(vectors[:1]).plan.tail, []

    def pause(rows, total):
        done.append((rows, total))
        collection.pause_index()

    client._engine.engine._make_index(IndexJob(collection.id), progress=pause)  # as in background
    assert collection.explain(vectors[:1]).plan.tail == before == 6000
    collection.add(ids=["later"], embeddings=vectors[:1] * 2)
    client._engine.build_index(collection.id, lambda rows, total: done.append((rows, total)))
    assert [done[0][1], done[1][1]] == [6000, 6001 - done[0][0]]
    plan = collection.explain(vectors[:1]).plan
    assert (plan.tail, "paused" in plan.index) == (0, True)
    found = collection.query(query_embeddings=more[:50], n_results=1)["ids"]
    assert sum(ids == [f"m{row}"] for row, ids in enumerate(found)) >= 45
