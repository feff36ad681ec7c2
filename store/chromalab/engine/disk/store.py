"""The folder of a store: its SQLite connections and its transactions.

A write is committed when SQLite commits it. There is one connection per thread, and none is open
across a fork of the process (`process_forks.py`).
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.connection import Connection
from chromalab.engine.disk.folder import (
    is_busy,
    is_wal,
    is_writable,
    not_writable,
    only_readable,
    prepare,
    wal_failed,
    wal_works,
    warn_once,
)
from chromalab.engine.disk.read_only import ReadOnlyConnection, ReadOnlyFile
from chromalab.engine.disk.schema import check_format, check_origin, migrate
from chromalab.errors import (
    ChromalabError,
    ClientClosedError,
    InternalError,
    InvalidArgumentError,
    StoreBusyError,
    StoreGoneError,
)

__all__ = ["DURABILITY", "Store", "translated"]

DURABILITY = {"full": "FULL", "normal": "NORMAL", "off": "OFF"}
"""`durability` -> SQLite's `synchronous`. "full" survives a power cut. "normal" may lose the last
writes in one, but loses nothing when a process is killed. "off" guarantees nothing."""

_WAIT_SECONDS = 60.0
_CACHE_KIB = (
    16 << 10
)  # page cache per connection; with the default of 2 MB most pages are read again
_STEP_SECONDS = 0.1  # how long one attempt waits inside SQLite, where Ctrl-C has no effect


class Store:
    """An open folder on the disk; created if it does not exist.

    A store that exists in a folder that is not writable is open for reading only, and nothing is written
    to the folder; see `read_only.py`.

    Args:
        path: The folder.
        durability: "full", "normal" or "off".

    Raises:
        NotAFolderError: The path, or a part of it, is a file.
        StoreNotWritableError: The folder cannot be created; or it is not writable and has no store.
        VersionMismatchError: A newer chromalab or another program wrote the existing files.
    """

    def __init__(self, path: Path, durability: str = "full") -> None:
        _check_durability(durability)
        self.path = path
        self.durability = durability
        self._file = path / "store.sqlite3"
        self._closed = False
        self._identity: tuple[int, int] | None = None
        self._connections: dict[int, tuple[threading.Thread, Connection]] = {}
        self._outdated: set[int] = set()  # threads whose connection has a lower durability
        self._read_only: ReadOnlyFile | None = None
        self.renew()
        new = prepare(path, self._file)
        if not new and not is_writable(path, self._file):
            self._read_only = ReadOnlyFile(self._file)
        try:
            self._initialize(new)
        except BaseException:
            self.close()
            raise
        process_forks.watch(self)

    @property
    def vectors(self) -> Path:
        """The folder of the vector files."""
        return self.path / "vectors"

    def read(self) -> AbstractContextManager[Connection]:
        """A read transaction, in which all reads see one snapshot. It never waits for a writer."""
        return self._transaction("BEGIN")

    @contextmanager
    def write(self, *, final: bool = False) -> Iterator[Connection]:
        """A write transaction, which commits at the end and rolls back after an error.

        Args:
            final: Whether files are removed after the commit. Then durability "normal" also waits
                until the commit is on the disk, because otherwise a power cut could restore a catalog
                that refers to removed files.

        Raises:
            StoreBusyError: Another process held the lock for a minute.
            StoreNotWritableError: The store is open for reading only.
        """
        self.check_writable()
        final = final and self.durability == "normal"
        with self._writing, self._transaction("BEGIN IMMEDIATE", final=final) as connection:
            yield connection

    def shrink(self, *, least: int = 0) -> bool:
        """Return free pages to the file system if they are over a quarter of SQLite's file.

        So it copies at most three times as much as it frees.

        Args:
            least: The smallest number of free bytes that are worth it.

        Returns:
            Whether it was done. It is not if there is little to reclaim, another thread or process is
            reading an earlier version or writing, or the disk has no space for a copy.
        """
        if self._read_only is not None:
            return False
        with self._writing, self.running, translated(self.path):
            connection = self._connection()
            try:
                (free,) = connection.execute("PRAGMA freelist_count").fetchone()
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                (size,) = connection.execute("PRAGMA page_size").fetchone()
                if 4 * free <= pages or free * size < least:
                    return False
                (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if busy:  # the log, which gets the copy, could not be emptied afterwards either
                    return False
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError as error:
                if not is_busy(error) and "full" not in str(error):
                    raise
                return False
        return True

    @property
    def is_there(self) -> bool:
        """Whether the folder still contains the file that was opened, and as it was opened."""
        if self._closed or _identity(self._file) != self._identity:
            return False
        return not self.is_read_only or not is_writable(self.path, self._file)

    def check_writable(self) -> None:
        """Raise StoreNotWritableError if the store is open for reading only.

        A call from within a transaction of this thread raises an InternalError.
        """
        self._refuse_within()
        if self.is_read_only and not self._closed:
            raise only_readable(self.path)

    @property
    def is_as_demanded(self) -> bool:
        """Whether this thread's connection has the durability that was demanded last."""
        return threading.get_ident() not in self._outdated

    @property
    def is_read_only(self) -> bool:
        """Whether the store is open for reading only."""
        return self._read_only is not None

    def demand(self, durability: str) -> None:
        """Guarantee at least this durability, starting with the next transaction of each thread."""
        _check_durability(durability)
        strictest_first = list(DURABILITY)
        if strictest_first.index(durability) < strictest_first.index(self.durability):
            self.durability = durability
            self._outdated = set(self._connections)

    def close(self) -> None:
        """Close every connection. Idempotent."""
        self._closed = True
        self.disconnect()
        if self._read_only is not None:
            self._read_only.close()

    def disconnect(self) -> None:
        """Close the connections, which are opened again when needed."""
        held, self._connections = self._connections, {}
        for _, connection in held.values():
            connection.close()

    def renew(self) -> None:
        """Create new locks; after a fork, threads missing in the child may hold the old ones."""
        self._writing = threading.Lock()
        self.running = process_forks.Running()
        if self._read_only is not None:
            self._read_only.renew()

    @contextmanager
    def _transaction(self, begin: str, *, final: bool = False) -> Iterator[Connection]:
        self._refuse_within()
        with self.running, translated(self.path):
            connection = self._connection()
            try:
                self._begin(connection, begin, final=final)
                yield connection
                self._commit(connection)
                self._check_unchanged(connection)
            except BaseException as error:
                # This also covers an interrupt during BEGIN, which may have succeeded.
                if not self._closed and connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error | OSError | InternalError):
                    self._check_unchanged(connection)
                    self._check_there()  # SQLite's own error for a moved file does not help
                raise
            finally:
                if final and not self._closed:
                    self._set_synchronous(connection, self.durability)

    def _refuse_within(self) -> None:
        """Reject a call from within a transaction of this thread, which it would end."""
        if self.running.depth():
            raise InternalError(
                f"'{self.path}' was called from within another of its own calls, perhaps by an embedding "
                "function. Use a store in another folder for that function."
            )

    def _commit(self, connection: Connection) -> None:
        """Run COMMIT, which waits for readers if there is a rollback journal."""
        end = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                connection.execute("COMMIT")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or not connection.in_transaction:
                    raise
                if time.monotonic() > end:
                    raise _busy(self.path) from error

    def _begin(self, connection: Connection, begin: str, *, final: bool) -> None:
        if connection.in_transaction:  # an interrupt prevented the last ROLLBACK
            connection.execute("ROLLBACK")
        if final:
            self._set_synchronous(connection, "full")
        self._patiently(connection, begin, _look)

    def _patiently(
        self,
        connection: Connection,
        statement: str,
        *checks: Callable[[Connection], None],
    ) -> None:
        """Execute a statement, then checks, all of which may have to wait for another process."""
        end = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                connection.execute(statement).fetchall()
                for check in checks:
                    check(connection)
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                if time.monotonic() > end:
                    raise _busy(self.path) from error
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _initialize(self, new: bool) -> None:
        with translated(self.path):
            if self._read_only is not None:
                self._open().close()
                self._identity = _identity(self._file)
                return
            try:
                self._settle(new, wal=None)
            except sqlite3.OperationalError as error:
                if not wal_failed(error) or not is_wal(self._file):
                    raise
                try:
                    self._roll_back()
                    self._settle(new, wal=False)
                except sqlite3.OperationalError:
                    raise error from None
            self._identity = _identity(self._file)

    def _settle(self, new: bool, *, wal: bool | None) -> None:
        """Choose the journal and upgrade the tables to this release."""
        connection = self._open()
        try:
            if not new:
                # Both checks see one snapshot and only read.
                self._patiently(connection, "BEGIN", check_origin, check_format)
                connection.execute("ROLLBACK")
            if not is_wal(self._file):
                if wal_works(self._file) if wal is None else wal:
                    self._patiently(connection, "PRAGMA journal_mode = WAL")
                else:
                    warn_once(self.path)
            self._patiently(connection, "BEGIN IMMEDIATE", check_origin)
            migrate(connection)
            self._commit(connection)
        finally:
            connection.close()

    def _roll_back(self) -> None:
        """Convert a store from a write-ahead log that cannot work here to a rollback journal.

        With exclusive access to the file, SQLite keeps the index of the log in its own memory, so
        this works where shared memory does not.
        """
        connection = self._connect()
        try:
            # This comes first because other pragmas read the file and so look for shared memory.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            self._patiently(connection, "BEGIN", check_origin, check_format)
            connection.execute("ROLLBACK")
            self._patiently(connection, "PRAGMA journal_mode = DELETE")
        finally:
            connection.close()

    def _connection(self) -> Connection:
        if self._closed:
            raise ClientClosedError("This client was closed. Create a new one.")
        self._check_there()  # before connecting, which would create the file
        thread = threading.current_thread()
        held = self._connections.get(threading.get_ident())
        if held is not None and held[0] is thread and self._is_outdated(held[1]):
            held[1].close()
            held = None
        if held is not None and held[0] is thread:
            if threading.get_ident() in self._outdated:
                self._outdated.discard(threading.get_ident())
                self._set_synchronous(held[1], self.durability)
            return held[1]
        for ident, (owner, connection) in list(self._connections.items()):
            if not owner.is_alive() and ident in self._connections:
                del self._connections[ident]
                connection.close()
        connection = self._open()
        self._connections[threading.get_ident()] = (thread, connection)
        return connection

    def _is_outdated(self, connection: Connection) -> bool:
        """Whether a connection that only reads was opened before the last write of another process."""
        read_only = self._read_only
        return read_only is not None and (
            not isinstance(connection, ReadOnlyConnection) or connection.stamp != read_only.stamp
        )

    def _check_unchanged(self, connection: Connection) -> None:
        """Raise if another process wrote while a connection read without locks."""
        if not isinstance(connection, ReadOnlyConnection) or connection.follows:
            return
        if self._is_outdated(connection):
            raise StoreBusyError(
                f"Another process wrote to '{self.path}' during this call, which can only read there. "
                "Run the call again."
            )

    def _check_there(self) -> None:
        if _identity(self._file) != self._identity:
            raise StoreGoneError(
                f"The folder '{self.path}' was deleted or replaced while it was open. "
                "Create the client again; the contents of the new folder are unchanged."
            )

    def _open(self) -> Connection:
        connection = self._connect()
        try:
            self._set_synchronous(connection, self.durability)
            connection.execute("PRAGMA trusted_schema = OFF")
            for name in ("fullfsync", "checkpoint_fullfsync"):  # see `files.sync`; only for macOS
                connection.execute(f"PRAGMA {name} = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_synchronous(self, connection: Connection, durability: str) -> None:
        """Set what a commit waits for. This reads the file, so it may have to wait itself."""
        self._patiently(connection, f"PRAGMA synchronous = {DURABILITY[durability]}")

    def _connect(self) -> Connection:
        if self._read_only is not None:
            return self._read_only.connect(_STEP_SECONDS)
        return sqlite3.connect(
            self._file,
            timeout=_STEP_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )


def _look(connection: Connection) -> None:
    """Read which snapshot the transaction sees, which fixes it; one that is new is checked."""
    (others,) = connection.execute("PRAGMA data_version").fetchone()
    snapshot = others, connection.total_changes
    if snapshot != connection.snapshot:
        connection.snapshot = None
        check_format(connection)
        connection.snapshot, connection.known = snapshot, {}


def _check_durability(durability: str) -> None:
    if durability not in DURABILITY:
        raise InvalidArgumentError(
            f"durability must be one of {', '.join(DURABILITY)}; got {durability!r}."
        )


def _busy(path: Path) -> StoreBusyError:
    return StoreBusyError(
        f"Another process has been using '{path}' for over {_WAIT_SECONDS:.0f} s. "
        "Try again when it is done."
    )


class translated:
    """Turns errors of SQLite and of the file system into readable ones; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        path = self._path
        if error is None or isinstance(error, ChromalabError):
            return
        if isinstance(error, sqlite3.Error):
            raise _readable(path, str(error)) from error
        if isinstance(error, UnicodeDecodeError):  # SQLite's message quotes a damaged name
            raise _readable(path, "malformed schema") from error
        if isinstance(error, OSError):
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise _full(path) from error
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise not_writable(path, error.strerror) from error
            raise InternalError(f"The files of '{path}' cannot be used: {error}.") from error


def _identity(file: Path) -> tuple[int, int] | None:
    """Identify the file at a path; None if there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _readable(path: Path, message: str) -> ChromalabError:
    if "readonly" in message or "unable to open" in message:
        return not_writable(path, "permission denied, or no space for SQLite's own files")
    if "locking protocol" in message:
        return InternalError(
            f"The file system of '{path}' does not support file locks, which a store needs. "
            "Copy the folder to a local disk."
        )
    if "disk I/O error" in message:
        return InternalError(
            f"The disk of '{path}' failed to read or write. Free some space, or copy the folder to a "
            "local disk; client.check() reports whether it is damaged."
        )
    if "full" in message:
        return _full(path)
    if "malformed" in message or "not a database" in message:
        return InternalError(
            f"store.sqlite3 in '{path}' is damaged ({message}). Restore the folder from a copy."
        )
    if "closed database" in message:
        return ClientClosedError("This client was closed. Create a new one.")
    return InternalError(f"SQLite failed in '{path}': {message}.")


def _full(path: Path) -> InternalError:
    return InternalError(f"The disk of '{path}' is full; this call wrote nothing.")
