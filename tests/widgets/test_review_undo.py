"""A review undoes what it did, and never treats other writes as its own."""

import pytest

import chromalab
from chromalab.engine import EmbeddedEngine, Scope
from chromalab.errors import InvalidArgumentError


@pytest.fixture
def client(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        yield client


@pytest.fixture
def teas(client):
    teas = client.create_collection("teas", embedding_function=None)
    teas.add(
        ids=["a", "b", "c", "d"],
        embeddings=[[1, 0, 0], [1, 0, 0.01], [0, 1, 0], [0, 1, 0.01]],
        documents=["green tea", "green teas", "white chalk", "white chalks"],
    )
    return teas


@pytest.fixture
def theirs(teas, tmp_path):
    """The same records as another process has them: with an engine of its own."""
    settings = chromalab.Settings(is_persistent=True, persist_directory=tmp_path)
    with chromalab.ClientAPI(EmbeddedEngine(tmp_path), Scope(), settings) as client:
        yield client.get_collection("teas", embedding_function=None)


@pytest.fixture
def review(teas):
    """Of records that are marked where they lie far out; one was."""
    review = teas.outliers().at(share=0.5).review(into="odd")
    review.decide("mark")
    review.apply()
    return review


def test_after_an_undo_the_same_decisions_can_be_applied_again(teas, review):
    review.undo()
    review.apply()
    assert list(teas.distinct("odd")) == [(True, 1)]


def test_a_write_during_an_undo_requires_new_outliers(client, teas, theirs, review):
    written = []

    def write_between(sql):
        if "attachments" in sql and not written:  # the undo reads the decisions
            written.append(sql)
            theirs.update(ids=["d"], metadatas=[{"year": 1}])

    connection = client._engine.engine.store._connection()
    connection.set_trace_callback(write_between)
    review.undo()
    connection.set_trace_callback(None)
    assert teas.get(ids=["d"])["metadatas"] == [{"year": 1}]
    with pytest.raises(InvalidArgumentError, match="has changed since"):
        review.apply()
