"""The catalog of collections, as functions over a connection in a transaction."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from uuid import UUID, uuid4

from chromalab.engine.configuration import changed_configuration, is_sound
from chromalab.engine.disk import history
from chromalab.engine.values import CollectionModel
from chromalab.errors import (
    InternalError,
    NotFoundError,
    UniqueConstraintError,
    already_exists,
    not_found,
)
from chromalab.lazy import cached_property

__all__ = [
    "FILE_NAME",
    "Entry",
    "Row",
    "count",
    "create",
    "delete",
    "entries",
    "file_names",
    "find",
    "find_id",
    "ids",
    "index_stems",
    "modify",
    "now",
    "read_row",
    "record_write",
    "row",
    "rows",
]

_MOST = 2**48  # the upper limit of rows, versions and generations: more than any disk holds
FILE_NAME = re.compile(r"[0-9a-f-]{36}-\d+\.f32")
"""The names of vector files."""

_COLUMNS = (
    "number, id, tenant, database, name, metadata, configuration,"
    " dimension, generation, slots, version, shared, written_at"
)

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Entry:
    """A row of the catalog: the user-visible model of a collection, and what the engine needs.

    `slots` is the number of committed rows in the vector file. `shared` names the file of another
    collection, or of an earlier generation, until this one writes its own vectors.
    """

    number: int
    generation: int
    slots: int
    shared: str | None
    model: CollectionModel

    @cached_property
    def file_name(self) -> str:
        """The name of the vector file."""
        return self.shared or f"{self.model.id}-{self.generation}.f32"

    @property
    def index_stem(self) -> str:
        """How the names of its index files begin; forks share vectors, but each has its own indexes."""
        return f"{self.model.id}-{self.generation}"

    @cached_property
    def graph_name(self) -> str:
        """The name of the graph file."""
        return f"{self.index_stem}.hnsw"

    @property
    def space(self) -> str:
        """The distance: "l2", "cosine" or "ip"."""
        return str(self.hnsw["space"])

    @cached_property
    def hnsw(self) -> Mapping[str, Any]:
        """The parameters of the index; a spann configuration is run as HNSW."""
        configuration = self.model.configuration
        return dict(configuration["hnsw"] or configuration["spann"])


def create(
    connection: sqlite3.Connection,
    tenant: str,
    database: str,
    name: str,
    metadata: dict[str, Any] | None,
    configuration: dict[str, Any],
) -> Entry:
    """Create a collection; raises UniqueConstraintError if the name is taken."""
    id = uuid4()
    try:
        connection.execute(
            "INSERT INTO collections (id, tenant, database, name, metadata, configuration)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (str(id), tenant, database, name, _dump(metadata), _dump(configuration)),
        )
    except sqlite3.IntegrityError as error:
        raise _taken(name) from error
    return find_id(connection, id)


def find(connection: sqlite3.Connection, tenant: str, database: str, name: str) -> Entry:
    """Find a collection by name; raises NotFoundError, which suggests similar names."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM collections WHERE tenant = ? AND database = ? AND name = ?",  # noqa: S608
        (tenant, database, name),
    ).fetchone()
    if row is None:
        names = [entry.model.name for entry in entries(connection, tenant, database)]
        raise not_found("Collection", name, names)
    return read_row(row)


def find_id(connection: sqlite3.Connection, id: UUID) -> Entry:
    """Find a collection by id; raises NotFoundError if it was deleted."""
    return read_row(row(connection, id))


def row(connection: sqlite3.Connection, id: UUID) -> Row:
    """Read the stored row of a collection; raises NotFoundError if it was deleted."""
    found: Row | None = connection.execute(
        f"SELECT {_COLUMNS} FROM collections WHERE id = ?",  # noqa: S608
        (str(id),),
    ).fetchone()
    if found is None:
        raise NotFoundError(
            f"Collection with the id {id} does not exist: it was deleted. Get or create it again by name."
        )
    return found


def entries(
    connection: sqlite3.Connection,
    tenant: str,
    database: str,
    limit: int | None = None,
    offset: int | None = None,
) -> list[Entry]:
    """List the collections in the order in which they were created."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM collections WHERE tenant = ? AND database = ?"  # noqa: S608
        " ORDER BY number LIMIT ? OFFSET ?",
        (tenant, database, -1 if limit is None else limit, offset or 0),
    )
    return [read_row(row) for row in rows]


def count(connection: sqlite3.Connection, tenant: str, database: str) -> int:
    """Count the collections."""
    sql = "SELECT count(*) FROM collections WHERE tenant = ? AND database = ?"
    return int(connection.execute(sql, (tenant, database)).fetchone()[0])


def modify(
    connection: sqlite3.Connection,
    id: UUID,
    name: str | None,
    metadata: dict[str, Any] | None,
    configuration: Mapping[str, Any] | None,
) -> Entry:
    """Change every part that is not None; a configuration is merged into the stored one."""
    stored = find_id(connection, id).model.configuration
    changed = None if configuration is None else changed_configuration(stored, configuration)
    try:
        connection.execute(
            "UPDATE collections SET name = coalesce(?, name), metadata = coalesce(?, metadata),"
            " configuration = coalesce(?, configuration), version = version + 1, written_at = ?"
            " WHERE id = ?",
            (name, _dump(metadata), _dump(changed), now(), str(id)),
        )
    except sqlite3.IntegrityError as error:
        raise _taken(str(name)) from error
    return find_id(connection, id)


def record_write(
    connection: sqlite3.Connection, number: int, dimension: int | None, slots: int
) -> None:
    """Raise the version for a write; set its time, the dimension and the number of committed rows."""
    connection.execute(
        "UPDATE collections SET version = version + 1, written_at = ?, dimension = ?, slots = ?"
        " WHERE number = ?",
        (now(), dimension, slots, number),
    )


def now() -> str:
    """The current time as stored in `written_at`, which is set with every new version."""
    return datetime.now(timezone.utc).isoformat()


def delete(connection: sqlite3.Connection, entry: Entry) -> None:
    """Delete a collection with its records, attachments and history."""
    history.clear(connection, entry.number)
    for table, column in (
        ("records", "collection"),
        ("dead_slots", "collection"),
        ("changed", "collection"),
        ("attachments", "collection"),
        ("collections", "number"),
    ):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (entry.number,))  # noqa: S608


def ids(connection: sqlite3.Connection) -> list[UUID]:
    """The ids of the collections of all tenants."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM collections")  # noqa: S608
    return [read_row(row).model.id for row in rows]


def rows(connection: sqlite3.Connection) -> list[Row]:
    """The stored rows of the collections of all tenants."""
    return connection.execute(f"SELECT {_COLUMNS} FROM collections ORDER BY number").fetchall()  # noqa: S608


def file_names(connection: sqlite3.Connection) -> set[str]:
    """The names of the vector files of the collections of all tenants."""
    return {read_row(row).file_name for row in rows(connection)}


def index_stems(connection: sqlite3.Connection) -> set[str]:
    """How the names of the index files of the collections of all tenants begin."""
    return {read_row(row).index_stem for row in rows(connection)}


def read_row(row: Row) -> Entry:
    """Parse a row, which is treated as untrusted: every field is validated."""
    number, id, tenant, database, name, metadata, configuration, dimension, *counts = row
    try:
        entry = Entry(
            number=number,
            generation=counts[0],
            slots=counts[1],
            shared=counts[3],
            model=CollectionModel(
                id=UUID(id),
                name=name,
                metadata=None if metadata is None else json.loads(metadata),
                configuration=json.loads(configuration),
                dimension=dimension,
                tenant=tenant,
                database=database,
                version=counts[2],
                written_at=None if counts[4] is None else datetime.fromisoformat(counts[4]),
            ),
        )
        sound = _is_sound(entry)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise _damaged(number) from error
    if not sound:
        raise _damaged(number)
    return entry


def _is_sound(entry: Entry) -> bool:
    model = entry.model
    function = model.configuration["embedding_function"]
    counts = (entry.generation, entry.slots, model.version)
    return (
        all(type(count) is int and 0 <= count < _MOST for count in counts)
        and (entry.shared is None or FILE_NAME.fullmatch(entry.shared) is not None)
        and model.name.isprintable()
        and isinstance(model.metadata, dict | None)
        and is_sound(model.configuration)
        and (function is None or str(function.get("name", "")).isprintable())
        and (
            model.dimension is None
            or (type(model.dimension) is int and 0 < model.dimension < 2**24)
        )
        and (entry.slots == 0 or model.dimension is not None)
        and (model.written_at is None or model.written_at.tzinfo is timezone.utc)
    )


def _damaged(number: Any) -> InternalError:
    return InternalError(
        f"The catalog of this store is damaged: row {number} of collections is malformed. "
        "Restore the folder from a copy."
    )


def _dump(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _taken(name: str) -> UniqueConstraintError:
    remedy = f"Use get_or_create_collection({name!r}) or another name."
    return already_exists("Collection", name, remedy=remedy)
