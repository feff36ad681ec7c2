"""`Classification`: a label for every record, its probability, and the quality on held-out labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.calibration import expected_calibration_error
from chromalab.analytics.classify.labels import predicted_key, user_labels
from chromalab.analytics.classify.report import (
    ClassifierReport,
    checked_classes,
    classifier_report,
    label_errors,
)
from chromalab.analytics.result import Result
from chromalab.arguments.values import check_field, check_number
from chromalab.errors import InvalidArgumentError
from chromalab.results.picture import picture
from chromalab.results.tables import count, cut, data_frame, html_table, one_line, text_table
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

__all__ = ["Classification", "check_threshold"]

_FRAME_COLUMNS = ("id", "label", "probability", "given", "document")
_LABEL_COLUMNS = ("label", "given", "predicted", "precision", "recall")
_SUSPECT_COLUMNS = ("id", "given", "suggested", "confidence", "document")
_TRIED_COLUMNS = ("method", "score", "note")
_MAX_LABELS = 10  # displayed
_MAX_SUSPECTS = 5  # displayed
_MAX_DRAWN = 60  # classes in the picture of the confusion matrix

_MAX_CACHED = 25_000_000  # probabilities; more would fill the folder of cached results
_PAGE = 1000  # records per write to a collection of another client
_ATTEMPTS = 5  # attempts to write while others write too


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Classification(Result):
    """A label for every record.

    Attributes:
        snapshot: The records.
        parameters: The arguments of the call, `random_state` among them.
        recall: The recall of the neighbor graph.
        classes: The different labels.
        multilabel: Whether a record may have more than one of them.
        method: The method that was used.
        why: Why it was used.
        tried: One row per method that was compared: `method`, `score`, `error`, `note`.
        calibrated: How the probabilities were calibrated.
        probabilities: (n, c) float32, of each class. Where possible, those of a labeled record are by
            models that did not see its label.
        threshold: The lowest probability of a label; None for no limit (0.5 if a record may have more
            than one label).
        examples: The example texts, which are not records.
        trained_rows: (t,) int64, the record of each label that was learned from; -1 for an example.
        given: (t, c) bool, these labels.
        held_out: (t, c) float32, probabilities by models that did not see the label; NaN where there are
            none.
    """

    reads_records = True

    classes: Sequence[str | int | float | bool]
    multilabel: bool
    method: str
    why: str
    tried: Sequence[Mapping[str, Any]]
    calibrated: str
    probabilities: NDArray[np.float32]
    threshold: float | None
    examples: Sequence[str]
    trained_rows: NDArray[np.int64]
    given: NDArray[np.bool_]
    held_out: NDArray[np.float32]

    @property
    def is_whole(self) -> bool:
        """Whether the result is cached; it is not if there are too many probabilities."""
        return self.probabilities.size + self.held_out.size <= _MAX_CACHED

    @cached_property
    def labels(self) -> list[Any]:
        """The label of each record: its own, or else the predicted one; None below the threshold.

        If records may have more than one label, tuples.
        """
        labels = list(self.predicted)
        for at, row in enumerate(self.trained_rows.tolist()):
            if row >= 0:
                labels[row] = self._named(self.given[at])
        return labels

    @cached_property
    def predicted(self) -> list[Any]:
        """The predicted label of each record, labeled records included."""
        return [self._named(row) for row in self._assigned(self.probabilities)]

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(n,) float32, the probability of the most probable label.

        If records may have more than one label, that of the least certain yes or no.
        """
        return _confidence(self.probabilities, self.multilabel)

    @property
    def is_labeled(self) -> NDArray[np.bool_]:
        """(n,) bool, whether the record had a label of its own, which was learned from."""
        labeled = np.zeros(len(self.snapshot), dtype=bool)
        labeled[self.trained_rows[self.trained_rows >= 0]] = True
        return labeled

    @cached_property
    def report(self) -> ClassifierReport:
        """Cross-validated balanced accuracy, and the precision, recall and F1 of each label."""
        probabilities, given = self._evaluated
        predicted = self._assigned(probabilities)
        if self.multilabel:
            error = expected_calibration_error(probabilities.ravel(), given.ravel())
        else:
            correct = (self._assigned(probabilities, None) == given).all(axis=1)
            error = expected_calibration_error(_confidence(probabilities, False), correct)
        abstained = 0 if self.multilabel else int((~predicted.any(axis=1)).sum())
        return classifier_report(tuple(self.classes), predicted, given, abstained, error)

    def at(self, threshold: float | None) -> Self:
        """Return the classification at another threshold, without training again.

        Args:
            threshold: The lowest probability of a label; None for no limit.

        Raises:
            InvalidArgumentError: It is not a number from 0 to 1.
        """
        level = check_threshold(threshold)
        return replace(self, threshold=level, parameters={**self.parameters, "threshold": level})

    def confusion(self) -> pandas.DataFrame:
        """Count held-out labels, with one row per true label and one column per predicted label.

        The column "no label" counts predictions below the threshold.

        Raises:
            InvalidArgumentError: Records may have more than one label; use `report`.
        """
        if self.multilabel:
            raise InvalidArgumentError(
                "A confusion matrix needs one label per record, and records here may have more. Use "
                "report.df(), which has one row per label."
            )
        names: list[Any] = [*self.classes, "no label"]
        frame = data_frame(self._confusion_counts().tolist(), names)
        frame.index = list(self.classes)
        return frame

    def suspects(self) -> pandas.DataFrame:
        """List the labels that are likely wrong, the most certain first.

        There are none of a class that has fewer than 5 held-out labels or that the model does not
        recognize: the labels that it contradicts there are probably correct. The columns are id, given,
        suggested, confidence and document. The id of an example is None.
        """
        return data_frame(self._suspects(), _SUSPECT_COLUMNS)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per record: id, label, probability, given, document."""
        rows = zip(
            self.snapshot.ids,
            self.labels,
            self.confidence.tolist(),
            self.is_labeled.tolist(),
            map(self.snapshot.document, range(len(self.snapshot))),
            strict=True,
        )
        return data_frame(list(rows), _FRAME_COLUMNS)

    def columns(self, field: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the label, the label again to mark a prediction, its confidence."""
        labels = self.labels
        if self.multilabel:
            labels = [list(label) if label else None for label in labels]
        return {
            field: list(labels),
            predicted_key(field): list(labels),
            f"{field}_confidence": [
                None if label is None else round(float(value), 4)
                for label, value in zip(labels, self.confidence.tolist(), strict=True)
            ],
        }

    def into(self, field: str, *, overwrite: bool = False) -> Self:
        """Write labels to metadata in one transaction, but never over a label that a user gave.

        A record with a value in `field` is left unchanged unless an earlier `into` wrote that value. The
        prediction is also written to `field_predicted`, and its probability to `field_confidence`. As
        long as both are there and the value of `field` is that prediction, it counts as a prediction, and
        the next `classify(field)` does not learn from it. Writing another value makes it a label.
        `label_queue(field).label({id: label})` writes a label and deletes the marks, so it also confirms a
        prediction.

        Args:
            field: The metadata field; it may be the field of the labels themselves.
            overwrite: Not supported: labels that users gave are never replaced.

        Returns:
            The same result, at the version of the collection after the write; it stays stale if the
            collection had changed before.

        Raises:
            InvalidArgumentError: The result is not of a collection, the field name is invalid, or
                `overwrite` is given.
        """
        field = check_field(field, "into")
        if overwrite:
            raise InvalidArgumentError(
                "classify never replaces labels that users gave. Write to another field, or delete the "
                "labels first."
            )
        if self.snapshot.origin is None:
            raise InvalidArgumentError(
                "There is no collection to write to: the result is of an array. df() has the values."
            )
        version = _write_predictions(self.snapshot, field, self.columns(field))
        if version is None:
            return self
        return replace(self, snapshot=replace(self.snapshot, version=version))

    def check(self) -> None:
        """Raise ValueError if the parts are inconsistent."""
        t, c = len(self.trained_rows), len(self.classes)
        if (
            self.probabilities.shape != (len(self.snapshot), c)
            or self.given.shape != (t, c)
            or self.held_out.shape != (t, c)
            or not ((self.trained_rows >= -1) & (self.trained_rows < len(self.snapshot))).all()
            or int((self.trained_rows < 0).sum()) != len(self.examples)
        ):
            raise ValueError("the parts of the classification are inconsistent")

    # Up to three tables and a picture are displayed, so the displays are not those of `Table`.

    def __repr__(self) -> str:
        table = text_table(_LABEL_COLUMNS, self._label_rows(), width=48)
        return "\n".join([table, *self._notes(), self._made()])

    def _repr_html_(self) -> str:
        """Show the labels, the methods that were compared, the first suspects and the confusion matrix."""
        note = "; ".join([*self._notes(), self._made()])
        parts = [html_table(_LABEL_COLUMNS, self._label_rows(), note=note)]
        if self.tried:
            tried = [[row["method"], row["score"], row["note"]] for row in self.tried]
            parts.append(
                html_table(
                    _TRIED_COLUMNS,
                    tried,
                    caption="Methods, by cross-validated "
                    + ("F1" if self.multilabel else "balanced accuracy"),
                )
            )
        suspects = self._suspects()
        if suspects:
            shown = [[id or "an example", *rest] for id, *rest in suspects[:_MAX_SUSPECTS]]
            caption = "Labels that are likely wrong"
            note = cut(_MAX_SUSPECTS, len(suspects))
            parts.append(html_table(_SUSPECT_COLUMNS, shown, caption=caption, note=note))
        return "".join(parts) + self._confusion_picture()

    def _label_rows(self) -> list[list[Any]]:
        """One row per label, the most predicted first."""
        predicted: Counter[Any] = Counter()
        for label, labeled in zip(self.predicted, self.is_labeled.tolist(), strict=True):
            if not labeled and label is not None:
                parts = label if self.multilabel else [label]
                predicted.update([(type(part), part) for part in parts])
        report, given = self.report, self.given.sum(axis=0).tolist()
        rows = []
        for code, label in enumerate(self.classes):
            scores: list[Any] = ["", ""]
            if report.support[code]:
                scores = [float(report.precision[code]), float(report.recall[code])]
            rows.append([one_line(label), given[code], predicted[type(label), label], *scores])
        rows.sort(key=lambda row: -row[2])
        return rows[:_MAX_LABELS]

    def _notes(self) -> list[str]:
        notes = []
        if len(self.classes) > _MAX_LABELS:
            notes.append(f"the {_MAX_LABELS} most predicted of {len(self.classes):,} labels shown")
        notes.append(f"{self.method} ({self.why}); {self.calibrated}")
        notes.append(str(self.report))
        without = sum(label is None or label == () for label in self.labels)
        if without:
            level = "" if self.threshold is None else f" at threshold {self.threshold:g}"
            notes.append(f"{count(without, 'record')} without a label{level}")
        suspects = len(self._suspects())
        if suspects:
            are = "is" if suspects == 1 else "are"
            notes.append(f"{suspects:,} of the given labels {are} likely wrong: suspects()")
        unchecked = int((~checked_classes(self.held_out, self.given)).sum())
        if unchecked and self.report.labels:
            notes.append(
                f"no suspects are sought among {count(unchecked, 'label')} with too few examples, or that "
                "the model does not recognize"
            )
        return notes

    def _confusion_picture(self) -> str:
        drawn = 2 <= len(self.classes) <= _MAX_DRAWN
        if self.multilabel or not self.report.labels or not drawn:
            return ""
        counts = self._confusion_counts()[:, :-1]
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        names = [one_line(label, 20) for label in self.classes]

        def draw(axes: Any) -> None:
            axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
            if len(names) <= 20:
                axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7, parse_math=False)
                axes.set_yticks(range(len(names)), names, fontsize=7, parse_math=False)
            axes.set_xlabel("predicted")
            axes.set_ylabel("given")

        return picture(draw, alt="Confusion matrix of the held-out labels", width=4.0, height=3.6)

    @cached_property
    def _evaluated(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the held-out probabilities that there are, and the true labels."""
        known = ~np.isnan(self.held_out).any(axis=1)
        return self.held_out[known], self.given[known]

    def _assigned(
        self, probabilities: NDArray[np.float32], level: float | None = -1.0
    ) -> NDArray[np.bool_]:
        """Return (q, c), the labels that are assigned at a threshold; at that of the result by default."""
        level = self.threshold if level == -1.0 else level
        if self.multilabel:
            return probabilities >= (0.5 if level is None else level)
        assigned = np.zeros(probabilities.shape, dtype=bool)
        if probabilities.size:
            line, best = np.arange(len(probabilities)), probabilities.argmax(axis=1)
            assigned[line, best] = True if level is None else probabilities[line, best] >= level
        return assigned

    def _named(self, assigned: NDArray[np.bool_]) -> Any:
        labels = tuple(self.classes[code] for code in np.flatnonzero(assigned).tolist())
        return labels if self.multilabel else labels[0] if labels else None

    def _confusion_counts(self) -> NDArray[np.int64]:
        probabilities, given = self._evaluated
        assigned = self._assigned(probabilities)
        counts = np.zeros((len(self.classes), len(self.classes) + 1), dtype=np.int64)
        to = np.where(assigned.any(axis=1), assigned.argmax(axis=1), len(self.classes))
        np.add.at(counts, (given.argmax(axis=1), to), 1)
        return counts

    def _suspects(self) -> list[list[Any]]:
        texts = iter(self.examples)
        text_of = {at: next(texts) for at, row in enumerate(self.trained_rows.tolist()) if row < 0}
        rows: list[list[Any]] = []
        for at in label_errors(self.held_out, self.given, multilabel=self.multilabel).tolist():
            row, probabilities = int(self.trained_rows[at]), self.held_out[at : at + 1]
            suggested = self._named(self._assigned(probabilities, None)[0])
            confidence = float(_confidence(probabilities, self.multilabel)[0])
            text = text_of[at] if row < 0 else self.snapshot.document(row)
            id = None if row < 0 else self.snapshot.ids[row]
            rows.append([id, self._named(self.given[at]), suggested, confidence, text])
        return rows


def check_threshold(threshold: Any) -> float | None:
    """Return a threshold as a float, or None.

    Raises:
        InvalidArgumentError: It is neither None nor a number from 0 to 1.
    """
    if threshold is None:
        return None
    return check_number("threshold", threshold, 0, 1)


def _confidence(probabilities: NDArray[np.float32], multilabel: bool) -> NDArray[np.float32]:
    if not probabilities.size:
        return np.zeros(len(probabilities), dtype=np.float32)
    if not multilabel:
        return np.asarray(probabilities.max(axis=1))
    least: NDArray[np.float32] = np.maximum(probabilities, 1 - probabilities).min(axis=1)
    return least


def _write_predictions(snapshot: Snapshot, field: str, columns: dict[str, list[Any]]) -> int | None:
    """Write columns to the records that have no label of a user at the time of the write.

    Returns:
        The version of the collection after the write; None if it has no versions, or if others wrote in
        between.

    Raises:
        InvalidArgumentError: Others keep writing to the collection; nothing was written.
    """
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    predictions = dict(zip(snapshot.ids, rows, strict=True))
    origin = snapshot.origin
    if not hasattr(origin, "replace_records"):  # another client's, which takes a page at a time
        _write_pages(Snapshot.of(origin), field, predictions)
        return None
    now = snapshot
    for _ in range(_ATTEMPTS):
        if now.is_stale:
            now = origin.snapshot()
        update = _update(now, field, predictions)
        try:
            version = origin.replace_records(
                update=update, version=now.version, operation=None
            ).version
        except InvalidArgumentError:
            if not now.is_stale:
                raise
            continue
        return int(version) if now is snapshot else None
    raise InvalidArgumentError("Others keep writing to the collection. Try again later.")


def _update(now: Snapshot, field: str, predictions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    labels = user_labels(now, field)
    ids = [
        id for id, label in zip(now.ids, labels, strict=True) if label is None and id in predictions
    ]
    return {"ids": ids, "metadatas": [predictions[id] for id in ids]}


def _write_pages(now: Snapshot, field: str, predictions: dict[str, dict[str, Any]]) -> None:
    update = _update(now, field, predictions)
    for at in range(0, len(update["ids"]), _PAGE):
        page = slice(at, at + _PAGE)
        now.origin.update(ids=update["ids"][page], metadatas=update["metadatas"][page])
