"""Take the pictures of the notebooks in a real JupyterLab: `make docs`."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("lab", ROOT / "tests" / "e2e" / "lab.py")
assert _spec
assert _spec.loader
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)

SIMPLE = "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
FIRST, WIDGET = ".jp-Cell >> nth=2", ".jp-Cell >> nth=8"
# Cells of the analytics notebook by a line that they hold
SHOWN = {"topics": "topics = %chroma topics", "map": "layout.plot"}


def main() -> None:
    """Run the notebooks and save each picture under docs/img."""
    folder = Path(tempfile.mkdtemp())
    for name in ("quickstart", "analytics"):
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder)
    pictures = ROOT / "docs" / "img"
    pictures.mkdir(exist_ok=True)
    with (
        lab.LabServer(folder) as server,
        sync_playwright() as playwright,
        lab.Page(server, playwright) as page,
    ):
        page.open("quickstart.ipynb")
        page.page.evaluate(SIMPLE)
        page.run_all()
        if page.errors():
            raise RuntimeError(page.errors()[0])
        page.page.wait_for_selector(".cl-searcher[data-painted]")
        page.page.locator(WIDGET).screenshot(path=pictures / "quickstart-widget.png")
        page.page.locator(FIRST).evaluate("cell => cell.scrollIntoView({block: 'start'})")
        page.page.screenshot(path=pictures / "quickstart.png")

        page.page.set_default_timeout(600_000)  # five thousand texts are embedded
        page.page.set_viewport_size({"width": 1280, "height": 1900})  # what is below is cut off
        page.open("analytics.ipynb")
        page.run_all()
        if page.errors():
            raise RuntimeError(page.errors()[0])
        for name, line in SHOWN.items():
            cell = page.page.locator(".jp-CodeCell").filter(has_text=line)
            cell.screenshot(path=pictures / f"analytics-{name}.png")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
