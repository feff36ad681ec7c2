"""The gate: whether a transform is admitted. The identity always is, so nothing gets worse by default."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chromalab.feedback.crossvalidation import HeldOut
from chromalab.feedback.problem import Problem

__all__ = ["GATES", "Admission", "decide", "enough"]

GATES = ("auto", "veto", "strict", "off")
"""What `tune` may be asked for."""

_FEWEST = 10  # judgements
_FEWEST_QUERIES = 3
_MANY = 500  # judgements from which on a gain has to be shown, not only no loss
_VETO, _STRICT = -0.5, 1.0  # standard errors
_FITTING = 3.0  # standard deviations of a random pairing
_PAIRINGS = 200
_MOST_PAIRS = 1000


@dataclass(frozen=True)
class Admission:
    """Whether a transform is used, and why.

    Attributes:
        admitted: Whether it is.
        reason: A sentence.
        needed: About how many more judged queries would settle it; None where that cannot be said.
    """

    admitted: bool
    reason: str
    needed: int | None = None


def enough(problem: Problem, *, random_state: int) -> Admission | None:
    """Refuse judgements that nothing can be learned from; None where there is no such reason.

    The last reason is that records and queries do not belong together: a log whose records were
    shuffled teaches which records are liked, and that may even pass a cross-validation. The
    similarity of the judged pairs is compared with that of the same queries and records paired at
    random.
    """
    count, relevant = len(problem.pairs), len(problem.relevant)
    queries = len(problem.judged_queries)
    if not count:
        return Admission(False, "There are no judgements that count.", _FEWEST_QUERIES)
    if count < _FEWEST:
        return Admission(
            False,
            f"{count} judgement{'s are' if count > 1 else ' is'} too few to learn from and test on; "
            f"{_FEWEST} are the least, 50 a good start.",
        )
    if not relevant:
        return Admission(
            False, "Nothing was judged relevant: mark records that are answers, too, shown or not."
        )
    if relevant == count:
        return Admission(
            False, "Everything was judged relevant: mark records that are no answers, too."
        )
    if queries < _FEWEST_QUERIES:
        return Admission(
            False,
            f"Relevant records of only {queries} quer{'ies' if queries > 1 else 'y'}: whether other "
            f"queries gain cannot be tested. Judge {_FEWEST_QUERIES} at least, 25 for a good start.",
            _FEWEST_QUERIES - queries,
        )
    found = _fitting(problem, random_state)
    if found < _FITTING:
        return Admission(
            False,
            "The judgements do not fit their queries: what was judged relevant is hardly nearer to its "
            f"query than to other judged queries ({found:.1f} standard deviations; {_FITTING:.0f} are "
            "asked). Was the log mixed up?",
        )
    return None


def decide(found: HeldOut, judgements: int, gate: str) -> Admission:
    """Decide by what was found for queries that were held out.

    Args:
        found: Their rankings.
        judgements: How many there are.
        gate: "veto" refuses what looks like a loss, below -0.5 standard errors; "strict" asks for a
            gain of 1; "auto" is strict from 500 judgements on; "off" admits everything.
    """
    if gate == "auto":
        gate = "strict" if judgements >= _MANY else "veto"
    if not len(found.queries):  # only where nobody asks for more
        return Admission(
            True, "Admitted unasked (gate off), and untested: no query can be held out."
        )
    score = found.z
    shown = (
        f"answers rank {100 * found.gain:+.1f} ± {100 * found.se:.1f} % nearer to the top, over "
        f"{len(found.queries):,} held-out queries"
    )
    if gate == "off":
        return Admission(True, f"Admitted unasked (gate off): {shown}.")
    if not found.changes.any():
        return Admission(
            False,
            f"It moves no answer of the {len(found.queries):,} held-out queries past a judged record. Judge "
            "records that are no answers beside the answers of a query, and answers that were not shown.",
        )
    border = _VETO if gate == "veto" else _STRICT
    if score > border:
        sure = "a gain" if score > 2 else "no clear loss" if score < 1 else "probably a gain"
        return Admission(True, f"{sure.capitalize()}: {shown}.", _needed(score, found))
    settle = _needed(score, found)
    how = (
        f"About {settle:,} more judged queries would settle it."
        if settle is not None
        else "Nothing speaks for a gain; look at disagreements() and at what was judged."
    )
    asked = "no likely loss" if gate == "veto" else "more than one standard error"
    return Admission(False, f"Not admitted: {shown}; {asked} is asked. {how}", settle)


def _needed(score: float, found: HeldOut) -> int | None:
    """Queries until a gain of this size is two standard errors; None where there is no gain."""
    if not 0 < score < 2:
        return None
    more = len(found.queries) * ((2 / score) ** 2 - 1)
    return math.ceil(more / 5) * 5 if more < 10_000 else None


def _fitting(problem: Problem, random_state: int) -> float:
    """How far the judged pairs are nearer than random ones of the same, in standard deviations."""
    random = np.random.default_rng(random_state)
    rows = problem.relevant
    if len(rows) > _MOST_PAIRS:
        rows = random.choice(rows, _MOST_PAIRS, replace=False)
    queries, records = problem.pairs[rows].T
    near = problem.queries[queries] @ problem.documents[records].T
    each = np.arange(len(rows))
    by_chance = np.array(
        [near[each, random.permutation(len(rows))].mean() for _ in range(_PAIRINGS)]
    )
    spread = float(by_chance.std())
    if spread < 1e-6:  # one record for all queries: any pairing is the same
        return math.inf
    return (float(near[each, each].mean()) - float(by_chance.mean())) / spread
