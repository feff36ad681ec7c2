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


def test_searches_complete_flags_keys_results_and_ids(complete, store):
    store.run_cell(
        "hits = %chroma search notes tea -k 2\nfrom chromalab import Search\nmine = Search()"
    )
    assert complete("%%chroma search notes --hy") == ["--hybrid"]
    assert complete("%%chroma top << search notes tea --m") == ["--mmr", "--max-distance"]
    assert complete("%chroma search notes tea --group-by k") == ["kind"]
    assert complete("%chroma search notes tea --show year,k") == ["year,kind"]
    assert complete("%chroma search notes :mi") == [":mine"]
    assert complete("%chroma explain notes :mine --an") == ["--analyze"]
    assert complete("%chroma why :") == [":hits"]
    assert complete("%chroma why :hits ") == store.user_ns["hits"]["ids"][0]
    assert complete("%chroma why :hits a --s") == ["--search"]


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


def test_variables_with_data_are_offered_first_and_modules_never(complete, store):
    store.run_cell("import os\ndef ask(): pass\nb_number, c_text, z_frame = 1, 'x', ['y']")
    offered = complete("%chroma add notes :")
    assert offered == [":z_frame", ":b_number", ":c_text"]


def test_columns_of_the_table_are_offered(complete, store):
    import pandas

    store.user_ns["df"] = pandas.DataFrame({"body": ["x"], "Customer Name": ["y"], "year": [1]})
    store.user_ns["rows"] = [{"text": "x", "kind": "y"}]
    assert complete("%chroma add notes :df --text ") == ["body", '"Customer Name"', "year"]
    assert complete("%chroma add notes :df --text b") == ["body"]
    assert complete("%chroma add notes :df --id=y") == ["--id=year"]
    assert complete("%chroma add notes :df --meta year,b") == ["year,body"]
    assert complete("%chroma add notes :rows --meta k") == ["kind"]


def test_keys_and_values_of_the_collection_are_offered(complete, store):
    notes = store.run_line_magic("chroma", "connect --as work").get_collection("notes")
    store.user_ns["mine"] = notes
    assert sorted(complete("%chroma map notes --color ")) == ["kind", "year"]
    assert complete("%chroma map :mine --color k") == ["kind"]
    assert complete("%chroma label notes --field k") == ["kind"]
    assert complete("%chroma get notes --order-by -y") == ["-year"]
    assert complete('%chroma get notes --where "ki') == ['"kind']
    assert complete("%chroma get notes --where ki") == ['"kind']
    assert complete('%chroma get notes --where "year > 2020 and ki') == ["kind"]
    assert complete("%chroma get notes --where \"kind = 'd") == ["'drink'"]
    assert complete('%chroma get notes --where "kind in (') == ["'drink'", "'html'"]
    assert complete('%chroma get notes --where "year >= ') == ["2020", "2021"]
    assert complete("%chroma outliers notes --method l") == ["lof"]
    assert complete("%%chroma\nqu") == ["query"]
    assert complete("%%chroma hits <<\nquery no") == ["notes"]
    assert complete("%chroma count no-such-collecti") == ["no-such-collecti"]


def test_before_ipython_8_6_a_word_is_completed_from_the_line_before_the_cursor(store):
    from chromalab_kernel.completer import _word_matcher

    matcher = _word_matcher(store._chromalab_session, store.Completer)
    assert matcher.matcher_identifier == "chroma"

    def complete(line, word):
        store.Completer.text_until_cursor = line
        return matcher(word)

    assert complete("%chroma qu", "qu") == ["query"]
    assert complete("hits = %chroma query no", "no") == ["notes"]
    assert complete("%chroma query notes --wh", "--wh") == ["--where"]
    assert complete("%chroma create papers --metric=co", "co") == ["cosine"]
    assert complete("%chroma query notes --include documents,dis", "documents,dis") == [
        "documents,distances"
    ]
    assert complete("query", "query") == []
