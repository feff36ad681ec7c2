"""What counts: the latest judgment of each person, weighted, about existing records."""

import sqlite3

import numpy as np
import pytest

import chromalab
from chromalab import errors
from chromalab.engine import Attachment


def test_the_latest_judgment_of_a_person_counts_and_earlier_ones_stay_listed(points, resolved):
    points.feedback.add([1, 1], "a", True, by="ada")
    points.feedback.add([1, 1], "a", False, by="ada")
    assert resolved(points) == {((1, 1), "a"): (-1, 1)}
    assert points.feedback.df()["relevance"].tolist() == [1, -1]


def test_judgments_are_weighted_and_ties_are_left_out(points, resolved):
    feedback = points.feedback
    feedback.add([1, 1], ["a", "b", "c"], True, by="ada")
    feedback.add([1, 1], "a", False, by="bob")
    feedback.add([1, 1], "b", 3, by="bob")
    feedback.add([1, 1], "c", -1, by="bob", weight=3)
    assert resolved(points) == {((1, 1), "b"): (2, 2), ((1, 1), "c"): (-1, 2)}
    assert feedback.resolved().left_out == {"people of equal weight disagree": 2}


def test_resolved_judgments_are_matching_arrays(tea):
    feedback = tea.feedback
    feedback.add("abba", ["a", "b"], [True, False], by="ada")
    feedback.add([3, 1], "c", 2, by="ada")
    feedback.pairs("a", ["c", "d"], similar=[True, False], by="ada")
    found = feedback.resolved()
    assert found.queries.tolist() == [[4, 2], [3, 1], [3, 1]]
    assert found.texts == ("abba", None, "tea")
    assert found.own.tolist() == [-1, -1, 0]
    assert found.pairs.tolist() == [[0, 0], [0, 1], [1, 2], [2, 2], [2, 3]]
    assert found.relevance.tolist() == [1, -1, 2, 1, -1]
    assert found.weights.tolist() == [1] * 5
    assert [a.dtype for a in (found.queries, found.pairs, found.relevance, found.weights)] == [
        np.float32, np.int64, np.float32, np.float32,
    ]  # fmt: skip
    assert found.documents is tea.snapshot().vectors or (
        found.documents.tolist() == tea.snapshot().vectors.tolist()
    )
    assert found.space == "l2"
    assert repr(found) == "ResolvedJudgments(3 queries, 5 pairs: 3 relevant, 2 not)"
    assert found.df()["id"].tolist() == ["a", "b", "c", "c", "d"]


def test_no_judgments_resolve_to_empty_arrays(client, points):
    empty = client.create_collection("empty", embedding_function=None)
    for collection, dimension in ((points, 2), (empty, 0)):
        found = collection.feedback.resolved()
        assert found.queries.shape == (0, dimension)
        assert (len(found), found.pairs.shape, found.left_out) == (0, (0, 2), {})


def test_the_digest_depends_on_what_counts_and_not_on_history(points):
    feedback = points.feedback
    feedback.add([1, 1], "a", True, by="ada")
    feedback.add([2, 2], "b", False, by="ada")
    first = feedback.resolved().digest
    feedback.add([1, 1], "a", False, by="ada")
    assert feedback.resolved().digest != first
    feedback.add([1, 1], "a", True, by="ada")
    assert feedback.resolved().digest == first


def test_judgments_of_a_deleted_record_are_left_out_but_stay_stored(points, resolved):
    points.feedback.add([1, 1], ["a", "b"], True)
    points.feedback.pairs("a", "c", similar=True)
    points.delete(ids=["a"])
    assert list(resolved(points)) == [((1, 1), "b")]
    assert points.feedback.resolved().left_out == {"no such record": 2}
    assert len(points.feedback) == 3


class Twice(chromalab.EmbeddingFunction):
    """Another real, tiny function, with the same dimension by default."""

    def __init__(self, width=2):
        self.width = width

    def __call__(self, input):
        return [[2 * len(text)] * self.width for text in input]

    @staticmethod
    def name():
        return "twice"

    def get_config(self):
        return {"width": self.width}

    @staticmethod
    def build_from_config(config):
        return Twice(**config)


def test_text_queries_survive_another_model_and_vectors_do_not(tea):
    tea.feedback.add("abba", "a", True)
    tea.feedback.add([1, 1], "a", True)
    assert tea.feedback.resolved().queries.tolist() == [[4, 2], [1, 1]]
    tea.reembed(embedding_function=Twice(), progress=False)
    found = tea.feedback.resolved()
    assert found.queries.tolist() == [[8, 8]]
    assert found.left_out == {"a vector of another model": 1}
    tea.reembed(embedding_function=Twice(width=3), progress=False)
    assert tea.feedback.resolved().queries.tolist() == [[8, 8, 8]]


def test_a_text_query_is_embedded_once(tea, function):
    tea.feedback.add("a text that no other test asks for", "a", True)
    before = len(function.embedded)
    for _ in range(3):
        tea.feedback.resolved()
    assert len(function.embedded) == before + 1


def test_text_queries_without_an_embedding_function_are_counted(points):
    points.feedback.add("hot drinks", "a", True)
    points.feedback.add([1, 1], "a", True)
    found = points.feedback.resolved()
    assert (len(found), found.left_out) == (1, {"a text without an embedding function for it": 1})


def test_untrusted_rows_are_left_out_and_counted(points):
    points.feedback.add([1, 1], "a", True)
    good = {"query": "x", "id": "a", "relevance": 1.0}
    for body, data in (
        ({**good, "relevance": "much"}, None),
        ({**good, "relevance": 1e300}, None),
        ({**good, "weight": -1}, None),
        ({**good, "weight": None}, None),
        ({**good, "id": {"$ne": ""}}, None),
        ({**good, "query": None}, None),
        ({**good, "query": None}, b"123"),
        ({**good, "query": None}, np.float32([np.nan, 1]).tobytes()),
        ({**good, "at": 7}, None),
        ({**good, "at": "2026-01-31"}, None),
        ({**good, "by": ["ada"]}, None),
        ({**good, "source": "moon"}, None),
        ({**good, "shown": 1}, None),
        ({**good, "more": 1}, None),
        ({"id": "a"}, None),
        ({}, None),
    ):
        points.engine.attach(points.id, add=[Attachment("judgement", body, data=data)])
    odd = {**good, "query": None, "model": "none"}
    points.engine.attach(points.id, add=[Attachment("judgement", odd, data=bytes(12))])
    found = points.feedback.resolved()
    assert len(found) == 1
    assert found.left_out == {"not a judgment": 16, "a vector of another dimension": 1}
    assert "16 rows are not judgments" in repr(points.feedback)


def test_untrusted_vectors_that_are_not_finite_are_left_out(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a", "b"], embeddings=[[0, 1], [2, 3]])
        points.feedback.add([1, 1], ["a", "b"], True)
        with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
            connection.execute("DELETE FROM pending_vectors")
        connection.close()
    (file,) = (tmp_path / "vectors").iterdir()
    file.write_bytes(np.float32([np.nan]).tobytes() + file.read_bytes()[4:])
    with chromalab.PersistentClient(tmp_path) as client:
        found = client.get_collection("points").feedback.resolved()
        assert found.pairs.tolist() == [[0, 1]]
        assert found.left_out == {"a record whose vector is not finite": 1}


def test_a_pair_is_the_same_in_either_order(points):
    points.feedback.pairs("a", "b", similar=True, by="ada")
    points.feedback.pairs("b", "a", similar=False, by="ada")
    found = points.feedback.resolved()
    assert (found.pairs.tolist(), found.relevance.tolist()) == ([[0, 0]], [-1])
    assert found.own.tolist() == [1]
    for a, b in (("a", "a"), (["a", "b"], ["c"] * 3), ("a", "zz"), ("a", []), (1, "a")):
        with pytest.raises(errors.InvalidArgumentError):
            points.feedback.pairs(a, b, similar=True)
