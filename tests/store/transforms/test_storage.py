"""Transforms are kept with a collection as they were made, and what is none is refused."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from chromalab import errors
from chromalab.engine import Attachment

_spec = importlib.util.spec_from_file_location(
    "made_transforms", Path(__file__).with_name("made_transforms.py")
)
making = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(making)
made, same = making.made, making.same

EVIL = "<img src=x onerror=alert(1)>'; DROP TABLE attachments --"


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


def test_a_name_is_taken_once(points):
    points.transforms.add(made())
    with pytest.raises(errors.UniqueConstraintError, match="choose another name"):
        points.transforms.add(made())


@pytest.mark.parametrize("name", [[], 5, None, made()])
def test_a_name_that_is_no_text_is_the_name_of_none(points, name):
    assert points.transforms.get(name) is None
    with pytest.raises(errors.NotFoundError, match="No transform"):
        points.transforms.remove(name)


def test_a_gain_that_no_number_can_hold_does_not_keep_the_others_from_showing(points):
    points.transforms.add(made(evaluation={"gain": 10**400, "gain_se": 10**400}))
    assert "tuned" in repr(points.transforms)
    assert "tuned" in points.transforms._repr_html_()


def test_others_may_attach_what_they_like_under_other_kinds(points):
    points._engine.attach(points.id, add=[Attachment("note", {"text": "tea"}, "tuned")])
    points.transforms.add(made())
    assert len(points.transforms) == 1
