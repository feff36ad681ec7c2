"""`%chroma` alone: the panel where widgets are shown, else a text; and the panel's text is that text."""

import nbformat
import pytest
from nbclient import NotebookClient

import chromalab
from chromalab_widgets.panel import Panel

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What the cells of a notebook show, in a real kernel."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "broken").mkdir()
    (folder / "broken" / "store.sqlite3").write_text("not a store")
    cells = {
        "no store": "%load_ext chromalab\n%chroma",
        "broken": "%config ChromaMagic.store = 'broken'\n%chroma",
        "a store": (
            "%chroma connect ./notes.chroma --as work\n"
            "%chroma create notes --model none\n"
            "found = %chroma\n"
            "found"
        ),
        "its text": "status = get_ipython().user_ns['found']\nprint(status)",
        "kept": "print(type(status).__name__)",
    }
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells.values())))
    NotebookClient(
        notebook, allow_errors=True, timeout=120, resources={"metadata": {"path": str(folder)}}
    ).execute()
    shown = [cell["outputs"][-1] for cell in notebook["cells"]]
    return dict(zip(cells, shown, strict=True))


def test_in_a_notebook_it_is_the_panel(outputs):
    data = outputs["a store"]["data"]
    assert WIDGET in data
    assert "notes" in data["text/html"]
    assert outputs["kept"]["text"] == "Panel\n"


def test_its_text_is_the_status(outputs):
    assert outputs["a store"]["data"]["text/plain"] == (
        "Connections: work (current). All verbs: %chroma help\n"
        "name   records  dimension  model  space\n"
        "notes  0                   none   l2"
    )
    assert outputs["its text"]["text"].startswith("Connections: work (current)")


def test_without_a_store_it_says_how_to_open_one(outputs):
    data = outputs["no store"]["data"]
    assert "%chroma connect ./my.chroma" in data["text/plain"]
    assert WIDGET not in data


def test_a_store_that_cannot_be_opened_is_one_sentence(outputs):
    assert outputs["broken"]["ename"] == "InternalError"
    assert outputs["broken"]["evalue"].endswith(
        "is damaged: it is not a database. Restore the folder from a copy."
    )


def test_in_a_terminal_it_is_the_text(store):
    found = store.run_line_magic("chroma", "")
    assert not isinstance(found, Panel)
    with chromalab.PersistentClient("notes.chroma") as client:
        heading, _, table = repr(found).partition("\n")
        assert heading.startswith("Connections: work (current). ")
        assert table == repr(client.list_collections())
