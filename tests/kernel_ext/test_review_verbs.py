"""The verbs that open the search panel, the reviews and the labeling widget."""

import pytest

from chromalab.errors import InvalidArgumentError
from chromalab_widgets import Review, SearchPanel


def run(shell, line):
    return shell.run_line_magic("chroma", line)


def test_search_opens_the_panel_with_ui_and_runs_the_given_query(store):
    panel = run(store, "search notes --ui")
    assert isinstance(panel, SearchPanel)
    assert panel.rows == []
    searched = run(store, 'search notes "tea" -k 1 --ui')
    assert (searched.query, len(searched.rows)) == ("tea", 1)
    assert "Open the search panel." in repr(run(store, "help search"))


def test_search_without_ui_points_to_query(store):
    with pytest.raises(
        InvalidArgumentError, match=r"search opens the search panel with --ui.*query"
    ):
        run(store, 'search notes "tea"')


def test_review_runs_the_named_analysis_or_takes_a_result(store):
    assert run(store, "review notes").kind == "duplicates"
    assert run(store, "review notes --what outliers --into odd").queue.into == "odd"
    run(store, "add notes tea!")
    store.user_ns["twins"] = run(store, "dedupe notes")
    assert isinstance(run(store, "review :twins"), Review)
    store.user_ns["some"] = [1]
    with pytest.raises(InvalidArgumentError, match=r"got \[1\]"):
        run(store, "review :some")
    with pytest.raises(InvalidArgumentError, match="--what goes with a collection"):
        run(store, "review :twins --what clusters")


def test_label_opens_the_labeling_widget(store):
    review = run(store, "label notes --field kind --choices a,b")
    assert [choice["label"] for choice in review.choices] == ["a", "b", "Skip"]
    with pytest.raises(InvalidArgumentError, match="label takes no body"):
        store.run_cell_magic("chroma", "label notes --field kind", "a: b")
