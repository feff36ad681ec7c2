"""Deduplication of a collection, and its undo."""

import pytest

import chromalab
from chromalab.analytics.dedupe import dedupe
from chromalab.errors import InvalidArgumentError

TEXTS = [
    "green tea from Japan",
    "Green tea from Japan!",
    "a stone",
    "green tea, from Japan",
    "chalk",
]
EMBEDDINGS = [[1, 0, 0], [1, 0.01, 0], [0, 1, 0], [1, 0, 0.01], [0, 0, 1]]
METADATAS = [{"a": 1}, {"a": 2, "b": 2}, {"c": 1}, {"b": 3, "d": True}, {"duplicate_of": "old"}]


@pytest.fixture
def teas():
    with chromalab.EphemeralClient() as client:
        made = client.create_collection("teas", embedding_function=None)
        ids = ["a", "b", "c", "d", "e"]
        uris = [f"file:{id}" for id in ids]
        made.add(ids=ids, embeddings=EMBEDDINGS, documents=TEXTS, metadatas=METADATAS, uris=uris)
        yield made


def everything(collection):
    got = collection.get(include=["embeddings", "documents", "metadatas", "uris"])
    parts = zip(got["embeddings"], got["documents"], got["metadatas"], got["uris"], strict=True)
    return {
        id: (list(map(float, vector)), *rest)
        for id, (vector, *rest) in zip(got["ids"], parts, strict=True)
    }


def test_delete_leaves_the_representatives_and_undo_restores_the_others(teas):
    before = everything(teas)
    done = dedupe(teas).apply()
    assert repr(done) == "teas: 2 deleted; undo() or %chroma undo teas 1 restores them"
    assert sorted(everything(teas)) == ["a", "c", "e"]
    done.undo()
    assert everything(teas) == before


def test_mark_writes_the_representative_and_undo_removes_it(teas):
    before = everything(teas)
    done = dedupe(teas).apply("mark")
    assert (done.marked, done.deleted) == (2, 0)
    marked = {id: parts[2] for id, parts in everything(teas).items()}
    assert marked["b"] == {"a": 2, "b": 2, "duplicate_of": "a"}
    assert marked["e"] == {"duplicate_of": "old"}
    done.undo()
    assert everything(teas) == before


def test_merge_completes_the_metadata_of_the_representative(teas):
    before = everything(teas)
    done = dedupe(teas).apply("merge")
    assert (done.deleted, done.merged) == (2, 1)
    assert everything(teas)["a"][2] == {"a": 1, "b": 2, "d": True}
    done.undo()
    assert everything(teas) == before


def test_mark_overwrites_a_field_and_undo_restores_its_value(teas):
    before = everything(teas)
    done = dedupe(teas).apply("mark", field="b")
    assert everything(teas)["b"][2]["b"] == "a"
    done.undo()
    assert everything(teas) == before


@pytest.mark.parametrize("mode", ["delete", "mark", "merge"])
def test_a_dry_run_counts_and_changes_nothing(teas, mode):
    before, version = everything(teas), teas.get_version()
    done = dedupe(teas).apply(mode, dry_run=True)
    assert done.deleted + done.marked == 2
    assert f"2 would be {mode.rstrip('e')}ed" in repr(done) or mode == "merge"
    assert everything(teas) == before
    assert teas.get_version() == version
    with pytest.raises(InvalidArgumentError, match="nothing to undo"):
        done.undo()


def test_a_collection_that_has_changed_is_left_unchanged(teas):
    found = dedupe(teas)
    teas.update(ids=["c"], metadatas=[{"c": 2}])
    with pytest.raises(InvalidArgumentError, match="has changed since"):
        found.apply()
    assert teas.count() == 5


def test_an_array_cannot_be_deduplicated():
    with pytest.raises(InvalidArgumentError, match="apply needs records of a chromalab collection"):
        dedupe(EMBEDDINGS).apply()


def test_an_invalid_mode_or_field_raises(teas):
    with pytest.raises(InvalidArgumentError, match="got 'drop'"):
        dedupe(teas).apply("drop")
    with pytest.raises(InvalidArgumentError, match="got ''"):
        dedupe(teas).apply("mark", field="")


def test_without_duplicates_nothing_is_done(teas):
    teas.delete(ids=["b", "d"])
    version = teas.get_version()
    assert repr(dedupe(teas).apply()) == "teas: nothing to do"
    assert teas.get_version() == version


def test_only_exact_and_agreed_pairs_are_removed_by_default(teas):
    teas.add(ids=["f"], embeddings=[[0, 0.5, 1]], documents=["gren tea from Japan"])
    found = dedupe(teas)
    assert found.groups() == [["a", "b", "d", "f"]]
    would = found.apply(dry_run=True)
    assert (would.deleted, would.left, would.groups) == (2, 1, (("a", "b", "d"),))
    assert "b, d -> a" in repr(would)
    assert "1 duplicate that only one method finds left alone" in repr(would)
    done = found.apply()
    assert sorted(teas.get()["ids"]) == ["a", "c", "e", "f"]
    done.undo()
    assert dedupe(teas).apply(pairs="all").deleted == 3
    with pytest.raises(InvalidArgumentError, match="'agreed' or 'all'; got 'some'"):
        found.apply(pairs="some")


def test_undo_restores_records_although_others_were_written_since(teas):
    before = everything(teas)
    done = dedupe(teas).apply()
    teas.update(ids=["c"], metadatas=[{"c": 2}])
    teas.add(ids=["g"], embeddings=[[1, 1, 1]], documents=["new"])
    back = done.undo()
    assert (back.restored, back.refused) == (2, ())
    now = everything(teas)
    assert {id: now[id] for id in ("a", "b", "d", "e")} == {id: before[id] for id in "abde"}
    assert now["c"][2] == {"c": 2}


def test_undo_refuses_only_the_records_that_clash_or_were_changed(teas):
    done = dedupe(teas).apply("merge")
    teas.add(ids=["b"], embeddings=[[1, 1, 1]], documents=["another text"])
    teas.update(ids=["a"], metadatas=[{"d": False}])
    back = done.undo()
    assert back.restored == 1
    assert dict(back.refused) == {
        "b": "a record with this id was written since",
        "a": "it was changed since",
    }
    assert everything(teas)["b"][1] == "another text"
    assert "2 left as they are now" in repr(back)
    assert "'b': a record with this id was written since" in repr(back)
