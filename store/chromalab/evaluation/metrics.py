"""Ranking metrics per query, and a paired test of whether two rankers differ by more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError

__all__ = [
    "METRICS",
    "Paired",
    "comparison_rows",
    "metric_names",
    "of_list",
    "of_ranks",
    "paired",
]

METRICS = ("ndcg@10", "recall@10", "mrr")
"""The metrics of `of_ranks` for the default k."""

_RESAMPLES = 10_000
_EXACT = 13  # With this many changes or fewer, all 8,192 sign patterns are tried instead of 10,000 draws.


def metric_names(k: int) -> tuple[str, str, str]:
    """Return the names of the metrics of the first k records.

    Example:
        >>> metric_names(5)
        ('ndcg@5', 'recall@5', 'mrr')
    """
    return f"ndcg@{k}", f"recall@{k}", "mrr"


def of_ranks(
    ranks: NDArray[np.int64],
    gains: NDArray[np.float32] | None = None,
    *,
    k: int = 10,
    missing: NDArray[np.float32] | None = None,
) -> dict[str, float]:
    """Measure one ranking by the ranks of its answers.

    Args:
        ranks: (a,) int64, starting at 1, all different.
        gains: (a,) float32, the grades of the answers, above 0; all 1 by default.
        k: The cutoff of nDCG and recall; the reciprocal rank uses the whole ranking.
        missing: (b,) float32, the grades of answers that are not in the ranking at all; none by
            default. The ideal ranking includes them.

    Returns:
        nDCG@k with the grades as gains (Järvelin, Kekäläinen: Cumulated gain-based evaluation of IR
        techniques, 2002), recall@k, and the reciprocal rank of the first answer, or 0 without one.

    Raises:
        InvalidArgumentError: There are no answers, so nothing can be measured.

    Example:
        >>> of_ranks(np.array([1, 20]))
        {'ndcg@10': 0.613..., 'recall@10': 0.5, 'mrr': 1.0}
        >>> of_ranks(np.array([2]), k=3, missing=np.ones(1, dtype=np.float32))
        {'ndcg@3': 0.386..., 'recall@3': 0.5, 'mrr': 0.5}
    """
    reached = np.ones(len(ranks)) if gains is None else np.asarray(gains, dtype=np.float64)
    every = reached if missing is None else np.concatenate([reached, missing])
    if not len(every):
        raise InvalidArgumentError("A ranking is measured by its answers, and there are none.")
    seen = ranks <= k
    found = float((reached[seen] / np.log2(1 + ranks[seen])).sum())
    ideal = np.sort(every)[::-1][:k]
    best = float((ideal / np.log2(np.arange(2, len(ideal) + 2))).sum())
    ndcg, recall, mrr = metric_names(k)
    first = float(1 / ranks.min()) if len(ranks) else 0.0
    return {ndcg: found / best, recall: float(seen.sum()) / len(every), mrr: first}


def of_list(ids: Sequence[str], grades: Mapping[str, float], k: int = 10) -> dict[str, float]:
    """Measure the first k records of a list.

    Args:
        ids: The records, best first.
        grades: The grade of each answer, above 0, including answers that are not in the list.
        k: How many records count.

    Returns:
        The metrics of `of_ranks`.

    Example:
        >>> of_list(["a", "b", "c"], {"b": 1.0, "z": 1.0}, k=3)
        {'ndcg@3': 0.386..., 'recall@3': 0.5, 'mrr': 0.5}
    """
    ranks = {id: rank for rank, id in enumerate(ids[:k], 1) if id in grades}
    return of_ranks(
        np.array([*ranks.values()], dtype=np.int64),
        np.array([grades[id] for id in ranks], dtype=np.float32),
        k=k,
        missing=np.array([g for id, g in grades.items() if id not in ranks], dtype=np.float32),
    )


@dataclass(frozen=True)
class Paired:
    """The difference between two rankers on the same queries.

    Attributes:
        before: The mean of the first ranker.
        after: The mean of the second ranker.
        difference: The mean of after - before.
        se: The standard error of the difference; 0 for a single query.
        p: The two-sided p-value of a randomization test: the share of sign patterns of the changes
            whose mean is at least as far from 0.
        queries: The number of queries.
    """

    before: float
    after: float
    difference: float
    se: float
    p: float
    queries: int

    def plain(self) -> Mapping[str, float | int]:
        """Return the fields as JSON can hold them."""
        return vars(self)


def paired(
    before: NDArray[np.float64], after: NDArray[np.float64], *, random_state: int = 0
) -> Paired:
    """Compare two rankers query by query.

    The test is Fisher's randomization test, as recommended by Smucker, Allan, Carterette (CIKM 2007).
    It tries all sign patterns if at most 13 queries change, and 10,000 random ones otherwise.

    Args:
        before: (q,) float64, a metric of the first ranker for each query.
        after: (q,) float64, the same metric of the second ranker.
        random_state: The seed of the random sign patterns.

    Example:
        >>> found = paired(np.array([0.5, 0.25, 0.5]), np.array([0.75, 0.5, 0.75]))
        >>> found.difference, found.p
        (0.25, 0.25)
    """
    change = after - before
    count = len(change)
    mean = float(change.mean()) if count else 0.0
    se = float(change.std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0
    return Paired(
        float(before.mean()) if count else 0.0,
        float(after.mean()) if count else 0.0,
        mean,
        se,
        _p_value(change[change != 0], random_state),
        count,
    )


def comparison_rows(metrics: Mapping[str, Paired]) -> list[list[Any]]:
    """Return one row per metric: its name, the mean before and after, the change, and the p-value."""
    return [
        [
            metric,
            f"{found.before:.3f}",
            f"{found.after:.3f}",
            f"{found.difference:+.3f} ± {found.se:.3f}",
            f"{found.p:.3f}",
        ]
        for metric, found in metrics.items()
    ]


def _p_value(change: NDArray[np.float64], random_state: int) -> float:
    """Return the share of sign patterns under which the sum of nonzero changes is as far from 0."""
    # The tolerance is needed because sums of the same numbers in another order differ in the last digits.
    target = abs(float(change.sum())) - 1e-9 * float(np.abs(change).sum())
    if len(change) <= _EXACT:
        bits = np.arange(2 ** len(change))[:, np.newaxis] >> np.arange(len(change))
        return float((np.abs((1 - 2 * (bits & 1)) @ change) >= target).mean())
    random, extreme = np.random.default_rng(random_state), 0
    for _ in range(0, _RESAMPLES, 1000):  # In blocks, as the signs of many queries need memory.
        signs = random.integers(0, 2, (1000, len(change)), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ change) >= target).sum())
    return (extreme + 1) / (_RESAMPLES + 1)
