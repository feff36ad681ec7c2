from pathlib import Path

import pytest

import chromalab
from chromalab.engine import EmbeddedEngine, Scope


class Counting(chromalab.EmbeddingFunction):
    """A real, tiny embedding function that notes what it embedded, and may be interrupted."""

    def __init__(self, interrupt_after=None):
        self.embedded = []
        self.interrupt_after = interrupt_after

    def __call__(self, input):
        if self.interrupt_after is not None and len(self.embedded) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.embedded += input
        return [[len(text), text.count("a")] for text in input]

    @staticmethod
    def name():
        return "counting"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return Counting()


@pytest.fixture
def function():
    return Counting()


@pytest.fixture
def client():
    with chromalab.EphemeralClient() as client:
        yield client


@pytest.fixture
def elsewhere():
    """Opens a folder as another process does: with an engine of its own."""
    opened = []

    def open_folder(folder):
        settings = chromalab.Settings(is_persistent=True, persist_directory=folder)
        opened.append(chromalab.ClientAPI(EmbeddedEngine(Path(folder)), Scope(), settings))
        return opened[-1]

    yield open_folder
    for client in opened:
        client.close()


@pytest.fixture
def notes(client, function):
    return client.create_collection("notes", embedding_function=function)
