"""LangChain's standard tests of vector stores, on `langchain_chroma.Chroma` over our clients.

`make drop-in` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from langchain_chroma import Chroma
from langchain_tests.integration_tests.vectorstores import VectorStoreIntegrationTests

import chromalab

CLIENTS: dict[str, Callable[[Path], chromalab.ClientAPI]] = {
    "ephemeral": lambda _: chromalab.EphemeralClient(),
    "persistent": lambda folder: chromalab.PersistentClient(folder),
}


class TestChroma(VectorStoreIntegrationTests):
    """The suite, once per kind of client."""

    @pytest.fixture(params=CLIENTS)
    def vectorstore(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Chroma]:
        """Return an empty store."""
        with CLIENTS[request.param](tmp_path) as client:
            yield Chroma("documents", self.get_embeddings(), client=client)
