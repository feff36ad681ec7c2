"""`Classification`: a label for every record, how sure it is, and how often such labels are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify import showing
from chromalab.analytics.classify.calibration import expected_calibration_error
from chromalab.analytics.classify.report import Report, reported
from chromalab.analytics.classify.suspects import suspected
from chromalab.analytics.classify.writing import columns_of, write
from chromalab.analytics.result import Result
from chromalab.arguments.values import check_field
from chromalab.errors import InvalidArgumentError, short
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

__all__ = ["Classification", "checked_threshold"]

_KEPT = 25_000_000  # probabilities; more would fill the folder of kept results
_FRAME = ("id", "label", "probability", "given", "document")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Classification(Result):
    """A label for every record.

    Attributes:
        snapshot: The records.
        parameters: What was asked for; `random_state` among them.
        recall: Of the neighbour graph.
        classes: The labels that there are.
        several: Whether a record may have several of them.
        method: How labels were learned.
        why: Why that method.
        tried: A row a method that was compared: `method`, `score`, `error`, `note`.
        calibrated: What was done for probabilities to be as often right as they say.
        probabilities: (n, c) float32, of each class; for records with a label of their own by models that did
            not see it, where that was possible.
        threshold: Less probable labels are not given; None for none (0.5 where a record may have several).
        examples: Texts that were learned from and are no records.
        trained_rows: (t,) int64, the record of each label that was learned from; -1 for an example.
        given: (t, c) bool, these labels.
        heldout: (t, c) float32, probabilities by models that did not see the label; NaN where there are none.
    """

    reads_records = True

    classes: Sequence[str | int | float | bool]
    several: bool
    method: str
    why: str
    tried: Sequence[Mapping[str, Any]]
    calibrated: str
    probabilities: NDArray[np.float32]
    threshold: float | None
    examples: Sequence[str]
    trained_rows: NDArray[np.int64]
    given: NDArray[np.bool_]
    heldout: NDArray[np.float32]

    @property
    def is_whole(self) -> bool:
        """Whether it is kept: not where there are too many probabilities."""
        return self.probabilities.size + self.heldout.size <= _KEPT

    @cached_property
    def labels(self) -> list[Any]:
        """The label of each record: its own, else the predicted one; None below the threshold.

        Where records may have several, tuples.
        """
        found = list(self.predicted)
        for place, row in enumerate(self.trained_rows.tolist()):
            if row >= 0:
                found[row] = self._named(self.given[place])
        return found

    @cached_property
    def predicted(self) -> list[Any]:
        """The predicted label of each record, also of those with one of their own."""
        return [self._named(row) for row in self._said(self.probabilities)]

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(n,) float32, the probability of the likeliest label; with several, of the least sure yes or no."""
        return _sure(self.probabilities, self.several)

    @property
    def has_own(self) -> NDArray[np.bool_]:
        """(n,) bool, whether the record had a label, which was learned from."""
        found = np.zeros(len(self.snapshot), dtype=bool)
        found[self.trained_rows[self.trained_rows >= 0]] = True
        return found

    @cached_property
    def report(self) -> Report:
        """Accuracy, precision, recall and F1, cross-validated, at this threshold."""
        sure, given = self._evaluated
        said, top = self._said(sure), _sure(sure, self.several)
        right = (self._said(sure, None) == given).all(axis=1)
        error = expected_calibration_error(top, right)
        if self.several:
            error = expected_calibration_error(sure.ravel(), given.ravel())
        below = 0 if self.several else int((~said.any(axis=1)).sum())
        return reported(tuple(self.classes), said, given, below, error)

    def at(self, threshold: float | None) -> Self:
        """Give only labels of at least this probability, without learning anew; None for all.

        Raises:
            InvalidArgumentError: it is no number from 0 to 1.
        """
        level = checked_threshold(threshold)
        return replace(self, threshold=level, parameters={**self.parameters, "threshold": level})

    def confusion(self) -> pandas.DataFrame:
        """Count held-out labels: a row a true label, a column a predicted one; "no label" below the threshold.

        Raises:
            InvalidArgumentError: records may have several labels, for which `report` has what there is.
        """
        if self.several:
            raise InvalidArgumentError(
                "Records with several labels have no confusion matrix; report.df() has a row a label."
            )
        counts = self._confused()
        names: list[Any] = [*self.classes, "no label"]
        frame = data_frame(counts.tolist(), names)
        frame.index = list(self.classes)
        return frame

    def suspects(self) -> pandas.DataFrame:
        """List labels that are likely wrong, the surest first: id, given, suggested, confidence, document.

        An example that is no record has the id None.
        """
        return data_frame(self._suspects(), ["id", "given", "suggested", "confidence", "document"])

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a record, with id, label, probability, given, document."""
        rows = zip(
            self.snapshot.ids,
            self.labels,
            self.confidence.tolist(),
            self.has_own.tolist(),
            map(self.snapshot.document, range(len(self.snapshot))),
            strict=True,
        )
        return data_frame(list(rows), _FRAME)

    def columns(self, key: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the label, the same again as the mark of a prediction, its confidence."""
        labels = self.labels
        if self.several:
            labels = [list(label) if label else None for label in labels]
        return columns_of(key, labels, self.confidence.tolist())

    def into(self, key: str) -> Self:
        """Write labels to metadata, in one transaction; never over a label that a person gave.

        A record that has something under `key` is left alone, unless an earlier `into` wrote it.
        `key_predicted` holds the prediction once more, `key_confidence` its probability. As long as both are
        there and the prediction is what stands under `key`, the value counts as a prediction, and the next
        `classify(key)` does not learn from it; who writes another value makes it a label.
        `label_queue(key).label({id: label})` writes a label and deletes the marks, which
        also confirms a prediction.

        Args:
            key: The metadata key; that of the labels themselves is fine.

        Raises:
            InvalidArgumentError: it was made of an array, or the key cannot be used.
        """
        key = check_field(key, "into")
        if self.snapshot.origin is None:
            raise InvalidArgumentError(
                "There is no collection to write to: it was made of an array. df() has the values."
            )
        version = write(self.snapshot, key, self.columns(key))
        return (
            self
            if version is None
            else replace(self, snapshot=replace(self.snapshot, version=version))
        )

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        t, c = len(self.trained_rows), len(self.classes)
        if (
            self.probabilities.shape != (len(self.snapshot), c)
            or self.given.shape != (t, c)
            or self.heldout.shape != (t, c)
            or not ((self.trained_rows >= -1) & (self.trained_rows < len(self.snapshot))).all()
            or int((self.trained_rows < 0).sum()) != len(self.examples)
        ):
            raise ValueError("the parts of the classification do not fit together")

    def __repr__(self) -> str:
        return showing.as_text(self, self._made())

    def _repr_html_(self) -> str:
        return showing.as_html(self, self._made())

    @cached_property
    def _evaluated(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        there = ~np.isnan(self.heldout).any(axis=1)
        return self.heldout[there], self.given[there]

    def _said(self, sure: NDArray[np.float32], level: float | None = -1.0) -> NDArray[np.bool_]:
        """(q, c), which labels are given at these probabilities."""
        level = self.threshold if level == -1.0 else level
        if self.several:
            return sure >= (0.5 if level is None else level)
        said = np.zeros(sure.shape, dtype=bool)
        if sure.size:
            line, best = np.arange(len(sure)), sure.argmax(axis=1)
            said[line, best] = True if level is None else sure[line, best] >= level
        return said

    def _named(self, said: NDArray[np.bool_]) -> Any:
        found = tuple(self.classes[place] for place in np.flatnonzero(said).tolist())
        return found if self.several else found[0] if found else None

    def _confused(self) -> NDArray[np.int64]:
        sure, given = self._evaluated
        said = self._said(sure)
        counts = np.zeros((len(self.classes), len(self.classes) + 1), dtype=np.int64)
        to = np.where(said.any(axis=1), said.argmax(axis=1), len(self.classes))
        np.add.at(counts, (given.argmax(axis=1), to), 1)
        return counts

    def _suspects(self) -> list[list[Any]]:
        places = suspected(self.heldout, self.given, several=self.several)
        texts = iter(self.examples)
        text_of = {
            place: next(texts) for place, row in enumerate(self.trained_rows.tolist()) if row < 0
        }
        rows: list[list[Any]] = []
        for place in places.tolist():
            row, sure = int(self.trained_rows[place]), self.heldout[place : place + 1]
            suggested = self._named(self._said(sure, None)[0])
            confidence = float(_sure(sure, self.several)[0])
            text = text_of[place] if row < 0 else self.snapshot.document(row)
            id = None if row < 0 else self.snapshot.ids[row]
            rows.append([id, self._named(self.given[place]), suggested, confidence, text])
        return rows


def checked_threshold(threshold: Any) -> float | None:
    """Return it as a float.

    Raises:
        InvalidArgumentError: it is neither None nor a number from 0 to 1.
    """
    if threshold is None:
        return None
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | np.number):
        raise InvalidArgumentError(f"threshold is a number from 0 to 1; found {short(threshold)}.")
    if not 0 <= threshold <= 1:
        raise InvalidArgumentError(f"threshold is a number from 0 to 1; found {short(threshold)}.")
    return float(threshold)


def _sure(sure: NDArray[np.float32], several: bool) -> NDArray[np.float32]:
    if not sure.size:
        return np.zeros(len(sure), dtype=np.float32)
    least: NDArray[np.float32] = np.maximum(sure, 1 - sure).min(axis=1)
    return least if several else np.asarray(sure.max(axis=1))
