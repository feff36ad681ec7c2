"""Cross-validation by query: what a method does for queries that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.cores import each
from chromalab.feedback.metrics import METRICS, of_ranks
from chromalab.feedback.problem import SAFE, Problem
from chromalab.feedback.transform import Transform

__all__ = ["HeldOut", "cross_validate"]

_FOLDS = 5
_ADDED = 8  # imagined queries in the standard error, half of them better, half worse

Fit = Callable[[Problem], Transform]
Ranks = NDArray[np.int64]
_Fold = tuple[Problem, NDArray[np.int64]]
_Ranking = tuple[tuple[Ranks, Ranks], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The rankings of queries by a transform that has not seen them, beside those without one.

    Answers are ranked in condensed lists (Sakai: Alternatives to bpref, SIGIR 2007): among what was
    judged, and among unjudged records that neither ranking has near the query, as those may be
    answers that nobody has marked.

    Attributes:
        queries: (h,) int64, which queries were held out; those with an answer.
        scores: (h, 2) float64, before and after: minus the mean of log(1 + rank) over the answers.
        metrics: (h, 2, 3) float64, the `METRICS` of before and after.
        ranks: (h, 2) int64, the rank of the first answer.
    """

    queries: NDArray[np.int64]
    scores: NDArray[np.float64]
    metrics: NDArray[np.float64]
    ranks: Ranks

    @property
    def gain(self) -> float:
        """The mean change of the scores: 0.1 is answers about 10 % nearer to the top."""
        return float(self.changes.mean()) if len(self.queries) else 0.0

    @property
    def se(self) -> float:
        """The standard error of the gain; infinite where nothing was held out.

        Where few queries change at all, one of them would decide. So eight are added, in the manner of
        Agresti and Coull (The American Statistician, 1998) for proportions: four that gain and four
        that lose as much as those that change do on average.
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
        """The gain in standard errors; 0 where there is no change."""
        return self.gain / self.se if self.gain else 0.0

    @property
    def changes(self) -> NDArray[np.float64]:
        """(h,) the change of each query's score."""
        change: NDArray[np.float64] = self.scores[:, 1] - self.scores[:, 0]
        return change


def cross_validate(
    problem: Problem,
    fit: Fit,
    *,
    repeats: int,
    random_state: int,
    tell: Callable[[], None] = lambda: None,
) -> HeldOut:
    """Hold queries out, five folds of them, and rank them by what the others teach.

    All judgements of a query are in one fold: pairs of one query teach each other.

    Args:
        problem: The judgements.
        fit: Learns a transform.
        repeats: How many times, with other folds; the values of a query are averaged.
        random_state: Chooses the folds.
        tell: Called after each fold.
    """
    random = np.random.default_rng(random_state)
    queries = problem.judged_queries
    scores = np.zeros((len(queries), 2))
    metrics = np.zeros((len(queries), 2, len(METRICS)))
    firsts = np.zeros((len(queries), 2))
    counts = np.zeros(len(queries))
    folds = [fold for _ in range(repeats) for fold in _folds(problem, random.permutation(queries))]

    def rank(fold: _Fold) -> list[_Ranking]:
        seen, held = fold
        return list(_ranked(problem, fit(seen), held))

    for (_, held), rankings in zip(folds, each(rank, folds, lambda *_: tell()), strict=True):
        for at, (both, gains) in zip(np.searchsorted(queries, held), rankings, strict=True):
            counts[at] += 1
            for side, ranks in enumerate(both):
                # 1 more, as in nDCG's discount: from the first place to the second is often chance.
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


def _folds(problem: Problem, queries: NDArray[np.int64]) -> Iterator[_Fold]:
    everything = np.unique(problem.pairs[:, 0])
    for fold in range(_FOLDS):
        held = queries[fold::_FOLDS]
        seen = problem.only(np.setdiff1d(everything, held))
        if len(held) and len(seen.relevant):
            yield seen, held


def _ranked(
    problem: Problem, transform: Transform, queries: NDArray[np.int64]
) -> Iterator[_Ranking]:
    """For each query the ranks of its answers before and after, not counting each other; their gains."""
    near = max(1, round(SAFE * len(problem.documents)))
    documents = transform.documents(problem.documents)
    asked = transform.queries(problem.queries[queries])
    for start in range(0, len(queries), 64):
        some = queries[start : start + 64]
        plain = problem.scores(some, problem.queries[some] @ problem.documents.T)
        turned = problem.scores(some, asked[start : start + 64] @ documents.T)
        for query, *rows in zip(some.tolist(), plain, turned, strict=True):
            judged = np.flatnonzero(problem.pairs[:, 0] == query)
            records, gains = problem.pairs[judged, 1], problem.gains[judged]
            others = np.logical_and.reduce([row < np.partition(row, -near)[-near] for row in rows])
            others[records] = gains <= 0
            if problem.own[query] >= 0:
                others[problem.own[query]] = False
            answers = records[gains > 0]
            before, after = (
                1 + (row[others] > row[answers, np.newaxis]).sum(axis=1) for row in rows
            )
            yield (before, after), gains[gains > 0]


def _in_one_list(ranks: Ranks) -> Ranks:
    """Ranks that count each other, of ranks that do not."""
    made = np.empty_like(ranks)
    order = np.argsort(ranks, kind="stable")
    made[order] = ranks[order] + np.arange(len(ranks))
    return made
