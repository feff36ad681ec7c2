import re
from pathlib import Path

import anywidget
import pytest
from IPython.core.interactiveshell import InteractiveShell

import chromalab
from chromalab.errors import InvalidArgumentError, NotFoundError
from chromalab_widgets import Panel, Table

HOSTILE = "<img src=x onerror=alert(1)>"
WIDGETS = Path(__file__).parents[2] / "widgets"


@pytest.fixture
def client():
    with chromalab.EphemeralClient() as client:
        notes = client.create_collection("notes", embedding_function=None)
        notes.add(ids=["a", "b"], embeddings=[[0, 1], [1, 0]])
        client.create_collection("papers", configuration={"hnsw": {"space": "cosine"}})
        yield client


@pytest.fixture
def panel(client):
    return client.panel()


def send(panel, **content):
    data = {"method": "custom", "content": content}
    panel._handle_msg({"content": {"data": data}, "buffers": []})


def test_the_panel_lists_the_collections(panel):
    assert panel.collections == [
        {
            "name": "notes", "records": 2, "dimension": 2, "model": "none", "space": "l2",
            "indexed": "100 %", "version": 1,
        },
        {
            "name": "papers", "records": 0, "dimension": None, "model": "default",
            "space": "cosine", "indexed": "100 %", "version": 0,
        },
    ]  # fmt: skip
    assert panel.status == "2 collections, 2 records"
    assert repr(panel) == "Panel('default_tenant / default_database', 2 collections, 2 records)"


def test_a_button_opens_a_table_below_and_the_same_one_again(panel, client):
    send(panel, verb="open", name="notes", widget="table")
    table = panel.opened
    assert isinstance(table, Table)
    assert (panel.opened_name, panel.opened_kind) == ("notes", "table")
    assert panel.get_state()["opened"] == f"IPY_MODEL_{table.model_id}"
    send(panel, verb="open", name="papers", widget="table")
    assert panel.opened is not table
    send(panel, verb="shut")
    assert panel.opened is None
    assert panel.show("notes", "table") is table
    client.delete_collection("notes")
    client.create_collection("notes")
    assert panel.show("notes", "table") is not table  # another collection of that name


def test_a_widget_that_was_closed_is_made_anew(panel):
    table = panel.show("notes", "table")
    table.close()
    again = panel.show("notes", "table")
    assert again is not table
    assert panel.opened is again


def test_what_is_not_there_is_said(panel):
    send(panel, verb="open", name="note", widget="table")
    assert panel.error == "No collection 'note'. Did you mean 'notes'? Collections: notes, papers"
    send(panel, verb="open", name="notes", widget="close")
    assert "map, searcher, table" in panel.error
    assert panel.opened is None
    with pytest.raises(NotFoundError):
        panel.show("note")
    with pytest.raises(InvalidArgumentError):
        panel.show("notes", "count")


def test_a_write_is_seen_after_a_refresh(panel, client):
    client.get_collection("notes").add(ids=["c"], embeddings=[[1, 1]])
    client.create_collection("more")
    assert len(panel.collections) == 2
    send(panel, verb="refresh")
    assert [row["name"] for row in panel.collections] == ["notes", "papers", "more"]
    assert panel.collections[0]["records"] == 3


def test_a_write_is_seen_after_the_cell_that_made_it(client):
    shell = InteractiveShell.instance()
    try:
        shell.user_ns["client"] = client
        panel, table = client.panel(), client.get_collection("notes").table()
        shell.run_cell("client.get_collection('notes').add(ids=['c'], embeddings=[[1, 1]])")
        assert panel.collections[0]["records"] == 3
        assert table.total == 3
        panel.close()
        table.close()
        assert not [
            told
            for told in shell.events.callbacks["post_run_cell"]
            if "chromalab" in told.__module__
        ]
    finally:
        InteractiveShell.clear_instance()


def test_a_closed_client_is_said_after_the_next_cell(client, panel):
    client.close()
    panel._after_cell()
    assert panel.error != ""


def test_a_saved_notebook_shows_the_collections_as_text(client):
    client.create_collection("third", metadata={"about": HOSTILE})
    data, _ = client.panel()._repr_mimebundle_()
    assert "third" in data["text/html"]
    assert "<img" not in data["text/html"]


def test_the_typescript_knows_the_same_traits():
    source = (WIDGETS / "src/panel/panel.ts").read_text()
    body = re.search(r"interface PanelModel \{(.*?)\}", source, re.DOTALL).group(1)
    ours = set(Panel.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    assert set(re.findall(r"^\s+(\w+):", body, re.MULTILINE)) == ours
