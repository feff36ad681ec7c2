"""The record calls against a dict, in any order, with reopening and a second client between."""

import shutil
import tempfile

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import chromalab

IDS = st.sampled_from([f"id{n}" for n in range(12)])
BATCH = st.lists(IDS, min_size=1, max_size=5, unique=True)
NUMBERS = st.integers(-50, 50)
VALUES = st.one_of(
    NUMBERS, st.booleans(), st.sampled_from(["x", "é", ""]), st.floats(-5, 5), st.none()
)
METADATA = st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1)
DOCUMENT = st.sampled_from(["tea", "a long walk", "", "漢字"])


def merged(old, new):
    both = {**(old or {}), **new}
    return {key: value for key, value in both.items() if value is not None} or None


class Records(RuleBasedStateMachine):
    """What `self.expected` holds, id -> [vector, document, metadata], the collection must hold."""

    @initialize()
    def make(self):
        self.folder = tempfile.mkdtemp()
        self.client = chromalab.PersistentClient(self.folder, durability="off")
        self.records = self.client.create_collection("records", embedding_function=None)
        self.expected = {}

    def teardown(self):
        self.client.close()
        shutil.rmtree(self.folder)

    def vectors(self, numbers, ids):
        return [[float(number), float(len(ids))] for number in numbers[: len(ids)]]

    @rule(
        ids=BATCH,
        numbers=st.lists(NUMBERS, min_size=5, max_size=5),
        metadata=METADATA,
        document=DOCUMENT,
    )
    def add(self, ids, numbers, metadata, document):
        vectors = self.vectors(numbers, ids)
        self.records.add(ids, vectors, [metadata] * len(ids), [document] * len(ids))
        for id, vector in zip(ids, vectors, strict=True):
            self.expected.setdefault(id, [vector, document, merged(None, metadata)])

    @rule(ids=BATCH, numbers=st.lists(NUMBERS, min_size=5, max_size=5), metadata=METADATA)
    def upsert(self, ids, numbers, metadata):
        vectors = self.vectors(numbers, ids)
        self.records.upsert(ids, vectors, [metadata] * len(ids))
        for id, vector in zip(ids, vectors, strict=True):
            old = self.expected.get(id, [None, None, None])
            self.expected[id] = [vector, old[1], merged(old[2], metadata)]

    @rule(ids=BATCH, numbers=st.lists(NUMBERS, min_size=5, max_size=5))
    def update_vectors(self, ids, numbers):
        vectors = self.vectors(numbers, ids)
        self.records.update(ids, vectors)
        for id, vector in zip(ids, vectors, strict=True):
            if id in self.expected:
                self.expected[id][0] = vector

    @rule(ids=BATCH, metadata=METADATA)
    def update_metadata(self, ids, metadata):
        self.records.update(ids, metadatas=[metadata] * len(ids))
        for id in set(ids) & set(self.expected):
            self.expected[id][2] = merged(self.expected[id][2], metadata)

    @rule(ids=BATCH)
    def delete(self, ids):
        assert self.records.delete(ids=ids) == {"deleted": len(ids)}
        for id in ids:
            self.expected.pop(id, None)

    @rule(number=NUMBERS)
    def delete_where(self, number):
        matching = [
            id
            for id, (_, _, metadata) in self.expected.items()
            if type((metadata or {}).get("a")) in (int, float) and metadata["a"] > number
        ]
        assert self.records.delete(where={"a": {"$gt": number}}) == {"deleted": len(matching)}
        for id in matching:
            del self.expected[id]

    @rule()
    def reopen(self):
        self.client.close()
        self.client = chromalab.PersistentClient(self.folder, durability="off")
        self.records = self.client.get_collection("records")

    @rule()
    def write_through_another_client(self):
        with chromalab.PersistentClient(self.folder, durability="off") as other:
            other.get_collection("records").upsert(["id0"], [[7.0, 7.0]], documents=["other"])
        old = self.expected.get("id0", [None, None, None])
        self.expected["id0"] = [[7.0, 7.0], "other", old[2]]

    @rule(number=NUMBERS, k=st.integers(1, 6))
    def query(self, number, k):
        query = np.array([number, 3.0])
        found = self.records.query([query], n_results=k)
        true = sorted(
            float(((np.array(v) - query) ** 2).sum()) for v, _, _ in self.expected.values()
        )
        np.testing.assert_allclose(found["distances"][0], true[:k])
        for id, distance in zip(found["ids"][0], found["distances"][0], strict=True):
            vector = np.array(self.expected[id][0])
            np.testing.assert_allclose(distance, ((vector - query) ** 2).sum())

    @invariant()
    def everything_is_there_in_the_order_it_was_added(self):
        found = self.records.get(include=["embeddings", "documents", "metadatas"])
        assert found["ids"] == list(self.expected)
        assert self.records.count() == len(self.expected)
        for row, (vector, document, metadata) in enumerate(self.expected.values()):
            assert found["embeddings"][row].tolist() == vector
            assert found["documents"][row] == document
            assert found["metadatas"][row] == metadata


TestRecords = Records.TestCase
TestRecords.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
