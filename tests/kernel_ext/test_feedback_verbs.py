"""`%chroma feedback`: judgements as they are typed."""

import numpy as np
import pytest

from chromalab.errors import ChromalabError, InvalidArgumentError, NotFoundError
from chromalab.feedback import Transform
from chromalab.feedback.asking import fingerprint


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


@pytest.fixture
def swapped(notes):
    """A transform under which the order of the notes is another."""
    matrix = np.array([[-1, 0], [0, 1]], dtype=np.float32)
    model = fingerprint(notes.get_model())
    return notes.transforms.add(Transform(name="swap", matrix=matrix, both=False, model=model))


def test_tune_says_why_it_learns_nothing_and_takes_what_it_is_given(store, notes):
    run(store, "feedback notes --query x", "a: +1")
    report = run(
        store,
        "tune notes --method ridge --sides queries --gate veto --name mine --random-state 3 --no-use",
    )
    assert not report.admitted
    assert "too few to learn from" in repr(report)
    assert report.parameters == {
        "method": "ridge", "sides": "queries", "gate": "veto", "random_state": 3
    }  # fmt: skip


def test_what_was_learned_is_kept_and_used_unless_said_otherwise(store, notes):
    notes.add(
        ids=[f"n{n}" for n in range(40)],
        embeddings=[[np.cos(n), np.sin(n)] for n in range(40)],
    )
    for n in range(0, 40, 2):
        notes.feedback.add([np.cos(n), np.sin(n)], [f"n{n}", f"n{(n + 20) % 40}"], [True, False])
    assert run(store, "tune notes --method ridge --gate off --name one --no-use").admitted
    assert notes.transforms.live is None
    assert run(store, "tune notes --method ridge --gate off").is_live
    assert notes.transforms.live.name == "tuned-1"
    assert [transform.name for transform in notes.transforms] == ["one", "tuned-1"]


def test_transforms_are_listed_switched_and_removed(store, notes, swapped):
    assert repr(run(store, "transforms notes")).startswith(
        "notes: 1 transform; queries go through none"
    )
    assert repr(run(store, "transforms notes --use swap")) == "notes: queries go through 'swap'"
    assert repr(run(store, "transforms notes --off")) == "notes: queries go through none"
    assert repr(run(store, "transforms notes --rollback")) == "notes: queries go through 'swap'"
    run(store, "transforms notes --off")
    assert repr(run(store, "transforms notes --remove swap")).startswith("notes: 0 transforms")


def test_a_query_goes_through_what_it_is_given(store, notes, swapped):
    notes.transforms.use("swap")
    plain = run(store, 'query notes "a long walk" --transform none')
    live = run(store, 'query notes "a long walk"')
    assert (
        plain["ids"] == notes.query(query_texts="a long walk", transform=None)["ids"] != live["ids"]
    )
    notes.transforms.use(None)
    assert run(store, 'query notes "a long walk" --transform swap')["ids"] == live["ids"]
    store.user_ns["mine"] = swapped
    assert run(store, 'query notes "a long walk" --transform :mine')["ids"] == live["ids"]


def test_evaluate_compares_with_the_first_time(store, notes, swapped):
    store.user_ns["asked"] = {"q1": "tea", "q2": "a long walk"}
    store.user_ns["qrels"] = {"q1": {"a": 2}, "q2": ["b"]}
    given = "evaluate notes --queries :asked --relevance :qrels -k 1"
    assert "kept as the baseline 'main'" in repr(run(store, given))
    changed = run(store, f"{given} --transform swap --random-state 1")
    assert changed.compared.changes == ("transform none to 'swap'",)
    assert changed.random_state == 1
    assert run(store, f"{given} --transform none --baseline none").note == ""
    assert run(store, f"{given} --replace").note.endswith("instead of that one")
    assert run(store, f'{given} --baseline other --where "year = 2020"').state.where is not None


def test_what_to_judge_next_is_suggested(store, notes):
    found = run(store, 'feedback notes --suggest 2 --query "hot drinks"')
    assert len(found) == 2
    assert {one.query for one in found} == {"hot drinks"}
    run(store, "feedback notes --query x", "a: +1")
    assert {one.id for one in run(store, "feedback notes --suggest 5")} == {"b", "c"}


@pytest.mark.parametrize(
    ("line", "body", "message"),
    [
        ("feedback notes --query x", None, "takes what was asked"),
        ("feedback notes", "a: +1", "takes what was asked"),
        ("feedback notes --query x", "a +1", "'a .1' is no judgement"),
        ("feedback notes --query x", ": 1", "is no judgement"),
        ("feedback notes --query x", "a: good", "is no judgement"),
        ("feedback notes --query x", "aa: 1", "Did you mean 'a'"),
        ("feedback notes --query x", "a: 1\na: 2", "1 duplicate id in this call"),
        ("feedback notes --query x --jsonl", '{"id": "a"}', "Line 1 of feedback --jsonl"),
        ("feedback notes --query x --jsonl", '{"id": "a", "relevance": 1, "nota": 1}', "'note'"),
        ("feedback notes --query x --undo", "a: 1", "--undo stands alone"),
        ("feedback notes --undo --load x", None, "one of them"),
        ("feedback notes --by ada", None, "--by says who judges"),
        ("feedback notes --undoo", None, "Did you mean '--undo'"),
        ("feedback notes --suggest 3 --undo", None, "--suggest says what to judge next"),
        ("feedback notes --suggest 3 --query x", "a: 1", "--suggest says what to judge next"),
        ("feedback notes --suggest 0 --query x", None, "at least 1"),
        ("feedback notes --suggest some", None, "--suggest is a whole number"),
        ("feedback notes --suggest 3", None, "No query of 'notes' was judged yet"),
        ("tune notes --method infonse", None, "Did you mean 'infonce'"),
        ("tune notes --sides left", None, "--sides cannot be 'left'"),
        ("transforms notes --use nobody", None, "No transform 'nobody'"),
        ("transforms notes --use a --off", None, "--use or --off"),
        ("transforms notes --rollback", None, "No other transform"),
        ("evaluate notes --queries x", None, "evaluate needs queries and their answers"),
        ("evaluate notes --queries x --relevance y", None, "list of texts or vectors"),
        ("query notes tea --transform nobody", None, "No transform 'nobody'"),
        ("feedback nots", None, "Did you mean 'notes'"),
    ],
)
def test_what_cannot_be_read_is_told(store, notes, line, body, message):
    with pytest.raises(ChromalabError, match=message):
        run(store, line, body)
    assert len(notes.feedback) == 0
