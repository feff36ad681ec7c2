"""`label_queue`: asks which records to label next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.labels import (
    EncodedLabels,
    user_labels,
    check_choices,
    encode_labels,
    predicted_key,
    read_labels,
)
from chromalab.analytics.classify.methods import METHODS
from chromalab.analytics.classify.model_selection import choose
from chromalab.analytics.classify.points import Points
from chromalab.analytics.graph.copies import unit
from chromalab.cores import one_thread_blas
from chromalab.analytics.labeling.learning_curve import LearningCurve, learning_curve
from chromalab.analytics.labeling.replay import Replay, replayed
from chromalab.analytics.labeling.strategies import STRATEGIES, density, rule_for, take
from chromalab.analytics.result import Result
from chromalab.results.tables import html_table, one_line, text_table
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.results.tables import data_frame
from chromalab.snapshot import Snapshot
from chromalab.validation import check_key, check_random_state

if TYPE_CHECKING:
    import pandas

__all__ = ["LabelQueue", "label_queue", "write_labels"]

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

    While labels are few, records that lie far apart ("k-center"); then those that a model of the labels is
    least sure of ("margin"). Predictions that `classify` wrote count as no labels.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        field: The metadata key of the labels, which no record may have yet; or (n,) labels, None for none.
        strategy: "auto", "k-center", "margin", "margin + diverse", "entropy" or "random".
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
        raise InvalidArgumentError(f"n is a whole number from 1 on; got {short(n)}.")
    random_state = check_random_state(random_state)
    allowed = None if choices is None else check_choices(choices)
    snapshot = Snapshot.of(data)
    is_key = isinstance(field, str)
    values = (
        user_labels(snapshot, check_key(field, "field"))
        if is_key
        else read_labels(field, len(snapshot))
    )
    given = encode_labels(values, allowed or ())
    points = Points(
        snapshot,
        np.empty((0, snapshot.dimension), dtype=np.float32),
        random_state=random_state,
        progress=progress,
    )
    rng = np.random.default_rng(random_state)
    seen = given.truth.sum(axis=0) > 0
    stage = rule_for(strategy, len(given.rows), int(seen.sum()))
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
            density=density(points.graph),
            probabilities=None if sure is None else sure[:, seen],
            multilabel=given.multilabel,
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
        labeled=len(given.rows),
        unlabeled=len(snapshot) - len(given.rows),
        labels=None if is_key else tuple(values),
    )


def _candidates(points: Points, given: EncodedLabels) -> NDArray[np.int64]:
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
    points: Points, given: EncodedLabels, seen: NDArray[np.bool_], at: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """Probabilities of the classes for some records; None where there are no two classes to on_progress apart."""
    if seen.sum() < 2 or not len(at):
        return None
    truth = given.truth[:, seen]
    few = float(np.median(truth.sum(axis=0))) <= _FEW
    method = "logistic" if not few else "propagation" if given.multilabel else "few-shot"
    chosen = choose(points, given.rows, truth, asked=method, multilabel=given.multilabel)
    scores = METHODS[method](points, given.rows, truth, at, given.multilabel)
    found = np.zeros((len(at), len(given.classes)), dtype=np.float32)
    found[:, seen] = chosen.calibration.probabilities(scores, given.multilabel)
    return found


def _reasons(
    stage: str, taken_for: NDArray[np.float64], given: EncodedLabels, sure: NDArray[np.float32] | None
) -> tuple[str, ...]:
    if stage == "random":
        return ("drawn at random",) * len(taken_for)
    if stage == "k-center":
        what = "cosine distance {:.2f} to the nearest labeled or chosen one"
        said = [what.format(value) for value in taken_for.tolist()]
        return tuple(["the most central one", *said[1:]] if said and not len(given.rows) else said)
    if stage == "entropy" or sure is None or given.multilabel:
        return tuple(f"{stage} {value:.2f}" for value in taken_for.tolist())
    best = np.argsort(-sure, axis=1, kind="stable")[:, :2].tolist()
    return tuple(
        " or ".join(f"{one_line(given.classes[code], 30)} {row[code]:.2f}" for code in codes)
        for codes, row in zip(best, sure.tolist(), strict=True)
    )


_SHOWN = 20
_COLUMNS = ("id", "document", "guess", "confidence", "reason")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LabelQueue(Result):
    """Records to label next, the most useful first.

    Attributes:
        snapshot: All records.
        parameters: `field`, `strategy`, `n`, `choices`, `random_state`.
        recall: Of the neighbor graph.
        rows: (q,) int64, the rows of the records in the queue.
        classes: The labels that there are, and those of `choices`.
        guesses: (q,) int32, what the model thinks, as a place in `classes`; -1 where there is no model.
        confidence: (q,) float32, how sure it is; 0 where there is none.
        reasons: Why each is in the queue.
        stage: The rule that took them.
        labeled: How many records have a label that a person gave.
        unlabeled: How many have none.
        labels: (n,) labels that were given for an array; None where they are in metadata.
    """

    reads_records = True

    rows: NDArray[np.int64]
    classes: Sequence[Any]
    guesses: NDArray[np.int32]
    confidence: NDArray[np.float32]
    reasons: Sequence[str]
    stage: str
    labeled: int
    unlabeled: int
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
    def curve(self) -> LearningCurve:
        """How accuracy grew with the labels that are there, and what n more would add; made when asked for."""
        vectors, given = self._learned()
        rng = np.random.default_rng(self.random_state)
        more = int(self.parameters["n"])
        return learning_curve(vectors, given.truth, more, multilabel=given.multilabel, rng=rng)

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

        It says so where there are too few to on_progress.
        """
        vectors, given = self._learned()
        return replayed(
            self.parameters["strategy"],
            vectors,
            given.truth,
            multilabel=given.multilabel,
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

    def _learned(self) -> tuple[NDArray[np.float32], EncodedLabels]:
        """The vectors of what has a label, and the labels."""
        values = self.labels
        if values is None:
            values = user_labels(self.snapshot, self.parameters["field"])
        given = encode_labels(values)
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
        what = f"{self.labeled:,} records have a label, {self.unlabeled:,} have none"
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
        raise InvalidArgumentError(f"Labels are a dict by id; got {short(labels)}.")
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
