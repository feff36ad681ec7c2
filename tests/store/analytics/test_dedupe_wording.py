"""What differs between the words of two texts, and the variants of one pattern."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from chromalab.analytics.dedupe import dedupe
from chromalab.analytics.dedupe.wording import (
    ADDED,
    LONG,
    OTHER,
    SAME,
    VALUE,
    compare,
    edit_distance,
    words_of,
)
from chromalab.snapshot import Snapshot

VARIANTS = Path(__file__).parents[3] / "benchmarks" / "variants.py"


def variants():
    if "variants" not in sys.modules:
        spec = importlib.util.spec_from_file_location("variants", VARIANTS)
        module = importlib.util.module_from_spec(spec)
        sys.modules["variants"] = module
        spec.loader.exec_module(module)
    return sys.modules["variants"]


def kind(one, other):
    scores = np.ones(1, np.float32)
    return int(compare([one, other], np.array([0]), np.array([1]), scores, scores)[0]) % LONG


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a cup of green tea", "a cup of geren tea", SAME),
        ("a cup of green tea", "cup of the green tea", SAME),
        ("green tea in a cup", "in a cup green tea", SAME),
        ("the greentea shop", "the green tea shop", SAME),
        ("1 000 cups", "1000 cups", SAME),
        ("a cup of tea", "a cup of black tea", ADDED),
        ("traveling to england soon", "traveling to belgium soon", OTHER),
        ("room 12 is free", "room 13 is free", VALUE),
        ("send 10 to account 20", "send 20 to account 10", VALUE),
        ("my card works", "my card isn t works", VALUE),
        ("cable model a", "cable model b", VALUE),
        ("the first of two rooms", "the second of two rooms", VALUE),
        ("去北京的火车", "去南京的火车", OTHER),
    ],
)
def test_what_differs_between_two_texts(one, other, expected):
    assert kind(one, other) == expected
    assert kind(other, one) == expected


def test_other_words_are_values_if_many_texts_differ_in_them():
    texts = [f"does {place} have travel alerts" for place in ("spain", "norway", "chile", "peru")]
    left, right = np.triu_indices(4, 1)
    scores = np.full(len(left), 0.7, np.float32)
    assert (compare(texts, left, right, scores, scores) == VALUE).all()
    one = slice(0, 1)
    assert compare(texts, left[one], right[one], scores[one], scores[one]).tolist() == [OTHER]


def test_the_edit_distance_counts_exchanged_letters_once():
    assert [edit_distance("green", other, 2) for other in ("green", "geren", "gree", "tea")] == [
        0,
        1,
        1,
        3,
    ]
    assert words_of("c# costs 12 500") == ["c#", "costs", "12500"]


@pytest.mark.parametrize("name", sorted(variants().TUNED | variants().HELD_OUT))
def test_variants_of_a_pattern_are_not_duplicates_and_their_copies_are(name):
    made = variants().variants(name, copied=40)
    vectors = np.ones((len(made.texts), 8)) + np.random.default_rng(0).normal(
        scale=0.1, size=(len(made.texts), 8)
    )  # near one another, as models see such texts
    found = dedupe(Snapshot.of(vectors, documents=made.texts))
    pairs = {(int(found.left[at]), int(found.right[at])) for at in found.pairs}
    truth = set(made.pairs)
    assert len(pairs & truth) >= 0.9 * len(truth)
    assert len(pairs - truth) <= 0.1 * len(made.texts)
    assert found.threshold >= 0.95
    assert found.lexical_threshold >= 0.7


def test_a_pair_that_is_no_duplicate_says_which_words_differ():
    found = dedupe(
        Snapshot.of([[1, 0], [1, 0.01]], documents=["Room 12 is free now", "Room 13 is free now"])
    )
    assert found.groups() == []
    assert "not duplicates, as 12 differs from 13" in found.explain("0")


def test_a_group_with_a_third_of_the_records_is_pointed_out():
    texts = ["tea is hot"] * 4 + [f"text about {word}" for word in ("stones", "chalk", "rain")]
    found = dedupe(Snapshot.of(np.eye(7) + 0.01, documents=texts))
    assert "has a third of all records or more" in repr(found)
    assert "a third" not in repr(
        dedupe(Snapshot.of(np.eye(7), documents=texts[3:] + ["a"] * 2 + ["b"]))
    )
