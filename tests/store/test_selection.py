"""The selection of a collection belongs to one store, and is shared by all its handles."""

import gc
import shutil

import pytest

import chromalab
from chromalab.errors import ClientClosedError, InvalidArgumentError
from chromalab.selection import Selection, selection_of


def test_a_store_never_shows_the_selection_of_one_that_was_closed(tmp_path):
    """A held selection does not keep its engine, whose id() Python gives to the next engine."""
    held = []
    for turn in range(200):
        with chromalab.PersistentClient(tmp_path) as client:
            points = client.get_or_create_collection("points", embedding_function=None)
            assert points.selection.ids == [], f"opened {turn + 1} times"
            points.upsert(ids=["a"], embeddings=[[0]])
            points.selection = ["a"]
            assert client.get_collection("points").selection.ids == ["a"]
            held.append(points.selection)


def test_a_copied_store_has_a_selection_of_its_own(tmp_path):
    with chromalab.PersistentClient(tmp_path / "one") as client:
        client.create_collection("points", embedding_function=None).add(["a"], [[0]])
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with (
        chromalab.PersistentClient(tmp_path / "one") as first,
        chromalab.PersistentClient(tmp_path / "two") as second,
    ):
        one, two = first.get_collection("points"), second.get_collection("points")
        assert one.id == two.id
        one.selection = ["a"]
        assert two.selection.ids == []


def test_a_closed_client_has_no_selection_and_does_not_break_that_of_another(tmp_path):
    with (
        chromalab.PersistentClient(tmp_path) as first,
        chromalab.PersistentClient(tmp_path) as second,
    ):
        one = first.create_collection("points", embedding_function=None)
        one.add(["a", "b"], [[0], [1]], [{"n": 1}, {"n": 2}])
        two = second.get_collection("points")
        two.selection.ids = ["b"]
        one.selection.ids = ["a"]
        second.close()
        with pytest.raises(ClientClosedError):
            _ = two.selection
        one.selection.set(where={"n": 2})
        assert one.selection.ids == ["b"]


def test_a_selection_ends_with_its_last_handle(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(["a"], [[0]])
    points.selection = ["a"]
    again = client.get_collection("points")
    assert again.selection is selection_of(points)
    del points
    gc.collect()
    assert again.selection.ids == ["a"]
    del again
    gc.collect()
    assert client.get_collection("points").selection.ids == []


def test_a_selection_over_another_programs_collection_works_but_cannot_be_saved(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(["a", "b"], [[0], [1]], [{"n": 1}, {"n": 2}])

    class Other:  # the interface of another program's collection, over a real one
        def get(self, **given):
            return dict(points.get(**given))

    selection = Selection(Other())
    selection.set(where={"n": 2})
    assert selection.ids == ["b"]
    assert selection.df().to_dict("records") == [
        {"id": "b", "document": None, "metadata": {"n": 2}}
    ]
    with pytest.raises(InvalidArgumentError, match="saved with a collection of chromalab; got one"):
        selection.save("mine")
    with pytest.raises(InvalidArgumentError, match="saved with a collection of chromalab"):
        selection.load("mine")


@pytest.mark.parametrize("name", [3, None, "\ud800"])
def test_the_name_of_a_saved_selection_is_text(client, name):
    points = client.create_collection("points", embedding_function=None)
    with pytest.raises((InvalidArgumentError, TypeError), match="name of a selection must be"):
        points.selection.save(name)
