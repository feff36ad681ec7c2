"""A transform can be used elsewhere: as a file, in an embedding function, in a pipeline."""

import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest

import chromalab
from chromalab import errors
from chromalab.embed import from_config, to_config
from chromalab.feedback import TransformedEmbedding
from chromalab.transforms.storage import describe

_spec = importlib.util.spec_from_file_location(
    "made_transforms", Path(__file__).with_name("made_transforms.py")
)
made_transforms = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_transforms)
made, same = made_transforms.made, made_transforms.same


def test_an_exported_transform_is_the_same_in_another_store(points, tmp_path):
    transform = made(
        evaluation={"gain": 0.1}, parameters={"seed": 1}, at="2026-01-31T12:00:00+00:00"
    )
    points.transforms.add(transform)
    file = points.transforms.export("tuned", tmp_path / "tuned.npz")
    with pytest.raises(errors.InvalidArgumentError, match="overwrite=True"):
        points.transforms.export("tuned", file)
    points.transforms.export("tuned", file, overwrite=True)
    with np.load(file, allow_pickle=False) as plain:
        assert sorted(plain.files) == ["about", "keys", "matrix", "shifts"]
    with chromalab.EphemeralClient() as client:
        other = client.create_collection("other", embedding_function=None)
        assert same(other.transforms.load(file), transform)
        assert same(other.transforms["tuned"], transform)
        with pytest.raises(errors.UniqueConstraintError):
            other.transforms.load(file)
    assert [path.name for path in tmp_path.iterdir()] == ["tuned.npz"]


def archive(**arrays):
    held = io.BytesIO()
    np.savez(held, **arrays)
    return held.getvalue()


PARTS = {name: getattr(made(), name) for name in ("matrix", "keys", "shifts")}
ABOUT = np.frombuffer(json.dumps(describe(made())).encode(), dtype=np.uint8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 no archive",
        archive(**PARTS),
        archive(about=ABOUT),
        archive(**PARTS, about=ABOUT)[:-40],
        archive(**PARTS, about=ABOUT[:-1]),
        archive(**PARTS, about=np.frombuffer(b"[1]", dtype=np.uint8)),
        archive(**PARTS, about=np.frombuffer(b'{"name": "x"}', dtype=np.uint8)),
        archive(**{**PARTS, "matrix": np.array([[print]], dtype=object)}, about=ABOUT),
        archive(**{**PARTS, "matrix": np.ones((2, 3), dtype=np.float32)}, about=ABOUT),
    ],
)
def test_a_file_without_a_transform_is_refused(points, tmp_path, content):
    file = tmp_path / "strange.npz"
    file.write_bytes(content)
    with pytest.raises(errors.InvalidArgumentError, match="does not hold a transform"):
        points.transforms.load(file)
    with pytest.raises(errors.InvalidArgumentError, match="There is no file"):
        points.transforms.load(tmp_path)
    assert len(points.transforms) == 0


@pytest.mark.parametrize("path", ["", "two\0names"])
def test_an_impossible_path_is_reported(points, path):
    points.transforms.add(made())
    with pytest.raises(errors.InvalidArgumentError, match="cannot be written"):
        points.transforms.export("tuned", path, overwrite=True)


def test_an_embedding_function_takes_a_transform_to_another_store(client, function):
    plain = client.create_collection("plain", embedding_function=function)
    plain.add(ids=["a", "b", "c"], documents=["tea", "a banana", "aaaa"])
    transform = made(model=plain.fingerprint())
    plain.transforms.add(transform)
    plain.transforms.use("tuned")

    wrapped = client.create_collection(
        "wrapped", embedding_function=TransformedEmbedding(function, transform)
    )
    wrapped.add(ids=["a", "b", "c"], documents=["tea", "a banana", "aaaa"])
    asked = {"query_texts": ["banana aa"], "include": ["distances"]}
    here, there = plain.query(**asked), wrapped.query(**asked)
    assert here["ids"] == there["ids"]
    assert np.allclose(here["distances"], there["distances"], rtol=1e-5)
    one_sided = TransformedEmbedding(function, made(both=False))
    assert np.array_equal(one_sided(["tea"]), np.array([[3, 1]], dtype=np.float32))
    assert not np.array_equal(one_sided.embed_query(["tea"]), one_sided(["tea"]))


def test_it_is_rebuilt_from_its_configuration_if_the_function_can_be():
    from chromalab.embed import WordLlama

    wrapped = TransformedEmbedding(WordLlama(), made())
    config = json.loads(json.dumps(to_config(wrapped)))
    assert (config["type"], config["name"]) == ("known", "chromalab_transformed")
    again = from_config(config)
    assert same(again.transform, wrapped.transform)
    assert again.default_space() == WordLlama().default_space()
    assert to_config(TransformedEmbedding(len, made())) == {"type": "legacy"}
    for wrong in ({}, {"arrays": "?"}, {"transform": 3}, {"arrays": "AAAA"}, {"function": None}):
        damaged = {**config, "config": {**config["config"], **wrong} if wrong else {}}
        with pytest.raises(errors.EmbeddingFunctionError, match="TransformedEmbedding"):
            from_config(damaged)


def test_the_estimator_is_a_step_of_a_pipeline():
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    from chromalab.transforms.estimator import TransformEstimator

    transform, rows = made(), np.array([[1, 2], [3, 4]], dtype=np.float32)
    estimator = TransformEstimator(transform)
    found = make_pipeline(estimator, Normalizer()).fit_transform(rows)
    mapped = transform.documents(rows)
    assert np.allclose(found, mapped / np.linalg.norm(mapped, axis=1, keepdims=True))
    assert clone(estimator).fit(rows).get_feature_names_out().tolist() == [
        "transformed0",
        "transformed1",
    ]
    queries = TransformEstimator(made(both=False), side="queries").fit(rows)
    assert np.array_equal(queries.transform(rows), transform.queries(rows))
    assert np.array_equal(queries.transform(rows, side="documents"), rows)
    with pytest.raises(errors.InvalidArgumentError, match="documents or queries"):
        queries.transform(rows, side="records")
    with pytest.raises(errors.InvalidArgumentError, match="learned must be a Transform; got None"):
        TransformEstimator().fit(rows)
    with pytest.raises(errors.InvalidDimensionException):
        TransformEstimator(transform).fit(np.ones((2, 3)))
