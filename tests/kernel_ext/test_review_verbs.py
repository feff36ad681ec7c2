"""The verbs that open the search panel, the reviews and the labeling widget."""

import pytest

from chromalab import Knn, Search
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


def test_search_finds_explains_and_says_why(store):
    found = run(store, 'search notes "tea" -k 1')
    assert len(found["ids"][0]) == 1
    assert found["scores"][0] is not None
    plan = run(store, 'search notes "tea" -k 1 --mmr 0.5 --explain')
    assert [stage.stage for _, stage in plan.root.walk()] == ["Limit", "Mmr", "Knn"]
    store.user_ns["hits"] = found
    first = found["ids"][0][0]
    assert run(store, f"why :hits {first}").stages[-1][2] == 1
    other = next(
        id for id in store.user_ns["hits"].searches[0].collection.get()["ids"] if id != first
    )
    assert run(store, f"why :hits {other}").reason == "number 2, cut at 1"
    store.user_ns["search"] = Search().rank(Knn("tea")).limit(1)
    assert run(store, "search notes :search")["ids"] == found["ids"]
    assert run(store, "explain notes :search").root.stage == "Limit"
    with pytest.raises(InvalidArgumentError, match="leave out --mmr"):
        run(store, "search notes :search --mmr 0.5")
    with pytest.raises(InvalidArgumentError, match="needs a text"):
        run(store, "search notes")
    with pytest.raises(InvalidArgumentError, match="the result of a search"):
        run(store, f"why :search {first}")


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
