"""The active transform of a collection: the one that its queries go through by default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from chromalab.engine import Attachment, CollectionModel
from chromalab.engine.values import OutdatedQueryError, QueryBasis
from chromalab.errors import (
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    near,
    notice,
    short,
)
from chromalab.handle import Handle, fingerprint_of
from chromalab.transforms.storage import ACTIVE, ACTIVE_KIND, KIND, read_attachment
from chromalab.transforms.transform import Transform

__all__ = [
    "Activation",
    "ActiveTransform",
    "find_transform",
    "missing_transform",
    "read_activation",
    "why_retired",
]

T = TypeVar("T")
_HISTORY = 20  # The number of switches that can be rolled back.


@dataclass(frozen=True)
class Activation:
    """The stored record of which transform is active.

    Attributes:
        transform: The name of the active transform; None for none.
        history: The names of those that were active before, latest last; None for none.
        switch: A random string that changes with every switch.
        number: The number of the attachment.
    """

    transform: str | None = None
    history: tuple[str | None, ...] = ()
    switch: str = ""
    number: int | None = None

    def to(self, name: str | None) -> Activation:
        """Return the record after a switch to another transform."""
        history = (*self.history, self.transform)[-_HISTORY:]
        return Activation(name, history, uuid4().hex)

    def back_to(self, name: str | None) -> Activation:
        """Return the record after a rollback; the history after that transform is dropped."""
        if name not in self.history:  # Another process has rolled back further.
            return self.to(name)
        at = len(self.history) - 1 - self.history[::-1].index(name)
        return Activation(name, self.history[:at], uuid4().hex)

    def attachment(self) -> Attachment:
        """Return the record as it is stored."""
        body = {"transform": self.transform, "history": list(self.history), "switch": self.switch}
        return Attachment(ACTIVE_KIND, body, ACTIVE_KIND)


def read_activation(attachment: Attachment | None) -> Activation:
    """Read the stored record, which is treated as untrusted.

    Raises:
        InternalError: The record is damaged.
    """
    if attachment is None:
        return Activation()
    body = attachment.body
    name, history, switch = body.get("transform"), body.get("history", []), body.get("switch", "")
    is_valid = (
        isinstance(name, str | None) and isinstance(history, list) and isinstance(switch, str)
    )
    if not is_valid or not all(isinstance(former, str | None) for former in history):
        raise InternalError(
            "The record of which transform is active is damaged. transforms.use(name), or use(None), "
            "replaces it; query(transform=None) goes without a transform."
        )
    return Activation(name, tuple(history[-_HISTORY:]), switch, attachment.number)


def find_transform(collection: Handle, name: Any) -> Transform:
    """Read a transform by name.

    Raises:
        NotFoundError: There is no transform with that name.
        InternalError: The transform is damaged.
    """
    found = None
    if isinstance(name, str):
        found = collection.engine.attachment(collection.id, KIND, name)
    if found is None:
        raise missing_transform(collection, name)
    return read_attachment(found)


def missing_transform(collection: Handle, name: Any) -> NotFoundError:
    """Return the error for a name that no transform has."""
    stored = collection.engine.attachments(collection.id, KIND)
    names = [attachment.name or "" for attachment in stored]
    return NotFoundError(f"No transform {short(name)}. {near(str(name), names, what='Transforms')}")


def why_retired(transform: Transform, model: CollectionModel) -> str | None:
    """Return why a transform does not fit a collection as it is now; None if it fits."""
    if transform.model != fingerprint_of(model):
        return "the embedding function changed"
    if model.dimension not in (None, transform.dimension):
        return f"it has {transform.dimension:,} dimensions, and the collection {model.dimension:,}"
    return None


class ActiveTransform:
    """Finds the transform of a query; `collection.room(ActiveTransform)` caches what it has read.

    Args:
        collection: The collection that is queried.
    """

    def __init__(self, collection: Handle) -> None:
        self._collection = collection
        self._cached: tuple[int | None, Transform | None] = (None, None)
        self._warned: set[str] = set()

    def of(self, transform: Any) -> Transform | None:
        """Return the transform that a call asks for.

        Args:
            transform: "active", the name of another, a `Transform`, or None or False for none.

        Raises:
            NotFoundError: There is no transform with that name.
            InvalidArgumentError: It is for another model, or the argument is of another kind.
        """
        collection = self._collection
        if transform is None or transform is False:
            return None
        if isinstance(transform, str) and transform == ACTIVE:
            return self.current()
        if isinstance(transform, Transform):
            found = transform
        elif isinstance(transform, str):
            found = find_transform(collection, transform)
        else:
            raise InvalidArgumentError(
                f"transform must be {ACTIVE!r}, the name of one, a Transform or None; got "
                f"{short(transform)}."
            )
        model = collection.refresh()
        if why_retired(found, model) is not None:
            raise InvalidArgumentError(
                f"The transform {found.name!r} was learned for {found.model} ({found.dimension:,} "
                f"dimensions), and {model.name!r} has {fingerprint_of(model)} "
                f"({model.dimension or 0:,}). Run tune() again."
            )
        return found

    def current(self) -> Transform | None:
        """Return the active transform; None if there is none, or it is retired, with one warning."""
        transform = self._read()
        return None if transform is None else self._usable(transform, self._collection.refresh())

    def _known(self) -> Transform | None:
        """Return the active transform as it was last read."""
        transform = self._cached[1]
        model = self._collection.get_model()
        return None if transform is None else self._usable(transform, model)

    def confirmed(self, transform: Any, ask: Callable[[Transform | None, QueryBasis], T]) -> T:
        """Ask the engine for an answer; in its transaction, it confirms what the handle knew.

        Args:
            transform: The transform that the call asks for, as in `of`.
            ask: Prepares queries for that transform, and asks. It is called again if the collection was
                re-embedded or the transform switched, perhaps by another process.
        """
        collection = self._collection
        depends = isinstance(transform, str) and transform == ACTIVE
        while True:
            known = collection.get_model()
            basis = (
                QueryBasis(known, ACTIVE_KIND, self._cached[0]) if depends else QueryBasis(known)
            )
            try:
                return ask(self._known() if depends else self.of(transform), basis)
            except OutdatedQueryError as outdated:
                collection.refresh(outdated.model)
                if depends:
                    self.refresh(outdated.attachment)

    def refresh(self, row: Attachment | None) -> None:
        """Take the stored record as it is now."""
        # Attachments never change: an equal number is equal content.
        while (number := None if row is None else row.number) != self._cached[0]:
            name = read_activation(row).transform
            try:
                found = None if name is None else find_transform(self._collection, name)
            except NotFoundError as error:
                row = self._row()
                if row is None or row.number != number:
                    continue  # It was replaced, and its transform removed, since it was read.
                raise InternalError(
                    f"The transform {short(name)} is active but no longer stored. Call "
                    "transforms.use(None), or use another; query(transform=None) goes without one."
                ) from error
            self._cached = number, found

    def _read(self) -> Transform | None:
        """Return the transform that is recorded as active, even if it is retired."""
        self.refresh(self._row())
        return self._cached[1]

    def _row(self) -> Attachment | None:
        collection = self._collection
        return collection.engine.attachment(collection.id, ACTIVE_KIND, ACTIVE_KIND)

    def _usable(self, transform: Transform, model: CollectionModel) -> Transform | None:
        if why_retired(transform, model) is None:
            return transform
        if transform.name not in self._warned:
            self._warned.add(transform.name)
            notice(
                f"The transform {transform.name!r} was learned for {transform.model} "
                f"({transform.dimension:,} dimensions), and {model.name!r} now has "
                f"{fingerprint_of(model)}, so it is not used. Run tune() again, or transforms.use(None)."
            )
        return None

    def name(self) -> str | None:
        """Return the name of the active transform, to store it with a judgment; None if there is none."""
        try:
            transform = self._read()
        except InternalError:  # query() reports the damage; a judgment is worth storing anyway.
            return None
        if transform is None or why_retired(transform, self._collection.refresh()) is not None:
            return None
        return transform.name
