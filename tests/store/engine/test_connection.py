import sqlite3

import pytest

import chromalab
from chromalab.errors import VersionMismatchError


@pytest.fixture
def reads(tmp_path):
    """A collection, and a function that reads something of it in a transaction."""
    with chromalab.PersistentClient(tmp_path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a"], embeddings=[[0, 1]])
        store = points.engine.engine.store

        def reads():
            """The version of the collection, and whether its row had to be read."""
            with store.read() as connection:
                is_new = points.id not in connection.known
            points.count()
            return points.get_version(), is_new

        yield points, reads


def test_what_was_read_is_known_until_the_next_write(reads, tmp_path):
    points, read = reads
    assert [read(), read()] == [(1, True), (1, False)]
    points.add(ids=["b"], embeddings=[[1, 0]])  # by the same connection
    assert [read(), read()] == [(2, True), (2, False)]
    other = sqlite3.connect(tmp_path / "store.sqlite3")
    with other:
        other.execute("UPDATE collections SET version = 5")
    other.close()
    assert [read(), read()] == [(5, True), (5, False)]


def test_a_newer_format_is_refused_again_and_again(reads, tmp_path):
    _, read = reads
    other = sqlite3.connect(tmp_path / "store.sqlite3")
    other.execute("PRAGMA user_version = 1000")
    for _ in range(2):
        with pytest.raises(VersionMismatchError, match="newer chromalab"):
            read()
    other.close()
