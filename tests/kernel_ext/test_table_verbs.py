"""`table` and `panel` open widgets, and `get --order-by` reads the rows that a table shows."""

import chromalab
from chromalab_widgets import Panel, Table


def run(shell, line):
    return shell.run_line_magic("chroma", line)


def test_table_opens_a_table_with_the_given_options(store):
    table = run(store, 'table notes --where "year >= 2020" --contains a --order-by=-year')
    assert isinstance(table, Table)
    assert table.where == {"year": {"$gte": 2020}}
    assert (table.contains, table.order_by, table.ids()) == ("a", "-year", ["b", "a"])


def test_the_command_of_a_table_reads_its_rows(store):
    table = run(store, "table notes")
    table.where, table.order_by = {"year": {"$gte": 2020}}, "-year"
    assert run(store, table.command.removeprefix("%chroma "))["ids"] == table.ids() == ["b", "a"]


def test_panel_lists_the_store(store):
    panel = run(store, "panel")
    assert isinstance(panel, Panel)
    assert [row["name"] for row in panel.collections] == ["notes"]
    assert isinstance(panel.client, chromalab.ClientAPI)
