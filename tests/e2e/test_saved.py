"""A saved notebook without its kernel shows what the widgets showed, in JupyterLab and as HTML."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

CELLS = [
    """\
import chromalab
client = chromalab.EphemeralClient()
facts = client.create_collection("facts", embedding_function=chromalab.embed.WordLlama())
facts.add_from(chromalab.datasets.load("facts"))
facts.update(ids=facts.peek(1)["ids"], documents=["It was $5, and now it is $3"])""",
    "facts.map('pca', labels='topic')",
    "facts.table()",
    "facts.peek(1)",
    """\
from chromalab.progress_bar import progress_bar
bar = progress_bar(total=3, desc="counting")
bar.update(3)
bar.refresh()
bar.close()""",
]
MISSING = "Error displaying widget"


@pytest.fixture(scope="module")
def saved(server, new_page):
    """The name of a notebook that was run, saved and left by its kernel; only live widgets showed in it."""
    name = server.write(*CELLS)
    with new_page() as page:
        page.open(name)
        page.run_all()
        assert page.errors() == []
        for widget in ("map", "table"):
            expect(page.page.locator(f".cl-{widget}[data-painted]")).to_be_visible()
        for static in page.page.locator("[class^=chromalab-static]").all():
            expect(static).to_be_hidden()
        picture = page.page.locator("img[alt^='Map of facts: PCA of 96 records, n']")
        expect(picture).to_be_attached(timeout=60_000)  # it follows the widget
        page.save()
        page.shut_down()
    return name


def test_jupyterlab_without_the_kernel_shows_pictures_and_tables_but_no_errors(page, saved):
    page.open(saved)
    notebook = page.page.locator(".jp-Notebook")
    expect(notebook.get_by_text(MISSING).first).to_be_attached()
    for error in notebook.get_by_text(MISSING).all():
        expect(error).to_be_hidden()
    expect(notebook.get_by_role("img", name="Map of facts")).to_be_visible()
    expect(notebook.locator("table").first).to_be_visible()
    expect(notebook.locator("progress")).to_have_count(0)
    expect(notebook.locator("mjx-container")).to_have_count(0)


@pytest.mark.parametrize("options", [[], ["--execute"]])
def test_html_of_a_notebook_shows_the_same_without_a_network(server, page, saved, options):
    file = f"saved{len(options)}.html"
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--output", file]
    subprocess.run([*command, *options, saved], cwd=server.root, check=True, capture_output=True)
    page.page.context.set_offline(True)
    page.page.goto((server.root / file).as_uri())
    expect(page.page.get_by_role("img", name="Map of facts")).to_be_visible()
    expect(page.page.locator("table").first).to_be_visible()
    page.external.clear()  # nbconvert's own scripts
