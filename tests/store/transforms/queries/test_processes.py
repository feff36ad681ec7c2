"""Forks, processes and threads follow the switch from one transform to another."""

import os
import threading

import numpy as np
import pytest

import chromalab
from chromalab import errors
from chromalab.feedback import Transform

DIMENSION = 6  # Of the records in conftest.py.


def test_a_fork_and_a_compaction_preserve_the_active_transform(
    points, some_transform, check, records_of
):
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
        assert collection.transforms.active.name == "some"
        for where in ({}, {"where": {"n": 1}}):
            check(collection, records_of(collection), query, transform, "l2", 20, **where)
    assert trial.query(query_embeddings=[query], n_results=1)["ids"] == [["new"]]


def test_re_embedding_retires_a_transform_and_warns_once(notes, function, some_transform):
    notes.add(ids=["a", "b"], documents=["tea", "a banana"])
    model = notes.fingerprint()
    notes.transforms.add(some_transform("tuned", 2, model=model))
    notes.transforms.use("tuned")
    assert notes.transforms.active.name == "tuned"

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
    notes.query(query_embeddings=[[3, 1, 1]])  # A second warning would be an error.
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


def test_queries_during_switches_never_see_a_mixture(points, some_transform):
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is not available")
def test_parent_and_child_of_a_fork_map_rows_of_their_own(
    points, some_transform, check, records_of
):
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


def test_few_mapped_views_are_cached_and_their_files_are_unnamed(
    points, client, some_transform, check, records_of
):
    resident = client._engine.engine._residents[points.id]
    for seed in range(4):
        transform = some_transform(seed=seed)
        check(points, records_of(points), np.ones(DIMENSION), transform, "l2")
    assert len(resident._mapped) == 2
    folder = client._engine.engine.store.path / "cache"
    assert not list(folder.iterdir())
    assert client.check(progress=False).leftovers == ()
