"""What was deleted or overwritten is kept in the store, and comes back after anything but a compaction."""

import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

import chromalab
from chromalab.engine.disk import history
from chromalab.errors import InvalidArgumentError, NotFoundError, StoreNotWritableError

FIELDS = ["documents", "metadatas", "embeddings", "uris"]


@pytest.fixture
def client(tmp_path):
    with chromalab.PersistentClient(tmp_path / "store") as client:
        yield client


@pytest.fixture
def teas(client):
    teas = client.create_collection("teas", embedding_function=None)
    teas.add(
        ids=["a", "b", "c", "d"],
        embeddings=[[1, 0], [0, 1], [1, 1], [2, 2]],
        documents=["green", "black", None, "white"],
        metadatas=[{"kind": "leaf", "n": 1}, None, {"tags": ["x"]}, {"n": 1.0}],
        uris=["file:a", None, None, "file:d"],
    )
    return teas


def held(teas):
    found = teas.get(include=FIELDS)
    parts = [
        found["embeddings"].tolist(),
        *(found[part] for part in FIELDS if part != "embeddings"),
    ]
    return dict(zip(found["ids"], zip(*parts, strict=True), strict=True))


def rows(teas):
    return [(one.what, one.records, one.undone_by is not None) for one in teas.history()]


def change(folder, *statements):
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


UNDO = """
import sys, chromalab
teas = chromalab.PersistentClient(sys.argv[1]).get_collection("teas", embedding_function=None)
print(teas.undo())
"""


def test_an_undo_by_another_process_after_other_writes_restores_whole_records(
    client, teas, tmp_path
):
    before = held(teas)
    teas.delete(ids=["a", "c"])
    teas.update(ids=["b"], metadatas=[{"kind": "leaf"}], embeddings=[[5, 5]])
    teas.add(ids=["e"], embeddings=[[9, 9]])
    client.close()
    done = subprocess.run(
        [sys.executable, "-c", UNDO, str(tmp_path / "store")], capture_output=True, check=True
    )
    assert done.stdout == b"teas: 2 restored\n"
    with chromalab.PersistentClient(tmp_path / "store") as client:
        teas = client.get_collection("teas", embedding_function=None)
        assert list(held(teas)) == ["b", "d", "e", "a", "c"]
        assert {id: held(teas)[id] for id in "acd"} == {id: before[id] for id in "acd"}
        assert teas.query(query_embeddings=[[1, 0]], n_results=1)["ids"] == [["a"]]
        assert teas.get(where={"tags": {"$contains": "x"}})["ids"] == ["c"]
        assert teas.get(where_document={"$contains": "green"})["ids"] == ["a"]
        assert not client.check()


def test_a_client_that_has_read_the_records_sees_an_undo_elsewhere(teas, elsewhere, tmp_path):
    theirs = elsewhere(tmp_path / "store").get_collection("teas", embedding_function=None)
    before = held(theirs)
    teas.delete(where={"n": {"$gte": 0}})
    assert theirs.get(where={"n": 1})["ids"] == []
    teas.undo()
    assert held(theirs) == before
    assert theirs.get(where={"n": 1})["ids"] == ["a", "d"]


def test_the_history_lists_the_latest_first_and_says_what_was_done(teas):
    teas.delete(ids=["a", "nothing"])
    teas.delete(ids=["nothing"])
    teas.delete(where={"n": {"$gte": 0}}, where_document={"$contains": "white"})
    teas.undo()
    assert rows(teas) == [
        (
            "undo of 2: delete where {'n': {'$gte': 0}} where_document {'$contains': 'white'}",
            1,
            False,
        ),
        ("delete where {'n': {'$gte': 0}} where_document {'$contains': 'white'}", 1, True),
        ("delete ids ['a', 'nothing']", 1, False),
    ]
    assert list(teas.history().df()) == ["number", "when", "what", "records", "undone"]
    assert repr(teas.history()).startswith("teas: 3 operations in the history (times in UTC)\n")
    assert [one.version for one in teas.history()] == [4, 3, 2]


def test_hostile_texts_are_escaped_in_the_history(teas):
    teas.delete(ids=["<img src=x onerror=alert(1)>", "a"])
    assert "<img" not in teas.history()._repr_html_()


def test_each_undo_takes_the_operation_before_and_a_number_takes_any(teas):
    before = held(teas)
    for id in "abc":
        teas.delete(ids=[id])
    assert teas.undo(1).operation == 1
    assert sorted(held(teas)) == ["a", "d"]
    assert (teas.undo().operation, teas.undo().operation) == (3, 2)
    assert held(teas) == before
    with pytest.raises(NotFoundError, match="There is nothing to undo in collection 'teas'"):
        teas.undo()
    with pytest.raises(NotFoundError, match="No operation 77 in the history"):
        teas.undo(77)
    with pytest.raises(InvalidArgumentError, match="number must be an integer"):
        teas.undo("last")


def test_an_undo_can_be_undone_and_redone(teas):
    before = held(teas)
    done = teas.replace_records(
        delete=["b"], update={"ids": ["a"], "metadatas": [{"kind": "bush", "n": None}]}
    )
    after = held(teas)
    for _ in range(2):
        undone = teas.undo()
        assert (undone.operation, undone.restored, held(teas)) == (done.operation, 2, before)
        assert teas.undo(undone.number).restored == 2
        assert held(teas) == after


def test_an_undo_of_what_is_as_before_changes_nothing(teas):
    teas.delete(ids=["a"])
    teas.undo()
    version = teas.get_version()
    again = teas.undo(1)
    assert (again.restored, again.refused, repr(again)) == (0, (), "teas: nothing to restore")
    assert teas.get_version() == version


def test_records_that_others_wrote_since_stay_and_are_reported(teas):
    teas.delete(ids=["a", "b"])
    teas.add(ids=["b"], embeddings=[[7, 7]], documents=["another"])
    done = teas.undo()
    assert held(teas)["b"] == ([7, 7], "another", None, None)
    assert done.refused == (("b", "a record with this id was written since"),)
    assert repr(done) == (
        "teas: 1 of 2 restored; 1 left as they are now\n"
        "'b': a record with this id was written since"
    )
    teas.delete(ids=["b"])
    assert teas.undo(1).restored == 1  # its id is free now
    assert held(teas)["b"] == ([0, 1], "black", None, None)


def test_an_undo_of_an_undo_leaves_restored_records_that_were_changed(teas):
    teas.delete(ids=["a", "b"])
    undone = teas.undo()
    teas.update(ids=["a"], metadatas=[{"n": 5}])
    done = teas.undo(undone.number)
    assert (sorted(held(teas)), done.refused) == (["a", "c", "d"], (("a", "it was changed since"),))


@pytest.mark.parametrize("later", [2, 1.0, True, "x"])
def test_only_the_values_that_an_operation_wrote_are_changed_back(teas, later):
    update = {
        "ids": ["a", "c", "d"],
        "metadatas": [{"n": 1, "kind": "tea"}, {"tags": ["y"]}, {"n": 2}],
    }
    teas.replace_records(update=update)
    teas.update(ids=["a", "c"], metadatas=[{"n": later}, {"more": "x"}])
    teas.delete(ids=["d"])
    done = teas.undo(1)
    assert dict(done.refused) == {"d": "it was deleted since"}  # `n` of "a" was not changed by it
    assert held(teas)["a"][2] == {"kind": "leaf", "n": later}
    assert type(held(teas)["a"][2]["n"]) is type(later)
    assert held(teas)["c"][2] == {"tags": ["x"], "more": "x"}


def test_an_update_from_a_table_is_one_operation_and_is_undone_with_texts_and_vectors(client):
    class Length(chromalab.EmbeddingFunction):
        def __call__(self, input):
            return [[len(text), 1] for text in input]

    notes = client.create_collection("notes", embedding_function=Length())
    table = [{"id": f"n{n}", "text": "x" * (n + 1), "n": n} for n in range(20)]
    notes.add_from(table, batch_size=4)
    notes.add(ids=["bare"], embeddings=[[3, 3]])
    before = held(notes)
    changed = [{**row, "n": row["n"] + row["n"] % 2} for row in table]
    changed[4]["text"] = "x" * 40
    changed += [{"id": "bare", "text": "now a text", "n": 1}, {"id": "new", "text": "new", "n": 1}]
    assert notes.add_from(changed, batch_size=4, update=True).updated == 12
    assert held(notes)["n4"][:2] == ([40, 1], "x" * 40)
    assert rows(notes) == [("update from a table", 12, False)]
    assert notes.undo().restored == 12
    after = held(notes)
    assert after.pop("new")[1] == "new"  # nothing was there before, so nothing is lost
    assert after == before
    assert notes.query(query_embeddings=[[40, 1]], n_results=1)["ids"] == [["n19"]]
    assert notes.undo(notes.history().operations[0].number).restored == 12
    assert held(notes)["bare"][1] == "now a text"
    assert not client.check()


def test_updates_and_upserts_by_code_are_not_recorded(teas):
    teas.update(ids=["a"], documents=["new"], embeddings=[[3, 3]])
    teas.upsert(ids=["a"], embeddings=[[4, 4]])
    assert rows(teas) == []


def test_compaction_and_reembedding_empty_the_history(client, teas, tmp_path):
    teas.delete(ids=["a"])
    assert teas.compact().operations == 1
    teas.replace_records(update={"ids": ["b"], "metadatas": [{"n": 1}]})
    assert teas.compact().operations == 1  # although no row is dead
    assert rows(teas) == []
    with pytest.raises(NotFoundError, match=r"compact\(\) and reembed\(\) empty it"):
        teas.undo(1)
    teas.delete(ids=["b", "c"])
    assert teas.reembed(chromalab.embed.WordLlama()).operations == 1
    client.close()
    with sqlite3.connect(tmp_path / "store" / "store.sqlite3") as connection:
        assert connection.execute("SELECT id FROM records").fetchall() == [("d",)]
    connection.close()


def test_a_number_is_never_given_out_again(teas):
    teas.delete(ids=["a"])
    teas.compact()
    teas.delete(ids=["b"])
    assert teas.history().operations[0].number == 2


def test_the_history_goes_with_its_collection_and_not_into_a_fork(client, teas, tmp_path):
    teas.delete(ids=["a"])
    fork = teas.fork("fork")
    assert rows(fork) == []
    with pytest.raises(NotFoundError):
        fork.undo(1)
    fork.delete(ids=["b"])
    teas.undo()
    fork.undo()
    assert (sorted(held(teas)), sorted(held(fork))) == (["a", "b", "c", "d"], ["b", "c", "d"])
    client.delete_collection("teas")
    client.delete_collection("fork")
    with sqlite3.connect(tmp_path / "store" / "store.sqlite3") as connection:
        for table in ("records", "operations", "replaced"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608
    connection.close()


def test_the_oldest_operations_are_dropped_and_the_latest_is_kept(client, teas, monkeypatch):
    monkeypatch.setattr(history, "_MOST", 300)  # records; an operation counts as at least 100
    for id in "abc":
        teas.delete(ids=[id])
    assert [one.number for one in teas.history()] == [3, 2, 1]
    teas.delete(ids=["d"])
    assert [one.number for one in teas.history()] == [4, 3, 2]
    numbers = range(500)
    teas.add(ids=[f"n{n}" for n in numbers], embeddings=[[n, n] for n in numbers])
    teas.delete(where_document={"$not_contains": "x"})
    assert [(one.number, one.records) for one in teas.history()] == [(5, 500)]
    assert teas.undo().restored == 500
    assert not client.check()


def test_a_store_that_is_open_for_reading_shows_the_history_and_refuses_an_undo(
    client, teas, tmp_path, monkeypatch
):
    teas.delete(ids=["a"])
    client.close()
    monkeypatch.setattr("chromalab.engine.disk.store.is_writable", lambda *_: False)
    with chromalab.PersistentClient(tmp_path / "store") as reading:
        teas = reading.get_collection("teas", embedding_function=None)
        assert rows(teas) == [("delete ids ['a']", 1, False)]
        with pytest.raises(StoreNotWritableError):
            teas.undo()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            "UPDATE operations SET what = 'delete nothing'",
            "1 operation of the history: not as written",
        ),
        ("UPDATE operations SET at = 'today'", "1 operation of the history: not as written"),
        ("UPDATE operations SET version = 99", "1 operations of the history have a future version"),
        ("UPDATE replaced SET written = '{}'", "1 replaced value of the history: not as written"),
        ("UPDATE replaced SET metadata = CAST(x'ff' AS TEXT)", "1 replaced value of the history"),
        ("UPDATE operations SET collection = 7", "belong to a missing collection"),
        ("UPDATE replaced SET collection = 7", "1 rows of replaced belong to a missing collection"),
        ("DELETE FROM operations", "1 rows of records belong to a missing collection"),
    ],
)
def test_check_reports_a_damaged_history(client, teas, tmp_path, statement, what):
    teas.replace_records(delete=["a"], update={"ids": ["b"], "metadatas": [{"n": 1}]})
    client.close()
    change(tmp_path / "store", statement)
    with chromalab.PersistentClient(tmp_path / "store") as again:
        assert what in repr(again.check())


def test_what_is_damaged_is_not_restored(client, teas, tmp_path):
    teas.replace_records(delete=["a", "c"], update={"ids": ["b"], "metadatas": [{"n": 1}]})
    client.close()
    change(
        tmp_path / "store",
        "UPDATE records SET document = 'theirs' WHERE id = 'a'",
        "UPDATE records SET slot = 99 WHERE id = 'c'",
        "UPDATE replaced SET metadata = '{\"n\": 5}'",
    )
    with chromalab.PersistentClient(tmp_path / "store") as again:
        teas = again.get_collection("teas", embedding_function=None)
        done = teas.undo()
        assert dict(done.refused) == dict.fromkeys("abc", "what was kept of it is damaged")
        assert sorted(held(teas)) == ["b", "d"]


def test_a_damaged_vector_is_not_restored(client, teas, tmp_path):
    teas.delete(ids=["a"])
    client.close()
    (file,) = (tmp_path / "store" / "vectors").iterdir()
    shutil.copy(file, tmp_path / "copy")
    data = bytearray(file.read_bytes())
    data[0] ^= 4
    file.write_bytes(data)
    with chromalab.PersistentClient(tmp_path / "store") as again:
        teas = again.get_collection("teas", embedding_function=None)
        assert teas.undo().refused == (("a", "what was kept of it is damaged"),)


def test_random_operations_are_undone_in_reverse_to_every_earlier_state(client):
    rng = np.random.default_rng(3)
    points = client.create_collection("points", embedding_function=None)
    ids = [f"p{n}" for n in range(30)]
    points.add(ids=ids, embeddings=rng.standard_normal((30, 4)), documents=ids)
    states = []
    for step in range(25):
        before = held(points)
        chosen = [str(id) for id in rng.choice(ids, 4, replace=False)]
        metadatas = [{"step": step, "n": int(rng.integers(3)) or None} for _ in chosen[2:]]
        update = {"ids": chosen[2:], "metadatas": metadatas}
        done = points.replace_records(delete=chosen[: 1 + step % 2], update=update)
        states += [before] if done.operation else []  # otherwise all were deleted already
    assert len(states) > 15
    while states:
        points.undo()
        assert held(points) == states.pop()
    assert not client.check()
