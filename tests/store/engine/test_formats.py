"""Stores written by earlier releases open and return the same content."""

import shutil
from pathlib import Path

import pytest

import chromalab

FORMATS = Path(__file__).parents[2] / "data" / "formats"


@pytest.mark.parametrize("release", sorted(folder.name for folder in FORMATS.iterdir()))
def test_a_store_of_an_earlier_release_opens_and_can_be_written(release, tmp_path):
    shutil.copytree(FORMATS / release, tmp_path / "store")
    with chromalab.PersistentClient(tmp_path / "store") as client:
        notes = client.get_collection("notes")
        assert (notes.metadata, notes.space) == ({"about": "kept"}, "cosine")
        assert notes.selection.saved() == (["to read"] if int(release) >= 4 else [])
        assert (notes.written_at is None) == (int(release) < 5)  # these did not store the time
        assert len(notes.history()) == 0
        found = notes.get(include=["documents", "metadatas", "embeddings"])
        assert found["ids"] == [f"n{i}" for i in range(20) if i != 5]
        assert found["documents"][-1] == "note 19"
        assert found["metadatas"][3] == {"n": 33, "even": False, "tags": ["a", "b"]}
        assert found["embeddings"][3].tolist() == [9, 9, 9]
        notes.upsert(ids=["n3", "new"], embeddings=[[1, 2, 3], [4, 5, 6]])
        notes.delete(ids=["n0"])
        assert notes.undo().restored == 1
        assert notes.count() == 20
        written = notes.written_at
        assert written is not None
        notes.feedback.add([1, 2, 3], "new", True, note="kept from now on")
    with chromalab.PersistentClient(tmp_path / "store") as client:
        assert client.get_collection("notes").get("new", include=["embeddings"])[
            "embeddings"
        ].tolist() == [[4, 5, 6]]
        assert client.get_collection("notes").written_at == written
        assert [judgment.note for judgment in client.get_collection("notes").feedback] == [
            "kept from now on"
        ]
        assert not client.check()
