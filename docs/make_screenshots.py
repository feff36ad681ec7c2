"""Take the screenshots of the notebooks in a real JupyterLab; run by `make docs`."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("lab", ROOT / "tests" / "e2e" / "lab.py")
assert _spec
assert _spec.loader
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)

SIMPLE = "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
THEME = (
    "name => jupyterapp.commands.execute('apputils:change-theme', {theme: `JupyterLab ${name}`})"
)
FIRST, WIDGET = ".jp-Cell >> nth=2", ".jp-Cell >> nth=8"
TABLES = """\
import chromalab
client = chromalab.EphemeralClient()
for name in ("facts", "speech", "banking77"):
    made = client.create_collection(name, embedding_function=chromalab.embed.WordLlama())
    made.add_from(chromalab.datasets.load(name), progress=False)
ids = made.get(include=[])["ids"]
lengths = [{"words": len((text or "").split())} for text in made.get(include=["documents"])["documents"]]
for start in range(0, len(ids), 5_000):
    made.update(ids=ids[start : start + 5_000], metadatas=lengths[start : start + 5_000])"""
JUDGED = """\
import chromalab
facts = chromalab.EphemeralClient().create_collection(
    "facts", embedding_function=chromalab.embed.WordLlama())
facts.add_from(chromalab.datasets.load("facts"), progress=False)
one = facts.get(ids=["astronomy-01"], include=["documents", "embeddings"])
facts.add(ids=["copy-01"], embeddings=one["embeddings"], metadatas=[{"origin": "a newspaper"}],
          documents=["Sunlight takes a little over eight minutes to reach our Earth."])
topics = dict(zip(facts.get()["ids"], [data.get("topic") for data in facts.get()["metadatas"]]))
label = facts.label("subject", choices=sorted({*topics.values()} - {None}), n=5)
for _ in range(25):
    label.decide(topics[label.key] or "astronomy")"""
JUDGING = (
    "facts.search_panel(n_results=4)",
    "facts.dedupe().review()",
    "label",
    "facts.cluster().review()",
)
# Cells of the analytics notebook, by a line that they contain
SHOWN = {"topics": "topics = %chroma topics", "map": "layout.plot"}
MAP = """import chromalab

bank = chromalab.PersistentClient("analytics.chroma").get_collection("bank")
shown = bank.map(labels=True, density=True)
shown"""
SELECTED = """\
made.selection = made.query(query_texts="my card was stolen", n_results=300)["ids"][0]
shown = made.map("pca", color="intent", height=300)
shown"""


def main() -> None:
    """Run the notebooks and save each screenshot in docs/img."""
    folder = Path(tempfile.mkdtemp())
    for name in ("quickstart", "analytics"):
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder)
    images = ROOT / "docs" / "img"
    images.mkdir(exist_ok=True)
    with (
        lab.LabServer(folder) as server,
        sync_playwright() as playwright,
        lab.Page(server, playwright) as page,
    ):
        run(page, "quickstart.ipynb", SIMPLE)
        page.page.wait_for_selector(".cl-search-panel[data-painted]")
        page.page.locator(WIDGET).screenshot(path=images / "quickstart-widget.png")
        page.page.locator(FIRST).evaluate("cell => cell.scrollIntoView({block: 'start'})")
        page.page.screenshot(path=images / "quickstart.png")

        page.page.set_default_timeout(600_000)  # embedding five thousand texts takes a while
        page.page.set_viewport_size({"width": 1280, "height": 1900})  # anything below is cut off
        run(page, "analytics.ipynb")
        for name, line in SHOWN.items():
            cell = page.page.locator(".jp-CodeCell").filter(has_text=line)
            cell.screenshot(path=images / f"analytics-{name}.png")

        take_map(server, page, images)
        take_tables(server, page, images)
        take_selection(server, page, images)
        take_judging(server, page, images)
    shutil.rmtree(folder)


def run(page: Any, notebook: str, before: str | None = None) -> None:
    """Open a notebook, run a script in the page, and run the notebook."""
    page.open(notebook)
    if before is not None:
        page.page.evaluate(before)
    page.run_all()
    if page.errors():
        raise RuntimeError(page.errors()[0])


def take_map(server: Any, page: Any, images: Path) -> None:
    """Take the map with its topics, and a search on it in the dark theme, over the store of analytics.ipynb."""
    page.page.set_viewport_size({"width": 1280, "height": 960})
    run(page, server.write(MAP))
    widget = page.page.locator(".cl-map[data-painted]")
    widget.locator(".cl-labels span:not(.cl-off)").first.wait_for()
    page.page.locator(".jp-Cell").first.screenshot(path=images / "map.png")
    widget.get_by_role("searchbox").fill("my card was stolen")
    widget.get_by_role("region", name="Results for my card was stolen").wait_for()
    page.page.evaluate(THEME, "Dark")
    page.page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.page.locator(".cl-map[data-theme=dark]").screenshot(path=images / "map-search.png")
    page.page.evaluate(THEME, "Light")


def take_tables(server: Any, page: Any, images: Path) -> None:
    """Take the table, filtered and with a selection, and the panel."""
    cells = TABLES, "table = made.table(height=330)\ntable", "panel = client.panel()\npanel"
    run(page, server.write(*cells))
    page.kernel("setattr(table, 'order_by', '-words')")
    page.kernel("made.selection.set(table.ids()[2:5])")
    table = page.page.locator(".cl-table[data-painted]")
    table.locator(".cl-filter").last.click()
    table.locator(".cl-filters label").first.wait_for()
    table.locator("[aria-selected=true]").first.wait_for()
    table.screenshot(path=images / "table.png")
    panel = page.page.locator(".cl-panel[data-painted]")
    panel.get_by_role("button", name="Table of facts").click()
    panel.locator(".cl-table .cl-record").first.wait_for()
    panel.locator(".cl-table .cl-part").first.wait_for()
    panel.screenshot(path=images / "panel.png")


def take_selection(server: Any, page: Any, images: Path) -> None:
    """Take the bar over a selection, with what sets the selected records apart."""
    page.page.set_viewport_size({"width": 1280, "height": 1500})
    run(page, server.write(TABLES, SELECTED))
    page.kernel("shown.projection")  # waits until it is computed
    widget = page.page.locator(".cl-map[data-painted]")
    widget.get_by_role("button", name="Highlight").click()
    widget.get_by_role("button", name="What sets these apart").click()
    widget.locator(".cl-action tbody tr").first.wait_for()
    widget.screenshot(path=images / "selection-bar.png")
    page.page.set_viewport_size({"width": 1280, "height": 960})


def take_judging(server: Any, page: Any, images: Path) -> None:
    """Take the search panel with judgments, and the reviews of duplicates, labels and clusters."""
    run(page, server.write(JUDGED, *JUDGING))
    panel = page.page.locator(".cl-search-panel[data-painted]")
    panel.get_by_role("searchbox").fill("who made the first piano")
    panel.get_by_role("searchbox").press("Enter")
    first, second = panel.locator(".cl-result").nth(0), panel.locator(".cl-result").nth(1)
    first.locator(".cl-up").click()
    first.locator(".cl-up[aria-pressed=true]").wait_for()
    second.locator(".cl-down").click()
    first.locator("[data-do=why]").click()
    first.locator(".cl-reasons li").first.wait_for()
    panel.screenshot(path=images / "search_panel.png")
    reviews = page.page.locator(".cl-review[data-painted]")
    reviews.nth(1).get_by_role("button", name="Preview guesses").click()
    reviews.nth(1).locator(".cl-found p").wait_for()
    for position, name in enumerate(("duplicates", "labels", "clusters")):
        reviews.nth(position).screenshot(path=images / f"review-{name}.png")


if __name__ == "__main__":
    main()
