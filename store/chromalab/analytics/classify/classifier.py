"""`classify`: labels for all records, learned from labeled records, from examples, or from names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
from chromalab.analytics.classify.calibration import Calibration
from chromalab.analytics.classify.classification import Classification, check_threshold
from chromalab.analytics.classify.labels import (
    EncodedLabels,
    check_known,
    encode_labels,
    predicted_key,
    read_examples,
    read_names,
    user_labels,
)
from chromalab.analytics.classify.methods import METHODS, SINGLE_LABEL
from chromalab.analytics.classify.model_selection import ChosenMethod, choose_method
from chromalab.analytics.classify.points import Points
from chromalab.analytics.new_records import new_vectors
from chromalab.arguments.values import check_random_state
from chromalab.conversion import values_by_record
from chromalab.cores import one_thread_blas
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.snapshot import Snapshot
from chromalab.types import Where

__all__ = ["METHOD_NAMES", "MethodName", "classify"]

MethodName = Literal[
    "auto",
    "logistic",
    "logistic-soft",
    "centroid",
    "knn",
    "svm",
    "words",
    "few-shot",
    "propagation",
    "self-training",
]
METHOD_NAMES: tuple[MethodName, ...] = get_args(MethodName)
"""The methods of `classify`."""

_MAX_CELLS = 400_000_000  # probabilities: 1.6 GB
_ZERO_SHOT = (
    "not calibrated: there are no labels to compare with, so use the probabilities to rank only"
)


@analysis(Classification)
def classify(
    data: Any,
    field: str | Sequence[Any] | None = None,
    *,
    labels: Sequence[str] | Mapping[str, str] | None = None,
    examples: Mapping[Any, Any] | Sequence[tuple[str, Any]] | None = None,
    method: MethodName = "auto",
    threshold: float | None = None,
    where: Where | None = None,
    into: str | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Classification:
    """Label every record, given the labels of some, example texts, or only the names of the labels.

    The labels in `field` are learned from, except predictions that `into` wrote there. If values are
    lists, a record may have more than one label. When labels are few, the unlabeled records help too.

    `into` may be `field` itself: it never overwrites a label that a user gave, and the next call does not
    learn from what it wrote.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        field: Metadata field of the labels; or (n,) labels, with None for an unlabeled record.
        labels: Names of the labels, or a dict of descriptions by name. Alone, they make a zero-shot
            classifier, which finds the records nearest to these texts. With `examples`, they are all
            labels that there are; a label without an example is represented by its name.
        examples: Texts by label, or pairs of text and label.
        method: Classification method; "auto" chooses one by cross-validation. The others are "logistic",
            "logistic-soft", "words", "few-shot", "propagation", "self-training", "centroid", "knn" and
            "svm".
        threshold: Lowest probability of a label. Records with less probable labels get None.
        where: Analyze only the records that match this filter.
        into: Write the predicted labels to this metadata field, except over a user's labels.
        random_state: Seed of the neighbor graph and of cross-validation.
        progress: Show a progress bar after one second.

    Returns:
        A label and probabilities for every record, with a cross-validated report.

    Raises:
        InvalidArgumentError: None or too many of `field`, `labels` and `examples` are given, or there is
            no label.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> texts = ["Tea is a hot drink.", "Chalk is a soft rock.", "Coffee is a hot drink."]
        >>> notes.add(ids=["a", "b", "c"], documents=texts)
        >>> notes.update(ids=["a", "b"], metadatas=[{"kind": "drink"}, {"kind": "rock"}])
        >>> found = notes.classify("kind", into="kind")
        >>> found.labels, found.method
        (['drink', 'rock', 'drink'], 'few-shot')
        >>> notes.classify(examples={"drink": "a cup of cocoa", "rock": "granite"}).labels
        ['drink', 'rock', 'drink']
    """
    level, random_state = check_threshold(threshold), check_random_state(random_state)
    _check_arguments(labels, field, examples, method)
    snapshot: Snapshot = data
    given, texts = _read(snapshot, labels, field, examples)
    if len(snapshot) * len(given.classes) > _MAX_CELLS:
        raise InvalidArgumentError(
            f"There must be at most {_MAX_CELLS:,} probabilities; got {len(snapshot):,} records times "
            f"{len(given.classes):,} labels. Classify a part of the records at a time, with where."
        )
    if given.multilabel and method in SINGLE_LABEL:
        raise InvalidArgumentError(
            f"method must be one that gives a record more than one label, because some records have "
            f"more than one; got {short(method)}. Use another method."
        )
    points = Points(snapshot, new_vectors(texts, snapshot), tuple(texts), random_state, progress)
    if method == "words" and not points.has_texts:
        raise InvalidArgumentError("method 'words' needs documents, and most records have none.")
    zero_shot = labels is not None and examples is None
    chosen = _zero_shot(given) if zero_shot else None
    if not len(snapshot) or not len(given.rows):
        chosen = _nothing(given)
    elif chosen is None:
        chosen = choose_method(
            points, given.rows, given.truth, requested=method, multilabel=given.multilabel
        )
    probabilities = np.zeros((len(snapshot), len(given.classes)), dtype=np.float32)
    held_out = np.full(given.truth.shape, np.nan, dtype=np.float32)
    rows = np.where(given.rows < len(snapshot), given.rows, -1)
    if len(snapshot) and len(given.rows):
        name = method if zero_shot and method != "auto" else chosen.method
        scores = _scores(points, given, "self-training" if name == "zero-shot" else name)
        probabilities = chosen.calibration.probabilities(scores, given.multilabel)
        held_out = chosen.calibration.probabilities(chosen.scores, given.multilabel)
        seen = (rows >= 0) & ~np.isnan(held_out).any(axis=1)
        probabilities[rows[seen]] = held_out[seen]
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
        multilabel=given.multilabel,
        method=chosen.method if not zero_shot or method == "auto" else f"zero-shot, {method}",
        why=chosen.why,
        tried=chosen.tried,
        calibrated=_ZERO_SHOT if zero_shot else str(chosen.calibration),
        probabilities=probabilities,
        threshold=level,
        examples=tuple(texts),
        trained_rows=rows,
        given=given.truth,
        held_out=held_out,
    )


@one_thread_blas()
def _scores(points: Points, given: EncodedLabels, method: str) -> NDArray[np.float32]:
    """Score all records by all labels: (n, c)."""
    at = np.arange(len(points.snapshot))
    return METHODS[method](points, given.rows, given.truth, at, given.multilabel)


def _read(
    snapshot: Snapshot, labels: Any, field: Any, examples: Any
) -> tuple[EncodedLabels, list[str]]:
    """Read the labels, and the texts that have them; these are numbered after the records."""
    if field is not None:
        return _labels_of_records(snapshot, field), []
    names = {} if labels is None else read_names(labels)
    found = [] if examples is None else read_examples(examples)
    if names:
        check_known((label for _, label in found), names)
        have_example = {label for _, label in found}
        found += [(text, name) for name, text in names.items() if name not in have_example]
    given = encode_labels([label for _, label in found], names)
    if len(given.rows) < len(found):
        raise InvalidArgumentError(
            "Every example must have a label; got one whose label is missing or blank."
        )
    rows = given.rows + len(snapshot)
    encoded = EncodedLabels(given.classes, rows, given.truth, given.multilabel)
    return encoded, [text for text, _ in found]


def _labels_of_records(snapshot: Snapshot, field: Any) -> EncodedLabels:
    if isinstance(field, str):
        values = snapshot.known_column(field)
        of_users = user_labels(snapshot, field)
        if any(value is not None for value in values) and all(one is None for one in of_users):
            raise InvalidArgumentError(
                f"field must have labels that users gave; got {short(field)}, whose values are all "
                f"predictions, as {short(predicted_key(field))} says. Name the field of the users' labels."
            )
        values = of_users
    else:
        values = values_by_record(field, snapshot.ids, "field")
    given = encode_labels(values)
    if len(snapshot) and not len(given.rows):
        raise InvalidArgumentError(
            "No record has a label: all are None, NaN or blank. Label a few records first."
        )
    return given


def _check_arguments(labels: Any, field: Any, examples: Any, method: Any) -> None:
    if (field is None) == (labels is None and examples is None):
        raise InvalidArgumentError(
            "classify learns from field, the metadata field of labels, or from examples, or from the names "
            "in labels. Pass field alone, or one or both of the others."
        )
    if method not in METHOD_NAMES:
        hint = near(str(method), METHOD_NAMES, what="Methods", limit=12)
        raise InvalidArgumentError(f"No method {short(method)}. {hint}")


def _zero_shot(given: EncodedLabels) -> ChosenMethod:
    nothing = np.full(given.truth.shape, np.nan, dtype=np.float32)
    why = "the nearest of the labels' texts, moved to the records around them"
    return ChosenMethod("zero-shot", why, [], nothing, Calibration())


def _nothing(given: EncodedLabels) -> ChosenMethod:
    nothing = np.full(given.truth.shape, np.nan, dtype=np.float32)
    return ChosenMethod("none", "there are no records", [], nothing, Calibration())
