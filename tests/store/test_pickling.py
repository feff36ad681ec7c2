"""Collections, clients and results can be pickled and copied: the store is opened again."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import chromalab
from chromalab import errors

MAKE = {
    "collection": lambda points: points,
    "snapshot": lambda points: points.snapshot(),
    "clusters": lambda points: points.cluster(n_clusters=2, progress=False),
    "outliers": lambda points: points.outliers(progress=False),
    "neighbors": lambda points: points.neighbors(),
    "duplicates": lambda points: points.dedupe(progress=False),
    "topics": lambda points: points.topics(progress=False),
    "map": lambda points: points.project(method="pca", progress=False),
    "labels": lambda points: points.classify("kind", progress=False),
    "hits": lambda points: points.query(query_embeddings=[[1, 0, 0, 0]]),
    "judgments": lambda points: points.feedback,
    "transforms": lambda points: points.transforms,
    "selection": lambda points: points.selection,
}
COPY = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "deepcopy": copy.deepcopy,
}


def filled(client):
    points = client.create_collection("points", embedding_function=None)
    count = 60
    points.add(
        ids=[str(n) for n in range(count)],
        embeddings=np.random.default_rng(0).normal(size=(count, 4)),
        documents=[f"text {n}" for n in range(count)],
        metadatas=[{"kind": "odd" if n % 2 else "even"} for n in range(count)],
    )
    return points


@pytest.mark.parametrize("how", sorted(COPY))
@pytest.mark.parametrize("kind", sorted(MAKE))
def test_a_copy_shows_the_same(kind, how, client):
    original = MAKE[kind](filled(client))
    made = COPY[how](original)
    assert type(made) is type(original)
    assert repr(made) == repr(original)


@pytest.mark.parametrize("how", sorted(COPY))
def test_a_copied_result_still_writes_to_its_collection(how, tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        found = COPY[how](filled(client).cluster(n_clusters=2, progress=False))
    assert not found.is_stale  # the copy holds the store open
    found.into("group")
    with chromalab.PersistentClient(tmp_path) as client:
        written = client.get_collection("points").get()["metadatas"]
    assert [metadata["group"] for metadata in written] == found.labels.tolist()


def test_a_copied_client_is_a_client_of_its_own(tmp_path):
    client = chromalab.PersistentClient(tmp_path)
    made = copy.deepcopy(client)
    filled(client)
    client.close()
    assert made.count_collections() == 1
    made.close()
    with pytest.raises(errors.ClientClosedError):
        made.count_collections()


LOAD = """
import pickle, sys
from chromalab import errors
try:
    client, points, found = pickle.loads(sys.stdin.buffer.read())
    print(found.sizes.tolist())
    print(points.count(), client.count_collections(), found.is_stale)
    print(points.get("new")["documents"])
except errors.ChromalabError as error:
    print(type(error).__name__, error)
"""


def loaded_elsewhere(*values):
    given = pickle.dumps(values)
    done = subprocess.run([sys.executable, "-c", LOAD], input=given, capture_output=True)
    assert not done.returncode, done.stderr.decode()
    return done.stdout.decode().splitlines()


def test_another_process_opens_the_store_again(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        points = filled(client)
        found = points.cluster(n_clusters=2, progress=False)
        points.add(ids=["new"], embeddings=[[1, 2, 3, 4]], documents=["written later"])
        sizes, counts, text = loaded_elsewhere(client, points, found)
    assert sizes == str(found.sizes.tolist())
    assert counts == "61 1 True"
    assert text == "['written later']"


def test_an_ephemeral_store_ends_with_its_process_and_its_results_do_not(client):
    points = filled(client)
    found = points.cluster(n_clusters=2, progress=False)
    sizes, said = loaded_elsewhere(client, points, found)
    assert sizes == str(found.sizes.tolist())
    assert said.startswith("StoreGoneError This was pickled from an ephemeral store")
    assert "PersistentClient" in said


def test_a_store_that_is_gone_is_not_created_again(tmp_path):
    folder = tmp_path / "store"
    with chromalab.PersistentClient(folder) as client:
        kept = pickle.dumps(filled(client).snapshot())
    folder.rename(tmp_path / "moved")
    snapshot = pickle.loads(kept)
    assert len(snapshot) == 60
    assert snapshot.is_stale
    assert "no longer available" in repr(snapshot.origin)
    with pytest.raises(errors.StoreGoneError, match=r"is no longer in .*PersistentClient"):
        snapshot.origin.count()
    assert not folder.exists()


def test_a_function_that_cannot_be_pickled_is_left_out(client):
    function = type(
        "Local", (chromalab.EmbeddingFunction,), {"__call__": lambda self, input: [[1.0, 0.0]]}
    )()
    notes = client.create_collection("notes", embedding_function=function)
    notes.add(ids=["a"], embeddings=[[1, 2]])
    again = pickle.loads(pickle.dumps(notes))
    assert again.count() == 1
    with pytest.raises(errors.EmbeddingFunctionError):
        again.query(query_texts=["tea"])
    assert copy.deepcopy(notes).query(query_texts=["tea"])["ids"] == [["a"]]
