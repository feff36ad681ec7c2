"""Completion, requested as a front end does: with the text of the cell and the cursor."""

import pytest
from IPython.core.completer import provisionalcompleter

import chromalab


@pytest.fixture
def complete(store):
    def ask(cell):
        with provisionalcompleter():
            return [completion.text for completion in store.Completer.completions(cell, len(cell))]

    return ask


def test_verbs_collections_flags_values_and_variables_are_offered(complete, store):
    store.user_ns["questions"] = ["x"]
    assert complete("%chroma qu") == ["query"]
    assert complete("hits = %chroma qu") == ["query"]
    assert complete("x = 1\n%chroma cou") == ["count"]
    assert complete("%%chroma hits << qu") == ["query"]
    assert complete("%chroma query no") == ["notes"]
    assert complete("%chroma query notes --wh") == ["--where"]
    assert complete("%chroma query notes :ques") == [":questions"]
    assert complete("%chroma create papers --metr") == ["--metric"]
    assert complete("%chroma create papers --metric co") == ["cosine"]
    assert complete("%chroma create papers --model le") == ["lengths"]
    assert complete("%chroma create papers --metric=co") == ["--metric=cosine"]
    assert complete("%chroma query notes --include doc") == ["documents"]
    assert complete("%chroma query notes --include documents,dis") == ["documents,distances"]
    assert complete("%chroma help que") == ["query"]
    assert complete("%chroma transf") == [
        "transforms",
        "transforms.remove",
        "transforms.rollback",
        "transforms.use",
    ]
    assert complete("%chroma feedback.un") == ["feedback.undo"]
    assert complete("%chroma feedback.undo no") == ["notes"]
    assert complete("%chroma transforms.use notes --w") == ["--wait"]
    assert complete("%chroma help label_queue.") == ["label_queue.label"]
    assert complete("%chroma link notes no") == ["notes"]
    assert complete("%chroma tune notes --no") == ["--no-use"]


def test_other_lines_are_left_to_other_matchers(complete, store):
    store.user_ns["query_texts"] = 1
    assert "query_texts" in complete("%chroma count notes\nquery_te")


def test_completion_never_creates_a_store_but_lists_an_existing_one(shell, tmp_path):
    def ask(cell):
        with provisionalcompleter():
            return [c.text for c in shell.Completer.completions(cell, len(cell))]

    shell.run_line_magic("config", f"ChromaMagic.store = {str(tmp_path / 'later')!r}")
    assert "notes" not in ask("%chroma query no")
    assert not (tmp_path / "later").exists()
    with chromalab.PersistentClient(tmp_path / "later") as client:
        client.create_collection("notes", embedding_function=None)
    assert ask("%chroma query no") == ["notes"]


def test_a_name_that_contains_a_line_of_code_is_not_offered(complete, store):
    known = chromalab.embed.known_embedding_functions
    known["lengths\nimport os"] = known["lengths"]
    try:
        assert complete("%chroma create papers --model len") == ["lengths"]
    finally:
        del known["lengths\nimport os"]
