"""The part of `Transforms` that switches: which one is live, and what has to be ready before it is.

A switch is one attachment that takes the place of another, in one transaction: whoever asks next, in
any process, goes through the new one, and nobody through a part of it. What a large collection needs
for it, its rows mapped and indexed, is made before.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from chromalab.engine import Attachment, Lens, Preparation
from chromalab.errors import (
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    StoreBusyError,
    UniqueConstraintError,
    near,
    printable,
    short,
)
from chromalab.feedback.asking import fingerprint
from chromalab.feedback.keeping import KIND, LIVE
from chromalab.feedback.live import Live, named, no_transform, read_live, why_retired
from chromalab.feedback.transform import Transform
from chromalab.results.progress import bar

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["Switching", "Used"]

_TRIES = 20  # as often another may switch, or remove one, between our look and our write


@dataclass(frozen=True)
class Used:
    """What a switch did.

    Attributes:
        collection: The name of the collection.
        transform: The one that was asked for; None for none.
        before: The one that was live.
        ready: Whether the switch is made; else it is as soon as rows and index are ready.

    Example:
        >>> Used("papers", "tuned", None, ready=False)
        papers: 'tuned' is prepared in the background; until then queries go through none
    """

    collection: str
    transform: str | None
    before: str | None
    ready: bool

    def __repr__(self) -> str:
        name, before = ("none" if n is None else repr(n) for n in (self.transform, self.before))
        where = printable(self.collection)
        if self.ready:
            return f"{where}: queries go through {name}"
        return (
            f"{where}: {name} is prepared in the background; until then queries go through {before}"
        )


class Wish:
    """What the last call wanted to be live, while it is prepared.

    Attributes:
        name: The transform.
        share: How much is prepared, 0 to 1.
        failure: Why it could not be.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.share = 0.0
        self.failure = ""

    def tell(self, done: int, total: int) -> None:
        """Note how far it is."""
        self.share = done / max(total, 1)


_lock = threading.RLock()
_wishes: dict[UUID, Wish] = {}


class Switching:
    """What chooses the live transform of a collection.

    Args:
        collection: Whose queries.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._engine = collection._engine
        self._id = collection.id

    def use(self, name: str | None, *, wait: bool = False, progress: bool = True) -> Used:
        """Let queries go through a transform from now on; in all handles and processes.

        One that maps queries only is live when this returns, and so is one that maps records too, in a
        collection that is too small for an index. In a larger one all records are mapped and indexed
        in the background first, and queries go on as before until that is done. If it fails, or Python
        ends, they stay so; the last `use` wins.

        Args:
            name: Which one; None for none: the embeddings as they are.
            wait: Whether to wait until it is live.
            progress: Whether to show a bar after a second, while waiting.

        Raises:
            NotFoundError: there is none of that name.
            InvalidArgumentError: it is for another model than the collection has.
        """
        transform = None if name is None else self._usable(name)
        return self._switch(transform, lambda live: live.to(name), wait=wait, progress=progress)

    def rollback(self, *, wait: bool = False, progress: bool = True) -> Used:
        """Go back to the transform that was live before this one; again, to the one before that.

        Args:
            wait: As in `use`.
            progress: As in `use`.

        Raises:
            NotFoundError: nothing else was live before, or it was removed.
        """
        live = read_live(self._row())
        names = {attachment.name for attachment in self._engine.attachments(self._id, KIND)}
        there = [name for name in live.history if name is None or name in names]
        former = [name for name in there if name != live.transform]  # one between may be removed
        if not former:
            raise NotFoundError(
                f"No other transform of {self._collection.name!r} was live before. use(name) chooses "
                f"one; {near('', [name for name in names if name], what='Transforms')}"
            )
        name = former[-1]
        transform = None if name is None else self._usable(name)
        return self._switch(
            transform, lambda live: live.back_to(name), wait=wait, progress=progress
        )

    def remove(self, name: str) -> None:
        """Remove a transform; it cannot be brought back, unless it was exported.

        Raises:
            NotFoundError: there is none of that name.
            InvalidArgumentError: it is live.
        """
        for _ in range(_TRIES):
            found = self._engine.attachment(self._id, KIND, name) if isinstance(name, str) else None
            if found is None or found.number is None:
                raise no_transform(self._engine, self._id, name)
            live = self._live_or_new()
            if live.transform == name:
                raise InvalidArgumentError(
                    f"The transform {name!r} is live: say use(None), or use another, then remove it."
                )
            # The note of which is live is written again, so that nobody lets this one live meanwhile.
            if self._attach(live, live, [found.number]):
                return
        raise self._busy()

    def _switch(
        self,
        transform: Transform | None,
        change: Callable[[Live], Live],
        *,
        wait: bool,
        progress: bool,
    ) -> Used:
        name = None if transform is None else transform.name
        lens = None if transform is None else transform.lens
        before = self._live_or_new()
        wish = Wish(name)
        used = Used(self._collection.name, name, before.transform, ready=True)
        try:
            with _lock:
                _wishes[self._id] = wish
            if lens is not None and not wait and not self._is_ready(lens):
                self._engine.prepare(self._id, lens, self._preparation(wish, change, before))
                return replace(used, ready=False)
            if lens is not None:
                with bar(f"map {self._collection.name}", "row", progress) as tell:
                    self._engine.build_index(self._id, tell, lens)
            self._commit(wish, change)
        except BaseException:
            self._forget(wish)
            raise
        self._forget(wish)
        return used

    def _preparation(self, wish: Wish, change: Callable[[Live], Live], before: Live) -> Preparation:
        def done(error: Exception | None) -> None:
            if error is not None:
                wish.failure = str(error)
                return
            try:
                self._commit(wish, change, before)
            except Exception as failure:
                wish.failure = str(failure)
                raise
            self._forget(wish)

        return Preparation(wish.tell, lambda: self._wish() is wish, done)

    def _commit(
        self, wish: Wish, change: Callable[[Live], Live], before: Live | None = None
    ) -> None:
        """Make the switch, unless somebody wished something else meanwhile."""
        for _ in range(_TRIES):
            with _lock:
                if _wishes.get(self._id) is not wish:
                    return
                live = self._live_or_new()
                if live.transform == wish.name and live.number is not None:
                    return
                if before is not None and live.switch != before.switch:
                    return  # another process did
                if wish.name is not None and not self._is_there(wish.name):
                    raise NotFoundError(f"The transform {wish.name!r} was removed meanwhile.")
                if self._attach(live, change(live)):
                    return
        raise self._busy()

    def _attach(self, live: Live, after: Live, remove: Sequence[int] = ()) -> bool:
        """Replace the note of which is live; False where somebody else has."""
        numbers = [*remove, *([] if live.number is None else [live.number])]
        try:
            self._engine.attach(self._id, remove=numbers, add=[after.attachment()])
        except (NotFoundError, UniqueConstraintError):
            return False
        return True

    def _live_or_new(self) -> Live:
        """What is kept of which is live; damaged, it is written anew by the next switch."""
        row = self._row()
        try:
            return read_live(row)
        except InternalError:
            return Live(number=None if row is None else row.number, switch="damaged")

    def _usable(self, name: str) -> Transform:
        transform = named(self._engine, self._id, name)
        model = self._engine.get_collection_by_id(self._id)
        if why_retired(transform, model) is not None:
            raise InvalidArgumentError(
                f"The transform {transform.name!r} was learned for {transform.model} "
                f"({transform.dimension:,} dimensions), and {model.name!r} has {fingerprint(model)} "
                f"({model.dimension or 0:,}). tune() again."
            )
        return transform

    def _is_ready(self, lens: Lens) -> bool:
        """Whether all records are indexed through it, or are so few that they need not be."""
        found = self._engine.indexing(self._id, lens)
        return found.indexed == found.total

    def _is_there(self, name: str) -> bool:
        return self._engine.attachment(self._id, KIND, name) is not None

    def _row(self) -> Attachment | None:
        return self._engine.attachment(self._id, LIVE, LIVE)

    def _forget(self, wish: Wish) -> None:
        with _lock:
            if _wishes.get(self._id) is wish:
                del _wishes[self._id]

    def _wish(self) -> Wish | None:
        return _wishes.get(self._id)

    def _busy(self) -> StoreBusyError:
        return StoreBusyError(
            f"Others keep switching the transforms of {short(self._collection.name)}. Try again."
        )


def _renew() -> None:
    global _lock
    _lock = threading.RLock()  # the parent's may be held by a thread that is not in the child
    _wishes.clear()  # and the thread that prepares is not there either


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
