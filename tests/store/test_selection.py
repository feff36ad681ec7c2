"""The selection of a collection belongs to one store, and is shared by all its handles."""

import gc
import shutil

import pytest

import chromalab
from chromalab.errors import ClientClosedError, InvalidArgumentError
from chromalab.selection import LabelConflictError, Selection, selection_of


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


@pytest.fixture
def kinds(notes):
    notes.add(
        ids=list("abcdef"),
        documents=["green tea", "black tea", "iced tea", "red brick", "gray brick", "chalk"],
        metadatas=[{"kind": "drink", "year": 2000 + row} for row in range(3)] + [{"n": 1}] * 3,
    )
    return notes


def test_a_label_is_written_to_the_selected_records(kinds):
    kinds.selection = ["d", "a"]
    assert kinds.selection.label("area", "shelf") == 2
    assert kinds.selection.label("area", "shelf") == 0
    assert kinds.get(where={"area": "shelf"})["ids"] == ["a", "d"]
    assert kinds.get(ids="a")["metadatas"] == [{"kind": "drink", "year": 2000, "area": "shelf"}]


def test_values_of_people_are_replaced_only_on_request(kinds):
    kinds.selection = ["a", "d"]
    with pytest.raises(LabelConflictError, match="'kind' has values that no analysis wrote in 1 of 2 selected records") as refused:  # fmt: skip
        kinds.selection.label("kind", "stone")
    assert refused.value.records == 1
    assert kinds.count(where={"kind": "stone"}) == 0
    with pytest.raises(LabelConflictError):
        kinds.selection.label("kind", None)
    assert kinds.selection.label("kind", "stone", overwrite=True) == 2
    assert kinds.selection.label("kind", None, overwrite=True) == 2
    assert kinds.get(where={"kind": "drink"})["ids"] == ["b", "c"]


def test_values_of_analyses_are_replaced_and_then_belong_to_a_person(kinds):
    clusters = kinds.cluster("kmeans", n_clusters=2, random_state=0).into("group")
    kinds.selection = ["a"]
    other = 1 - kinds.get(ids="a")["metadatas"][0]["group"]
    assert kinds.selection.label("group", other) == 1
    with pytest.raises(InvalidArgumentError, match="values that no analysis wrote"):
        clusters.into("group")
    with pytest.raises(LabelConflictError):
        kinds.selection.label("group", 7)


def test_a_prediction_becomes_a_label_of_the_user(kinds):
    mark = {"kind": "stone", "kind_predicted": "stone", "kind_confidence": 0.9}
    kinds.update(ids=["d"], metadatas=[mark])
    kinds.selection = ["d"]
    assert kinds.selection.label("kind", "drink") == 1
    assert kinds.get(ids="d")["metadatas"] == [{"n": 1, "kind": "drink"}]


def test_a_selection_is_queried_exported_and_deleted(kinds, tmp_path):
    kinds.selection = ["d", "e", "f"]
    assert kinds.selection.query("green tea", n_results=1)["ids"][0][0] in "def"
    assert kinds.selection.query(["tea"], include=[])["documents"] is None
    assert kinds.selection.export(tmp_path / "few.csv").records == 3
    assert kinds.selection.delete() == {"deleted": 3}
    assert kinds.get()["ids"] == ["a", "b", "c"]
    assert kinds.selection.ids == []


@pytest.mark.parametrize("call", ["contrast", "delete"])
def test_nothing_is_done_with_an_empty_selection(kinds, call):
    with pytest.raises(InvalidArgumentError, match="No records are selected"):
        getattr(kinds.selection, call)()
    with pytest.raises(InvalidArgumentError, match="No records are selected"):
        kinds.selection.label("kind", "tea")
    assert kinds.count() == 6


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}])
def test_a_label_is_one_value(kinds, value):
    kinds.selection = ["a"]
    with pytest.raises(InvalidArgumentError, match="A label must be"):
        kinds.selection.label("area", value)
