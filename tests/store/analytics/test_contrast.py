"""What sets records apart: words, values and numbers that could not be chance, and nothing else."""

import random

import numpy as np
import pytest

import chromalab
from chromalab.analytics import contrast
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot


def snapshot_of(texts=None, metadatas=None):
    size = len(texts or metadatas)
    ids = [f"r{row}" for row in range(size)]
    return Snapshot(ids, np.zeros((size, 1), np.float32), texts, metadatas)


def test_words_are_counted_once_per_record_and_not_repeated():
    texts = [
        "credit card " * 50,
        *["a credit card was lost"] * 19,
        *["an old card"] * 20,
        *["walls"] * 60,
    ]
    found = contrast(snapshot_of(texts), [f"r{row}" for row in range(20)])
    assert (found.selected, found.others) == (20, 80)
    first = found.words[0]
    assert (first.value, first.selected, first.others, first.lift) == (
        "credit",
        20,
        0,
        float("inf"),
    )
    words = [feature.value for feature in found.words]
    assert "lost" in words
    assert "credit card" not in words


def test_values_of_all_types_and_elements_of_lists_are_compared():
    metadatas = [{"kind": "tea", "tags": ["hot", "hot", "sweet"], "ok": True}] * 20
    metadatas += [{"kind": "chalk", "tags": ["dry"], "ok": 1}] * 30 + [None] * 10
    found = contrast(snapshot_of(metadatas=metadatas), [f"r{row}" for row in range(20)])
    assert {(v.field, v.value, v.selected, v.others) for v in found.values} == {
        ("kind", "tea", 20, 0), ("tags", "hot", 20, 0), ("tags", "sweet", 20, 0), ("ok", True, 20, 0),
    }  # fmt: skip
    assert found.words == ()


def test_numbers_and_dates_are_compared_by_their_order():
    days = [f"2024-{1 + row // 28:02}-{1 + row % 28:02}" for row in range(100)]
    metadatas = [{"n": row, "day": days[row], "even": row % 2} for row in range(100)]
    found = contrast(snapshot_of(metadatas=metadatas), [f"r{row}" for row in range(80, 100)])
    day, n = sorted(found.shifts, key=lambda shift: shift.field)
    assert (n.field, n.selected, n.others, n.higher) == ("n", 89, 39, 1.0)
    assert (day.selected, day.others, day.higher) == (days[89], days[39], 1.0)
    assert n.score > 6
    lower = contrast(snapshot_of(metadatas=metadatas), [f"r{row}" for row in range(20)])
    assert {(shift.higher, shift.score < -6) for shift in lower.shifts} == {(0.0, True)}
    assert "lower in 100% of pairs" in repr(lower)
    assert lower.df()["higher"].tolist() == [0, 0]
    assert not found.values  # as many even numbers here as there


def test_a_random_selection_is_not_set_apart():
    texts = list(chromalab.datasets.load("banking77").documents[:3000])
    snapshot = snapshot_of(texts, [{"n": len(text), "first": text[0]} for text in texts])
    rng = random.Random(0)
    found = [contrast(snapshot, rng.sample(list(snapshot.ids), 50)) for _ in range(20)]
    assert sum(len(each.words) + len(each.values) + len(each.shifts) for each in found) <= 6


def test_text_of_users_is_escaped_and_unknown_ids_are_left_out():
    metadatas = [{"<b>": "<img>"}] * 10 + [{"<b>": "x"}] * 10
    found = contrast(
        snapshot_of(metadatas=metadatas), ["unknown", *(f"r{row}" for row in range(10))]
    )
    assert "<img>" not in found._repr_html_()
    assert "&lt;img&gt;" in found._repr_html_()
    assert found.df()["field"].tolist() == ["<b>"]


@pytest.mark.parametrize("ids", [[], ["unknown"], [f"r{row}" for row in range(4)]])
def test_some_but_not_all_records_must_be_selected(ids):
    with pytest.raises(InvalidArgumentError, match="Some records must be selected"):
        contrast(snapshot_of(["tea"] * 4), ids)
    with pytest.raises(InvalidArgumentError, match="n must be an integer ≥ 1"):
        contrast(snapshot_of(["tea"] * 4), ["r0"], n=0)
