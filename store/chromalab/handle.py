"""`Handle`: a collection as the rooms see it, with its records, its model and what rooms attach."""

from __future__ import annotations

import json
import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload
from uuid import UUID
from weakref import WeakValueDictionary

import numpy as np

from chromalab.arguments.records import read_filter
from chromalab.arguments.values import check_ids, check_metadatas
from chromalab.deferred import DeferredName
from chromalab.embed import EmbeddingFunction, embed_queries, from_config
from chromalab.engine import (
    Attachment,
    Batch,
    CollectionModel,
    Engine,
    OutdatedSchemaError,
    Replacement,
)
from chromalab.engine.values import ReplaceResult, Vectors
from chromalab.errors import ChromalabError, EmbeddingFunctionError, InvalidArgumentError
from chromalab.schema import Schema, with_sparse_embeddings
from chromalab.snapshot import Snapshot
from chromalab.sparse import to_stored, with_sparse_vectors
from chromalab.types import DataLoader, Where

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Handle", "Room", "fingerprint_of"]

T = TypeVar("T")


class Handle:
    """A collection of an engine, without the calls that the rooms add; `Collection` is one.

    Rooms take a handle, so that they know neither `Collection` nor each other's callers.

    Args:
        engine: Holds the records.
        model: The row of the catalog.
        embedding_function: One that the caller gave; by default the stored one is built when it is
            needed.
        data_loader: Reads what URIs name; it is not stored.

    Attributes:
        engine: Holds the records, and what is attached to the collection.
        data_loader: Reads what URIs name, or None.
    """

    def __init__(
        self,
        engine: Engine,
        model: CollectionModel,
        embedding_function: EmbeddingFunction[Any] | None = None,
        data_loader: DataLoader[Any] | None = None,
    ) -> None:
        self.engine = engine
        self.data_loader = data_loader
        self._model = model
        self._embedding_function = embedding_function
        self._rooms: dict[Callable[..., Any], Any] = {}
        self._snapshots: WeakValueDictionary[str, Snapshot] = WeakValueDictionary()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folder and the id; the store is opened again where it is unpickled.

        An embedding function that cannot be pickled is left out, unless it is built from what is stored,
        and so is such a data loader.
        """
        function = self._embedding_function
        if (_function_of(self._model) or {}).get("type") == "known" or not _is_portable(function):
            function = None
        loader = self.data_loader if _is_portable(self.data_loader) else None
        return type(self), (self.engine, self._model, function, loader)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copy = deepcopy(self.engine, memo)
        return type(self)(copy, self._model, self._embedding_function, self.data_loader)

    # What the collection is.

    @property
    def id(self) -> UUID:
        """The id, which stays the same when the name changes."""
        return self._model.id

    @property
    def name(self) -> str:
        """The name."""
        return self._model.name

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The collection's own metadata."""
        return self._model.metadata

    @property
    def configuration_json(self) -> dict[str, Any]:
        """The configuration as it is stored, without the schema."""
        stored = self._model.configuration
        return {section: value for section, value in stored.items() if section != "schema"}

    @property
    def configuration(self) -> dict[str, Any]:
        """The configuration, including the embedding function itself."""
        stored = self.configuration_json
        function = self._embedding_function
        if function is None and (stored["embedding_function"] or {}).get("type") == "known":
            function = self.embedding_function()
        return {**stored, "embedding_function": function}

    @property
    def schema(self) -> Schema:
        """The indexes of the collection, as they are stored now: a copy.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.schema.vector_index().space
            'l2'
        """
        self.refresh()
        configuration = self.configuration
        return Schema.of_configuration({**self._model.configuration, **configuration})

    @property
    def tenant(self) -> str:
        """The tenant."""
        return self._model.tenant

    @property
    def database(self) -> str:
        """The database."""
        return self._model.database

    @property
    def dimension(self) -> int | None:
        """The dimension of the embeddings; None until the first write."""
        return self.engine.get_collection_by_id(self.id).dimension

    @property
    def written_at(self) -> datetime | None:
        """The time, in UTC, at which records were last written or `modify`, `compact` or `reembed` ran.

        None before the first write, and where the last write was by a release that stored no time. For
        a fork it is the time of the fork until the fork is written to.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
            >>> notes.written_at
            >>> notes.add(ids=["a"], embeddings=[[0, 1]])
            >>> notes.written_at.tzname()
            'UTC'
        """
        return self.engine.get_collection_by_id(self.id).written_at

    @property
    def model(self) -> str:
        """The name of the embedding function; "none" where the caller supplies embeddings."""
        function = self._model.configuration["embedding_function"] or {}
        return str(function.get("name") or function.get("type", "none"))

    @property
    def space(self) -> str:
        """The distance: l2, cosine or ip."""
        stored = self._model.configuration
        return str((stored["hnsw"] or stored["spann"])["space"])

    def get_model(self) -> CollectionModel:
        """Return the plain description of the collection."""
        return self._model

    def get_version(self) -> int:
        """Return the number of committed writes; results name the version they saw."""
        return self.engine.get_collection_by_id(self.id).version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        try:
            size = f"{self.engine.count(self.id):,} records"
        except ChromalabError:  # deleted, or its client was closed: a repr must not raise
            size = "no longer available"
        return f"Collection({self.name!r}, {size}, model: {self.model})"

    # Its embedding function.

    def embedding_function(self) -> EmbeddingFunction[Any]:
        """Return the embedding function, as it is stored now.

        Raises:
            EmbeddingFunctionError: The collection has none, or it cannot be built from what is stored.
        """
        self.refresh()
        function = self._built_function()
        if function is None:
            raise EmbeddingFunctionError(
                f"Collection {self.name!r} has no embedding function to embed texts with. Pass "
                f"embeddings, or get_collection({self.name!r}, embedding_function=...)."
            )
        return function

    def load(self, uris: Sequence[str | None]) -> Any:
        """Return what the data loader reads from URIs.

        Raises:
            InvalidArgumentError: The collection has none.
        """
        if self.data_loader is None:
            raise InvalidArgumentError(
                f"Collection {self.name!r} has no data loader to read URIs with. Pass embeddings, or "
                f"get_collection({self.name!r}, data_loader=...)."
            )
        return self.data_loader(uris)

    def known_embedding_function(self) -> EmbeddingFunction[Any]:
        """Return the embedding function as the handle knows it, which a `QueryBasis` then confirms.

        Raises:
            EmbeddingFunctionError: As for `embedding_function`.
        """
        return self._built_function() or self.embedding_function()

    def _built_function(self) -> EmbeddingFunction[Any] | None:
        if self._embedding_function is None:
            stored = _function_of(self._model)
            if stored is not None and stored["type"] == "known":
                self._embedding_function = from_config(stored)
        return self._embedding_function

    def refresh(self, model: CollectionModel | None = None) -> CollectionModel:
        """Take on the current row of the catalog, read from the store by default, and return it."""
        model = self.engine.get_collection_by_id(self.id) if model is None else model
        if _function_of(model) != _function_of(self._model):  # re-embedded through another handle
            self._embedding_function = None
        self._model = model
        return model

    def use_embedding_function(self, function: EmbeddingFunction[Any]) -> None:
        """Use a function that was stored just now, by a re-embedding."""
        self.refresh()
        self._embedding_function = function

    def fingerprint(self) -> str:
        """Return the name of the stored embedding function with a hash of its configuration.

        Example:
            >>> import chromalab
            >>> client = chromalab.EphemeralClient()
            >>> client.create_collection("points", embedding_function=None).fingerprint()
            'none'
        """
        return fingerprint_of(self.refresh())

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed texts as queries of this collection; recent ones come from a cache.

        Args:
            texts: n texts.

        Returns:
            (n, dimension) float32.

        Raises:
            EmbeddingFunctionError: The collection has no function to embed texts with.
        """
        function = self.embedding_function()
        if not (_function_of(self._model) or {}).get("name"):
            return embed_queries(function, list(texts))  # two such functions look the same
        # The class is part of the key: running a notebook cell again makes another of the same name.
        return _embedded.embed(function, (type(function), fingerprint_of(self._model)), texts)

    # Its records.

    def existing(self, ids: Sequence[str]) -> set[str]:
        """Return which of the ids exist in the collection."""
        return self.engine.existing(self.id, ids)

    def snapshot(self, where: Where | None = None) -> Snapshot:
        """Take a frozen view of the records, as analyses see them.

        If all records are taken, the vectors are a memory map of the store's file. Later writes do not
        show in it.

        Args:
            where: A metadata filter, e.g. `{"year": {"$gte": 2020}}`; all records by default.

        Raises:
            InvalidArgumentError: The filter cannot be parsed.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> points.snapshot()
            Snapshot('points', 2 records, 2 dimensions, version 1)
        """
        asked = repr(where)
        taken = self._snapshots.get(asked)  # still held by a result, for example
        if taken is not None and not taken.is_stale:
            return taken
        found = self.engine.snapshot(self.id, read_filter(None, where, None))
        taken = Snapshot(
            ids=tuple(found.rows.ids),
            vectors=found.vectors,
            documents=tuple(found.rows.documents or ()),
            metadatas=tuple(map(with_sparse_vectors, found.rows.metadatas or [])),
            name=self.name,
            version=found.version,
            rows=found.slots,
            file=found.file,
            folder=found.folder,
            origin=self,
            where=deepcopy(where),
        )
        self._snapshots[asked] = taken
        return taken

    def replace_records(
        self,
        *,
        delete: Sequence[str] = (),
        update: Mapping[str, Any] | None = None,
        version: int | None = None,
        operation: str | None = "replace_records",
        attachments: Sequence[Attachment] = (),
    ) -> ReplaceResult:
        """Delete records and change metadata in one transaction.

        Args:
            delete: Ids to delete; unknown ones are ignored.
            update: `ids` and `metadatas`, merged into the stored metadata; None deletes a key.
            version: The collection version that the change was made for; any by default.
            operation: What the change is, for the history. None leaves it out, so that it cannot be undone.
            attachments: Stored in the same transaction, with `operation` and `version` of the result in
                their bodies. An undo of the operation removes them.

        Returns:
            `deleted`, the number of deleted records; `version`, the new version; `operation`, the number
            that `undo` takes; `attachments`, the numbers of the attachments.

        Raises:
            InvalidArgumentError: The collection is at another version; nothing was written.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> done = points.replace_records(delete=["a"])
            >>> points.count(), done.deleted
            (1, 1)
            >>> points.undo(done.operation)
            points: 1 restored
        """
        batch = None if update is None or not len(update["ids"]) else _update(update)
        change = Replacement(
            delete=check_ids(list(delete)) if len(delete) else (),
            version=version,
            operation=operation,
            attachments=attachments,
        )
        while True:
            indexed = None if batch is None else with_sparse_embeddings(batch, self._model)
            try:
                return self.engine.replace(self.id, replace(change, update=indexed))
            except OutdatedSchemaError as error:
                self.refresh(error.model)

    # What rooms attach to it.

    def room(self, kind: Callable[[Any], T]) -> T:
        """Return `kind(handle)`, made once per handle: what a room remembers between calls."""
        if kind not in self._rooms:
            self._rooms[kind] = kind(self)
        return self._rooms[kind]  # type: ignore[no-any-return]


class Room(Generic[T]):
    """An attribute that is a room of the collection: `feedback = Room(Feedback)`.

    Attributes:
        kind: Makes the room of a handle: its class.
    """

    def __init__(self, kind: Callable[[Any], T] | DeferredName) -> None:
        self._kind = kind

    @property
    def kind(self) -> Callable[[Any], T]:
        """Makes the room of a handle: its class."""
        if isinstance(self._kind, DeferredName):
            self._kind = self._kind.load()
            self.__doc__ = self._kind.__doc__
        return self._kind

    @overload
    def __get__(self, instance: None, owner: type) -> Room[T]: ...
    @overload
    def __get__(self, instance: Handle, owner: type) -> T: ...
    def __get__(self, instance: Handle | None, owner: type) -> Room[T] | T:
        return self if instance is None else instance.room(self.kind)


class _EmbeddedQueries:
    """The vectors of recent queries, by model and text; shared by all handles of the process."""

    _LIMIT = 4096  # vectors: 6 MB of those of MiniLM

    def __init__(self) -> None:
        self._cached: OrderedDict[tuple[Any, str], Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, function: EmbeddingFunction[Any], model: Any, texts: Sequence[str]) -> Vectors:
        with self._lock:
            found = {text: self._cached.get((model, text)) for text in texts}
        missing = [text for text, vector in found.items() if vector is None]
        if missing:
            made = embed_queries(function, missing)
            found |= {text: row.copy() for text, row in zip(missing, made, strict=True)}
        vectors = {text: vector for text, vector in found.items() if vector is not None}
        with self._lock:
            for text, vector in vectors.items():
                self._cached[model, text] = vector
                self._cached.move_to_end((model, text))
            while len(self._cached) > self._LIMIT:
                self._cached.popitem(last=False)
        return np.stack([vectors[text] for text in texts])


_embedded = _EmbeddedQueries()


def _is_portable(function: Any) -> bool:
    """Whether an embedding function can be pickled; a lambda, for example, cannot."""
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, TypeError, AttributeError):
        return False
    return True


def _function_of(model: CollectionModel) -> Any:
    return model.configuration["embedding_function"]


def fingerprint_of(model: CollectionModel) -> str:
    """Return the name of a collection's embedding function with a hash of its configuration."""
    stored = _function_of(model)
    if stored is None:
        return "none"
    text = json.dumps(stored, sort_keys=True).encode()
    return f"{stored.get('name') or stored.get('type')} {blake2b(text, digest_size=8).hexdigest()}"


def _update(update: Mapping[str, Any]) -> Batch:
    ids, metadatas = check_ids(update["ids"]), check_metadatas(update["metadatas"])
    if len(ids) != len(metadatas):
        raise InvalidArgumentError(
            f"update must have one metadata per id; got {len(ids):,} ids and {len(metadatas):,} "
            "metadatas."
        )
    return Batch(ids, metadatas=[*map(to_stored, metadatas)])
