"""`ClassifierReport`: the quality of a classifier on held-out labels, and the labels that are likely wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.results.tables import Table, count, html_table, one_line, text_table

__all__ = [
    "ClassifierReport",
    "checked_classes",
    "classifier_report",
    "held_out_accuracy",
    "label_errors",
]

_MIN_LABELS = 30  # held out; with fewer, probabilities are not calibrated
_MIN_EACH = 5  # held-out labels of a class whose labels can be suspect
_MIN_RECOGNIZED = 0.5  # precision and recall of such a class
_UNLIKELY = 0.05  # the highest probability of a suspect label


@dataclass(frozen=True, eq=False, repr=False)
class ClassifierReport(Table):
    """Cross-validated scores: every label was predicted by a model that did not see it.

    Attributes:
        classes: The labels.
        precision: (c,) float64, the share of the predictions of a class that are correct.
        recall: (c,) float64, the share of a class that was predicted.
        f1: (c,) float64, their harmonic mean.
        support: (c,) int64, the number of held-out labels of the class.
        accuracy: The share of rows that are correct. If a record may have more than one label, it is
            correct when it is given all of its labels and no other.
        labels: The number of held-out labels.
        abstained: The number of them that were below the threshold; they count as incorrect.
        calibration_error: The expected calibration error of the predictions (15 bins).
    """

    _columns = ("label", "precision", "recall", "f1", "support")
    _limit = 12

    classes: tuple[Any, ...]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]
    accuracy: float
    labels: int
    abstained: int
    calibration_error: float

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have held-out labels, each of which counts the same."""
        known = self.support > 0
        return float(self.recall[known].mean()) if known.any() else float("nan")

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have held-out labels."""
        known = self.support > 0
        return float(self.f1[known].mean()) if known.any() else float("nan")

    def __str__(self) -> str:
        if not self.labels:
            return "no label was held out: there are too few to measure the quality"
        below = f", {self.abstained:,} below the threshold" if self.abstained else ""
        return (
            f"balanced accuracy {self.balanced_accuracy:.1%} (the mean recall of "
            f"{count(int((self.support > 0).sum()), 'label')}), accuracy {self.accuracy:.1%}, macro-F1 "
            f"{self.macro_f1:.3f}, calibration error {self.calibration_error:.3f} on {self.labels:,} "
            f"held-out labels{below}"
        )

    # The displays show the classes with the lowest F1; `df()` has one row per class, in their order.

    def __repr__(self) -> str:
        return f"{text_table(self._columns, self._hardest())}\n{self}"

    def _repr_html_(self) -> str:
        return html_table(self._columns, self._hardest(), note=str(self))

    def _rows(self) -> list[list[Any]]:
        parts = (self.precision, self.recall, self.f1, self.support)
        return [
            [label, *values]
            for label, *values in zip(self.classes, *(part.tolist() for part in parts), strict=True)
        ]

    def _hardest(self) -> list[list[Any]]:
        rows = sorted((row for row in self._rows() if row[4]), key=lambda row: row[3])
        shown = [[one_line(label), *values] for label, *values in rows[: self._limit]]
        if len(rows) > self._limit:
            note = f"... {self._limit} of {len(rows):,} shown, lowest F1 first"
            shown.append([note, "", "", "", ""])
        return shown


def classifier_report(
    classes: tuple[Any, ...],
    predicted: NDArray[np.bool_],
    given: NDArray[np.bool_],
    abstained: int,
    calibration_error: float,
) -> ClassifierReport:
    """Compute the scores of predictions of held-out rows.

    Args:
        classes: The labels.
        predicted: (t, c), the predicted classes; none for a row below the threshold.
        given: (t, c), the true classes.
        abstained: The number of rows below the threshold.
        calibration_error: The expected calibration error.
    """
    hits = (predicted & given).sum(axis=0)
    claimed, support = predicted.sum(axis=0), given.sum(axis=0)
    return ClassifierReport(
        classes,
        precision=hits / np.maximum(claimed, 1),
        recall=hits / np.maximum(support, 1),
        f1=2 * hits / np.maximum(claimed + support, 1),
        support=support.astype(np.int64),
        accuracy=float((predicted == given).all(axis=1).mean()) if len(predicted) else float("nan"),
        labels=len(predicted),
        abstained=abstained,
        calibration_error=calibration_error,
    )


def held_out_accuracy(
    held_out: NDArray[np.float32], given: NDArray[np.bool_], *, multilabel: bool
) -> float:
    """Return the balanced accuracy of held-out probabilities: the mean recall of the classes.

    Args:
        held_out: (t, c) probabilities by models that did not see the row; NaN where there are none.
        given: (t, c), the labels.
        multilabel: Whether a row may have more than one label.

    Example:
        >>> given = np.eye(2, dtype=bool)[[0, 0, 0, 1]]
        >>> held_out_accuracy(np.float32([[0.8, 0.2]] * 4), given, multilabel=False)
        0.5
    """
    known = np.isfinite(held_out.sum(axis=1))
    predicted, truth = _predicted(held_out[known], multilabel), given[known]
    support = truth.sum(axis=0)
    recall = (predicted & truth).sum(axis=0) / np.maximum(support, 1)
    return float(recall[support > 0].mean()) if len(truth) else float("nan")


def checked_classes(held_out: NDArray[np.float32], given: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (c,), whether there are enough held-out labels to tell which labels of a class are wrong.

    There are if at least 5 of the class and 30 of all classes are held out, and the class is recognized:
    both its precision and its recall are at least one half. Where a model is wrong more often than
    right, a label that it contradicts is probably correct.

    Args:
        held_out: (t, c) probabilities by models that did not see the row; NaN where there are none.
        given: (t, c), the labels. A row with more than one predicts every class from one half on.
    """
    known = np.isfinite(held_out.sum(axis=1))
    probability, truth = held_out[known], given[known]
    if len(truth) < _MIN_LABELS:
        return np.zeros(given.shape[1], dtype=bool)
    predicted = _predicted(probability, bool((given.sum(axis=1) > 1).any()))
    hits, support = (predicted & truth).sum(axis=0), truth.sum(axis=0)
    recognized = hits >= _MIN_RECOGNIZED * np.maximum(support, predicted.sum(axis=0))
    checked: NDArray[np.bool_] = recognized & (support >= _MIN_EACH)
    return checked


def label_errors(
    held_out: NDArray[np.float32], given: NDArray[np.bool_], *, multilabel: bool
) -> NDArray[np.int64]:
    """Find labels that are likely wrong by confident learning, the most certain first.

    A row counts as a member of class j if p(j) reaches the mean p(j) of the rows labeled j. Its label is
    suspect if the most probable such class is another one (Northcutt, Jiang, Chuang: Confident Learning,
    JAIR 2021). With few labels, that is the case wherever the model is wrong. So the probability of a
    suspect label must be at most 0.05, and both classes must be `checked_classes`. If a row may have
    more than one class, each class is such a question of yes or no.

    Args:
        held_out: (t, c) calibrated probabilities by models that did not see the row; NaN where there are
            none.
        given: (t, c), the labels.
        multilabel: Whether a row may have more than one label.

    Returns:
        Row indices, ordered by the difference between the most probable class and the given one.

    Example:
        >>> given = np.eye(2, dtype=bool)[[0, 1] * 20 + [0]]
        >>> probabilities = np.where(given, 0.96, 0.04).astype(np.float32)
        >>> probabilities[40] = 0.03, 0.97
        >>> label_errors(probabilities, given, multilabel=False).tolist()
        [40]
    """
    known = np.isfinite(held_out.sum(axis=1))
    checked = checked_classes(held_out, given)
    if not checked.any() or (given.shape[1] < 2 and not multilabel):
        return np.empty(0, dtype=np.int64)
    probability = np.where(known[:, None], held_out, 0)
    yes = _class_mean(probability, given & known[:, None])
    if multilabel:
        no = _class_mean(1 - probability, ~given & known[:, None])
        confident = np.where(given, 1 - probability >= no, probability >= yes)
        given_probability = np.where(given, probability, 1 - probability)
        wrong = confident & (given_probability <= _UNLIKELY) & checked
        worst = np.where(wrong, np.abs(probability - given), 0).max(axis=1)
        rows = np.flatnonzero(wrong.any(axis=1) & known)
        return rows[np.argsort(-worst[rows], kind="stable")]
    reached = np.where(probability >= yes, probability, -1)
    best = reached.argmax(axis=1)
    own = given.argmax(axis=1)
    line = np.arange(len(probability))
    wrong = known & (reached[line, best] >= 0) & (best != own)
    wrong &= probability.argmax(axis=1) == best
    wrong &= (probability[line, own] <= _UNLIKELY) & checked[own] & checked[best]
    difference = probability[line, best] - probability[line, own]
    rows = np.flatnonzero(wrong)
    return rows[np.argsort(-difference[rows], kind="stable")]


def _predicted(probability: NDArray[np.float32], multilabel: bool) -> NDArray[np.bool_]:
    """Return (q, c), the most probable class; if multilabel, all from one half on."""
    if multilabel:
        return probability >= 0.5
    predicted = np.zeros(probability.shape, dtype=bool)
    if probability.size:
        predicted[np.arange(len(probability)), probability.argmax(axis=1)] = True
    return predicted


def _class_mean(probability: NDArray[np.float32], rows: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the mean of each column over some of its rows; infinity, never reached, if it has none."""
    count = rows.sum(axis=0)
    total = (probability * rows).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.inf).astype(np.float32)
