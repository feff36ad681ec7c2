"""The disk space of deleted collections comes back."""

import numpy as np
import pytest

import chromalab
from chromalab.config import Settings


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def fill(client, name):
    made = client.create_collection(name, embedding_function=None)
    rows = np.random.default_rng(0).normal(size=(4000, 8))
    made.add(ids=[str(n) for n in range(4000)], embeddings=rows, documents=["x" * 500] * 4000)
    return made


DELETIONS = {
    "delete_collection": lambda client: client.delete_collection("large"),
    "reset": lambda client: client.reset(),
    "delete_database": lambda client: chromalab.AdminClient(client.get_settings()).delete_database(
        "default_database"
    ),
}


@pytest.mark.parametrize("how", sorted(DELETIONS))
def test_a_deletion_gives_its_space_back_at_once(tmp_path, how):
    with chromalab.PersistentClient(tmp_path, Settings(allow_reset=True)) as client:
        empty = size(tmp_path)
        fill(client, "large")
        full = size(tmp_path)
        DELETIONS[how](client)
        assert size(tmp_path) < empty + full / 10
        assert not client.check(progress=False)


def test_a_reader_keeps_what_it_reads_and_the_next_deletion_gives_the_space_back(
    tmp_path, elsewhere
):
    with chromalab.PersistentClient(tmp_path) as client:
        kept = fill(client, "kept")
        fill(client, "large")
        fill(client, "other")
        full = size(tmp_path)
        store = elsewhere(tmp_path)._engine.store
        with store.read() as connection:
            client.delete_collection("large")
            rows = connection.execute("SELECT count(*) FROM records").fetchone()
        assert rows == (12_000,)
        client.delete_collection("other")
        assert size(tmp_path) < full / 2
        assert kept.count() == 4000
        assert not client.check(progress=False)
