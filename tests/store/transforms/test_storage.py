"""Transforms are stored with a collection as they are; anything else is refused."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from chromalab import errors
from chromalab.engine import Attachment

_spec = importlib.util.spec_from_file_location(
    "made_transforms", Path(__file__).with_name("made_transforms.py")
)
made_transforms = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_transforms)
made, same = made_transforms.made, made_transforms.same

EVIL = "<img src=x onerror=alert(1)>'; DROP TABLE attachments --"


def test_a_stored_transform_reads_back_the_same(points):
    memory = made(
        "memory",
        method="memory",
        both=False,
        keys=np.array([[1, 0]], dtype=np.float32),
        shifts=np.array([[0, 0.5]], dtype=np.float32),
        judgments="abc",
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


def test_the_table_shows_which_is_active_and_its_gain(points):
    evaluation = {"gain": 0.0512, "gain_se": 0.01, "metric": "nDCG@10", "judgements": 120}
    points.transforms.add(made("good", evaluation=evaluation, method="ridge"))
    points.transforms.add(made("other", both=False, evaluation={"gain": "much"}))
    assert repr(points.transforms).startswith("points: 2 transforms; queries go through none")
    points.transforms.use("good")
    assert repr(points.transforms).startswith("points: 2 transforms; queries go through 'good'")
    rows = points.transforms.df().set_index("name")
    assert rows["active"].tolist() == ["*", ""]
    assert rows["maps"].tolist() == ["queries, records", "queries"]
    assert rows.loc["good", "gain"] == "+0.051 ± 0.010 nDCG@10"
    assert rows.loc["good", "judgments"] == 120
    assert rows["state"].tolist() == ["active", ""]


def test_names_are_escaped_and_displayed_on_one_line(points):
    points.transforms.add(made(EVIL))
    points.transforms.use(EVIL)
    assert "<img" not in points.transforms._repr_html_()
    assert "&lt;img" in points.transforms._repr_html_()
    assert len(repr(points.transforms).splitlines()) == 3
    points.transforms.use(None)
    points.transforms.remove(EVIL)
    assert len(points.transforms) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("tuned", "must be a Transform"),
        (made(""), "name is empty"),
        (made("active"), "name must be at most 200"),
        (made("live"), "name must be at most 200"),
        (made("two\nlines"), "name must be at most 200"),
        (made(space="dot"), "l2, cosine or ip"),
        (made(both="yes"), "both must be True or False; got 'yes'"),
        (made(matrix=np.full((2, 2), np.nan)), "NaN or infinity"),
        (made(matrix=np.full((2, 2), 1e300)), "NaN or infinity"),
        (made(evaluation={"gain": float("nan")}), "representable as JSON"),
        (made(parameters={"f": print}), "representable as JSON"),
        (made(evaluation=[1]), "evaluation"),
    ],
)
def test_invalid_values_are_refused_with_a_clear_message(points, wrong, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        points.transforms.add(wrong)
    assert len(points.transforms) == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"matrix": np.ones((2, 3))}, r"got \(2, 3\)"),
        ({"matrix": np.ones(2)}, r"got \(2,\)"),
        ({"keys": np.ones((1, 2))}, "keys and shifts"),
        ({"keys": np.ones((1, 3)), "shifts": np.ones((1, 3))}, "keys and shifts"),
        ({"matrix": [["a", "b"], ["c", "d"]]}, "must be numeric"),
    ],
)
def test_arrays_that_do_not_match_are_refused(fields, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        made(**fields)


@pytest.mark.parametrize("matrix", [np.eye(2), [[1, 0], [0, 1]]])
def test_any_square_of_numbers_is_a_matrix(points, matrix):
    assert points.transforms.add(made(matrix=matrix)).matrix.dtype == np.float32


def test_a_name_is_unique(points):
    points.transforms.add(made())
    with pytest.raises(errors.UniqueConstraintError, match="choose another name"):
        points.transforms.add(made())


@pytest.mark.parametrize("name", [[], 5, None, made()])
def test_a_name_that_is_not_text_is_not_found(points, name):
    assert points.transforms.get(name) is None
    with pytest.raises(errors.NotFoundError, match="No transform"):
        points.transforms.remove(name)


def test_a_gain_too_large_to_format_does_not_break_the_table(points):
    points.transforms.add(made(evaluation={"gain": 10**400, "gain_se": 10**400}))
    assert "tuned" in repr(points.transforms)
    assert "tuned" in points.transforms._repr_html_()


def test_attachments_of_other_kinds_are_ignored(points):
    points.engine.attach(points.id, add=[Attachment("note", {"text": "tea"}, "tuned")])
    points.transforms.add(made())
    assert len(points.transforms) == 1
