"""A map of two clusters, and a browser that sends it requests."""

import numpy as np
import pytest

import chromalab

HOSTILE = "</script><img src=x onerror=alert(1)>"
HALF = 20  # points on each side


class Sides(chromalab.EmbeddingFunction):
    """Embeds a text that contains "left" on the left, all others on the right."""

    def __call__(self, input):
        return [[-1.0, 0.0] if "left" in text else [1.0, 0.0] for text in input]


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    centers = np.repeat([[-1.0, 0.0], [1.0, 0.0]], HALF, axis=0)
    return (centers + rng.normal(scale=0.1, size=centers.shape)).astype(np.float32)


@pytest.fixture
def points(client, vectors):
    points = client.create_collection("points", embedding_function=Sides())
    points.add(
        ids=[f"p{row}" for row in range(2 * HALF)],
        embeddings=vectors,
        documents=[f"{HOSTILE} {row}" for row in range(2 * HALF)],
        metadatas=[
            {"side": "left" if row < HALF else "right", "n": row} for row in range(2 * HALF)
        ],
    )
    return points


@pytest.fixture
def map(points, vectors):
    return points.map(vectors, color="side")


@pytest.fixture
def send():
    """Deliver a message the way the browser sends it."""

    def deliver(widget, buffers=(), **content):
        data = {"method": "custom", "content": content}
        widget._handle_msg({"content": {"data": data}, "buffers": list(buffers)})

    return deliver


@pytest.fixture
def ask(send, monkeypatch):
    """Deliver a request and return the reply."""

    def request(widget, buffers=(), **content):
        answers = []
        monkeypatch.setattr(widget, "send", lambda content, buffers=None: answers.append(content))
        send(widget, buffers, request=7, **content)
        (answer,) = answers
        assert answer["reply"] == 7
        return answer.get("body", answer.get("problem"))

    return request


@pytest.fixture
def put(send):
    """Select rows the way the browser does, with a buffer that arrives as a memoryview."""

    def change(widget, rows, generation=None):
        buffer = memoryview(np.array(rows, dtype=np.uint32).tobytes())
        of = widget.generation if generation is None else generation
        send(widget, [buffer], verb="select", generation=of)

    return change
