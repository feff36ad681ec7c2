"""`%chroma` alone shows the panel if widgets can be shown, and the same status as text otherwise."""

import sys

import nbformat
import pytest
from nbclient import NotebookClient

import chromalab
from chromalab.commands.store import status
from chromalab.sockets import plug
from chromalab_kernel.magics import status_panel
from chromalab_widgets import Panel

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of the cells of a notebook in a real kernel."""
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
        "type": "print(type(status).__name__)",
        "again": "%chroma create papers --model none\n%chroma",
        "reloaded": "%reload_ext chromalab\n%chroma connect --ephemeral --as other\n%chroma",
        "back": "%chroma connect ./notes.chroma --as work\n%chroma",
        "alive": (
            "from ipywidgets.widgets.widget import _instances\n"
            "panels = [w for w in _instances.values() if type(w).__name__ == 'Panel']\n"
            "callbacks = get_ipython().events.callbacks['post_run_cell']\n"
            "print(len(panels), sum('chromalab' in one.__module__ for one in callbacks))"
        ),
        "closed": "status.close()\n%chroma",
    }
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells.values())))
    NotebookClient(
        notebook, allow_errors=True, timeout=120, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return dict(zip(cells, map(last_output, notebook["cells"]), strict=True))


def last_output(cell):
    """The last output of a cell; the static version of a widget and its view are two, shown as one."""
    *before, last = cell["outputs"]
    if WIDGET in last.get("data", {}):
        last["data"] = {**before[-1]["data"], **last["data"]}
    return last


def test_a_notebook_shows_the_panel(outputs):
    data = outputs["a store"]["data"]
    assert WIDGET in data
    assert "notes" in data["text/html"]
    assert outputs["type"]["text"] == "Panel\n"


def test_the_text_of_the_panel_is_the_status(outputs):
    # The outputs of a panel that is displayed again are all up to date.
    for cell in ("a store", "back"):
        assert outputs[cell]["data"]["text/plain"] == (
            "Connections: work (current), other. All verbs: %chroma help\n"
            "name    records  dimension  model  space\n"
            "notes   0                   none   l2\n"
            "papers  0                   none   l2"
        )
    assert outputs["its text"]["text"].startswith("Connections: work (current)")


def test_each_connection_has_one_panel_that_is_shown_again_and_up_to_date(outputs):
    shown = {name: outputs[name]["data"] for name in ("a store", "again", "reloaded", "back")}
    models = {name: data[WIDGET]["model_id"] for name, data in shown.items()}
    assert models["a store"] == models["again"] == models["back"] != models["reloaded"]
    assert "papers" in shown["again"]["text/plain"]
    assert shown["reloaded"]["text/plain"].startswith("Connections: work, other (current)")
    assert shown["reloaded"]["text/plain"].endswith("no collections")
    assert shown["back"]["text/plain"].startswith("Connections: work (current), other")
    assert outputs["alive"]["text"] == "2 2\n"


def test_a_closed_panel_is_replaced_by_a_new_one(outputs):
    data = outputs["closed"]["data"]
    assert data[WIDGET]["model_id"] != outputs["back"]["data"][WIDGET]["model_id"]
    assert "papers" in data["text/plain"]


def test_without_a_store_the_text_explains_how_to_open_one(outputs):
    data = outputs["no store"]["data"]
    assert "%chroma connect ./my.chroma" in data["text/plain"]
    assert WIDGET not in data


def test_a_damaged_store_is_reported_in_one_sentence(outputs):
    assert outputs["broken"]["ename"] == "InternalError"
    assert outputs["broken"]["evalue"].endswith(
        "is damaged: it is not a database. Restore the folder from a copy."
    )


def test_a_terminal_shows_the_text(store):
    found = store.run_line_magic("chroma", "")
    assert not isinstance(found, Panel)
    with chromalab.PersistentClient("notes.chroma") as client:
        heading, _, table = repr(found).partition("\n")
        assert heading.startswith("Connections: work (current). ")
        assert table == repr(client.list_collections())


@pytest.fixture
def session(store, monkeypatch):
    """A session whose next panel imports the widgets again."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "chromalab_widgets":
            monkeypatch.delitem(sys.modules, name)
    plug.cache_clear()
    yield store.magics_manager.registry["ChromaMagic"].session
    plug.cache_clear()


def test_without_the_widget_packages_the_status_stays_a_text(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)  # as if it were not installed
    found = status(session)
    assert status_panel(session, found) is found


def test_a_missing_module_of_chromalab_itself_is_an_error(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "chromalab_widgets.core.bundles", None)
    with pytest.raises(ModuleNotFoundError, match="bundles"):
        status_panel(session, status(session))
