"""What people say about results is kept, counted as it should be, and taken back."""

import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import chromalab
from chromalab import errors
from chromalab.engine import Attachment
from chromalab.feedback import Feedback, Judgement, Transform
from chromalab.feedback.asking import fingerprint
from chromalab.feedback.keeping import as_attachment

EVIL = "<img src=x onerror=alert(1)>'; DROP TABLE attachments --"


@pytest.fixture
def tea(client, function):
    tea = client.create_collection("tea", embedding_function=function)
    tea.add(ids=["a", "b", "c", "d"], documents=["tea", "a walk", "banana", "no"])
    return tea


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a", "b", "c"], embeddings=[[0, 1], [2, 3], [4, 5]])
    return points


def said(collection):
    return [(j.label, j.id, j.relevance) for j in collection.feedback]


def resolved(collection):
    """What counts: (text or vector, id) -> (relevance, weight)."""
    found = collection.feedback.resolved()
    return {
        (found.texts[query] or tuple(found.queries[query].tolist()), found.ids[row]): (
            float(grade),
            float(weight),
        )
        for (query, row), grade, weight in zip(
            found.pairs, found.relevance, found.weights, strict=True
        )
    }


def test_a_judgement_says_who_when_how_and_of_what(tea):
    done = tea.feedback.add("hot drinks", "a", True, note="exactly", by="ada", weight=2)
    assert repr(done) == "tea: 1 judgement added"
    (judgement,) = tea.feedback
    assert done.numbers == (judgement.number,)
    assert (judgement.query, judgement.id, judgement.relevance) == ("hot drinks", "a", 1.0)
    assert (judgement.note, judgement.by, judgement.weight) == ("exactly", "ada", 2.0)
    assert (judgement.source, judgement.shown, judgement.transform) == ("person", True, None)
    assert judgement.at.endswith("+00:00")
    assert judgement.model is None
    assert tea.get_version() == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [(True, 1), (False, -1), ("+1", 1), ("-1", -1), (0.5, 0.5), (0, 0), (np.float32(3), 3),
     (np.True_, 1), (-2, -2)],
)  # fmt: skip
def test_a_relevance_is_yes_no_or_a_grade(points, given, kept):
    points.feedback.add([1, 1], "a", given)
    (judgement,) = points.feedback
    assert judgement.relevance == kept
    assert judgement.is_relevant is (kept > 0)


def test_one_call_judges_several_records_in_one_transaction(points):
    points.feedback.add([1, 1], ["a", "b"], [True, False], note=["yes", None], shown=False)
    assert [(j.id, j.relevance, j.note, j.shown) for j in points.feedback] == [
        ("a", 1.0, "yes", False),
        ("b", -1.0, None, False),
    ]
    with pytest.raises(errors.InvalidArgumentError):
        points.feedback.add([1, 1], ["a", "nope"], True)
    assert len(points.feedback) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": "aa"}, "No record 'aa' in 'points'. Did you mean 'a'"),
        ({"relevance": float("nan")}, "finite grade"),
        ({"relevance": "perhaps"}, "finite grade"),
        ({"relevance": 10**400}, "finite grade"),
        ({"relevance": None}, "finite grade"),
        ({"relevance": [True, False]}, "2 values for 1 ids"),
        ({"query": ""}, "query is empty"),
        ({"query": None}, "query must be rows of numbers"),
        ({"query": [1, 2, 3]}, "3 dimensions, and the collection 2"),
        ({"query": [1, float("inf")]}, "NaN or infinity"),
        ({"query": [[1, 2], [3, 4]]}, "one query at a time"),
        ({"query": "half \ud800"}, "not valid Unicode"),
        ({"note": "\ud800"}, "not valid Unicode"),
        ({"note": 7}, "note is 7"),
        ({"by": ""}, "by is empty"),
        ({"weight": 0}, "a number above 0"),
        ({"weight": float("inf")}, "a number above 0"),
        ({"weight": True}, "a number above 0"),
        ({"shown": "no"}, "True or False"),
        ({"id": []}, "ids is empty"),
        ({"id": 7}, "ids is a list of strings"),
        ({"id": ["a", "a"]}, "more than once"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_sentence(points, arguments, message):
    with pytest.raises(errors.ChromalabError, match=message):
        points.feedback.add(**{"query": [1, 1], "id": "a", "relevance": True} | arguments)
    assert len(points.feedback) == 0


def test_the_last_word_of_a_person_counts_and_the_first_stays_in_the_table(points):
    points.feedback.add([1, 1], "a", True, by="ada")
    points.feedback.add([1, 1], "a", False, by="ada")
    assert resolved(points) == {((1, 1), "a"): (-1, 1)}
    assert points.feedback.df()["relevance"].tolist() == [1, -1]


def test_people_are_weighed_and_even_ones_left_out(points):
    feedback = points.feedback
    feedback.add([1, 1], ["a", "b", "c"], True, by="ada")
    feedback.add([1, 1], "a", False, by="bob")
    feedback.add([1, 1], "b", 3, by="bob")
    feedback.add([1, 1], "c", -1, by="bob", weight=3)
    assert resolved(points) == {((1, 1), "b"): (2, 2), ((1, 1), "c"): (-1, 2)}
    assert feedback.resolved().left_out == {"people of equal weight say the opposite": 2}


def test_learning_starts_from_arrays_that_fit_together(tea):
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
    assert repr(found) == "Judged(3 queries, 5 pairs: 3 relevant, 2 not)"
    assert found.df()["id"].tolist() == ["a", "b", "c", "c", "d"]


def test_nothing_judged_resolves_to_nothing(client, points):
    empty = client.create_collection("empty", embedding_function=None)
    for collection, dimension in ((points, 2), (empty, 0)):
        found = collection.feedback.resolved()
        assert found.queries.shape == (0, dimension)
        assert (len(found), found.pairs.shape, found.left_out) == (0, (0, 2), {})


def test_the_digest_names_what_counts_and_not_its_history(points):
    feedback = points.feedback
    feedback.add([1, 1], "a", True, by="ada")
    feedback.add([2, 2], "b", False, by="ada")
    first = feedback.resolved().digest
    feedback.add([1, 1], "a", False, by="ada")
    assert feedback.resolved().digest != first
    feedback.add([1, 1], "a", True, by="ada")
    assert feedback.resolved().digest == first


def test_a_deleted_record_is_left_out_and_its_judgements_stay(points):
    points.feedback.add([1, 1], ["a", "b"], True)
    points.feedback.pairs("a", "c", similar=True)
    points.delete(ids=["a"])
    assert list(resolved(points)) == [((1, 1), "b")]
    assert points.feedback.resolved().left_out == {"no such record": 2}
    assert len(points.feedback) == 3


class Twice(chromalab.EmbeddingFunction):
    """Another real, tiny function: of the same dimension."""

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


def test_texts_survive_another_model_and_vectors_do_not(tea):
    tea.feedback.add("abba", "a", True)
    tea.feedback.add([1, 1], "a", True)
    assert tea.feedback.resolved().queries.tolist() == [[4, 2], [1, 1]]
    tea.reembed(embedding_function=Twice(), progress=False)
    found = tea.feedback.resolved()
    assert found.queries.tolist() == [[8, 8]]
    assert found.left_out == {"a vector of another model": 1}
    tea.reembed(embedding_function=Twice(width=3), progress=False)
    assert tea.feedback.resolved().queries.tolist() == [[8, 8, 8]]


def test_a_text_is_embedded_once(tea, function):
    tea.feedback.add("a text that no other test asks for", "a", True)
    before = len(function.embedded)
    for _ in range(3):
        tea.feedback.resolved()
    assert len(function.embedded) == before + 1


def test_texts_without_a_function_are_counted(points):
    points.feedback.add("hot drinks", "a", True)
    points.feedback.add([1, 1], "a", True)
    found = points.feedback.resolved()
    assert (len(found), found.left_out) == (1, {"a text, and no embedding function for it": 1})


def test_rows_of_a_stranger_are_left_out_and_counted(points):
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
        points._engine.attach(points.id, add=[Attachment("judgement", body, data=data)])
    odd = {**good, "query": None, "model": "none"}
    points._engine.attach(points.id, add=[Attachment("judgement", odd, data=bytes(12))])
    found = points.feedback.resolved()
    assert len(found) == 1
    assert found.left_out == {"no judgement at all": 16, "a vector of another dimension": 1}
    assert "16 rows are no judgements" in repr(points.feedback)


def test_vectors_of_a_stranger_that_are_not_finite_are_left_out(tmp_path):
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


def test_pairs_are_the_same_pair_whichever_is_named_first(points):
    points.feedback.pairs("a", "b", similar=True, by="ada")
    points.feedback.pairs("b", "a", similar=False, by="ada")
    found = points.feedback.resolved()
    assert (found.pairs.tolist(), found.relevance.tolist()) == ([[0, 0]], [-1])
    assert found.own.tolist() == [1]
    for a, b in (("a", "a"), (["a", "b"], ["c"] * 3), ("a", "zz"), ("a", []), (1, "a")):
        with pytest.raises(errors.InvalidArgumentError):
            points.feedback.pairs(a, b, similar=True)


@pytest.mark.parametrize(
    "qrels",
    [
        {"1": {"a": 2, "zz": 1}, "2": {"b": 0}, "9": {"a": 1}},
        [("1", "a", 2), ("1", "zz", 1), ("2", "b", 0), (9, "a", 1)],
        pd.DataFrame({"query_id": [1, 1, 2, 9], "id": list("aaba"), "relevance": [2, 1, 0, 1]}).assign(
            id=["a", "zz", "b", "a"]
        ),
        pd.DataFrame({"query-id": ["1", "1", "2", "9"], "corpus-id": ["a", "zz", "b", "a"],
                      "score": [2, 1, 0, 1]}),
    ],
)  # fmt: skip
def test_a_test_collections_judgements_are_taken_over(points, qrels):
    done = points.feedback.from_qrels(qrels, {1: [1, 1], "2": "a text"})
    assert repr(done) == (
        "points: 2 judgements added, 1 left out: no query with their query id, "
        "1 left out: no such record"
    )
    assert [(j.query, j.id, j.relevance, j.source, j.by) for j in points.feedback] == [
        (None, "a", 2.0, "qrels", "qrels"),
        ("a text", "b", 0.0, "qrels", "qrels"),
    ]


@pytest.mark.parametrize(
    ("qrels", "queries", "message"),
    [
        ([("1", "a")], {"1": "x"}, "Row 0 of qrels is"),
        ([("1", "a", "much")], {"1": "x"}, "Row 0 of qrels: relevance"),
        ([{"query_id": 1, "id": "a"}], {"1": "x"}, "no column relevance"),
        ({"1": ["a"]}, {"1": "x"}, "dict of ids to grades"),
        ({"1": {"a": 1}}, {"1": [1, 2, 3]}, "queries.'1'.: query has 3 dimensions"),
        ({"1": {"a": 1}}, ["x"], "queries is a dict"),
        ("qrels.txt", {}, "list of rows"),
        ({"1": {"": 1}}, {"1": "x"}, "is empty"),
    ],
)
def test_a_test_collection_that_cannot_be_read_is_refused(points, qrels, queries, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        points.feedback.from_qrels(qrels, queries)
    assert len(points.feedback) == 0


def test_clicks_speak_for_what_was_clicked_and_against_what_was_skipped(points):
    log = [
        {"query": "x", "shown": ["a", "b", "c"], "clicked": ["b"]},
        {"query": "x", "shown": ["a", "b", "zz"], "clicked": ["b"]},
        {"query": "x", "shown": ["a", "b"], "clicked": []},
        {"query": "x", "shown": ["zz", "a"], "clicked": ["a"]},
    ]
    done = points.feedback.from_clicks(log)
    assert done.left_out == {"no such record": 1}
    assert [(j.id, j.relevance, j.weight, j.note) for j in points.feedback] == [
        ("a", -1.0, 0.5, "skipped 2 times"),
        ("b", 1.0, 1.0, "clicked 2 times"),
        ("a", 1.0, 0.5, "clicked 1 time"),
    ]
    assert {j.source for j in points.feedback} == {"clicks"}
    assert points.feedback.disagreements().found == ()


def test_sessions_add_up_and_what_a_person_said_goes_before_them(points):
    session = pd.DataFrame([{"query": [1.0, 1.0], "shown": ["a", "b"], "clicked": ["b"]}])
    for _ in range(4):
        points.feedback.from_clicks(session)
    assert resolved(points) == {((1, 1), "a"): (-1, 1), ((1, 1), "b"): (1, 2)}
    points.feedback.add([1, 1], "b", False)
    assert resolved(points)[(1, 1), "b"] == (-1, 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"query": "x", "shown": ["a"], "clicked": ["aa"]}, "Row 0 of log: 'aa' was clicked"),
        ({"query": "x", "shown": "a", "clicked": []}, "ids are a list"),
        ({"query": "x", "shown": ["a"]}, "a row has query, shown"),
        ({"query": "", "shown": ["a"], "clicked": []}, "Row 0 of log: query is empty"),
        ({"query": "x", "shown": [7], "clicked": []}, "is 7"),
        ({"query": "x", "shown": [None], "clicked": []}, "is None"),
        ("x", "a row has query, shown"),
    ],
)
def test_a_log_that_cannot_be_read_is_refused(points, row, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        points.feedback.from_clicks([row])


def test_what_is_exported_comes_back_exactly_and_once(client, tea, tmp_path):
    feedback = tea.feedback
    feedback.add(EVIL + "\n\u2028\x85", ["a", "b"], [0.1, -3], note="漢字\r\n", by="ada")
    feedback.add(np.float32([1 / 3, 1e-40]), "c", True, shown=False, weight=0.3)
    feedback.pairs("a", "b", similar=True)
    log = [{"query": "x", "shown": ["a", "b"], "clicked": ["b"]}]
    feedback.from_clicks(log)
    feedback.from_clicks(log)
    file = tmp_path / "said.jsonl"
    assert repr(feedback.export(file)) == f"8 judgements written to {file}"
    vector = json.loads(file.read_text(encoding="utf-8").split("\n")[2])["vector"]
    assert np.float32(vector).tobytes() == np.float32([1 / 3, 1e-40]).tobytes()
    with pytest.raises(errors.InvalidArgumentError, match="overwrite=True"):
        feedback.export(file)
    feedback.export(file, overwrite=True)
    again = client.create_collection("again", embedding_function=None)
    assert again.feedback.load(file).count == 8
    assert [j.line() for j in again.feedback] == [j.line() for j in feedback]
    assert repr(again.feedback.load(file)) == "again: 0 judgements added, 8 left out: there already"
    assert len(again.feedback.undo()) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["said.jsonl"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Line 2 of .* is not JSON"),
        ("[" * 100_000, "Line 2 of .* is not JSON"),
        ("[1]", "Line 2 of .*JSON object"),
        ('{"id": "a", "relevance": 1}', "Line 2.*one of query, query_id and vector"),
        ('{"query": "x", "id": "a"}', "Line 2.*needs an id and a relevance"),
        ('{"query": "x", "id": "a", "relevance": NaN}', "Line 2.*finite"),
        ('{"vector": [1, "x"], "id": "a", "relevance": 1}', "Line 2.*rows of numbers"),
        ('{"vector": [1, NaN], "id": "a", "relevance": 1}', "Line 2.*NaN"),
        ('{"vector": "x", "id": "a", "relevance": 1}', "Line 2.*list of numbers"),
        ('{"query": "x", "id": "a", "relevance": 1, "nota": "x"}', "Line 2.*Did you mean 'note'"),
        ('{"query": "\\ud800", "id": "a", "relevance": 1}', "Line 2.*not valid Unicode"),
        ('{"query": "x", "id": "a", "relevance": 1, "at": "noon"}', "Line 2.*moment"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_nothing_is_written(points, tmp_path, line, message):
    file = tmp_path / "said.jsonl"
    file.write_text('{"query": "x", "id": "a", "relevance": 1}\n' + line + "\n")
    with pytest.raises(errors.InvalidArgumentError, match=message):
        points.feedback.load(file)
    assert len(points.feedback) == 0


def test_a_file_that_cannot_be_read_or_written_is_told(points, tmp_path):
    with pytest.raises(errors.InvalidArgumentError, match="cannot be read"):
        points.feedback.load(tmp_path / "none.jsonl")
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(errors.InvalidArgumentError, match="no UTF-8"):
        points.feedback.load(tmp_path / "bytes")
    with pytest.raises(errors.InvalidArgumentError, match="cannot be written"):
        points.feedback.export(tmp_path / "nowhere" / "x")


def test_undo_takes_back_call_by_call(points):
    points.feedback.add([1, 1], ["a", "b"], True)
    points.feedback.pairs("a", "b", similar=True)
    (taken,) = points.feedback.undo()
    assert taken.source == "pair"
    assert [j.id for j in points.feedback.undo()] == ["a", "b"]
    with pytest.raises(errors.NotFoundError, match="no judgements to undo"):
        points.feedback.undo()


def test_judgements_are_removed_by_number_and_nothing_else_is(points):
    points._engine.attach(points.id, add=[Attachment("live", {"transform": None}, "live")])
    numbers = points.feedback.add([1, 1], ["a", "b", "c"], True).numbers
    for wrong in ([numbers[0], 99], 1, [True], ["1"], [2**70]):
        with pytest.raises(errors.NotFoundError, match="Nothing was removed"):
            points.feedback.remove(wrong)
    assert len(points.feedback.remove([numbers[0], numbers[2], numbers[0]])) == 2
    assert [j.id for j in points.feedback] == ["b"]
    points.feedback.remove(numbers[1])
    assert len(points._engine.attachments(points.id, "live")) == 1


def test_disagreements_say_who_and_when(points):
    feedback = points.feedback
    feedback.add("x", "a", True, by="ada")
    feedback.add("x", "a", False, by="bob")
    feedback.add("x", "b", True, by="ada")
    feedback.add("x", "b", 0, by="ada")
    feedback.add("x", "c", True, by="ada")
    feedback.add("y", "c", False, by="ada")
    found = feedback.disagreements()
    assert [(d.id, [j.by for j in d.relevant], [j.by for j in d.other]) for d in found] == [
        ("a", ["ada"], ["bob"]),
        ("b", ["ada"], ["ada"]),
    ]
    assert repr(found).startswith("2 disagreements\nquery  record  relevant")
    assert len(found.df()) == 4


def test_what_users_say_is_shown_escaped(points):
    feedback = points.feedback
    feedback.add(EVIL, "a", True, note=EVIL, by=EVIL)
    feedback.add(EVIL, "a", False, note="\x1b[31m", by=f"{EVIL}\x1b[31m")
    assert said(points) == [(EVIL, "a", 1.0), (EVIL, "a", -1.0)]
    for shown in (feedback, feedback.disagreements(), feedback.undo()):
        assert "<img" not in shown._repr_html_()
        assert "&lt;img" in shown._repr_html_()
        assert "\x1b" not in repr(shown)


def test_the_overview_counts(points):
    assert repr(points.feedback) == "points: no judgements yet"
    points.feedback.add("x", ["a", "b"], [True, False], by="ada")
    points.feedback.add("y", "a", True, by="bob")
    shown = repr(points.feedback).split("\n")
    assert shown[0] == (
        "points: 3 judgements of 2 queries and 2 records; 2 relevant, 1 not; by ada 2, bob 1"
    )
    assert shown[2].startswith("y      1         0    bob")
    assert bool(points.feedback)
    for n in range(30):
        points.feedback.add(f"query {n}", "a", True)
    assert "20 of 32 shown" in repr(points.feedback)
    assert len(points.feedback.df()) == 33


def test_feedback_of_a_deleted_collection_still_shows(client, points):
    feedback = points.feedback
    client.delete_collection("points")
    assert "was deleted" in repr(feedback)
    assert "was deleted" in feedback._repr_html_()
    with pytest.raises(errors.NotFoundError):
        feedback.add([1, 1], "a", True)


def test_a_fork_takes_the_judgements_along(points):
    points.feedback.add([1, 1], "a", True)
    trial = points.fork("trial")
    trial.feedback.add([1, 1], "b", True)
    assert (len(points.feedback), len(trial.feedback)) == (1, 2)
    assert [j.id for j in trial.feedback.undo()] == ["b"]
    assert [j.id for j in trial.feedback.undo()] == ["a"]
    assert len(points.feedback) == 1


def test_a_user_whose_name_nobody_knows_can_judge(points, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7, raising=False)
    points.feedback.add([1, 1], "a", True)
    assert [j.by for j in points.feedback] == [None]
    assert "by nobody named 1" in repr(points.feedback)


def test_judgements_are_plain_values():
    one, other = (Judgement("a", 1.0, data=bytes(8), at="x") for _ in range(2))
    assert one == other
    assert len({one, other}) == 1
    assert one.vector.tolist() == [0, 0]
    assert not one.vector.flags.writeable


ADD = """
import sys, chromalab
points = chromalab.PersistentClient(sys.argv[1]).get_collection("points")
print("ready", flush=True)
sys.stdin.readline()
for n in range(20):
    points.feedback.add([1, n], ["a", "b"], True, by=sys.argv[2])
"""


def test_threads_and_processes_that_judge_at_once_lose_nothing(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a", "b"], embeddings=[[0, 1], [2, 3]])
        others = [
            subprocess.Popen(
                [sys.executable, "-c", ADD, str(tmp_path), name],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for name in ("one", "two")
        ]  # fmt: skip
        for other in others:
            assert other.stdout.readline() == "ready\n"
        for other in others:
            other.stdin.write("go\n")
            other.stdin.flush()
        feedback = Feedback(points)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda n: feedback.add([1, n], "a", True, by="here"), range(20)))
        for other in others:
            other.communicate(timeout=60)
            assert other.returncode == 0
        found = feedback.df().groupby("by").size()
        assert found.to_dict() == {"here": 20, "one": 40, "two": 40}
        batches = [j.batch for j in feedback if j.by == "one"]
        assert batches[::2] == batches[1::2]


@pytest.mark.parametrize("path", ["", "two\0names"])
def test_a_path_that_no_file_can_have_is_told(points, path):
    with pytest.raises(errors.InvalidArgumentError, match="cannot be written"):
        points.feedback.export(path, overwrite=True)
    with pytest.raises(errors.InvalidArgumentError, match="cannot be read"):
        points.feedback.load(path)


def test_numbers_of_a_data_frame_remove_judgements(points):
    points.feedback.add([0, 1], ["a", "b", "c"], True)
    numbers = points.feedback.df()["number"]
    points.feedback.remove(numbers.iloc[0])
    points.feedback.remove(numbers[1:2])
    assert [judgement.id for judgement in points.feedback] == ["c"]
    with pytest.raises(errors.NotFoundError, match="No judgement has the number None"):
        points.feedback.remove(None)


def test_a_judgement_names_the_transform_that_queries_went_through_and_no_retired_one(points):
    model = fingerprint(points.get_model())
    points.transforms.add(Transform(name="same", matrix=np.eye(2), model=model))
    points.transforms.use("same")
    points.feedback.add([0, 1], "a", True)
    other = Transform(name="other", matrix=np.eye(2), model="another model")
    engine, id = points._engine, points.id
    (kept,) = engine.attachments(id, "transform")
    engine.attach(id, add=[as_attachment(other)], remove=[kept.number])
    live = engine.attachment(id, "live", "live")
    body = {**live.body, "transform": "other"}
    (number,) = engine.attach(id, add=[Attachment("live", body, "live")], remove=[live.number])
    points.feedback.add([0, 1], "b", True)  # retired
    engine.attach(id, add=[Attachment("live", {"transform": 5}, "live")], remove=[number])
    points.feedback.add([0, 1], "c", True)  # damaged
    assert [judgement.transform for judgement in points.feedback] == ["same", None, None]


def test_a_file_that_an_editor_has_put_a_mark_before_is_read(points, tmp_path):
    file = tmp_path / "said.jsonl"
    file.write_text('{"query": "x", "id": "a", "relevance": 1}\n', encoding="utf-8-sig")
    points.feedback.load(file)
    assert said(points) == [("x", "a", 1.0)]
