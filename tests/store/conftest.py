import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

import chromalab
from chromalab.engine import EmbeddedEngine, Scope
from chromalab.engine.index.library import library

# `make drop-in` runs it, in an environment with LangChain.
collect_ignore = [] if find_spec("langchain_tests") else ["contract/langchain_suite.py"]


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


try:
    import hnswlib
except ImportError:
    hnswlib = None


@contextmanager
def _by_library(name):
    """Choose the library of indexes, by hiding the one that would be used before it."""
    if name == "hnswlib" and hnswlib is None:
        pytest.skip("hnswlib has no wheel for this Python")
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "hnswlib", hnswlib if name == "hnswlib" else None)
        library.cache_clear()
        assert library().name == name
        yield
    library.cache_clear()


@pytest.fixture(scope="module", params=["hnswlib", "voyager"])
def index_library(request):
    """Runs a module's tests with each library of indexes."""
    with _by_library(request.param):
        yield request.param


@pytest.fixture
def by_library():
    """A context in which indexes are those of a library."""
    return _by_library
