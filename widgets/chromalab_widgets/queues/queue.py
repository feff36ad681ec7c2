"""`Queue`: the interface of what is reviewed, and the plain values it is made of."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar

from chromalab.errors import InvalidArgumentError, near, short
from chromalab.feedback import Decision, Decisions
from chromalab_widgets.base import cut
from chromalab_widgets.rows import VALUE_SHOWN

__all__ = ["Choice", "Item", "Plan", "Queue", "Shown", "key_of", "metadata_shown"]

_DOCUMENT = 1_500


@dataclass(frozen=True)
class Choice:
    """Something that may be decided.

    Attributes:
        name: Names it in requests, and in what is kept.
        label: What its button says.
        hint: What it does, in a line.
        needs: "text" or "item" where a text, or another item, goes with it.
    """

    name: str
    label: str
    hint: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Shown:
    """A record as it is shown.

    Attributes:
        id: Its id.
        text: Pieces of its text, each with 1 where it alone has it, -1 where it lacks it, else 0.
        metadata: Key, value, and whether it differs from the first record's.
        note: A line about it.
    """

    id: str
    text: Sequence[tuple[str, int]]
    metadata: Sequence[tuple[str, str, bool]] = ()
    note: str = ""

    @classmethod
    def of(cls, snapshot: Any, row: int, note: str = "") -> Shown:
        """Show a record of a snapshot, with nothing marked."""
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
        heading: What it is, in a line.
        records: What it is made of.
        facts: Labels with values.
        more: How many records are not shown.
        suggested: The choice that Enter takes, "" for none.
        guess: What a model thinks of it, in a line.
        targets: For a choice that needs another item: its key and name.
        keeper: Whether one of the records is to be chosen.
        text: What stands in the box of a choice that needs a text.
    """

    heading: str
    records: Sequence[Shown] = ()
    facts: Sequence[tuple[str, str]] = ()
    more: int = 0
    suggested: str = ""
    guess: str = ""
    targets: Sequence[tuple[str, str]] = ()
    keeper: bool = False
    text: str = ""


@dataclass(frozen=True)
class Plan:
    """What held decisions do to the records, when they are applied.

    Attributes:
        told: In words.
        delete: Ids.
        update: `ids` and `metadatas`, merged.
    """

    told: str
    delete: Sequence[str] = ()
    update: Mapping[str, list[Any]] = field(default_factory=lambda: {"ids": [], "metadatas": []})

    @property
    def is_empty(self) -> bool:
        """Whether it leaves all records as they are."""
        return not self.delete and not self.update["ids"]


class Queue(ABC):
    """Things to decide on, in order.

    A decision is kept the moment it is made. What it does to records is done at once ("labels"), or held
    until all are applied in one transaction; either way it can be undone.

    Attributes:
        kind: What is reviewed, in one word.
        has_guesses: Whether confident guesses can be accepted together.
    """

    kind: ClassVar[str]
    has_guesses: ClassVar[bool] = False

    def __init__(self, collection: Any, name: str, *, by: str | None = None) -> None:
        if not hasattr(collection, "replace_records"):
            raise InvalidArgumentError(
                "There is nothing to write to: a review needs records of a collection of chromalab."
            )
        self.collection = collection
        self.decisions = Decisions(collection, name, by=by)

    @property
    @abstractmethod
    def items(self) -> Sequence[str]:
        """The keys of the things, in order."""

    @property
    @abstractmethod
    def choices(self) -> Sequence[Choice]:
        """What may be decided."""

    @abstractmethod
    def records(self, key: str) -> Sequence[str]:
        """List the ids of the records that a thing is made of."""

    @abstractmethod
    def show(self, key: str) -> Item:
        """Say what is shown of a thing."""

    def there(self, ids: Sequence[str]) -> list[str]:
        """List those of some records that are in the collection still, in their order."""
        found = set(self.collection.get(ids=ids, include=[])["ids"]) if ids else set()
        return [id for id in ids if id in found]

    def decide(self, key: str, choice: Choice, value: Any) -> Decision:
        """Keep a decision; what it does is done by `apply`, unless a queue does it at once."""
        return self.decisions.add(key, choice.name, value)

    def undo(self) -> Decision:
        """Take back the last decision, or the last time that decisions were applied."""
        return self.decisions.undo()

    def plan(self, decided: Mapping[str, Decision]) -> Plan:
        """Say what decisions do to the records; nothing, for a queue that does it at once."""
        return Plan("")

    def apply(self, decided: Mapping[str, Decision]) -> Decision:
        """Do what decisions say, in one transaction."""
        raise InvalidArgumentError(f"Decisions about {self.kind} are done at once.")

    def progress(self, decided: Mapping[str, Decision]) -> tuple[int, int]:
        """Count what is decided, and all."""
        return len(decided), len(self.items)

    def more(self) -> bool:
        """Get further things, where all are decided; say whether there are any."""
        return False

    def confident(self, least: float) -> dict[str, Any]:
        """Give the guesses that are sure enough, by item."""
        raise InvalidArgumentError(f"There are no guesses about {self.kind}.")

    def accept(self, least: float) -> Decision:
        """Decide as a model guesses, wherever it is sure enough."""
        raise InvalidArgumentError(f"There are no guesses about {self.kind}.")

    def told(self, decision: Decision) -> str:
        """Say a decision in a few words."""
        label = next((c.label for c in self.choices if c.name == decision.choice), decision.choice)
        return f"{label}: {decision.value}" if isinstance(decision.value, str) else label

    def choice(self, name: str) -> Choice:
        """Find a choice by its name.

        Raises:
            InvalidArgumentError: there is none.
        """
        known = {choice.name: choice for choice in self.choices}
        if name not in known:
            hint = near(name, known, what="Choices")
            raise InvalidArgumentError(f"No choice {short(name)}. {hint}")
        return known[name]


def key_of(ids: Iterable[str]) -> str:
    """Name a set of records: the same for the same, in whatever order."""
    text = json.dumps(sorted(ids), ensure_ascii=False).encode()
    return blake2b(text, digest_size=12).hexdigest()


def metadata_shown(
    snapshot: Any, row: int, beside: int | None = None
) -> list[tuple[str, str, bool]]:
    """List the metadata of a record, each with whether it differs from another record's."""
    has = (snapshot.metadatas[row] if snapshot.metadatas else None) or {}
    other = has
    if beside is not None:
        other = (snapshot.metadatas[beside] if snapshot.metadatas else None) or {}
    return [(k, cut(str(v), VALUE_SHOWN), other.get(k) != v) for k, v in has.items()]
