"""Fixtures for the search panel."""

import pytest

import chromalab


class Words(chromalab.EmbeddingFunction):
    """Counts three words; raises `problem` on queries if it is set."""

    problem = None

    def __call__(self, input):
        return [[text.lower().count(word) for word in ("moon", "bee", "flower")] for text in input]

    def embed_query(self, input):
        if self.problem is not None:
            raise self.problem
        return self(input)


@pytest.fixture
def client():
    with chromalab.EphemeralClient() as client:
        yield client


@pytest.fixture
def words():
    return Words()


@pytest.fixture
def facts(client, words):
    facts = client.create_collection("facts", embedding_function=words)
    facts.add(
        ids=["moon", "bee"],
        documents=["The Moon drifts away from the Earth", "A bee visits a thousand flowers"],
        metadatas=[{"topic": "space", "year": 1969}, {"topic": "animals"}],
    )
    facts.add(ids=["bare"], embeddings=[[5, 5, 5]])
    return facts


@pytest.fixture
def send():
    """Deliver a message the way the browser sends it."""

    def deliver(search_panel, content):
        data = {"method": "custom", "content": content}
        search_panel._handle_msg({"content": {"data": data}, "buffers": []})

    return deliver
