"""The gate decides whether a transform is admitted.

The identity is always admitted, so that by default no query gets worse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chromalab.tuning.crossvalidation import HeldOut
from chromalab.tuning.training_set import TrainingSet

__all__ = ["Admission", "Gate", "decide", "enough"]

Gate = Literal["auto", "veto", "strict", "off"]
"""The gates that `tune` accepts."""

_MIN_JUDGMENTS = 10
_MIN_QUERIES = 3
_MANY = 500  # From this many judgments, a gain must be shown, and not only the absence of a loss.
_VETO, _STRICT = -0.5, 1.0  # In standard errors.
_MIN_FIT = 3.0  # In standard deviations of random pairings.
_PAIRINGS = 200
_MAX_PAIRS = 1000


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


def enough(seen: TrainingSet, *, random_state: int) -> Admission | None:
    """Refuse judgments from which nothing can be learned; return None if there is no such reason.

    The last check is whether records and queries belong together. A log whose records were shuffled
    still teaches which records are popular, and that may even pass a cross-validation. So the similarity
    of the judged pairs is compared with that of the same queries and records paired at random.
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
    if not found.changes.any():
        return Admission(
            False,
            f"No answer of the {len(found.queries):,} held-out queries moves past a judged record. For "
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
