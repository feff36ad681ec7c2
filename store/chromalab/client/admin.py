"""`AdminClient`: creates, finds and deletes tenants and databases."""

from __future__ import annotations

from typing import Any

from chromalab.arguments.values import check_limit, check_text
from chromalab.client.client import Session
from chromalab.client.opening import open_engine
from chromalab.config import DEFAULT_TENANT, Settings, read_settings
from chromalab.engine import DatabaseModel, Scope
from chromalab.errors import InvalidArgumentError, short
from chromalab.types import Database, Tenant

__all__ = ["AdminClient"]


class AdminClient(Session):
    """Creates, finds and deletes the tenants and databases of one store. Also a context manager.

    A tenant holds databases, and a database holds collections; names are unique within each.

    Args:
        settings: The settings of a client, from `client.get_settings()`, or
            `Settings(is_persistent=True, persist_directory="my.chroma")`.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> admin = chromalab.AdminClient(client.get_settings())
        >>> admin.create_tenant("acme")
        >>> admin.create_database("papers", tenant="acme")
        >>> client.set_tenant("acme", "papers")
        >>> [database["name"] for database in admin.list_databases(tenant="acme")]
        ['papers']
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = read_settings(settings)
        super().__init__(open_engine(self._settings))

    def create_tenant(self, name: str) -> None:
        """Create a tenant; it has no database yet.

        Raises:
            UniqueConstraintError: The tenant exists already.
            InvalidArgumentError: The name has fewer than 3 characters.
        """
        self._engine.create_tenant(_check_name(name, "tenant"))

    def get_tenant(self, name: str) -> Tenant:
        """Find a tenant.

        Raises:
            NotFoundError: It does not exist; the message suggests similar names.
        """
        self._engine.check_tenant(check_text(name, "tenant"))
        return Tenant(name=name)

    def create_database(self, name: str, tenant: str = DEFAULT_TENANT) -> None:
        """Create a database in a tenant.

        Raises:
            NotFoundError: The tenant does not exist.
            UniqueConstraintError: The database exists already.
            InvalidArgumentError: The name has fewer than 3 characters.
        """
        self._engine.create_database(_scope(tenant, _check_name(name, "database")))

    def get_database(self, name: str, tenant: str = DEFAULT_TENANT) -> Database:
        """Find a database.

        Raises:
            NotFoundError: It does not exist; the message suggests similar names.
        """
        return _plain(self._engine.get_database(_scope(tenant, name)))

    def delete_database(self, name: str, tenant: str = DEFAULT_TENANT) -> None:
        """Delete a database with all of its collections. This cannot be undone.

        Raises:
            NotFoundError: The database does not exist.
        """
        self._engine.delete_database(_scope(tenant, name))

    def list_databases(
        self, limit: int | None = None, offset: int | None = None, tenant: str = DEFAULT_TENANT
    ) -> list[Database]:
        """List the databases of a tenant in the order in which they were created.

        Raises:
            NotFoundError: The tenant does not exist.
        """
        limit, offset = check_limit("limit", limit), check_limit("offset", offset)
        found = self._engine.list_databases(check_text(tenant, "tenant"), limit, offset)
        return [_plain(database) for database in found]

    def __repr__(self) -> str:
        if not self._settings.is_persistent:
            return "AdminClient()"
        return f"AdminClient({self._settings.persist_directory!r})"


def _plain(database: DatabaseModel) -> Database:
    return Database(id=database.id, name=database.name, tenant=database.tenant)


def _scope(tenant: Any, database: Any) -> Scope:
    return Scope(check_text(tenant, "tenant"), check_text(database, "database"))


def _check_name(name: Any, what: str) -> str:
    """Check the name of something new; Chroma requires 3 characters and forbids none."""
    if len(check_text(name, what)) < 3:
        raise InvalidArgumentError(
            f"The {what} name must have at least 3 characters; got {short(name)}."
        )
    if not name.isprintable():
        raise InvalidArgumentError(
            f"The {what} name must have printable characters only; got {short(name)}."
        )
    return str(name)
