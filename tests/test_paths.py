"""How many of the project's files one act crosses: each one is a file that a reader has to open."""

import sys
from pathlib import Path

import pytest

import chromalab
from chromalab.embed import WordLlama
from chromalab_widgets import SearchPanel

ROOT = Path(__file__).parents[1]
PARTS = tuple(str(ROOT / name) for name in ("store", "widgets", "kernel_ext"))


def files_crossed(act):
    """The project's files whose functions run during a call."""
    seen = set()

    def profile(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(PARTS):
            seen.add(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(before)
    return sorted(seen)


@pytest.fixture
def facts():
    with chromalab.EphemeralClient() as client:
        facts = client.create_collection("facts", embedding_function=WordLlama())
        facts.add_from(chromalab.datasets.load("facts"), progress=False)
        facts.query(query_texts=["a planet with rings"])  # everything is loaded from here on
        yield facts


def test_a_query_by_text_crosses_at_most_25_files(facts):
    crossed = files_crossed(lambda: facts.query(query_texts=["which planet has rings?"]))
    assert 5 < len(crossed) <= 25, "\n".join(crossed)


def test_a_thumb_in_the_search_panel_crosses_at_most_20_files(facts):
    panel = SearchPanel(facts)
    panel.search("which planet has rings?")
    ids = panel.results["ids"][0]
    panel.judge(ids[0], 1)
    crossed = files_crossed(lambda: panel.judge(ids[1], 1))
    assert 5 < len(crossed) <= 20, "\n".join(crossed)
