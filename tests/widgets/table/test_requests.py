"""Input from a browser is untrusted, and output to it is text."""

import re
from pathlib import Path

import anywidget
import pytest

from chromalab_widgets import Table
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.core.selection_bar import SELECTION_VERBS

HOSTILE = "<img src=x onerror=alert(1)>"
WIDGETS = Path(__file__).parents[3] / "widgets"


@pytest.mark.parametrize(
    "content",
    [
        {"verb": "drop"},
        {"verb": "page", "start": -1, "stop": 2},
        {"verb": "page", "start": 0, "stop": "2"},
        {"verb": "sort", "column": "year", "direction": "sideways"},
        {"verb": "sort", "column": "nothing", "direction": "up"},
        {"verb": "range", "column": "year", "low": "x", "high": None, "closed": True},
        {"verb": "range", "column": "nothing", "low": 1, "high": None, "closed": True},
        {"verb": "pick", "column": "kind", "tokens": ['{"$gt": 1}']},
        {"verb": "pick", "column": "kind", "tokens": ["nonsense"]},
        {"verb": "pick", "column": "year", "tokens": ["NaN"]},
        {"verb": "pick", "column": "year", "tokens": ["1e999"]},
        {"verb": "pick", "column": "year", "tokens": ["9" * 30]},
        {"verb": "pick", "column": "year", "tokens": ["[" * 100_000]},
        {"verb": "delete", "ids": ["a", "b"]},
        {"verb": "summary", "column": "nothing"},
    ],
)
def test_an_invalid_request_changes_nothing(browser, notes, content):
    before = notes.get()
    problem = browser.ask(**content)
    assert isinstance(problem, str)
    assert problem == browser.table.error
    assert (browser.table.where, browser.table.order_by, notes.get()) == (None, "", before)


def test_hostile_text_is_shown_as_text_everywhere(browse, client):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(ids=[HOSTILE], embeddings=[[1]], documents=[HOSTILE], metadatas=[{HOSTILE: HOSTILE}])
    browser = browse(notes.table())
    (row,) = browser.ask("page", start=0, stop=1)["rows"]
    assert (row["id"], row["document"], row["cells"]) == (HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    assert browser.ask("summary", column=HOSTILE)["values"][0]["label"] == HOSTILE
    data, _ = browser.table._repr_mimebundle_()
    assert "<img" not in data["text/html"]
    assert data["text/html"].count("&lt;img") == 4


def test_the_typescript_knows_the_same_traits_and_verbs():
    source = (WIDGETS / "src/table/model.ts").read_text()
    body = re.search(r"interface TableModel \{(.*?)\}", source, re.DOTALL).group(1)
    ours = set(Table.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    assert set(re.findall(r"^\s+(\w+):", body, re.MULTILINE)) == ours
    files = "".join(file.read_text() for file in (WIDGETS / "src/table").glob("*.ts"))
    used = set(re.findall(r'(?:ask(?:<[^(]*>)?|send)\("(\w+)"', files))
    assert used <= set(Table.verbs)
    assert set(Table.verbs) - used - set(SELECTION_VERBS) == {
        "undo",
        "clear",
        "refresh",
    }  # sent under the name of the button


def test_the_bundles_are_small_and_load_nothing_from_elsewhere():
    for name in ("table.js", "table.css", "panel.js", "panel.css"):
        text = bundle(name).read_text()
        assert len(text) < 300_000
        assert "://" not in text
