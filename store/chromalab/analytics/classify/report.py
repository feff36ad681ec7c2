"""How good a classifier is by labels that were held out from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.results.tables import html_table, one_line, text_table
from chromalab.results.tables import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["ClassifierReport", "reported", "suspected"]

_COLUMNS = ("label", "precision", "recall", "f1", "support")
_SHOWN = 12


@dataclass(frozen=True, eq=False, repr=False)
class ClassifierReport:
    """Cross-validated scores: every label was predicted by a model that did not see it.

    Attributes:
        classes: The labels.
        precision: (c,) float64, of what was said to be of a class how much is.
        recall: (c,) float64, of a class how much was found.
        f1: (c,) float64, their harmonic mean.
        support: (c,) int64, held-out labels of the class.
        accuracy: Share that is right; where a record may have multilabel labels, that has all and no other.
        labels: How many were held out.
        abstained: How many of these were below the threshold: they count as not right.
        calibration_error: Expected calibration error of what was said (15 bins).
    """

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
        """The mean F1 of the classes that were held out."""
        there = self.support > 0
        return float(self.f1[there].mean()) if there.any() else float("nan")

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a class."""
        return data_frame(self._rows(), _COLUMNS)

    def __repr__(self) -> str:
        return f"{text_table(_COLUMNS, self._worst())}\n{self}"

    def __str__(self) -> str:
        if not self.labels:
            return "no label was held out: there are too few to say how good it is"
        below = f", {self.abstained:,} below the threshold" if self.abstained else ""
        return (
            f"accuracy {self.accuracy:.1%}, macro-F1 {self.macro_f1:.3f}, calibration error "
            f"{self.calibration_error:.3f} on {self.labels:,} held-out labels{below}"
        )

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._worst(), note=str(self))

    def _rows(self) -> list[list[Any]]:
        parts = (self.precision, self.recall, self.f1, self.support)
        return [
            [label, *values]
            for label, *values in zip(self.classes, *(part.tolist() for part in parts), strict=True)
        ]

    def _worst(self) -> list[list[Any]]:
        rows = sorted((row for row in self._rows() if row[4]), key=lambda row: row[3])
        shown = [[one_line(label), *values] for label, *values in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            shown.append(
                [f"... {_SHOWN} of {len(rows):,} shown, the hardest first", "", "", "", ""]
            )
        return shown


def reported(
    classes: tuple[Any, ...],
    said: NDArray[np.bool_],
    given: NDArray[np.bool_],
    abstained: int,
    error: float,
) -> ClassifierReport:
    """Count what was said of held-out rows.

    Args:
        classes: The labels.
        said: (t, c), the classes that were said; none for a row below the threshold.
        given: (t, c), the true ones.
        abstained: How many rows were below the threshold.
        error: The expected calibration error.
    """
    hits = (said & given).sum(axis=0)
    claimed, support = said.sum(axis=0), given.sum(axis=0)
    precision = hits / np.maximum(claimed, 1)
    recall = hits / np.maximum(support, 1)
    return ClassifierReport(
        classes,
        precision,
        recall,
        2 * hits / np.maximum(claimed + support, 1),
        support.astype(np.int64),
        float((said == given).all(axis=1).mean()) if len(said) else float("nan"),
        len(said),
        abstained,
        error,
    )


def suspected(
    held_out: NDArray[np.float32], given: NDArray[np.bool_], *, multilabel: bool
) -> NDArray[np.int64]:
    """Find them by confident learning, the surest first.

    A row counts as of class j where p(j) reaches the mean p(j) of the rows labeled j; it is suspected
    where the likeliest such class is not its own. Northcutt, Jiang, Chuang: Confident Learning, JAIR 2021.
    With multilabel classes a row, every class is such a question of yes or no.

    Args:
        held_out: (t, c) probabilities by models that did not see the row; NaN where there are none.
        given: (t, c), the labels.
        multilabel: Whether a row may have multilabel.

    Returns:
        Row numbers, by the difference between the likeliest class and the given one.

    Example:
        >>> sure = np.float32([[.9, .1], [.8, .2], [.1, .9], [.2, .8], [.05, .95]])
        >>> given = np.eye(2, dtype=bool)[[0, 0, 1, 1, 0]]
        >>> suspected(sure, given, multilabel=False).tolist()
        [4]
    """
    there = np.isfinite(held_out.sum(axis=1))
    if not there.any() or (given.shape[1] < 2 and not multilabel):
        return np.empty(0, dtype=np.int64)
    sure = np.where(there[:, None], held_out, 0)
    yes = _mean(sure, given & there[:, None])
    if multilabel:
        no = _mean(1 - sure, ~given & there[:, None])
        wrong = np.where(given, 1 - sure >= no, sure >= yes) & np.where(
            given, sure < 0.5, sure > 0.5
        )
        worst = np.where(wrong, np.abs(sure - given), 0).max(axis=1)
        rows = np.flatnonzero(wrong.any(axis=1) & there)
        return rows[np.argsort(-worst[rows], kind="stable")]
    confident = np.where(sure >= yes, sure, -1)
    best = confident.argmax(axis=1)
    own = given.argmax(axis=1)
    line = np.arange(len(sure))
    wrong = there & (confident[line, best] >= 0) & (best != own) & (sure.argmax(axis=1) != own)
    away = sure[line, best] - sure[line, own]
    rows = np.flatnonzero(wrong)
    return rows[np.argsort(-away[rows], kind="stable")]


def _mean(sure: NDArray[np.float32], rows: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The mean of each column over some rows; never reached where there are none."""
    count = rows.sum(axis=0)
    total = (sure * rows).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.inf).astype(np.float32)
