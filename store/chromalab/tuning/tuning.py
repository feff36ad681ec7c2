"""`tune` learns a transform from judgments, tests it on queries that it has not seen, and gates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from chromalab.arguments.values import check_random_state
from chromalab.cores import one_thread_blas
from chromalab.errors import InvalidArgumentError, UniqueConstraintError, near, short
from chromalab.evaluation.metrics import METRICS, paired
from chromalab.handle import Handle
from chromalab.judgments.arguments import now
from chromalab.judgments.resolved import ResolvedJudgments, resolve
from chromalab.results.progress import bar
from chromalab.transforms.storage import check_name
from chromalab.transforms.transform import Transform
from chromalab.transforms.transforms import Transforms
from chromalab.tuning.crossvalidation import FOLDS, HeldOut, cross_validate
from chromalab.tuning.gate import Gate, by_chance, decide, enough
from chromalab.tuning.methods import Learn, Method, candidates
from chromalab.tuning.report import TuneReport, TuneState
from chromalab.tuning.training_set import TrainingSet

__all__ = ["Sides", "tune", "tune_judgments"]

Sides = Literal["both", "queries"]
"""What may be mapped: queries and records, or queries only, which leaves the index unchanged."""

_CLEAR = 2.0  # From this many standard errors, learners are compared by their gains.
_TESTED = (
    200  # With fewer judgments, cross-validation is repeated until about this many are tested.
)
_MAX_REPEATS = 3


def tune(
    collection: Handle,
    method: Method = "auto",
    *,
    sides: Sides = "both",
    gate: Gate = "auto",
    name: str | None = None,
    use: bool = True,
    random_state: int = 0,
    progress: bool = True,
) -> TuneReport:
    """Learn from the judgments how queries and records should be compared.

    The learned transform is tested on held-out queries. If it is admitted, it is stored and, unless
    `use` is False, queries go through it from now on; `transforms.use(None)` reverts that. If it is
    refused, nothing changes, and the report says why and what would settle it. docs/feedback.md
    describes the method and its sources.

    Args:
        collection: The collection whose judgments are learned from.
        method: How the transform is learned. "auto" is InfoNCE started from a shrunk Mahalanobis metric;
            "ridge" and "memory" map queries only.
        sides: What is mapped: both queries and records, or queries only. The latter leaves the index
            unchanged and gains less.
        gate: What is admitted. "veto" refuses a likely loss, "strict" requires a gain of one standard
            error, "auto" is "strict" from 500 judgments and "veto" below, and "off" admits everything.
            "auto" and "strict" also refuse judgments of up to 15 queries that could be random.
        name: The name of the transform; by default tuned-1, tuned-2 and so on.
        use: Let queries go through the transform at once.
        random_state: The seed.
        progress: Show a progress bar after one second.

    Returns:
        The report: gains on held-out queries with their standard errors, wins and losses.

    Raises:
        UniqueConstraintError: There already is a transform with that name.
        InvalidArgumentError: An argument is invalid; the message says which.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> _ = points.feedback.add(query=[0, 1], id="a", relevance=True)
        >>> points.tune()
        points: no transform. 1 judgment is too few to learn from and test on; ...
        1 judgment
    """
    transforms = collection.room(Transforms)
    if name is None:
        number = 1
        while f"tuned-{number}" in transforms:
            number += 1
        name = f"tuned-{number}"
    elif check_name(name) in transforms:
        raise UniqueConstraintError(
            f"Collection {collection.name!r} already has a transform {short(name)}. Choose another name."
        )
    model = collection.fingerprint()
    report = tune_judgments(
        resolve(collection),
        method=method,
        sides=sides,
        gate=gate,
        name=name,
        model=model,
        random_state=random_state,
        progress=progress,
    )
    state: TuneState = "not in use"
    if report.admitted:
        transforms.add(report.transform)
        if use:
            state = "active" if transforms.use(name).ready else "active once it is prepared"
    return replace(report, collection=collection.name, state=state)


def tune_judgments(
    judgments: ResolvedJudgments,
    *,
    method: Method = "auto",
    sides: Sides = "both",
    gate: Gate = "auto",
    name: str = "tuned",
    model: str = "none",
    random_state: int = 0,
    progress: bool = False,
) -> TuneReport:
    """Learn a transform from judgments without storing it; docs/feedback.md describes the method.

    A bold and a cautious learner are tried on held-out queries. Among those that gain at least two
    standard errors, the one with the largest gain goes to the gate; otherwise the one with the most
    certain gain. All reported numbers are of held-out queries.

    Args:
        judgments: `collection.feedback.resolved()`, or `ResolvedJudgments.of(...)`.
        method: How the transform is learned; see `tune`.
        sides: What is mapped, "both" or "queries"; see `tune`.
        gate: What is admitted; see `tune`.
        name: The name of the transform.
        model: The fingerprint of the embedding function that it is for.
        random_state: The seed; the same seed gives the same bytes.
        progress: Show a progress bar after one second.

    Returns:
        The report. Its `transform` is the identity if none was admitted.

    Raises:
        InvalidArgumentError: An option is not one of its choices, or the seed is not an integer.

    Example:
        >>> import numpy as np
        >>> random = np.random.default_rng(0)
        >>> documents, queries = random.normal(size=(50, 4)), random.normal(size=(5, 4))
        >>> tune_judgments(ResolvedJudgments.of(queries, documents, [[0, 1]], [1])).reason
        '1 judgment is too few to learn from and test on; at least 10 are needed, and 50 are a good start.'
    """
    _check_choice(method, Method, "method")
    _check_choice(sides, Sides, "sides")
    _check_choice(gate, Gate, "gate")
    random_state = check_random_state(random_state)
    seen = TrainingSet.of(judgments, random_state)
    parameters = {"method": method, "sides": sides, "gate": gate, "random_state": random_state}
    chance = by_chance(seen, gate, random_state=random_state)
    refused = enough(seen, chance, random_state=random_state)
    if refused is not None and (gate != "off" or not len(seen.relevant)):
        return TuneReport(
            transform=_identity(judgments, model),
            admission=refused,
            judged=judgments,
            parameters=parameters,
        )
    learners = candidates(method, both=sides == "both", random_state=random_state)
    repeats = int(np.clip(np.ceil(_TESTED / max(len(judgments), 1)), 1, _MAX_REPEATS))
    with one_thread_blas(), bar("Tuning", "fold", progress) as on_progress:
        learn, found = _best(seen, learners, repeats, random_state, on_progress)
        admission = decide(found, len(judgments), gate)
        learned = learn(seen)
    compared = {
        metric: paired(*found.metrics[:, :, at].T, random_state=random_state)
        for at, metric in enumerate(METRICS)
    }
    evaluation = {
        "gain": found.gain,
        "gain_se": found.se if len(found.queries) else None,  # JSON has no infinity.
        "metric": "log rank",
        "queries": len(found.queries),
        "judgements": len(judgments),
        "admitted": admission.admitted,
        "reason": admission.reason,
        "metrics": {metric: dict(values.plain()) for metric, values in compared.items()},
    }
    learned = replace(
        learned, name=name, model=model, space=judgments.space, judgments=judgments.digest,
        evaluation=evaluation, parameters=parameters, at=now(),
    )  # fmt: skip
    return TuneReport(
        transform=learned if admission.admitted else _identity(judgments, model),
        admission=admission,
        candidate=learned,
        held_out=found,
        metrics=compared,
        judged=judgments,
        parameters=parameters,
    )


def _check_choice(value: Any, choices: Any, what: str) -> None:
    known = get_args(choices)
    if value not in known:
        raise InvalidArgumentError(
            f"{what} must be one of its choices; got {short(value)}. "
            f"{near(str(value), known, what='Choices')}"
        )


def _best(
    seen: TrainingSet,
    learners: list[Learn],
    repeats: int,
    random_state: int,
    on_progress: Callable[[int, int], None],
) -> tuple[Learn, HeldOut]:
    """Cross-validate the learners and return the one that goes to the gate, with its rankings."""
    tested: list[tuple[Learn, HeldOut]] = []
    done, total = 0, FOLDS * repeats * len(learners)

    def fold_done() -> None:
        nonlocal done
        done += 1
        on_progress(done, total)

    for learn in learners:
        found = cross_validate(
            seen, learn, repeats=repeats, random_state=random_state, fold_done=fold_done
        )
        tested.append((learn, found))
    clear = [pair for pair in tested if pair[1].z > _CLEAR]
    if clear:
        return max(clear, key=lambda pair: pair[1].gain)
    return max(tested, key=lambda pair: pair[1].z)


def _identity(judgments: ResolvedJudgments, model: str) -> Transform:
    eye = np.eye(judgments.documents.shape[1], dtype=np.float32)
    return Transform(
        name="identity", matrix=eye, method="identity", model=model, space=judgments.space
    )
