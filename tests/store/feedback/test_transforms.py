"""Transforms are kept with a collection, switched, exported, and never believed blindly."""

import io
import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chromalab
from chromalab import errors
from chromalab.embed import from_config, to_config
from chromalab.engine import Attachment
from chromalab.feedback import Transform, TransformedEmbedding
from chromalab.feedback.asking import fingerprint
from chromalab.feedback.keeping import described
from chromalab.feedback.transform import pack_arrays

EVIL = "<img src=x onerror=alert(1)>'; DROP TABLE attachments --"


def made(name="tuned", **fields):
    matrix = np.array([[1, 2], [0, 1]], dtype=np.float32)
    return Transform(name=name, **{"matrix": matrix, **fields})


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a", "b", "c"], embeddings=[[0, 1], [2, 3], [4, -5]])
    return points


def same(one, other):
    return described(one) == described(other) and pack_arrays(one) == pack_arrays(other)


def test_what_is_added_comes_back_the_same(points):
    memory = made(
        "memory",
        method="memory",
        both=False,
        keys=np.array([[1, 0]], dtype=np.float32),
        shifts=np.array([[0, 0.5]], dtype=np.float32),
        judgements="abc",
        evaluation={"gain": 0.05, "gain_se": 0.01, "metric": "nDCG@10", "judgements": 120},
        parameters={"random_state": 7},
        at="2026-01-31T12:00:00+00:00",
    )
    assert same(points.transforms.add(memory), memory)
    points.transforms.add(made())
    transforms = points.transforms
    assert [transform.name for transform in transforms] == ["memory", "tuned"]
    assert (len(transforms), "memory" in transforms, "other" in transforms) == (2, True, False)
    assert same(transforms["memory"], memory)
    assert same(transforms.get("tuned"), made())
    assert transforms.get("other") is None
    with pytest.raises(
        errors.NotFoundError, match=r"No transform 'memori'\. Did you mean 'memory'"
    ):
        transforms["memori"]


def test_the_table_says_which_is_live_and_what_it_gained(points):
    evaluation = {"gain": 0.0512, "gain_se": 0.01, "metric": "nDCG@10", "judgements": 120}
    points.transforms.add(made("good", evaluation=evaluation, method="ridge"))
    points.transforms.add(made("other", both=False, evaluation={"gain": "much"}))
    assert repr(points.transforms).startswith("points: 2 transforms; queries go through none")
    points.transforms.use("good")
    assert repr(points.transforms).startswith("points: 2 transforms; queries go through 'good'")
    rows = points.transforms.df().set_index("name")
    assert rows["live"].tolist() == ["*", ""]
    assert rows["maps"].tolist() == ["queries, records", "queries"]
    assert rows.loc["good", "gain"] == "+0.051 ± 0.010 nDCG@10"
    assert rows.loc["good", "judgements"] == 120
    assert rows["state"].tolist() == ["live", ""]


def test_names_of_users_are_escaped_and_shown_on_one_line(points):
    points.transforms.add(made(EVIL))
    points.transforms.use(EVIL)
    assert "<img" not in points.transforms._repr_html_()
    assert "&lt;img" in points.transforms._repr_html_()
    assert len(repr(points.transforms).splitlines()) == 3
    points.transforms.use(None)
    points.transforms.remove(EVIL)
    assert len(points.transforms) == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("tuned", "is no Transform"),
        (made(""), "name is empty"),
        (made("live"), "no name for a transform"),
        (made("two\nlines"), "no name for a transform"),
        (made(space="dot"), "l2, cosine or ip"),
        (made(both="yes"), "both is 'yes'"),
        (made(matrix=np.full((2, 2), np.nan)), "NaN or infinity"),
        (made(matrix=np.full((2, 2), 1e300)), "NaN or infinity"),
        (made(evaluation={"gain": float("nan")}), "what JSON can hold"),
        (made(parameters={"f": print}), "what JSON can hold"),
        (made(evaluation=[1]), "evaluation"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_sentence(points, wrong, says):
    with pytest.raises(errors.InvalidArgumentError, match=says):
        points.transforms.add(wrong)
    assert len(points.transforms) == 0


def test_a_name_is_taken_once(points):
    points.transforms.add(made())
    with pytest.raises(errors.UniqueConstraintError, match="choose another name"):
        points.transforms.add(made())


def test_the_live_one_cannot_be_removed_and_the_others_can(points):
    for name in ("one", "two"):
        points.transforms.add(made(name))
    points.transforms.use("one")
    with pytest.raises(errors.InvalidArgumentError, match=r"use\(None\)"):
        points.transforms.remove("one")
    points.transforms.remove("two")
    assert points.transforms.live.name == "one"
    with pytest.raises(errors.NotFoundError, match="No transform 'two'"):
        points.transforms.remove("two")
    points.transforms.use(None)
    points.transforms.remove("one")
    assert len(points.transforms) == 0


def test_rollback_goes_back_step_by_step(points):
    for name in ("one", "two", "three"):
        points.transforms.add(made(name))
        points.transforms.use(name)
    assert repr(points.transforms.rollback()) == "points: queries go through 'two'"
    points.transforms.remove("three")
    points.transforms.use("two")  # no switch: it is live already
    assert repr(points.transforms.rollback()) == "points: queries go through 'one'"
    assert repr(points.transforms.rollback()) == "points: queries go through none"
    with pytest.raises(errors.NotFoundError, match="was live before"):
        points.transforms.rollback()
    points.transforms.use("one")
    points.transforms.use("two")
    points.transforms.use(None)
    points.transforms.remove("two")
    assert repr(points.transforms.rollback()) == "points: queries go through 'one'"


def test_rollback_passes_over_what_was_removed(points):
    for name in ("one", "two"):
        points.transforms.add(made(name))
    for name in ("two", "one", "two", "one"):
        points.transforms.use(name)
    points.transforms.remove("two")
    assert repr(points.transforms.rollback()) == "points: queries go through none"


def test_the_version_of_the_collection_stays(points):
    before, taken = points.get_version(), points.snapshot()
    points.transforms.add(made())
    points.transforms.use("tuned")
    assert points.get_version() == before
    assert not taken.is_stale


def test_judgements_name_the_transform_that_was_live(points):
    points.transforms.add(made())
    points.feedback.add([0, 1], "a", True)
    points.transforms.use("tuned")
    points.feedback.add([0, 1], "b", True)
    assert [judgement.transform for judgement in points.feedback] == [None, "tuned"]


def test_an_exported_one_is_the_same_in_another_store(points, tmp_path):
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
ABOUT = np.frombuffer(json.dumps(described(made())).encode(), dtype=np.uint8)


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
def test_a_file_that_is_no_transform_is_refused_with_a_sentence(points, tmp_path, content):
    file = tmp_path / "strange.npz"
    file.write_bytes(content)
    with pytest.raises(errors.InvalidArgumentError, match="holds no transform"):
        points.transforms.load(file)
    with pytest.raises(errors.InvalidArgumentError, match="There is no file"):
        points.transforms.load(tmp_path)
    assert len(points.transforms) == 0


@pytest.fixture
def kept(tmp_path):
    """A store with a live transform, and what writes to its rows of attachments behind its back."""
    path = tmp_path / "store"
    with chromalab.PersistentClient(path) as client:
        points = client.create_collection("points", embedding_function=None)
        points.add(ids=["a", "b"], embeddings=[[0, 1], [2, 3]])
        points.transforms.add(made())
        points.transforms.use("tuned")

    def damage(sql, *values):
        connection = sqlite3.connect(path / "store.sqlite3")
        with connection:
            connection.execute(sql, values)
        connection.close()

    return path, damage


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("UPDATE attachments SET data = x'504b' WHERE kind = 'transform'", "tuned"),
        ("UPDATE attachments SET data = NULL WHERE kind = 'transform'", "tuned"),
        ("UPDATE attachments SET body = '{}' WHERE kind = 'transform'", "tuned"),
        ("UPDATE attachments SET name = 'renamed' WHERE kind = 'transform'", "renamed"),
    ],
)
def test_a_damaged_transform_is_told_and_can_be_left_and_removed(kept, sql, name):
    path, damage = kept
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
def test_a_damaged_note_of_which_is_live_is_told_and_written_anew(kept, body):
    path, damage = kept
    damage("UPDATE attachments SET body = ? WHERE kind = 'live'", body)
    with chromalab.PersistentClient(path) as client:
        points = client.get_collection("points")
        with pytest.raises(errors.InternalError, match=r"use\(None\)"):
            points.query(query_embeddings=[[0, 1]])
        points.transforms.use("tuned")
        assert points.transforms.live.name == "tuned"
        points.query(query_embeddings=[[0, 1]])


def test_a_live_one_that_is_gone_is_told(kept):
    path, damage = kept
    damage("DELETE FROM attachments WHERE kind = 'transform'")
    with chromalab.PersistentClient(path) as client:
        points = client.get_collection("points")
        with pytest.raises(errors.InternalError, match="not there any more"):
            points.query(query_embeddings=[[0, 1]])
        points.transforms.use(None)
        assert points.query(query_embeddings=[[0, 1]])["ids"] == [["a", "b"]]


def test_many_threads_switch_add_and_remove_and_nothing_dangles(points):
    points.transforms.add(made("stays"))

    def work(n):
        name = f"t{n}"
        points.transforms.add(made(name, both=bool(n % 2)))
        points.transforms.use(name)
        points.query(query_embeddings=[[0, 1]])
        points.transforms.use("stays")
        try:
            points.transforms.remove(name)
        except errors.InvalidArgumentError:
            return name  # another thread's rollback or use let it live again
        return None

    with ThreadPoolExecutor(4) as pool:
        left = set(filter(None, pool.map(work, range(12))))
    assert {transform.name for transform in points.transforms} == {"stays", *left}
    assert points.transforms.live.name in {"stays", *left}
    assert len(points._engine.attachments(points.id, "live")) == 1


def test_two_processes_switch_and_remove_at_once_and_nothing_dangles(kept):
    path, _ = kept
    code = f"""
import sys, chromalab, numpy as np
from chromalab.feedback import Transform
points = chromalab.PersistentClient({str(path)!r}).get_collection("points")
for n in range(15):
    name = f"{{sys.argv[1]}}{{n}}"
    points.transforms.add(Transform(name=name, matrix=np.eye(2, dtype=np.float32)))
    points.transforms.use(name)
    points.query(query_embeddings=[[0, 1]])
    points.transforms.use(None)
    points.transforms.remove(name)
"""
    processes = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "xy"]
    assert [process.wait() for process in processes] == [0, 0]
    with chromalab.PersistentClient(path) as client:
        points = client.get_collection("points")
        assert [transform.name for transform in points.transforms] == ["tuned"]
        assert points.transforms.live is None


def test_a_store_that_is_checked_knows_them(kept):
    path, damage = kept
    with chromalab.PersistentClient(path) as client:
        assert not client.check(progress=False).problems
    damage("UPDATE attachments SET data = x'00' WHERE kind = 'transform'")
    with chromalab.PersistentClient(path) as client:
        (problem,) = client.check(progress=False).problems
        assert "of the kind 'transform'" in problem.what


def test_a_deleted_collection_is_a_sentence(client, points):
    transforms = points.transforms
    client.delete_collection("points")
    assert "No collection with the id" in repr(transforms)
    with pytest.raises(errors.NotFoundError, match="No collection with the id"):
        transforms.use(None)
    with pytest.raises(errors.NotFoundError, match="No collection with the id"):
        transforms.remove("tuned")


def test_others_may_attach_what_they_like_under_other_kinds(points):
    points._engine.attach(points.id, add=[Attachment("note", {"text": "tea"}, "tuned")])
    points.transforms.add(made())
    assert len(points.transforms) == 1


def test_an_embedding_function_can_carry_one_elsewhere(client, function):
    plain = client.create_collection("plain", embedding_function=function)
    plain.add(ids=["a", "b", "c"], documents=["tea", "a banana", "aaaa"])
    transform = made(model=fingerprint(plain.get_model()))
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


def test_it_comes_back_from_its_configuration_if_the_function_does():
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


def test_it_is_a_step_of_a_pipeline():
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    from chromalab.feedback.estimator import TransformEstimator

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
    with pytest.raises(errors.InvalidArgumentError, match="learned is None"):
        TransformEstimator().fit(rows)
    with pytest.raises(errors.InvalidDimensionException):
        TransformEstimator(transform).fit(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"matrix": np.ones((2, 3))}, r"found \(2, 3\)"),
        ({"matrix": np.ones(2)}, r"found \(2,\)"),
        ({"keys": np.ones((1, 2))}, "keys and shifts"),
        ({"keys": np.ones((1, 3)), "shifts": np.ones((1, 3))}, "keys and shifts"),
        ({"matrix": [["a", "b"], ["c", "d"]]}, "are numbers"),
    ],
)
def test_arrays_that_are_no_transform_are_told_when_it_is_made(fields, says):
    with pytest.raises(errors.InvalidArgumentError, match=says):
        made(**fields)


@pytest.mark.parametrize("matrix", [np.eye(2), [[1, 0], [0, 1]]])
def test_any_square_of_numbers_is_a_matrix(points, matrix):
    assert points.transforms.add(made(matrix=matrix)).matrix.dtype == np.float32


@pytest.mark.parametrize("name", [[], 5, None, made()])
def test_a_name_that_is_no_text_is_the_name_of_none(points, name):
    assert points.transforms.get(name) is None
    with pytest.raises(errors.NotFoundError, match="No transform"):
        points.transforms.remove(name)


def test_a_gain_that_no_number_can_hold_does_not_keep_the_others_from_showing(points):
    points.transforms.add(made(evaluation={"gain": 10**400, "gain_se": 10**400}))
    assert "tuned" in repr(points.transforms)
    assert "tuned" in points.transforms._repr_html_()


@pytest.mark.parametrize("path", ["", "two\0names"])
def test_a_path_that_no_file_can_have_is_told(points, path):
    points.transforms.add(made())
    with pytest.raises(errors.InvalidArgumentError, match="cannot be written"):
        points.transforms.export("tuned", path, overwrite=True)
