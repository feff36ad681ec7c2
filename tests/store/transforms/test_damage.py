"""Damaged and missing transforms are reported; what is stored is treated as untrusted."""

import pytest

import chromalab
from chromalab import errors


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("UPDATE attachments SET data = x'504b' WHERE kind = 'transform'", "tuned"),
        ("UPDATE attachments SET data = NULL WHERE kind = 'transform'", "tuned"),
        ("UPDATE attachments SET body = '{}' WHERE kind = 'transform'", "tuned"),
        ("UPDATE attachments SET name = 'renamed' WHERE kind = 'transform'", "renamed"),
    ],
)
def test_a_damaged_transform_is_reported_and_can_be_deactivated_and_removed(store, sql, name):
    path, damage = store
    damage(sql)
    with chromalab.PersistentClient(path) as client:
        points = client.get_collection("points")
        with pytest.raises(errors.InternalError, match=r"transforms\.use\(None\)"):
            points.query(query_embeddings=[[0, 1]])
        assert points.query(query_embeddings=[[0, 1]], transform=None)["ids"] == [["a", "b"]]
        assert "damaged" in repr(points.transforms)
        points.transforms.use(None)
        assert points.query(query_embeddings=[[0, 1]])["ids"] == [["a", "b"]]
        points.transforms.remove(name)
        assert len(points.transforms) == 0


@pytest.mark.parametrize(
    "body", ['{"transform": 7}', '{"transform": "tuned", "history": 3}', '{"history": [[]]}']
)
def test_a_damaged_activation_is_reported_and_replaced(store, body):
    path, damage = store
    damage("UPDATE attachments SET body = ? WHERE kind = 'live'", body)
    with chromalab.PersistentClient(path) as client:
        points = client.get_collection("points")
        with pytest.raises(errors.InternalError, match=r"use\(None\)"):
            points.query(query_embeddings=[[0, 1]])
        points.transforms.use("tuned")
        assert points.transforms.active.name == "tuned"
        points.query(query_embeddings=[[0, 1]])


def test_a_missing_active_transform_is_reported(store):
    path, damage = store
    damage("DELETE FROM attachments WHERE kind = 'transform'")
    with chromalab.PersistentClient(path) as client:
        points = client.get_collection("points")
        with pytest.raises(errors.InternalError, match="no longer stored"):
            points.query(query_embeddings=[[0, 1]])
        points.transforms.use(None)
        assert points.query(query_embeddings=[[0, 1]])["ids"] == [["a", "b"]]


def test_check_reports_a_damaged_transform(store):
    path, damage = store
    with chromalab.PersistentClient(path) as client:
        assert not client.check(progress=False).problems
    damage("UPDATE attachments SET data = x'00' WHERE kind = 'transform'")
    with chromalab.PersistentClient(path) as client:
        (problem,) = client.check(progress=False).problems
        assert "of the kind 'transform'" in problem.what


def test_a_deleted_collection_is_reported(client, points):
    transforms = points.transforms
    client.delete_collection("points")
    assert "Collection with the id" in repr(transforms)
    with pytest.raises(errors.NotFoundError, match="Collection with the id"):
        transforms.use(None)
    with pytest.raises(errors.NotFoundError, match="Collection with the id"):
        transforms.remove("tuned")
