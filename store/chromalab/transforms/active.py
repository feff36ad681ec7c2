"""Which transform the queries of a collection go through: the live one, or one that a call names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from chromalab.engine import Attachment, CollectionModel, Engine
from chromalab.errors import (
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    near,
    notice,
    short,
)
from chromalab.feedback.asking import fingerprint
from chromalab.feedback.keeping import KIND, LIVE, read_stored
from chromalab.feedback.transform import Transform

__all__ = ["Chosen", "Live", "named", "no_transform", "read_live", "why_retired"]

_HISTORY = 20  # switches that can be taken back


@dataclass(frozen=True)
class Live:
    """What is kept about which transform is live.

    Attributes:
        transform: Its name; None for none.
        history: The names of those that were live before, latest last; None for none.
        switch: Another one after each switch.
        number: Of the attachment.
    """

    transform: str | None = None
    history: tuple[str | None, ...] = ()
    switch: str = ""
    number: int | None = None

    def to(self, name: str | None) -> Live:
        """Switch to another."""
        history = (*self.history, self.transform)[-_HISTORY:]
        return Live(name, history, uuid4().hex)

    def back_to(self, name: str | None) -> Live:
        """Go back to one that was live before; what came after it is forgotten."""
        if name not in self.history:  # somebody else went back further
            return self.to(name)
        at = len(self.history) - 1 - self.history[::-1].index(name)
        return Live(name, self.history[:at], uuid4().hex)

    def attachment(self) -> Attachment:
        """Give it as it is kept."""
        body = {"transform": self.transform, "history": list(self.history), "switch": self.switch}
        return Attachment(LIVE, body, LIVE)


def read_live(attachment: Attachment | None) -> Live:
    """Read what is kept; nothing of it is believed.

    Raises:
        InternalError: it is damaged.
    """
    if attachment is None:
        return Live()
    body = attachment.body
    name, history, switch = body.get("transform"), body.get("history", []), body.get("switch", "")
    sound = isinstance(name, str | None) and isinstance(history, list) and isinstance(switch, str)
    if not sound or not all(isinstance(former, str | None) for former in history):
        raise InternalError(
            "What says which transform is live is damaged. transforms.use(None), or use(name), writes "
            "it anew; query(transform=None) goes without one."
        )
    return Live(name, tuple(history[-_HISTORY:]), switch, attachment.number)


def named(engine: Engine, id: UUID, name: Any) -> Transform:
    """Read a transform by name.

    Raises:
        NotFoundError: there is none.
        InternalError: it is damaged.
    """
    found = engine.attachment(id, KIND, name) if isinstance(name, str) else None
    if found is None:
        raise no_transform(engine, id, name)
    return read_stored(found)


def no_transform(engine: Engine, id: UUID, name: Any) -> NotFoundError:
    """Make the error for a name that no transform has."""
    names = [attachment.name or "" for attachment in engine.attachments(id, KIND)]
    return NotFoundError(f"No transform {short(name)}. {near(str(name), names, what='Transforms')}")


def why_retired(transform: Transform, model: CollectionModel) -> str | None:
    """Say why a transform is not for a collection as it is now; None where it is."""
    if transform.model != fingerprint(model):
        return "the embedding function changed"
    if model.dimension not in (None, transform.dimension):
        return f"it has {transform.dimension:,} dimensions, and the collection {model.dimension:,}"
    return None


class Chosen:
    """Finds the transform of a query. A handle of a collection keeps one, with what it has read."""

    def __init__(self, engine: Engine, id: UUID) -> None:
        self._engine = engine
        self._id = id
        self._known: tuple[int | None, Transform | None] = (None, None)
        self._noticed: set[str] = set()

    def live(self) -> Transform | None:
        """The live one; None where there is none, or it is retired, which is said once."""
        transform = self._read()
        if transform is None:
            return None
        model = self._engine.get_collection_by_id(self._id)
        if why_retired(transform, model) is None:
            return transform
        if transform.name not in self._noticed:
            self._noticed.add(transform.name)
            notice(
                f"The transform {transform.name!r} was learned for {transform.model} "
                f"({transform.dimension:,} dimensions), and {model.name!r} has {fingerprint(model)} now: "
                "it is not used. tune() again, or transforms.use(None)."
            )
        return None

    def name(self) -> str | None:
        """Name the live one, for the record; None where queries go through none, or it is damaged."""
        try:
            transform = self._read()
        except InternalError:  # query() says so; what somebody judges is worth keeping all the same
            return None
        if transform is None or why_retired(transform, self._engine.get_collection_by_id(self._id)):
            return None
        return transform.name

    def _read(self) -> Transform | None:
        """What is kept as the live one, retired or not."""
        row = self._engine.attachment(self._id, LIVE, LIVE)
        if row is None:
            return None
        known = self._known
        if known[0] != row.number:  # an attachment is never changed, so the same number is the same
            name = read_live(row).transform
            known = row.number, None if name is None else self._named_live(name)
            self._known = known
        return known[1]

    def of(self, asked: Any) -> Transform | None:
        """What a call asks for.

        Args:
            asked: "live", the name of another, a `Transform`, or None or False for none.

        Raises:
            NotFoundError: there is none of that name.
            InvalidArgumentError: it is for another model, or is nothing that can be asked for.
        """
        if asked is None or asked is False:
            return None
        if isinstance(asked, str) and asked == LIVE:
            return self.live()
        if not isinstance(asked, str | Transform):
            raise InvalidArgumentError(
                f"transform is {short(asked)}; it is {LIVE!r}, the name of one, a Transform, or None."
            )
        found = asked if isinstance(asked, Transform) else named(self._engine, self._id, asked)
        model = self._engine.get_collection_by_id(self._id)
        if why_retired(found, model) is not None:
            raise InvalidArgumentError(
                f"The transform {found.name!r} was learned for {found.model} ({found.dimension:,} "
                f"dimensions), and {model.name!r} has {fingerprint(model)} ({model.dimension or 0:,}). "
                "tune() again."
            )
        return found

    def _named_live(self, name: str) -> Transform:
        try:
            return named(self._engine, self._id, name)
        except NotFoundError as error:
            raise InternalError(
                f"The transform {short(name)} is live, and is not there any more. transforms.use(None), "
                "or another; query(transform=None) goes without one."
            ) from error
