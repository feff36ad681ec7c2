"""The tables of a store, as numbered migrations, and checks that a file is such a store.

`PRAGMA user_version` counts the migrations that a store has had. A released migration never changes.
A new one is added at the end and tested on a store written by the previous release.
"""

from __future__ import annotations

import sqlite3

from chromalab.errors import VersionMismatchError

__all__ = ["check_format", "check_origin", "is_current", "migrate"]

_APPLICATION_ID = 0x6368726C  # "chrl": marks the SQLite file as ours

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE collections (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            tenant TEXT NOT NULL,
            database TEXT NOT NULL,
            name TEXT NOT NULL,
            metadata TEXT,
            configuration TEXT NOT NULL,
            dimension INTEGER,
            generation INTEGER NOT NULL DEFAULT 0,
            slots INTEGER NOT NULL DEFAULT 0,
            version INTEGER NOT NULL DEFAULT 0,
            UNIQUE (tenant, database, name)
        )
        """,
        """
        CREATE TABLE records (
            place INTEGER PRIMARY KEY AUTOINCREMENT,
            collection INTEGER NOT NULL,
            id TEXT NOT NULL,
            slot INTEGER NOT NULL,
            document TEXT,
            metadata TEXT,
            uri TEXT,
            UNIQUE (collection, id)
        )
        """,
        "CREATE INDEX records_by_slot ON records (collection, slot)",
        """
        CREATE TABLE dead_slots (
            collection INTEGER NOT NULL,
            version INTEGER NOT NULL,
            slot INTEGER NOT NULL,
            PRIMARY KEY (collection, version, slot)
        ) WITHOUT ROWID
        """,
    ),
    (
        "CREATE TABLE tenants (name TEXT PRIMARY KEY) WITHOUT ROWID",
        """
        CREATE TABLE databases (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            tenant TEXT NOT NULL,
            name TEXT NOT NULL,
            UNIQUE (tenant, name)
        )
        """,
        "INSERT INTO tenants (name) VALUES ('default_tenant')",
        """
        INSERT INTO databases (id, tenant, name)
        VALUES ('00000000-0000-0000-0000-000000000000', 'default_tenant', 'default_database')
        """,
        "ALTER TABLE collections ADD COLUMN shared TEXT",
        "ALTER TABLE records ADD COLUMN checksum INTEGER",
        "ALTER TABLE records ADD COLUMN vector_checksum INTEGER",
        """
        CREATE TABLE changed (
            collection INTEGER NOT NULL,
            version INTEGER NOT NULL,
            place INTEGER NOT NULL,
            PRIMARY KEY (collection, version, place)
        ) WITHOUT ROWID
        """,
    ),
    (
        """
        CREATE TABLE pending_vectors (
            file TEXT NOT NULL,
            slot INTEGER NOT NULL,
            vector BLOB NOT NULL,
            PRIMARY KEY (file, slot)
        ) WITHOUT ROWID
        """,
    ),
    (
        """
        CREATE TABLE attachments (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            collection INTEGER NOT NULL,
            kind TEXT NOT NULL,
            name TEXT,
            body TEXT NOT NULL,
            data BLOB,
            checksum INTEGER,
            UNIQUE (collection, kind, name)
        )
        """,
    ),
    ("ALTER TABLE collections ADD COLUMN written_at TEXT",),
    (
        """
        CREATE TABLE operations (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            collection INTEGER NOT NULL,
            what TEXT NOT NULL,
            at TEXT NOT NULL,
            checksum INTEGER NOT NULL,
            version INTEGER NOT NULL DEFAULT 0,
            records INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,
            undoes INTEGER,
            undone_by INTEGER
        )
        """,
        "CREATE INDEX operations_by_collection ON operations (collection)",
        """
        CREATE TABLE replaced (
            number INTEGER PRIMARY KEY,
            collection INTEGER NOT NULL,
            operation INTEGER NOT NULL,
            id TEXT NOT NULL,
            slot INTEGER,
            document TEXT,
            metadata TEXT,
            uri TEXT,
            checksum INTEGER,
            vector_checksum INTEGER,
            written TEXT
        )
        """,
        "CREATE INDEX replaced_by_operation ON replaced (collection, operation)",
        "ALTER TABLE attachments ADD COLUMN operation INTEGER",
    ),
)
_TABLES = {
    "collections", "records", "dead_slots", "changed", "pending_vectors", "attachments", "tenants",
    "databases", "operations", "replaced", "sqlite_sequence",
}  # fmt: skip
_INDEXES = {"records_by_slot", "operations_by_collection", "replaced_by_operation"}


def check_origin(connection: sqlite3.Connection) -> None:
    """Reject a file of another program, or one with foreign tables, views or triggers.

    This only reads, so a rejected file stays unchanged.

    Raises:
        VersionMismatchError: The file is not a chromalab store.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    there = connection.execute(
        "SELECT type, name, rootpage FROM sqlite_schema WHERE name NOT LIKE 'sqlite_autoindex%'"
    ).fetchall()
    known = {("table", name) for name in _TABLES} | {("index", name) for name in _INDEXES}
    ours = application == _APPLICATION_ID and all(
        (kind, name) in known and rootpage for kind, name, rootpage in there
    )
    if not ours and (application or there) and not _is_newer(connection, application):
        raise VersionMismatchError(
            "store.sqlite3 in this folder was not created by chromalab, or another program changed it. "
            "Choose another folder."
        )


def check_format(connection: sqlite3.Connection) -> None:
    """Reject a store that a newer release has changed, possibly while this client was open.

    Raises:
        VersionMismatchError: The format is newer than this release.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_MIGRATIONS):
        raise VersionMismatchError(
            f"This store was written by a newer chromalab (format {version}; this release reads up to "
            f"{len(_MIGRATIONS)}). Upgrade: pip install --upgrade chromalab"
        )


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether the tables are those of this release."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(version == len(_MIGRATIONS))


def migrate(connection: sqlite3.Connection) -> None:
    """Upgrade a store to this release; call it inside a write transaction."""
    check_format(connection)
    if is_current(connection):
        return  # rewriting the same values would make every opening wait for the disk
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for statements in _MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _is_newer(connection: sqlite3.Connection, application: int) -> bool:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(application == _APPLICATION_ID and version > len(_MIGRATIONS))
