"""`AdminClient`: makes, finds and deletes tenants and databases."""

from __future__ import annotations

from types import TracebackType
from typing import Any, cast

from chromalab.arguments.values import check_limit, check_text
from chromalab.config import DEFAULT_TENANT, Settings
from chromalab.engine import DatabaseModel, Engine, Scope
from chromalab.errors import InvalidArgumentError, short
from chromalab.opening import open_engine
from chromalab.types import Database, Tenant

__all__ = ["AdminClient"]


class AdminClient:
    """Makes, finds and deletes the tenants and databases of one store. Also a context manager.

    A tenant holds databases, a database collections; names are unique within each.

    Args:
        settings: Those of a client, from `client.get_settings()`, or
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
        self._settings = settings or Settings()
        self._engine = cast(Engine, open_engine(self._settings))

    def create_tenant(self, name: str) -> None:
        """Make a tenant; it has no database yet.

        Raises:
            UniqueConstraintError: it is there already.
            InvalidArgumentError: the name has fewer than 3 characters.
        """
        self._engine.create_tenant(_check_name(name, "tenant"))

    def get_tenant(self, name: str) -> Tenant:
        """Find a tenant.

        Raises:
            NotFoundError: there is none of that name; the message names the near ones.
        """
        self._engine.check_tenant(check_text(name, "tenant"))
        return Tenant(name=name)

    def create_database(self, name: str, tenant: str = DEFAULT_TENANT) -> None:
        """Make a database in a tenant.

        Raises:
            NotFoundError: there is no such tenant.
            UniqueConstraintError: the database is there already.
            InvalidArgumentError: the name has fewer than 3 characters.
        """
        self._engine.create_database(_scope(tenant, _check_name(name, "database")))

    def get_database(self, name: str, tenant: str = DEFAULT_TENANT) -> Database:
        """Find a database.

        Raises:
            NotFoundError: there is none of that name; the message names the near ones.
        """
        return _plain(self._engine.get_database(_scope(tenant, name)))

    def delete_database(self, name: str, tenant: str = DEFAULT_TENANT) -> None:
        """Delete a database with all its collections. There is no undo.

        Raises:
            NotFoundError: there is none of that name.
        """
        self._engine.delete_database(_scope(tenant, name))

    def list_databases(
        self, limit: int | None = None, offset: int | None = None, tenant: str = DEFAULT_TENANT
    ) -> list[Database]:
        """List the databases of a tenant, in the order they were made.

        Raises:
            NotFoundError: there is no such tenant.
        """
        limit, offset = check_limit("limit", limit), check_limit("offset", offset)
        found = self._engine.list_databases(check_text(tenant, "tenant"), limit, offset)
        return [_plain(database) for database in found]

    def close(self) -> None:
        """Let go of the files; clients of the same store go on working."""
        self._engine.close()

    def __enter__(self) -> AdminClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self._settings.is_persistent:
            return "AdminClient()"
        return f"AdminClient({self._settings.persist_directory!r})"


def _plain(database: DatabaseModel) -> Database:
    return Database(id=database.id, name=database.name, tenant=database.tenant)


def _scope(tenant: Any, database: Any) -> Scope:
    return Scope(check_text(tenant, "tenant"), check_text(database, "database"))


def _check_name(name: Any, what: str) -> str:
    """Check the name of something new: Chroma asks for 3 characters, and refuses none."""
    if len(check_text(name, what)) < 3:
        raise InvalidArgumentError(
            f"{short(name)} is no name for a {what}: it has at least 3 characters."
        )
    if not name.isprintable():
        raise InvalidArgumentError(
            f"{short(name)} is no name for a {what}: it has characters that cannot be printed."
        )
    return str(name)
