"""`tune`: learns a transform from judgements, tests it on queries it has not seen, and gates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from chromalab.analytics.graph.threads import one_thread_blas
from chromalab.arguments.values import check_random_state
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.feedback.arguments import now
from chromalab.feedback.crossvalidation import HeldOut, cross_validate
from chromalab.feedback.gate import GATES, decide, enough
from chromalab.feedback.judged import Judged
from chromalab.feedback.methods import METHODS, Learn, candidates
from chromalab.feedback.metrics import METRICS, paired
from chromalab.feedback.problem import Problem
from chromalab.feedback.report import TuneReport
from chromalab.feedback.transform import Transform
from chromalab.progress import bar

__all__ = ["SIDES", "tune"]

SIDES = ("both", "queries")
"""What may be mapped: queries and records, or queries alone, so that the index stays."""

_CLEAR = 2.0  # standard errors from which on a gain is compared with another
_TESTED = 200  # judgements that are tested on in all, with repeats, where there are fewer
_REPEATS = 3


def tune(
    judged: Judged,
    *,
    method: str = "auto",
    sides: str = "both",
    gate: str = "auto",
    name: str = "tuned",
    model: str = "none",
    random_state: int = 0,
    progress: bool = False,
) -> TuneReport:
    """Learn a transform from judgements; see docs/feedback.md for the method and its sources.

    A bold and a cautious way to learn are tried on queries that are held out. Of those that gain two
    standard errors the one that gains most goes to the gate, else the surest one. All that is reported
    is of queries that were held out.

    Args:
        judged: `collection.feedback.resolved()`, or `Judged.of(...)`.
        method: "auto" (InfoNCE from a shrunk Mahalanobis metric), "infonce", "mahalanobis", "ridge" or
            "memory"; the last two map queries alone.
        sides: "both" or "queries".
        gate: "veto" refuses what is likely a loss, "strict" what is not a gain of a standard error;
            "auto" is "strict" from 500 judgements on; "off" admits everything.
        name: Of the transform.
        model: The embedding function it is for.
        random_state: The seed: the same one gives the same bytes.
        progress: Whether to show a bar after a second.

    Returns:
        The report; its `transform` is the identity where none was admitted.

    Raises:
        InvalidArgumentError: an argument is none of the words it may be, or the seed no whole number.

    Example:
        >>> import numpy as np
        >>> random = np.random.default_rng(0)
        >>> documents, queries = random.normal(size=(50, 4)), random.normal(size=(5, 4))
        >>> tune(Judged.of(queries, documents, [[0, 1]], [1])).reason
        '1 judgement is too few to learn from and test on; 10 are the least, 50 a good start.'
    """
    for value, known, what in (
        (method, METHODS, "method"),
        (sides, SIDES, "sides"),
        (gate, GATES, "gate"),
    ):
        if value not in known:
            raise InvalidArgumentError(
                f"{what} cannot be {short(value)}. {near(str(value), known, what='Known')}"
            )
    random_state = check_random_state(random_state)
    problem = Problem.of(judged, random_state)
    parameters = {"method": method, "sides": sides, "gate": gate, "random_state": random_state}
    refused = enough(problem, random_state=random_state)
    if refused is not None and (gate != "off" or not len(problem.relevant)):
        return TuneReport(
            transform=_identity(judged, model),
            decision=refused,
            judged=judged,
            parameters=parameters,
        )
    ways = candidates(method, both=sides == "both", random_state=random_state)
    repeats = int(np.clip(np.ceil(_TESTED / max(len(judged), 1)), 1, _REPEATS))
    with one_thread_blas(), bar("Tuning", "fold", progress) as told:
        learn, found = _best(problem, ways, repeats, random_state, told)
        decision = decide(found, len(judged), gate)
        learned = learn(problem)
    compared = {
        metric: paired(*found.metrics[:, :, at].T, random_state=random_state)
        for at, metric in enumerate(METRICS)
    }
    evaluation = {
        "gain": found.gain,
        "gain_se": found.se if len(found.queries) else None,  # JSON knows no infinity
        "metric": "log rank",
        "queries": len(found.queries),
        "judgements": len(judged),
        "admitted": decision.admitted,
        "reason": decision.reason,
        "metrics": {metric: dict(values.plain()) for metric, values in compared.items()},
    }
    learned = replace(
        learned, name=name, model=model, space=judged.space, judgements=judged.digest,
        evaluation=evaluation, parameters=parameters, at=now(),
    )  # fmt: skip
    return TuneReport(
        transform=learned if decision.admitted else _identity(judged, model),
        decision=decision,
        candidate=learned,
        held_out=found,
        metrics=compared,
        judged=judged,
        parameters=parameters,
    )


def _best(
    problem: Problem,
    ways: list[Learn],
    repeats: int,
    random_state: int,
    told: Callable[[int, int], None],
) -> tuple[Learn, HeldOut]:
    tested: list[tuple[Learn, HeldOut]] = []
    done, total = 0, 5 * repeats * len(ways)

    def tell() -> None:
        nonlocal done
        done += 1
        told(done, total)

    for learn in ways:
        found = cross_validate(
            problem, learn, repeats=repeats, random_state=random_state, tell=tell
        )
        tested.append((learn, found))
    clear = [pair for pair in tested if pair[1].z > _CLEAR]
    if clear:
        return max(clear, key=lambda pair: pair[1].gain)
    return max(tested, key=lambda pair: pair[1].z)


def _identity(judged: Judged, model: str) -> Transform:
    eye = np.eye(judged.documents.shape[1], dtype=np.float32)
    return Transform(
        name="identity", matrix=eye, method="identity", model=model, space=judged.space
    )
