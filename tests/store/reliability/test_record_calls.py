"""Compares the record calls with a dict, with several clients, threads and processes, some killed."""

import importlib.util
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import chromalab

_spec = importlib.util.spec_from_file_location(
    "record_model", Path(__file__).with_name("record_model.py")
)
model = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(model)

READERS = st.sampled_from(["this thread", "a new thread", "another process"])
WRITERS = st.sampled_from(
    [
        "this thread",
        "a new thread",
        "another process",
        "killed after it answered",
        "killed while it works",
    ]
)
KILL_TIMES = st.sampled_from(range(16))  # when a process is killed: tenths of a call's duration

ID = st.sampled_from([f"id{n}" for n in range(12)])
IDS = st.lists(ID, min_size=1, max_size=5, unique=True)
NUMBER = st.integers(-9, 9)
SCALAR = st.one_of(
    NUMBER, st.booleans(), st.sampled_from(["x", "é", ""]), st.sampled_from([-1.5, 0.0, 2.0, 1e300])
)
ARRAY = st.one_of(
    st.lists(NUMBER, min_size=1, max_size=3),
    st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=3),
)
KEY = st.sampled_from("abc")
METADATA = st.dictionaries(KEY, st.one_of(SCALAR, SCALAR, ARRAY, st.none()), min_size=1)
DOCUMENT = st.sampled_from(["tea", "a long walk", "", "漢字", "Tea\nand walk"])
# The last number is 1, so that no vector is zero, which would have no cosine.
VECTOR = st.tuples(
    NUMBER.map(float), st.floats(-1e3, 1e3, width=32, allow_subnormal=False), st.just(1.0)
)
RECORDS = st.dictionaries(
    ID,
    st.tuples(
        VECTOR, DOCUMENT | st.none(), METADATA | st.none(), st.sampled_from([None, "file:a", "b"])
    ),
    min_size=1,
    max_size=5,
)
PARTS = st.sets(st.sampled_from(["documents", "metadatas", "uris"]))

COMPARISON = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne", "$contains", "$not_contains"]), SCALAR),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), NUMBER | st.just(0.5)),
    st.tuples(
        st.sampled_from(["$in", "$nin"]),
        st.one_of(
            st.lists(NUMBER, min_size=1, max_size=4),
            st.lists(st.sampled_from(["x", "é"]), min_size=1, max_size=2),
        ),
    ),
)
CLAUSE = st.builds(lambda key, comparison: {key: dict([comparison])}, KEY, COMPARISON)
SENTENCE = st.one_of(
    st.builds(
        lambda operator, text: {operator: text},
        st.sampled_from(["$contains", "$not_contains"]),
        st.sampled_from(["ea", "walk", "漢", " "]),
    ),
    st.builds(
        lambda operator, pattern: {operator: pattern},
        st.sampled_from(["$regex", "$not_regex"]),
        st.sampled_from(["^tea", "[Tt]ea", "l.*k$", "漢|a", "^$"]),
    ),
)


def nested(leaf):
    joined = st.builds(
        lambda join, clauses: {join: clauses},
        st.sampled_from(["$and", "$or"]),
        st.lists(leaf, min_size=2, max_size=3),
    )
    return leaf | joined


FILTERS = st.fixed_dictionaries(
    {}, optional={"where": nested(CLAUSE), "where_document": nested(SENTENCE)}
)
LIMIT = st.integers(1, 6)


@dataclass(frozen=True)
class State:
    """The expected state of a collection, as found by every client that opens the store."""

    name: str
    metadata: dict | None
    records: dict

    def after(self, method, arguments):
        """The state after a call, and the return value of the call."""
        if method == "modify":
            return State(**{**vars(self), **arguments}), None
        records, answer = model.applied(self.records, method, arguments)
        return State(self.name, self.metadata, records), answer


class RecordCalls(RuleBasedStateMachine):
    """The collection must match `self.expected`."""

    def __init__(self, forks):
        super().__init__()
        self.forks = forks
        self.folder = tempfile.mkdtemp()
        self.other = None
        self.took = 0.003  # seconds that the last write of another process took

    @initialize(space=st.sampled_from(["l2", "cosine", "ip"]))
    def make(self, space):
        self.space = space
        self.client = self.open()
        self.collection = self.client.create_collection(
            "first", embedding_function=None, configuration={"hnsw": {"space": space}}
        )
        self.expected = State("first", None, {})

    def teardown(self):
        if self.other:
            self.other.end()
        self.client.close()
        shutil.rmtree(self.folder)

    def open(self):
        return chromalab.PersistentClient(self.folder, durability="off")

    @rule(by=WRITERS, records=RECORDS, parts=PARTS, kill_time=KILL_TIMES)
    def add(self, by, records, parts, kill_time):
        self.write(by, kill_time, "add", columns(records, {"embeddings", *parts}))

    @rule(by=WRITERS, records=RECORDS, parts=PARTS, kill_time=KILL_TIMES)
    def upsert(self, by, records, parts, kill_time):
        self.write(by, kill_time, "upsert", columns(records, {"embeddings", *parts}))

    @rule(by=WRITERS, records=RECORDS, parts=PARTS, kill_time=KILL_TIMES)
    def update_with_vectors(self, by, records, parts, kill_time):
        self.write(by, kill_time, "update", columns(records, {"embeddings", *parts}))

    @rule(by=WRITERS, records=RECORDS, kill_time=KILL_TIMES)
    def update_without_vectors(self, by, records, kill_time):
        self.write(by, kill_time, "update", columns(records, {"metadatas", "uris"}))

    @rule(by=WRITERS, ids=IDS, kill_time=KILL_TIMES)
    def delete_ids(self, by, ids, kill_time):
        self.write(by, kill_time, "delete", {"ids": ids})

    @rule(by=WRITERS, choice=FILTERS.filter(bool), limit=LIMIT | st.none(), kill_time=KILL_TIMES)
    def delete_where(self, by, choice, limit, kill_time):
        self.write(by, kill_time, "delete", {**choice, "limit": limit})

    @rule(
        by=WRITERS,
        change=st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["first", "second", "third"]),
                "metadata": st.dictionaries(KEY, NUMBER, min_size=1),
            },
        ),
        kill_time=KILL_TIMES,
    )
    def modify(self, by, change, kill_time):
        self.write(by, kill_time, "modify", change)

    @rule()
    def reopen(self):
        self.client.close()
        self.client = self.open()
        (self.collection,) = self.client.list_collections()

    @rule(by=READERS, choice=FILTERS, ids=IDS | st.none(), limit=LIMIT | st.none(), offset=LIMIT)
    def get(self, by, choice, ids, limit, offset):
        choice = {**choice, "ids": ids, "limit": limit, "offset": offset}
        found = self.call(by, "get", {**choice, "include": ["documents", "metadatas"]})
        expected = model.chosen(self.expected.records, **choice)
        assert found["ids"] == expected
        records = [self.expected.records[id] for id in expected]
        assert found["documents"] == [record.document for record in records]
        assert found["metadatas"] == [record.metadata for record in records]

    @rule(
        by=READERS,
        queries=st.lists(VECTOR, min_size=1, max_size=3),
        k=st.integers(1, 8),
        choice=FILTERS,
    )
    def query(self, by, queries, k, choice):
        found = self.call(by, "query", {"query_embeddings": queries, "n_results": k, **choice})
        candidates = model.chosen(self.expected.records, **choice)
        vectors = np.array([self.expected.records[id].embedding for id in candidates])
        for query, ids, distances in zip(queries, found["ids"], found["distances"], strict=True):
            true = measured(self.space, vectors.reshape(-1, 3), np.array(query))
            np.testing.assert_allclose(distances, np.sort(true)[:k], rtol=1e-5, atol=1e-5)
            assert len(set(ids)) == len(ids)
            at = [candidates.index(id) for id in ids]
            np.testing.assert_allclose(distances, true[at], rtol=1e-5, atol=1e-5)

    @invariant()
    def all_records_exist_in_insertion_order(self):
        assert self.state() == self.expected
        assert self.collection.get()["ids"] == list(self.expected.records)
        assert self.collection.count() == len(self.expected.records)

    def state(self):
        (collection,) = self.client.list_collections()
        return State(collection.name, collection.metadata, model.held(collection))

    def write(self, by, kill_time, method, arguments):
        before = self.expected
        after, answer = before.after(method, arguments)
        self.expected = after
        if by == "killed while it works":
            worker = self.worker()
            worker.send("call", method=method, **arguments)
            self.other = None
            answers = worker.kill(after=self.took * kill_time / 10)
            assert answers in ([], [{"ok": answer}])
            if not answers and self.state() == before:
                self.expected = before
        else:
            assert self.call(by, method, arguments) == answer

    def call(self, by, method, arguments):
        if by == "this thread":
            return getattr(self.collection, method)(**arguments)
        if by == "a new thread":
            answers = []
            thread = threading.Thread(
                target=lambda: answers.append(getattr(self.collection, method)(**arguments))
            )
            thread.start()
            thread.join()
            return answers[0]
        answer = self.worker().do("call", method=method, **arguments)
        if method not in ("get", "query"):
            self.took = self.other.took
        if by == "killed after it answered":
            self.other.kill()
            self.other = None
        return answer

    def worker(self):
        if self.other is None:
            self.other = self.forks.fork()
            self.other.do("open", folder=self.folder, durability="off")
        return self.other


def columns(records, parts):
    """The arguments of a write, with only the given parts."""
    rows = zip(*records.values(), strict=True)
    every = dict(
        zip(("embeddings", "documents", "metadatas", "uris"), map(list, rows), strict=True)
    )
    return {"ids": list(records), **{part: every[part] for part in every if part in parts}}


def measured(space, vectors, query):
    """The distances from the query, (n,)."""
    if space == "l2":
        return ((vectors - query) ** 2).sum(axis=1)
    products = vectors @ query
    if space == "cosine":
        products = products / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    return 1 - products


def test_every_record_call_matches_a_dict_in_any_process_even_if_one_is_killed(forks):
    run_state_machine_as_test(
        lambda: RecordCalls(forks),
        settings=settings(max_examples=60, stateful_step_count=30, deadline=None),
    )
