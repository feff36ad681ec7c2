"""A fork starts with the records of its original, and changes independently from then on."""

import json

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

import chromalab
from chromalab import errors

EVERYTHING = ["embeddings", "documents", "metadatas", "uris"]


@pytest.fixture
def client(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        yield client


@pytest.fixture
def notes(client):
    notes = client.create_collection(
        "notes", metadata={"about": "x"}, configuration={"hnsw": {"space": "cosine"}},
        embedding_function=None,
    )  # fmt: skip
    notes.add(
        ids=["c", "a", "b"],
        embeddings=[[1, 0], [0, 1], [1, 1]],
        documents=["tea", None, "é"],
        metadatas=[{"n": 1}, None, {"tags": ["x"]}],
        uris=["file:///c", None, None],
    )
    notes.update(ids=["a"], embeddings=[[5, 5]])
    return notes


def files(tmp_path):
    return sorted(file.name for file in (tmp_path / "vectors").iterdir())


def content(collection):
    found = collection.get(include=EVERYTHING)
    return json.dumps({**found, "embeddings": found["embeddings"].tolist()})


def test_a_fork_equals_its_original_and_copies_no_vectors(client, notes, tmp_path):
    trial = notes.fork("trial")
    assert content(trial) == content(notes)
    assert trial.get()["ids"] == ["c", "a", "b"]
    assert trial.metadata == {"about": "x"}
    assert trial.configuration_json == notes.configuration_json
    assert (trial.dimension, trial.space) == (2, "cosine")
    assert trial.id != notes.id
    assert client.get_collection("trial") == trial
    query = {"query_embeddings": [[1, 0.2]], "where": {"n": {"$ne": 1}}}
    assert trial.query(**query) == notes.query(**query)
    assert files(tmp_path) == [f"{notes.id}-0.f32"]
    assert notes.fork_count() == trial.fork_count() == 1


def test_a_fork_gets_its_own_file_when_it_first_writes_vectors(client, notes, tmp_path):
    trial = notes.fork("trial")
    before = content(notes)
    trial.update(ids=["c"], uris=["file:///new"], metadatas=[{"n": None}])
    trial.delete(ids=["b"])
    assert len(files(tmp_path)) == 1
    trial.upsert(ids=["a", "d"], embeddings=[[7, 7], [8, 8]])
    assert files(tmp_path) == sorted([f"{notes.id}-0.f32", f"{trial.id}-0.f32"])
    assert content(notes) == before
    found = trial.get(include=EVERYTHING)
    assert found["ids"] == ["c", "a", "d"]
    assert found["embeddings"].tolist() == [[1, 0], [7, 7], [8, 8]]
    assert found["documents"] == ["tea", None, None]
    assert found["uris"] == ["file:///new", None, None]
    assert notes.fork_count() == 0


def test_later_writes_to_the_original_are_not_in_the_fork(client, notes):
    trial = notes.fork("trial")
    before = content(trial)
    notes.add(ids=["z"], embeddings=[[9, 9]])
    notes.update(ids=["a"], embeddings=[[3, 3]], documents=["new"])
    notes.delete(ids=["c"])
    assert content(trial) == before
    trial.add(ids=["y"], embeddings=[[4, 4]])
    assert trial.get(include=["embeddings"])["embeddings"].tolist()[-1] == [4, 4]
    assert notes.get(ids=["z"], include=["embeddings"])["embeddings"].tolist() == [[9, 9]]


def test_the_shared_file_is_deleted_with_its_last_collection(client, notes, tmp_path):
    trial = notes.fork("trial")
    again = trial.fork("again")
    assert trial.fork_count() == 2
    before = content(again)
    shared = files(tmp_path)
    client.delete_collection("notes")
    client.delete_collection("trial")
    assert files(tmp_path) == shared
    assert content(again) == before
    assert again.query(query_embeddings=[[1, 0]], n_results=1)["ids"] == [["c"]]
    client.delete_collection("again")
    assert files(tmp_path) == []


def test_a_fork_of_an_empty_collection_can_have_another_dimension(client):
    empty = client.create_collection("empty", embedding_function=None)
    trial = empty.fork("trial")
    trial.add(ids=["a"], embeddings=[[1, 2, 3]])
    empty.add(ids=["a"], embeddings=[[1]])
    assert trial.get(include=["embeddings"])["embeddings"].tolist() == [[1, 2, 3]]


def test_a_fork_embeds_with_the_embedding_function_of_its_original(client, function):
    notes = client.create_collection("notes", embedding_function=function)
    notes.add(ids=["a"], documents=["aa"])
    trial = notes.fork("trial")
    assert trial.query(query_texts=["aa"])["distances"] == [[0.0]]


def test_a_fork_is_in_the_database_of_its_original(client, notes):
    with chromalab.AdminClient(client.get_settings()) as admin:
        admin.create_database("other")
    client.set_database("other")
    assert (notes.fork("trial").database, client.count_collections()) == ("default_database", 0)


def test_a_name_that_is_taken_or_invalid_creates_no_fork(client, notes):
    for name, error in (
        ("notes", errors.UniqueConstraintError),
        ("x", errors.InvalidArgumentError),
        (3, TypeError),
    ):
        with pytest.raises(error):
            notes.fork(name)
    assert client.count_collections() == 1
    client.delete_collection("notes")
    with pytest.raises(errors.NotFoundError):
        notes.fork("trial")


def test_a_symbolic_link_in_place_of_the_forks_file_is_not_followed(client, notes, tmp_path):
    trial = notes.fork("trial")
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "vectors" / f"{trial.id}-0.f32").symlink_to(outside)
    trial.add(ids=["d"], embeddings=[[8, 8]])
    assert outside.read_text() == "mine"
    assert trial.get(ids=["d"], include=["embeddings"])["embeddings"].tolist() == [[8, 8]]


def test_a_missing_shared_file_is_reported(client, notes, tmp_path):
    trial = notes.fork("trial")
    client.close()
    (tmp_path / "vectors" / f"{notes.id}-0.f32").unlink()
    trial = chromalab.PersistentClient(tmp_path).get_collection("trial")
    with pytest.raises(errors.InternalError, match="is missing"):
        trial.add(ids=["d"], embeddings=[[8, 8]])


def test_a_reopened_fork_can_be_queried(client, notes, tmp_path):
    notes.fork("trial")
    client.close()
    with chromalab.PersistentClient(tmp_path) as again:
        trial = again.get_collection("trial")
        assert trial.query(query_embeddings=[[5, 5]], n_results=3)["ids"][0][0] in ("a", "b")
        assert again.get_collection("notes").fork_count() == 1


IDS = st.sampled_from("abcdef")


class Forks(RuleBasedStateMachine):
    """Collections are forked, written and deleted in any order, and compared with dicts."""

    collections = Bundle("collections")

    def __init__(self):
        super().__init__()
        self.client = chromalab.EphemeralClient()
        self.expected = {}

    def teardown(self):
        self.client.close()

    @rule(target=collections)
    def create(self):
        made = self.client.create_collection(f"made-{len(self.expected)}", embedding_function=None)
        self.expected[made.name] = (made, {})
        return made.name

    @rule(target=collections, name=collections)
    def fork(self, name):
        original, records = self.expected[name] or (None, None)
        if original is None:
            return name
        made = original.fork(f"made-{len(self.expected)}")
        self.expected[made.name] = (made, dict(records))
        return made.name

    @rule(name=collections, id=IDS, number=st.integers(0, 9))
    def upsert(self, name, id, number):
        if self.expected[name]:
            collection, records = self.expected[name]
            collection.upsert(ids=[id], embeddings=[[number, 1]])
            records[id] = [number, 1]

    @rule(name=collections, id=IDS)
    def remove(self, name, id):
        if self.expected[name]:
            collection, records = self.expected[name]
            collection.delete(ids=[id])
            records.pop(id, None)

    @rule(name=collections)
    def drop(self, name):
        if self.expected[name]:
            self.client.delete_collection(name)
            self.expected[name] = None

    @invariant()
    def each_collection_has_its_own_records(self):
        for collection, records in filter(None, self.expected.values()):
            found = collection.get(include=["embeddings"])
            assert found["ids"] == list(records)
            np.testing.assert_array_equal(
                found["embeddings"].reshape(-1, 2), np.reshape(list(records.values()), (-1, 2))
            )


Forks.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestForks = Forks.TestCase
