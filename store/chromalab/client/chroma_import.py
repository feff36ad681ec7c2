"""`import_chroma`: copies every collection of a folder that Chroma wrote into a store."""

from __future__ import annotations

import importlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chromalab.client.admin import AdminClient
from chromalab.client.opening import PersistentClient
from chromalab.collection import Collection
from chromalab.config import check_folder
from chromalab.engine import Engine, Scope
from chromalab.engine.configuration import new_configuration
from chromalab.errors import (
    InvalidArgumentError,
    MissingDependencyError,
    NotFoundError,
    UniqueConstraintError,
    VersionMismatchError,
    printable,
)
from chromalab.files import expanded
from chromalab.ingest import AddResult
from chromalab.results.tables import Table

__all__ = ["ImportReport", "ImportedCollection", "import_chroma"]

_PAGE = 100  # collections listed at a time
_DATABASE = "chroma.sqlite3"


@dataclass(frozen=True)
class ImportedCollection:
    """What `import_chroma` did with one collection.

    Attributes:
        tenant: The tenant.
        database: The database.
        collection: The name of the collection.
        model: The name of its embedding function.
        result: How many records were added, and what was left out.
    """

    tenant: str
    database: str
    collection: str
    model: str
    result: AddResult

    @property
    def note(self) -> str:
        """What its user has to know; "" if nothing."""
        notes = []
        if self.model == "legacy":
            notes.append("pass embedding_function= to query with texts")
        if self.result.problems:
            notes.append("; ".join(map(str, self.result.problems)))
        return printable(". ".join(notes))


class ImportReport(Table, list[ImportedCollection]):
    """What `import_chroma` did, one row per collection."""

    _columns = ("tenant", "database", "collection", "added", "skipped", "left_out", "model", "note")

    def _rows(self) -> list[list[Any]]:
        return [
            [
                done.tenant, done.database, done.collection, done.result.added,
                done.result.skipped, done.result.bad_rows, done.model, done.note,
            ]
            for done in self
        ]  # fmt: skip


def import_chroma(
    source: str | Path, target: str | Path | None = None, *, progress: bool = True
) -> ImportReport:
    """Copy every tenant, database and collection of a folder that Chroma wrote.

    Nothing is embedded again: vectors, documents, metadata, URIs, the distance and the embedding function
    are taken over. Chroma reads a temporary copy of the folder, as it may change the folders of older
    releases. Records whose id exists in the target are skipped, so an import can be repeated.

    Args:
        source: The folder of Chroma 0.4 or newer; it stays as it is.
        target: The folder of the new store; by default that of the source with ".lab" at its end.
        progress: Show a progress bar per collection after one second.

    Returns:
        The collections, with the number of records that were added, skipped and left out.

    Raises:
        MissingDependencyError: chromadb, which reads the folder, is not installed.
        VersionMismatchError: The folder is of Chroma 0.3.
        InvalidArgumentError: The folder holds no store of Chroma.

    Example:
        >>> import_chroma("./no-such-folder")
        Traceback (most recent call last):
        ...
        chromalab.errors.InvalidArgumentError: source must be a folder with a chroma.sqlite3; got ...
    """
    source = expanded(check_folder(source, "source"))
    target = Path(f"{source}.lab" if target is None else check_folder(target, "target"))
    if (source / "chroma-collections.parquet").exists():
        raise VersionMismatchError(
            f"'{source}' was written by Chroma 0.3. Migrate it first: pip install chroma-migrate, then "
            "run chroma-migrate."
        )
    if not (source / _DATABASE).is_file():
        raise InvalidArgumentError(
            f"source must be a folder with a {_DATABASE}; got {str(source)!r}. Pass the path that "
            "chromadb.PersistentClient was given."
        )
    chromadb = _chromadb()
    report = ImportReport()
    with (
        tempfile.TemporaryDirectory(prefix="chromalab-import-") as copy,
        PersistentClient(target) as client,
        AdminClient(client.get_settings()) as admin,
    ):
        for scope in _copy(source, Path(copy)):
            with suppress(UniqueConstraintError):
                admin.create_tenant(scope.tenant)
            with suppress(UniqueConstraintError):
                admin.create_database(scope.database, scope.tenant)
            for theirs in _collections(chromadb, copy, scope):
                ours = _created(client._engine, scope, theirs)
                result = ours.add_from(theirs, skip_bad=True, batch_size=1000, progress=progress)
                report.append(ImportedCollection(*scope, ours.name, ours.model, result))
    return report


def _copy(source: Path, copy: Path) -> list[Scope]:
    """Copy the folder as it is in one moment of its database, and return the databases in it."""
    shutil.copytree(source, copy, dirs_exist_ok=True, ignore=lambda *_: {_DATABASE})
    uri = f"{(source / _DATABASE).absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True)) as original,
        closing(sqlite3.connect(copy / _DATABASE)) as copied,
    ):
        original.backup(copied)
        rows = copied.execute("SELECT tenant_id, name FROM databases ORDER BY tenant_id, name")
        return [Scope(str(tenant), str(name)) for tenant, name in rows]


def _chromadb() -> Any:
    try:
        return importlib.import_module("chromadb")
    except ImportError as error:
        raise MissingDependencyError(
            "Chroma's folders are read with chromadb, which is not installed: pip install chromadb"
        ) from error


def _collections(chromadb: Any, folder: str, scope: Scope) -> Iterator[Any]:
    """The collections of a database, as chromadb's objects."""
    settings = chromadb.Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(folder, settings, *scope)
    try:
        offset = 0
        while page := client.list_collections(_PAGE, offset):
            yield from page
            offset += len(page)
    finally:
        client.close()


def _created(engine: Engine, scope: Scope, theirs: Any) -> Collection:
    """Find or create the collection with the configuration of one of Chroma's."""
    try:
        return Collection(engine, engine.get_collection(scope, theirs.name))
    except NotFoundError:
        stored = theirs.configuration_json
        hnsw = {key: value for key, value in (stored["hnsw"] or {}).items() if value is not None}
        function = stored.get("embedding_function")
        configuration = new_configuration({"hnsw": hnsw}, None, function, "l2")
        metadata = None if theirs.metadata is None else dict(theirs.metadata)
        return Collection(
            engine, engine.create_collection(scope, theirs.name, metadata, configuration)
        )
