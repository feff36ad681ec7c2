import sqlite3

import pytest

from chromalab.engine.disk.connection import Connection


@pytest.fixture
def connections(tmp_path):
    found = [
        sqlite3.connect(tmp_path / "one.sqlite3", isolation_level=None, factory=Connection)
        for _ in range(2)
    ]
    found[0].execute("CREATE TABLE numbers (number INTEGER)")
    yield found
    for connection in found:
        connection.close()


def count(connection, check=lambda connection: None):
    """Count the numbers in a transaction; returns the count and how often it was read."""
    reads = []

    def read():
        reads.append(1)
        return connection.execute("SELECT count(*) FROM numbers").fetchone()[0]

    connection.execute("BEGIN")
    try:
        connection.look(check)
        return connection.once("count", read), len(reads)
    finally:
        connection.execute("ROLLBACK")


def test_what_was_read_is_known_until_any_connection_writes(connections):
    reader, writer = connections
    assert [count(reader), count(reader)] == [(0, 1), (0, 0)]
    writer.execute("INSERT INTO numbers VALUES (1)")
    assert [count(reader), count(reader)] == [(1, 1), (1, 0)]
    reader.execute("INSERT INTO numbers VALUES (2)")
    assert [count(reader), count(reader), count(writer)] == [(2, 1), (2, 0), (2, 1)]


def test_a_snapshot_that_fails_its_check_is_checked_again(connections):
    def refuse(connection):
        raise ValueError("refused")

    for _ in range(2):
        with pytest.raises(ValueError, match="refused"):
            count(connections[0], refuse)
    assert count(connections[0]) == (0, 1)
