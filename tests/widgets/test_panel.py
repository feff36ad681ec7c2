import re
from datetime import datetime, timedelta, timezone
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


def test_the_panel_lists_the_collections(panel, client):
    written = client.get_collection("notes").written_at.isoformat(timespec="seconds")
    assert panel.collections == [
        {
            "name": "notes", "records": 2, "dimension": 2, "model": "none", "space": "l2",
            "indexed": "100%", "version": 1, "written": written,
        },
        {
            "name": "papers", "records": 0, "dimension": None, "model": "default",
            "space": "cosine", "indexed": "100%", "version": 0, "written": None,
        },
    ]  # fmt: skip
    assert panel.status == "2 collections, 2 records"
    assert repr(panel) == "Panel('Collections', 2 collections, 2 records)"


def test_the_heading_names_a_database_that_is_not_the_default_one(panel):
    client = panel.client
    assert panel.title == "Collections"
    chromalab.AdminClient(client.get_settings()).create_database("archive")
    client.set_database("archive")
    panel.refresh()
    assert panel.title == "Collections in default_tenant / archive"


def test_the_last_write_is_a_time_with_a_time_zone(panel):
    written = datetime.fromisoformat(panel.collections[0]["written"])
    assert timedelta(0) <= datetime.now(timezone.utc) - written < timedelta(minutes=1)


def test_with_a_heading_the_status_includes_it_and_the_text_is_a_table(client):
    panel = Panel(client, heading=HOSTILE)
    assert panel.status == f"2 collections, 2 records. {HOSTILE}"
    assert repr(panel) == f"{HOSTILE}\n{client.list_collections()!r}"
    data, _ = panel._repr_mimebundle_()
    assert data["text/plain"] == repr(panel)
    assert "<img" not in data["text/html"]
    for collection in client.list_collections():
        client.delete_collection(collection.name)
    panel.refresh()
    assert repr(panel) == f"{HOSTILE}\nno collections"


def test_a_button_opens_a_table_below_and_later_the_same_one(panel, client):
    send(panel, verb="open", name="notes", widget="table")
    table = panel.opened
    assert isinstance(table, Table)
    assert (panel.opened_name, panel.opened_kind) == ("notes", "table")
    assert panel.get_state()["opened"] == f"IPY_MODEL_{table.model_id}"
    send(panel, verb="open", name="papers", widget="table")
    assert panel.opened is not table
    send(panel, verb="hide")
    assert panel.opened is None
    assert panel.show("notes", "table") is table
    client.delete_collection("notes")
    client.create_collection("notes")
    assert panel.show("notes", "table") is not table  # a different collection with that name


def test_a_closed_widget_is_created_again(panel):
    table = panel.show("notes", "table")
    table.close()
    again = panel.show("notes", "table")
    assert again is not table
    assert panel.opened is again


def test_a_panel_that_switches_to_another_client_shows_its_store(panel):
    with chromalab.EphemeralClient() as other:
        other.create_collection("elsewhere")
        before = panel.show("notes", "table")
        panel.switch_to(other, heading="Other")
        assert [row["name"] for row in panel.collections] == ["elsewhere"]
        assert panel.status == "1 collection, 0 records. Other"
        assert panel.opened is before
        assert panel.show("elsewhere").collection_name == "elsewhere"


def test_unknown_collections_and_widgets_are_reported(panel):
    send(panel, verb="open", name="note", widget="table")
    assert (
        panel.error
        == "Collection 'note' does not exist. Did you mean 'notes'? Collections: notes, papers."
    )
    send(panel, verb="open", name="notes", widget="close")
    assert "map, search_panel, table" in panel.error
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
            callback
            for callback in shell.events.callbacks["post_run_cell"]
            if "chromalab" in callback.__module__
        ]
    finally:
        InteractiveShell.clear_instance()


def test_a_closed_client_is_reported_after_the_next_cell(client, panel):
    client.close()
    panel._after_cell()
    assert panel.error != ""


def test_a_saved_notebook_shows_the_collections_as_text(client):
    client.create_collection("third", metadata={"about": HOSTILE})
    data, _ = client.panel()._repr_mimebundle_()
    assert "third" in data["text/html"]
    written = client.get_collection("notes").written_at
    assert f"{written:%Y-%m-%d %H:%M:%S} UTC" in data["text/html"]
    assert "<img" not in data["text/html"]


def test_the_typescript_knows_the_same_traits_and_rows(panel):
    source = (WIDGETS / "src/panel/panel.ts").read_text()
    row = re.search(r"interface Described \{(.*?)\}", source, re.DOTALL).group(1)
    assert re.findall(r"^\s+(\w+):", row, re.MULTILINE) == list(panel.collections[0])
    body = re.search(r"interface PanelModel \{(.*?)\}", source, re.DOTALL).group(1)
    ours = set(Panel.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    assert set(re.findall(r"^\s+(\w+):", body, re.MULTILINE)) == ours
