"""The search panel and the reviews, with mouse and keys in a real JupyterLab, and their effect on the store."""

import pytest
from playwright.sync_api import expect

import chromalab

OPEN = (
    "import chromalab\n"
    "client = chromalab.PersistentClient('{}.chroma')\n"
    "facts = client.get_or_create_collection("
    "'facts', embedding_function=chromalab.embed.WordLlama())\n"
    "_ = facts.add_from(chromalab.datasets.load('facts'))"
)


APPS = pytest.mark.parametrize("app", ["lab", "notebook"])


def stored(server, app, read):
    with chromalab.PersistentClient(server.root / f"{app}.chroma") as client:
        return read(client.get_collection("facts", embedding_function=chromalab.embed.WordLlama()))


@APPS
def test_a_judgment_and_its_note_are_stored(server, run, app):
    page = run(OPEN.format(app), "facts.search_panel(n_results=5)", app=app)
    widget = page.page.locator(".cl-search-panel[data-painted]")
    box = widget.get_by_role("searchbox")
    box.fill("Who invented the piano?")
    box.press("Enter")
    first = widget.locator(".cl-result").first
    expect(first).to_contain_text("piano")
    up = first.get_by_role("button", name="Answers the query")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    first.get_by_role("button", name="Note").click()
    note = first.get_by_role("textbox", name="Note")
    note.fill("about the keys")
    note.press("Enter")
    expect(first.locator(".cl-stored")).to_have_text("about the keys")
    expect(first.get_by_role("button", name="Note")).to_be_focused()  # so that the keys still work
    first.locator(".cl-rank").press("w")
    expect(first.locator(".cl-reasons")).to_contain_text("number 1, score")
    judgments = stored(server, app, lambda facts: list(facts.feedback))
    assert {(j.query, j.relevance) for j in judgments} == {("Who invented the piano?", 1.0)}
    assert judgments[-1].note == "about the keys"


@APPS
def test_a_duplicate_is_merged_and_restored_with_keys(server, run, app):
    page = run(
        OPEN.format(app) + "\none = facts.get(limit=1, include=['documents', 'embeddings'])\n"
        "facts.add(ids=['twin'], documents=[one['documents'][0] + ' <b>!</b>'],"
        " embeddings=one['embeddings'], metadatas=[{'origin': 'a copy'}])",
        "facts.dedupe().review()",
        app=app,
    )
    count = stored(server, app, lambda facts: facts.count())
    widget = page.page.locator(".cl-review[data-painted]")
    expect(widget.locator(".cl-record")).to_have_count(2)
    expect(widget.locator("ins").first).to_contain_text("<")
    widget.focus()
    widget.press("1")
    expect(widget).to_contain_text("No duplicates left to review")
    widget.get_by_role("button", name="Apply: 1 deleted, 1 updated").click()
    expect(widget.get_by_role("status").first).to_contain_text("Applied")
    assert stored(server, app, lambda facts: facts.count()) == count - 1
    merged = stored(server, app, lambda facts: facts.get(where={"origin": "a copy"})["ids"])
    assert len(merged) == 1
    assert merged != ["twin"]
    widget.focus()
    widget.press("u")
    expect(widget.get_by_role("status").first).to_contain_text("Undone")
    assert stored(server, app, lambda facts: facts.count()) == count
    assert stored(server, app, lambda facts: facts.get(where={"origin": "a copy"})["ids"]) == [
        "twin"
    ]
