"""Judgments record their author, time and query; invalid ones are refused."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chromalab
from chromalab import errors
from chromalab.engine import Attachment
from chromalab.feedback import Feedback, Judgment, Transform
from chromalab.transforms.storage import as_attachment


def test_a_judgment_records_its_author_time_and_query(tea):
    done = tea.feedback.add("hot drinks", "a", True, note="exactly", by="ada", weight=2)
    assert repr(done) == "tea: 1 judgment added"
    (judgment,) = tea.feedback
    assert done.numbers == (judgment.number,)
    assert (judgment.query, judgment.id, judgment.relevance) == ("hot drinks", "a", 1.0)
    assert (judgment.note, judgment.by, judgment.weight) == ("exactly", "ada", 2.0)
    assert (judgment.source, judgment.shown, judgment.transform) == ("person", True, None)
    assert judgment.at.endswith("+00:00")
    assert judgment.model is None
    assert tea.get_version() == 1


@pytest.mark.parametrize(
    ("given", "stored"),
    [(True, 1), (False, -1), ("+1", 1), ("-1", -1), (0.5, 0.5), (0, 0), (np.float32(3), 3),
     (np.True_, 1), (-2, -2)],
)  # fmt: skip
def test_relevance_is_yes_no_or_a_grade(points, given, stored):
    points.feedback.add([1, 1], "a", given)
    (judgment,) = points.feedback
    assert judgment.relevance == stored
    assert judgment.is_relevant is (stored > 0)


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
        ({"relevance": [True, False]}, "got 2 values for 1 ids"),
        ({"query": ""}, "query is empty"),
        ({"query": None}, "query must be rows of numbers"),
        ({"query": [1, 2, 3]}, "collection's 2 dimensions; got 3"),
        ({"query": [1, float("inf")]}, "NaN or infinity"),
        ({"query": [[1, 2], [3, 4]]}, "one query at a time"),
        ({"query": "half \ud800"}, "not valid Unicode"),
        ({"note": "\ud800"}, "not valid Unicode"),
        ({"note": 7}, "note must be a string or None; got 7"),
        ({"by": ""}, "by is empty"),
        ({"weight": 0}, "a number above 0"),
        ({"weight": float("inf")}, "a number above 0"),
        ({"weight": True}, "a number above 0"),
        ({"shown": "no"}, "True or False"),
        ({"id": []}, "ids must not be empty"),
        ({"id": 7}, "ids must be a list of string IDs; got 7"),
        ({"id": ["a", "a"]}, "1 duplicate id"),
    ],
)
def test_invalid_values_are_refused_with_a_clear_message(points, arguments, message):
    with pytest.raises(errors.ChromalabError, match=message):
        points.feedback.add(**{"query": [1, 1], "id": "a", "relevance": True} | arguments)
    assert len(points.feedback) == 0


def test_a_user_without_a_name_can_judge(points, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7, raising=False)
    points.feedback.add([1, 1], "a", True)
    assert [j.by for j in points.feedback] == [None]
    assert "by unknown 1" in repr(points.feedback)


def test_judgments_are_plain_values():
    one, other = (Judgment("a", 1.0, data=bytes(8), at="x") for _ in range(2))
    assert one == other
    assert len({one, other}) == 1
    assert one.vector.tolist() == [0, 0]
    assert not one.vector.flags.writeable


def test_a_judgment_names_the_active_transform_unless_it_is_retired_or_damaged(points):
    model = points.fingerprint()
    points.transforms.add(Transform(name="same", matrix=np.eye(2), model=model))
    points.transforms.use("same")
    points.feedback.add([0, 1], "a", True)
    other = Transform(name="other", matrix=np.eye(2), model="another model")
    engine, id = points.engine, points.id
    (stored,) = engine.attachments(id, "transform")
    engine.attach(id, add=[as_attachment(other)], remove=[stored.number])
    record = engine.attachment(id, "live", "live")
    body = {**record.body, "transform": "other"}
    (number,) = engine.attach(id, add=[Attachment("live", body, "live")], remove=[record.number])
    points.feedback.add([0, 1], "b", True)  # The transform is retired.
    engine.attach(id, add=[Attachment("live", {"transform": 5}, "live")], remove=[number])
    points.feedback.add([0, 1], "c", True)  # The activation is damaged.
    assert [judgment.transform for judgment in points.feedback] == ["same", None, None]


ADD = """
import sys, chromalab
points = chromalab.PersistentClient(sys.argv[1]).get_collection("points")
print("ready", flush=True)
sys.stdin.readline()
for n in range(20):
    points.feedback.add([1, n], ["a", "b"], True, by=sys.argv[2])
"""


def test_concurrent_threads_and_processes_lose_no_judgments(tmp_path):
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
