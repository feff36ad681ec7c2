"""Queries through a transform find what comparing every mapped vector finds, whatever was written."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chromalab
from chromalab import errors
from chromalab.engine import Lens
from chromalab.engine.index import collection_index
from chromalab.engine.lens import turned
from chromalab.feedback import Transform

DIMENSION = 6
QUICK = {"max_neighbors": 8, "ef_construction": 40, "num_threads": 1}


def some_transform(name="some", dimension=DIMENSION, seed=0, **kinds):
    matrix = np.random.default_rng(seed).normal(size=(dimension, dimension)).astype(np.float32)
    return Transform(name=name, matrix=matrix, **kinds)


def distances(query, rows, space):
    query, rows = query.astype(np.float64), rows.astype(np.float64)
    if space == "l2":
        return ((rows - query) ** 2).sum(axis=1)
    dots = rows @ query
    if space == "cosine":
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
        dots = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
    return 1 - dots


def check(collection, records, query, transform, space, n_results=5, **asked):
    """Compare a query with brute force over the mapped vectors of a dict of records."""
    where = asked.get("where")
    chosen = [id for id, (_, n) in records.items() if where is None or n == where["n"]]
    found = collection.query(
        query_embeddings=[query],
        n_results=n_results,
        include=["distances", "embeddings"],
        transform=transform,
        **asked,
    )
    ids = found["ids"][0]
    assert len(ids) == len(set(ids)) == min(n_results, len(chosen))
    if not chosen:
        return
    mapped = transform.documents(np.array([records[id][0] for id in chosen], dtype=np.float32))
    true = distances(transform.queries(query)[0], mapped, space)
    assert np.allclose(found["distances"][0], np.sort(true)[: len(ids)], rtol=1e-4, atol=1e-5)
    at = {id: distance for id, distance in zip(chosen, true, strict=True)}
    assert np.allclose(found["distances"][0], [at[id] for id in ids], rtol=1e-4, atol=1e-5)
    stored = np.array([records[id][0] for id in ids], dtype=np.float32)
    assert np.array_equal(found["embeddings"][0], stored), "records come back as they are stored"


numbers = st.lists(
    st.floats(-100, 100, width=32, allow_subnormal=False), min_size=DIMENSION, max_size=DIMENSION
)
writes = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), st.integers(0, 12), numbers, st.integers(0, 2)),
        st.tuples(st.just("delete"), st.integers(0, 12)),
        st.tuples(st.just("compact")),
        st.tuples(st.just("query"), numbers, st.sampled_from([None, 0, 1])),
    ),
    min_size=3,
    max_size=25,
)


@pytest.mark.parametrize("space", ["l2", "cosine", "ip"])
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(writes=writes, both=st.booleans(), seed=st.integers(0, 5))
def test_any_writes_then_any_query(client, space, writes, both, seed):
    name = f"points-{client.count_collections()}-{space}"
    collection = client.create_collection(
        name, embedding_function=None, configuration={"hnsw": {"space": space}}
    )
    transform, records = some_transform(seed=seed, both=both), {}
    for what, *rest in [*writes, ("query", [1.0] * DIMENSION, None)]:
        if what == "upsert":
            row, vector, n = rest
            collection.upsert(ids=[f"r{row}"], embeddings=[vector], metadatas=[{"n": n}])
            records[f"r{row}"] = (vector, n)
        elif what == "delete":
            collection.delete(ids=[f"r{rest[0]}"])
            records.pop(f"r{rest[0]}", None)
        elif what == "compact":
            collection.compact(progress=False)
        else:
            vector, n = rest
            asked = {} if n is None else {"where": {"n": n}}
            check(collection, records, vector, transform, space, **asked)


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    rows = np.random.default_rng(1).normal(size=(60, DIMENSION)).astype(np.float32)
    points.add(
        ids=[f"r{row}" for row in range(60)],
        embeddings=rows,
        metadatas=[{"n": row % 3} for row in range(60)],
    )
    return points


def records_of(collection):
    found = collection.get(include=["embeddings", "metadatas"])
    return {
        id: (vector, (metadata or {}).get("n"))
        for id, vector, metadata in zip(
            found["ids"], found["embeddings"], found["metadatas"], strict=True
        )
    }


def test_the_live_one_is_the_default_and_none_is_none(points):
    transform = points.transforms.add(some_transform())
    query = [[1.0, 0, 0, 0, 0, 0]]
    plain = points.query(query_embeddings=query)["distances"]
    points.transforms.use("some")
    mapped = points.query(query_embeddings=query)["distances"]
    assert mapped != plain
    assert points.query(query_embeddings=query, transform="some")["distances"] == mapped
    assert points.query(query_embeddings=query, transform=transform)["distances"] == mapped
    for none in (None, False):
        assert points.query(query_embeddings=query, transform=none)["distances"] == plain
    points.transforms.use(None)
    assert points.query(query_embeddings=query)["distances"] == plain


@pytest.mark.parametrize("asked", [True, 7, b"some", ["some"]])
def test_what_is_no_transform_is_refused_with_a_sentence(points, asked):
    with pytest.raises(errors.InvalidArgumentError, match="'live', the name of one"):
        points.query(query_embeddings=[[0] * DIMENSION], transform=asked)


def test_a_transform_for_another_model_or_dimension_is_refused(points):
    narrow = Transform(name="narrow", matrix=np.eye(3, dtype=np.float32))
    other = some_transform(model="minilm 0123")
    for transform in (narrow, other):
        with pytest.raises(errors.InvalidArgumentError, match=r"tune\(\) again"):
            points.query(query_embeddings=[[0] * DIMENSION], transform=transform)
        with pytest.raises(errors.InvalidArgumentError, match="Nothing was added"):
            points.transforms.add(transform)
    points.transforms.add(some_transform())
    with pytest.raises(errors.NotFoundError, match=r"No transform 'som'\. Did you mean 'some'"):
        points.query(query_embeddings=[[0] * DIMENSION], transform="som")


def test_explain_says_that_one_applies(points):
    points.transforms.add(some_transform())
    points.transforms.use("some")
    query = [[0.0] * DIMENSION]
    steps = points.explain(query_embeddings=query).df().set_index("step")["what"]
    assert steps["transform"] == "'some': the query and the records are mapped by it first"
    assert steps["method"].startswith("exact scan")
    assert "transform" not in repr(points.explain(query_embeddings=query, transform=None))
    assert points.recall(sample=10).value == 1


def test_a_fork_and_a_compaction_keep_it(points):
    transform = points.transforms.add(some_transform())
    points.transforms.use("some")
    query = np.ones(DIMENSION, dtype=np.float32)
    points.query(query_embeddings=[query])
    trial = points.fork("trial")
    trial.add(ids=["new"], embeddings=[query], metadatas=[{"n": 1}])
    points.delete(ids=["r1", "r2", "r3"])
    points.compact(progress=False)
    points.add(ids=["here"], embeddings=[-query], metadatas=[{"n": 1}])
    for collection in (points, trial):
        assert collection.transforms.live.name == "some"
        for where in ({}, {"where": {"n": 1}}):
            check(collection, records_of(collection), query, transform, "l2", 20, **where)
    assert trial.query(query_embeddings=[query], n_results=1)["ids"] == [["new"]]


def test_reembedding_retires_it_and_says_so_once(notes, function):
    notes.add(ids=["a", "b"], documents=["tea", "a banana"])
    model = f"{chromalab.feedback.asking.fingerprint(notes.get_model())}"
    notes.transforms.add(some_transform("tuned", 2, model=model))
    notes.transforms.use("tuned")
    assert notes.transforms.live.name == "tuned"

    class Wider(type(function)):
        def __call__(self, input):
            return [[len(text), 1, text.count("e")] for text in input]

        @staticmethod
        def name():
            return "wider"

    notes.reembed(Wider(), progress=False)
    with pytest.warns(
        errors.ChromalabWarning, match=r"'tuned' was learned for counting .* not used"
    ):
        found = notes.query(query_texts=["tea"], n_results=1)
    assert found["ids"] == [["a"]]
    notes.query(query_embeddings=[[3, 1, 1]])  # a second warning would be an error
    assert notes.transforms.df()["state"].tolist() == ["retired: the embedding function changed"]
    with pytest.raises(errors.InvalidArgumentError, match="was learned for counting"):
        notes.transforms.use("tuned")
    notes.transforms.use(None)
    notes.transforms.remove("tuned")


def test_another_process_follows_the_switch(tmp_path, elsewhere):
    with chromalab.PersistentClient(tmp_path) as client:
        here = client.create_collection("points", embedding_function=None)
        here.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]])
        there = elsewhere(str(tmp_path)).get_collection("points")
        swap = np.array([[0, 1], [1, 0]], dtype=np.float32)
        here.transforms.add(Transform(name="swap", matrix=swap, both=False))
        answers = []
        for name in (None, "swap", None, "swap"):
            here.transforms.use(name)
            answers.append(there.query(query_embeddings=[[1, 0]], n_results=1)["ids"][0][0])
        assert answers == ["a", "b", "a", "b"]
        there.transforms.rollback()
        assert here.query(query_embeddings=[[1, 0]], n_results=1)["ids"] == [["a"]]


def test_queries_beside_switches_never_see_a_mixture(points):
    transforms = [points.transforms.add(some_transform(f"t{n}", seed=n)) for n in range(2)]
    query = np.arange(1, 1 + DIMENSION, dtype=np.float32)
    pure = [
        points.query(query_embeddings=[query], transform=chosen)["distances"][0]
        for chosen in (None, *transforms)
    ]
    seen, stop, wrong = set(), threading.Event(), []

    def ask():
        while not stop.is_set():
            found = points.query(query_embeddings=[query])["distances"][0]
            same = [n for n, expected in enumerate(pure) if np.allclose(found, expected, rtol=1e-5)]
            if len(same) != 1:
                wrong.append(found)
            seen.update(same)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(60):
        points.transforms.use([None, "t0", "t1"][n % 3])
        points.query(query_embeddings=[query])
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert seen == {0, 1, 2}


ROWS, WIDE = 2400, 24


@pytest.fixture
def low_thresholds(monkeypatch):
    """A small collection has an index: what is tested is not how many rows it takes."""
    monkeypatch.setattr(collection_index, "_ROWS", 1000)
    monkeypatch.setattr(collection_index, "_NUMBERS", 1000)
    monkeypatch.setattr(collection_index, "_TAIL_NUMBERS", 1000)


def clustered(count, seed):
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(40, WIDE))
    return (
        centres[random.integers(0, 40, count)] + 0.5 * random.normal(size=(count, WIDE))
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


def until(happened, tries=3_000_000):
    """Ask again and again; the test fails where it never happens."""
    for _ in range(tries):
        if happened():
            return
    pytest.fail("it did not happen")


def method(collection, **asked):
    return collection.explain(query_embeddings=clustered(1, 5), **asked).plan.method


def by_index(collection, monkeypatch):
    """Let the planner choose the index, though a scan of so few rows is quicker."""
    from chromalab.engine import nearest
    from chromalab.engine.index.costs import Costs

    monkeypatch.setattr(nearest, "machine_costs", lambda: Costs(1.0, 1.0, 1.0))
    return method(collection)


def test_a_large_collection_gets_an_index_through_the_lens(large, monkeypatch):
    large.transforms.add(some_transform(dimension=WIDE))
    used = large.transforms.use("some")
    assert (
        repr(used)
        == "large: 'some' is prepared in the background; until then queries go through none"
    )
    until(lambda: large.transforms.live is not None)
    assert by_index(large, monkeypatch) == "index"
    status = large.get_indexing_status()
    assert (status.num_indexed_ops, status.num_unindexed_ops) == (ROWS, 0)
    assert large.transforms.df()["state"].tolist() == ["live"]
    assert large.recall(sample=50).method == "index"
    assert large.recall(sample=50).value >= 0.95

    transform, query = large.transforms.live, clustered(1, 3)[0]
    large.add(ids=["new"], embeddings=[query], metadatas=[{"n": 1}])
    assert large.explain(query_embeddings=[query]).plan.tail == 1
    assert large.query(query_embeddings=[query], n_results=1)["ids"] == [["new"]]
    large.update(ids=["new"], embeddings=[-query])
    assert large.query(query_embeddings=[-query], n_results=1)["ids"] == [["new"]]
    large.delete(ids=["new"])
    assert large.query(query_embeddings=[-query], n_results=1)["ids"] != [["new"]]
    check(large, records_of(large), query, transform, "cosine", 10, where={"n": 2})


def test_one_that_is_waited_for_is_live_when_use_returns(large, monkeypatch):
    large.transforms.add(some_transform(dimension=WIDE))
    assert repr(large.transforms.use("some", wait=True, progress=False)) == (
        "large: queries go through 'some'"
    )
    assert by_index(large, monkeypatch) == "index"
    large.compact(progress=False)
    large.delete(ids=["r0", "r1"])
    large.compact(progress=False)
    transform, query = large.transforms.live, clustered(1, 3)[0]
    check(large, records_of(large), query, transform, "cosine", 10)
    until(lambda: large.query(query_embeddings=[query]) and method(large) == "index")
    assert large.recall(sample=50).value >= 0.95


def test_an_interrupt_while_it_is_waited_for_leaves_the_former(low_thresholds, client):
    large = client.create_collection(
        "large", embedding_function=None, configuration={"hnsw": {**QUICK, "ef_construction": 2000}}
    )
    large.add(ids=[f"r{row}" for row in range(ROWS)], embeddings=clustered(ROWS, 0))
    large.transforms.add(some_transform("first", WIDE, both=False))
    large.transforms.add(some_transform("second", WIDE, seed=2))
    large.transforms.use("first")

    def interrupt():
        until(lambda: large.transforms._wish() is not None)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        large.transforms.use("second", wait=True, progress=False)
    thread.join()
    assert large.transforms.live.name == "first"
    assert large.transforms.df()["state"].tolist() == ["live", ""]
    large.transforms.use("second", wait=True, progress=False)
    assert large.transforms.live.name == "second"


def test_the_last_use_wins_also_over_one_that_is_being_prepared(large):
    large.transforms.add(some_transform("slow", WIDE))
    large.transforms.add(some_transform("plain", WIDE, both=False, seed=1))
    large.transforms.add(some_transform("other", WIDE, seed=2))
    large.transforms.use("slow")
    large.transforms.use("plain")
    assert large.transforms.live.name == "plain"
    large.transforms.use("slow")
    large.transforms.use("other")
    until(lambda: large.transforms.live.name != "plain")
    assert large.transforms.live.name == "other"
    large.transforms.use("slow")
    large.transforms.use(None)
    until(lambda: not large._engine.engine._builder._waiting)
    assert large.transforms.live is None


def test_closing_while_it_is_prepared_leaves_the_former(low_thresholds, tmp_path):
    client = chromalab.PersistentClient(tmp_path, durability="off")
    configuration = {"hnsw": {**QUICK, "ef_construction": 2000}}
    large = client.create_collection("large", embedding_function=None, configuration=configuration)
    large.add(ids=[f"r{row}" for row in range(ROWS)], embeddings=clustered(ROWS, 0))
    large.transforms.add(some_transform(dimension=WIDE))
    large.transforms.use("some")
    client.close()
    with chromalab.PersistentClient(tmp_path) as again:
        transforms = again.get_collection("large").transforms
        assert transforms.live is None
        assert "closed before it was done" in transforms.df()["state"][0]
        transforms.use("some", wait=True, progress=False)
        assert transforms.live.name == "some"


def test_python_may_end_while_it_is_prepared(tmp_path):
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
        assert large.transforms.live is None
        assert large.transforms.df()["state"].tolist() == [""]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_parent_and_child_of_a_fork_map_rows_of_their_own(points):
    transform = points.transforms.add(some_transform())
    points.transforms.use("some")
    query = np.ones(DIMENSION, dtype=np.float32)
    points.query(query_embeddings=[query])
    child = os.fork()
    if not child:
        try:
            points.add(ids=["child"], embeddings=[query], metadatas=[{"n": 1}])
            check(points, records_of(points), query, transform, "l2", 70)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    points.add(ids=["parent"], embeddings=[-query], metadatas=[{"n": 1}])
    check(points, records_of(points), query, transform, "l2", 70)


def test_only_a_few_lenses_are_kept_and_files_of_rows_have_no_name(points, client):
    resident = client._engine.engine._residents[points.id]
    for seed in range(4):
        transform = some_transform(seed=seed)
        check(points, records_of(points), np.ones(DIMENSION), transform, "l2")
    assert len(resident._seen) == 2
    folder = client._engine.engine.store.path / "cache"
    assert not list(folder.iterdir())
    assert client.check(progress=False).leftovers == ()


def test_rows_that_a_matrix_takes_too_far_stay_as_they_are():
    rows = np.array([[3e38, 3e38], [0, 0], [1, 2], [1e-30, 0]], dtype=np.float32)
    for matrix in (np.zeros((2, 2)), 1e30 * np.eye(2), np.array([[1, 1], [0, 1e-30]])):
        found = turned(rows, matrix.astype(np.float32))
        assert np.isfinite(found).all()
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
        assert np.allclose(np.linalg.norm(found.astype(np.float64), axis=1), lengths, rtol=1e-5)


def test_a_lens_that_does_not_fit_is_refused_by_the_engine(points):
    lens = Lens("narrow", np.eye(3, dtype=np.float32))
    with pytest.raises(errors.InvalidDimensionException, match="of 6 dimensions, found 3"):
        points._engine.indexing(points.id, lens)
