"""`Classification`: a label for every record, how sure it is, and how often such labels are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify import classification
from chromalab.analytics.classify.calibration import expected_calibration_error
from chromalab.analytics.classify.labels import user_labels, predicted_key
from chromalab.analytics.classify.report import ClassifierReport, reported, suspected
from chromalab.results.picture import picture
from chromalab.analytics.result import Result
from chromalab.results.tables import html_table, one_line, text_table
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.tables import data_frame
from chromalab.snapshot import Snapshot
from chromalab.validation import check_key

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

__all__ = ["Classification", "as_html", "as_text", "check_threshold", "columns_of", "write"]

_KEPT = 25_000_000  # probabilities; more would fill the folder of kept results
_FRAME = ("id", "label", "probability", "given", "document")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Classification(Result):
    """A label for every record.

    Attributes:
        snapshot: The records.
        parameters: What was asked for; `random_state` among them.
        recall: Of the neighbor graph.
        classes: The labels that there are.
        multilabel: Whether a record may have multilabel of them.
        method: How labels were learned.
        why: Why that method.
        tried: A row a method that was compared: `method`, `score`, `error`, `note`.
        calibrated: What was done for probabilities to be as often right as they say.
        probabilities: (n, c) float32, of each class; for records with a label of their own by models that did
            not see it, where that was possible.
        threshold: Less probable labels are not given; None for none (0.5 where a record may have multilabel).
        examples: Texts that were learned from and are no records.
        trained_rows: (t,) int64, the record of each label that was learned from; -1 for an example.
        given: (t, c) bool, these labels.
        held_out: (t, c) float32, probabilities by models that did not see the label; NaN where there are none.
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
        """Whether it is kept: not where there are too many probabilities."""
        return self.probabilities.size + self.held_out.size <= _KEPT

    @cached_property
    def labels(self) -> list[Any]:
        """The label of each record: its own, else the predicted one; None below the threshold.

        Where records may have multilabel, tuples.
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
        """(n,) float32, the probability of the likeliest label; with multilabel, of the least sure yes or no."""
        return _sure(self.probabilities, self.multilabel)

    @property
    def is_labeled(self) -> NDArray[np.bool_]:
        """(n,) bool, whether the record had a label, which was learned from."""
        found = np.zeros(len(self.snapshot), dtype=bool)
        found[self.trained_rows[self.trained_rows >= 0]] = True
        return found

    @cached_property
    def report(self) -> ClassifierReport:
        """Accuracy, precision, recall and F1, cross-validated, at this threshold."""
        sure, given = self._evaluated
        said, top = self._said(sure), _sure(sure, self.multilabel)
        right = (self._said(sure, None) == given).all(axis=1)
        error = expected_calibration_error(top, right)
        if self.multilabel:
            error = expected_calibration_error(sure.ravel(), given.ravel())
        below = 0 if self.multilabel else int((~said.any(axis=1)).sum())
        return reported(tuple(self.classes), said, given, below, error)

    def at(self, threshold: float | None) -> Self:
        """Give only labels of at least this probability, without learning anew; None for all.

        Raises:
            InvalidArgumentError: it is no number from 0 to 1.
        """
        level = check_threshold(threshold)
        return replace(self, threshold=level, parameters={**self.parameters, "threshold": level})

    def confusion(self) -> pandas.DataFrame:
        """Count held-out labels: a row a true label, a column a predicted one; "no label" below the threshold.

        Raises:
            InvalidArgumentError: records may have multilabel labels, for which `report` has what there is.
        """
        if self.multilabel:
            raise InvalidArgumentError(
                "Records with multilabel labels have no confusion matrix; report.df() has a row a label."
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
            self.is_labeled.tolist(),
            map(self.snapshot.document, range(len(self.snapshot))),
            strict=True,
        )
        return data_frame(list(rows), _FRAME)

    def columns(self, key: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the label, the same again as the mark of a prediction, its confidence."""
        labels = self.labels
        if self.multilabel:
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
        key = check_key(key, "into")
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
            or self.held_out.shape != (t, c)
            or not ((self.trained_rows >= -1) & (self.trained_rows < len(self.snapshot))).all()
            or int((self.trained_rows < 0).sum()) != len(self.examples)
        ):
            raise ValueError("the parts of the classification do not fit together")

    def __repr__(self) -> str:
        return classification.as_text(self, self._made())

    def _repr_html_(self) -> str:
        return classification.as_html(self, self._made())

    @cached_property
    def _evaluated(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        there = ~np.isnan(self.held_out).any(axis=1)
        return self.held_out[there], self.given[there]

    def _said(self, sure: NDArray[np.float32], level: float | None = -1.0) -> NDArray[np.bool_]:
        """(q, c), which labels are given at these probabilities."""
        level = self.threshold if level == -1.0 else level
        if self.multilabel:
            return sure >= (0.5 if level is None else level)
        said = np.zeros(sure.shape, dtype=bool)
        if sure.size:
            line, best = np.arange(len(sure)), sure.argmax(axis=1)
            said[line, best] = True if level is None else sure[line, best] >= level
        return said

    def _named(self, said: NDArray[np.bool_]) -> Any:
        found = tuple(self.classes[place] for place in np.flatnonzero(said).tolist())
        return found if self.multilabel else found[0] if found else None

    def _confused(self) -> NDArray[np.int64]:
        sure, given = self._evaluated
        said = self._said(sure)
        counts = np.zeros((len(self.classes), len(self.classes) + 1), dtype=np.int64)
        to = np.where(said.any(axis=1), said.argmax(axis=1), len(self.classes))
        np.add.at(counts, (given.argmax(axis=1), to), 1)
        return counts

    def _suspects(self) -> list[list[Any]]:
        places = suspected(self.held_out, self.given, multilabel=self.multilabel)
        texts = iter(self.examples)
        text_of = {
            place: next(texts) for place, row in enumerate(self.trained_rows.tolist()) if row < 0
        }
        rows: list[list[Any]] = []
        for place in places.tolist():
            row, sure = int(self.trained_rows[place]), self.held_out[place : place + 1]
            suggested = self._named(self._said(sure, None)[0])
            confidence = float(_sure(sure, self.multilabel)[0])
            text = text_of[place] if row < 0 else self.snapshot.document(row)
            id = None if row < 0 else self.snapshot.ids[row]
            rows.append([id, self._named(self.given[place]), suggested, confidence, text])
        return rows


def check_threshold(threshold: Any) -> float | None:
    """Return it as a float.

    Raises:
        InvalidArgumentError: it is neither None nor a number from 0 to 1.
    """
    if threshold is None:
        return None
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | np.number):
        raise InvalidArgumentError(f"threshold is a number from 0 to 1; got {short(threshold)}.")
    if not 0 <= threshold <= 1:
        raise InvalidArgumentError(f"threshold is a number from 0 to 1; got {short(threshold)}.")
    return float(threshold)


def _sure(sure: NDArray[np.float32], multilabel: bool) -> NDArray[np.float32]:
    if not sure.size:
        return np.zeros(len(sure), dtype=np.float32)
    least: NDArray[np.float32] = np.maximum(sure, 1 - sure).min(axis=1)
    return least if multilabel else np.asarray(sure.max(axis=1))


_SHOWN = 10  # labels
_SUSPECTS = 5
_DRAWN = 60  # classes in the picture
_COLUMNS = ("label", "given", "predicted", "precision", "recall")
_DOUBTED = ("id", "given", "suggested", "confidence", "document")
_TRIED = ("method", "score", "note")


def as_text(found: Classification, made: str) -> str:
    """Show the largest labels, and how good it is."""
    table = text_table(_COLUMNS, _rows(found), width=48)
    return "\n".join([table, *_notes(found), made])


def as_html(found: Classification, made: str) -> str:
    """Show the same as HTML, with the methods that were tried, the confusion and the first suspects."""
    parts = [html_table(_COLUMNS, _rows(found), note="; ".join([*_notes(found), made]))]
    if found.tried:
        tried = [[row["method"], row["score"], row["note"]] for row in found.tried]
        parts.append(html_table(_TRIED, tried, caption="Methods, by cross-validation"))
    doubted = found._suspects()
    if doubted:
        note = f"{_SUSPECTS} of {len(doubted):,} shown" if len(doubted) > _SUSPECTS else ""
        shown = [[id or "an example", *rest] for id, *rest in doubted[:_SUSPECTS]]
        parts.append(html_table(_DOUBTED, shown, caption="Labels that are likely wrong", note=note))
    return "".join(parts) + _confusion(found)


def _rows(found: Classification) -> list[list[Any]]:
    own = found.is_labeled
    guessed: Counter[Any] = Counter()
    for label, known in zip(found.predicted, own.tolist(), strict=True):
        if not known and label is not None:
            guessed.update([(type(one), one) for one in (label if found.multilabel else [label])])
    report = found.report
    given = found.given.sum(axis=0).tolist()
    rows = []
    for place, label in enumerate(found.classes):
        scores: list[Any] = ["", ""]
        if report.support[place]:
            scores = [float(report.precision[place]), float(report.recall[place])]
        rows.append([one_line(label), given[place], guessed[type(label), label], *scores])
    rows.sort(key=lambda row: -row[2])
    return rows[:_SHOWN]


def _notes(found: Classification) -> list[str]:
    notes = []
    if len(found.classes) > _SHOWN:
        notes.append(f"the {_SHOWN} most predicted of {len(found.classes):,} labels shown")
    notes.append(f"{found.method} ({found.why}); {found.calibrated}")
    notes.append(str(found.report))
    without = sum(label is None or label == () for label in found.labels)
    if without:
        level = "" if found.threshold is None else f" at threshold {found.threshold:g}"
        notes.append(f"{without:,} records without a label{level}")
    doubted = len(found._suspects())
    if doubted:
        notes.append(f"{doubted:,} of the labels given are likely wrong: suspects()")
    return notes


def _confusion(found: Classification) -> str:
    if found.multilabel or not found.report.labels or not 2 <= len(found.classes) <= _DRAWN:
        return ""
    counts = found._confused()[:, :-1]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [one_line(label, 20) for label in found.classes]

    def draw(axes: Any) -> None:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        if len(names) <= 20:
            axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7, parse_math=False)
            axes.set_yticks(range(len(names)), names, fontsize=7, parse_math=False)
        axes.set_xlabel("predicted")
        axes.set_ylabel("given")

    return picture(draw, alt="Confusion matrix of the held-out labels", width=4.0, height=3.6)


_PAGE = 1000
_TRIES = 5  # as long as others write in between


def columns_of(key: str, labels: Sequence[Any], sure: Sequence[float]) -> dict[str, list[Any]]:
    """Return a value a record for each metadata key; None, which deletes, where there is no label."""
    there = [label is not None for label in labels]
    return {
        key: list(labels),
        predicted_key(key): list(labels),
        f"{key}_confidence": [
            round(float(value), 4) if known else None
            for value, known in zip(sure, there, strict=True)
        ],
    }


def write(snapshot: Snapshot, key: str, columns: dict[str, list[Any]]) -> int | None:
    """Write columns to the records whose value under `key` no person gave, as it stands now.

    Returns:
        The version of the collection after it, None where it has none or others wrote before.

    Raises:
        InvalidArgumentError: others write all the time; nothing was written.
    """
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    wanted = dict(zip(snapshot.ids, rows, strict=True))
    origin = snapshot.origin
    if not hasattr(origin, "replace_records"):  # of another program, which takes a page at a time
        _write_pages(Snapshot.of(origin), key, wanted)
        return None
    now = snapshot
    for _ in range(_TRIES):
        if now.is_stale:
            now = origin.snapshot()
        update = _update(now, key, wanted)
        try:
            version = origin.replace_records(update=update, version=now.version).version
        except InvalidArgumentError:
            if not now.is_stale:
                raise
            continue
        return int(version) if now is snapshot else None
    raise InvalidArgumentError(
        "The collection is being written to by others all the time; try again."
    )


def _update(now: Snapshot, key: str, wanted: dict[str, dict[str, Any]]) -> dict[str, Any]:
    people = user_labels(now, key)
    ids = [id for id, label in zip(now.ids, people, strict=True) if label is None and id in wanted]
    return {"ids": ids, "metadatas": [wanted[id] for id in ids]}


def _write_pages(now: Snapshot, key: str, wanted: dict[str, dict[str, Any]]) -> None:
    update = _update(now, key, wanted)
    for at in range(0, len(update["ids"]), _PAGE):
        page = slice(at, at + _PAGE)
        now.origin.update(ids=update["ids"][page], metadatas=update["metadatas"][page])
