"""`%chroma feedback`: judgements as they are typed."""

import pytest

from chromalab.errors import InvalidArgumentError, NotFoundError


def run(shell, line, body=None):
    if body is None:
        return shell.run_line_magic("chroma", line)
    return shell.run_cell_magic("chroma", line, body)


@pytest.fixture
def notes(store):
    return store.magics_manager.registry["ChromaMagic"].session.client.get_collection("notes")


def said(notes):
    return [(j.query, j.id, j.relevance, j.note) for j in notes.feedback]


def test_a_cell_judges_a_line_a_record(store, notes):
    done = run(
        store,
        'feedback notes --query "hot drinks" --by ada',
        "a: +1\nb: -1   too far: 5 miles\n\nc:.5 only half\r\n",
    )
    assert repr(done) == "notes: 3 judgements added"
    assert said(notes) == [
        ("hot drinks", "a", 1.0, None),
        ("hot drinks", "b", -1.0, "too far: 5 miles"),
        ("hot drinks", "c", 0.5, "only half"),
    ]
    assert {j.by for j in notes.feedback} == {"ada"}
    assert repr(run(store, "feedback notes")).startswith("notes: 3 judgements of 1 query")
    assert len(run(store, "feedback notes --undo")) == 3
    with pytest.raises(NotFoundError, match="no judgements to undo"):
        run(store, "feedback notes --undo")


def test_ids_may_hold_colons_and_what_looks_like_a_grade(store, notes):
    ids = ["http://x/y: 3", "x: 1 y", "x", "x:"]
    notes.add(ids=ids, documents=["one", "two", "three", "four"])
    run(
        store,
        "feedback notes --query x",
        "http://x/y: 3: +1\nx: 1 y: -1 why: 2\nx: +1 see y: 7\nx:: 2",
    )
    assert [row[1:] for row in said(notes)] == [
        ("http://x/y: 3", 1.0, None),
        ("x: 1 y", -1.0, "why: 2"),
        ("x", 1.0, "see y: 7"),
        ("x:", 2.0, None),
    ]


def test_json_lines_say_any_id(store, notes):
    notes.add(ids=["x: 1\ny"], documents=["one"])
    run(
        store,
        "feedback notes --query x --jsonl",
        '{"id": "x: 1\\ny", "relevance": 1}\n{"id": "a", "relevance": false, "note": "no"}',
    )
    assert said(notes) == [("x", "x: 1\ny", 1.0, None), ("x", "a", -1.0, "no")]


def test_a_vector_is_judged_by_its_name_and_a_text_is_filled(store, notes):
    store.user_ns["vector"] = [3.0, 2.0]
    store.user_ns["what"] = "tea"
    run(store, "feedback notes --query :vector", "a: +1")
    run(store, 'feedback notes --query "hot {{what}}" --fill', "a: +1")
    first, second = notes.feedback
    assert first.vector.tolist() == [3, 2]
    assert second.query == "hot tea"


def test_judgements_go_to_a_file_and_come_back(store, notes):
    run(store, "feedback notes --query x", "a: +1")
    assert repr(run(store, "feedback notes --export said.jsonl")) == (
        "1 judgement written to said.jsonl"
    )
    with pytest.raises(InvalidArgumentError, match="already"):
        run(store, "feedback notes --export said.jsonl")
    run(store, "feedback notes --undo")
    assert repr(run(store, "feedback notes --load said.jsonl")) == "notes: 1 judgement added"
    run(store, "feedback notes --query x --by bob", "a: -1")
    assert len(run(store, "feedback notes --disagreements")) == 1


@pytest.mark.parametrize(
    ("line", "body", "message"),
    [
        ("feedback notes --query x", None, "takes what was asked"),
        ("feedback notes", "a: +1", "takes what was asked"),
        ("feedback notes --query x", "a +1", "'a .1' is no judgement"),
        ("feedback notes --query x", ": 1", "is no judgement"),
        ("feedback notes --query x", "a: good", "is no judgement"),
        ("feedback notes --query x", "aa: 1", "Did you mean 'a'"),
        ("feedback notes --query x", "a: 1\na: 2", "more than once"),
        ("feedback notes --query x --jsonl", '{"id": "a"}', "Line 1 of feedback --jsonl"),
        ("feedback notes --query x --jsonl", '{"id": "a", "relevance": 1, "nota": 1}', "'note'"),
        ("feedback notes --query x --undo", "a: 1", "--undo stands alone"),
        ("feedback notes --undo --load x", None, "one of them"),
        ("feedback notes --by ada", None, "--by says who judges"),
        ("feedback notes --undoo", None, "Did you mean '--undo'"),
        ("feedback nots", None, "Did you mean 'notes'"),
    ],
)
def test_what_cannot_be_read_is_told(store, notes, line, body, message):
    with pytest.raises((InvalidArgumentError, NotFoundError), match=message):
        run(store, line, body)
    assert len(notes.feedback) == 0
