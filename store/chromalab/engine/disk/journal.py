"""Which journal SQLite keeps: a write-ahead log, or a rollback journal where that cannot work.

A write-ahead log needs memory that processes share through a file beside the store. Some file
systems cannot give it: Google Drive mounted in Colab, some network drives. SQLite says so in many
ways, some only at the first write (https://www.sqlite.org/wal.html#noshm). A rollback journal
needs file locks alone; readers and writers then wait for each other.
"""

from __future__ import annotations

import sqlite3
import tempfile
import warnings
from contextlib import closing
from pathlib import Path

from chromalab.errors import ChromalabWarning

__all__ = ["holds_wal", "is_busy", "is_wal", "wal_failed", "wal_works", "warn_once"]

_WAL_FAILS = (
    "locking protocol",
    "disk I/O error",
    "unable to open database file",
    "readonly database",
)
_warned: set[Path] = set()


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another connection is in the way, and waiting helps."""
    return "locked" in str(error) or "busy" in str(error)


def wal_failed(error: sqlite3.OperationalError) -> bool:
    """Whether this may be what SQLite says where a write-ahead log cannot work."""
    return any(said in str(error) for said in _WAL_FAILS)


def is_wal(file: Path) -> bool:
    """Whether a database is marked for a write-ahead log (bytes 18 and 19 of its header)."""
    with file.open("rb") as opened:
        return opened.read(20)[18:] == b"\x02\x02"


def wal_works(file: Path) -> bool:
    """Try out, on a scratch database beside it, whether a database could have a write-ahead log.

    Not on the database itself: trying marks the file, and those who have it open would fail.
    """
    shared = file.with_name(f"{file.name}-shm")
    if shared.exists() and not shared.is_file():
        return False
    with (
        tempfile.TemporaryDirectory(prefix=".probe-", dir=file.parent) as scratch,
        closing(sqlite3.connect(Path(scratch) / "probe", isolation_level=None)) as connection,
    ):
        return holds_wal(connection)


def holds_wal(connection: sqlite3.Connection) -> bool:
    """Whether a connection to an empty scratch database gets a write-ahead log that works."""
    try:
        connection.execute("PRAGMA synchronous = OFF")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("CREATE TABLE probe (x)")  # shared memory is first written here
    except sqlite3.OperationalError:
        return False
    return bool(mode == "wal")


def warn_once(folder: Path) -> None:
    """Say, once a process and folder, that the store keeps a rollback journal."""
    if folder in _warned:
        return
    _warned.add(folder)
    warnings.warn(
        f"The file system of '{folder}' cannot share memory between processes, so the store keeps a "
        "rollback journal: everything works, but readers and writers wait for each other. "
        "A folder on a local disk is faster.",
        ChromalabWarning,
        stacklevel=2,
    )
