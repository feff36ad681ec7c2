"""Whether a store is whole: SQLite, the catalog, each collection, and the files beside them.

Damage never raises here: it is what is looked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from chromalab.engine.disk import catalog, leftovers
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.store import Store
from chromalab.engine.findings import Checked, Problem
from chromalab.engine.index.graph_file import GraphFile
from chromalab.engine.interface import Tell
from chromalab.engine.upkeep.check_records import RESTORE, SAVE, SQLITE, Inspection, reason
from chromalab.errors import InternalError, printable

__all__ = ["check"]

_MOST = 20  # problems of SQLite's own that are listed


def check(store: Store, tell: Tell) -> Checked:
    """Verify every file against the catalog; see `ClientAPI.check`."""
    there = leftovers.ours(store.path)
    found: list[Problem] = []
    entries: list[Entry] = []
    try:
        with store.read() as connection:
            found += _integrity(connection)
            for row in catalog.rows(connection):
                try:
                    entries.append(catalog.read_row(row))
                except InternalError as error:
                    name = printable(row[4]) if isinstance(row[4], str) else ""
                    found.append(Problem(name, SQLITE, reason(error), RESTORE))
            found += _loose(connection)
    except InternalError as error:
        found.append(Problem("", SQLITE, reason(error), RESTORE))
    catalog_is_whole = not found
    inspections = []
    done, total = 0, sum(entry.slots for entry in entries)
    for entry in entries:
        inspection = Inspection(store, entry)
        inspection.run(partial(_tell_of_all, tell, done, total))
        inspections.append(inspection)
        found += inspection.problems()
        done += entry.slots
    files = {entry.file_name for entry in entries}
    graphs = {entry.graph_name for entry in entries}
    found += _graphs(store.path, inspections)
    # A row that cannot be read may name any file.
    unnamed = leftovers.unnamed(store.path, files, graphs) if catalog_is_whole else []
    return Checked(
        problems=tuple(found),
        leftovers=tuple(f.relative_to(store.path).as_posix() for f in unnamed if f in there),
        collections=len(inspections),
        records=sum(inspection.records for inspection in inspections),
        unverified=sum(inspection.unverified for inspection in inspections),
        bytes=sum(inspection.bytes for inspection in inspections),
    )


def _tell_of_all(tell: Tell, before: int, total: int, done: int) -> None:
    tell(before + done, total)


def _integrity(connection: sqlite3.Connection) -> Iterator[Problem]:
    """What SQLite finds in its own pages and indexes."""
    said = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST})")]
    if said == ["ok"]:
        return
    for line in said:
        yield Problem("", SQLITE, f"SQLite says: {printable(line)}", SAVE)
    if len(said) >= _MOST:
        yield Problem("", SQLITE, f"There may be more: SQLite lists {_MOST} problems.", SAVE)


def _loose(connection: sqlite3.Connection) -> Iterator[Problem]:
    """Rows of collections that the catalog does not have."""
    for table in ("records", "dead_slots", "changed", "attachments"):
        (count,) = connection.execute(
            f"SELECT count(*) FROM {table}"  # noqa: S608
            " WHERE collection NOT IN (SELECT number FROM collections)"
        ).fetchone()
        if count:
            what = f"{count:,} rows of {table} belong to a collection that is not there"
            yield Problem("", SQLITE, what, RESTORE)


def _graphs(folder: Path, inspections: Sequence[Inspection]) -> Iterator[Problem]:
    """Damaged files of the index; a missing one is none."""
    for inspection in inspections:
        name = f"index/{inspection.entry.graph_name}"
        wrong = GraphFile(folder / name).problem()
        if wrong is not None:
            do = "Delete the file: the index is made anew by itself."
            yield Problem(inspection.entry.model.name, name, wrong, do)
