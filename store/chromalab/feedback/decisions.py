"""`Decisions`: what somebody decided in a review, kept with the collection, each with the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from chromalab.arguments.values import check_metadatas
from chromalab.engine import Attachment, Filter
from chromalab.engine.interface import Rows
from chromalab.errors import InternalError, InvalidArgumentError, NotFoundError, short
from chromalab.feedback.arguments import now, some_text, user_name
from chromalab.sparse import to_stored, with_sparse_vectors

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["KIND", "Decision", "Decisions"]

KIND = "review"
"""What decisions are attached to a collection as."""

_WAY_BACK = "review before"
"""What the values and records that they changed are attached as: large, and read by `undo` alone."""

_Changes = Mapping[str, list[Any]]
"""`ids` and `metadatas`."""

_KEPT = ("item", "choice", "value", "by", "at", "way_back", "version")
_PARTS = {"documents", "metadatas", "uris", "embeddings"}
_TRIES = 10  # to change records while others write


@dataclass(frozen=True)
class Decision:
    """One decision of a review.

    Attributes:
        item: What it is about, as its queue names it; "" for all at once.
        choice: What was chosen.
        value: What was said with it; what JSON can hold.
        by: Who decided.
        at: When, in UTC.
        way_back: Names what is kept of the records that it changed; None where it changed none.
        version: The collection's after it, where it changed records.
        number: Given when it is kept.
        seen: The collection's version that `undo` started from, where it changed records.
        left: How many records `undo` left as they are, since somebody changed or deleted them after it.

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
        """Whether it wrote to records, or is only held until all are applied."""
        return self.way_back is not None


class Decisions:
    """The decisions of one review queue, in the order they were made; they outlive Python.

    Args:
        collection: What is reviewed.
        queue: Which review it is, such as "duplicates".
        by: Who decides; the user of this machine, unless said.

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

    def __init__(self, collection: Collection, queue: str, *, by: str | None = None) -> None:
        self._collection = collection
        self._engine = collection._engine
        self.queue = some_text(queue, "queue")
        self._by = user_name() if by is None else some_text(by, "by")

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
        """Keep a decision, and do to the records what it says, in one transaction.

        It is kept before the records change, with what they were: so there is a way back whatever happens.
        Where Python ends in between, the decision is there, and `undo` finds nothing to change back.

        Args:
            item: What it is about; "" for all at once.
            choice: What was chosen.
            value: What was said with it.
            delete: Ids.
            update: `ids` and `metadatas`, merged; None deletes a key.
            version: Of the collection that this was decided on; None for any.

        Raises:
            InvalidArgumentError: the collection is not at that version; nothing was written.
        """
        decision = Decision(item, choice, value, self._by)
        if not delete and (update is None or not update["ids"]):
            return self._keep(decision)
        if version is not None:
            return self._change(decision, delete, update, version)
        return self._until_alone(lambda seen: self._change(decision, delete, update, seen))

    def undo(self) -> Decision:
        """Take back the last decision: records that it deleted come back, metadata is as before.

        A record whose metadata somebody changed after it is left alone, and counted in `left`. The records
        change before the decision goes, and what is as before already is not changed again: so it can be
        called once more after a crash in between.

        Returns:
            The decision, with the version of the collection now, and the one it was `seen` at.

        Raises:
            NotFoundError: there is none.
            InvalidArgumentError: it deleted records, and the collection has changed since.
        """
        decisions = list(self)
        if not decisions:
            raise NotFoundError(f"Nothing was decided in {short(self.queue)}: there is no undo.")
        last = decisions[-1]
        undone = replace(last, version=None)
        if last.changes_records:
            undone = self._until_alone(lambda seen: self._change_back(last, seen))
        self._forget([last])
        return undone

    def clear(self) -> int:
        """Forget the decisions of the queue; what they did to records stays.

        Returns:
            How many there were.
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
        return True  # it is there, also while it is empty

    def __repr__(self) -> str:
        count = len(self)
        return f"Decisions({self.queue!r}, {count:,} decision{'' if count == 1 else 's'})"

    def _keep(self, decision: Decision, *beside: Attachment) -> Decision:
        body = {"queue": self.queue} | {key: getattr(decision, key) for key in _KEPT}
        add = [Attachment(KIND, body), *beside]
        number, *_ = self._engine.attach(self._collection.id, add=add)
        return replace(decision, number=number)

    def _forget(self, decisions: Iterable[Decision]) -> None:
        """Remove decisions, each with its way back."""
        numbers = [number for decision in decisions for number in self._numbers(decision)]
        self._engine.attach(self._collection.id, remove=numbers)

    def _until_alone(self, change: Callable[[int], Decision]) -> Decision:
        """Change records on the version that is there, anew where somebody else wrote meanwhile."""
        for _ in range(_TRIES):
            seen = self._collection.get_version()
            try:
                return change(seen)
            except InvalidArgumentError:
                if self._collection.get_version() == seen:
                    raise
        raise InvalidArgumentError(
            "The collection is being written to by others all the time; try again."
        )

    def _change(
        self, decision: Decision, delete: Sequence[str], update: _Changes | None, seen: int
    ) -> Decision:
        """Keep a decision, then change the records, if nobody wrote after the version `seen`."""
        removed = self._rows(delete) if delete else None
        before = self._before(update, delete) if update is not None and update["ids"] else None
        # Nobody writes in between, so the version after it is known: one more where records go, and
        # one more where others change.
        version = seen + bool(removed) + bool(before and before["ids"])
        way_back = uuid4().hex
        decision = replace(decision, way_back=way_back, version=version)
        try:
            kept = self._keep(decision, _way_back(way_back, before, update, removed))
            self._collection.replace_records(delete=delete, update=update, version=seen)
        except BaseException as error:
            # What is refused wrote nothing; but an interrupt may have come after the commit.
            if isinstance(error, InvalidArgumentError) or self._collection.get_version() == seen:
                self._forget([each for each in self if each.way_back == way_back])
            raise
        return kept

    def _change_back(self, decision: Decision, seen: int) -> Decision:
        kept = self._engine.attachment(self._collection.id, _WAY_BACK, decision.way_back or "")
        before, after, removed = _changed(kept)
        update, left = self._unless_changed(before, after)
        gone = None if removed is None or self._is_back(removed) else removed
        if gone is not None and seen != decision.version:
            raise InvalidArgumentError(
                f"{short(self._collection.name)} has changed since, so what was deleted does not "
                "come back: its ids may be taken. `decisions.clear()` forgets what was decided."
            )
        done = self._collection.replace_records(update=update, restore=gone, version=seen)
        return replace(decision, version=done.version, seen=seen, left=left)

    def _unless_changed(
        self, before: _Changes | None, after: _Changes | None
    ) -> tuple[dict[str, list[Any]], int]:
        """What to change back, and how many records are neither as before nor as the decision left them."""
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
        """Whether records that were deleted are all there, as they were."""
        found = self._engine.get(self._collection.id, Filter(ids=removed.ids), _PARTS, None, 0)
        return _records(found) == _records(removed)

    def _numbers(self, decision: Decision) -> list[int]:
        """The number of a decision, and of its way back."""
        kept = None
        if decision.way_back is not None:
            kept = self._engine.attachment(self._collection.id, _WAY_BACK, decision.way_back)
        numbers = [decision.number, None if kept is None else kept.number]
        return [number for number in numbers if number is not None]

    def _rows(self, ids: Sequence[str]) -> Rows:
        found = self._engine.get(self._collection.id, Filter(ids=list(ids)), _PARTS, None, 0)
        if len(found.ids) != len(set(ids)):
            missing = sorted(set(ids) - set(found.ids))
            raise InvalidArgumentError(f"No record {short(missing[0])}: it is gone already.")
        return found

    def _before(self, update: _Changes, deleted: Sequence[str] = ()) -> dict[str, list[Any]]:
        """The values that an update changes as they were, None where there was none."""
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
        return Decision(**{key: row.body[key] for key in _KEPT}, number=row.number)
    except KeyError as error:
        raise InternalError(f"A decision that is kept is damaged: it has no {error}.") from error


def _way_back(
    name: str,
    before: _Changes | None,
    update: _Changes | None,
    removed: Rows | None,
) -> Attachment:
    """Keep values as they were and as they become, and deleted records whole."""
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
    return Attachment(_WAY_BACK, body, name, data)


def _changed(kept: Attachment | None) -> tuple[_Changes | None, _Changes | None, Rows | None]:
    """Read values as they were and as they became, and deleted records."""
    try:
        if kept is None:
            raise ValueError("what it changed is not kept")
        before, after, held = kept.body["before"], kept.body.get("after"), kept.body["removed"]
        if held is None:
            return before, after, None
        vectors = np.frombuffer(kept.data or b"", dtype="<f4").reshape(len(held["ids"]), -1)
        return before, after, Rows(vectors=vectors, **held)
    except (KeyError, TypeError, ValueError) as error:
        raise InternalError(f"The way back of a decision is damaged: {error}.") from error


def _by_id(update: _Changes) -> dict[str, dict[str, Any]]:
    return dict(zip(update["ids"], update["metadatas"], strict=True))


def _same(values: Mapping[str, Any] | None, others: Mapping[str, Any]) -> bool:
    return repr(values) == repr(others)  # 1, 1.0 and True are three values


def _records(rows: Rows) -> dict[str, tuple[Any, ...]]:
    """All parts of records, by id."""
    missing = [None] * len(rows.ids)
    vectors = [] if rows.vectors is None else [vector.tobytes() for vector in rows.vectors]
    parts = (vectors, rows.documents or missing, rows.metadatas or missing, rows.uris or missing)
    return dict(zip(rows.ids, zip(*parts, strict=True), strict=True))
