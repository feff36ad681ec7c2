"""Every widget opens in JupyterLab, light and dark, and in Notebook 7; axe-core finds nothing serious."""

import importlib.util
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

_spec = importlib.util.spec_from_file_location("lab", Path(__file__).with_name("lab.py"))
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(
        lab.CHROMIUM is None, reason="Chromium is not installed: sudo apt-get install chromium"
    ),
]

CELLS = [
    """\
import chromalab
client = chromalab.EphemeralClient()
facts = client.create_collection("facts", embedding_function=chromalab.embed.WordLlama())
facts.add_from(chromalab.datasets.load("facts"))
facts.selection.set(where={"topic": "astronomy"})""",
    "facts.table()",
    "client.panel()",
    "searcher = facts.searcher()\nsearcher.search('the moon')\nsearcher",
    "facts.label('kind', choices=['old', 'new'])",
    "facts.map('pca', color='topic')",
]
WIDGETS = ["table", "panel", "searcher", "review", "map"]


@pytest.mark.parametrize(
    ("app", "theme"),
    [("lab", "JupyterLab Light"), ("lab", "JupyterLab Dark"), ("notebook", "JupyterLab Light")],
)
def test_every_widget_opens_and_axe_finds_nothing_serious(tmp_path, app, theme):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, tmp_path / "all.ipynb")
    with (
        lab.LabServer(tmp_path) as server,
        sync_playwright() as playwright,
        lab.Page(server, playwright) as page,
    ):
        page.open("all.ipynb", app=app)
        page.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
        )
        light = str(theme == "JupyterLab Light").lower()
        page.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
        page.run_all()
        assert page.errors() == []
        faults = {}
        for widget in WIDGETS:
            page.page.wait_for_selector(f".cl-{widget}[data-painted]")
            try:
                page.check_accessibility(f".cl-{widget}")
            except AssertionError as found:
                faults[widget] = str(found)
        assert faults == {}
        assert page.elsewhere == []
