"""`Selection`: the records of a collection that are picked out, one and the same for every widget."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chromalab.arguments.values import check_ids, check_text
from chromalab.description import Described
from chromalab.engine.attachment import Attachment
from chromalab.errors import InvalidArgumentError, NotFoundError, near, short
from chromalab.types import Where

if TYPE_CHECKING:
    import pandas

__all__ = ["KIND", "Selectable", "Selection"]

KIND = "selection"
"""Of the attachments that keep selections under a name."""

_Callback = Callable[["Selection"], None]


class Selection:
    """The records of a collection that are picked out: by a widget, or from Python.

    There is one a collection, for as long as somebody holds the collection or a widget over it. Whoever
    sets it, everybody who watches it is told. It may be set from any thread.

    Args:
        collection: What the ids are of; anything with Chroma's `get`.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=[{"n": 1}, {"n": 2}])
        >>> points.selection.set(where={"n": 2})
        >>> points.selection.ids
        ['b']
        >>> points.query(query_embeddings=[[0]], ids=points.selection.ids)["ids"]
        [['b']]
    """

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._ids: tuple[str, ...] = ()
        self._where: Where | None = None
        self._lock = threading.RLock()
        self._watchers: list[Callable[[], _Callback | None]] = []

    @property
    def ids(self) -> list[str]:
        """The ids, in the order in which they were selected; may be set. For `query(ids=...)`."""
        return list(self._ids)

    @ids.setter
    def ids(self, ids: Iterable[str]) -> None:
        self.set(ids)

    @property
    def where(self) -> Where | None:
        """The filter on metadata that it came from; None where the ids were picked one by one."""
        return deepcopy(self._where)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    def __repr__(self) -> str:
        where = "" if self._where is None else f", where={short(self._where)}"
        few = ", ".join(map(short, self._ids[:3])) + (", ..." if len(self._ids) > 3 else "")
        return f"Selection({len(self._ids):,} records{where}{': ' if few else ''}{few})"

    def set(self, ids: Iterable[str] | None = None, *, where: Where | None = None) -> None:
        """Select these records, or those that match a filter, and no others.

        Args:
            ids: Which ones; an id that stands twice counts once.
            where: A filter on metadata: what matches now, and later writes change nothing.

        Raises:
            InvalidArgumentError: both or neither are given, or the collection lacks one of the ids.
        """
        if (ids is None) == (where is None):
            raise InvalidArgumentError("Select by ids, or by where: give one of the two.")
        if where is not None:
            self.put(self._collection.get(where=where, include=[])["ids"], where=where)
            return
        wanted = [ids] if isinstance(ids, str) else list(dict.fromkeys(ids or ()))
        if wanted:
            wanted = check_ids(wanted)
            known = set(self._collection.get(ids=wanted, include=[])["ids"])
            missing = [id for id in wanted if id not in known]
            if missing:
                raise InvalidArgumentError(
                    f"{len(missing):,} of {len(wanted):,} ids are not in the collection, first "
                    f"{short(missing[0])}. collection.get()['ids'] has those that are."
                )
        self.put(wanted)

    def clear(self) -> None:
        """Select nothing."""
        self.put(())

    def put(self, ids: Sequence[str], *, where: Where | None = None) -> None:
        """Select ids that are known to be there, as a widget does; nothing is checked."""
        with self._lock:
            if tuple(ids) == self._ids and where == self._where:
                return
            self._ids, self._where = tuple(ids), deepcopy(where)
            watchers = list(self._watchers)
        for watcher in watchers:
            callback = watcher()
            if callback is not None:
                callback(self)

    def watch(self, callback: _Callback) -> Callable[[], None]:
        """Have `callback(selection)` called after every change; returns what ends it.

        A method is held weakly: watching keeps no widget alive.
        """
        held: Callable[[], _Callback | None]
        if hasattr(callback, "__self__"):
            held = weakref.WeakMethod(callback, self._forget)
        else:

            def held() -> _Callback | None:
                return callback

        with self._lock:
            self._watchers.append(held)
        return lambda: self._forget(held)

    def _forget(self, held: Any) -> None:
        with self._lock:
            self._watchers = [watcher for watcher in self._watchers if watcher is not held]

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame of the records, in the order of the collection."""
        ids = list(self._ids)
        # Chroma reads an empty list of ids as "no records", and refuses it in older releases.
        found = self._collection.get(ids=ids) if ids else self._collection.get(limit=0)
        if hasattr(found, "df"):
            return found.df()  # type: ignore[no-any-return]
        from chromalab.results.tables import data_frame

        columns = ("ids", "documents", "metadatas")
        rows = list(zip(*(found[name] for name in columns), strict=True))
        return data_frame(rows, ["id", "document", "metadata"])

    def save(self, name: str) -> None:
        """Keep it with the collection under a name; one that is kept under it is replaced.

        Raises:
            InvalidArgumentError: the name is not a text, or the collection cannot keep any.
        """
        check_text(name, "A selection's name")
        engine, id = self._kept_by()
        old = engine.attachment(id, KIND, name)
        body = {"ids": list(self._ids), "where": self._where}
        engine.attach(
            id,
            remove=[] if old is None else [old.number],
            add=[Attachment(KIND, body, name=name)],
        )

    def load(self, name: str) -> Selection:
        """Select what was saved under a name; records that were deleted since are left out.

        Raises:
            NotFoundError: nothing was; the message names the near ones.
        """
        engine, id = self._kept_by()
        found = engine.attachment(id, KIND, check_text(name, "A selection's name"))
        if found is None:
            raise self._unknown(name)
        ids = found.body["ids"]
        there = set(self._collection.get(ids=ids, include=[])["ids"]) if ids else set()
        self.put([id for id in ids if id in there], where=found.body["where"])
        return self

    def saved(self) -> list[str]:
        """List the names that selections are kept under, oldest first."""
        engine, id = self._kept_by()
        return [kept.name for kept in engine.attachments(id, KIND)]

    def forget(self, name: str) -> None:
        """Drop what was saved under a name; the selection itself stays.

        Raises:
            NotFoundError: nothing was; the message names the near ones.
        """
        engine, id = self._kept_by()
        found = engine.attachment(id, KIND, check_text(name, "A selection's name"))
        if found is None:
            raise self._unknown(name)
        engine.attach(id, remove=[found.number])

    def _unknown(self, name: str) -> NotFoundError:
        hint = near(name, self.saved(), what="Selections")
        return NotFoundError(f"No selection was saved as {short(name)}. {hint}")

    def _kept_by(self) -> tuple[Any, UUID]:
        if not isinstance(self._collection, Described):
            found = type(self._collection).__name__
            raise InvalidArgumentError(
                f"A selection is saved with a collection of chromalab; this is one of {found}."
            )
        return self._collection._engine, self._collection.id


_known: weakref.WeakValueDictionary[tuple[int, UUID], Selection] = weakref.WeakValueDictionary()
_known_lock = threading.Lock()


class Selectable(Described):
    """The part of `Collection` that knows which of its records are picked out."""

    @property
    def selection(self) -> Selection:
        """The records that are picked out, in this process: every widget shows the same.

        May be set: `collection.selection = ["a", "b"]`.
        """
        # All clients of a folder lease one engine, which their collections keep alive.
        engine = getattr(self._engine, "engine", self._engine)
        with _known_lock:
            found = _known.get((id(engine), self.id))
            if found is None:
                found = Selection(self)
                _known[id(engine), self.id] = found
            found._collection = self  # the handle in use: an older one's client may be closed
            self.__dict__["_selection"] = found
        return found

    @selection.setter
    def selection(self, ids: Iterable[str] | Selection) -> None:
        self.selection.set(ids)
