"""The search panel and the reviews, by mouse and keys in a real JupyterLab: what they do is in the store."""

import importlib.util
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect, sync_playwright

import chromalab

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

OPEN = (
    "import chromalab\n"
    "client = chromalab.PersistentClient('facts.chroma')\n"
    "facts = client.get_or_create_collection("
    "'facts', embedding_function=chromalab.embed.WordLlama())\n"
    "_ = facts.add_from(chromalab.datasets.load('facts'))"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with lab.LabServer(tmp_path_factory.mktemp("notebooks")) as server:
        yield server


@pytest.fixture
def page(server):
    with sync_playwright() as playwright, lab.Page(server, playwright) as page:
        yield page


@pytest.fixture
def opened(server, page):
    """Opens a notebook with some cells, run."""

    def run(name, *cells):
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": kernel},
        )
        nbformat.write(notebook, server.root / name)
        page.open(name)
        page.run_all()
        assert page.errors() == []
        return page.page

    return run


def stored(server, read):
    with chromalab.PersistentClient(server.root / "facts.chroma") as client:
        return read(client.get_collection("facts", embedding_function=chromalab.embed.WordLlama()))


def test_a_thumbs_up_and_its_note_are_in_the_store(server, page, opened):
    notebook = opened("judge.ipynb", OPEN, "facts.searcher(n_results=5)")
    widget = notebook.locator(".cl-searcher[data-painted]")
    box = widget.get_by_role("searchbox")
    box.fill("Who invented the piano?")
    box.press("Enter")
    first = widget.locator(".cl-result").first
    expect(first).to_contain_text("piano")
    up = first.get_by_role("button", name="An answer")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    first.get_by_role("button", name="Note").click()
    note = first.get_by_role("textbox", name="Note")
    note.fill("about the keys")
    note.press("Enter")
    expect(first.locator(".cl-kept")).to_have_text("about the keys")
    first.locator(".cl-rank").press("w")
    expect(first.locator(".cl-reasons")).to_contain_text("Rank 1 by distance alone")
    said = stored(server, lambda facts: list(facts.feedback))
    assert {(j.query, j.relevance) for j in said} == {("Who invented the piano?", 1.0)}
    assert said[-1].note == "about the keys"
    assert page.elsewhere == []


def test_a_duplicate_is_merged_by_keys_and_undone(server, page, opened):
    notebook = opened(
        "review.ipynb",
        OPEN + "\none = facts.get(limit=1, include=['documents', 'embeddings'])\n"
        "facts.add(ids=['twin'], documents=[one['documents'][0] + ' <b>!</b>'],"
        " embeddings=one['embeddings'], metadatas=[{'origin': 'a copy'}])",
        "facts.dedupe().review()",
    )
    count = stored(server, lambda facts: facts.count())
    widget = notebook.locator(".cl-review[data-painted]")
    expect(widget.locator(".cl-record")).to_have_count(2)
    expect(widget.locator("ins").first).to_contain_text("<")
    widget.focus()
    widget.press("1")
    expect(widget).to_contain_text("Nothing is left to decide")
    widget.get_by_role("button", name="Apply: 1 deleted, 1 gain metadata").click()
    expect(widget.get_by_role("status").first).to_contain_text("Applied")
    assert stored(server, lambda facts: facts.count()) == count - 1
    merged = stored(server, lambda facts: facts.get(where={"origin": "a copy"})["ids"])
    assert len(merged) == 1
    assert merged != ["twin"]
    widget.focus()
    widget.press("u")
    expect(widget.get_by_role("status").first).to_contain_text("Undone")
    assert stored(server, lambda facts: facts.count()) == count
    assert stored(server, lambda facts: facts.get(where={"origin": "a copy"})["ids"]) == ["twin"]
    assert page.elsewhere == []
