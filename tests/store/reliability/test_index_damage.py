"""Derived files may be damaged in any way, and every answer is still correct."""

import importlib.util
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import chromalab

_spec = importlib.util.spec_from_file_location("damage", Path(__file__).with_name("damage.py"))
damage = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(damage)

pytestmark = pytest.mark.xdist_group("index damage")  # so that the store is built once

ROWS, DIMENSION = 12_000, 256  # enough for an index, even after some are deleted
SMALL = {"hnsw": {"max_neighbors": 5, "ef_construction": 20}}  # fast to build
NAMES = ("points", "others")


def drawn(rows, seed):
    """Vectors with eight degrees of freedom, among which a graph reliably finds the nearest."""
    spread = np.random.default_rng(0).standard_normal((8, DIMENSION))
    return (np.random.default_rng(seed).standard_normal((rows, 8)) @ spread).astype(np.float32)


VECTORS = {name: drawn(ROWS, seed) for seed, name in enumerate(NAMES, 1)}
QUERIES = drawn(40, 9)
BATCH = 5000


@pytest.fixture(scope="module")
def indexed(tmp_path_factory, index_library):
    """A store of two similar collections with indexes on the disk, and a copy of the indexes."""
    folder = tmp_path_factory.mktemp("indexed")
    store, backup = folder / "store", folder / "index"
    with chromalab.PersistentClient(store, durability="off") as client:
        for name in NAMES:
            collection = client.create_collection(
                name, embedding_function=None, configuration=SMALL
            )
            add(collection, VECTORS[name])
            collection.build_index(progress=False)
    shutil.copytree(store / "index", backup)
    return store, backup


@pytest.fixture
def store(indexed):
    """The store, with its indexes as built."""
    store, backup = indexed
    shutil.rmtree(store / "index", ignore_errors=True)
    shutil.copytree(backup, store / "index")
    return store


def add(collection, vectors, first=0):
    for start in range(0, len(vectors), BATCH):
        batch = vectors[start : start + BATCH]
        ids = [f"r{first + start + row}" for row in range(len(batch))]
        collection.add(ids=ids, embeddings=batch)


def index_file(store, collection):
    return next((file for file in (store / "index").glob(f"{collection.id}*")), None)


@cache
def true_distances(name):
    """The distances from each query to each vector of a collection, (queries, rows)."""
    vectors = VECTORS[name].astype(np.float64)
    return np.array([((vectors - query) ** 2).sum(axis=1) for query in QUERIES])


def assert_right(client, name):
    """Check that the distances belong to the records returned, and that these are the nearest."""
    collection = client.get_collection(name)
    hits = 0
    for query, true in zip(
        QUERIES, true_distances(name), strict=True
    ):  # one at a time, as a batch is scanned
        found = collection.query(query_embeddings=[query], n_results=10)
        (ids,), (distances,) = found["ids"], found["distances"]
        rows = [int(id[1:]) for id in ids]
        np.testing.assert_allclose(distances, true[rows], rtol=1e-5)
        assert distances == sorted(distances)
        hits += len(set(rows) & set(np.argsort(true)[:10].tolist()))
    assert hits >= 0.95 * 10 * len(QUERIES)


def assert_right_with_and_without_index(client, name):
    """Check before and after the file is loaded or rebuilt, which follows the first queries."""
    assert_right(client, name)
    collection = client.get_collection(name)
    for _ in range(50_000):
        collection.query(query_embeddings=QUERIES[:1])
        if uses_index(collection):
            break
    else:
        raise AssertionError("the index was neither loaded nor rebuilt")
    assert_right(client, name)


def uses_index(collection):
    return collection.explain(query_embeddings=QUERIES[:1]).plan.method == "index"


def cut(size):
    return lambda file: damage.truncate(file, size(file.stat().st_size))


def flipped(seed):
    return lambda file: damage.flip(file, damage.bits(file.stat().st_size, 1, seed)[0])


def overwritten(content):
    return lambda file: file.write_bytes(content(file.stat().st_size))


def a_folder(file):
    file.unlink()
    file.mkdir()


DAMAGES = {
    "nothing": lambda file: None,
    "gone": lambda file: file.unlink(),
    "empty": cut(lambda size: 0),
    "its first 100 bytes": cut(lambda size: 100),
    "half": cut(lambda size: size // 2),
    "a byte short": cut(lambda size: size - 1),
    "a byte more": lambda file: file.write_bytes(file.read_bytes() + b"x"),
    "zeros": overwritten(lambda size: bytes(size)),
    "junk": overwritten(lambda size: damage.junk(size, 1)),
    "junk behind the header": lambda file: file.write_bytes(
        file.read_bytes()[:4096] + damage.junk(file.stat().st_size - 4096, 2)
    ),
    "a folder": a_folder,
    **{f"bit flipped {seed}": flipped(seed) for seed in range(6)},
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_index_makes_no_answer_wrong(store, name):
    spoil(store, name)
    with chromalab.PersistentClient(store) as client:
        assert_right(client, "points")


@pytest.mark.parametrize(
    "name", ["nothing", "half", "junk behind the header", "bit flipped 0", "bit flipped 1"]
)
def test_a_damaged_index_is_rebuilt_correctly(store, name):
    spoil(store, name)
    with chromalab.PersistentClient(store) as client:
        assert_right_with_and_without_index(client, "points")


def spoil(store, name):
    with chromalab.PersistentClient(store) as client:
        file = index_file(store, client.get_collection("points"))
    DAMAGES[name](file)


def test_the_index_of_another_collection_makes_no_answer_wrong(store):
    with chromalab.PersistentClient(store) as client:
        ours, theirs = (index_file(store, client.get_collection(name)) for name in NAMES)
    shutil.copyfile(theirs, ours)
    with chromalab.PersistentClient(store) as client:
        for name in NAMES:
            assert_right_with_and_without_index(client, name)


def test_an_index_damaged_under_an_open_client_makes_no_answer_wrong(store):
    with chromalab.PersistentClient(store) as client:
        points = client.get_collection("points")
        assert_right_with_and_without_index(client, "points")
        DAMAGES["junk"](index_file(store, points))
        assert_right(client, "points")


def test_an_index_of_an_earlier_version_makes_no_answer_wrong(indexed, tmp_path):
    store = shutil.copytree(indexed[0], tmp_path / "store")
    shutil.rmtree(store / "index")
    shutil.copytree(indexed[1], store / "index")
    old = store / "index"
    vectors = VECTORS["points"].copy()
    with chromalab.PersistentClient(store, durability="off") as client:
        points = client.get_collection("points")
        changed = np.arange(0, ROWS, 20)
        vectors[changed] = QUERIES[np.arange(len(changed)) % len(QUERIES)] + 0.01
        points.update(ids=[f"r{n}" for n in changed], embeddings=vectors[changed])
        vectors = np.concatenate([vectors, QUERIES])  # each query is now a record
        add(points, QUERIES, first=ROWS)
        gone = np.arange(1, ROWS, 20)
        points.delete(ids=[f"r{n}" for n in gone])
        vectors[gone] = 1e6
    shutil.rmtree(old)
    shutil.copytree(indexed[1], old)
    with chromalab.PersistentClient(store) as client:
        points = client.get_collection("points")
        found = points.query(query_embeddings=QUERIES, n_results=1)
        assert found["ids"] == [[f"r{ROWS + n}"] for n in range(len(QUERIES))]
        assert not {f"r{n}" for n in gone} & set(points.get()["ids"])
        assert points.count() == ROWS + len(QUERIES) - len(gone)


def test_a_store_without_its_derived_files_gives_the_same_answers(store):
    for derived in ("index", "cache"):
        shutil.rmtree(store / derived, ignore_errors=True)
    with chromalab.PersistentClient(store) as client:
        for name in NAMES:
            assert_right(client, name)
