"""The search panel: searches, their errors, and how it is displayed."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anywidget
import pytest
from traitlets import TraitError

from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, NotFoundError
from chromalab_widgets import SearchPanel
from chromalab_widgets.core.bundles import MissingBundleError, bundle

VERBS = "Verbs: facets, filter, find, judge, missing, range, restrict, search ... 8 of 21 shown."
HOSTILE = "<img src=x onerror=alert(1)>"
WIDGETS = Path(__file__).parents[2] / "widgets"


def test_a_search_from_the_browser_fills_the_rows(facts, send):
    search_panel = SearchPanel(facts, n_results=2)
    send(search_panel, {"verb": "search", "text": "moon"})
    assert search_panel.query == "moon"
    assert search_panel.rows == [
        {
            "id": "moon",
            "document": "The Moon drifts away from the Earth",
            "distance": 0.0,
            "metadata": [["topic", "space"], ["year", "1969"]],
        },
        {
            "id": "bee",
            "document": "A bee visits a thousand flowers",
            "distance": 3.0,
            "metadata": [["topic", "animals"]],
        },
    ]
    assert re.fullmatch(r"2 of 3 in \d+ ms", search_panel.status)
    assert search_panel.error == ""


def test_a_search_from_python_returns_the_results_and_updates_the_widget(facts):
    search_panel = SearchPanel(facts)
    assert search_panel.results is None
    found = search_panel.search("bee")
    assert found is search_panel.results
    assert found["ids"] == [["bee", "moon", "bare"]]
    assert search_panel.query == "bee"
    assert [row["id"] for row in search_panel.rows] == ["bee", "moon", "bare"]


def test_a_record_without_document_and_metadata_is_a_row_too(facts):
    search_panel = SearchPanel(facts)
    search_panel.search("bee")
    assert search_panel.rows[-1] == {
        "id": "bare",
        "document": None,
        "distance": 66.0,
        "metadata": [],
    }


def test_long_texts_are_cut_with_an_ellipsis_for_the_browser_but_not_in_python(facts):
    facts.add(ids=["long"], documents=["bee " * 500], metadatas=[{"note": "x" * 500}])
    search_panel = SearchPanel(facts, n_results=1)
    found = search_panel.search("bee " * 500)
    row = search_panel.rows[0]
    assert row["document"].endswith("bee …")
    assert len(row["document"]) <= 602
    assert row["metadata"] == [["note", "x" * 80 + " …"]]
    assert found["documents"][0][0] == "bee " * 500


def test_n_results_can_be_changed_and_must_be_positive(facts):
    search_panel = SearchPanel(facts)
    search_panel.n_results = 1
    search_panel.search("bee")
    assert len(search_panel.rows) == 1
    with pytest.raises(TraitError, match="n_results"):
        search_panel.n_results = 0
    for wrong in (0, "many"):
        with pytest.raises(
            (InvalidArgumentError, InvalidArgumentTypeError), match="n_results must"
        ):
            facts.search_panel(n_results=wrong)


def test_the_first_status_counts_the_records(facts):
    assert SearchPanel(facts).status == "3 records"


def test_every_request_sets_and_clears_the_busy_flag(facts, send):
    search_panel = SearchPanel(facts)
    seen = []
    search_panel.observe(lambda change: seen.append(change["new"]), "busy")
    for content in ({"verb": "search", "text": "bee"}, {"verb": "drop"}, {"verb": "drop"}):
        send(search_panel, content)
        assert seen == [True, False]
        seen.clear()


def test_the_results_reach_the_browser_as_one_update(facts, monkeypatch):
    search_panel = SearchPanel(facts)
    sent = []
    monkeypatch.setattr(
        search_panel.comm, "send", lambda data, **_: sent.append(set(data["state"]))
    )
    search_panel.search("bee")
    assert sent == [{"busy"}, {"busy", "query", "rows", "status"}]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"verb": "drop"}, "No verb 'drop'. " + VERBS),
        ({"verb": "serch", "text": "x"}, "No verb 'serch'. Did you mean 'search'? " + VERBS),
        ({"text": "x"}, "A request must be an object with a verb; got {'text': 'x'}."),
        (["search"], "A request must be an object with a verb; got ['search']."),
        (None, "A request must be an object with a verb; got None."),
        (
            {"verb": ["search"]},
            "A request must be an object with a verb; got {'verb': ['search']}.",
        ),
        ({"verb": "search"}, "The verb 'search' takes ['text']; got []."),
        (
            {"verb": "search", "text": "x", "where": {}},
            "The verb 'search' takes ['text']; got ['text', 'where'].",
        ),
        (
            {"verb": "search", "text": 1},
            "The text to search for must be a str; got int. Pass a sentence or a few words.",
        ),
        (
            {"verb": "search", "text": " "},
            "The text to search for must not be blank. Type a few words.",
        ),
        (
            {"verb": "search", "text": "x" * 10_001},
            "The text to search for must have at most 10,000 characters; got 10,001. Shorten it.",
        ),
    ],
)
def test_an_invalid_request_is_refused_with_a_message(facts, content, sentence, send):
    search_panel = SearchPanel(facts)
    found = search_panel.search("bee")
    send(search_panel, content)
    assert search_panel.error == sentence
    assert search_panel.results is found
    assert len(search_panel.rows) == 3


def test_an_error_of_the_store_is_shown_and_clears_the_rows(client, facts, caplog, send):
    search_panel = SearchPanel(facts)
    search_panel.search("bee")
    client.delete_collection("facts")
    with pytest.raises(NotFoundError) as raised:
        facts.count()
    send(search_panel, {"verb": "search", "text": "moon"})
    assert search_panel.error == str(raised.value)
    assert (search_panel.rows, search_panel.results, search_panel.status) == ([], None, "")
    assert caplog.records == []


def test_an_unexpected_error_is_shown_with_its_class_and_logged_with_its_traceback(
    facts, words, caplog, send
):
    search_panel = SearchPanel(facts)
    words.problem = OSError("disk full")
    send(search_panel, {"verb": "search", "text": "moon"})
    assert search_panel.error == "OSError: disk full"
    assert caplog.records[-1].exc_info[0] is OSError


def test_a_successful_search_clears_the_error(facts, send):
    search_panel = SearchPanel(facts)
    send(search_panel, {"verb": "drop"})
    search_panel.search("bee")
    assert search_panel.error == ""


def test_in_python_errors_are_raised(client, facts):
    search_panel = SearchPanel(facts)
    with pytest.raises(InvalidArgumentError, match="blank"):
        search_panel.search("")
    with pytest.raises(InvalidArgumentTypeError, match="got list"):
        search_panel.search(["moon"])
    client.delete_collection("facts")
    with pytest.raises(NotFoundError):
        search_panel.search("moon")
    assert "it was deleted" in search_panel.error


def test_an_interrupt_clears_the_busy_flag(facts, words):
    search_panel = SearchPanel(facts)
    words.problem = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        search_panel.search("moon")
    assert not search_panel.busy
    assert search_panel.error == "KeyboardInterrupt"


def test_searches_of_several_threads_never_mix_their_rows(facts, send):
    search_panel = SearchPanel(facts, n_results=1)
    shown = []
    search_panel.observe(
        lambda _: shown.append((search_panel.query, search_panel.rows[0]["id"])), "status"
    )
    texts = ["moon", "bee"] * 8
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda text: send(search_panel, {"verb": "search", "text": text}), texts))
    assert search_panel.error == ""
    assert set(shown) <= {("moon", "moon"), ("bee", "bee")}
    assert shown


def test_a_collection_opens_its_search_panel(facts):
    search_panel = facts.search_panel(n_results=2, where={"topic": "space"})
    assert repr(search_panel) == "SearchPanel('facts', rows=0)"
    assert (search_panel.n_results, search_panel.where) == (2, {"topic": "space"})


def test_before_a_search_the_html_explains_what_to_do(facts):
    data, _ = SearchPanel(facts)._repr_mimebundle_()
    line = "<p>Search panel over 'facts' (3 records). Run the cell to search.</p>"
    assert line in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_html_for_a_saved_notebook_escapes_everything(facts):
    facts.add(ids=[HOSTILE], documents=[HOSTILE])
    search_panel = SearchPanel(facts)
    search_panel.search(HOSTILE)
    data, _ = search_panel._repr_mimebundle_()
    assert "<img" not in data["text/html"]
    assert data["text/html"].count("&lt;img") == 4  # query, label of the table, id, document


def test_hostile_text_reaches_the_browser_unchanged_which_shows_it_as_text(facts):
    facts.add(ids=[HOSTILE], documents=[HOSTILE], metadatas=[{HOSTILE: HOSTILE}])
    search_panel = SearchPanel(facts, n_results=1)
    search_panel.search(HOSTILE)
    row = search_panel.rows[0]
    assert (row["id"], row["document"], row["metadata"]) == (HOSTILE, HOSTILE, [[HOSTILE, HOSTILE]])


def test_the_repr_is_short(facts):
    search_panel = SearchPanel(facts)
    assert repr(search_panel) == "SearchPanel('facts', rows=0)"
    search_panel.search("bee " * 100)
    assert (
        repr(search_panel)
        == f"SearchPanel('facts', query={('bee ' * 10).rstrip() + ' …'!r}, rows=3)"
    )


def test_the_typescript_knows_the_same_traits():
    source = (WIDGETS / "src/search_panel/model.ts").read_text()
    body = re.search(r"interface SearchPanelModel \{(.*?)\n\}", source, re.DOTALL).group(1)
    ours = {name for name, trait in SearchPanel.class_traits(sync=True).items()}
    inherited = {name for name in anywidget.AnyWidget.class_traits(sync=True)}
    assert set(re.findall(r"^\s+(\w+):", body, re.MULTILINE)) == ours - inherited


def test_the_error_for_a_missing_bundle_explains_how_to_build_it(tmp_path):
    with pytest.raises(
        MissingBundleError, match=r"search_panel\.js is missing\. Run `npm run build`"
    ):
        bundle("search_panel.js", folder=tmp_path)


def test_the_bundle_is_small_and_loads_nothing_from_elsewhere():
    for name in ("search_panel.js", "search_panel.css"):
        text = bundle(name).read_text()
        assert len(text) < 300_000
        assert "//" not in text.replace("http://www.w3.org/2000/svg", "")  # a name, never fetched


def test_the_package_imports_without_anywidget():
    code = "import sys, chromalab_widgets; sys.exit('anywidget' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
