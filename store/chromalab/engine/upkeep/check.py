"""Checks that a store is undamaged: SQLite, the catalog, each collection, and the other files.

Damage is reported, never raised.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from chromalab.engine.disk import catalog, leftovers
from chromalab.engine.disk.array_file import ArrayFile
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.store import Store
from chromalab.engine.upkeep.inspection import RESTORE, SAVE, SQLITE, Inspection, reason
from chromalab.engine.values import CheckResult, Damage, Progress
from chromalab.errors import InternalError, printable

__all__ = ["check"]

_MOST = 20  # the most problems that SQLite lists


def check(store: Store, progress: Progress) -> CheckResult:
    """Verify every file against the catalog; see `ClientAPI.check`."""
    there = leftovers.store_files(store.path)
    found: list[Damage] = []
    entries: list[Entry] = []
    try:
        with store.read() as connection:
            found += _integrity(connection)
            for row in catalog.rows(connection):
                try:
                    entries.append(catalog.read_row(row))
                except InternalError as error:
                    name = printable(row[4]) if isinstance(row[4], str) else ""
                    found.append(Damage(name, SQLITE, reason(error), RESTORE))
            found += _loose(connection)
    except InternalError as error:
        found.append(Damage("", SQLITE, reason(error), RESTORE))
    catalog_is_whole = not found
    inspections = []
    done, total = 0, sum(entry.slots for entry in entries)
    for entry in entries:
        inspection = Inspection(store, entry)
        inspection.run(partial(_report_total, progress, done, total))
        inspections.append(inspection)
        found += inspection.problems()
        done += entry.slots
    files = {entry.file_name for entry in entries}
    stems = {entry.index_stem for entry in entries}
    found += _indexes(store.path, inspections)
    # A row that cannot be read may refer to any file.
    unnamed = leftovers.unnamed(store.path, files, stems) if catalog_is_whole else []
    return CheckResult(
        problems=tuple(found),
        leftovers=tuple(f.relative_to(store.path).as_posix() for f in unnamed if f in there),
        collections=len(inspections),
        records=sum(inspection.records for inspection in inspections),
        unverified=sum(inspection.unverified for inspection in inspections),
        bytes=sum(inspection.bytes for inspection in inspections),
    )


def _report_total(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _integrity(connection: sqlite3.Connection) -> Iterator[Damage]:
    """The damage that SQLite finds in its own pages and indexes."""
    lines = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST})")]
    if lines == ["ok"]:
        return
    for line in lines:
        yield Damage("", SQLITE, f"SQLite reports: {printable(line)}", SAVE)
    if len(lines) >= _MOST:
        yield Damage("", SQLITE, f"There may be more: SQLite lists at most {_MOST} problems.", SAVE)


def _loose(connection: sqlite3.Connection) -> Iterator[Damage]:
    """Rows of collections that the catalog does not contain."""
    for table in ("records", "dead_slots", "changed", "attachments", "operations", "replaced"):
        deleted = " UNION ALL SELECT -number FROM operations" if table == "records" else ""
        (count,) = connection.execute(
            f"SELECT count(*) FROM {table}"  # noqa: S608
            f" WHERE collection NOT IN (SELECT number FROM collections{deleted})"
        ).fetchone()
        if count:
            what = f"{count:,} rows of {table} belong to a missing collection"
            yield Damage("", SQLITE, what, RESTORE)


def _indexes(folder: Path, inspections: Sequence[Inspection]) -> Iterator[Damage]:
    """Damaged index files; a missing one is not damage."""
    for inspection in inspections:
        entry = inspection.entry
        for file in leftovers.index_files(folder, {entry.index_stem}):
            wrong = ArrayFile(file, b"").damage()
            if wrong is not None:
                do = "Delete the file; the index is rebuilt automatically."
                yield Damage(entry.model.name, f"index/{file.name}", wrong, do)
