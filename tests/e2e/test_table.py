"""The table and the panel in a real JupyterLab: they open, scroll, filter and edit, and show hostile text as text."""

import pytest
from playwright.sync_api import expect

ATTACK = "<img src=x onerror=\"document.title='owned'\">"
STORE = f"""\
import chromalab
client = chromalab.EphemeralClient()
notes = client.create_collection("notes", embedding_function=None)
rows = range(20_000)
for start in range(0, 20_000, 5_000):
    part = rows[start : start + 5_000]
    notes.add(
        ids=[f"n{{i}}" for i in part],
        embeddings=[[i, 1] for i in part],
        documents=[f"note number {{i}}" for i in part],
        metadatas=[{{"year": 1900 + i % 120, "kind": ["tea", "chalk"][i % 2]}} for i in part],
    )
notes.upsert(ids=["n1"], embeddings=[[0, 0]], documents=[{ATTACK!r}], metadatas=[{{"kind": {ATTACK!r}}}])
"""


def row(table, number):
    """Return the row at a position, from 1."""
    return table.locator(f'.cl-record:not([hidden])[aria-rowindex="{number + 1}"]')


def test_a_table_scrolls_filters_edits_and_shows_hostile_text_as_text(run):
    page = run(STORE, "table = notes.table()\ntable")
    table = page.page.locator(".cl-table[data-painted]")
    grid = table.get_by_role("grid")
    expect(row(table, 1)).to_contain_text("n0")
    expect(row(table, 2)).to_contain_text(ATTACK)
    assert table.locator("img").count() == 0
    assert "owned" not in page.page.title()
    page.check_accessibility(".cl-table")

    grid.focus()
    grid.press("Control+End")
    expect(row(table, 20_000)).to_contain_text("note number 19999")
    grid.evaluate("grid => { grid.scrollTop = grid.scrollHeight / 2 }")
    expect(row(table, 10_005)).to_contain_text("note number 10004")

    table.locator(".cl-bin").nth(19).click()
    expect(table.locator(".cl-where")).to_have_text("year >= 2014 and year < 2020")
    expect(table.get_by_role("status").first).to_contain_text("of 20,000 records")
    assert (
        page.kernel("table.where")
        == "{'$and': [{'year': {'$gte': 2014}}, {'year': {'$lt': 2020}}]}"
    )

    grid.focus()
    grid.press("Control+Home")
    grid.press("End")
    expect(row(table, 1)).to_contain_text("n114")
    grid.press("Enter")
    box = table.get_by_role("textbox", name="kind of n114")
    box.fill("green tea")
    box.press("Enter")
    expect(row(table, 1)).to_contain_text("green tea")
    assert (
        page.kernel("notes.get(ids=['n114'])['metadatas']")
        == "[{'year': 2014, 'kind': 'green tea'}]"
    )

    grid.press("Delete")
    expect(row(table, 1)).to_contain_text("n115")
    assert page.kernel("notes.count()") == "19999"
    grid.press("Control+z")
    expect(table.get_by_role("status").first).to_contain_text("of 20,000 records")
    assert page.kernel("notes.count()") == "20000"


def test_rows_are_selected_for_every_widget_and_the_table_can_list_only_them(run):
    page = run(STORE, "table = notes.table()\ntable")
    table = page.page.locator(".cl-table[data-painted]")
    row(table, 3).locator("[role=gridcell]").first.click()
    row(table, 6).locator("[role=gridcell]").first.click(modifiers=["Shift"])
    expect(row(table, 5)).to_have_attribute("aria-selected", "true")
    assert page.kernel("notes.selection.ids") == "['n2', 'n3', 'n4', 'n5']"
    page.kernel("notes.selection.set(['n7', 'n9'])")
    table.get_by_role("button", name="Only selected (2)").click()
    expect(table.get_by_role("grid")).to_have_attribute("aria-rowcount", "3")
    expect(row(table, 1)).to_contain_text("n7")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_panel_opens_a_table_and_shows_new_collections(run, app):
    page = run(STORE, "panel = client.panel()\npanel", app=app)
    panel = page.page.locator(".cl-panel[data-painted]")
    expect(panel.get_by_role("row", name="notes")).to_contain_text("20,000")
    panel.get_by_role("button", name="Table of notes").click()
    expect(panel.locator(".cl-table .cl-record").first).to_contain_text("n0")
    page.check_accessibility(".cl-panel")
    page.kernel("client.create_collection('papers', embedding_function=None)")
    page.kernel("panel.refresh()")
    expect(panel.get_by_role("row", name="papers")).to_be_visible()
    assert page.kernel("type(panel.opened).__name__") == "'Table'"
    panel.get_by_role("button", name="Close", exact=True).click()
    expect(panel.locator(".cl-table")).to_have_count(0)
