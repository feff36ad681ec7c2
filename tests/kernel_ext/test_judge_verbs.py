"""The magics that open the search panel and the reviews."""

import pytest

from chromalab.errors import InvalidArgumentError
from chromalab_widgets import Review, SearchPanel


def run(shell, line):
    return shell.run_line_magic("chroma", line)


def test_search_opens_a_panel_and_asks_at_once_where_there_is_a_query(store):
    panel = run(store, "search notes")
    assert isinstance(panel, SearchPanel)
    assert panel.rows == []
    asked = run(store, 'search notes "tea" -n 1')
    assert (asked.query, len(asked.rows)) == ("tea", 1)
    with_ui = run(store, 'search notes "tea" --ui')
    assert isinstance(with_ui, SearchPanel)
    assert with_ui.query == "tea"
    assert "Open the panel; it is what search does." in repr(run(store, "help search"))


def test_review_looks_for_what_is_said_or_takes_a_result(store):
    assert run(store, "review notes").kind == "duplicates"
    assert run(store, "review notes --what outliers --into odd").queue.into == "odd"
    run(store, "add notes tea!")
    store.user_ns["twins"] = run(store, "dedupe notes")
    assert isinstance(run(store, "review :twins"), Review)
    store.user_ns["some"] = [1]
    with pytest.raises(InvalidArgumentError, match="found list"):
        run(store, "review :some")


def test_label_opens_a_widget_with_ui(store):
    review = run(store, "label notes --field kind --choices a,b --ui")
    assert [choice["label"] for choice in review.choices] == ["a", "b", "Skip"]
    with pytest.raises(InvalidArgumentError, match="leave the body out"):
        store.run_cell_magic("chroma", "label notes --field kind --ui", "a: b")
