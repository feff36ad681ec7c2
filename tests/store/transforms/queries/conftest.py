"""Records to query through a transform, and a brute-force comparison of all mapped vectors."""

import numpy as np
import pytest

from chromalab.feedback import Transform

DIMENSION = 6


@pytest.fixture
def some_transform():
    """Makes a transform whose matrix is random."""

    def make(name="some", dimension=DIMENSION, seed=0, **kinds):
        matrix = np.random.default_rng(seed).normal(size=(dimension, dimension)).astype(np.float32)
        return Transform(name=name, matrix=matrix, **kinds)

    return make


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    rows = np.random.default_rng(1).normal(size=(60, DIMENSION)).astype(np.float32)
    points.add(
        ids=[f"r{row}" for row in range(60)],
        embeddings=rows,
        metadatas=[{"n": row % 3} for row in range(60)],
    )
    return points


@pytest.fixture
def records_of():
    """The records of a collection: id -> (vector, n)."""

    def of(collection):
        found = collection.get(include=["embeddings", "metadatas"])
        return {
            id: (vector, (metadata or {}).get("n"))
            for id, vector, metadata in zip(
                found["ids"], found["embeddings"], found["metadatas"], strict=True
            )
        }

    return of


def distances(query, rows, space):
    query, rows = query.astype(np.float64), rows.astype(np.float64)
    if space == "l2":
        return ((rows - query) ** 2).sum(axis=1)
    dots = rows @ query
    if space == "cosine":
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
        dots = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
    return 1 - dots


@pytest.fixture
def check():
    """Compares a query with brute force over the mapped vectors of a dict of records."""

    def compare(collection, records, query, transform, space, n_results=5, **asked):
        where = asked.get("where")
        chosen = [id for id, (_, n) in records.items() if where is None or n == where["n"]]
        found = collection.query(
            query_embeddings=[query],
            n_results=n_results,
            include=["distances", "embeddings"],
            transform=transform,
            **asked,
        )
        ids = found["ids"][0]
        assert len(ids) == len(set(ids)) == min(n_results, len(chosen))
        if not chosen:
            return
        mapped = transform.documents(np.array([records[id][0] for id in chosen], dtype=np.float32))
        true = distances(transform.queries(query)[0], mapped, space)
        assert np.allclose(found["distances"][0], np.sort(true)[: len(ids)], rtol=1e-4, atol=1e-5)
        at = {id: distance for id, distance in zip(chosen, true, strict=True)}
        assert np.allclose(found["distances"][0], [at[id] for id in ids], rtol=1e-4, atol=1e-5)
        stored = np.array([records[id][0] for id in ids], dtype=np.float32)
        assert np.array_equal(found["embeddings"][0], stored), (
            "records come back as they are stored"
        )

    return compare
