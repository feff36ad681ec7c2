"""How SQLite opens a store that this user may only read.

A database in write-ahead mode needs its log and the index of the log, `-wal` and `-shm`, to be there or to
be created (https://www.sqlite.org/wal.html#readonly). Where nothing can be created there are three ways:

1. *as it is*, if both are there: another process may be writing, and SQLite follows it. A database with a
   rollback journal needs no other file and is opened so, too.
2. *immutable*, if there is no log, because everything is in the database then. SQLite takes no locks
   (https://www.sqlite.org/c3ref/open.html), so the files are compared before and after a transaction.
3. *a copy* in a temporary folder, if neither works: the log has lost its index, a journal left by a crash
   must be rolled back, or an older release wrote the tables. So nothing that was committed is left out.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from pathlib import Path

from chromalab.engine.disk.connection import Connection
from chromalab.engine.disk.folder import is_busy, is_wal
from chromalab.engine.disk.schema import check_format, check_origin, is_current, migrate
from chromalab.errors import StoreNotWritableError

__all__ = ["ReadOnlyConnection", "ReadOnlyFile"]

_BESIDE = ("", "-wal", "-journal")
_WAIT_SECONDS = 10.0  # for a process that is committing at this moment

Stamp = tuple[tuple[int, int, int] | None, ...]


class ReadOnlyConnection(Connection):
    """A connection that only reads.

    Attributes:
        stamp: Identifies the contents that the files had when it was opened.
        follows: Whether it notices writes by itself, or reads a copy.
    """

    stamp: Stamp = ()
    follows: bool = True


class ReadOnlyFile:
    """A database that this user may only read.

    Args:
        file: The database.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._chosen: tuple[Stamp, str] | None = None
        self._copy: weakref.finalize[..., ReadOnlyFile] | None = None
        self.renew()

    def renew(self) -> None:
        """Create a new lock; after a fork, a thread missing in the child may hold the old one."""
        self._choosing = threading.Lock()

    @property
    def stamp(self) -> Stamp:
        """Identifies the contents of the files; a write changes it."""
        return tuple(_stamp(self._beside(end)) for end in _BESIDE)

    def connect(self, timeout: float) -> ReadOnlyConnection:
        """Open a connection to the database as it is now.

        Raises:
            VersionMismatchError: It is not a store, or that of a newer release.
            StoreNotWritableError: A file that holds committed writes is not readable.
        """
        with self._choosing:
            stamp = self.stamp
            if self._chosen is None or self._chosen[0] != stamp:
                self._chosen = stamp, self._choose()
            uri = self._chosen[1]
            connection = _connect(uri, timeout)
        connection.stamp = stamp
        connection.follows = not uri.startswith(self._file.as_uri()) or "immutable" not in uri
        return connection

    def close(self) -> None:
        """Remove the copy, if there is one."""
        copy, self._copy, self._chosen = self._copy, None, None
        if copy is not None:
            copy()

    def _choose(self) -> str:
        """The address of the database, as SQLite can read it."""
        log, index, journal = (self._beside(end).exists() for end in ("-wal", "-shm", "-journal"))
        has_log = log and (index or self._beside("-wal").stat().st_size > 0)
        immutable = is_wal(self._file) and not has_log and not journal
        uri = self._file.as_uri() + ("?mode=ro&immutable=1" if immutable else "?mode=ro")
        try:
            connection = _connect(uri, _WAIT_SECONDS)
            try:
                check_origin(connection)
                check_format(connection)
                if is_current(connection):
                    return uri
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            if is_busy(error):
                raise
        return self._copied()

    def _copied(self) -> str:
        """Copy the database with its log, so that SQLite can recover it and upgrade its tables."""
        self.close()
        try:
            folder = tempfile.mkdtemp(prefix="chromalab-copy-")
        except OSError as error:
            raise StoreNotWritableError(
                f"The store in '{self._file.parent}' can be read only from a copy, as its folder is not "
                f"writable, and there is no temporary folder for one ({error.strerror}). Set TMPDIR to a "
                "folder of your own."
            ) from error
        self._copy = weakref.finalize(self, _discard, folder, os.getpid())
        copy = Path(folder) / self._file.name
        for end in _BESIDE:
            source = self._beside(end)
            try:
                if source.exists():
                    shutil.copyfile(source, copy.with_name(copy.name + end))
            except PermissionError as error:
                raise StoreNotWritableError(
                    f"The store in '{self._file.parent}' cannot be read: {source.name!r} holds committed "
                    "writes and is not readable. Ask the owner of the folder for permission."
                ) from error
        connection = sqlite3.connect(copy, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            check_origin(connection)
            migrate(connection)
            connection.execute("COMMIT")
        finally:
            connection.close()  # this moves the log into the database
        return copy.as_uri() + "?mode=ro&immutable=1"

    def _beside(self, end: str) -> Path:
        return self._file.with_name(self._file.name + end)


def _connect(uri: str, timeout: float) -> ReadOnlyConnection:
    return sqlite3.connect(
        uri,
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        factory=ReadOnlyConnection,
    )


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _discard(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a forked child must not delete the copy of its parent
        shutil.rmtree(folder, ignore_errors=True)
