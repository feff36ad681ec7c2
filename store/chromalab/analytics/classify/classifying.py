"""`classify`: labels for all records, learned from those that have one, from examples, or from names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.calibration import Calibration
from chromalab.analytics.classify.choosing import Chosen, choose
from chromalab.analytics.classify.labels import (
    Given,
    by_people,
    check_known,
    coded,
    named,
    pairs,
    predicted_key,
    values_of,
)
from chromalab.analytics.classify.methods import METHODS, ONE_CLASS_EACH
from chromalab.analytics.classify.points import Points
from chromalab.analytics.classify.result import Classification, checked_threshold
from chromalab.analytics.graph.threads import one_thread_blas
from chromalab.analytics.new_records import new_vectors
from chromalab.arguments.values import check_random_state
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.snapshot import Snapshot

__all__ = ["classify"]

_CELLS = 400_000_000  # probabilities: 1.6 GB


def classify(
    data: Any,
    field: str | Sequence[Any] | None = None,
    *,
    labels: Any = None,
    examples: Any = None,
    method: str = "auto",
    threshold: float | None = None,
    random_state: int = 0,
    progress: bool = False,
) -> Classification:
    """Label every record: by the labels of some, by examples, or by the names of the labels alone.

    Labels that stand under `field` are learned from, but for predictions that `into` wrote there. Where values
    are lists, records may have several labels. With few labels all records help, also those without one.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        field: The metadata key of the labels, or (n,) labels; None for a record without one.
        labels: Names of labels, or descriptions by name. Alone: zero-shot, the records nearest to these texts.
            With `examples`: what labels there are; one without an example goes by its name.
        examples: Texts by label, or pairs of text and label.
        method: "auto", or one of "logistic", "logistic-soft", "words", "few-shot", "propagation",
            "self-training", "centroid", "knn", "svm".
        threshold: Labels less probable are None.
        random_state: The seed.
        progress: Whether to show a bar while the graph is made.

    Raises:
        InvalidArgumentError: none or too many of the three are given, or there is no label.

    Example:
        >>> import numpy as np
        >>> rows = np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1]])
        >>> found = classify(rows, field=["tea", None, None, "chalk", None])
        >>> found.labels, found.method
        (['tea', 'tea', 'tea', 'chalk', 'chalk'], 'few-shot')
    """
    level, random_state = checked_threshold(threshold), check_random_state(random_state)
    _check_asked(labels, field, examples, method)
    snapshot = Snapshot.of(data)
    given, texts = _read(snapshot, labels, field, examples)
    if len(snapshot) * len(given.classes) > _CELLS:
        raise InvalidArgumentError(
            f"{len(snapshot):,} records times {len(given.classes):,} labels are too many probabilities. "
            "Classify a part of the records at a time, with where."
        )
    if given.several and method in ONE_CLASS_EACH:
        raise InvalidArgumentError(
            f"{method} gives a record one label, and some have several: take another method."
        )
    points = Points(snapshot, new_vectors(texts, snapshot), tuple(texts), random_state, progress)
    if method == "words" and not points.has_texts:
        raise InvalidArgumentError("words needs documents, and most records have none.")
    zero_shot = labels is not None and examples is None
    chosen = _zero_shot(given) if zero_shot else None
    if not len(snapshot) or not len(given.rows):
        chosen = _nothing(given)
    elif chosen is None:
        chosen = choose(points, given.rows, given.truth, asked=method, several=given.several)
    probabilities = np.zeros((len(snapshot), len(given.classes)), dtype=np.float32)
    heldout = np.full(given.truth.shape, np.nan, dtype=np.float32)
    rows = np.where(given.rows < len(snapshot), given.rows, -1)
    if len(snapshot) and len(given.rows):
        name = method if zero_shot and method != "auto" else chosen.method
        scores = _scores(points, given, "self-training" if name == "zero-shot" else name)
        probabilities = chosen.calibration.probabilities(scores, given.several)
        heldout = chosen.calibration.probabilities(chosen.scores, given.several)
        seen = (rows >= 0) & ~np.isnan(heldout).any(axis=1)
        probabilities[rows[seen]] = heldout[seen]
    return Classification(
        snapshot=snapshot,
        parameters={
            "field": field if field is None or isinstance(field, str) else "given",
            "labels": None if labels is None else len(given.classes),
            "examples": len(texts) if examples is not None else None,
            "method": method,
            "threshold": level,
            "random_state": random_state,
        },
        recall=points.graph.recall if "graph" in points.__dict__ else 1.0,
        classes=given.classes,
        several=given.several,
        method=chosen.method if not zero_shot or method == "auto" else f"zero-shot, {method}",
        why=chosen.why,
        tried=chosen.tried,
        calibrated=_ZERO_SHOT if zero_shot else str(chosen.calibration),
        probabilities=probabilities,
        threshold=level,
        examples=tuple(texts),
        trained_rows=rows,
        given=given.truth,
        heldout=heldout,
    )


_ZERO_SHOT = "not calibrated: there is no label to compare with, so read probabilities as an order"


@one_thread_blas()
def _scores(points: Points, given: Given, method: str) -> NDArray[np.float32]:
    """Score all records by all labels: (n, c)."""
    at = np.arange(len(points.snapshot))
    return METHODS[method](points, given.rows, given.truth, at, given.several)


def _read(snapshot: Snapshot, labels: Any, field: Any, examples: Any) -> tuple[Given, list[str]]:
    """Read what is learned from: labels of records, or of texts, which then stand after the records."""
    if field is not None:
        return _of_records(snapshot, field), []
    names = {} if labels is None else named(labels)
    found = [] if examples is None else pairs(examples)
    if names:
        check_known((label for _, label in found), names)
        shown = {label for _, label in found}
        found += [(text, name) for name, text in names.items() if name not in shown]
    given = coded([label for _, label in found], names)
    if len(given.rows) < len(found):
        raise InvalidArgumentError("An example has no label: it is None or NaN.")
    rows = given.rows + len(snapshot)
    return Given(given.classes, rows, given.truth, given.several), [text for text, _ in found]


def _of_records(snapshot: Snapshot, field: Any) -> Given:
    if isinstance(field, str):
        values = snapshot.known_column(field)
        people = by_people(snapshot, field)
        if any(value is not None for value in values) and all(one is None for one in people):
            raise InvalidArgumentError(
                f"All that stands under {short(field)} are predictions, as {short(predicted_key(field))} "
                "says: name the key of the labels that people gave."
            )
        values = people
    else:
        values = values_of(field, len(snapshot))
    given = coded(values)
    if len(snapshot) and not len(given.rows):
        raise InvalidArgumentError("No record has a label: all are None.")
    return given


def _check_asked(labels: Any, field: Any, examples: Any, method: Any) -> None:
    if (field is None) == (labels is None and examples is None):
        raise InvalidArgumentError(
            "classify learns from field, the metadata key of labels, or from examples, or from the names "
            "in labels: give field alone, or one or both of the others."
        )
    if method not in ("auto", *METHODS):
        raise InvalidArgumentError(
            f"No method {short(method)}. {near(str(method), ['auto', *METHODS], what='Methods', limit=12)}"
        )


def _zero_shot(given: Given) -> Chosen:
    nothing = np.full(given.truth.shape, np.nan, dtype=np.float32)
    why = "the nearest of the labels' texts, moved to the records around them"
    return Chosen("zero-shot", why, [], nothing, Calibration())


def _nothing(given: Given) -> Chosen:
    nothing = np.full(given.truth.shape, np.nan, dtype=np.float32)
    return Chosen("none", "there are no records", [], nothing, Calibration())
