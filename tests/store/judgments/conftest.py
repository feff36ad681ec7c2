"""Two small collections to judge, and their judgments in a comparable form."""

import pytest


@pytest.fixture
def tea(client, function):
    tea = client.create_collection("tea", embedding_function=function)
    tea.add(ids=["a", "b", "c", "d"], documents=["tea", "a walk", "banana", "no"])
    return tea


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a", "b", "c"], embeddings=[[0, 1], [2, 3], [4, 5]])
    return points


@pytest.fixture
def judged():
    """Returns the query, record and relevance of each judgment, in order."""

    def of(collection):
        return [(j.label, j.id, j.relevance) for j in collection.feedback]

    return of


@pytest.fixture
def resolved():
    """Returns what counts: (text or vector, id) -> (relevance, weight)."""

    def of(collection):
        found = collection.feedback.resolved()
        return {
            (found.texts[query] or tuple(found.queries[query].tolist()), found.ids[row]): (
                float(grade),
                float(weight),
            )
            for (query, row), grade, weight in zip(
                found.pairs, found.relevance, found.weights, strict=True
            )
        }

    return of
