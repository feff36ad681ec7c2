"""Tenants and their databases, as functions over a connection in a transaction."""

from __future__ import annotations

import sqlite3
from typing import Any
from uuid import UUID, uuid4

from chromalab.engine.values import DatabaseModel, Scope
from chromalab.errors import InternalError, already_exists, not_found, short

__all__ = [
    "check",
    "check_tenant",
    "clear",
    "create_database",
    "create_tenant",
    "database",
    "databases",
    "delete_database",
]

_DEFAULT_ID = "00000000-0000-0000-0000-000000000000"  # as in Chroma


def check_tenant(connection: sqlite3.Connection, name: str) -> None:
    """Raise NotFoundError, with similar names, if the tenant does not exist."""
    if connection.execute("SELECT 1 FROM tenants WHERE name = ?", (name,)).fetchone() is None:
        known = [str(row[0]) for row in connection.execute("SELECT name FROM tenants")]
        remedy = "Create one with AdminClient.create_tenant."
        raise not_found("Tenant", name, known, reason="not found", remedy=remedy)


def check(connection: sqlite3.Connection, scope: Scope) -> None:
    """Raise NotFoundError, with similar names, if the tenant or database does not exist."""
    check_tenant(connection, scope.tenant)
    database(connection, scope)


def create_tenant(connection: sqlite3.Connection, name: str) -> None:
    """Create a tenant, which has no database yet."""
    try:
        connection.execute("INSERT INTO tenants (name) VALUES (?)", (name,))
    except sqlite3.IntegrityError as error:
        raise already_exists("Tenant", name) from error


def create_database(connection: sqlite3.Connection, scope: Scope) -> None:
    """Create a database in an existing tenant."""
    check_tenant(connection, scope.tenant)
    try:
        connection.execute(
            "INSERT INTO databases (id, tenant, name) VALUES (?, ?, ?)",
            (str(uuid4()), scope.tenant, scope.database),
        )
    except sqlite3.IntegrityError as error:
        place = f" in tenant {short(scope.tenant)}"
        raise already_exists("Database", scope.database, place=place) from error


def database(connection: sqlite3.Connection, scope: Scope) -> DatabaseModel:
    """Find a database; raises NotFoundError, which suggests similar names in the tenant."""
    row = connection.execute(
        "SELECT id, name, tenant FROM databases WHERE tenant = ? AND name = ?", scope
    ).fetchone()
    if row is None:
        known = [found.name for found in databases(connection, scope.tenant)]
        raise not_found(
            "Database",
            scope.database,
            known,
            reason=f"not found in tenant {short(scope.tenant)}",
            remedy="Create one with AdminClient.create_database.",
        )
    return _read(row)


def databases(
    connection: sqlite3.Connection, tenant: str, limit: int | None = None, offset: int | None = None
) -> list[DatabaseModel]:
    """List the databases of a tenant in the order in which they were created."""
    rows = connection.execute(
        "SELECT id, name, tenant FROM databases WHERE tenant = ? ORDER BY number LIMIT ? OFFSET ?",
        (tenant, -1 if limit is None else limit, offset or 0),
    )
    return [_read(row) for row in rows]


def delete_database(connection: sqlite3.Connection, scope: Scope) -> None:
    """Delete the row of a database; the caller deletes its collections."""
    database(connection, scope)
    connection.execute("DELETE FROM databases WHERE tenant = ? AND name = ?", scope)


def clear(connection: sqlite3.Connection) -> None:
    """Empty every table, then insert the rows of a new store."""
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    ).fetchall()
    for (table,) in tables:
        quoted = table.replace('"', '""')
        connection.execute(f'DELETE FROM "{quoted}"')  # noqa: S608
    connection.execute("INSERT INTO tenants (name) VALUES (?)", (Scope().tenant,))
    connection.execute(
        "INSERT INTO databases (id, tenant, name) VALUES (?, ?, ?)", (_DEFAULT_ID, *Scope())
    )


def _read(row: tuple[Any, ...]) -> DatabaseModel:
    id, name, tenant = row
    try:
        return DatabaseModel(UUID(id), str(name), str(tenant))
    except (ValueError, TypeError, AttributeError) as error:
        raise InternalError(
            "The catalog of this store is damaged: a row of databases is malformed. "
            "Restore the folder from a copy."
        ) from error
