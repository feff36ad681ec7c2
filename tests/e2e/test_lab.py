"""The quickstart, top to bottom in a real JupyterLab in headless Chromium."""

import shutil
from pathlib import Path

from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]


def test_the_quickstart_runs_top_to_bottom_twice_and_its_widget_searches(server, page):
    shutil.copy(ROOT / "notebooks" / "quickstart.ipynb", server.root)
    page.open("quickstart.ipynb")
    for _ in range(2):
        page.run_all()
        assert page.errors() == []
    assert "recall@3 over 16 questions" in page.page.locator(".jp-Notebook").inner_text()
    widget = page.page.locator(".cl-search-panel[data-painted]").last
    expect(widget.locator(".cl-result")).to_have_count(5)
    box = widget.get_by_role("searchbox")
    box.fill("Who invented the piano?")
    box.press("Enter")
    expect(widget.locator(".cl-result").first).to_contain_text("Cristofori")
    expect(page.page.locator(".cl-map[data-painted]")).to_have_count(1)
    expect(page.page.locator(".cl-panel[data-painted]")).to_contain_text("quickstart.chroma")


def test_an_error_is_one_line_and_stops_run_all(run):
    page = run(
        "%load_ext chromalab\n%chroma connect --ephemeral",
        "%chroma query papers 'x'",
        "print('went on')",
        errors=True,
    )
    (error,) = page.errors()
    assert error == (
        "NotFoundError: Collection 'papers' does not exist. Collections: none yet. Create it: %chroma create papers"
    )
    shown = page.page.locator(".jp-OutputArea").all_inner_texts()
    assert any("Collection 'papers' does not exist" in text for text in shown)
    assert not any("went on" in text for text in shown)


def test_a_document_with_a_script_is_shown_as_text_everywhere(run):
    attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    page = run(
        "%load_ext chromalab\nimport chromalab\nfrom chromalab_widgets import SearchPanel\n"
        "%chroma connect --ephemeral",
        "%chroma create notes --model wordllama\n"
        f"attack = {attack!r}\n"
        "rows = [{'id': attack, 'text': attack, attack: attack}]\n"
        "%chroma add notes :rows",
        "%chroma get notes",
        "%chroma query notes :attack",
        "%chroma collections",
        "store = chromalab.EphemeralClient()\n"
        "notes = store.create_collection('notes', embedding_function=chromalab.embed.WordLlama())\n"
        "notes.add_from(rows)\npanel = SearchPanel(notes)\npanel.search(attack)\npanel",
    )
    expect(page.page.locator(".cl-result")).to_have_count(1)
    assert page.page.locator(".jp-OutputArea img").count() == 0
    assert page.page.locator(".jp-OutputArea script").count() == 0
    assert page.page.locator(".jp-OutputArea").get_by_text("onerror").count() >= 4
    assert "owned" not in page.page.title()


def test_the_front_end_uses_the_completer_of_the_kernel(run):
    page = run("%load_ext chromalab", "%chroma que", errors=True)
    cell = page.page.locator(".jp-Notebook .jp-Cell .cm-content").nth(1)
    cell.click()
    cell.press("End")
    cell.press("Tab")
    expect(page.page.locator(".jp-Completer-item")).to_contain_text("query")
    cell.press("Enter")
    expect(cell).to_have_text("%chroma query")
