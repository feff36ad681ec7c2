"""Clients: where collections are made and found."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, cast
from uuid import UUID

from chromalab._version import __version__
from chromalab.arguments.values import (
    MAX_BATCH_SIZE,
    check_limit,
    check_metadata,
    check_name,
    check_text,
)
from chromalab.checking import Report, check
from chromalab.collection import Collection
from chromalab.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from chromalab.embed import (
    DefaultEmbeddingFunction,
    EmbeddingFunction,
    check_conflict,
    to_config,
)
from chromalab.engine import CollectionModel, Engine, Lease, Scope
from chromalab.engine.configuration import new_configuration
from chromalab.errors import (
    AuthorizationError,
    ChromalabError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    InvalidUUIDError,
    NotFoundError,
    UniqueConstraintError,
    notice,
    printable,
    short,
)
from chromalab.listing import CollectionList
from chromalab.showing import ShownStore
from chromalab.types import UserIdentity

__all__ = ["ClientAPI"]

_SPANN = "Collection {!r} keeps its spann configuration, and runs as hnsw, with the same answers."
_DEFAULT: EmbeddingFunction[Any] = DefaultEmbeddingFunction()
"""What `embedding_function` is when nobody gave one; a collection's own function wins over it."""


class ClientAPI(ShownStore):
    """Makes, finds and deletes the collections of one store. Also a context manager.

    Made by `PersistentClient` or `EphemeralClient`. Any number of clients, threads and processes may
    use one folder at once.

    Args:
        engine: Where the collections are.
        scope: Whose they are.
        settings: How the engine was opened.

    Raises:
        NotFoundError: there is no such tenant or database; the message names the near ones.
    """

    def __init__(self, engine: Engine | Lease, scope: Scope, settings: Settings) -> None:
        self._engine = cast(Engine, engine)
        self._settings = settings
        self._scope = Scope()
        self.set_tenant(*scope)

    @property
    def tenant(self) -> str:
        """The tenant whose collections these are."""
        return self._scope.tenant

    @property
    def database(self) -> str:
        """The database they are in."""
        return self._scope.database

    def set_tenant(self, tenant: str, database: str = DEFAULT_DATABASE) -> None:
        """Go to a database of another tenant; collections that were found stay usable.

        Raises:
            NotFoundError: there is no such tenant or database; the client stays where it is.
        """
        scope = Scope(check_text(tenant, "tenant"), check_text(database, "database"))
        self._engine.check_scope(scope)
        self._scope = scope

    def set_database(self, database: str) -> None:
        """Go to another database of the tenant.

        Raises:
            NotFoundError: there is none of that name; the client stays where it is.
        """
        self.set_tenant(self.tenant, database)

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
            NotFoundError: the database of this client was deleted.

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
            model = self._engine.create_collection(self._scope, name, metadata, stored)
        except UniqueConstraintError:
            model = self._find(name) if get_or_create else None
            if model is None:
                raise
        else:
            if stored["spann"] is not None:
                notice(_SPANN.format(name))
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
        return self._collection(self._engine.get_collection(self._scope, name), embedding_function)

    def get_collection_by_id(
        self,
        id: UUID,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: None = None,
    ) -> Collection:
        """Find a collection of this database by its id; see `get_collection`.

        Raises:
            NotFoundError: there is none with that id in this database.
            InvalidUUIDError: it is no id.
        """
        model = self._engine.get_collection_by_id(_uuid(id), self._scope)
        return self._collection(model, embedding_function)

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
        self._engine.delete_collection(self._scope, name)

    def list_collections(
        self, limit: int | None = None, offset: int | None = None
    ) -> CollectionList:
        """List the collections, in the order they were made; shows as a table."""
        limit, offset = check_limit("limit", limit), check_limit("offset", offset)
        models = self._engine.list_collections(self._scope, limit, offset)
        return CollectionList(Collection(self._engine, model) for model in models)

    def count_collections(self) -> int:
        """Count the collections."""
        return self._engine.count_collections(self._scope)

    def check(self, *, progress: bool = True) -> Report:
        """Verify every file of the store against its catalog and its checksums.

        All collections are checked, of every tenant and database. Nothing is changed.

        Args:
            progress: Whether to show a bar, after a second.

        Returns:
            What is wrong and what to do about it: empty, and so False, when all is well.

        Example:
            >>> import chromalab
            >>> chromalab.EphemeralClient().check()
            All is well: 0 collections, 0 records, 0.0 MB of vectors read.
        """
        return check(self._engine, progress)

    def heartbeat(self) -> int:
        """Return the time in nanoseconds, as Chroma's server does."""
        return time.time_ns()

    def get_version(self) -> str:
        """Return chromalab's version."""
        return __version__

    def get_max_batch_size(self) -> int:
        """Return how many records one call may carry; `Collection.add_from` takes more."""
        return MAX_BATCH_SIZE

    def get_settings(self) -> Settings:
        """Return the settings; `AdminClient` takes them, to work on the same store."""
        return self._settings

    def get_user_identity(self) -> UserIdentity:
        """Return who uses the client: one user without a name, as in a local Chroma."""
        return UserIdentity("", DEFAULT_TENANT, [DEFAULT_DATABASE])

    def reset(self) -> bool:
        """Delete everything in the store: the collections of all tenants, and the tenants.

        There is no undo. What is left is the default tenant with its default database.

        Raises:
            AuthorizationError: the settings of the client do not allow it.
        """
        if not self._settings.allow_reset:
            raise AuthorizationError(
                "reset deletes the whole store, and this client may not. "
                "Make it with settings=Settings(allow_reset=True)."
            )
        self._engine.reset()
        return True

    @staticmethod
    def clear_system_cache() -> None:
        """Do nothing; in Chroma it makes the next client open its files again.

        Here a client whose folder was deleted and made again opens the new one by itself.
        """

    def close(self) -> None:
        """End the client; its collections cannot be used any more, the data stays.

        The files close with the last client of the folder in this process.
        """
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
        if self._scope != Scope():
            holds = f"{printable(self.tenant)}/{printable(self.database)}, {holds}"
        if self._settings.is_persistent:
            return f"PersistentClient('{self._settings._folder}', {holds})"
        return f"EphemeralClient({holds})"

    def _find(self, name: str) -> CollectionModel | None:
        try:
            return self._engine.get_collection(self._scope, name)
        except NotFoundError:
            return None

    def _collection(
        self, model: CollectionModel, given: EmbeddingFunction[Any] | None
    ) -> Collection:
        if given is _DEFAULT:
            given = None
        check_conflict(given, model.configuration["embedding_function"])
        return Collection(self._engine, model, given)


def _name_type(name: Any) -> None:
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(f"The name of a collection is a string; found {name!r}.")


def _uuid(id: Any) -> UUID:
    try:
        return id if isinstance(id, UUID) else UUID(id)
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidUUIDError(
            f"{short(id)} is no id of a collection, which is a UUID. "
            "To find one by name, get_collection(name)."
        ) from error
