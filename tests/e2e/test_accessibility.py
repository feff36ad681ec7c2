"""Every widget opens in JupyterLab, light and dark, and in Notebook 7, and axe-core finds nothing serious."""

import pytest

CELLS = [
    """\
import chromalab
client = chromalab.EphemeralClient()
facts = client.create_collection("facts", embedding_function=chromalab.embed.WordLlama())
facts.add_from(chromalab.datasets.load("facts"))
facts.selection.set(where={"topic": "astronomy"})""",
    "facts.table()",
    "client.panel()",
    "search_panel = facts.search_panel()\nsearch_panel.search('the moon')\nsearch_panel",
    "facts.label('kind', choices=['old', 'new'])",
    "facts.map('pca', color='topic')",
]
WIDGETS = ["table", "panel", "search-panel", "review", "map"]


@pytest.mark.parametrize(
    ("app", "theme"),
    [("lab", "JupyterLab Light"), ("lab", "JupyterLab Dark"), ("notebook", "JupyterLab Light")],
)
def test_every_widget_opens_and_axe_finds_nothing_serious(server, page, app, theme):
    page.open(server.write(*CELLS), app=app)
    page.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
    )
    light = str(theme == "JupyterLab Light").lower()
    page.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
    page.run_all()
    assert page.errors() == []
    violations = {}
    for widget in WIDGETS:
        page.page.wait_for_selector(f".cl-{widget}[data-painted]")
        try:
            page.check_accessibility(f".cl-{widget}")
        except AssertionError as found:
            violations[widget] = str(found)
    assert violations == {}
