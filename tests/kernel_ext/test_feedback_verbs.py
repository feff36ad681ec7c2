"""The verbs for judgments, transforms, tuning and evaluation."""

import numpy as np
import pytest

from chromalab.errors import ChromalabError, InvalidArgumentError, NotFoundError
from chromalab.feedback import Transform


def run(shell, line, body=None):
    if body is None:
        return shell.run_line_magic("chroma", line)
    return shell.run_cell_magic("chroma", line, body)


@pytest.fixture
def notes(store):
    return store.magics_manager.registry["ChromaMagic"].session.client.get_collection("notes")


def judgments_of(notes):
    return [(j.query, j.id, j.relevance, j.note) for j in notes.feedback]


def test_a_cell_has_one_judgment_per_line(store, notes):
    done = run(
        store,
        'feedback.add notes --query "hot drinks" --by ada',
        "a: +1\nb: -1   too far: 5 miles\n\nc:.5 only half\r\n",
    )
    assert repr(done) == "notes: 3 judgments added"
    assert judgments_of(notes) == [
        ("hot drinks", "a", 1.0, None),
        ("hot drinks", "b", -1.0, "too far: 5 miles"),
        ("hot drinks", "c", 0.5, "only half"),
    ]
    assert {j.by for j in notes.feedback} == {"ada"}
    assert repr(run(store, "feedback notes")).startswith("notes: 3 judgments of 1 query")
    assert len(run(store, "feedback.undo notes")) == 3
    with pytest.raises(NotFoundError, match="no judgments to undo"):
        run(store, "feedback.undo notes")


def test_ids_may_contain_colons_and_text_that_looks_like_a_grade(store, notes):
    ids = ["http://x/y: 3", "x: 1 y", "x", "x:"]
    notes.add(ids=ids, documents=["one", "two", "three", "four"])
    run(
        store,
        "feedback.add notes --query x",
        "http://x/y: 3: +1\nx: 1 y: -1 why: 2\nx: +1 see y: 7\nx:: 2",
    )
    assert [row[1:] for row in judgments_of(notes)] == [
        ("http://x/y: 3", 1.0, None),
        ("x: 1 y", -1.0, "why: 2"),
        ("x", 1.0, "see y: 7"),
        ("x:", 2.0, None),
    ]


def test_json_lines_accept_any_id(store, notes):
    notes.add(ids=["x: 1\ny"], documents=["one"])
    run(
        store,
        "feedback.add notes --query x --jsonl",
        '{"id": "x: 1\\ny", "relevance": 1}\n{"id": "a", "relevance": false, "note": "no"}',
    )
    assert judgments_of(notes) == [("x", "x: 1\ny", 1.0, None), ("x", "a", -1.0, "no")]


def test_a_query_is_a_vector_by_name_or_a_filled_text(store, notes):
    store.user_ns["vector"] = [3.0, 2.0]
    store.user_ns["what"] = "tea"
    run(store, "feedback.add notes --query :vector", "a: +1")
    run(store, 'feedback.add notes --query "hot {{what}}" --fill', "a: +1")
    first, second = notes.feedback
    assert first.vector.tolist() == [3, 2]
    assert second.query == "hot tea"


def test_judgments_are_exported_and_loaded_again(store, notes):
    run(store, "feedback.add notes --query x", "a: +1")
    assert repr(run(store, "feedback.export notes judgments.jsonl")) == (
        "1 judgment written to judgments.jsonl"
    )
    with pytest.raises(InvalidArgumentError, match="already"):
        run(store, "feedback.export notes judgments.jsonl")
    run(store, "feedback.undo notes")
    assert repr(run(store, "feedback.load notes judgments.jsonl")) == "notes: 1 judgment added"
    run(store, "feedback.add notes --query x --by bob", "a: -1")
    assert len(run(store, "feedback.disagreements notes")) == 1


@pytest.fixture
def swapped(notes):
    """A transform that changes the order of the notes."""
    matrix = np.array([[-1, 0], [0, 1]], dtype=np.float32)
    model = notes.fingerprint()
    return notes.transforms.add(Transform(name="swap", matrix=matrix, both=False, model=model))


def test_tune_explains_a_refusal_and_uses_the_given_options(store, notes):
    run(store, "feedback.add notes --query x", "a: +1")
    report = run(
        store,
        "tune notes --method ridge --sides queries --gate veto --name mine --random-state 3 --no-use",
    )
    assert not report.admitted
    assert "too few to learn from" in repr(report)
    assert report.parameters == {
        "method": "ridge", "sides": "queries", "gate": "veto", "random_state": 3
    }  # fmt: skip


def test_a_tuned_transform_is_stored_and_active_by_default(store, notes):
    notes.add(
        ids=[f"n{n}" for n in range(40)],
        embeddings=[[np.cos(n), np.sin(n)] for n in range(40)],
    )
    for n in range(0, 40, 2):
        notes.feedback.add([np.cos(n), np.sin(n)], [f"n{n}", f"n{(n + 20) % 40}"], [True, False])
    assert run(store, "tune notes --method ridge --gate off --name one --no-use").admitted
    assert notes.transforms.active is None
    assert run(store, "tune notes --method ridge --gate off").is_active
    assert notes.transforms.active.name == "tuned-1"
    assert [transform.name for transform in notes.transforms] == ["one", "tuned-1"]


def test_transforms_are_listed_switched_and_removed(store, notes, swapped):
    assert repr(run(store, "transforms notes")).startswith(
        "notes: 1 transform; queries go through none"
    )
    assert repr(run(store, "transforms.use notes swap")) == "notes: queries go through 'swap'"
    assert repr(run(store, "transforms.use notes none")) == "notes: queries go through none"
    assert repr(run(store, "transforms.rollback notes")) == "notes: queries go through 'swap'"
    run(store, "transforms.use notes none")
    assert repr(run(store, "transforms.remove notes swap")).startswith("notes: 0 transforms")


def test_a_query_uses_the_given_transform(store, notes, swapped):
    notes.transforms.use("swap")
    plain = run(store, 'query notes "a long walk" --transform none')
    active = run(store, 'query notes "a long walk"')
    assert (
        plain["ids"]
        == notes.query(query_texts="a long walk", transform=None)["ids"]
        != active["ids"]
    )
    notes.transforms.use(None)
    assert run(store, 'query notes "a long walk" --transform swap')["ids"] == active["ids"]
    store.user_ns["mine"] = swapped
    assert run(store, 'query notes "a long walk" --transform :mine')["ids"] == active["ids"]


def test_evaluate_compares_with_the_baseline(store, notes, swapped):
    store.user_ns["asked"] = {"q1": "tea", "q2": "a long walk"}
    store.user_ns["qrels"] = {"q1": {"a": 2}, "q2": ["b"]}
    given = "evaluate notes --queries :asked --relevance :qrels -k 1"
    assert "stored as the baseline 'main'" in repr(run(store, given))
    changed = run(store, f"{given} --transform swap --random-state 1")
    assert changed.compared.changes == ("transform none to 'swap'",)
    assert changed.random_state == 1
    assert run(store, f"{given} --transform none --baseline none").note == ""
    assert run(store, f"{given} --replace").note.endswith("replacing that one")
    assert run(store, f'{given} --baseline other --where "year = 2020"').state.where is not None


def test_the_next_judgments_are_suggested(store, notes):
    found = run(store, 'feedback.suggest notes -n 2 --queries "hot drinks"')
    assert len(found) == 2
    assert {one.query for one in found} == {"hot drinks"}
    run(store, "feedback.add notes --query x", "a: +1")
    assert {one.id for one in run(store, "feedback.suggest notes -n 5")} == {"b", "c"}


@pytest.mark.parametrize(
    ("line", "body", "message"),
    [
        ("feedback.add notes --query x", None, "needs a body"),
        ("feedback.add notes", "a: +1", "feedback.add needs --query"),
        ("feedback notes", "a: +1", "feedback takes no body"),
        ("feedback.add notes --query x", "a +1", "A judgment must be .* got 'a .1'"),
        ("feedback.add notes --query x", ": 1", "A judgment must be"),
        ("feedback.add notes --query x", "a: good", "A judgment must be"),
        ("feedback.add notes --query x", "aa: 1", "Did you mean 'a'"),
        ("feedback.add notes --query x", "a: 1\na: 2", "must be unique"),
        ("feedback.add notes --query x --jsonl", '{"id": "a"}', "Line 1 of feedback.add --jsonl"),
        (
            "feedback.add notes --query x --jsonl",
            '{"id": "a", "relevance": 1, "nota": 1}',
            "'note'",
        ),
        ("feedback.add notes --query x --undo", "a: 1", "does not take '--undo'"),
        ("feedback.undo notes --load x", None, "does not take '--load'"),
        ("feedback notes --by ada", None, "does not take '--by'"),
        ("feedback.undoo notes", None, "Did you mean 'feedback.undo'"),
        ("feedback.export notes a.jsonl --overwrit", None, "Did you mean '--overwrite'"),
        ("feedback.load notes", None, "feedback.load needs path"),
        ("feedback.suggest notes -n 3 --queries x", "a: 1", "feedback.suggest takes no body"),
        ("feedback.suggest notes -n 0 --queries x", None, "at least 1"),
        ("feedback.suggest notes -n some", None, "-n must be an integer; got 'some'"),
        ("feedback.suggest notes -n 3", None, "No query of 'notes' has been judged yet"),
        ("tune notes --method infonse", None, "Did you mean 'infonce'"),
        ("tune notes --sides left", None, "'left'"),
        ("transforms.use notes nobody", None, "No transform 'nobody'"),
        ("transforms.use notes a none", None, "takes one name; got 'a' and 'none'"),
        ("transforms.rollback notes", None, "No other transform"),
        ("evaluate notes --queries x", None, "evaluate needs --relevance"),
        ("evaluate notes", None, "evaluate needs --queries and --relevance"),
        ("evaluate notes --queries x --relevance y", None, "list of texts or vectors"),
        ("query notes tea --transform nobody", None, "No transform 'nobody'"),
        ("feedback nots", None, "Did you mean 'notes'"),
    ],
)
def test_a_malformed_command_is_reported(store, notes, line, body, message):
    with pytest.raises(ChromalabError, match=message):
        run(store, line, body)
    assert len(notes.feedback) == 0
