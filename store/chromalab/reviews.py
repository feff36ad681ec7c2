"""`Decisions`: the decisions of a review, stored with the collection, each of which can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import numpy as np

from chromalab.arguments.values import check_metadatas
from chromalab.engine import Attachment, Filter
from chromalab.engine.values import Rows
from chromalab.errors import InternalError, InvalidArgumentError, NotFoundError, short
from chromalab.handle import Handle
from chromalab.judgments.arguments import now, required_text, user_name
from chromalab.results.tables import count
from chromalab.sparse import to_stored, with_sparse_vectors

__all__ = ["KIND", "Decision", "Decisions"]

KIND = "review"
"""The kind of attachment that decisions are stored as."""

_UNDO_KIND = "review before"
"""The kind of attachment that holds the changed values and deleted records.

These attachments are large, and only `undo` reads them.
"""

_Changes = Mapping[str, list[Any]]
"""`ids` and `metadatas`."""

_FIELDS = ("item", "choice", "value", "by", "at", "way_back", "version")
_PARTS = {"documents", "metadatas", "uris", "embeddings"}
_TRIES = 10  # How often a change is retried while others write.


@dataclass(frozen=True)
class Decision:
    """One decision of a review.

    Attributes:
        item: What it is about, as the queue names it; "" for all items at once.
        choice: The choice that was made.
        value: A value that goes with the choice; anything that JSON can hold.
        by: The person who decided.
        at: When it was made, in UTC.
        way_back: The name of the attachment that can undo its changes; None if it changed no records.
        version: The version of the collection after it, if it changed records.
        number: The number given to it when it was stored.
        seen: The version of the collection that `undo` started from, if it changed records.
        left: How many records `undo` left unchanged, because they were changed or deleted later.

    Example:
        >>> Decision("a", "keep", by="ada").changes_records
        False
    """

    item: str
    choice: str
    value: Any = None
    by: str | None = None
    at: str = field(default_factory=now)
    way_back: str | None = field(default=None, repr=False)
    version: int | None = None
    number: int | None = None
    seen: int | None = None
    left: int = 0

    @property
    def changes_records(self) -> bool:
        """Whether it changed records, rather than being deferred until all are applied."""
        return self.way_back is not None


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
        update: _Changes | None = None,
        version: int | None = None,
    ) -> Decision:
        """Store a decision, and make its changes to the records in one transaction.

        The decision is stored before the records change, with their previous values, so that it can be
        undone whatever happens. If Python exits in between, the decision is stored, and `undo` finds
        nothing to change back.

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
        if not delete and (update is None or not update["ids"]):
            return self._store(decision)
        if version is not None:
            return self._change(decision, delete, update, version)
        return self._retry(lambda seen: self._change(decision, delete, update, seen))

    def undo(self) -> Decision:
        """Undo the last decision: restore the records that it deleted and the metadata that it changed.

        A record whose metadata was changed later is left unchanged and counted in `left`. The records
        change before the decision is removed, and values that are already as before are not changed
        again. So after a crash in between, undo can be called once more.

        Returns:
            The decision, with the current version of the collection, and the one that it was `seen` at.

        Raises:
            NotFoundError: There is no decision.
            InvalidArgumentError: It deleted records, and the collection has changed since.
        """
        decisions = list(self)
        if not decisions:
            raise NotFoundError(f"There are no decisions to undo in {short(self.queue)}.")
        last = decisions[-1]
        undone = replace(last, version=None)
        if last.changes_records:
            undone = self._retry(lambda seen: self._change_back(last, seen))
        self._forget([last])
        return undone

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

    def _store(self, decision: Decision, *others: Attachment) -> Decision:
        """Store a decision, with other attachments that belong to it."""
        body = {"queue": self.queue} | {key: getattr(decision, key) for key in _FIELDS}
        add = [Attachment(KIND, body), *others]
        number, *_ = self._engine.attach(self._collection.id, add=add)
        return replace(decision, number=number)

    def _forget(self, decisions: Iterable[Decision]) -> None:
        """Remove decisions, each with what could undo it."""
        numbers = [number for decision in decisions for number in self._numbers(decision)]
        self._engine.attach(self._collection.id, remove=numbers)

    def _retry(self, change: Callable[[int], Decision]) -> Decision:
        """Make a change to the current version, and retry if another writer was faster."""
        for _ in range(_TRIES):
            seen = self._collection.get_version()
            try:
                return change(seen)
            except InvalidArgumentError:
                if self._collection.get_version() == seen:
                    raise
        raise InvalidArgumentError("Other writers keep changing the collection. Try again.")

    def _change(
        self, decision: Decision, delete: Sequence[str], update: _Changes | None, seen: int
    ) -> Decision:
        """Store a decision, then change the records if the collection is still at version `seen`."""
        removed = self._rows(delete) if delete else None
        before = self._before(update, delete) if update is not None and update["ids"] else None
        # No other write can come in between, so the version afterward is known: one more if records are
        # deleted, and one more if others are changed.
        version = seen + bool(removed) + bool(before and before["ids"])
        way_back = uuid4().hex
        decision = replace(decision, way_back=way_back, version=version)
        try:
            stored = self._store(decision, _way_back(way_back, before, update, removed))
            self._collection.replace_records(delete=delete, update=update, version=seen)
        except BaseException as error:
            # A refused change has written nothing, but an interrupt may have come after the commit.
            if isinstance(error, InvalidArgumentError) or self._collection.get_version() == seen:
                self._forget([found for found in self if found.way_back == way_back])
            raise
        return stored

    def _change_back(self, decision: Decision, seen: int) -> Decision:
        stored = self._engine.attachment(self._collection.id, _UNDO_KIND, decision.way_back or "")
        before, after, removed = _changed(stored)
        update, left = self._unless_changed(before, after)
        gone = None if removed is None or self._is_back(removed) else removed
        if gone is not None and seen != decision.version:
            raise InvalidArgumentError(
                f"{short(self._collection.name)} has changed since, so the deleted records cannot be "
                "restored: their ids may be taken. `decisions.clear()` forgets the decisions."
            )
        done = self._collection.replace_records(update=update, restore=gone, version=seen)
        return replace(decision, version=done.version, seen=seen, left=left)

    def _unless_changed(
        self, before: _Changes | None, after: _Changes | None
    ) -> tuple[dict[str, list[Any]], int]:
        """Return what to change back, and the number of records that were changed by others."""
        update: dict[str, list[Any]] = {"ids": [], "metadatas": []}
        left = 0
        if before is not None:
            now, wrote = _by_id(self._before(before)), None if after is None else _by_id(after)
            for id, old in _by_id(before).items():
                has = now.get(id)
                if _same(has, old):
                    continue
                if has is None or (wrote is not None and not _same(has, wrote[id])):
                    left += 1
                else:
                    update["ids"].append(id)
                    update["metadatas"].append(with_sparse_vectors(old))
        return update, left

    def _is_back(self, removed: Rows) -> bool:
        """Return whether all deleted records exist again, as they were."""
        found = self._engine.get(self._collection.id, Filter(ids=removed.ids), _PARTS, None, 0)
        return _records(found) == _records(removed)

    def _numbers(self, decision: Decision) -> list[int]:
        """Return the number of a decision, and of the attachment that could undo it."""
        stored = None
        if decision.way_back is not None:
            stored = self._engine.attachment(self._collection.id, _UNDO_KIND, decision.way_back)
        numbers = [decision.number, None if stored is None else stored.number]
        return [number for number in numbers if number is not None]

    def _rows(self, ids: Sequence[str]) -> Rows:
        found = self._engine.get(self._collection.id, Filter(ids=list(ids)), _PARTS, None, 0)
        if len(found.ids) != len(set(ids)):
            missing = sorted(set(ids) - set(found.ids))
            raise InvalidArgumentError(
                f"There is no record {short(missing[0])}; it was deleted already."
            )
        return found

    def _before(self, update: _Changes, deleted: Sequence[str] = ()) -> dict[str, list[Any]]:
        """Return the current values of the keys that an update changes, None if there is no value."""
        found = self._engine.get(
            self._collection.id, Filter(ids=list(update["ids"])), {"metadatas"}, None, 0
        )
        has = dict(zip(found.ids, found.metadatas or [], strict=True))
        for id in deleted:
            has.pop(id, None)
        pairs = [(id, new) for id, new in zip(*update.values(), strict=True) if id in has]
        return {
            "ids": [id for id, _ in pairs],
            "metadatas": [{key: (has[id] or {}).get(key) for key in new} for id, new in pairs],
        }


def _read(row: Attachment) -> Decision:
    try:
        return Decision(**{key: row.body[key] for key in _FIELDS}, number=row.number)
    except KeyError as error:
        raise InternalError(f"A stored decision is damaged: it lacks {error}.") from error


def _way_back(
    name: str,
    before: _Changes | None,
    update: _Changes | None,
    removed: Rows | None,
) -> Attachment:
    """Return what can undo a decision: values before and after it, and deleted records in full."""
    after = None
    if before is not None and update is not None:
        metadatas = [*map(to_stored, check_metadatas(update["metadatas"]))]
        after = {"ids": list(update["ids"]), "metadatas": metadatas}
    body: dict[str, Any] = {"before": before, "after": after, "removed": None}
    data = None
    if removed is not None and removed.vectors is not None:
        parts = ("ids", "documents", "metadatas", "uris")
        body["removed"] = {part: getattr(removed, part) for part in parts}
        data = np.ascontiguousarray(removed.vectors, dtype="<f4").tobytes()
    return Attachment(_UNDO_KIND, body, name, data)


def _changed(stored: Attachment | None) -> tuple[_Changes | None, _Changes | None, Rows | None]:
    """Read the values before and after a decision, and the deleted records."""
    try:
        if stored is None:
            raise ValueError("its changes are not stored")
        before, after = stored.body["before"], stored.body.get("after")
        removed = stored.body["removed"]
        if removed is None:
            return before, after, None
        vectors = np.frombuffer(stored.data or b"", dtype="<f4").reshape(len(removed["ids"]), -1)
        return before, after, Rows(vectors=vectors, **removed)
    except (KeyError, TypeError, ValueError) as error:
        raise InternalError(f"A decision cannot be undone, as it is damaged: {error}.") from error


def _by_id(update: _Changes) -> dict[str, dict[str, Any]]:
    return dict(zip(update["ids"], update["metadatas"], strict=True))


def _same(values: Mapping[str, Any] | None, others: Mapping[str, Any]) -> bool:
    return repr(values) == repr(others)  # Unlike ==, this distinguishes 1, 1.0 and True.


def _records(rows: Rows) -> dict[str, tuple[Any, ...]]:
    """Return all parts of records, by id."""
    missing = [None] * len(rows.ids)
    vectors = [] if rows.vectors is None else [vector.tobytes() for vector in rows.vectors]
    parts = (vectors, rows.documents or missing, rows.metadatas or missing, rows.uris or missing)
    return dict(zip(rows.ids, zip(*parts, strict=True), strict=True))
