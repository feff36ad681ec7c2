import pytest
from IPython.core.interactiveshell import InteractiveShell

import chromalab


class Lengths(chromalab.EmbeddingFunction):
    """A real, tiny embedding function: how long a text is, and how many vowels it has."""

    def __call__(self, input):
        return [[len(text), sum(text.count(vowel) for vowel in "aeiou")] for text in input]

    @staticmethod
    def name():
        return "lengths"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return Lengths()


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A fresh IPython shell in an empty folder, with the extension loaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(chromalab.embed.known_embedding_functions, "lengths", Lengths)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.run_line_magic("load_ext", "chromalab")
    yield shell
    shell.run_line_magic("unload_ext", "chromalab")
    InteractiveShell.clear_instance()


@pytest.fixture
def store(shell):
    """The same, with a store open that has one collection of three notes."""
    shell.run_line_magic("chroma", "connect ./notes.chroma --as work")
    shell.run_line_magic("chroma", "create notes --model lengths")
    shell.run_cell_magic(
        "chroma",
        "add notes --jsonl",
        '{"id": "a", "text": "tea", "year": 2020, "kind": "drink"}\n'
        '{"id": "b", "text": "a long walk home", "year": 2021}\n'
        '{"id": "c", "text": "<img src=x onerror=alert(1)>", "kind": "html"}\n',
    )
    return shell
