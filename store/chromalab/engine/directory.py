"""The calls about which tenants, databases and collections there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chromalab.engine.disk import catalog, collection_forks, tenants
from chromalab.engine.disk.leftovers import sweeping
from chromalab.engine.disk.store import Store
from chromalab.engine.index.collection_index import graph_file
from chromalab.engine.interface import CollectionModel, DatabaseModel, Scope
from chromalab.errors import NotFoundError

__all__ = ["Directory"]


class Directory:
    """The part of `EmbeddedEngine` that works on the catalog; see `Engine` for each call."""

    store: Store

    def create_collection(
        self,
        scope: Scope,
        name: str,
        metadata: dict[str, Any] | None,
        configuration: dict[str, Any],
    ) -> CollectionModel:
        """Make a collection."""
        with self.store.write() as connection:
            tenants.check(connection, scope)  # the database may have been deleted by another
            return catalog.create(connection, *scope, name, metadata, configuration).model

    def get_collection(self, scope: Scope, name: str) -> CollectionModel:
        """Find a collection by name."""
        with self.store.read() as connection:
            return catalog.find(connection, *scope, name).model

    def get_collection_by_id(self, id: UUID, scope: Scope | None = None) -> CollectionModel:
        """Find a collection by id, in any scope unless one is given."""
        with self.store.read() as connection:
            model = catalog.find_id(connection, id).model
        if scope is not None and (model.tenant, model.database) != scope:
            raise NotFoundError(
                f"No collection with the id {id} in database {scope.database!r} of tenant "
                f"{scope.tenant!r}. Look in another with set_tenant or set_database."
            )
        return model

    def list_collections(
        self, scope: Scope, limit: int | None, offset: int | None
    ) -> list[CollectionModel]:
        """List collections in the order they were made."""
        with self.store.read() as connection:
            return [e.model for e in catalog.entries(connection, *scope, limit, offset)]

    def count_collections(self, scope: Scope) -> int:
        """Count the collections."""
        with self.store.read() as connection:
            return catalog.count(connection, *scope)

    def modify_collection(
        self,
        id: UUID,
        name: str | None,
        metadata: dict[str, Any] | None,
        configuration: Mapping[str, Any] | None,
    ) -> CollectionModel:
        """Change what is not None."""
        with self.store.write() as connection:
            return catalog.modify(connection, id, name, metadata, configuration).model

    def delete_collection(self, scope: Scope, name: str) -> None:
        """Delete a collection, then its file, unless a fork reads it."""
        with sweeping(self.store) as connection:
            entry = catalog.find(connection, *scope, name)
            catalog.delete(connection, entry)
        self._forget(entry.model.id)

    def fork_collection(self, id: UUID, name: str) -> CollectionModel:
        """Copy a collection; the copy shares the vectors until it writes some."""
        with self.store.write() as connection:
            source = catalog.find_id(connection, id)
            made = collection_forks.fork(connection, source, name)
        most = (source.slots, source.hnsw.get("max_neighbors", 16))
        graph_file(self.store.vectors, source).copy_to(graph_file(self.store.vectors, made), *most)
        return made.model

    def count_forks(self, id: UUID) -> int:
        """Count the forks that share the vector file of a collection."""
        with self.store.read() as connection:
            return collection_forks.count(connection, catalog.find_id(connection, id))

    def check_scope(self, scope: Scope) -> None:
        """Raise NotFoundError where the tenant or the database is not there."""
        with self.store.read() as connection:
            tenants.check(connection, scope)

    def create_tenant(self, name: str) -> None:
        """Make a tenant."""
        with self.store.write() as connection:
            tenants.create_tenant(connection, name)

    def check_tenant(self, name: str) -> None:
        """Raise NotFoundError where the tenant is not there."""
        with self.store.read() as connection:
            tenants.check_tenant(connection, name)

    def create_database(self, scope: Scope) -> None:
        """Make a database in a tenant."""
        with self.store.write() as connection:
            tenants.create_database(connection, scope)

    def get_database(self, scope: Scope) -> DatabaseModel:
        """Find a database."""
        with self.store.read() as connection:
            tenants.check_tenant(connection, scope.tenant)
            return tenants.database(connection, scope)

    def list_databases(
        self, tenant: str, limit: int | None, offset: int | None
    ) -> list[DatabaseModel]:
        """List the databases of a tenant in the order they were made."""
        with self.store.read() as connection:
            tenants.check_tenant(connection, tenant)
            return tenants.databases(connection, tenant, limit, offset)

    def delete_database(self, scope: Scope) -> None:
        """Delete a database with its collections, then their files."""
        with sweeping(self.store) as connection:
            tenants.check_tenant(connection, scope.tenant)
            tenants.delete_database(connection, scope)
            gone = catalog.entries(connection, *scope)
            for entry in gone:
                catalog.delete(connection, entry)
        for entry in gone:
            self._forget(entry.model.id)

    def reset(self) -> None:
        """Delete everything: what is left is a new store."""
        with sweeping(self.store) as connection:
            gone = catalog.ids(connection)
            tenants.clear(connection)
        for id in gone:
            self._forget(id)

    def _forget(self, id: UUID) -> None:
        """Let go of what is in memory of a collection that is no more."""
        raise NotImplementedError
