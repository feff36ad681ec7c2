"""Cross-validation by query: how a method does on queries that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.cores import each
from chromalab.evaluation.metrics import METRICS, of_ranks
from chromalab.transforms.transform import Transform
from chromalab.tuning.training_set import NEAR_SHARE, TrainingSet

__all__ = ["FOLDS", "HeldOut", "cross_validate"]

FOLDS = 5
"""The number of folds in each repetition."""

_ADDED = 8  # The imaginary queries in the standard error; half of them gain and half lose.

Fit = Callable[[TrainingSet], Transform]
Ranks = NDArray[np.int64]
_Fold = tuple[TrainingSet, NDArray[np.int64]]
_Ranking = tuple[tuple[Ranks, Ranks], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The rankings of queries by a transform that has not seen them, and without a transform.

    Answers are ranked in condensed lists (Sakai: Alternatives to bpref, SIGIR 2007): among the judged
    records, and among the unjudged records that neither ranking places near the query. Those near it
    are left out, because they may be unmarked answers.

    Attributes:
        queries: (h,) int64, the held-out queries; only queries with an answer are held out.
        scores: (h, 2) float64, before and after: minus the mean of log(1 + rank) over the answers.
        metrics: (h, 2, 3) float64, the `METRICS` before and after.
        ranks: (h, 2) int64, the rank of the first answer before and after.
    """

    queries: NDArray[np.int64]
    scores: NDArray[np.float64]
    metrics: NDArray[np.float64]
    ranks: Ranks

    @property
    def gain(self) -> float:
        """The mean change of the scores: 0.1 means that answers are about 10 % nearer to the top."""
        return float(self.changes.mean()) if len(self.queries) else 0.0

    @property
    def se(self) -> float:
        """The standard error of the gain; infinite if nothing was held out.

        If few queries change at all, a single one would decide. So eight imaginary queries are added,
        as Agresti and Coull (The American Statistician, 1998) do for proportions: four that gain and
        four that lose as much as the changed queries do on average.
        """
        changed = np.abs(self.changes[self.changes != 0])
        if not len(self.queries):
            return float("inf")
        typical = float(changed.mean()) if len(changed) else 0.0
        count = len(self.queries) + _ADDED
        squares = float(((self.changes - self.gain) ** 2).sum()) + _ADDED * typical**2
        return float(np.sqrt(squares / (count - 1) / count))

    @property
    def z(self) -> float:
        """The gain in standard errors; 0 if nothing changes."""
        return self.gain / self.se if self.gain else 0.0

    @property
    def changes(self) -> NDArray[np.float64]:
        """(h,) float64, the change of each query's score."""
        change: NDArray[np.float64] = self.scores[:, 1] - self.scores[:, 0]
        return change


def cross_validate(
    seen: TrainingSet,
    fit: Fit,
    *,
    repeats: int,
    random_state: int,
    fold_done: Callable[[], None] = lambda: None,
) -> HeldOut:
    """Hold out the queries in five folds, and rank them by a transform learned from the others.

    All judgments of a query are in the same fold, because pairs of one query inform each other.

    Args:
        seen: The judgments.
        fit: Learns a transform.
        repeats: The number of repetitions with new folds; each query's values are averaged.
        random_state: The seed of the folds.
        fold_done: Called after each fold.
    """
    random = np.random.default_rng(random_state)
    queries = seen.judged_queries
    scores = np.zeros((len(queries), 2))
    metrics = np.zeros((len(queries), 2, len(METRICS)))
    firsts = np.zeros((len(queries), 2))
    counts = np.zeros(len(queries))
    folds = [fold for _ in range(repeats) for fold in _folds(seen, random.permutation(queries))]

    def rank(fold: _Fold) -> list[_Ranking]:
        others, held = fold
        return list(_ranked(seen, fit(others), held))

    rankings_of = each(rank, folds, lambda *_: fold_done())
    for (_, held), rankings in zip(folds, rankings_of, strict=True):
        for at, (both, gains) in zip(np.searchsorted(queries, held), rankings, strict=True):
            counts[at] += 1
            for side, ranks in enumerate(both):
                # As in the discount of nDCG, 1 is added: moving from rank 1 to rank 2 is often chance.
                scores[at, side] -= np.log(1 + ranks).mean()
                measured = of_ranks(_in_one_list(ranks), gains)
                metrics[at, side] += [measured[name] for name in METRICS]
                firsts[at, side] += ranks.min()
    tested = counts > 0
    times = counts[tested, np.newaxis]
    return HeldOut(
        queries[tested],
        scores[tested] / times,
        metrics[tested] / times[..., np.newaxis],
        np.rint(firsts[tested] / times).astype(np.int64),
    )


def _folds(seen: TrainingSet, queries: NDArray[np.int64]) -> Iterator[_Fold]:
    everything = np.unique(seen.pairs[:, 0])
    for fold in range(FOLDS):
        held = queries[fold::FOLDS]
        others = seen.only(np.setdiff1d(everything, held))
        if len(held) and len(others.relevant):
            yield others, held


def _ranked(
    seen: TrainingSet, transform: Transform, queries: NDArray[np.int64]
) -> Iterator[_Ranking]:
    """Yield for each query the ranks of its answers before and after, and their gains.

    The answers of a query do not count each other.
    """
    near = max(1, round(NEAR_SHARE * len(seen.documents)))
    documents = transform.documents(seen.documents)
    mapped = transform.queries(seen.queries[queries])
    for start in range(0, len(queries), 64):
        some = queries[start : start + 64]
        plain = seen.scores(some, seen.queries[some] @ seen.documents.T)
        after_map = seen.scores(some, mapped[start : start + 64] @ documents.T)
        for query, *rows in zip(some.tolist(), plain, after_map, strict=True):
            judged = np.flatnonzero(seen.pairs[:, 0] == query)
            records, gains = seen.pairs[judged, 1], seen.gains[judged]
            others = np.logical_and.reduce([row < np.partition(row, -near)[-near] for row in rows])
            others[records] = gains <= 0
            if seen.own[query] >= 0:
                others[seen.own[query]] = False
            answers = records[gains > 0]
            before, after = (
                1 + (row[others] > row[answers, np.newaxis]).sum(axis=1) for row in rows
            )
            yield (before, after), gains[gains > 0]


def _in_one_list(ranks: Ranks) -> Ranks:
    """Convert ranks that do not count each other to ranks in one list."""
    made = np.empty_like(ranks)
    order = np.argsort(ranks, kind="stable")
    made[order] = ranks[order] + np.arange(len(ranks))
    return made
