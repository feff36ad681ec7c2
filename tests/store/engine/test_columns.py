"""Filters on columns match a plain evaluator, whatever is written in between."""

import re
import shutil
import sqlite3
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import chromalab
from chromalab import errors
from chromalab.engine import Filter, parse_where, parse_where_document

KEYS = [
    "a", "b.c", "b", "[0]", "ключ", 'say "x"', "it's", "back\\slash", "tab\t", "a b", "nul\0",
    "'; DROP TABLE records; --",
]  # fmt: skip
INTS = st.sampled_from([0, 1, -1, 2, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)])
FLOATS = st.sampled_from([0.0, -0.0, 1.0, 0.5, -1.5, 2.0**53, 2.0**63, -(2.0**63), 1e300, 5e-324])
TEXTS = st.sampled_from(["", "a", "1", "true", "é", "漢字", 'x","y', "\0", "null", "a\0b", "\\"])
SCALARS = (INTS, FLOATS, TEXTS, st.booleans())
LISTS = [st.lists(scalar, min_size=1, max_size=3) for scalar in SCALARS]
METADATA = st.dictionaries(
    st.sampled_from(KEYS), st.one_of(*SCALARS, *LISTS, st.none()), min_size=1, max_size=5
)
DOCUMENTS = st.sampled_from([None, "", "tea", "a cup of tea", "漢字 tea", "nul\0tea", "chalk\n"])
IDS = st.lists(st.sampled_from([f"id{n}" for n in range(12)]), min_size=1, max_size=5, unique=True)

BEYOND = st.sampled_from([2**63, -(2**63) - 1, 10**400, -(10**400), float("inf"), float("nan")])
NUMBERS = st.one_of(INTS, FLOATS, BEYOND)
COMPARISONS = st.one_of(
    st.one_of(*SCALARS, BEYOND),
    st.one_of(
        st.tuples(st.sampled_from(["$eq", "$ne", "$contains", "$not_contains"]), st.one_of(*SCALARS)),
        st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), NUMBERS),
        st.tuples(st.sampled_from(["$in", "$nin"]), st.one_of(*LISTS)),
        st.tuples(st.just("$exists"), st.booleans()),
    ).map(lambda pair: dict([pair])),
)  # fmt: skip
WHERE = st.recursive(
    st.tuples(st.sampled_from([*KEYS, "missing key"]), COMPARISONS).map(lambda pair: dict([pair])),
    lambda inner: st.tuples(
        st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=2, max_size=3)
    ).map(lambda pair: dict([pair])),
    max_leaves=5,
)
CONTAINED = st.sampled_from(["tea", "é", "漢", "\0", "nul\0t", "' OR 1=1", "\ud800", "t"])
WHERE_DOCUMENT = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from(["$contains", "$not_contains"]), CONTAINED),
        st.tuples(st.sampled_from(["$regex", "$not_regex"]), st.sampled_from(["t.a", "^a", "漢+"])),
    ).map(lambda pair: dict([pair])),
    lambda inner: st.tuples(
        st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=2, max_size=3)
    ).map(lambda pair: dict([pair])),
    max_leaves=4,
)


def same(found, wanted):
    kinds = [bool if isinstance(v, bool) else float if isinstance(v, int) else type(v)
             for v in (found, wanted)]  # fmt: skip
    return kinds[0] is kinds[1] and found == wanted


def reference(where, record):
    ((key, value),) = where.items()
    if key in ("$and", "$or"):
        return (all if key == "$and" else any)(reference(part, record) for part in value)
    ((operator, wanted),) = (value if isinstance(value, dict) else {"$eq": value}).items()
    found, number = record.get(key), type(record.get(key)) in (int, float)
    return {
        "$eq": lambda: same(found, wanted), "$ne": lambda: not same(found, wanted),
        "$gt": lambda: number and found > wanted, "$gte": lambda: number and found >= wanted,
        "$lt": lambda: number and found < wanted, "$lte": lambda: number and found <= wanted,
        "$in": lambda: any(same(found, w) for w in wanted),
        "$nin": lambda: not any(same(found, w) for w in wanted),
        "$contains": lambda: type(found) is list and any(same(f, wanted) for f in found),
        "$not_contains": lambda: type(found) is not list or not any(same(f, wanted) for f in found),
        "$exists": lambda: (found is not None) == wanted,
    }[operator]()  # fmt: skip


def reads(where, document):
    ((key, value),) = where.items()
    if key in ("$and", "$or"):
        return (all if key == "$and" else any)(reads(part, document) for part in value)
    holds = value.__eq__ if document is None else document.__contains__
    if key.endswith("regex"):
        holds = lambda value: re.search(value, document) is not None  # noqa: E731
    return (document is not None and holds(value)) != key.startswith("$not_")


class Filters(RuleBasedStateMachine):
    """The filters must find what is in `self.expected`: id -> [metadata, document]."""

    @initialize()
    def make(self):
        self.folder = tempfile.mkdtemp()
        self.client = chromalab.PersistentClient(self.folder, durability="off")
        self.records = self.client.create_collection("records", embedding_function=None)
        self.other = self.client.create_collection("other", embedding_function=None)
        self.expected = {}

    def teardown(self):
        self.client.close()
        shutil.rmtree(self.folder)

    def call(self, method, ids, metadata, document, vectors=True):
        getattr(self.records, method)(
            ids,
            [[1.0]] * len(ids) if vectors else None,
            metadatas=[metadata] * len(ids),
            documents=[document] * len(ids) if vectors else None,
        )

    def change(self, id, metadata, document):
        held, text = self.expected.get(id, [{}, None])
        both = {**held, **metadata}
        both = {key: value for key, value in both.items() if value is not None}
        self.expected[id] = [both, text if document is None else document]

    @rule(ids=IDS, metadata=METADATA, document=DOCUMENTS)
    def add(self, ids, metadata, document):
        self.call("add", ids, metadata, document)
        for id in [id for id in ids if id not in self.expected]:
            self.change(id, metadata, document)

    @rule(ids=IDS, metadata=METADATA, document=DOCUMENTS)
    def upsert(self, ids, metadata, document):
        self.call("upsert", ids, metadata, document)
        for id in ids:
            self.change(id, metadata, document)

    @rule(ids=IDS, metadata=METADATA)
    def update(self, ids, metadata):
        self.call("update", ids, metadata, None, vectors=False)
        for id in [id for id in ids if id in self.expected]:
            self.change(id, metadata, None)

    @rule(ids=IDS)
    def delete(self, ids):
        self.records.delete(ids)
        for id in ids:
            self.expected.pop(id, None)

    @rule(metadata=METADATA)
    def write_to_another_collection(self, metadata):
        self.other.upsert(["x", "y"], [[1.0], [1.0]], metadatas=[metadata] * 2)

    @rule()
    def compact(self):
        self.records.compact()

    @rule(where=WHERE)
    def delete_where(self, where):
        self.records.delete(where=where, limit=2)
        for id in [i for i, (held, _) in self.expected.items() if reference(where, held)][:2]:
            del self.expected[id]

    @rule(where=WHERE)
    def filter_metadata(self, where):
        clause = parse_where(where)
        true = [id for id, (held, _) in self.expected.items() if reference(where, held)]
        assert true == [i for i, (held, _) in self.expected.items() if clause.matches(held, None)]
        assert self.records.get(where=where)["ids"] == true
        assert self.records.count(where=where) == len(true)

    @rule(where=WHERE_DOCUMENT)
    def filter_documents(self, where):
        clause = parse_where_document(where)
        true = [id for id, (_, text) in self.expected.items() if reads(where, text)]
        assert true == [i for i, (_, text) in self.expected.items() if clause.matches({}, text)]
        assert self.records.get(where_document=where)["ids"] == true

    @rule(ids=IDS, where=WHERE, where_document=WHERE_DOCUMENT)
    def filter_everything(self, ids, where, where_document):
        true = [
            id
            for id, (held, text) in self.expected.items()
            if reference(where, held) and reads(where_document, text)
        ]
        assert self.records.get(where=where, where_document=where_document)["ids"] == true
        chosen = self.records.get(ids, where, where_document=where_document)["ids"]
        assert chosen == [id for id in true if id in ids]
        few = self.records.get(where=where, where_document=where_document, limit=1)["ids"]
        assert few == true[:1]


TestFilters = Filters.TestCase
TestFilters.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(
        ids=["a", "b", "c"],
        embeddings=[[0], [1], [2]],
        metadatas=[{"n": 1, "t": "x", "l": ["p", "q"]}, {"n": 1.0, "t": "y"}, {"n": True}],
        documents=["one", "two", "three"],
    )
    return points


def open_now(points, connection):
    return points.engine.engine._open(connection, points.id)


def test_a_reader_that_began_before_a_write_keeps_its_columns(points):
    everything = Filter(where=parse_where({"t": {"$ne": "z"}}))
    with points.engine.engine.store.read() as connection, ThreadPoolExecutor(1) as pool:
        before = open_now(points, connection)
        assert before.matching(everything).tolist() == [0, 1, 2]
        pool.submit(points.delete, ["a"]).result()
        pool.submit(points.add, ["d"], [[3]], [{"t": "z"}]).result()
        pool.submit(points.update, ["b"], None, [{"t": "z"}]).result()
        assert pool.submit(points.get, where={"t": "z"}).result()["ids"] == ["b", "d"]
        assert before.column("t").values[before.column("t").codes[1]] == "y"
        assert before.matching(everything).tolist() == [0, 1, 2]
        assert before.matching(Filter(where=parse_where({"n": 1}))).tolist() == [0, 1]
    assert points.get(where={"t": "z"})["ids"] == ["b", "d"]


def test_only_new_and_changed_records_are_read(points):
    with points.engine.engine.store.read() as connection:
        first = open_now(points, connection).column("t")
    points.add(["d"], [[3]], [{"t": "z"}])
    points.update(["a"], metadatas=[{"t": "w"}])
    points.delete(["b"])
    with points.engine.engine.store.read() as connection:
        later = open_now(points, connection).column("t")
        assert open_now(points, connection).column("t") is later
    assert later.dictionary is first.dictionary
    assert [None if c < 0 else later.values[c] for c in later.codes] == ["w", None, "z"]
    assert [None if c < 0 else first.values[c] for c in first.codes] == ["x", "y", None]


def test_unused_values_are_dropped(points):
    for n in range(1200):
        points.update(["a"], metadatas=[{"t": f"value {n}"}])
        assert points.get(where={"t": f"value {n}"})["ids"] == ["a"]
    with points.engine.engine.store.read() as connection:
        assert len(open_now(points, connection).column("t").values) < 1010


def test_columns_of_sixty_four_keys_are_cached(points):
    points.add(["m"], [[9]], [{f"key {n}": n for n in range(100)}])
    for _ in range(2):
        for n in range(100):
            assert points.get(where={f"key {n}": n})["ids"] == ["m"]
    held = points.engine.engine._residents[points.id].columns._held
    assert list(held) == [f"key {n}" for n in range(36, 100)]


def test_threads_filter_while_another_writes(points):
    def write():
        for n in range(60):
            points.add([f"w{n}"], [[n]], [{"w": n, "parity": n % 2}])

    def read():
        for _ in range(60):
            ids = points.get(where={"w": {"$gte": 0}})["ids"]
            assert ids == [f"w{n}" for n in range(len(ids))]
            even = points.get(where={"parity": 0})["ids"]
            assert even == [f"w{2 * n}" for n in range(len(even))]

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(write), *(pool.submit(read) for _ in range(3))]:
            done.result()
    assert points.count(where={"parity": 1}) == 30


@pytest.mark.parametrize(
    "text", ["{", "", "[1]", "7", '["n"]', "null", '{"n": 1', "{'n': 1", "\ufeff{}"]
)
def test_damaged_metadata_raises_in_a_filter_as_in_a_read(tmp_path, text):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(["b"], [[2]], [{"n": 2}])
        with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
            connection.execute("UPDATE records SET metadata = ?", (text,))
        connection.close()
        for key in ("n", 'quoted "n"'):
            with pytest.raises(errors.InternalError, match="metadata of a record is damaged"):
                points.get(where={key: 1})


def test_json_that_only_python_parses_can_be_filtered(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(["a", "b", "c"], [[1], [2], [3]], [{"n": 1}] * 3)
        with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
            for id, text in (
                ("a", ' {"n": NaN}'),
                ("b", f'{{"n": {10**30}}}'),
                ("c", '{"n": 1e400}'),
            ):
                connection.execute("UPDATE records SET metadata = ? WHERE id = ?", (text, id))
        connection.close()
        assert points.get(where={"n": {"$gt": 5}})["ids"] == ["b", "c"]
        assert points.get(where={"n": 10**30})["ids"] == ["b"]
        assert points.get(where={"n": {"$ne": float("nan")}})["ids"] == ["a", "b", "c"]
        assert points.get(where={"n": {"$lt": 10**29}})["ids"] == []


def test_filters_work_without_pyarrow(points, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert points.get(where={"t": "x"})["ids"] == ["a"]


def test_whether_a_key_exists_must_be_true_or_false(points):
    assert points.get(where={"t": {"$exists": False}})["ids"] == ["c"]
    with pytest.raises(
        errors.InvalidArgumentError, match=r"\$exists on 't' in where must be True or False"
    ):
        points.get(where={"t": {"$exists": 1}})


def test_thousands_of_document_clauses_are_evaluated(points):
    every = [{"$contains": f"{n}"} for n in range(3000)]
    assert points.get(where_document={"$or": [*every, {"$contains": "hree"}]})["ids"] == ["c"]
