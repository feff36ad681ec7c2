"""`Queue`: the items of a review and what a choice does, and the plain values that it is made of."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar

from chromalab.errors import InvalidArgumentError, near, short
from chromalab.feedback import Decision, Decisions
from chromalab_widgets.core.records import VALUE_SHOWN
from chromalab_widgets.core.text import cut

__all__ = [
    "Choice", "DeferredQueue", "Item", "Queue", "ReviewPlan", "ReviewRecord", "key_of", "metadata_shown",
]  # fmt: skip

_DOCUMENT = 1_500


@dataclass(frozen=True)
class Choice:
    """One of the choices for an item.

    Attributes:
        name: The name in requests and in stored decisions.
        label: The text of its button.
        hint: One line about what it does.
        needs: "text" or "item" if the choice needs a text or another item.
    """

    name: str
    label: str
    hint: str = ""
    needs: str = ""


@dataclass(frozen=True)
class ReviewRecord:
    """A record as a review shows it.

    Attributes:
        id: The id of the record.
        text: The pieces of its document, each with 1 if only this record has it, -1 if this record lacks
            it, otherwise 0.
        metadata: Field, value, and whether the value differs from that of the first record.
        note: A line about the record.
    """

    id: str
    text: Sequence[tuple[str, int]]
    metadata: Sequence[tuple[str, str, bool]] = ()
    note: str = ""

    @classmethod
    def of(cls, snapshot: Any, row: int, note: str = "") -> ReviewRecord:
        """Return a record of a snapshot without any markings."""
        return cls(
            snapshot.ids[row],
            [(cut(snapshot.document(row), _DOCUMENT), 0)],
            metadata_shown(snapshot, row),
            note,
        )


@dataclass(frozen=True)
class Item:
    """One thing to decide on.

    Attributes:
        heading: One line that says what it is.
        records: The records that it consists of.
        facts: Labels with values.
        more: The number of records that are not shown.
        suggested: The name of the choice that Enter makes, "" for none.
        guess: One line with the prediction of a model.
        targets: For a choice that needs another item, the keys and names of the other items.
        keeps_one: Whether one of the records is to be kept.
        text: The initial text for a choice that needs a text.
    """

    heading: str
    records: Sequence[ReviewRecord] = ()
    facts: Sequence[tuple[str, str]] = ()
    more: int = 0
    suggested: str = ""
    guess: str = ""
    targets: Sequence[tuple[str, str]] = ()
    keeps_one: bool = False
    text: str = ""


@dataclass(frozen=True)
class ReviewPlan:
    """What pending decisions will do to the records when they are applied.

    Attributes:
        summary: The plan in words.
        delete: The ids of the records to delete.
        update: `ids` and `metadatas`, which are merged into the records.
    """

    summary: str
    delete: Sequence[str] = ()
    update: Mapping[str, list[Any]] = field(default_factory=lambda: {"ids": [], "metadatas": []})

    @property
    def is_empty(self) -> bool:
        """Whether the plan changes no records."""
        return not self.delete and not self.update["ids"]


class Queue(ABC):
    """Items to decide on, in order.

    A decision is stored the moment it is made. Its effect on records is immediate (labels) or deferred
    until all decisions are applied in one transaction; either way it can be undone.

    Attributes:
        kind: What is reviewed, in one word.
        has_guesses: Whether all confident guesses can be accepted at once.
    """

    kind: ClassVar[str]
    has_guesses: ClassVar[bool] = False

    def __init__(self, collection: Any, name: str, *, by: str | None = None) -> None:
        if not hasattr(collection, "replace_records"):
            raise InvalidArgumentError(
                "A review must be of records of a chromalab collection, as it has to write its decisions; "
                f"got {type(collection).__name__}."
            )
        self.collection = collection
        self.decisions = Decisions(collection, name, by=by)

    @property
    @abstractmethod
    def items(self) -> Sequence[str]:
        """The keys of the items, in order."""

    @property
    @abstractmethod
    def choices(self) -> Sequence[Choice]:
        """The choices for each item."""

    @abstractmethod
    def records(self, key: str) -> Sequence[str]:
        """List the ids of the records of an item."""

    @abstractmethod
    def show(self, key: str) -> Item:
        """Return what is shown of an item."""

    def existing(self, ids: Sequence[str]) -> list[str]:
        """List those of some records that are still in the collection, in the given order."""
        found = set(self.collection.get(ids=ids, include=[])["ids"]) if ids else set()
        return [id for id in ids if id in found]

    def decide(self, key: str, choice: Choice, value: Any) -> Decision:
        """Store a decision; `apply` carries it out, unless the queue does so immediately."""
        return self.decisions.add(key, choice.name, value)

    def undo(self) -> Decision:
        """Undo the last decision, or the last time that decisions were applied."""
        return self.decisions.undo()

    def plan(self, decided: Mapping[str, Decision]) -> ReviewPlan:
        """Return what the decisions will do to the records; empty if they take effect immediately."""
        return ReviewPlan("")

    def apply(self, decided: Mapping[str, Decision]) -> Decision:
        """Carry out decisions in one transaction."""
        raise InvalidArgumentError(
            f"Decisions about {self.kind} take effect immediately, so there is nothing to apply."
        )

    def progress(self, decided: Mapping[str, Decision]) -> tuple[int, int]:
        """Return the number of decided items and of all items."""
        return len(decided), len(self.items)

    def more(self) -> bool:
        """Get more items once all are decided; return whether there are any."""
        return False

    def confident(self, least: float) -> dict[str, Any]:
        """Return the guesses with at least this confidence, by item."""
        raise InvalidArgumentError(f"There are no guesses about {self.kind}.")

    def accept(self, least: float) -> Decision:
        """Accept all guesses with at least this confidence."""
        raise InvalidArgumentError(f"There are no guesses about {self.kind}.")

    def describe(self, decision: Decision) -> str:
        """Describe a decision in a few words."""
        label = next((c.label for c in self.choices if c.name == decision.choice), decision.choice)
        return f"{label}: {decision.value}" if isinstance(decision.value, str) else label

    def choice(self, name: str) -> Choice:
        """Find a choice by name.

        Raises:
            InvalidArgumentError: There is no such choice.
        """
        known = {choice.name: choice for choice in self.choices}
        if name not in known:
            hint = near(name, known, what="Choices")
            raise InvalidArgumentError(f"No choice {short(name)}. {hint}")
        return known[name]


class DeferredQueue(Queue):
    """A queue over the result of an analysis, whose decisions take effect only on `apply`.

    `apply` raises an error if the collection has been changed by anything else in the meantime.

    Args:
        result: The result to review.
        name: The name of the queue.
        by: Who decides; by default, the user of this machine.
    """

    def __init__(self, result: Any, name: str, *, by: str | None = None) -> None:
        super().__init__(result.snapshot.origin, name, by=by)
        if result.is_stale:
            raise InvalidArgumentError(
                f"The collection {short(result.snapshot.name)} has changed since the {self.kind} were "
                "found, so they may be out of date. Run the analysis again."
            )
        self.result = result
        self.snapshot = result.snapshot
        self._version = result.snapshot.version

    def existing(self, ids: Sequence[str]) -> list[str]:
        """List those of some records that are still in the collection, in the given order."""
        # A cluster may have a hundred thousand records, which take half a second to look up.
        return super().existing(ids) if self.snapshot.is_stale else list(ids)

    def apply(self, decided: Mapping[str, Decision]) -> Decision:
        """Carry out decisions in one transaction; `undo` reverts it.

        Raises:
            InvalidArgumentError: There is nothing to do, or the collection has changed in the meantime.
        """
        plan = self.plan(decided)
        if plan.is_empty:
            raise InvalidArgumentError("Nothing to apply: no decision changes a record.")
        applied = self.decisions.add(
            "",
            "apply",
            plan.summary,
            delete=plan.delete,
            update=plan.update,
            version=self._version,
        )
        self._version = applied.version
        return applied

    def undo(self) -> Decision:
        """Undo the last decision, or the last time that decisions were applied."""
        last = self.decisions.undo()
        if (
            last.seen == self._version
        ):  # otherwise it changed no record, or the result is out of date
            self._version = last.version
        return last

    def describe(self, decision: Decision) -> str:
        """Describe a decision in a few words."""
        return str(decision.value) if decision.choice == "apply" else super().describe(decision)


def key_of(ids: Iterable[str]) -> str:
    """Return a key for a set of records that does not depend on their order."""
    text = json.dumps(sorted(ids), ensure_ascii=False).encode()
    return blake2b(text, digest_size=12).hexdigest()


def metadata_shown(
    snapshot: Any, row: int, compared: int | None = None
) -> list[tuple[str, str, bool]]:
    """List the metadata of a record, each with whether it differs from that of another record."""
    has = (snapshot.metadatas[row] if snapshot.metadatas else None) or {}
    other = has
    if compared is not None:
        other = (snapshot.metadatas[compared] if snapshot.metadatas else None) or {}
    return [(k, cut(str(v), VALUE_SHOWN), other.get(k) != v) for k, v in has.items()]
