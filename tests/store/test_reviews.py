"""Decisions are stored so that they can be undone, and undo never overwrites later work."""

import json
import subprocess
import sys

import pytest

import chromalab
from chromalab.errors import InvalidArgumentError, NotFoundError
from chromalab.feedback import Decisions


@pytest.fixture
def teas(client):
    return filled(client)


def filled(client):
    teas = client.create_collection("teas", embedding_function=None)
    teas.add(
        ids=["a", "b", "c"],
        embeddings=[[1, 0], [0, 1], [1, 1]],
        documents=["green", "black", "white"],
        metadatas=[{"kind": "leaf"}, None, {"n": 1}],
    )
    return teas


def held(teas):
    found = teas.get(include=["documents", "metadatas", "embeddings"])
    parts = (found["documents"], found["metadatas"], found["embeddings"].tolist())
    return {id: part for id, *part in zip(found["ids"], *parts, strict=True)}


def label(*ids, value="tea"):
    return {"ids": list(ids), "metadatas": [{"kind": value, "guess": None} for _ in ids]}


# The process dies, as by SIGKILL, when SQLite is asked to remove the decision, before the commit.
DIES = """
import os, sys, chromalab
from chromalab.feedback import Decisions
client = chromalab.PersistentClient(sys.argv[1])
decisions = Decisions(client.get_collection("teas"), "some")
connection = client._engine.engine.store._connection()
connection.set_trace_callback(lambda sql: "DELETE FROM attachments" in sql and os._exit(7))
decisions.undo()
"""


# The process ends in `add`, after a statement of its one transaction.
ENDS = """
import json, os, signal, sys, chromalab
from chromalab.feedback import Decisions
folder, statement, end, change = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)
client = chromalab.PersistentClient(folder)
decisions = Decisions(client.get_collection("teas"), "some")
statements = ['']
def look(frame, event, arg):
    if event == "c_return" and arg.__name__ == "execute" and statements[-1].startswith(statement):
        sys.setprofile(None)
        os._exit(7) if end == "killed" else signal.raise_signal(signal.SIGINT)
client._engine.engine.store._connection().set_trace_callback(statements.append)
sys.setprofile(look)
try:
    decisions.add("", "do", **json.loads(change))
except KeyboardInterrupt:
    sys.exit(7)
"""


def ends_in_add(folder, statement, end, change):
    script = [sys.executable, "-c", ENDS, str(folder), statement, end, json.dumps(change)]
    assert subprocess.run(script).returncode == 7


def dies_in_undo(folder):
    assert subprocess.run([sys.executable, "-c", DIES, str(folder)]).returncode == 7


CHANGES = [
    {"delete": ["b"]},
    {"update": label("a", "c")},
    {"delete": ["b"], "update": label("a", "b")},
]


@pytest.mark.parametrize("end", ["killed", "interrupted"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_decision_that_ended_after_the_records_changed_can_be_undone(tmp_path, change, end):
    with chromalab.PersistentClient(tmp_path) as client:
        before = held(filled(client))
    ends_in_add(tmp_path, "COMMIT", end, change)
    with chromalab.PersistentClient(tmp_path) as client:
        teas = client.get_collection("teas")
        decisions = Decisions(teas, "some")
        assert [kept.version for kept in decisions] == [teas.get_version()]
        assert held(teas) != before
        assert decisions.undo().left == 0
        assert (held(teas), len(decisions)) == (before, 0)


@pytest.mark.parametrize("end", ["killed", "interrupted"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_decision_that_ended_before_the_commit_leaves_nothing(tmp_path, change, end):
    with chromalab.PersistentClient(tmp_path) as client:
        before = held(filled(client))
    ends_in_add(tmp_path, "INSERT INTO attachments", end, change)
    with chromalab.PersistentClient(tmp_path) as client:
        teas = client.get_collection("teas")
        assert (held(teas), len(Decisions(teas, "some")), len(teas.history())) == (before, 0, 0)


@pytest.mark.parametrize("change", CHANGES)
def test_the_stored_version_is_the_one_after_the_change(teas, change):
    kept = Decisions(teas, "some").add("", "do", **change)
    assert [kept] == list(Decisions(teas, "some"))
    assert kept.version == teas.get_version()
    undone = Decisions(teas, "some").undo()
    assert (undone.seen, undone.version) == (kept.version, teas.get_version())


@pytest.mark.parametrize(
    ("write", "change", "left", "kind"),
    [  # the other write comes before the decision, or before its undo
        (1, {"delete": ["b"]}, 0, {"kind": "bush"}),
        (1, {"update": label("a", "b")}, 0, {"kind": "bush"}),
        (2, {"delete": ["b"]}, 0, None),
        (2, {"update": label("a", "b")}, 1, {"kind": "bush"}),
    ],
)
def test_concurrent_writes_survive_an_undo(tmp_path, elsewhere, write, change, left, kind):
    with chromalab.PersistentClient(tmp_path) as client:
        teas = filled(client)
        theirs, begun = elsewhere(tmp_path).get_collection("teas"), []

        def write_between(sql):
            begun.extend([sql] if sql == "BEGIN IMMEDIATE" else [])
            if sql == "BEGIN IMMEDIATE" and len(begun) == write:
                theirs.update(ids=["b"], metadatas=[{"kind": "bush"}])

        client._engine.engine.store._connection().set_trace_callback(write_between)
        decisions = Decisions(teas, "some")
        decisions.add("", "do", **change)
        assert len(decisions) == 1
        assert decisions.undo().left == left
        assert (held(teas)["b"][1], held(teas)["a"][1]) == (kind, {"kind": "leaf"})


def test_a_decision_on_an_earlier_version_is_refused_and_not_stored(teas):
    decisions = Decisions(teas, "some")
    with pytest.raises(InvalidArgumentError, match="has changed since"):
        decisions.add("", "do", delete=["b"], version=teas.get_version() - 1)
    assert (len(decisions), teas.count()) == (0, 3)
    assert len(teas.history()) == 0


@pytest.mark.parametrize("change", CHANGES)
def test_an_undo_that_died_halfway_has_changed_nothing(tmp_path, change):
    with chromalab.PersistentClient(tmp_path) as client:
        teas = filled(client)
        before = held(teas)
        decisions = Decisions(teas, "some")
        decisions.add("first", "skip")
        decisions.add("second", "do", **change)
        after = held(teas)
        assert after != before
    dies_in_undo(tmp_path)
    with chromalab.PersistentClient(tmp_path) as client:
        teas = client.get_collection("teas")
        decisions = Decisions(teas, "some")
        assert (held(teas), len(decisions)) == (after, 2)
        undone = decisions.undo()
        assert (undone.item, undone.left, undone.version) == ("second", 0, teas.get_version())
        assert (decisions.undo().item, len(decisions), held(teas)) == ("first", 0, before)


def test_writes_after_an_undo_that_died_are_preserved(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        decisions = Decisions(filled(client), "some")
        decisions.add("", "do", delete=["b"], update=label("a"))
    dies_in_undo(tmp_path)
    with chromalab.PersistentClient(tmp_path) as client:
        teas = client.get_collection("teas")
        teas.update(ids=["a"], metadatas=[{"kind": "bush"}])
        decisions = Decisions(teas, "some")
        assert (decisions.undo().left, len(decisions)) == (1, 0)
        assert held(teas)["a"][1] == {"kind": "bush"}


@pytest.mark.parametrize("later", ["bush", 1.0, True, None])
def test_values_written_after_the_decision_are_left_and_counted(teas, later):
    decisions = Decisions(teas, "some")
    decisions.add("", "accept", update=label("a", "b", "c", value=1))
    teas.update(ids=["b"], metadatas=[{"kind": later, "more": "x"}])
    changed = held(teas)["b"]
    assert decisions.undo().left == (0 if later is None else 1)  # There was no value before.
    assert held(teas)["b"] == changed
    assert held(teas)["a"][1] == {"kind": "leaf"}
    assert held(teas)["c"][1] == {"n": 1}


def test_a_record_with_one_of_two_values_changed_is_left_unchanged(teas):
    teas.update(ids=["a"], metadatas=[{"guess": "old"}])
    decisions = Decisions(teas, "some")
    decisions.add("a", "label", update=label("a"))
    teas.update(ids=["a"], metadatas=[{"kind": "mine"}])
    assert decisions.undo().left == 1
    assert held(teas)["a"][1] == {"kind": "mine"}


def test_other_keys_may_change_and_records_may_be_deleted(teas):
    decisions = Decisions(teas, "some")
    decisions.add("", "accept", update=label("a", "b"))
    teas.update(ids=["a"], metadatas=[{"n": 2}])
    teas.delete(ids=["b"])
    assert decisions.undo().left == 1
    assert held(teas)["a"][1] == {"kind": "leaf", "n": 2}


def test_a_sparse_vector_is_restored(teas):
    words = chromalab.SparseVector([1, 3], [0.5, 1.0])
    teas.update(ids=["a"], metadatas=[{"kind": words}])
    decisions = Decisions(teas, "some")
    decisions.add("a", "label", update=label("a"))
    assert decisions.undo().left == 0
    assert held(teas)["a"][1] == {"kind": words}


def test_a_deletion_is_undone_after_other_writes_unless_the_id_is_taken(teas):
    decisions = Decisions(teas, "some")
    before = held(teas)
    for taken in (False, True):
        decisions.add("b", "delete", delete=["b"])
        teas.upsert(ids=["d"], embeddings=[[2, 2]])
        if taken:
            teas.add(ids=["b"], embeddings=[[3, 3]], documents=["another b"])
        assert decisions.undo().left == taken
        assert held(teas)["b"] == (["another b", None, [3, 3]] if taken else before["b"])
    assert len(decisions) == 0


def test_a_decision_that_has_left_the_history_is_kept_and_gives_the_reason(teas):
    decisions = Decisions(teas, "some")
    decisions.add("b", "delete", delete=["b"])
    teas.compact()
    with pytest.raises(NotFoundError, match=r"compact\(\) and reembed\(\) empty it"):
        decisions.undo()
    assert decisions.clear() == 1


def test_an_undo_of_the_collection_takes_back_the_decision(teas):
    decisions = Decisions(teas, "some", by="ada")
    decisions.add("a", "skip")
    decisions.add("", "apply", "1 deleted", delete=["b"])
    assert teas.history().operations[0].what == "review of some: apply: 1 deleted"
    teas.undo()
    assert [decision.choice for decision in decisions] == ["skip"]
    assert teas.count() == 3
