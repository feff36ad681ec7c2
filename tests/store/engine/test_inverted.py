"""Keyword and sparse scores equal those of a few lines of Python, whatever is written in between."""

import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import chromalab
from chromalab import SparseVector, errors
from chromalab.engine.inverted import keyword_scores, sparse_scores
from chromalab.engine.inverted.inverted_index import Field
from chromalab.engine.inverted.terms import _words
from chromalab.stemmer import english_stem

WORDS = ["tea", "teas", "Wing", "a", "the", "19", "水", "水道", "ชา", "é", "Straße", "STRASSE"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join) | st.none()
VECTORS = st.dictionaries(
    st.sampled_from([0, 1, 2, 7, 2**40, 2**63 - 1]), st.sampled_from([0.0, -1.5, 0.1, 1, 2.0, 1e300]), max_size=4
).map(lambda found: SparseVector(sorted(found), [found[at] for at in sorted(found)]))  # fmt: skip
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "text": TEXTS.filter(bool) | st.just(3), "a \"b\"": TEXTS.filter(bool), "words": VECTORS | st.just("x"),
    },
)  # fmt: skip
IDS = st.lists(st.sampled_from([f"id{n}" for n in range(12)]), min_size=1, max_size=5, unique=True)


def stems(text, *, pairs_only=False):
    found = _words(text, pairs_only=pairs_only)
    return [english_stem(word) if word.isascii() else word for word in found]


@cache
def counted(text):
    return Counter(stems(text))


def bm25(texts, query):
    """The scores of all records with a text, {position: score}, by the definition."""
    split = {at: counted(text) for at, text in texts.items() if isinstance(text, str)}
    lengths = {at: sum(counts.values()) for at, counts in split.items()}
    mean = sum(lengths.values()) / len(split) if any(lengths.values()) else 1
    scores = Counter()
    for term in stems(query, pairs_only=True):
        having = [at for at, counts in split.items() if term in counts]
        idf = math.log(1 + (len(split) - len(having) + 0.5) / (len(having) + 0.5))
        for at in having:
            tf = split[at][term]
            scores[at] += idf * tf / (tf + 1.2 * (0.25 + 0.75 * lengths[at] / mean))
    return scores


def products(vectors, query):
    """The dot products with the records that share a dimension, {position: product}."""
    scores = {}
    wanted = dict(zip(query.indices, query.values, strict=True))
    for at, vector in vectors.items():
        if isinstance(vector, SparseVector) and wanted.keys() & set(vector.indices):
            parts = zip(vector.indices, vector.values, strict=True)
            scores[at] = sum(wanted.get(index, 0) * value for index, value in parts)
    return scores


def same_best(positions, scores, right, k, among=None):
    """Check the k best records, of which equal ones may be rounded differently."""
    right = {at: score for at, score in right.items() if among is None or at in among}
    best = sorted(right.values(), reverse=True)[:k]
    np.testing.assert_allclose(scores, best, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scores, [right[at] for at in positions], rtol=1e-12, atol=1e-12)
    assert len(set(positions.tolist())) == len(positions)
    pairs = list(zip((-scores).tolist(), positions.tolist(), strict=True))
    assert pairs == sorted(pairs)


def read(collection, ask):
    engine = getattr(collection.engine, "engine", collection.engine)
    return engine._read(collection.id, ask)


def search(collection, query, k=10, key="#document", among=None):
    return read(collection, lambda found: keyword_scores(found, key, query, k, among))


def match(collection, query, k=10, key="words", among=None):
    indices, values = np.array(query.indices, np.int64), np.array(query.values, np.float64)
    return read(collection, lambda found: sparse_scores(found, key, indices, values, k, among))


def check(collection, query, vector, k, among=None):
    got = collection.get()
    texts = dict(enumerate(got["documents"]))
    found = search(collection, query, k, among=among)
    same_best(found.positions, found.scores, bm25(texts, query), k, among)
    for word, count in found.terms.items():
        (term,) = stems(word, pairs_only=True)
        assert count == sum(term in counted(text) for text in texts.values() if text is not None)
    for key in ("text", 'a "b"'):
        values = {at: (row or {}).get(key) for at, row in enumerate(got["metadatas"])}
        found = search(collection, query, k, key, among)
        same_best(found.positions, found.scores, bm25(values, query), k, among)
    vectors = {at: (row or {}).get("words") for at, row in enumerate(got["metadatas"])}
    same_best(*match(collection, vector, k, among=among), products(vectors, vector), k, among)


class Machine(RuleBasedStateMachine):
    @initialize()
    def open(self):
        self.folder = tempfile.mkdtemp()
        self.client = chromalab.PersistentClient(self.folder, durability="off")
        self.collection = self.client.create_collection("texts", embedding_function=None)
        self.forks = 0

    def records(self, ids, data):
        return {
            "documents": [data.draw(TEXTS) for _ in ids],
            "metadatas": [data.draw(METADATA) or None for _ in ids],
        }

    @rule(ids=IDS, data=st.data())
    def add(self, ids, data):
        self.collection.add(ids, [[0.0]] * len(ids), **self.records(ids, data))

    @rule(ids=IDS, data=st.data())
    def update(self, ids, data):
        self.collection.update(ids, **self.records(ids, data), embeddings=[[1.0]] * len(ids))

    @rule(ids=IDS)
    def delete(self, ids):
        self.collection.delete(ids)

    @rule()
    def undo(self):
        if self.collection.history():
            self.collection.undo()

    @rule()
    def compact(self):
        self.collection.compact(progress=False)

    @rule()
    def fork(self):
        self.forks += 1
        self.collection = self.collection.fork(f"fork {self.forks}".replace(" ", "-"))

    @rule()
    def merge(self):
        held = self.collection.engine.engine._residents[self.collection.id].inverted._held
        for field, index in held.items():
            if index.parts:
                held[field] = index.merged()

    @rule()
    def reopen(self):
        name = self.collection.name
        self.client.close()
        self.client = chromalab.PersistentClient(self.folder, durability="off")
        self.collection = self.client.get_collection(name)

    @rule(query=TEXTS.filter(bool), vector=VECTORS, k=st.sampled_from([1, 3, 20]), data=st.data())
    def search(self, query, vector, k, data):
        positions = range(self.collection.count())
        among = data.draw(st.none() | st.sets(st.sampled_from(positions or [0])))
        if among is not None:
            among = np.array(sorted(among & set(positions)), dtype=np.int64)
        check(self.collection, query, vector, k, among)

    @invariant()
    def everything_is_found(self):
        if hasattr(self, "collection"):
            every = SparseVector([0, 1, 2, 7, 2**40, 2**63 - 1], [1, -1, 0.5, 2, 1, 1])
            check(self.collection, " ".join(WORDS), every, 20)

    def teardown(self):
        if hasattr(self, "client"):
            self.client.close()
            shutil.rmtree(self.folder)


Machine.TestCase.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
TestMachine = Machine.TestCase

MANY = 5000


def zipf_texts(count, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 12, count)
    words = rng.zipf(1.3, int(lengths.sum())) % 3000
    parts = np.split(words, np.cumsum(lengths)[:-1])
    return [" ".join(f"w{word}" for word in part) for part in parts]


@cache
def vector_of(text):
    counts = Counter(int(word[1:]) for word in text.split())
    return SparseVector(sorted(counts), [float(counts[at]) for at in sorted(counts)])


@pytest.fixture(scope="module")
def many_texts():
    return zipf_texts(MANY)


@pytest.fixture(scope="module")
def stored(tmp_path_factory, many_texts):
    """A folder with an index of terms and one of sparse vectors in files."""
    folder = tmp_path_factory.mktemp("many")
    with chromalab.PersistentClient(folder) as client:
        many = client.create_collection("many", embedding_function=None)
        for start in range(0, MANY, 2500):
            part = many_texts[start : start + 2500]
            many.add(
                ids=[f"m{start + at}" for at in range(len(part))],
                embeddings=np.zeros((len(part), 1)),
                documents=part,
                metadatas=[{"words": vector_of(text)} for text in part],
            )
        search(many, "w1")
        match(many, vector_of("w1"))
    return folder


@pytest.fixture
def folder(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "copy")


@pytest.fixture
def many(folder):
    with chromalab.PersistentClient(folder) as client:
        yield client.get_collection("many")


def index_files(folder):
    return sorted((Path(folder) / "index").glob("*.terms"))


def index_of(collection):
    field = Field("#document", is_sparse=False)
    return read(
        collection,
        lambda found: found.resident.inverted.get(found.connection, found.entry, found.view, field),
    )


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    k=st.sampled_from([1, 10, 100, MANY]),
    share=st.sampled_from([None, 0.002, 0.4]),
)
def test_long_lists_are_skipped_without_changing_an_answer(stored, many_texts, seed, k, share):
    rng = random.Random(seed)
    query = " ".join([*rng.choice(many_texts).split()[:5], "w1", "w2"])
    among = None if share is None else sorted(rng.sample(range(MANY), int(MANY * share)))
    texts = dict(enumerate(many_texts))
    with chromalab.PersistentClient(stored) as client:
        many = client.get_collection("many")
        found = search(many, query, k, among=None if among is None else np.array(among))
        same_best(found.positions, found.scores, bm25(texts, query), k, among and set(among))
        vector = vector_of(query)
        got = match(many, vector, k, among=None if among is None else np.array(among))
    vectors = {at: vector_of(text) for at, text in texts.items()}
    same_best(*got, products(vectors, vector), k, among and set(among))


def test_a_record_is_found_the_moment_it_is_written(many):
    many.add(ids=["new"], embeddings=[[0]], documents=["zebra w1"])
    assert search(many, "zebra").positions.tolist() == [MANY]
    many.update(ids=["m0"], documents=["zebra zebra"], embeddings=[[0]])
    assert search(many, "zebra").positions.tolist() == [0, MANY]
    many.delete(ids=["new"])
    assert search(many, "zebra").positions.tolist() == [0]
    many.undo()
    assert search(many, "zebra").terms == {"zebra": 2}


def test_only_what_was_written_is_read(many):
    before = index_of(many)
    many.add(ids=["new"], embeddings=[[0]], documents=["zebra"])
    after = index_of(many)
    assert after.parts[0].postings is before.parts[0].postings
    assert [len(part.postings) for part in after.parts] == [MANY, 1]
    many.update(ids=["m1"], metadatas=[{"x": 1}])
    many.delete(ids=["m2"])
    again = index_of(many)
    assert [int(part.alive.sum()) for part in again.parts] == [MANY - 2, 2]
    assert index_of(many) is again
    assert int(before.parts[0].alive.sum()) == MANY


def test_another_client_sees_each_write_and_reads_the_file(folder, many, elsewhere):
    other = elsewhere(folder).get_collection("many")
    written = [file.stat().st_mtime_ns for file in index_files(folder)]
    many.add(ids=["new"], embeddings=[[0]], documents=["zebra"])
    assert search(other, "zebra").positions.tolist() == [MANY]
    other.update(ids=["m3"], documents=["zebra"], embeddings=[[0]])
    assert search(many, "zebra").positions.tolist() == [3, MANY]
    assert search(other, "zebra").positions.tolist() == [3, MANY]
    assert [file.stat().st_mtime_ns for file in index_files(folder)] == written
    assert not index_of(other).parts[0].postings.places.flags.owndata  # it stays in the file


def test_writes_of_another_process_are_found(folder, many):
    search(many, "w1")
    code = f"""
from chromalab import PersistentClient
many = PersistentClient({str(folder)!r}).get_collection("many")
many.add(ids=["new"], embeddings=[[0]], documents=["zebra"])
many.update(ids=["m3"], documents=["zebra"], embeddings=[[0]])
many.delete(ids=["m1"])
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert search(many, "zebra").positions.tolist() == [2, MANY - 1]
    check(many, "w1 w7 w900", vector_of("w1 w7"), 10)


def test_a_large_tail_is_merged_into_a_new_file_that_other_clients_take(folder, many, elsewhere):
    other = elsewhere(folder).get_collection("many")
    search(other, "w1")
    ids = [f"n{at}" for at in range(5000)]
    many.add(ids=ids, embeddings=np.zeros((5000, 1)), documents=zipf_texts(5000, seed=1))
    check(many, "w1 w7 w900", vector_of("w1 w7"), 10)
    assert len(index_of(many).parts[0].postings) == MANY + 5000
    written = {file: file.stat().st_mtime_ns for file in index_files(folder)}
    check(other, "w1 w7 w900", vector_of("w1 w7"), 10)
    assert {file: file.stat().st_mtime_ns for file in index_files(folder)} == written


def test_many_dead_records_are_dropped(many):
    many.delete(ids=[f"m{at}" for at in range(2500)])
    ((postings, alive),) = index_of(many).parts
    assert len(postings) == MANY - 2500
    assert alive.all()
    check(many, "w1 w7 w900", vector_of("w1 w7"), 10)


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda file: file.write_bytes(file.read_bytes()[:-1000]),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"chromalab terms 1\n" + bytes(100)),
        lambda file: os.truncate(file, 1 << 40),
        Path.unlink,
        lambda file: file.unlink() or file.mkdir(),
        lambda file: file.unlink() or file.symlink_to(os.devnull),
        lambda file: file.unlink() or os.mkfifo(file),
    ],
    ids=["flip", "cut", "empty", "zeros", "giant", "missing", "folder", "link", "pipe"],
)
def test_a_damaged_file_is_reported_and_made_again(folder, damage):
    with chromalab.PersistentClient(folder) as client:
        terms = search(client.get_collection("many"), "w1 w900").terms
    for file in index_files(folder):
        damage(file)
    with chromalab.PersistentClient(folder) as client:
        if file.exists() and file.stat().st_size < 1 << 30:
            assert len(client.check(progress=False)) == 2
        many = client.get_collection("many")
        assert search(many, "w1 w900").terms == terms
        assert len(match(many, vector_of("w1 w900"), 5)[0]) == 5
        if not file.is_dir():
            assert not client.check(progress=False)
        client.delete_collection("many")
    assert [file for file in index_files(folder) if not file.is_dir()] == []


def test_a_file_of_other_records_is_not_used(folder, tmp_path, many_texts):
    with chromalab.PersistentClient(folder) as client:
        many = client.get_collection("many")
        kept = {file: file.read_bytes() for file in index_files(folder)}
        ids = ["m0", f"m{MANY - 1}"]
        many.update(ids=ids, documents=["zebra", "zebra"], embeddings=[[0], [0]])
    # The same version and places with other texts, as after restoring a part of a copy.
    import sqlite3

    with sqlite3.connect(Path(folder) / "store.sqlite3") as connection:
        connection.execute("DELETE FROM changed")
    connection.close()
    for file, content in kept.items():
        file.write_bytes(content)
    with chromalab.PersistentClient(folder) as client:
        assert search(client.get_collection("many"), "zebra").terms == {"zebra": 2}


def test_files_go_with_their_collection(folder):
    settings = chromalab.Settings(allow_reset=True)
    with chromalab.PersistentClient(folder, settings=settings) as client:
        many = client.get_collection("many")
        branch = many.fork("branch")
        assert search(branch, "w1 w7").terms == search(many, "w1 w7").terms
        assert len(index_files(folder)) == 3
        many.delete(ids=["m0"])
        many.compact(progress=False)
        assert len(index_files(folder)) == 1
        check(many, "w1 w7 w900", vector_of("w1 w7"), 10)
        client.delete_collection("many")
        assert len(index_files(folder)) == 1
        client.reset()
        assert index_files(folder) == []


def test_a_reader_that_began_before_a_write_keeps_its_answers(many):
    with many.engine.engine.store.read() as connection, ThreadPoolExecutor(1) as pool:
        before = many.engine.engine._open(connection, many.id)
        assert keyword_scores(before, "#document", "w900", 5, None).terms["w900"]
        first = keyword_scores(before, "#document", "w1 w900", 5, None)
        pool.submit(many.add, ["new"], [[0]], None, ["w900"]).result()
        pool.submit(many.delete, ["m0"]).result()
        assert pool.submit(search, many, "w900").result().terms != first.terms
        again = keyword_scores(before, "#document", "w1 w900", 5, None)
        assert again.positions.tolist() == first.positions.tolist()
        assert again.terms == first.terms


def test_threads_search_while_another_writes(many):
    def write():
        for at in range(40):
            many.add(ids=[f"t{at}"], embeddings=[[0]], documents=[f"zebra number {at}"])

    with ThreadPoolExecutor(3) as pool:
        done = pool.submit(write)
        counts = []
        while not done.done():
            counts += [
                found.result().terms["zebra"]
                for found in [pool.submit(search, many, "zebra") for _ in range(2)]
            ]
        done.result()
    assert search(many, "zebra").terms == {"zebra": 40}


@pytest.mark.parametrize("query", ["", "  ", "...", "\ud800", "w1 " * 5000, "\0", "水" * 3000])
def test_any_text_is_a_query(many, query):
    found = search(many, query)
    assert len(found.positions) == (10 if "w1" in query else 0)


def test_an_unknown_key_and_an_empty_collection_have_no_matches(client):
    empty = client.create_collection("empty", embedding_function=None)
    assert search(empty, "tea").terms == {"tea": 0}
    assert len(match(empty, SparseVector([1], [1.0]))[0]) == 0
    assert len(search(empty, "tea", key="missing").positions) == 0
    empty.add(ids=["a"], embeddings=[[0]], documents=["tea"])
    assert search(empty, "tea").positions.tolist() == [0]
    assert len(search(empty, "tea", k=0).positions) == 0


def test_a_damaged_sparse_vector_raises(tmp_path):
    import sqlite3

    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a"], embeddings=[[0]], metadatas=[{"words": SparseVector([1], [1.0])}])
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        stored = '{"words": {"#type": "sparse_vector", "indices": "x", "values": [1.0]}}'
        connection.execute("UPDATE records SET metadata = ?", (stored,))
    connection.close()
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.get_collection("points")
        with pytest.raises(errors.InternalError, match="metadata of a record is damaged"):
            match(points, SparseVector([1], [1.0]))


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("The wings of the aircraft", "WING", True),
        ("Straße", "strasse", True),
        ("\uff26\uff35\uff2c\uff2c", "full", True),  # full width
        ("l'eau chaude", "eau", True),
        ("snake_case", "case", True),
        ("機械学習のデータ", "学習", True),
        ("機械学習のデータ", "習", True),
        ("機械学習のデータ", "習学", False),
        ("ภาษาไทยอ่านง่าย", "ไทย", True),
        ("데이터를 찾는다", "데이터", True),
        ("\u0645\u06cc\u200c\u062e\u0648\u0631\u0645", "\u0645\u06cc\u062e\u0648\u0631\u0645", True),  # Persian
        ("a 💳 card", "💳", True),
        ("café", "cafe\u0301", True),
        ("teapot", "tea", False),
    ],
)  # fmt: skip
def test_words_of_many_languages_are_found(client, text, query, found):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(ids=["x", "a"], embeddings=[[0], [1]], documents=["nothing", text])
    assert search(notes, query).positions.tolist() == [1] * found
