"""Judgments are imported from test collections, logs and files, and exported to files."""

import json

import numpy as np
import pandas as pd
import pytest

from chromalab import errors

EVIL = "<img src=x onerror=alert(1)>'; DROP TABLE attachments --"


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
def test_qrels_of_a_test_collection_are_imported(points, qrels):
    done = points.feedback.from_qrels(qrels, {1: [1, 1], "2": "a text"})
    assert repr(done) == (
        "points: 2 judgments added, 1 left out: no query with their query id, "
        "1 left out: no such record"
    )
    assert [(j.query, j.id, j.relevance, j.source, j.by) for j in points.feedback] == [
        (None, "a", 2.0, "qrels", "qrels"),
        ("a text", "b", 0.0, "qrels", "qrels"),
    ]


@pytest.mark.parametrize(
    ("qrels", "queries", "message"),
    [
        ([("1", "a")], {"1": "x"}, "Row 0 of qrels must be"),
        ([("1", "a", "much")], {"1": "x"}, "Row 0 of qrels: relevance"),
        ([{"query_id": 1, "id": "a"}], {"1": "x"}, "no column relevance"),
        ({"1": ["a"]}, {"1": "x"}, "dict of ids to grades"),
        (
            {"1": {"a": 1}},
            {"1": [1, 2, 3]},
            "queries.'1'.: query must have the collection.s 2 dimensions; got 3",
        ),
        ({"1": {"a": 1}}, ["x"], "queries must be a dict"),
        ("qrels.txt", {}, "list of rows"),
        ({"1": {"": 1}}, {"1": "x"}, "is empty"),
    ],
)
def test_unreadable_qrels_are_refused(points, qrels, queries, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        points.feedback.from_qrels(qrels, queries)
    assert len(points.feedback) == 0


def test_clicks_count_for_clicked_and_against_skipped_records(points):
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


def test_click_sessions_add_up_and_people_take_precedence(points, resolved):
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
        ({"query": "x", "shown": "a", "clicked": []}, "ids must be a list"),
        ({"query": "x", "shown": ["a"]}, "must have query, shown"),
        ({"query": "", "shown": ["a"], "clicked": []}, "Row 0 of log: query is empty"),
        ({"query": "x", "shown": [7], "clicked": []}, "must be a string; got 7"),
        ({"query": "x", "shown": [None], "clicked": []}, "must be a string; got None"),
        ("x", "must have query, shown"),
    ],
)
def test_an_unreadable_log_is_refused(points, row, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        points.feedback.from_clicks([row])


def test_exported_judgments_load_exactly_and_only_once(client, tea, tmp_path):
    feedback = tea.feedback
    feedback.add(EVIL + "\n\u2028\x85", ["a", "b"], [0.1, -3], note="漢字\r\n", by="ada")
    feedback.add(np.float32([1 / 3, 1e-40]), "c", True, shown=False, weight=0.3)
    feedback.pairs("a", "b", similar=True)
    log = [{"query": "x", "shown": ["a", "b"], "clicked": ["b"]}]
    feedback.from_clicks(log)
    feedback.from_clicks(log)
    file = tmp_path / "judgments.jsonl"
    assert repr(feedback.export(file)) == f"8 judgments written to {file}"
    vector = json.loads(file.read_text(encoding="utf-8").split("\n")[2])["vector"]
    assert np.float32(vector).tobytes() == np.float32([1 / 3, 1e-40]).tobytes()
    with pytest.raises(errors.InvalidArgumentError, match="overwrite=True"):
        feedback.export(file)
    feedback.export(file, overwrite=True)
    again = client.create_collection("again", embedding_function=None)
    assert again.feedback.load(file).count == 8
    assert [j.line() for j in again.feedback] == [j.line() for j in feedback]
    assert repr(again.feedback.load(file)) == "again: 0 judgments added, 8 left out: already stored"
    assert len(again.feedback.undo()) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["judgments.jsonl"]


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
        ('{"query": "x", "id": "a", "relevance": 1, "at": "noon"}', "Line 2.*at must be a time"),
    ],
)
def test_an_invalid_line_is_named_and_nothing_is_written(points, tmp_path, line, message):
    file = tmp_path / "judgments.jsonl"
    file.write_text('{"query": "x", "id": "a", "relevance": 1}\n' + line + "\n")
    with pytest.raises(errors.InvalidArgumentError, match=message):
        points.feedback.load(file)
    assert len(points.feedback) == 0


def test_unreadable_and_unwritable_files_are_reported(points, tmp_path):
    with pytest.raises(errors.InvalidArgumentError, match="cannot be read"):
        points.feedback.load(tmp_path / "none.jsonl")
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(errors.InvalidArgumentError, match="not UTF-8"):
        points.feedback.load(tmp_path / "bytes")
    with pytest.raises(errors.InvalidArgumentError, match="cannot be written"):
        points.feedback.export(tmp_path / "nowhere" / "x")


@pytest.mark.parametrize("path", ["", "two\0names"])
def test_an_impossible_path_is_reported(points, path):
    with pytest.raises(errors.InvalidArgumentError, match="cannot be written"):
        points.feedback.export(path, overwrite=True)
    with pytest.raises(errors.InvalidArgumentError, match="cannot be read"):
        points.feedback.load(path)


def test_a_file_with_a_byte_order_mark_is_read(points, tmp_path, judged):
    file = tmp_path / "judgments.jsonl"
    file.write_text('{"query": "x", "id": "a", "relevance": 1}\n', encoding="utf-8-sig")
    points.feedback.load(file)
    assert judged(points) == [("x", "a", 1.0)]
