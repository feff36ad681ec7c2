"""`label_queue` and its result: which records to label next, and whether more labels are worth it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
from chromalab.analytics.classify.labels import (
    EncodedLabels,
    check_choices,
    encode_labels,
    predicted_key,
    read_labels,
    user_labels,
)
from chromalab.analytics.classify.methods import METHODS
from chromalab.analytics.classify.model_selection import choose_method, default_method
from chromalab.analytics.classify.points import Points
from chromalab.analytics.classify.report import checked_classes, held_out_accuracy
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.label_values import is_list, plain_labels
from chromalab.analytics.labeling.learning_curve import LearningCurve, learning_curve
from chromalab.analytics.labeling.replay import Replay, replay_labels
from chromalab.analytics.labeling.strategies import STRATEGIES, Strategy, density, rule_for, select
from chromalab.analytics.result import Result
from chromalab.arguments.values import check_field, check_integer, check_random_state
from chromalab.cores import one_thread_blas
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.results.tables import count, cut, one_line
from chromalab.snapshot import Snapshot
from chromalab.types import Where

__all__ = ["LabelQueue", "label_queue", "write_labels"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LabelQueue(Result):
    """Records to label next, the most useful first.

    Attributes:
        snapshot: All records.
        parameters: `field`, `strategy`, `n`, `choices`, `random_state`.
        recall: The recall of the neighbor graph.
        rows: (q,) int64, the rows of the records in the queue.
        classes: Those of `choices`, then the other labels that occur, in alphabetical order.
        guesses: (q,) int32, the label that the model predicts, as an index into `classes`; -1 if there is
            no model.
        confidence: (q,) float32, its probability; 0 if there is no model.
        reasons: Why each record is in the queue.
        stage: The rule that selected the records.
        labeled: The number of records with a label that a user gave.
        unlabeled: The number of other records.
        labels: (n,) labels that were given for an array; None if they are in metadata.
    """

    reads_records = True
    _columns = ("id", "document", "guess", "confidence", "reason")
    _width = 60

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
        """The texts of the records to label."""
        return [self.snapshot.document(row) for row in self.rows.tolist()]

    @cached_property
    def curve(self) -> LearningCurve:
        """Balanced accuracy by the number of labels, and what n more would add; computed on first access."""
        vectors, given = self._labeled_vectors()
        rng = np.random.default_rng(self.random_state)
        more = int(self.parameters["n"])
        curve = learning_curve(vectors, given.truth, more, multilabel=given.multilabel, rng=rng)
        if not len(curve.sizes):
            return curve
        points = _points(self.snapshot, self.random_state or 0, progress=False)
        chosen = choose_method(
            points, given.rows, given.truth, requested="auto", multilabel=given.multilabel
        )
        held_out = chosen.calibration.probabilities(chosen.scores, given.multilabel)
        checked = checked_classes(held_out, given.truth)
        return replace(
            curve,
            accuracy=held_out_accuracy(held_out, given.truth, multilabel=given.multilabel),
            method=chosen.method,
            classes=len(self.classes),
            unchecked=len(self.classes) - int(checked.sum()),
        )

    @property
    def should_stop(self) -> bool:
        """Whether nine labels of ten have enough examples, and more would add less than half a point."""
        return self.curve.is_enough

    def label(self, labels: Mapping[str, Any]) -> int:
        """Write labels that a user gave, in one transaction; they replace predictions.

        Args:
            labels: Labels by id, also of records that are not in the queue. A missing or blank one
                skips the record.

        Returns:
            The number of labels written. Call `label_queue` again for the next records.

        Raises:
            InvalidArgumentError: There is no such record, or a label is not one of the choices; nothing
                was written.
        """
        field, choices = self.parameters["field"], self.parameters["choices"]
        if self.snapshot.origin is None or self.labels is not None:
            raise InvalidArgumentError(
                "There is no collection to write to: the labels of this queue were given as a list. Add "
                "the new ones to your own list, and call label_queue again."
            )
        given = _by_id(labels)
        for id in given:
            self.snapshot.row_of(id)
        return write_labels(self.snapshot.origin, field, given, choices=choices)

    def replay(self) -> Replay:
        """Compare the strategy with random selection on the labels that there are, in five repeats.

        If there are too few labels, the result says so.
        """
        vectors, given = self._labeled_vectors()
        return replay_labels(
            self.parameters["strategy"],
            vectors,
            given.truth,
            multilabel=given.multilabel,
            random_state=self.random_state or 0,
        )

    def columns(self, field: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the position in the queue, starting with 1."""
        positions: list[int | None] = [None] * len(self.snapshot)
        for position, row in enumerate(self.rows.tolist(), 1):
            positions[row] = position
        return {field: positions}

    def check(self) -> None:
        """Raise ValueError if the parts are inconsistent."""
        q = len(self.rows)
        if (
            self.guesses.shape != (q,)
            or self.confidence.shape != (q,)
            or len(self.reasons) != q
            or not ((self.rows >= 0) & (self.rows < len(self.snapshot))).all()
            or not ((self.guesses >= -1) & (self.guesses < len(self.classes))).all()
        ):
            raise ValueError("the parts of the queue are inconsistent")

    def _rows(self) -> list[list[Any]]:
        """One row per record in the queue."""
        guesses = [self.classes[code] if code >= 0 else None for code in self.guesses.tolist()]
        confidence = [
            round(value, 3) if code >= 0 else None
            for value, code in zip(self.confidence.tolist(), self.guesses.tolist(), strict=True)
        ]
        parts = (self.ids, self.documents, guesses, confidence, self.reasons)
        return [list(line) for line in zip(*parts, strict=True)]

    def _summary(self) -> str:
        labeled = f"{count(self.labeled, 'record')} labeled, {self.unlabeled:,} unlabeled"
        by = f"; {len(self):,} next by {self.stage}" if len(self) else ""
        lines = [cut(self._limit, len(self)), labeled + by, str(self.curve)]
        return "\n".join(filter(None, lines))

    def _labeled_vectors(self) -> tuple[NDArray[np.float32], EncodedLabels]:
        """Return the vectors of the labeled records, and their labels."""
        values = self.labels
        if values is None:
            values = user_labels(self.snapshot, self.parameters["field"])
        given = encode_labels(values)
        return unit(self.snapshot.vectors[given.rows])[0], given


@analysis(LabelQueue)
def label_queue(
    data: Any,
    field: str | Sequence[Any],
    *,
    strategy: Strategy = "auto",
    n: int = 20,
    choices: Sequence[Any] | None = None,
    where: Where | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> LabelQueue:
    """Select the records to label next, so that a few labels teach as much as possible.

    While labels are few, these are records that lie far apart ("k-center"). Later, they are the records
    that a model of the labels is least certain about ("margin"). Predictions that `classify` wrote do not
    count as labels.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        field: Metadata field of the labels, which no record needs to have yet; or (n,) labels, with None
            for an unlabeled record.
        strategy: Selection strategy: "auto", "k-center", "margin", "margin + diverse", "entropy" or
            "random".
        n: Number of records to select.
        choices: Labels that a user may choose from; any label by default.
        where: Select only from the records that match this filter.
        random_state: Seed of the neighbor graph, of the model and of random selection.
        progress: Show a progress bar after one second.

    Returns:
        The records to label, each with a guess and a reason.

    Raises:
        InvalidArgumentError: The strategy is unknown, or `n` is not a positive integer.

    Example:
        >>> import chromalab
        >>> facts = chromalab.EphemeralClient().create_collection("facts")
        >>> _ = facts.add_from(chromalab.datasets.load("facts"))
        >>> queue = facts.label_queue("about", n=2)
        >>> queue.label({queue.ids[0]: "nature"})
        1
        >>> facts.label_queue("about", n=2).labeled
        1
    """
    if strategy not in STRATEGIES:
        hint = near(str(strategy), STRATEGIES, what="Strategies")
        raise InvalidArgumentError(f"No strategy {short(strategy)}. {hint}")
    check_integer("n", n, 1)
    random_state = check_random_state(random_state)
    allowed = None if choices is None else check_choices(choices)
    snapshot: Snapshot = data
    is_field = isinstance(field, str)
    values = (
        user_labels(snapshot, check_field(field, "field"))
        if is_field
        else read_labels(field, len(snapshot))
    )
    # In alphabetical order: that of the records changes with every label, and with it the keys of a widget.
    first = allowed or []
    found = encode_labels(values, first).classes[len(first) :]
    others = sorted(found, key=lambda label: (type(label).__name__, label))
    given = encode_labels(values, [*first, *others])
    points = _points(snapshot, random_state, progress=progress)
    rng = np.random.default_rng(random_state)
    seen = given.truth.sum(axis=0) > 0
    rule = rule_for(strategy, len(given.rows), int(seen.sum()))
    candidates = _candidates(points, given) if len(snapshot) else np.empty(0, dtype=np.int64)
    probabilities = _probabilities(points, given, seen, candidates)
    rows, values_of = np.empty(0, dtype=np.int64), np.empty(0)
    selected = np.empty(0, dtype=np.int64)
    if len(candidates):
        selected, values_of = select(
            rule,
            points.vectors,
            given.rows,
            candidates,
            int(n),
            density=density(points.graph),
            probabilities=None if probabilities is None else probabilities[:, seen],
            multilabel=given.multilabel,
            rng=rng,
        )
        rows = candidates[selected]
    guesses = np.full(len(rows), -1, dtype=np.int32)
    confidence = np.zeros(len(rows), dtype=np.float32)
    of_selected = None if probabilities is None else probabilities[selected]
    if of_selected is not None and len(rows):
        guesses = of_selected.argmax(axis=1).astype(np.int32)
        confidence = of_selected.max(axis=1).astype(np.float32)
    return LabelQueue(
        snapshot=snapshot,
        parameters={
            "field": field if is_field else "given",
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
        reasons=_reasons(rule, values_of, given, of_selected),
        stage=rule,
        labeled=len(given.rows),
        unlabeled=len(snapshot) - len(given.rows),
        labels=None if is_field else tuple(values),
    )


def write_labels(
    collection: Any, field: str, labels: Mapping[str, Any], *, choices: Sequence[Any] | None = None
) -> int:
    """Write labels that users gave, and delete the marks of predictions beside them.

    Args:
        collection: A collection of chromalab, or of another client.
        field: The metadata field.
        labels: Labels by id; records with a missing or blank label are skipped.
        choices: The labels that are allowed; any by default.

    Returns:
        The number of labels written.

    Raises:
        InvalidArgumentError: A label is invalid, or is not one of the choices; nothing was written.
    """
    given = {}
    for id, label in _by_id(labels).items():
        parts = plain_labels(label)
        if parts:
            given[id] = parts if is_list(label) else parts[0]
        for part in parts:
            if choices is not None and part not in choices:
                hint = near(str(part), map(str, choices), what="Choices")
                raise InvalidArgumentError(f"{short(part)} is not one of the choices. {hint}")
    if not given:
        return 0
    marks = {predicted_key(field): None, f"{field}_confidence": None}
    metadatas = [{field: label, **marks} for label in given.values()]
    update = {"ids": list(given), "metadatas": metadatas}
    if hasattr(collection, "replace_records"):
        what = f"labels of {short(field)}"
        collection.replace_records(update=update, operation=what)
    else:
        collection.update(**update)
    return len(given)


def _by_id(labels: Any) -> dict[Any, Any]:
    """Read labels by id: a dict, or a pandas Series whose index has the ids."""
    if not isinstance(labels, Mapping) and not hasattr(labels, "items"):
        raise InvalidArgumentError(f"labels must be a dict of labels by id; got {short(labels)}.")
    return dict(labels.items())


def _points(snapshot: Snapshot, random_state: int, *, progress: bool) -> Points:
    nothing = np.empty((0, snapshot.dimension), dtype=np.float32)
    return Points(snapshot, nothing, random_state=random_state, progress=progress)


def _candidates(points: Points, given: EncodedLabels) -> NDArray[np.int64]:
    """Return the unlabeled rows to select from.

    Of records with equal vectors only one is a candidate, and none if one of them is labeled, as long as
    there are other candidates.
    """
    node, n = points.graph.node, len(points.snapshot)
    unlabeled = np.setdiff1d(np.arange(n), given.rows)
    known = np.zeros(len(points.graph), dtype=bool)
    known[node[given.rows]] = True
    fresh = unlabeled[~known[node[unlabeled]]]
    once = fresh[np.sort(np.unique(node[fresh], return_index=True)[1])]
    return once if len(once) else unlabeled


@one_thread_blas()
def _probabilities(
    points: Points, given: EncodedLabels, seen: NDArray[np.bool_], at: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """Return (q, c) probabilities of some rows; None if fewer than two classes have labels."""
    if seen.sum() < 2 or not len(at):
        return None
    truth = given.truth[:, seen]
    method = default_method(truth, given.multilabel)
    chosen = choose_method(points, given.rows, truth, requested=method, multilabel=given.multilabel)
    scores = METHODS[method](points, given.rows, truth, at, given.multilabel)
    probabilities = np.zeros((len(at), len(given.classes)), dtype=np.float32)
    probabilities[:, seen] = chosen.calibration.probabilities(scores, given.multilabel)
    return probabilities


def _reasons(
    rule: str,
    values: NDArray[np.float64],
    given: EncodedLabels,
    probabilities: NDArray[np.float32] | None,
) -> tuple[str, ...]:
    """Explain for each record why the rule selected it."""
    if rule == "random":
        return ("selected at random",) * len(values)
    if rule == "k-center":
        reason = "cosine distance {:.2f} to the nearest labeled or selected record"
        reasons = [reason.format(value) for value in values.tolist()]
        if reasons and not len(given.rows):
            reasons[0] = "the most central record"
        return tuple(reasons)
    if rule == "entropy" or probabilities is None or given.multilabel:
        return tuple(f"{rule} {value:.2f}" for value in values.tolist())
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :2].tolist()
    return tuple(
        " or ".join(f"{one_line(given.classes[code], 30)} {row[code]:.2f}" for code in codes)
        for codes, row in zip(best, probabilities.tolist(), strict=True)
    )
