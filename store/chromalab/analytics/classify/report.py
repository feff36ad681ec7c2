"""`ClassifierReport`: the quality of a classifier on held-out labels, and the labels that are likely wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.results.tables import Table, html_table, one_line, text_table

__all__ = ["ClassifierReport", "classifier_report", "label_errors"]


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
    def macro_f1(self) -> float:
        """The mean F1 of the classes that have held-out labels."""
        known = self.support > 0
        return float(self.f1[known].mean()) if known.any() else float("nan")

    def __str__(self) -> str:
        if not self.labels:
            return "no label was held out: there are too few to measure the quality"
        below = f", {self.abstained:,} below the threshold" if self.abstained else ""
        return (
            f"accuracy {self.accuracy:.1%}, macro-F1 {self.macro_f1:.3f}, calibration error "
            f"{self.calibration_error:.3f} on {self.labels:,} held-out labels{below}"
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


def label_errors(
    held_out: NDArray[np.float32], given: NDArray[np.bool_], *, multilabel: bool
) -> NDArray[np.int64]:
    """Find labels that are likely wrong by confident learning, the most certain first.

    A row counts as a member of class j if p(j) reaches the mean p(j) of the rows labeled j. Its label is
    suspect if the most probable such class is another one (Northcutt, Jiang, Chuang: Confident Learning,
    JAIR 2021). If a row may have more than one class, each class is such a question of yes or no.

    Args:
        held_out: (t, c) probabilities by models that did not see the row; NaN where there are none.
        given: (t, c), the labels.
        multilabel: Whether a row may have more than one label.

    Returns:
        Row indices, ordered by the difference between the most probable class and the given one.

    Example:
        >>> probabilities = np.float32([[.9, .1], [.8, .2], [.1, .9], [.2, .8], [.05, .95]])
        >>> given = np.eye(2, dtype=bool)[[0, 0, 1, 1, 0]]
        >>> label_errors(probabilities, given, multilabel=False).tolist()
        [4]
    """
    known = np.isfinite(held_out.sum(axis=1))
    if not known.any() or (given.shape[1] < 2 and not multilabel):
        return np.empty(0, dtype=np.int64)
    probability = np.where(known[:, None], held_out, 0)
    yes = _class_mean(probability, given & known[:, None])
    if multilabel:
        no = _class_mean(1 - probability, ~given & known[:, None])
        confident = np.where(given, 1 - probability >= no, probability >= yes)
        wrong = confident & np.where(given, probability < 0.5, probability > 0.5)
        worst = np.where(wrong, np.abs(probability - given), 0).max(axis=1)
        rows = np.flatnonzero(wrong.any(axis=1) & known)
        return rows[np.argsort(-worst[rows], kind="stable")]
    reached = np.where(probability >= yes, probability, -1)
    best = reached.argmax(axis=1)
    own = given.argmax(axis=1)
    line = np.arange(len(probability))
    wrong = known & (reached[line, best] >= 0) & (best != own)
    wrong &= probability.argmax(axis=1) != own
    difference = probability[line, best] - probability[line, own]
    rows = np.flatnonzero(wrong)
    return rows[np.argsort(-difference[rows], kind="stable")]


def _class_mean(probability: NDArray[np.float32], rows: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the mean of each column over some of its rows; infinity, never reached, if it has none."""
    count = rows.sum(axis=0)
    total = (probability * rows).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.inf).astype(np.float32)
