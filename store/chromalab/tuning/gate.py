"""The gate decides whether a transform is admitted.

The identity is always admitted, so that by default no query gets worse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chromalab.tuning.crossvalidation import HeldOut
from chromalab.tuning.training_set import TrainingSet, unit

__all__ = ["Admission", "Gate", "by_chance", "decide", "enough"]

Gate = Literal["auto", "veto", "strict", "off"]
"""The gates that `tune` accepts."""

_MIN_JUDGMENTS = 10
_MIN_QUERIES = 3
_MANY = 500  # From this many judgments, a gain must be shown, and not only the absence of a loss.
_VETO, _STRICT = -0.5, 1.0  # In standard errors.
_MIN_FIT = 3.0  # In standard deviations of random pairings.
_PAIRINGS = 200
_MAX_PAIRS = 1000

# Up to 15 queries, cross-validation cannot tell a gain from chance: half of the logs of random thumbs pass
# the veto. So the judgments are tested as well.
_FEW = 15
_RANDOM = (
    0.02  # Judgments with a larger p-value are refused, so at most 2 % of random logs are admitted.
)
_PERMUTATIONS = 999


@dataclass(frozen=True)
class Admission:
    """Whether a transform is admitted, and why.

    Attributes:
        admitted: Whether it is admitted.
        reason: The reason, as a sentence.
        needed: Roughly how many more judged queries would settle it; None if that is unknown.
    """

    admitted: bool
    reason: str
    needed: int | None = None


_NOTHING_NEW = Admission(
    False,
    "The search already ranks every answer above the records judged not to be answers, so these judgments "
    "teach nothing. Judge answers that rank low, and records near the top that are not answers.",
)


def by_chance(seen: TrainingSet, gate: Gate, *, random_state: int) -> float | None:
    """Return the probability that random judgments of the same records look as consistent as these.

    This is a permutation test (Fisher 1935), so it is exact for any number of queries. If judgments are
    random, every order of the judgments of one query is equally likely. The statistic is the larger of
    two: how much nearer relevant records are to their query and to each other than the other records, and
    how much nearer to each other apart from the query. The first recognizes queries with a single answer,
    and the second answers that the search ranks below other judged records. Both are sums of cosines over
    the queries, so a query whose records differ more counts more.

    Args:
        seen: The judgments.
        gate: With "veto" and "off", the judgments are not tested.
        random_state: The seed of the permutations.

    Returns:
        The p-value, 1 if no query has both kinds of judgments; None if the judgments are not tested: those
        of more than 15 queries, for which cross-validation is enough.
    """
    if len(seen.judged_queries) > _FEW or gate in ("veto", "off"):
        return None
    random = np.random.default_rng(random_state)
    sums = np.zeros((2, 1 + _PERMUTATIONS))
    for query in seen.judged_queries:
        mine = seen.pairs[:, 0] == query
        relevant = seen.gains[mine] > 0
        if not relevant.all():
            orders = random.permuted(np.tile(relevant, (_PERMUTATIONS, 1)), axis=1)
            records = seen.documents[seen.pairs[mine, 1]]
            sums += _consistency(np.vstack([relevant, orders]), records, seen.queries[query])
    statistic = _standardized(sums).max(axis=0)
    return float((statistic >= statistic[0] - 1e-9).mean())


def enough(seen: TrainingSet, chance: float | None, *, random_state: int) -> Admission | None:
    """Refuse judgments from which nothing can be learned; return None if there is no such reason.

    The last check is whether the judgments mean anything: few ones by `chance`, from `by_chance`, and by
    whether they say more than the ranking does; others by whether records and queries belong together. A
    log whose records were shuffled still teaches which records are popular, and that may even pass a
    cross-validation. So the similarity of the judged pairs is compared with that of the same queries and
    records paired at random.
    """
    count, relevant = len(seen.pairs), len(seen.relevant)
    queries = len(seen.judged_queries)
    if not count:
        return Admission(False, "There are no usable judgments.", _MIN_QUERIES)
    if count < _MIN_JUDGMENTS:
        return Admission(
            False,
            f"{count} judgment{'s are' if count > 1 else ' is'} too few to learn from and test on; "
            f"at least {_MIN_JUDGMENTS} are needed, and 50 are a good start.",
        )
    if not relevant:
        return Admission(
            False,
            "Nothing was judged relevant. Mark records that are answers too, even if they were not shown.",
        )
    if relevant == count:
        return Admission(
            False, "Everything was judged relevant. Mark records that are not answers too."
        )
    if queries < _MIN_QUERIES:
        return Admission(
            False,
            f"There are relevant records for only {queries} quer{'ies' if queries > 1 else 'y'}, so "
            f"whether other queries gain cannot be tested. Judge at least {_MIN_QUERIES}; 25 are a good "
            "start.",
            _MIN_QUERIES - queries,
        )
    if chance is not None:
        if chance > _RANDOM:
            return _like_random(queries, chance)
        return _NOTHING_NEW if _repeat_the_ranking(seen) else None
    fit = _fit(seen, random_state)
    if fit < _MIN_FIT:
        return Admission(
            False,
            "The judgments do not fit their queries: relevant records are hardly nearer to their query "
            f"than to other judged queries ({fit:.1f} standard deviations; at least {_MIN_FIT:.0f} are "
            "required). Was the log mixed up?",
        )
    return None


def decide(found: HeldOut, judgments: int, gate: Gate) -> Admission:
    """Decide from the rankings of held-out queries.

    Args:
        found: The rankings.
        judgments: The number of judgments.
        gate: "veto" refuses what looks like a loss, below -0.5 standard errors; "strict" requires a
            gain of 1 standard error; "auto" is "strict" from 500 judgments and "veto" below;
            "off" admits everything.
    """
    if gate == "auto":
        gate = "strict" if judgments >= _MANY else "veto"
    if not len(found.queries):  # This happens only with gate="off".
        return Admission(
            True, "Admitted without a check (gate off), and untested: no query can be held out."
        )
    score = found.z
    shown = (
        f"answers rank {100 * found.gain:+.1f} ± {100 * found.se:.1f} % nearer to the top, over "
        f"{len(found.queries):,} held-out queries"
    )
    if gate == "off":
        return Admission(True, f"Admitted without a check (gate off): {shown}.")
    if not (found.changes > 0).any():
        return Admission(
            False,
            f"No answer of the {len(found.queries):,} held-out queries rises above a judged record. For "
            "the same query, judge records that are not answers, and answers that were not shown.",
        )
    border = _VETO if gate == "veto" else _STRICT
    needed = _needed(score, found)
    if score > border:
        sure = "a gain" if score > 2 else "no clear loss" if score < 1 else "probably a gain"
        return Admission(True, f"{sure.capitalize()}: {shown}.", needed)
    how = (
        f"About {needed:,} more judged queries would settle it."
        if needed is not None
        else "There is no sign of a gain; check disagreements() and the judgments themselves."
    )
    required = "no likely loss" if gate == "veto" else "more than one standard error"
    return Admission(False, f"Not admitted: {shown}; {required} is required. {how}", needed)


def _needed(score: float, found: HeldOut) -> int | None:
    """Return how many more queries make this gain two standard errors; None if there is no gain."""
    if not 0 < score < 2:
        return None
    more = len(found.queries) * ((2 / score) ** 2 - 1)
    return math.ceil(more / 5) * 5 if more < 10_000 else None


def _like_random(queries: int, p: float) -> Admission:
    """Refuse the judgments of few queries; what they show grows with the square root of their number."""
    shown = NormalDist().inv_cdf(1 - p) if p < 0.5 else 0.0
    required = NormalDist().inv_cdf(1 - _RANDOM)
    needed = math.ceil(queries * ((required / shown) ** 2 - 1)) if shown else _FEW
    needed = min(needed, _FEW)
    return Admission(
        False,
        f"Judgments of {queries} quer{'ies are' if queries > 1 else 'y is'} too few to tell these from random "
        f"ones (p = {p:.2g}; at most {_RANDOM} is required of up to {_FEW} queries): judge about {needed} more "
        f"quer{'ies' if needed > 1 else 'y'}, and for each some records that are answers and some that are "
        "not.",
        needed,
    )


def _repeat_the_ranking(seen: TrainingSet) -> bool:
    """Return whether the search ranks every answer above the records judged not to be answers."""
    for query in seen.judged_queries:
        mine = seen.pairs[:, 0] == query
        relevant, row = seen.gains[mine] > 0, np.array([query])
        scores = seen.scores(row, seen.queries[row] @ seen.documents.T)[0, seen.pairs[mine, 1]]
        if not relevant.all() and scores[relevant].min() <= scores[~relevant].max():
            return False
    return True


def _consistency(
    relevant: NDArray[np.bool_], records: NDArray[np.float32], query: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the two statistics of `by_chance` for the records of a query, (2, p) float64.

    Args:
        relevant: (p, m) bool, alternative judgments with the same number of relevant records.
        records: (m, d) float32, unit length.
        query: (d,) float32, unit length.
    """
    yes = relevant.astype(np.float64)
    no, near = 1 - yes, records @ query
    apart = unit(records - near[:, np.newaxis] * query)
    together, together_apart = records @ records.T, apart @ apart.T
    np.fill_diagonal(together, 0)
    np.fill_diagonal(together_apart, 0)
    # Each record is compared with the other relevant records, and not with itself.
    others = yes.sum(axis=1, keepdims=True) - yes
    to_query_and_answers = (yes @ together + near) / (others + 1)
    irrelevant = np.maximum(no.sum(axis=1, keepdims=True) - no, 1)
    to_answers = yes @ together_apart / np.maximum(others, 1) - no @ together_apart / irrelevant
    contrast = yes / yes.sum(axis=1, keepdims=True) - no / no.sum(axis=1, keepdims=True)
    made: NDArray[np.float64] = (np.array([to_query_and_answers, to_answers]) * contrast).sum(
        axis=2
    )
    return made


def _standardized(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows to mean 0 and standard deviation 1; constant rows become 0."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    deviation = centered.std(axis=1, keepdims=True)
    made: NDArray[np.float64] = centered / np.where(deviation > 1e-9, deviation, np.inf)
    return made


def _fit(seen: TrainingSet, random_state: int) -> float:
    """Return how much nearer judged pairs are than random pairings, in standard deviations."""
    random = np.random.default_rng(random_state)
    rows = seen.relevant
    if len(rows) > _MAX_PAIRS:
        rows = random.choice(rows, _MAX_PAIRS, replace=False)
    queries, records = seen.pairs[rows].T
    near = seen.queries[queries] @ seen.documents[records].T
    each = np.arange(len(rows))
    by_chance = np.array(
        [near[each, random.permutation(len(rows))].mean() for _ in range(_PAIRINGS)]
    )
    deviation = float(by_chance.std())
    if deviation < 1e-6:  # With one record for all queries, every pairing is the same.
        return math.inf
    return (float(near[each, each].mean()) - float(by_chance.mean())) / deviation
