"""`written_at` is the time of the latest version: every write, and nothing else, sets it in its transaction."""

from datetime import datetime, timedelta, timezone

import pytest

import chromalab
from chromalab.errors import InvalidDimensionException

WRITES = {
    "add": lambda notes: notes.add(ids=["c"], documents=["chalk"]),
    "upsert": lambda notes: notes.upsert(ids=["a"], documents=["green tea"]),
    "update": lambda notes: notes.update(ids=["a"], metadatas=[{"n": 3}]),
    "delete": lambda notes: notes.delete(ids=["a"]),
    "add_from": lambda notes: notes.add_from(["one", "two"], batch_size=1),
    "replace": lambda notes: notes.replace_records(delete=["a"]),
    "modify": lambda notes: notes.modify(name="other"),
    "reembed": lambda notes: notes.reembed(lambda texts: [[0, 1]] * len(texts)),
    "compact": lambda notes: notes.compact(progress=False),
}
OTHERS = {
    "add": lambda notes: notes.add(ids=["a"], documents=["another tea"]),
    "update": lambda notes: notes.update(ids=["z"], metadatas=[{"n": 3}]),
    "delete": lambda notes: notes.delete(where={"n": 9}),
    "feedback": lambda notes: notes.feedback.add("tea", "a", True),
    "query": lambda notes: notes.query(query_texts=["tea"]),
    "fork": lambda notes: notes.fork("trial").delete(ids=["a"]),
}


@pytest.fixture
def notes(client, function):
    notes = client.create_collection("notes", embedding_function=function)
    assert notes.written_at is None
    notes.add(ids=["a", "b"], documents=["tea", "a long walk"], metadatas=[{"n": 1}, {"n": 2}])
    notes.update(ids=["b"], documents=["a walk"])  # leaves a dead row for `compact`
    return notes


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_sets_the_time(notes, write):
    earlier, version = notes.written_at, notes.get_version()
    before = datetime.now(timezone.utc)
    write(notes)
    assert notes.get_version() > version
    assert earlier <= before <= notes.written_at <= datetime.now(timezone.utc)
    assert notes.written_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("call", OTHERS.values(), ids=OTHERS)
def test_calls_that_write_no_record_leave_the_time_unchanged(notes, call):
    before = notes.written_at
    call(notes)
    assert notes.written_at == before


def test_a_failed_write_leaves_the_time_unchanged(notes):
    before = notes.written_at
    with pytest.raises(InvalidDimensionException):
        notes.add(ids=["c"], embeddings=[[1, 2, 3]])
    assert notes.written_at == before


def test_a_fork_is_dated_by_its_creation(client, notes):
    trial = notes.fork("trial")
    assert notes.written_at < trial.written_at
    assert client.create_collection("empty").fork("none").written_at is None


def test_another_process_and_a_reopened_client_read_the_time(tmp_path, elsewhere):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        theirs = elsewhere(tmp_path).get_collection("points")
        theirs.add(ids=["a"], embeddings=[[0, 1]])
        written = theirs.written_at
        assert points.written_at == written
    with chromalab.PersistentClient(tmp_path) as client:
        assert client.list_collections()[0].get_model().written_at == written
