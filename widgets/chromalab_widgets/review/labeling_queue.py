"""`LabelingQueue`: records to label, the most informative first; labels are written immediately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chromalab.analytics.classify.labels import check_choices, predicted_key
from chromalab.arguments.values import check_field
from chromalab.errors import InvalidArgumentError, NotFoundError, short
from chromalab.feedback import Decision
from chromalab.results.tables import count
from chromalab_widgets.review.queue import Choice, Item, Queue, ReviewRecord

__all__ = ["LabelingQueue"]

_LABEL = "label "


class LabelingQueue(Queue):
    """Unlabeled records in the order of `collection.label_queue`, one batch at a time.

    Args:
        collection: A chromalab collection.
        field: The metadata field of the labels.
        choices: The possible labels; if None, the existing labels and any label that is typed.
        n: The number of records in a batch; the model is retrained after each.
        by: Who labels; by default, the user of this machine.
        options: Further options for `collection.label_queue`: `where`, `strategy`, `random_state`.
    """

    kind: ClassVar[str] = "labels"
    has_guesses: ClassVar[bool] = True

    def __init__(
        self,
        collection: Any,
        field: str,
        *,
        choices: Sequence[Any] | None = None,
        n: int = 20,
        by: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(collection, f"labels of {check_field(field, 'field')}", by=by)
        self.field = field
        self._labels: list[Any] = [] if choices is None else check_choices(choices)
        self._options = {"choices": self._labels or None, **options}
        self._n = n
        self._is_open = choices is None
        self._items: list[str] = []
        self.more()
        if self._is_open:  # in the order in which they were first given, so that each keeps its key
            given = [d.value for d in self.decisions if d.choice == "label"]
            self._labels.sort(key=lambda label: _find(given, label) % (len(given) + 1))

    @property
    def items(self) -> Sequence[str]:
        """The ids of the batches so far."""
        return self._items

    @property
    def choices(self) -> Sequence[Choice]:
        """The labels, "Other label" if any label is allowed, and "Skip"."""
        return [
            *(Choice(f"{_LABEL}{at}", str(value)) for at, value in enumerate(self._labels)),
            *([Choice("other", "Other label", "Type a label.", "text")] if self._is_open else []),
            Choice("skip", "Skip", "Leave the record unlabeled."),
        ]

    def records(self, key: str) -> Sequence[str]:
        """Return the id of the record, which is the key itself."""
        return [key]

    def show(self, key: str) -> Item:
        """Return the record and the prediction of the model."""
        queue, position = self._queue, self._positions.get(key)
        snapshot = queue.snapshot
        records = [ReviewRecord.of(snapshot, snapshot.row_of(key))]
        heading = f"Label: {self.field}"
        if position is None:  # from an earlier batch
            return Item(heading, records)
        suggested, guess = "", ""
        code = int(queue.guesses[position])
        if code >= 0:
            label_number = _find(self._labels, queue.classes[code])
            suggested = f"{_LABEL}{label_number}" if label_number >= 0 else ""
            confidence = 100 * float(queue.confidence[position])
            guess = f"{queue.classes[code]} ({confidence:.0f}% confident)"
        facts = [("chosen for", queue.reasons[position])]
        return Item(heading, records, facts=facts, suggested=suggested, guess=guess)

    def decide(self, key: str, choice: Choice, value: Any) -> Decision:
        """Write a label to the record, and store the old value for `undo`."""
        if choice.name == "skip":
            return self.decisions.add(key, "skip")
        if choice.name != "other":
            value = self._labels[int(choice.name.removeprefix(_LABEL))]
        if not self.collection.get(ids=[key], include=[])["ids"]:
            raise NotFoundError(f"No record {short(key)}: it has been deleted. Skip it.")
        return self.decisions.add(key, "label", value, update=self._update({key: value}))

    def progress(self, decided: Mapping[str, Decision]) -> tuple[int, int]:
        """Return the number of labeled records and of all records."""
        new = sum(id in self._positions and d.choice == "label" for id, d in decided.items())
        total = self._queue.labeled + self._queue.unlabeled
        return self._queue.labeled + new, total

    def describe(self, decision: Decision) -> str:
        """Describe a decision in a few words."""
        if decision.choice == "accept":
            return f"{count(decision.value, 'guess', 'guesses')} accepted"
        return "Skip" if decision.choice == "skip" else str(decision.value)

    def more(self) -> bool:
        """Retrain on the labels so far, and get the next batch."""
        skipped = {d.item for d in self.decisions if d.choice == "skip"}
        n = self._n + len(skipped)
        self._queue = self.collection.label_queue(self.field, n=n, progress=False, **self._options)
        self._positions = {id: position for position, id in enumerate(self._queue.ids)}
        new = [id for id in self._queue.ids if id not in skipped][: self._n]
        self._items += [id for id in new if id not in self._items]
        # In the order in which they were first seen, so that a label keeps its number key.
        for label in self._queue.classes:
            if self._is_open and _find(self._labels, label) < 0:
                self._labels.append(label)
        return bool(new)

    def confident(self, least: float) -> dict[str, Any]:
        """Predict the labels of all unlabeled records, and return those with enough confidence.

        Raises:
            InvalidArgumentError: There are too few labels to train on.
        """
        options = {
            key: value for key, value in self._options.items() if key in ("where", "random_state")
        }
        found = self.collection.classify(self.field, progress=False, **options)
        if found.multilabel:
            raise InvalidArgumentError(
                f"Guesses need one value of {short(self.field)} per record, but some records have several. "
                "Label them one by one."
            )
        sure = (found.confidence >= least) & ~found.is_labeled
        return {
            id: label
            for id, label, is_sure in zip(found.ids, found.predicted, sure.tolist(), strict=True)
            if is_sure and label is not None
        }

    def accept(self, least: float) -> Decision:
        """Write the guesses with enough confidence as labels of the current user, in one transaction."""
        labels = self.confident(least)
        if not labels:
            raise InvalidArgumentError(
                f"No guess has a confidence of at least {100 * least:.0f}%. Label more records first."
            )
        accepted = self.decisions.add("", "accept", len(labels), update=self._update(labels))
        self._items = [id for id in self._items if id not in labels]
        return accepted

    def _update(self, labels: dict[str, Any]) -> dict[str, list[Any]]:
        marks = {predicted_key(self.field): None, f"{self.field}_confidence": None}
        return {
            "ids": list(labels),
            "metadatas": [{self.field: label, **marks} for label in labels.values()],
        }


def _find(labels: Sequence[Any], label: Any) -> int:
    """Return the index of a label, or -1; 1, 1.0 and True are different labels."""
    for at, other in enumerate(labels):
        if type(other) is type(label) and other == label:
            return at
    return -1
