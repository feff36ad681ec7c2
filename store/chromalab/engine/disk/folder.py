"""What the file system allows: whether a folder can be a store, and which journal SQLite can use.

A write-ahead log needs memory that processes share through a file beside the store. Some file
systems cannot provide it, such as Google Drive mounted in Colab and some network drives. SQLite
reports this in many ways, some only at the first write (https://www.sqlite.org/wal.html#noshm). A
rollback journal needs only file locks; readers and writers then wait for each other.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
import warnings
from contextlib import closing, suppress
from pathlib import Path

from chromalab.engine.disk.header import first_bytes
from chromalab.errors import (
    ChromalabError,
    ChromalabWarning,
    InternalError,
    NotAFolderError,
    StoreNotWritableError,
    VersionMismatchError,
)
from chromalab.files import sync

__all__ = [
    "hold",
    "holds_wal",
    "is_busy",
    "is_held",
    "is_wal",
    "is_writable",
    "not_writable",
    "only_readable",
    "prepare",
    "sync_folder",
    "wal_failed",
    "wal_works",
    "warn_once",
]

_EFFECTIVE = os.access in os.supports_effective_ids
_WAL_FAILS = (
    "locking protocol",
    "disk I/O error",
    "unable to open database file",
    "readonly database",
)
_HOUR = 3600  # seconds
_warned: set[Path] = set()


def prepare(path: Path, file: Path) -> bool:
    """Create the folder, or raise if that is impossible; returns whether the store is new.

    A store that exists is left as it is if it is not writable.
    """
    try:
        _check(path, file)
        new = not file.exists() or not file.stat().st_size
        if not new and not is_writable(path, file):
            return False
        (path / "vectors").mkdir(parents=True, exist_ok=True)
        if not is_writable(path, file):
            raise not_writable(path, "permission denied")
        if new:
            sync_folder(path)
            sync_folder(path.parent)
    except ChromalabError:
        raise
    except (FileExistsError, NotADirectoryError) as error:
        raise _not_a_folder(path) from error
    except OSError as error:
        raise not_writable(path, error.strerror) from error
    return new


def is_writable(path: Path, file: Path) -> bool:
    """Whether this user may write to a store: its folder, its vectors and its database."""
    places = ((path, os.W_OK | os.X_OK), (path / "vectors", os.W_OK | os.X_OK), (file, os.W_OK))
    return all(
        os.access(place, mode, effective_ids=_EFFECTIVE) for place, mode in places if place.exists()
    )


def _check(path: Path, file: Path) -> None:
    """Reject what is not a store before anything is created."""
    if path.exists() and not path.is_dir():
        raise _not_a_folder(path)
    if not file.exists() and _holds_collections(path / "chroma.sqlite3"):
        raise VersionMismatchError(
            f"'{path}' contains a Chroma store, and chromalab has its own format. Copy it: "
            f"chromalab.import_chroma({str(path)!r}, {f'{path}.lab'!r}), then open '{path}.lab'."
        )
    if not file.exists() and (path / "chroma-collections.parquet").exists():
        raise VersionMismatchError(
            f"'{path}' was written by Chroma 0.3. Migrate it with chroma-migrate first, then copy it with "
            "chromalab.import_chroma."
        )
    for part in (path / "vectors", path / "index", path / "cache", file):
        if part.is_symlink():
            raise VersionMismatchError(
                f"'{path}' is not a chromalab store: {part.name!r} in it is a symbolic link."
            )
    if file.exists() and not _starts_as_sqlite(file):
        raise InternalError(
            f"store.sqlite3 in '{path}' is damaged: it is not a database. "
            "Restore the folder from a copy."
        )


def _holds_collections(database: Path) -> bool:
    """Whether a file is a database of Chroma with collections, or one that cannot be read."""
    if not database.exists():
        return False
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        ) as chroma:
            table = "SELECT 1 FROM sqlite_schema WHERE name = 'collections' AND type = 'table'"
            return (
                chroma.execute(table).fetchone() is None  # a view of a stranger is not read
                or chroma.execute("SELECT 1 FROM collections LIMIT 1").fetchone() is not None
            )
    except sqlite3.Error:
        return True


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable; Windows, which cannot open folders, does so itself."""
    if os.name != "posix" or not os.access(folder, os.R_OK, effective_ids=_EFFECTIVE):
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        sync(handle)
    finally:
        os.close(handle)


def only_readable(path: Path) -> StoreNotWritableError:
    """Create the error for a write to a store that is open for reading only."""
    return StoreNotWritableError(
        f"The store in '{path}' is open for reading only, because its folder is not writable; nothing "
        "was written. To write, copy the folder to a place of your own and open the copy."
    )


def not_writable(path: Path, reason: str | None) -> StoreNotWritableError:
    """Create the error for a folder that is not writable."""
    return StoreNotWritableError(
        f"The folder '{path}' is not writable ({reason}). Choose a folder that you own."
    )


def _not_a_folder(path: Path) -> NotAFolderError:
    return NotAFolderError(
        f"'{path}' is a file, or inside one; a store must be a folder. Choose another path."
    )


def _starts_as_sqlite(file: Path) -> bool:
    return first_bytes(file, 16) in (b"", b"SQLite format 3\0")


def hold(handle: int) -> None:
    """Mark an open file as being written until it is closed; a crash releases the mark.

    Without such locks, as on Windows, the file goes unmarked.
    """
    with suppress(OSError, ImportError):
        from fcntl import LOCK_EX, LOCK_NB, flock

        flock(handle, LOCK_EX | LOCK_NB)


def is_held(file: Path) -> bool:
    """Whether a process is writing a file that it marked with `hold`.

    Where files cannot be marked, one that changed in the last hour counts as being written.
    """
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        with suppress(OSError):
            return time.time() - file.stat().st_mtime < _HOUR
        return True
    try:
        handle = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        flock(handle, LOCK_EX | LOCK_NB)
    except OSError:  # it is held, or there are no locks here and it may be
        return True
    finally:
        os.close(handle)
    return False


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another connection holds a lock, so that waiting helps."""
    return "locked" in str(error) or "busy" in str(error)


def wal_failed(error: sqlite3.OperationalError) -> bool:
    """Whether this may be how SQLite reports that a write-ahead log cannot work."""
    return any(message in str(error) for message in _WAL_FAILS)


def is_wal(file: Path) -> bool:
    """Whether a database is marked for a write-ahead log (bytes 18 and 19 of its header)."""
    return first_bytes(file, 20)[18:] == b"\x02\x02"


def wal_works(file: Path) -> bool:
    """Test, on a scratch database beside it, whether a database could have a write-ahead log.

    The database itself is not used, because a trial marks the file, and processes that have it open
    would fail.
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
    """Whether a connection to an empty scratch database gets a working write-ahead log."""
    try:
        connection.execute("PRAGMA synchronous = OFF")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("CREATE TABLE probe (x)")  # this is the first write to shared memory
    except sqlite3.OperationalError:
        return False
    return bool(mode == "wal")


def warn_once(folder: Path) -> None:
    """Warn, once per process and folder, that the store uses a rollback journal."""
    if folder in _warned:
        return
    _warned.add(folder)
    warnings.warn(
        f"The file system of '{folder}' cannot share memory between processes, so the store uses a "
        "rollback journal: everything works, but readers and writers wait for each other. "
        "A folder on a local disk is faster.",
        ChromalabWarning,
        stacklevel=2,
    )
