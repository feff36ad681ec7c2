"""Attachments, the data stored beside the records: each call writes all of its changes or none."""

import json
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

import chromalab
from chromalab import errors
from chromalab.engine import Attachment, EmbeddedEngine, Scope


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def client(folder):
    with chromalab.PersistentClient(folder) as client:
        yield client


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a", "b"], embeddings=[[0, 1], [2, 3]])
    return points


def attach(collection, *add, remove=()):
    return collection.engine.attach(collection.id, add=add, remove=remove)


def stored(collection, kind="note"):
    return collection.engine.attachments(collection.id, kind)


def bodies(collection, kind="note"):
    return [attachment.body["n"] for attachment in stored(collection, kind)]


def note(n, name=None, data=None):
    return Attachment("note", {"n": n, "text": "é 漢字 '; DROP TABLE attachments"}, name, data)


def change(folder, sql, *values):
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        connection.execute(sql, values)
    connection.close()


def test_attachments_of_a_kind_are_read_back_complete_and_in_order(points):
    assert stored(points) == []
    numbers = attach(points, note(1, data=b"\0\xff"), Attachment("live", {}, "live"), note(2, "x"))
    assert numbers == sorted(numbers)
    first, second = stored(points)
    assert (first.number, second.number) == (numbers[0], numbers[2])
    assert (first.data, second.data) == (b"\0\xff", None)
    assert (first.name, second.name) == (None, "x")
    assert first.body == {"n": 1, "text": "é 漢字 '; DROP TABLE attachments"}
    assert [a.name for a in stored(points, "live")] == ["live"]
    assert stored(points, "'; --") == []


def test_attachments_after_a_number_are_read_with_all_numbers(client, points):
    engine, id = points.engine, points.id
    assert engine.attachments_since(id, "note", 0) == ([], [])
    first, other, second = attach(points, note(1), Attachment("live", {}), note(2))
    assert engine.attachments_since(id, "note", 0) == ([first, second], stored(points))
    assert engine.attachments_since(id, "note", first) == ([first, second], stored(points)[1:])
    assert engine.attachments_since(id, "note", second) == ([first, second], [])
    attach(points, remove=[first])
    assert engine.attachments_since(id, "note", second) == ([second], [])
    assert engine.attachments_since(id, "live", 0)[0] == [other]
    client.delete_collection("points")
    with pytest.raises(errors.NotFoundError, match="was deleted"):
        engine.attachments_since(id, "note", 0)


def test_attaching_does_not_change_the_version(points):
    before = points.get_version(), points.snapshot()
    attach(points, note(1))
    assert points.get_version() == before[0]
    assert not before[1].is_stale


def test_removing_a_missing_attachment_raises_and_writes_nothing(client, points):
    (number,) = attach(points, note(1))
    other = client.create_collection("other", embedding_function=None)
    for wrong in (number + 7, 0, -1, 2**70):
        with pytest.raises(errors.NotFoundError, match="removed, possibly by another process"):
            attach(points, note(2), remove=[number, wrong])
    with pytest.raises(errors.NotFoundError):
        attach(other, note(2), remove=[number])
    with pytest.raises(errors.NotFoundError):
        attach(points, remove=[number, number])
    assert bodies(points) == [1]
    assert bodies(other) == []
    assert attach(points, note(2), remove=[number]) == [number + 1]
    assert bodies(points) == [2]


def test_a_name_is_unique_per_kind_and_freed_by_a_removal_in_the_same_call(client, points):
    (number,) = attach(points, note(1, "x"))
    with pytest.raises(errors.UniqueConstraintError, match="already has a note 'x'"):
        attach(points, note(2), note(3, "x"))
    assert bodies(points) == [1]
    attach(points, Attachment("live", {"n": 9}, "x"), note(3, "x"), remove=[number])
    assert bodies(points) == [3]
    attach(client.create_collection("other", embedding_function=None), note(4, "x"))


@pytest.mark.parametrize(
    "body", [{"n": float("nan")}, {"n": object()}, {"n": "\ud800"}, {"n": b"x"}]
)
def test_a_body_that_json_cannot_represent_is_rejected(points, body):
    with pytest.raises(
        errors.InvalidArgumentError, match=r"representable as JSON.*Nothing was written"
    ):
        attach(points, note(1), Attachment("note", body))
    assert stored(points) == []


def test_attachments_survive_reopening_compaction_and_reembedding(client, points, folder, function):
    attach(points, note(1, data=b"x"))
    points.update(ids=["a"], embeddings=[[7, 7]], documents=["tea"])
    points.update(ids=["b"], embeddings=[[8, 8]], documents=["walk"])
    points.compact()
    points.reembed(embedding_function=function, progress=False)
    client.close()
    with chromalab.PersistentClient(folder) as again:
        assert bodies(again.get_collection("points")) == [1]
        assert not again.check()


def test_attachments_are_deleted_with_the_collection_the_database_and_the_store(
    client, points, folder
):
    attach(points, note(1))
    client.delete_collection("points")
    with pytest.raises(errors.NotFoundError, match="was deleted"):
        stored(points)
    with pytest.raises(errors.NotFoundError, match="was deleted"):
        attach(points, note(1))
    with pytest.raises(errors.NotFoundError):
        client._engine.attachments(uuid4(), "note")
    with chromalab.AdminClient(client.get_settings()) as admin:
        admin.create_database("other")
        client.set_database("other")
        attach(client.create_collection("points", embedding_function=None), note(2))
        admin.delete_database("other")
    client.set_database("default_database")
    assert count(folder) == 0
    attach(client.create_collection("points", embedding_function=None), note(2))
    client._engine.reset()
    assert count(folder) == 0


def count(folder):
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        (found,) = connection.execute("SELECT count(*) FROM attachments").fetchone()
    connection.close()
    return found


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("UPDATE attachments SET body = ?", "{"),
        ("UPDATE attachments SET body = ?", "[1]"),
        ("UPDATE attachments SET body = ?", "[" * 100_000),
        ("UPDATE attachments SET body = ?", b"\xff{}"),
        ("UPDATE attachments SET body = ?", '{"n": ' + "9" * 10_000 + "}"),
        ("UPDATE attachments SET body = CAST(? AS TEXT)", b"\xff{}"),
        ("UPDATE attachments SET data = ?", 7),
        ("UPDATE attachments SET data = ?", "text"),
        ("UPDATE attachments SET name = ?", b"\xff"),
        ("UPDATE attachments SET name = CAST(? AS TEXT)", b"\xff"),
    ],
)
def test_malformed_rows_are_reported_as_damage(client, points, folder, sql, value):
    attach(points, note(1))
    client.close()
    change(folder, sql, value)
    with chromalab.PersistentClient(folder) as again:
        points = again.get_collection("points")
        with pytest.raises(errors.InternalError):
            stored(points)
        (problem,) = again.check()
        assert problem.what == "1 attachment of the kind 'note': not as written (numbers 1)"
        assert points.count() == 2
        attach(points, remove=[1])
        assert not again.check()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE attachments SET body = replace(body, '1', '2')",
        "UPDATE attachments SET data = x'00'",
        "UPDATE attachments SET name = 'y'",
        "UPDATE attachments SET kind = 'live'",
        "UPDATE attachments SET checksum = NULL",
    ],
)
def test_check_detects_a_well_formed_change_by_its_checksum(client, points, folder, sql):
    attach(points, note(1, "x", b"y"))
    assert not client.check()
    change(folder, sql)
    (problem,) = client.check()
    assert "not as written" in problem.what


def test_check_reports_attachments_of_a_missing_collection(client, points, folder):
    attach(points, note(1))
    change(folder, "UPDATE attachments SET collection = 77")
    (problem,) = client.check()
    assert problem.what == "1 rows of attachments belong to a missing collection"


ADD = """
import sys, chromalab
from chromalab.engine import Attachment
points = chromalab.PersistentClient(sys.argv[1]).get_collection("points")
print("ready", flush=True)
sys.stdin.readline()
for n in range(30):
    points.engine.attach(points.id, add=[Attachment("note", {"n": f"{sys.argv[2]} {n}"})] * 2)
"""


def test_threads_and_processes_that_add_concurrently_lose_nothing(points, folder):
    others = [
        subprocess.Popen(
            [sys.executable, "-c", ADD, str(folder), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    for other in others:
        assert other.stdout.readline() == "ready\n"
    for other in others:
        other.stdin.write("go\n")
        other.stdin.flush()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: attach(points, note(f"thread {n}")), range(40)))
    for other in others:
        other.communicate(timeout=60)
        assert other.returncode == 0
    found = bodies(points)
    assert len(found) == 40 + 2 * 60
    for name, total in (("thread", 40), ("one", 30), ("two", 30)):
        assert {n for n in found if n.startswith(name)} == {f"{name} {n}" for n in range(total)}
    assert [n for n in found if n.startswith("one")] == [f"one {n // 2}" for n in range(60)]


def test_a_killed_process_loses_nothing_that_was_acknowledged(points, folder):
    child = subprocess.Popen(
        [sys.executable, "-c", ADD.replace("range(30)", "range(10**6)").replace(
            '"})] * 2)', '"})] * 2); print(n, flush=True)'
        ), str(folder), "killed"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    child.stdin.write("go\n")
    child.stdin.flush()
    assert child.stdout.readline() == "ready\n"
    for n in range(5):
        assert child.stdout.readline() == f"{n}\n"
    child.kill()
    acknowledged = 5 + len(child.communicate(timeout=60)[0].splitlines())
    found = bodies(points)
    assert len(found) in (2 * acknowledged, 2 * acknowledged + 2)
    assert found == [f"killed {n // 2}" for n in range(len(found))]


NAMES = st.sampled_from([None, None, "x", "y"])


class Attachments(RuleBasedStateMachine):
    """Compares collections that two engines attach to, fork and delete with dicts."""

    collections = Bundle("collections")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        settings = chromalab.Settings(is_persistent=True, persist_directory=self.folder.name)
        self.engines = [EmbeddedEngine(Path(self.folder.name), durability="off") for _ in range(2)]
        self.clients = [chromalab.ClientAPI(engine, Scope(), settings) for engine in self.engines]
        self.expected = {}
        self.last = 0

    def teardown(self):
        for client in self.clients:
            client.close()
        self.folder.cleanup()

    @rule(target=collections)
    def create(self):
        made = self.clients[0].create_collection(
            f"made-{len(self.expected)}", embedding_function=None
        )
        self.expected[made.id] = {}
        return made

    @rule(
        collection=collections,
        by=st.integers(0, 1),
        names=st.lists(NAMES, max_size=3),
        data=st.data(),
    )
    def attach(self, collection, by, names, data):
        there = self.expected[collection.id]
        if there is None:
            with pytest.raises(errors.NotFoundError):
                self.engines[by].attach(collection.id)
            return
        remove = data.draw(st.lists(st.sampled_from([*there, 999]), max_size=2)) if there else []
        add = [
            Attachment("note", {"n": n}, name, json.dumps(n).encode())
            for n, name in enumerate(names)
        ]
        left = {number: a for number, a in there.items() if number not in remove}
        taken = [a.name for a in [*left.values(), *add] if a.name is not None]
        if len(set(remove)) < len(remove) or not set(remove) <= there.keys():
            with pytest.raises(errors.NotFoundError):
                self.engines[by].attach(collection.id, add=add, remove=remove)
        elif len(set(taken)) < len(taken):
            with pytest.raises(errors.UniqueConstraintError):
                self.engines[by].attach(collection.id, add=add, remove=remove)
        else:
            numbers = self.engines[by].attach(collection.id, add=add, remove=remove)
            assert all(number > max(there, default=0) for number in numbers)
            self.expected[collection.id] = left | dict(zip(numbers, add, strict=True))

    @rule(target=collections, collection=collections)
    def fork(self, collection):
        there = self.expected[collection.id]
        if there is None:
            return collection
        made = collection.fork(f"made-{len(self.expected)}")
        found = self.engines[1].attachments(made.id, "note")
        numbers = [attachment.number for attachment in found]
        self.expected[made.id] = dict(zip(numbers, there.values(), strict=True))
        return made

    @rule(collection=collections)
    def delete(self, collection):
        if self.expected[collection.id] is not None:
            self.clients[1].delete_collection(collection.name)
            self.expected[collection.id] = None

    @invariant()
    def both_engines_read_the_attachments(self):
        for id, there in self.expected.items():
            for engine in self.engines if there is not None else ():
                found = engine.attachments(id, "note")
                assert [a.number for a in found] == list(there)
                assert [(a.body, a.name, a.data) for a in found] == [
                    (a.body, a.name, a.data) for a in there.values()
                ]


Attachments.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestAttachments = Attachments.TestCase
