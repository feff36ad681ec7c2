"""`LabelQueue`: which records to label next, and whether more labels are worth it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.labels import Given, by_people, coded, predicted_key
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.labelling.curve import Curve, learning_curve
from chromalab.analytics.labelling.replay import Replay, replayed
from chromalab.analytics.result import Result
from chromalab.display import html_table, text_table
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["LabelQueue", "write_labels"]

_SHOWN = 20
_COLUMNS = ("id", "document", "guess", "confidence", "reason")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LabelQueue(Result):
    """Records to label next, the most useful first.

    Attributes:
        snapshot: All records.
        parameters: `field`, `strategy`, `n`, `choices`, `random_state`.
        recall: Of the neighbour graph.
        rows: (q,) int64, the rows of the records in the queue.
        classes: The labels that there are, and those of `choices`.
        guesses: (q,) int32, what the model thinks, as a place in `classes`; -1 where there is no model.
        confidence: (q,) float32, how sure it is; 0 where there is none.
        reasons: Why each is in the queue.
        stage: The rule that took them.
        labelled: How many records have a label that a person gave.
        unlabelled: How many have none.
        labels: (n,) labels that were given for an array; None where they are in metadata.
    """

    reads_records = True

    rows: NDArray[np.int64]
    classes: Sequence[Any]
    guesses: NDArray[np.int32]
    confidence: NDArray[np.float32]
    reasons: Sequence[str]
    stage: str
    labelled: int
    unlabelled: int
    labels: Sequence[Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ids(self) -> list[str]:
        """The ids of the records to label, the most useful first."""
        return [self.snapshot.ids[row] for row in self.rows.tolist()]

    @property
    def documents(self) -> list[str]:
        """Their texts."""
        return [self.snapshot.document(row) for row in self.rows.tolist()]

    @cached_property
    def curve(self) -> Curve:
        """How accuracy grew with the labels that are there, and what n more would add; made when asked for."""
        vectors, given = self._learned()
        rng = np.random.default_rng(self.random_state)
        more = int(self.parameters["n"])
        return learning_curve(vectors, given.truth, more, several=given.several, rng=rng)

    @property
    def should_stop(self) -> bool:
        """Whether more labels are expected to add less than half a point."""
        return self.curve.is_flat

    def label(self, labels: Mapping[str, Any]) -> int:
        """Write labels that a person gave, in one transaction; they win over predictions.

        Args:
            labels: A label by id; of any record, not only of the queue. None skips a record.

        Returns:
            How many were written. Ask `label_queue` again for the next ones.

        Raises:
            InvalidArgumentError: there is no such record, or a label is none of the choices; nothing was
                written.
        """
        field, choices = self.parameters["field"], self.parameters["choices"]
        if self.snapshot.origin is None or self.labels is not None:
            raise InvalidArgumentError(
                "There is no collection to write to: put the labels into your own list, and ask again."
            )
        for id in labels if isinstance(labels, Mapping) else ():
            self.snapshot.row_of(id)
        return write_labels(self.snapshot.origin, field, labels, choices=choices)

    def replay(self) -> Replay:
        """Compare the strategy with random picking on the labels that are there, five times over.

        It says so where there are too few to tell.
        """
        vectors, given = self._learned()
        return replayed(
            self.parameters["strategy"],
            vectors,
            given.truth,
            several=given.several,
            random_state=self.random_state or 0,
        )

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a record, with id, document, guess, confidence, reason."""
        return data_frame(self._lines(), _COLUMNS)

    def columns(self, key: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the place in the queue, from 1."""
        places: list[int | None] = [None] * len(self.snapshot)
        for place, row in enumerate(self.rows.tolist(), 1):
            places[row] = place
        return {key: places}

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        q = len(self.rows)
        if (
            self.guesses.shape != (q,)
            or self.confidence.shape != (q,)
            or len(self.reasons) != q
            or not ((self.rows >= 0) & (self.rows < len(self.snapshot))).all()
            or not ((self.guesses >= -1) & (self.guesses < len(self.classes))).all()
        ):
            raise ValueError("the parts of the queue do not fit together")

    def __repr__(self) -> str:
        table = text_table(_COLUMNS, self._lines()[:_SHOWN], width=60)
        return "\n".join([table, *self._notes(), self._made()])

    def _repr_html_(self) -> str:
        notes = "; ".join([*self._notes(), self._made()])
        return html_table(_COLUMNS, self._lines()[:_SHOWN], note=notes)

    def _learned(self) -> tuple[NDArray[np.float32], Given]:
        """The vectors of what has a label, and the labels."""
        values = self.labels
        if values is None:
            values = by_people(self.snapshot, self.parameters["field"])
        given = coded(values)
        return unit(self.snapshot.vectors[given.rows])[0], given

    def _lines(self) -> list[list[Any]]:
        guesses = [self.classes[code] if code >= 0 else None for code in self.guesses.tolist()]
        sure = [
            round(value, 3) if code >= 0 else None
            for value, code in zip(self.confidence.tolist(), self.guesses.tolist(), strict=True)
        ]
        parts = (self.ids, self.documents, guesses, sure, self.reasons)
        return [list(line) for line in zip(*parts, strict=True)]

    def _notes(self) -> list[str]:
        notes = []
        if len(self) > _SHOWN:
            notes.append(f"{_SHOWN} of {len(self):,} shown")
        what = f"{self.labelled:,} records have a label, {self.unlabelled:,} have none"
        notes.append(f"{what}; {len(self):,} next by {self.stage}" if len(self) else what)
        notes.append(str(self.curve))
        return notes


def write_labels(
    collection: Any, field: str, labels: Mapping[str, Any], *, choices: Sequence[Any] | None = None
) -> int:
    """Write labels that people gave, and delete the marks of predictions beside them.

    Args:
        collection: Of chromalab, or of another program.
        field: The metadata key.
        labels: A label by id; None skips one.
        choices: What labels there may be; None for any.

    Returns:
        How many.

    Raises:
        InvalidArgumentError: a label cannot be used, or is none of the choices; nothing was written.
    """
    if not isinstance(labels, Mapping):
        raise InvalidArgumentError(f"Labels are a dict by id; found {short(labels)}.")
    given = {id: label for id, label in labels.items() if label is not None}
    for label in given.values():
        parts = label if isinstance(label, list | tuple) else [label]
        for part in parts:
            if choices is not None and part not in choices:
                hint = near(str(part), map(str, choices), what="Choices")
                raise InvalidArgumentError(f"{short(part)} is none of the choices. {hint}")
    marks = {predicted_key(field): None, f"{field}_confidence": None}
    written = [
        {field: list(label) if isinstance(label, tuple) else label, **marks}
        for label in given.values()
    ]
    if not given:
        return 0
    update = {"ids": list(given), "metadatas": written}
    if hasattr(collection, "replace_records"):
        collection.replace_records(update=update)
    else:
        collection.update(**update)
    return len(given)
