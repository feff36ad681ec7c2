"""`ClientAPI`: creates, finds and deletes the collections of a store."""

from __future__ import annotations

import sys
import time
from abc import ABCMeta
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chromalab._version import __version__
from chromalab.arguments.values import (
    MAX_BATCH_SIZE,
    check_limit,
    check_metadata,
    check_name,
    check_text,
)
from chromalab.collection import Collection
from chromalab.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from chromalab.embed import (
    DefaultEmbeddingFunction,
    EmbeddingFunction,
    check_conflict,
    name_of,
    register_class_of,
    sparse_known_embedding_functions,
    to_config,
)
from chromalab.engine import CollectionModel, Engine, Scope
from chromalab.engine.configuration import new_configuration
from chromalab.errors import (
    AuthorizationError,
    ChromalabError,
    ClientClosedError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    InvalidUUIDError,
    NotFoundError,
    UniqueConstraintError,
    notice,
    printable,
    short,
)
from chromalab.results.progress import bar
from chromalab.results.reports import CheckReport
from chromalab.results.tables import Table, count
from chromalab.schema import Schema
from chromalab.sockets import Plug
from chromalab.types import DataLoader, UserIdentity

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ClientAPI", "CollectionList", "Session"]

_SPANN = "Collection {!r} gets an hnsw index with the defaults; of spann, only the space is used."
_DEFAULT: EmbeddingFunction[Any] = DefaultEmbeddingFunction()
"""The default of `embedding_function`; a function that is stored with a collection takes precedence."""


class CollectionList(Table, list[Collection]):
    """A list of collections that is displayed as a table.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> _ = client.create_collection("notes")
        >>> client.list_collections()
        name   records  dimension  model    space
        notes  0                   default  l2
    """

    _columns = ("name", "records", "dimension", "model", "space")

    def _rows(self) -> list[list[Any]]:
        return [[c.name, c.count(), c.dimension, c.model, c.space] for c in self]

    def _note(self) -> str:
        return super()._note() or ("" if self else "no collections")


class _System:
    """What programs use of `client._system`, from the years in which Chroma's clients had no `close`."""

    def __init__(self, client: ClientAPI) -> None:
        self.settings = client.get_settings()
        self.stop = client.close
        self._client = client

    @property
    def _running(self) -> bool:
        try:
            self._client.count_collections()
        except ClientClosedError:
            return False
        return True


class Session:
    """Keeps an engine open until it is closed. Also a context manager."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close it; its collections can no longer be used, and the data stays.

        The files are closed with the last client of the folder in this process.
        """
        self._engine.close()

    @staticmethod
    def clear_system_cache() -> None:
        """Do nothing; in Chroma this makes the next client reopen its files.

        Here a new client of a folder that was deleted and created again opens the new folder by itself.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class ClientAPI(Session):
    """Creates, finds and deletes the collections of one store. Also a context manager.

    Created by `PersistentClient` or `EphemeralClient`. Any number of clients, threads and processes may
    use one folder at the same time.

    Args:
        engine: Holds the collections.
        scope: The tenant and the database of the collections.
        settings: How the engine was opened.

    Raises:
        NotFoundError: The tenant or database does not exist; the message suggests similar names.
    """

    def __init__(self, engine: Engine, scope: Scope, settings: Settings) -> None:
        super().__init__(engine)
        # Frameworks that have loaded chromadb ask for its interface.
        theirs = getattr(sys.modules.get("chromadb.api"), "ClientAPI", None)
        if isinstance(theirs, ABCMeta):
            theirs.register(ClientAPI)
        self._settings = settings
        self._scope = Scope()
        self.set_tenant(*scope)

    panel = Plug("chromalab.show")

    @property
    def tenant(self) -> str:
        """The tenant of the collections."""
        return self._scope.tenant

    @property
    def database(self) -> str:
        """The database of the collections."""
        return self._scope.database

    def set_tenant(self, tenant: str, database: str = DEFAULT_DATABASE) -> None:
        """Switch to a database of another tenant; collections that are in use stay usable.

        Raises:
            NotFoundError: The tenant or database does not exist; the client does not switch.
        """
        scope = Scope(check_text(tenant, "tenant"), check_text(database, "database"))
        self._engine.check_scope(scope)
        self._scope = scope

    def set_database(self, database: str) -> None:
        """Switch to another database of the tenant.

        Raises:
            NotFoundError: The database does not exist; the client does not switch.
        """
        self.set_tenant(self.tenant, database)

    def create_collection(
        self,
        name: str,
        schema: Any = None,
        configuration: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: DataLoader[Any] | None = None,
        get_or_create: bool = False,
    ) -> Collection:
        """Create a collection.

        Args:
            name: The name: 3 to 512 characters from a-z, A-Z, 0-9, '.', '_' and '-'.
            schema: A `Schema`, of chromadb as well: its vector index in place of the configuration, and
                indexes of sparse vectors.
            configuration: `{"hnsw": {"space": "cosine", ...}}`; the spaces are l2, cosine and ip.
            metadata: Metadata of the collection itself.
            embedding_function: Embeds the texts, and is stored with the collection; None means that the
                caller supplies embeddings.
            data_loader: Reads what URIs name, for `add(uris=...)` and `include=["data"]`: a function of a
                list of URIs, some of which may be None. It is not stored; pass it to `get_collection`, too.
            get_or_create: Whether to return the collection if it exists.

        Raises:
            UniqueConstraintError: The name is taken.
            InvalidArgumentError: The name or the configuration is invalid.
            NotFoundError: The database of this client was deleted.

        Example:
            >>> import chromalab
            >>> client = chromalab.EphemeralClient()
            >>> client.create_collection("papers", metadata={"about": "what we read"})
            Collection('papers', 0 records, model: default)
        """
        if schema is not None:
            if configuration is not None:
                raise InvalidArgumentError("Pass schema or configuration, not both.")
            schema = Schema.of(schema)
            for index in schema.sparse_indexes().values():
                register_class_of(index.embedding_function, sparse_known_embedding_functions)
            wanted = schema.configuration()
            if name_of(wanted["embedding_function"]) == "default":
                wanted["embedding_function"] = None  # the argument, whose default is the same
            configuration = wanted
        name = check_name(name)
        if metadata is not None:
            metadata = check_metadata(metadata, "The collection's metadata")
        in_configuration = (configuration or {}).get("embedding_function")
        if in_configuration is not None:
            twice = embedding_function not in (None, _DEFAULT)
            if twice and to_config(embedding_function) != to_config(in_configuration):
                raise InvalidArgumentError(
                    "The embedding function of the argument conflicts with that in the "
                    f"{'configuration' if schema is None else 'schema'}. Pass it once."
                )
            embedding_function = in_configuration
        if embedding_function is not None and not callable(embedding_function):
            raise InvalidArgumentError(
                f"embedding_function must be callable with texts, or None; got {embedding_function!r}. "
                "Pass a function such as chromalab.embed.MiniLM()."
            )
        described = to_config(embedding_function)
        default_space = getattr(embedding_function, "default_space", lambda: "l2")()
        stored = new_configuration(configuration, metadata, described, default_space)
        if schema is not None:
            stored["schema"] = schema.serialize_to_json()
        model = self._find(name) if get_or_create else None
        while model is None:
            try:
                model = self._engine.create_collection(self._scope, name, metadata, stored)
            except UniqueConstraintError:
                if not get_or_create:
                    raise
                model = self._find(name)  # None again if it was deleted in the meantime
            else:
                if (configuration or {}).get("spann") is not None:
                    notice(_SPANN.format(name))
                _notice_space(stored["hnsw"]["space"], embedding_function)
        return self._collection(model, embedding_function, data_loader)

    def get_collection(
        self,
        name: str,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: DataLoader[Any] | None = None,
    ) -> Collection:
        """Find a collection by name; its embedding function is restored with it.

        Raises:
            NotFoundError: There is no such collection; the message suggests similar names.
            EmbeddingFunctionError: The function differs from the one stored with the collection.

        Example:
            >>> import chromalab
            >>> client = chromalab.EphemeralClient()
            >>> papers = client.create_collection("papers")
            >>> client.get_collection("paper")
            Traceback (most recent call last):
            ...
            chromalab.errors.NotFoundError: Collection 'paper' does not exist. Did you mean 'papers'? ...
        """
        _name_type(name)
        model = self._engine.get_collection(self._scope, name)
        return self._collection(model, embedding_function, data_loader)

    def get_collection_by_id(
        self,
        id: UUID,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: DataLoader[Any] | None = None,
    ) -> Collection:
        """Find a collection of this database by its id; see `get_collection`.

        Raises:
            NotFoundError: There is no collection with that id in this database.
            InvalidUUIDError: The id is not a UUID.
        """
        model = self._engine.get_collection_by_id(_uuid(id), self._scope)
        return self._collection(model, embedding_function, data_loader)

    def get_or_create_collection(
        self,
        name: str,
        schema: Any = None,
        configuration: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        embedding_function: EmbeddingFunction[Any] | None = _DEFAULT,
        data_loader: DataLoader[Any] | None = None,
    ) -> Collection:
        """Find or create a collection; an existing one keeps its metadata and configuration.

        Raises:
            EmbeddingFunctionError: It exists with another embedding function.
        """
        return self.create_collection(
            name, schema, configuration, metadata, embedding_function, data_loader, True
        )

    def delete_collection(self, name: str) -> None:
        """Delete a collection with all of its records. This cannot be undone.

        Raises:
            NotFoundError: There is no such collection.
        """
        _name_type(name)
        self._engine.delete_collection(self._scope, name)

    def list_collections(
        self, limit: int | None = None, offset: int | None = None
    ) -> CollectionList:
        """List the collections in the order in which they were created; displayed as a table."""
        limit, offset = check_limit("limit", limit), check_limit("offset", offset)
        models = self._engine.list_collections(self._scope, limit, offset)
        return CollectionList(Collection(self._engine, model) for model in models)

    def count_collections(self) -> int:
        """Count the collections."""
        return self._engine.count_collections(self._scope)

    def check(self, *, progress: bool = True) -> CheckReport:
        """Verify every file of the store against its catalog and its checksums.

        The collections of every tenant and database are checked. Nothing is changed.

        Args:
            progress: Show a progress bar after one second.

        Returns:
            The problems and what to do about them; empty, and therefore False, when all is well.

        Example:
            >>> import chromalab
            >>> chromalab.EphemeralClient().check()
            All is well: 0 collections, 0 records, 0.0 MB of vectors read.
        """
        with bar("check", "row", progress) as on_progress:
            return CheckReport(self._engine.check(on_progress))

    def heartbeat(self) -> int:
        """Return the time in nanoseconds, as Chroma's server does."""
        return time.time_ns()

    def get_version(self) -> str:
        """Return chromalab's version."""
        return __version__

    def get_max_batch_size(self) -> int:
        """Return the maximum number of records per call; `Collection.add_from` takes more."""
        return MAX_BATCH_SIZE

    @property
    def _system(self) -> _System:
        return _System(self)

    def get_settings(self) -> Settings:
        """Return the settings; pass them to `AdminClient` to work on the same store."""
        return self._settings

    def get_user_identity(self) -> UserIdentity:
        """Return the user of the client: one user without a name, as in local Chroma."""
        return UserIdentity("", DEFAULT_TENANT, [DEFAULT_DATABASE])

    def reset(self) -> bool:
        """Delete everything in the store: the collections of all tenants, and the tenants.

        This cannot be undone. The default tenant with its default database remains.

        Raises:
            AuthorizationError: The settings of the client do not allow it.
        """
        if not self._settings.allow_reset:
            raise AuthorizationError(
                "reset deletes the whole store, and the settings of this client do not allow it. "
                "Create the client with settings=Settings(allow_reset=True)."
            )
        self._engine.reset()
        return True

    def __repr__(self) -> str:
        try:
            holds = count(self.count_collections(), "collection")
        except ChromalabError as error:  # closed, or its folder is gone: a repr must not raise
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
        self,
        model: CollectionModel,
        given: EmbeddingFunction[Any] | None,
        data_loader: DataLoader[Any] | None,
    ) -> Collection:
        if given is _DEFAULT:
            given = None
        check_conflict(given, model.configuration["embedding_function"])
        register_class_of(given)
        return Collection(self._engine, model, given, data_loader)


def _notice_space(space: str, function: object) -> None:
    """Warn if the distance of a new collection is not meaningful for the embeddings of its function."""
    supported: list[str] = getattr(function, "supported_spaces", lambda: [])()
    if supported and space not in supported:
        notice(
            f"Space {space} is not supported by {name_of(function)!r}. Create the collection with "
            f'configuration={{"hnsw": {{"space": "{supported[0]}"}}}}.'
        )


def _name_type(name: Any) -> None:
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(f"The collection name must be a string; got {name!r}.")


def _uuid(id: Any) -> UUID:
    try:
        return id if isinstance(id, UUID) else UUID(id)
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidUUIDError(
            f"The collection id must be a UUID; got {short(id)}. To find a collection by name, use "
            "get_collection(name)."
        ) from error
