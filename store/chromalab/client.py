"""Clients: where collections are made and found."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

from chromalab._version import __version__
from chromalab.collection import Collection
from chromalab.embed import (
    DefaultEmbeddingFunction,
    EmbeddingFunction,
    check_conflict,
    to_config,
)
from chromalab.engine import CollectionModel, EmbeddedEngine, Engine
from chromalab.engine.configuration import new_configuration
from chromalab.engine.store import Store
from chromalab.errors import (
    ChromalabError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    NotFoundError,
    UniqueConstraintError,
)
from chromalab.listing import CollectionList
from chromalab.validation import MAX_BATCH_SIZE, check_limit, check_metadata, check_name

__all__ = ["Client", "ClientAPI", "EphemeralClient", "PersistentClient"]

_TENANT = "default_tenant"
_DATABASE = "default_database"
_DEFAULT: EmbeddingFunction[Any] = DefaultEmbeddingFunction()
"""What `embedding_function` is when nobody gave one; a collection's own function wins over it."""


class ClientAPI:
    """Makes, finds and deletes the collections of one store. Also a context manager.

    Made by `PersistentClient` or `EphemeralClient`. Any number of clients, threads and processes may
    use one folder at once.
    """

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self._engine = engine
        self._path = path

    @property
    def tenant(self) -> str:
        """The tenant whose collections these are."""
        return _TENANT

    @property
    def database(self) -> str:
        """The database they are in."""
        return _DATABASE

    def create_collection(
        self,
        name: str,
        schema: None = None,
        configuration: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: None = None,
        get_or_create: bool = False,
    ) -> Collection:
        """Make a collection.

        Args:
            name: 3 to 512 of a-z, A-Z, 0-9, '.', '_', '-'.
            schema: Not supported yet; say it in the configuration.
            configuration: `{"hnsw": {"space": "cosine", ...}}`; spaces are l2, cosine, ip.
            metadata: About the collection.
            embedding_function: Embeds its texts, and is stored with it; None: embeddings are given.
            data_loader: Not supported yet.
            get_or_create: Whether a collection that exists is fine.

        Raises:
            UniqueConstraintError: the name is taken.
            InvalidArgumentError: the name or the configuration cannot be used.

        Example:
            >>> import chromalab
            >>> client = chromalab.EphemeralClient()
            >>> client.create_collection("papers", metadata={"about": "what we read"})
            Collection('papers', 0 records, model: default)
        """
        if schema is not None or data_loader is not None:
            raise InvalidArgumentError(
                "schema and data_loader are not supported yet; use configuration, and give embeddings."
            )
        name = check_name(name)
        if metadata is not None:
            metadata = check_metadata(metadata, "The collection's metadata")
        in_configuration = (configuration or {}).get("embedding_function")
        if in_configuration is not None:
            if embedding_function not in (None, _DEFAULT):
                raise InvalidArgumentError(
                    "Give the embedding function once: as an argument, or in the configuration."
                )
            embedding_function = in_configuration
        if embedding_function is not None and not callable(embedding_function):
            raise InvalidArgumentError(
                f"embedding_function is {embedding_function!r}, which cannot be called with texts; "
                "give a function such as chromalab.embed.MiniLM(), or None."
            )
        default_space = getattr(embedding_function, "default_space", lambda: "l2")()
        stored = new_configuration(
            configuration, metadata, to_config(embedding_function), default_space
        )
        if get_or_create:
            model = self._find(name)
            if model is not None:
                return self._collection(model, embedding_function)
        try:
            model = self._engine.create_collection(name, _plain(metadata), stored)
        except UniqueConstraintError:
            model = self._find(name) if get_or_create else None
            if model is None:
                raise
        return self._collection(model, embedding_function)

    def get_collection(
        self,
        name: str,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: None = None,
    ) -> Collection:
        """Find a collection; its embedding function comes back with it.

        Raises:
            NotFoundError: there is none of that name; the message names the near ones.
            EmbeddingFunctionError: the function given is another than the collection's.

        Example:
            >>> import chromalab
            >>> client = chromalab.EphemeralClient()
            >>> papers = client.create_collection("papers")
            >>> client.get_collection("paper")
            Traceback (most recent call last):
            ...
            chromalab.errors.NotFoundError: No collection 'paper'. Did you mean 'papers'? ...
        """
        _name_type(name)
        return self._collection(self._engine.get_collection(name=name), embedding_function)

    def get_collection_by_id(
        self,
        id: UUID,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: None = None,
    ) -> Collection:
        """Find a collection by its id; see `get_collection`."""
        return self._collection(self._engine.get_collection(id=id), embedding_function)

    def get_or_create_collection(
        self,
        name: str,
        schema: None = None,
        configuration: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: None = None,
    ) -> Collection:
        """Find a collection, or make it; one that exists keeps its metadata and configuration.

        Raises:
            EmbeddingFunctionError: it exists with another embedding function.
        """
        return self.create_collection(
            name, schema, configuration, metadata, embedding_function, data_loader, True
        )

    def delete_collection(self, name: str) -> None:
        """Delete a collection with all its records. There is no undo.

        Raises:
            NotFoundError: there is none of that name.
        """
        _name_type(name)
        self._engine.delete_collection(name)

    def list_collections(
        self, limit: int | None = None, offset: int | None = None
    ) -> CollectionList:
        """List the collections, in the order they were made; shows as a table."""
        limit, offset = check_limit("limit", limit), check_limit("offset", offset)
        models = self._engine.list_collections(limit, offset)
        return CollectionList(Collection(self._engine, model) for model in models)

    def count_collections(self) -> int:
        """Count the collections."""
        return self._engine.count_collections()

    def heartbeat(self) -> int:
        """Return the time in nanoseconds, as Chroma's server does."""
        return time.time_ns()

    def get_version(self) -> str:
        """Return chromalab's version."""
        return __version__

    def get_max_batch_size(self) -> int:
        """Return how many records one call may carry; `Collection.add_from` takes more."""
        return MAX_BATCH_SIZE

    def close(self) -> None:
        """Close the files. The client cannot be used any more; the data stays."""
        self._engine.close()

    def __enter__(self) -> ClientAPI:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        try:
            count = self.count_collections()
            holds = f"{count:,} collection{'' if count == 1 else 's'}"
        except ChromalabError as error:  # closed, or its folder is gone: a repr still has to show
            holds = type(error).__name__
        name = f"PersistentClient('{self._path}'" if self._path else "EphemeralClient("
        return f"{name}{', ' if self._path else ''}{holds})"

    def _find(self, name: str) -> CollectionModel | None:
        try:
            return self._engine.get_collection(name=name)
        except NotFoundError:
            return None

    def _collection(
        self, model: CollectionModel, given: EmbeddingFunction[Any] | None
    ) -> Collection:
        if given is _DEFAULT:
            given = None
        check_conflict(given, model.configuration["embedding_function"])
        return Collection(self._engine, model, given)


def PersistentClient(
    path: str | Path = "./chroma",
    settings: None = None,
    tenant: str = _TENANT,
    database: str = _DATABASE,
    *,
    durability: str = "full",
) -> ClientAPI:
    """Open the store in a folder; the folder is made if it is not there.

    Args:
        path: The folder.
        settings: Not used yet.
        tenant: Only the default one yet.
        database: Only the default one yet.
        durability: "full": what a call wrote survives a power cut. "normal": it survives a killed
            process, and single writes are quicker.

    Raises:
        NotAFolderError: the path is a file.
        StoreNotWritableError: the folder cannot be written.
        VersionMismatchError: a newer chromalab, or Chroma itself, wrote what is in it.

    Example:
        >>> import chromalab, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with chromalab.PersistentClient(folder) as client:
        ...         client.count_collections()
        0
    """
    _only_defaults(settings, tenant, database)
    folder = Path(path).expanduser().absolute()
    return ClientAPI(EmbeddedEngine(folder, durability=durability), folder)


def EphemeralClient(
    settings: None = None, tenant: str = _TENANT, database: str = _DATABASE
) -> ClientAPI:
    """Open a new, empty store that is gone when the client is, or Python ends.

    It is a folder for temporary files, so it may be larger than memory. Each call makes its own.

    Example:
        >>> import chromalab
        >>> chromalab.EphemeralClient().count_collections()
        0
    """
    _only_defaults(settings, tenant, database)
    folder = Path(tempfile.mkdtemp(prefix="chromalab-"))
    engine = EmbeddedEngine(folder, durability="off")
    weakref.finalize(engine, _discard, engine.store, folder, os.getpid())
    return ClientAPI(engine, None)


Client = EphemeralClient
"""Chroma's short name for it."""


def _discard(store: Store, folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child must not take the folder from its parent
        store.close()
        shutil.rmtree(folder, ignore_errors=True)


def _only_defaults(settings: Any, tenant: str, database: str) -> None:
    if settings is not None:
        raise InvalidArgumentError("settings is not supported yet; leave it out.")
    if tenant != _TENANT:
        raise NotFoundError(f"No tenant {tenant!r}. Tenants: {_TENANT}")
    if database != _DATABASE:
        raise NotFoundError(f"No database {database!r}. Databases: {_DATABASE}")


def _name_type(name: Any) -> None:
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(f"The name of a collection is a string; found {name!r}.")


def _plain(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if metadata is None else dict(metadata)
