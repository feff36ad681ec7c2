"""Scores of a result when the truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["auroc", "best_f1", "clustering", "f1", "neighbor_recall", "trustworthiness"]

_ROUNDING = 1e-5  # in float32 cosines; a neighbor as near as the 15th counts as a true one
_MAPPED = 12_000  # records; their distances take 1.2 GB


Pair = tuple[int, int]


def clustering(labels: Any, truth: Sequence[str]) -> dict[str, float]:
    """Score labels; all noise (-1) counts as one cluster, which `k` does not include."""
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    found = np.asarray(labels)
    return {
        "ari": float(adjusted_rand_score(truth, found)),
        "ami": float(adjusted_mutual_info_score(truth, found)),
        "noise": float((found < 0).mean()),
        "k": len(np.unique(found[found >= 0])),
    }


def f1(found: Iterable[Pair], truth: Iterable[Pair]) -> dict[str, float]:
    """Score pairs, ignoring the order within a pair."""
    found = {(min(pair), max(pair)) for pair in found}
    truth = {(min(pair), max(pair)) for pair in truth}
    hits = len(found & truth)
    return {
        "precision": hits / max(len(found), 1),
        "recall": hits / max(len(truth), 1),
        "f1": 2 * hits / max(len(found) + len(truth), 1),
    }


def best_f1(
    left: NDArray[np.int64], right: NDArray[np.int64], score: Any, truth: Iterable[Pair]
) -> dict[str, float]:
    """Score the pairs that reach a threshold, at the threshold that is best for these labels."""
    known = {(min(pair), max(pair)) for pair in truth}
    order = np.argsort(-np.asarray(score), kind="stable")
    rows = zip(
        np.minimum(left, right)[order].tolist(),
        np.maximum(left, right)[order].tolist(),
        strict=True,
    )
    hits = np.cumsum([pair in known for pair in rows])
    if not len(hits):
        return {**f1([], known), "threshold": 1.0}
    counts = np.arange(1, len(hits) + 1)
    values = np.asarray(score)[order]
    whole = np.append(values[1:] != values[:-1], True)  # equal scores are included together
    at = int(np.argmax(np.where(whole, 2 * hits / (counts + len(known)), -1)))
    return {
        "precision": float(hits[at] / counts[at]),
        "recall": float(hits[at] / len(known)),
        "f1": float(2 * hits[at] / (counts[at] + len(known))),
        "threshold": float(values[at]),
    }


def auroc(truth: NDArray[np.bool_], score: Any) -> float:
    """Return the probability that a true one has a higher score than another."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, score))


def neighbor_recall(
    vectors: NDArray[np.float32], found: Any, *, k: int = 15, rows: int = 500
) -> float:
    """Return the share of the true k nearest neighbors of a sample of rows among the first k results.

    Args:
        vectors: (n, dimension) float32 of unit length.
        found: (n, at least k) rows; a row itself does not count, and -1 means none.
        k: The number of neighbors.
        rows: The size of the sample.
    """
    sample = np.sort(
        np.random.default_rng(0).choice(len(vectors), min(rows, len(vectors)), replace=False)
    )
    near = vectors[sample] @ vectors.T
    near[np.arange(len(sample)), sample] = -np.inf
    least = np.partition(near, -k, axis=1)[:, -k] - _ROUNDING
    hits = 0
    for position, row in enumerate(sample.tolist()):
        others = [other for other in np.asarray(found[row]).tolist() if other not in (row, -1)][:k]
        hits += int((near[position, others] >= least[position]).sum())
    return min(1.0, hits / (k * len(sample)))


def trustworthiness(vectors: NDArray[np.float32], coordinates: Any, *, k: int = 15) -> float:
    """Return scikit-learn's trustworthiness of a map; above 12,000 records, of a fixed sample."""
    from sklearn.manifold import trustworthiness as of

    count = len(vectors)
    sample = np.random.default_rng(0).choice(count, min(_MAPPED, count), replace=False)
    return float(
        of(vectors[sample], np.asarray(coordinates)[sample], n_neighbors=k, metric="cosine")
    )
