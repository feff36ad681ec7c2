"""`LabelsQueue`: records to label, those first that teach most; the labels are written at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chromalab.analytics.classify.labels import predicted_key
from chromalab.arguments.values import check_field
from chromalab.errors import InvalidArgumentError, NotFoundError, short
from chromalab.feedback import Decision
from chromalab.types import Where
from chromalab_widgets.queues.queue import Choice, Item, Queue, Shown

__all__ = ["LabelsQueue"]

_LABEL = "label "


class LabelsQueue(Queue):
    """Records without a label, in the order of `label_queue`, a batch at a time.

    Args:
        collection: Of chromalab.
        field: The metadata key of the labels.
        choices: What labels there may be; those that there are, and any that is typed, where it is None.
        where: Only the records that match.
        strategy: As in `label_queue`.
        n: How many records a batch has; after each the model learns anew.
        random_state: The seed.
        by: Who labels; the user of this machine, unless said.
    """

    kind: ClassVar[str] = "labels"
    has_guesses: ClassVar[bool] = True

    def __init__(
        self,
        collection: Any,
        field: str,
        *,
        choices: Sequence[Any] | None = None,
        where: Where | None = None,
        strategy: str = "auto",
        n: int = 20,
        random_state: int = 0,
        by: str | None = None,
    ) -> None:
        super().__init__(collection, f"labels of {check_field(field, 'field')}", by=by)
        self.field = field
        self._options = {
            "choices": choices,
            "where": where,
            "strategy": strategy,
            "random_state": random_state,
        }
        self._n = n
        self._is_open = choices is None
        self._items: list[str] = []
        self._labels: list[Any] = list(choices or ())
        self.more()

    @property
    def items(self) -> Sequence[str]:
        """The ids of the batches so far."""
        return self._items

    @property
    def choices(self) -> Sequence[Choice]:
        """The labels, another one where any may be given, and to skip."""
        return [
            *(Choice(f"{_LABEL}{at}", str(value)) for at, value in enumerate(self._labels)),
            *([Choice("other", "Another label", "Type a label.", "text")] if self._is_open else []),
            Choice("skip", "Skip", "Leave it without a label."),
        ]

    def records(self, key: str) -> Sequence[str]:
        """List the one record, which the key is the id of."""
        return [key]

    def show(self, key: str) -> Item:
        """Show the record, and what the model thinks of it."""
        queue, place = self._queue, self._places.get(key)
        snapshot = queue.snapshot
        records = [Shown.of(snapshot, snapshot.row_of(key))]
        heading = f"Which {self.field}?"
        if place is None:  # of a batch before this one
            return Item(heading, records)
        suggested, guess = "", ""
        code = int(queue.guesses[place])
        if code >= 0:
            place_of = _place(self._labels, queue.classes[code])
            suggested = f"{_LABEL}{place_of}" if place_of >= 0 else ""
            guess = f"{queue.classes[code]} ({100 * float(queue.confidence[place]):.0f} % sure)"
        facts = [("chosen for", queue.reasons[place])]
        return Item(heading, records, facts=facts, suggested=suggested, guess=guess)

    def decide(self, key: str, choice: Choice, value: Any) -> Decision:
        """Write a label to the record, and keep what was there."""
        if choice.name == "skip":
            return self.decisions.add(key, "skip")
        if choice.name != "other":
            value = self._labels[int(choice.name.removeprefix(_LABEL))]
        if not self.collection.get(ids=[key], include=[])["ids"]:
            raise NotFoundError(f"No record {short(key)} any more: somebody deleted it. Skip it.")
        return self.decisions.add(key, "label", value, update=self._update({key: value}))

    def progress(self, decided: Mapping[str, Decision]) -> tuple[int, int]:
        """Count the records with a label, and all."""
        new = sum(id in self._places and d.choice == "label" for id, d in decided.items())
        total = self._queue.labelled + self._queue.unlabelled
        return self._queue.labelled + new, total

    def told(self, decision: Decision) -> str:
        """Say a decision in a few words."""
        if decision.choice == "accept":
            return f"{decision.value:,} guesses accepted"
        return "Skip" if decision.choice == "skip" else str(decision.value)

    def more(self) -> bool:
        """Learn from the labels so far, and get the next batch."""
        skipped = {d.item for d in self.decisions if d.choice == "skip"}
        n = self._n + len(skipped)
        self._queue = self.collection.label_queue(self.field, n=n, progress=False, **self._options)
        self._places = {id: place for place, id in enumerate(self._queue.ids)}
        new = [id for id in self._queue.ids if id not in skipped][: self._n]
        self._items += [id for id in new if id not in self._items]
        # In the order in which they were first seen, so that a key stays with its label.
        for label in self._queue.classes:
            if self._is_open and _place(self._labels, label) < 0:
                self._labels.append(label)
        return bool(new)

    def confident(self, least: float) -> dict[str, Any]:
        """Guess the labels of all records without one, and give those that are sure enough.

        Raises:
            InvalidArgumentError: there are too few labels to learn from.
        """
        options = {key: self._options[key] for key in ("where", "random_state")}
        found = self.collection.classify(self.field, progress=False, **options)
        if found.several:
            raise InvalidArgumentError(
                f"Records have several values of {short(self.field)}: label them one by one."
            )
        sure = (found.confidence >= least) & ~found.has_own
        return {
            id: label
            for id, label, is_sure in zip(found.ids, found.predicted, sure.tolist(), strict=True)
            if is_sure and label is not None
        }

    def accept(self, least: float) -> Decision:
        """Write the guesses that are sure enough, in one transaction, as labels of who accepts them."""
        labels = self.confident(least)
        if not labels:
            raise InvalidArgumentError(
                f"No guess is as sure as {100 * least:.0f} %: label some more."
            )
        kept = self.decisions.add("", "accept", len(labels), update=self._update(labels))
        self._items = [id for id in self._items if id not in labels]
        return kept

    def _update(self, labels: dict[str, Any]) -> dict[str, list[Any]]:
        marks = {predicted_key(self.field): None, f"{self.field}_confidence": None}
        return {
            "ids": list(labels),
            "metadatas": [{self.field: label, **marks} for label in labels.values()],
        }


def _place(labels: Sequence[Any], label: Any) -> int:
    """Find a label among others; 1, 1.0 and True are three."""
    for at, other in enumerate(labels):
        if type(other) is type(label) and other == label:
            return at
    return -1
