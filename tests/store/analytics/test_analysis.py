"""A function of `chromalab.analytics` is the method of a collection, and takes other data too."""

import inspect
from typing import get_type_hints

import numpy as np
import pytest

import chromalab
from chromalab import analytics
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

METHODS = (
    "classify",
    "cluster",
    "dedupe",
    "label_queue",
    "link",
    "leakage",
    "neighbors",
    "outliers",
    "project",
    "propagate",
    "topics",
)
COMMON = {"where", "into", "random_state", "progress"}
WITHOUT = {"label_queue": {"into"}, "link": {"where", "into"}, "leakage": {"where", "into"}}


class OtherClient:
    """A collection of another client: only what Chroma's has."""

    def __init__(self, collection):
        self._collection = collection
        self.name = collection.name

    def count(self):
        return self._collection.count()

    def get(self, **options):
        return self._collection.get(**options)

    def update(self, **options):
        self._collection.update(**options)


@pytest.fixture
def points():
    made = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
    rows = np.random.default_rng(0).normal(size=(60, 4))
    made.add(
        ids=[str(row) for row in range(60)],
        embeddings=rows,
        documents=[f"word{row % 3} text" for row in range(60)],
        metadatas=[{"half": row % 2} for row in range(60)],
    )
    return made


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_signature_and_the_docstring_of_the_function(points, name):
    function, method = getattr(analytics, name), getattr(points, name)
    own = list(inspect.signature(function).parameters.values())
    assert list(inspect.signature(method).parameters.values()) == own[1:]
    assert inspect.getdoc(method) == inspect.getdoc(function)
    assert "Args:" in method.__doc__
    hints = get_type_hints(function)
    assert issubclass(hints["return"], analytics.Result)
    assert COMMON - WITHOUT.get(name, set()) <= set(hints)
    for option in ("where", "into", "random_state", "progress"):
        if option in hints:
            default = inspect.signature(function).parameters[option].default
            assert default == {"random_state": 0, "progress": True}.get(option)


def test_a_filter_selects_the_records_of_any_collection(points):
    half = points.cluster(where={"half": 1}, progress=False)
    assert half.ids == points.get(where={"half": 1})["ids"]
    assert half.snapshot.where == {"half": 1}
    theirs = OtherClient(points)
    other = analytics.cluster(theirs, where={"half": 1}, into="group", progress=False)
    assert other.ids == half.ids
    assert other.labels.tolist() == half.labels.tolist()
    assert other.snapshot.where == {"half": 1}
    assert other.snapshot.origin is theirs
    assert points.get(ids=["1"])["metadatas"][0]["group"] == half.labels[0]
    assert "group" not in points.get(ids=["0"])["metadatas"][0]


@pytest.mark.parametrize(
    ("data", "hint"), [(np.eye(3), "Select the rows"), (Snapshot.of(np.eye(3)), "snapshot\\(where")]
)
def test_a_filter_without_a_collection_raises_and_says_what_to_do(data, hint):
    with pytest.raises(InvalidArgumentError, match=f"where needs a collection.*{hint}"):
        analytics.outliers(data, where={"half": 1})


def test_a_result_of_an_array_cannot_be_written():
    with pytest.raises(InvalidArgumentError, match="no collection to write to"):
        analytics.outliers(np.eye(3), into="score")


def test_wrong_arguments_raise_type_errors_that_name_the_method(points):
    with pytest.raises(TypeError, match=r"cluster\(\) got an unexpected keyword argument 'n'"):
        points.cluster(n=3)
    with pytest.raises(TypeError, match=r"cluster\(\) too many positional arguments"):
        points.cluster("leiden", 3)


def test_options_that_json_writes_alike_are_cached_apart(tmp_path):
    client = chromalab.PersistentClient(tmp_path / "store")
    notes = client.create_collection("notes")
    notes.add(ids=["a", "b"], documents=["a cup of tea", "a piece of chalk"])
    numbers = notes.classify(examples={1: "tea", 2: "chalk"}, progress=False).labels
    strings = notes.classify(examples={"1": "tea", "2": "chalk"}, progress=False).labels
    assert (numbers, strings) == ([1, 2], ["1", "2"])


def test_topics_of_a_filter_are_those_of_its_records(points):
    found = points.topics(where={"half": 1}, progress=False)
    assert found.ids == points.get(where={"half": 1})["ids"]
    with pytest.raises(InvalidArgumentError, match="where goes with clusters=None"):
        points.topics(points.cluster(progress=False), where={"half": 1})
