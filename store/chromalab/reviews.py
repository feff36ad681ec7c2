"""`Decisions`: the decisions of a review, stored with the collection, each of which can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chromalab.engine import Attachment
from chromalab.errors import InternalError, NotFoundError, short
from chromalab.handle import Handle
from chromalab.judgments.arguments import now, required_text, user_name
from chromalab.results.tables import count

__all__ = ["KIND", "Decision", "Decisions"]

KIND = "review"
"""The kind of attachment that decisions are stored as."""

_FIELDS = ("item", "choice", "value", "by", "at", "operation", "version")


@dataclass(frozen=True)
class Decision:
    """One decision of a review.

    Attributes:
        item: What it is about, as the queue names it; "" for all items at once.
        choice: The choice that was made.
        value: A value that goes with the choice; anything that JSON can hold.
        by: The person who decided.
        at: When it was made, in UTC.
        operation: The number of its changes in the history; None if it changed no records.
        version: The version of the collection after it, if it changed records.
        number: The number given to it when it was stored.
        seen: The version of the collection that `undo` started from, if it changed records.
        left: How many records `undo` left unchanged, because they were written later.

    Example:
        >>> Decision("a", "keep", by="ada").changes_records
        False
    """

    item: str
    choice: str
    value: Any = None
    by: str | None = None
    at: str = field(default_factory=now)
    operation: int | None = None
    version: int | None = None
    number: int | None = None
    seen: int | None = None
    left: int = 0

    @property
    def changes_records(self) -> bool:
        """Whether it changed records, rather than being deferred until all are applied."""
        return self.operation is not None


class Decisions:
    """The persistent decisions of one review queue, in the order in which they were made.

    Args:
        collection: The collection that is reviewed.
        queue: The name of the review, such as "duplicates".
        by: The person who decides; by default the user of this machine.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> decisions = Decisions(points, "outliers")
        >>> _ = decisions.add("b", "delete", delete=["b"])
        >>> points.count()
        1
        >>> decisions.undo().choice, points.count()
        ('delete', 2)
    """

    def __init__(self, collection: Handle, queue: str, *, by: str | None = None) -> None:
        self._collection = collection
        self._engine = collection.engine
        self.queue = required_text(queue, "queue")
        self._by = user_name() if by is None else required_text(by, "by")

    def add(
        self,
        item: str,
        choice: str,
        value: Any = None,
        *,
        delete: Sequence[str] = (),
        update: Mapping[str, list[Any]] | None = None,
        version: int | None = None,
    ) -> Decision:
        """Store a decision and make its changes to the records, in one transaction.

        Args:
            item: What it is about; "" for all items at once.
            choice: The choice.
            value: A value that goes with the choice.
            delete: The ids of records to delete.
            update: `ids` and `metadatas`, merged into the stored metadata; None deletes a key.
            version: The collection version that the decision was based on; any by default.

        Raises:
            InvalidArgumentError: The collection is at another version; nothing was written.
        """
        decision = Decision(item, choice, value, self._by)
        body = {"queue": self.queue} | {key: getattr(decision, key) for key in _FIELDS}
        attachment = Attachment(KIND, body)
        if not delete and (update is None or not update["ids"]):
            number, *_ = self._engine.attach(self._collection.id, add=[attachment])
            return replace(decision, number=number)
        details = f": {value}" if isinstance(value, str) else ""
        done = self._collection.replace_records(
            delete=delete,
            update=update,
            version=version,
            operation=f"review of {self.queue}: {choice}{details}",
            attachments=[attachment],
        )
        (number,) = done.attachments
        return replace(decision, operation=done.operation, version=done.version, number=number)

    def undo(self) -> Decision:
        """Undo the last decision: restore the records that it deleted and the metadata that it changed.

        A record that was written later is left unchanged and counted in `left`. The undo of the collection
        does the same, and removes the decision as well.

        Returns:
            The decision, with the current version of the collection, and the one that it was `seen` at.

        Raises:
            NotFoundError: There is no decision, or its changes have left the history.
        """
        decisions = list(self)
        if not decisions:
            raise NotFoundError(f"There are no decisions to undo in {short(self.queue)}.")
        last = decisions[-1]
        if last.operation is None:
            self._forget([last])
            return replace(last, version=None)
        done = self._engine.undo(self._collection.id, last.operation)
        return replace(last, version=done.version, seen=done.seen, left=len(done.refused))

    def clear(self) -> int:
        """Remove the decisions of the queue; their changes to records remain.

        Returns:
            The number of decisions that were removed.
        """
        decisions = list(self)
        self._forget(decisions)
        return len(decisions)

    def __iter__(self) -> Iterator[Decision]:
        found = self._engine.attachments(self._collection.id, KIND)
        return iter([_read(row) for row in found if row.body.get("queue") == self.queue])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __bool__(self) -> bool:
        return True  # Also when it is empty, although it has a length.

    def __repr__(self) -> str:
        return f"Decisions({self.queue!r}, {count(len(self), 'decision')})"

    def _forget(self, decisions: Iterable[Decision]) -> None:
        numbers = [decision.number for decision in decisions if decision.number is not None]
        self._engine.attach(self._collection.id, remove=numbers)


def _read(row: Attachment) -> Decision:
    try:
        return Decision(**{key: row.body[key] for key in _FIELDS}, number=row.number)
    except KeyError as error:
        raise InternalError(f"A stored decision is damaged: it lacks {error}.") from error
