"""The bar over a selection in a real JupyterLab: by keyboard alone, from a label to a deletion."""

from pathlib import Path

from playwright.sync_api import expect

CELLS = [
    """\
import chromalab
client = chromalab.EphemeralClient()
facts = client.create_collection("facts", embedding_function=chromalab.embed.WordLlama())
facts.add_from(chromalab.datasets.load("facts"))
facts.selection.set(where={"topic": "astronomy"})
few = len(facts.selection)""",
    "facts.map('pca', color='topic')",
]


def test_records_are_labeled_contrasted_searched_downloaded_and_deleted_by_keyboard(run):
    page = run(*CELLS)
    widget = page.page.locator(".cl-map[data-painted]")
    bar, keys = widget.locator(".cl-selection"), page.page.keyboard
    few = int(page.kernel("few"))

    bar.get_by_role("button", name="Highlight").focus()
    for _ in range(2):  # over "Clear selection"
        keys.press("Tab")
    keys.press("Enter")
    expect(bar.get_by_label("Field")).to_be_focused()
    keys.type("<b>area")
    keys.press("Tab")
    keys.type("sky")
    keys.press("Enter")
    expect(bar.locator(".cl-message")).to_have_text(
        f"<b>area is now sky for {few} records ({few} changed)."
    )
    assert page.kernel("facts.count(where={'<b>area': 'sky'}) == few") == "True"
    expect(widget.get_by_label("Color by").locator("option", has_text="<b>area")).to_have_count(1)

    keys.press("Escape")
    expect(bar.get_by_role("button", name="Label")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(bar.get_by_role("cell", name="astronomy")).to_be_visible(timeout=60_000)
    assert widget.locator("b").count() == 0  # text of users is text
    page.check_accessibility(".cl-map")

    bar.get_by_role("button", name="Search in these").press("Enter")
    keys.type("the moon")
    keys.press("Enter")
    expect(bar.locator(".cl-found li").first).to_contain_text("Moon")

    bar.get_by_role("button", name="Export").press("Enter")
    with page.page.expect_download() as download:
        bar.get_by_role("button", name="Download CSV").press("Enter")
    assert download.value.suggested_filename == "facts.csv"
    assert len(Path(download.value.path()).read_text().splitlines()) > few

    bar.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(bar.get_by_role("button", name="Cancel")).to_be_focused()
    page.check_accessibility(".cl-map")
    bar.get_by_role("button", name=f"Delete {few} records").press("Enter")
    expect(bar.locator(".cl-message")).to_have_text(f"{few} records deleted.")
    expect(widget.locator(".cl-stage")).to_be_focused()
    assert page.kernel("(facts.count() == 96 - few, facts.selection.ids)") == "(True, [])"
    assert page.page.locator(".jp-Cell").count() == len(CELLS)  # no key reached the notebook
