"""The folder of a store: its SQLite connections and its transactions.

SQLite's commit is the commit. One connection a thread, and none across a fork (`forks.py`).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.folder import identity, prepare, translated
from chromalab.engine.disk.journal import is_busy, is_wal, wal_failed, wal_works, warn_once
from chromalab.engine.disk.schema import check_format, check_origin, migrate
from chromalab.errors import (
    ClientClosedError,
    InternalError,
    InvalidArgumentError,
    StoreBusyError,
    StoreGoneError,
)

__all__ = ["DURABILITY", "Store"]

DURABILITY = {"full": "FULL", "normal": "NORMAL", "off": "OFF"}
"""`durability` -> SQLite's `synchronous`: "full" survives a power cut; "normal" may lose the last
writes in one, but nothing to a killed process; "off" promises nothing."""

_WAIT_SECONDS = 60.0
_CACHE_KIB = 16 << 10  # of pages, for each connection; the default of 2 MB reads most again
_STEP_SECONDS = 0.1  # how long one try waits inside SQLite, where Ctrl-C is not heard


class Store:
    """One folder on disk, opened; made if it is not there.

    Args:
        path: The folder.
        durability: "full", "normal" or "off".

    Raises:
        NotAFolderError: the path, or a part of it, is a file.
        StoreNotWritableError: the folder cannot be made or written.
        VersionMismatchError: a newer chromalab, or another program, wrote what is there.
    """

    def __init__(self, path: Path, durability: str = "full") -> None:
        _check_durability(durability)
        self.path = path
        self.durability = durability
        self._file = path / "store.sqlite3"
        self._closed = False
        self._identity: tuple[int, int] | None = None
        self._connections: dict[int, tuple[threading.Thread, sqlite3.Connection]] = {}
        self._outdated: set[int] = set()  # threads whose connection has a lower durability
        self.renew()
        new = prepare(path, self._file)
        try:
            self._initialise(new)
        except BaseException:
            self.close()
            raise
        process_forks.watch(self)

    @property
    def vectors(self) -> Path:
        """The folder of the vector files."""
        return self.path / "vectors"

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: everything read inside is of one moment. It waits for no writer."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self, *, final: bool = False) -> Iterator[sqlite3.Connection]:
        """A write transaction: commits at the end, leaves nothing behind after an error.

        Args:
            final: Whether files are removed after it: then durability "normal" too waits until the
                commit is on the disk, or a power cut could bring back a catalog that names them.

        Raises:
            StoreBusyError: another process kept the lock for a minute.
        """
        final = final and self.durability == "normal"
        self._refuse_within()
        with self._writing, self._transaction("BEGIN IMMEDIATE", final=final) as connection:
            yield connection

    def shrink(self) -> bool:
        """Give free pages back to the file system where they are over a quarter of SQLite's file.

        Returns:
            Whether it was done: not where there is little to give, another process is writing, or
            the disk has no room for a copy.
        """
        with self._writing, self.running, translated(self.path):
            connection = self._connection()
            try:
                (free,) = connection.execute("PRAGMA freelist_count").fetchone()
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                if 4 * free <= pages:
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
        """Whether the folder still holds the file that was opened."""
        return not self._closed and identity(self._file) == self._identity

    def demand(self, durability: str) -> None:
        """Promise at least this durability from the next transaction of each thread on."""
        _check_durability(durability)
        strictest_first = list(DURABILITY)
        if strictest_first.index(durability) < strictest_first.index(self.durability):
            self.durability = durability
            self._outdated = set(self._connections)

    def close(self) -> None:
        """Close every connection. Idempotent."""
        self._closed = True
        self.let_go()

    def let_go(self) -> None:
        """Close the connections; they open again when they are needed."""
        held, self._connections = self._connections, {}
        for _, connection in held.values():
            connection.close()

    def renew(self) -> None:
        """Make new locks: after a fork the old ones may be held by threads that are not there."""
        self._writing = threading.Lock()
        self.running = process_forks.Running()

    @contextmanager
    def _transaction(self, begin: str, *, final: bool = False) -> Iterator[sqlite3.Connection]:
        with self._alone(), translated(self.path):
            connection = self._connection()
            try:
                self._begin(connection, begin, final=final)
                yield connection
                self._commit(connection)
            except BaseException as error:
                # Also when BEGIN itself was interrupted: it may have succeeded.
                if not self._closed and connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error | OSError | InternalError):
                    self._check_there()  # what SQLite says of a file that was moved is no help
                raise
            finally:
                if final and not self._closed:
                    self._set_synchronous(connection, self.durability)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._refuse_within()
        with self.running:
            yield

    def _refuse_within(self) -> None:
        """Refuse a call from within a transaction of this thread, which it would end."""
        if self.running.depth():
            raise InternalError(
                f"'{self.path}' was asked something in the middle of a call of its own, by an embedding "
                "function perhaps. Open the store that such a function uses in another folder."
            )

    def _commit(self, connection: sqlite3.Connection) -> None:
        """COMMIT; with a rollback journal it waits for those who are reading."""
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

    def _begin(self, connection: sqlite3.Connection, begin: str, *, final: bool) -> None:
        if connection.in_transaction:  # an interrupt came between our ROLLBACK and the last BEGIN
            connection.execute("ROLLBACK")
        if final:
            self._set_synchronous(connection, "full")
        # The check reads, and so fixes the moment that the transaction sees.
        self._patiently(connection, begin, check_format)

    def _patiently(
        self,
        connection: sqlite3.Connection,
        statement: str,
        *checks: Callable[[sqlite3.Connection], None],
    ) -> None:
        """Execute a statement, and checks behind it, that may have to wait for another process."""
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

    def _initialise(self, new: bool) -> None:
        with translated(self.path):
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
            self._identity = identity(self._file)

    def _settle(self, new: bool, *, wal: bool | None) -> None:
        """Choose the journal and bring the tables up to this release."""
        connection = self._open()
        try:
            if not new:
                # In one moment, and only reading.
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
        """Bring a store from a write-ahead log that cannot work here to a rollback journal.

        Alone with the file, SQLite keeps the index of the log in its own memory, so that this works
        where shared memory does not.
        """
        connection = self._connect()
        try:
            # Before all else: other pragmas read the file, and so look for shared memory.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            self._patiently(connection, "BEGIN", check_origin, check_format)
            connection.execute("ROLLBACK")
            self._patiently(connection, "PRAGMA journal_mode = DELETE")
        finally:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise ClientClosedError("This client was closed. Make a new one to go on.")
        self._check_there()  # first: to connect would make the file
        thread = threading.current_thread()
        held = self._connections.get(threading.get_ident())
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

    def _check_there(self) -> None:
        if identity(self._file) != self._identity:
            raise StoreGoneError(
                f"The folder '{self.path}' was deleted or replaced while it was open. "
                "Make the client again; what is in the new folder is left as it is."
            )

    def _open(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            self._set_synchronous(connection, self.durability)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_synchronous(self, connection: sqlite3.Connection, durability: str) -> None:
        """Choose what a commit waits for; it reads the file, so it may have to wait itself."""
        self._patiently(connection, f"PRAGMA synchronous = {DURABILITY[durability]}")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._file, timeout=_STEP_SECONDS, isolation_level=None, check_same_thread=False
        )


def _check_durability(durability: str) -> None:
    if durability not in DURABILITY:
        raise InvalidArgumentError(
            f"durability is one of {', '.join(DURABILITY)}; found {durability!r}."
        )


def _busy(path: Path) -> StoreBusyError:
    return StoreBusyError(
        f"Another process has been using '{path}' for over {_WAIT_SECONDS:.0f} s. "
        "Try again when it is done."
    )
