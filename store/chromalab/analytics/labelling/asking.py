"""`label_queue`: asks which records to label next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.choosing import choose
from chromalab.analytics.classify.labels import Given, by_people, check_choices, coded, values_of
from chromalab.analytics.classify.methods import METHODS
from chromalab.analytics.classify.points import Points
from chromalab.analytics.graph.threads import one_thread_blas
from chromalab.analytics.labelling.queue import LabelQueue
from chromalab.analytics.labelling.strategies import STRATEGIES, density_of, stage_of, take
from chromalab.arguments.values import check_field, check_random_state
from chromalab.display import one_line
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.snapshot import Snapshot

__all__ = ["label_queue"]

_FEW = 2  # labels a class: as in `classify`


def label_queue(
    data: Any,
    field: str | Sequence[Any],
    *,
    strategy: str = "auto",
    n: int = 20,
    choices: Sequence[Any] | None = None,
    random_state: int = 0,
    progress: bool = False,
) -> LabelQueue:
    """Say which records to label next, so that few labels teach much.

    While labels are few, records that lie far apart ("k-centre"); then those that a model of the labels is
    least sure of ("margin"). Predictions that `classify` wrote count as no labels.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        field: The metadata key of the labels, which no record may have yet; or (n,) labels, None for none.
        strategy: "auto", "k-centre", "margin", "margin + diverse", "entropy" or "random".
        n: How many.
        choices: What labels there may be.
        random_state: The seed.
        progress: Whether to show a bar while the graph is made.

    Raises:
        InvalidArgumentError: the strategy is unknown, or `n` is no whole number from 1 on.

    Example:
        >>> import numpy as np
        >>> rows = np.array([[1, 0], [1, 0.1], [0.1, 1], [0, 1]])
        >>> label_queue(rows, ["tea", None, None, None], n=1).ids
        ['2']
    """
    if strategy not in STRATEGIES:
        hint = near(str(strategy), STRATEGIES, what="Strategies")
        raise InvalidArgumentError(f"No strategy {short(strategy)}. {hint}")
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InvalidArgumentError(f"n is a whole number from 1 on; found {short(n)}.")
    random_state = check_random_state(random_state)
    allowed = None if choices is None else check_choices(choices)
    snapshot = Snapshot.of(data)
    is_key = isinstance(field, str)
    values = (
        by_people(snapshot, check_field(field, "field"))
        if is_key
        else values_of(field, len(snapshot))
    )
    given = coded(values, allowed or ())
    points = Points(
        snapshot,
        np.empty((0, snapshot.dimension), dtype=np.float32),
        random_state=random_state,
        progress=progress,
    )
    rng = np.random.default_rng(random_state)
    seen = given.truth.sum(axis=0) > 0
    stage = stage_of(strategy, len(given.rows), int(seen.sum()))
    candidates = _candidates(points, given) if len(snapshot) else np.empty(0, dtype=np.int64)
    sure = _model(points, given, seen, candidates)
    rows, taken_for = np.empty(0, dtype=np.int64), np.empty(0)
    places = np.empty(0, dtype=np.int64)
    if len(candidates):
        places, taken_for = take(
            stage,
            points.vectors,
            given.rows,
            candidates,
            int(n),
            density=density_of(points.graph),
            probabilities=None if sure is None else sure[:, seen],
            several=given.several,
            rng=rng,
        )
        rows = candidates[places]
    guesses = np.full(len(rows), -1, dtype=np.int32)
    confidence = np.zeros(len(rows), dtype=np.float32)
    if sure is not None and len(rows):
        guesses = sure[places].argmax(axis=1).astype(np.int32)
        confidence = sure[places].max(axis=1).astype(np.float32)
    return LabelQueue(
        snapshot=snapshot,
        parameters={
            "field": field if is_key else "given",
            "strategy": strategy,
            "n": int(n),
            "choices": allowed,
            "random_state": random_state,
        },
        recall=points.graph.recall if len(snapshot) else 1.0,
        rows=rows,
        classes=given.classes,
        guesses=guesses,
        confidence=confidence,
        reasons=_reasons(stage, taken_for, given, None if sure is None else sure[places]),
        stage=stage,
        labelled=len(given.rows),
        unlabelled=len(snapshot) - len(given.rows),
        labels=None if is_key else tuple(values),
    )


def _candidates(points: Points, given: Given) -> NDArray[np.int64]:
    """The records without a label; of copies one, and none whose copy has one, as long as there are others."""
    node, n = points.graph.node, len(points.snapshot)
    left = np.setdiff1d(np.arange(n), given.rows)
    known = np.zeros(len(points.graph), dtype=bool)
    known[node[given.rows]] = True
    fresh = left[~known[node[left]]]
    once = fresh[np.sort(np.unique(node[fresh], return_index=True)[1])]
    return once if len(once) else left


@one_thread_blas()
def _model(
    points: Points, given: Given, seen: NDArray[np.bool_], at: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """Probabilities of the classes for some records; None where there are no two classes to tell apart."""
    if seen.sum() < 2 or not len(at):
        return None
    truth = given.truth[:, seen]
    few = float(np.median(truth.sum(axis=0))) <= _FEW
    method = "logistic" if not few else "propagation" if given.several else "few-shot"
    chosen = choose(points, given.rows, truth, asked=method, several=given.several)
    scores = METHODS[method](points, given.rows, truth, at, given.several)
    found = np.zeros((len(at), len(given.classes)), dtype=np.float32)
    found[:, seen] = chosen.calibration.probabilities(scores, given.several)
    return found


def _reasons(
    stage: str, taken_for: NDArray[np.float64], given: Given, sure: NDArray[np.float32] | None
) -> tuple[str, ...]:
    if stage == "random":
        return ("drawn at random",) * len(taken_for)
    if stage == "k-centre":
        what = "cosine distance {:.2f} to the nearest labelled or chosen one"
        said = [what.format(value) for value in taken_for.tolist()]
        return tuple(["the most central one", *said[1:]] if said and not len(given.rows) else said)
    if stage == "entropy" or sure is None or given.several:
        return tuple(f"{stage} {value:.2f}" for value in taken_for.tolist())
    best = np.argsort(-sure, axis=1, kind="stable")[:, :2].tolist()
    return tuple(
        " or ".join(f"{one_line(given.classes[code], 30)} {row[code]:.2f}" for code in codes)
        for codes, row in zip(best, sure.tolist(), strict=True)
    )
