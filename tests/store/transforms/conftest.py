"""Three records to query through transforms, and a store that is damaged from outside."""

import importlib.util
import sqlite3
from pathlib import Path

import pytest

import chromalab

_spec = importlib.util.spec_from_file_location(
    "made_transforms", Path(__file__).with_name("made_transforms.py")
)
making = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(making)


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a", "b", "c"], embeddings=[[0, 1], [2, 3], [4, -5]])
    return points


@pytest.fixture
def kept(tmp_path):
    """A store with a live transform, and what writes to its rows of attachments behind its back."""
    path = tmp_path / "store"
    with chromalab.PersistentClient(path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a", "b"], embeddings=[[0, 1], [2, 3]])
        points.transforms.add(making.made())
        points.transforms.use("tuned")

    def damage(sql, *values):
        connection = sqlite3.connect(path / "store.sqlite3")
        with connection:
            connection.execute(sql, values)
        connection.close()

    return path, damage
