"""The log of judgments reads only new ones, and follows what other handles and processes do."""

import chromalab
from chromalab.judgments import JudgmentLog


def test_only_new_judgments_are_read(points):
    points.feedback.add("x", ["a", "b"], [True, False])
    log = points.room(JudgmentLog)
    first = log.read()
    assert log.read() is first
    statements = []
    connection = points.engine.engine.store._connection()
    connection.set_trace_callback(statements.append)
    points.feedback.add("y", "a", True)
    before = len(statements)
    second = log.read()
    bodies = [sql for sql in statements[before:] if "body" in sql]
    connection.set_trace_callback(None)
    (last,) = {judgment.number for judgment in second.judgments} - first.by_number.keys()
    assert second.judgments[0] is first.judgments[0]
    assert [f"attachments.number > {max(first.by_number)}" in sql for sql in bodies] == [True]
    assert second.by_number[last].query == "y"


def test_the_judgments_of_one_query_are_found(points):
    points.feedback.add("x", ["a", "b"], [True, False])
    points.feedback.add([0, 1], "a", True)
    points.feedback.add("y", "c", True)
    points.feedback.pairs("a", "b", similar=True)
    assert [judgment.id for judgment in points.feedback.of_query("x")] == ["a", "b"]
    assert [judgment.id for judgment in points.feedback.of_query("y")] == ["c"]
    assert points.feedback.of_query("z") == []


def test_it_follows_what_other_processes_add_and_remove(tmp_path, elsewhere):
    with chromalab.PersistentClient(tmp_path) as client:
        here = client.create_collection("points", embedding_function=None)
        here.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]])
        there = elsewhere(str(tmp_path)).get_collection("points")
        numbers = here.feedback.add("x", ["a", "b"], True).numbers
        assert [judgment.id for judgment in there.feedback.of_query("x")] == ["a", "b"]
        there.feedback.remove(numbers[0])
        assert [judgment.id for judgment in here.feedback.of_query("x")] == ["b"]
        there.feedback.undo()
        there.feedback.add("x", "a", False)
        assert [(j.id, j.relevance) for j in here.feedback.of_query("x")] == [("a", -1.0)]
        assert len(here.feedback) == len(there.feedback) == 1


def test_each_collection_has_a_log_of_its_own(points):
    points.feedback.add("x", "a", True)
    trial = points.fork("trial")
    trial.feedback.add("x", "b", True)
    assert [judgment.id for judgment in points.feedback.of_query("x")] == ["a"]
    assert [judgment.id for judgment in trial.feedback.of_query("x")] == ["a", "b"]
