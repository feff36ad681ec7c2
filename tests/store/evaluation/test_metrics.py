"""The metrics match scikit-learn, and the paired test matches trying all sign patterns."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from chromalab.errors import InvalidArgumentError
from chromalab.evaluation.metrics import METRICS, metric_names, of_list, of_ranks, paired

grades = st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0, 3.0]), min_size=2, max_size=30)


@given(grades, st.integers(1, 35), st.integers(0, 30), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_ndcg_matches_scikit_learn_even_if_answers_are_not_retrieved(true, k, depth, random):
    assume(any(true))
    scores = random.sample(range(len(true)), len(true))
    order = sorted(range(len(true)), key=lambda record: -scores[record])
    answers = {str(record): grade for record, grade in enumerate(true) if grade > 0}
    retrieved = [str(record) for record in order][: max(depth, k)]
    found = of_list(retrieved, answers, k)
    assert found[f"ndcg@{k}"] == pytest.approx(ndcg_score([true], [scores], k=k))
    first = [str(record) for record in order[:k]]
    assert found[f"recall@{k}"] == pytest.approx(len(answers.keys() & first) / len(answers))
    ranks = [rank for rank, id in enumerate(first, 1) if id in answers]
    assert found["mrr"] == (1 / ranks[0] if ranks else 0)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=12, unique=True),
    st.integers(1, 20),
    st.data(),
)
@settings(deadline=None)
def test_a_missing_answer_equals_one_below_the_cutoff(ranks, k, data):
    gains = data.draw(
        st.lists(
            st.floats(0.125, 5, width=32), min_size=len(ranks), max_size=len(ranks), unique=True
        )
    )
    ranks, gains = np.array(ranks), np.array(gains, dtype=np.float32)
    whole = of_ranks(ranks, gains, k=k)
    seen = ranks <= k
    cut = of_ranks(ranks[seen], gains[seen], k=k, missing=gains[~seen])
    names = metric_names(k)
    assert [cut[name] for name in names[:2]] == pytest.approx([whole[name] for name in names[:2]])
    assert 0 <= whole[names[0]] <= 1 + 1e-9


def test_the_metrics_of_a_list_match_a_calculation_by_hand():
    found = of_list(["a", "b", "c"], {"c": 2.0, "a": 1.0, "z": 3.0}, k=3)
    best = 3 / np.log2(2) + 2 / np.log2(3) + 1 / np.log2(4)
    assert found["ndcg@3"] == pytest.approx((1 / np.log2(2) + 2 / np.log2(4)) / best)
    assert (found["recall@3"], found["mrr"]) == (pytest.approx(2 / 3), 1.0)
    assert of_list([], {"a": 1.0}) == dict.fromkeys(METRICS, 0.0)
    assert tuple(of_ranks(np.array([3]))) == METRICS
    with pytest.raises(InvalidArgumentError, match="there are none"):
        of_list(["a"], {})


def by_all_signs(change):
    sums = [
        abs(sum(s * c for s, c in zip(signs, change, strict=True)))
        for signs in product((1, -1), repeat=len(change))
    ]
    return np.mean([each >= abs(sum(change)) - 1e-9 for each in sums])


@given(st.lists(st.sampled_from([-0.5, -0.25, 0.0, 0.125, 0.5, 1 / 3]), max_size=9))
@settings(deadline=None)
def test_few_queries_are_tested_with_all_sign_patterns(change):
    before = np.full(len(change), 0.5)
    found = paired(before, before + change)
    assert found.p == pytest.approx(by_all_signs(change))
    assert found.p == paired(before, before + change, random_state=7).p
    assert found.p == pytest.approx(paired(before + change, before).p)
    assert found.queries == len(change)
    assert found.difference == pytest.approx(np.mean(change) if change else 0)


def test_random_sign_patterns_agree_with_all_of_them():
    random = np.random.default_rng(3)
    for shift in (0.0, 0.05, 0.15):
        change = random.normal(shift, 0.2, 15)
        found = paired(np.zeros(15), change)
        assert found.p == pytest.approx(by_all_signs(change), abs=0.015)
        assert found.p == paired(np.zeros(15), change).p


def test_unchanged_queries_do_not_make_a_change_more_certain():
    few, many = np.array([0.2, 0.2, 0.2]), np.array([0.2, 0.2, 0.2] + [0.0] * 500)
    one, other = paired(np.zeros(3), few), paired(np.zeros(503), many)
    assert one.p == other.p == 0.25


def test_chance_is_seldom_called_a_change():
    random = np.random.default_rng(0)
    called = sum(paired(np.zeros(12), random.normal(0, 1, 12)).p < 0.05 for _ in range(200))
    assert called <= 20
    assert paired(np.zeros(30), random.normal(1, 1, 30)).p < 0.01
