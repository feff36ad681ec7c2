"""`Selection`: the selected records of a collection, shared by Python and every widget over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakMethod, WeakValueDictionary

import numpy as np

from chromalab.analytics import Contrast, contrast
from chromalab.analytics.classify.labels import predicted_key, user_labels
from chromalab.analytics.label_values import plain_label
from chromalab.analytics.result import WRITTEN, written_fields
from chromalab.arguments.values import check_field, check_ids, check_random_state, check_text
from chromalab.conversion import items, plain_where
from chromalab.engine import Engine, Reader
from chromalab.engine.values import Attachment
from chromalab.errors import InvalidArgumentError, NotFoundError, near, short
from chromalab.handle import Handle
from chromalab.results.tables import count
from chromalab.search.region_fit import fit_region
from chromalab.search.regions import Region
from chromalab.snapshot import Snapshot
from chromalab.types import Where

if TYPE_CHECKING:
    import pandas

    from chromalab.export import ExportResult
    from chromalab.results.records import QueryResult

__all__ = ["KIND", "LabelConflictError", "Selection", "selection_of"]

KIND = "selection"
"""The kind of the attachments that store selections."""

_Callback = Callable[["Selection"], None]
_PAGE = 1000  # records per call when writing to another program's collection


_NO_VECTORS = np.empty((0, 0), dtype=np.float32)


class LabelConflictError(InvalidArgumentError):
    """Labels would replace values that no analysis wrote.

    Attributes:
        records: The number of records whose value would change.
    """

    def __init__(self, message: str, records: int = 0) -> None:
        super().__init__(message)
        self.records = records


class Selection:
    """The selected records of a collection.

    All handles of a collection and all widgets over it share one selection within a process. Widgets
    and Python code can set it, from any thread, and every watcher is notified. It exists for as long as
    one of these handles or widgets does.

    Args:
        collection: The collection that the ids belong to; any object with Chroma's `get`.

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
    def collection(self) -> Any:
        """The collection that the ids belong to."""
        return self._collection

    @property
    def ids(self) -> list[str]:
        """The selected ids, in the order of selection; can be set, and passed to `query(ids=...)`."""
        return list(self._ids)

    @ids.setter
    def ids(self, ids: Iterable[str]) -> None:
        self.set(ids)

    @property
    def where(self) -> Where | None:
        """The metadata filter that selected the records; None if they were selected by id."""
        return deepcopy(self._where)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    def __reduce__(self) -> tuple[Any, ...]:
        return selection_of, (self._collection,)

    def __repr__(self) -> str:
        where = "" if self._where is None else f", where={short(self._where)}"
        few = ", ".join(map(short, self._ids[:3])) + (", ..." if len(self._ids) > 3 else "")
        return f"Selection({count(len(self), 'record')}{where}{': ' if few else ''}{few})"

    def set(self, ids: Iterable[str] | None = None, *, where: Where | None = None) -> None:
        """Replace the selection with the given records, or with those that match a filter.

        Args:
            ids: The ids of the records; duplicate ids count once.
            where: A metadata filter, applied once; later writes do not change the selection.

        Raises:
            InvalidArgumentError: Both or neither are given, or the collection lacks one of the ids.
        """
        if (ids is None) == (where is None):
            raise InvalidArgumentError("Select by ids, or by where: give one of the two.")
        if where is not None:
            where = plain_where(where)  # it may be stored with the collection
            self.put(self._collection.get(where=where, include=[])["ids"], where=where)
            return
        listed = items(ids, "ids")
        wanted = check_ids(ids) if listed is None else listed
        if wanted:
            wanted = check_ids(list(dict.fromkeys(wanted)))
            existing = set(self._collection.get(ids=wanted, include=[])["ids"])
            missing = [id for id in wanted if id not in existing]
            if missing:
                raise InvalidArgumentError(
                    f"{len(missing):,} of {len(wanted):,} ids are not in the collection, first "
                    f"{short(missing[0])}. Select ids that collection.get()['ids'] lists."
                )
        self.put(wanted)

    def clear(self) -> None:
        """Select nothing."""
        self.put(())

    def put(self, ids: Sequence[str], *, where: Where | None = None) -> None:
        """Select ids that are known to exist, as widgets do; nothing is checked."""
        with self._lock:
            if tuple(ids) == self._ids and where == self._where:
                return
            self._ids, self._where = tuple(ids), deepcopy(where)
            watchers = list(self._watchers)
        # The lock is released first: a watcher may select in turn, or wait for another thread.
        for watcher in watchers:
            callback = watcher()
            if callback is not None:
                callback(self)

    def watch(self, callback: _Callback) -> Callable[[], None]:
        """Call `callback(selection)` after every change.

        A method is held weakly, so watching does not keep its object alive.

        Args:
            callback: A function or method that takes the selection.

        Returns:
            A function that ends the watch.
        """
        held: Callable[[], _Callback | None]
        if hasattr(callback, "__self__"):
            held = WeakMethod(callback, self._forget)
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
        """Return a pandas DataFrame of the selected records, in the order of the collection.

        It has the columns and types of `collection.df`.
        """
        ids = list(self._ids)
        if ids and hasattr(self._collection, "df"):
            return self._collection.df(ids=ids)  # type: ignore[no-any-return]
        # Chroma treats an empty list of ids as "no records", and older releases reject it.
        found = self._collection.get(ids=ids) if ids else self._collection.get(limit=0)
        if hasattr(found, "df"):
            return found.df()  # type: ignore[no-any-return]
        from chromalab.results.tables import data_frame

        columns = ("ids", "documents", "metadatas")
        rows = list(zip(*(found[name] for name in columns), strict=True))
        return data_frame(rows, ["id", "document", "metadata"])

    def label(self, field: str, value: Any, *, overwrite: bool = False) -> int:
        """Write a value to a metadata field of the selected records, in one transaction.

        Values that analyses wrote, such as the predictions of `classify`, are replaced, and from then on
        count as written by a person.

        Args:
            field: The metadata field.
            value: A string, a number or a boolean; None removes the field.
            overwrite: Whether to replace values that no analysis wrote, such as labels by people.

        Returns:
            The number of records whose value has changed.

        Raises:
            LabelConflictError: Values that no analysis wrote would change; nothing was written.
            InvalidArgumentError: Nothing is selected, or the value is not one of these types.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0], [1]])
            >>> points.selection = ["a"]
            >>> points.selection.label("area", "library")
            1
            >>> points.get(where={"area": "library"})["ids"]
            ['a']
        """
        field, label = check_field(field, "field"), plain_label(value)
        ids, collection = self._some(), self._collection
        own = isinstance(collection, Handle)
        version = collection.get_version() if own else None
        found = collection.get(ids=ids, include=["metadatas"])
        before = [(metadata or {}).get(field) for metadata in found["metadatas"]]
        changed = [type(old) is not type(label) or old != label for old in before]
        written = (written_fields(collection) or set()) if own else set()
        if not overwrite and field not in written:
            records = Snapshot(found["ids"], _NO_VECTORS, metadatas=found["metadatas"])
            given = user_labels(records, field)
            taken = sum(
                old is not None and change for old, change in zip(given, changed, strict=True)
            )
            if taken:
                raise LabelConflictError(
                    f"{short(field)} has values that no analysis wrote in {taken:,} of "
                    f"{count(len(ids), 'selected record')}, and they would change. Choose another field, "
                    "or replace them with overwrite=True.",
                    taken,
                )
        marks = {predicted_key(field), f"{field}_confidence"}
        update = {
            "ids": found["ids"],
            "metadatas": [
                {
                    field: label,
                    # Without them, the value is no longer one that a model predicted.
                    **(dict.fromkeys(marks) if marks <= (metadata or {}).keys() else {}),
                }
                for metadata in found["metadatas"]
            ],
        }
        if own:
            collection.replace_records(
                update=update, version=version, operation=f"label {short(field)}"
            )
            if field in written:
                stored = collection.engine.attachment(collection.id, WRITTEN, field)
                collection.engine.attach(collection.id, remove=_numbers(stored))
        else:
            for at in range(0, len(update["ids"]), _PAGE):
                page = slice(at, at + _PAGE)
                collection.update(**{name: part[page] for name, part in update.items()})
        return sum(changed)

    def contrast(self, *, n: int = 10) -> Contrast:
        """Find what sets the selected records apart from all others, in words and metadata.

        Args:
            n: The maximum number of words, of values and of shifts.

        Returns:
            A table of over-represented words and values, and of numbers and dates that are higher or
            lower; see `chromalab.analytics.contrast`.

        Raises:
            InvalidArgumentError: Nothing or everything is selected.
        """
        return contrast(self._collection, self._some(), n=n)

    def query(
        self, query_texts: str | Sequence[str], n_results: int = 10, **options: Any
    ) -> QueryResult:
        """Find the selected records that are nearest to a text.

        Args:
            query_texts: One or more texts.
            n_results: The number of results per text.
            options: Other options of `collection.query`.

        Raises:
            InvalidArgumentError: Nothing is selected, or as for `collection.query`.
        """
        ids, texts = self._some(), [query_texts] if isinstance(query_texts, str) else query_texts
        found: QueryResult = self._collection.query(
            query_texts=texts, n_results=n_results, ids=ids, **options
        )
        return found

    def region(self, *, random_state: int = 0) -> Region:
        """Describe the selected records by a region, which then holds for records to come as well.

        The region is a ball around their mean, a half-space by logistic regression, or both together:
        the one with the largest F1 over all records.

        Args:
            random_state: The seed of the sample that the half-space is learned from.

        Returns:
            The region, with its `precision` (the share of its records that are selected) and its
            `recall` (the share of the selected records that are in it).

        Raises:
            InvalidArgumentError: Fewer than two records are selected, or all are.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b", "c", "d"], embeddings=[[0], [1], [8], [9]])
            >>> points.selection = ["c", "d"]
            >>> region = points.selection.region()
            >>> region.precision, region.recall
            (1.0, 1.0)
            >>> points.add(ids=["e"], embeddings=[[8.5]])
            >>> points.search(chromalab.Search().within(region))["ids"]
            [['c', 'd', 'e']]
        """
        ids, seed = self._some(), check_random_state(random_state)
        if not isinstance(self._collection, Handle):
            raise _not_ours("described by a region", self._collection)

        def read(reader: Reader) -> Region:
            found = reader.locate(ids)
            return fit_region(reader, np.unique(found[found >= 0]), seed)

        return self._collection.engine.reading(self._collection.id, read)

    def export(self, path: Any, *, overwrite: bool = False) -> ExportResult:
        """Write the selected records to a CSV, Parquet or JSON file, as `collection.export` does.

        Args:
            path: The file, which ends with .csv, .parquet, .json or .jsonl.
            overwrite: Whether to replace an existing file.

        Raises:
            InvalidArgumentError: Nothing is selected, or as for `collection.export`.
        """
        ids = self._some()
        if not hasattr(self._collection, "export"):
            raise _not_ours("exported", self._collection)
        written: ExportResult = self._collection.export(path, ids=ids, overwrite=overwrite)
        return written

    def delete(self) -> dict[str, int]:
        """Delete the selected records, which are then no longer selected.

        Returns:
            `{"deleted": n}`, as `collection.delete`.

        Raises:
            InvalidArgumentError: Nothing is selected.
        """
        deleted: dict[str, int] = self._collection.delete(ids=self._some())
        self.clear()
        return deleted

    def _some(self) -> list[str]:
        if not self._ids:
            raise InvalidArgumentError(
                "No records are selected. Select some in a widget, or with selection.set(...)."
            )
        return list(self._ids)

    def save(self, name: str) -> None:
        """Store the selection with the collection under a name, replacing an earlier one of that name.

        Raises:
            InvalidArgumentError: The name is not a string, or the collection is not one of chromalab.
        """
        check_text(name, "selection")
        engine, id = self._storage()
        old = engine.attachment(id, KIND, name)
        body = {"ids": list(self._ids), "where": self._where}
        engine.attach(
            id,
            remove=_numbers(old),
            add=[Attachment(KIND, body, name=name)],
        )

    def load(self, name: str) -> Selection:
        """Select the records of a saved selection, without those that were deleted since.

        Raises:
            NotFoundError: There is no such selection; the message suggests similar names.
        """
        found = self._stored(name)
        ids = found.body["ids"]
        existing = set(self._collection.get(ids=ids, include=[])["ids"]) if ids else set()
        self.put([id for id in ids if id in existing], where=found.body["where"])
        return self

    def saved(self) -> list[str]:
        """List the names of the saved selections, oldest first."""
        engine, id = self._storage()
        return [str(stored.name) for stored in engine.attachments(id, KIND)]

    def forget(self, name: str) -> None:
        """Delete a saved selection; what is selected now does not change.

        Raises:
            NotFoundError: There is no such selection; the message suggests similar names.
        """
        found = self._stored(name)
        engine, id = self._storage()
        engine.attach(id, remove=_numbers(found))

    def _stored(self, name: str) -> Attachment:
        engine, id = self._storage()
        found = engine.attachment(id, KIND, check_text(name, "selection"))
        if found is None:
            hint = near(name, self.saved(), what="Selections")
            raise NotFoundError(f"No selection was saved as {short(name)}. {hint}")
        return found

    def _storage(self) -> tuple[Engine, UUID]:
        if not isinstance(self._collection, Handle):
            raise _not_ours("saved", self._collection)
        return self._collection.engine, self._collection.id


def selection_of(handle: Handle) -> Selection:
    """Return the selection of a collection, the same one for all its handles in this process.

    Raises:
        ClientClosedError: The client of the handle is closed.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> points = client.create_collection("points", embedding_function=None)
        >>> selection_of(points) is selection_of(client.get_collection("points"))
        True
    """
    _ = handle.engine.key  # raises the error, because the selection itself does not need the client
    selection = handle.room(_shared)  # the handle keeps it alive
    selection._collection = handle  # the client of an earlier handle may be closed by now
    return selection


def _not_ours(done: str, collection: Any) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"A selection can only be {done} with a collection of chromalab; got one over "
        f"{type(collection).__name__}. Copy the records into a collection first."
    )


def _numbers(stored: Attachment | None) -> list[int]:
    return [] if stored is None or stored.number is None else [stored.number]


# The key of an engine is never reused. Python reuses the id() of an object that is gone, so that the
# selection of a closed store would appear in a new one.
_selections: WeakValueDictionary[tuple[int, UUID], Selection] = WeakValueDictionary()
_selections_lock = threading.Lock()


def _shared(handle: Handle) -> Selection:
    key = handle.engine.key, handle.id
    with _selections_lock:
        selection = _selections.get(key)
        if selection is None:
            selection = _selections[key] = Selection(handle)
        return selection
