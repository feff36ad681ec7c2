"""`%chroma` alone: the panel where widgets are shown, else a text; and the panel's text is that text."""

import sys

import nbformat
import pytest
from nbclient import NotebookClient

import chromalab
from chromalab_kernel.actions import status
from chromalab_kernel.widget_verbs import status_panel
from chromalab_widgets import Panel

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
        "again": "%chroma create papers --model none\n%chroma",
        "reloaded": "%reload_ext chromalab\n%chroma connect --ephemeral --as other\n%chroma",
        "back": "%chroma connect ./notes.chroma --as work\n%chroma",
        "alive": (
            "from ipywidgets.widgets.widget import _instances\n"
            "panels = [w for w in _instances.values() if type(w).__name__ == 'Panel']\n"
            "told = get_ipython().events.callbacks['post_run_cell']\n"
            "print(len(panels), sum('chromalab' in one.__module__ for one in told))"
        ),
        "closed": "status.close()\n%chroma",
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


def test_again_it_is_the_same_panel_of_each_connection_as_it_is_now(outputs):
    shown = {name: outputs[name]["data"] for name in ("a store", "again", "reloaded", "back")}
    models = {name: data[WIDGET]["model_id"] for name, data in shown.items()}
    assert models["a store"] == models["again"] == models["back"] != models["reloaded"]
    assert "papers" in shown["again"]["text/plain"]
    assert shown["reloaded"]["text/plain"].startswith("Connections: work, other (current)")
    assert shown["reloaded"]["text/plain"].endswith("no collections")
    assert shown["back"]["text/plain"].startswith("Connections: work (current), other")
    assert outputs["alive"]["text"] == "2 2\n"


def test_a_panel_that_was_closed_is_made_anew(outputs):
    data = outputs["closed"]["data"]
    assert data[WIDGET]["model_id"] != outputs["back"]["data"][WIDGET]["model_id"]
    assert "papers" in data["text/plain"]


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


@pytest.fixture
def session(store, monkeypatch):
    """A session whose next panel imports the widgets anew."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "chromalab_widgets":
            monkeypatch.delitem(sys.modules, name)
    return store.magics_manager.registry["ChromaMagic"].session


def test_without_the_packages_of_widgets_it_is_the_text(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)  # as if it were not installed
    found = status(session)
    assert status_panel(session, found) is found


def test_a_module_of_ours_that_is_missing_is_an_error(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "chromalab_widgets.core.bundles", None)
    with pytest.raises(ModuleNotFoundError, match="bundles"):
        status_panel(session, status(session))
