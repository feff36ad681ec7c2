"""Three records to query through transforms, and a store whose database can be damaged."""

import importlib.util
import sqlite3
from pathlib import Path

import pytest

import chromalab

_spec = importlib.util.spec_from_file_location(
    "made_transforms", Path(__file__).with_name("made_transforms.py")
)
made_transforms = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_transforms)


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a", "b", "c"], embeddings=[[0, 1], [2, 3], [4, -5]])
    return points


@pytest.fixture
def store(tmp_path):
    """A store with an active transform, and a function that damages its stored attachments."""
    path = tmp_path / "store"
    with chromalab.PersistentClient(path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a", "b"], embeddings=[[0, 1], [2, 3]])
        points.transforms.add(made_transforms.made())
        points.transforms.use("tuned")

    def damage(sql, *values):
        connection = sqlite3.connect(path / "store.sqlite3")
        with connection:
            connection.execute(sql, values)
        connection.close()

    return path, damage
