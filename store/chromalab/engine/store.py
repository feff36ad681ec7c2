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

from chromalab.engine import forks
from chromalab.engine.folder import identity, prepare, translated
from chromalab.engine.schema import check_format, check_origin, migrate
from chromalab.errors import (
    ClientClosedError,
    InvalidArgumentError,
    StoreBusyError,
    StoreGoneError,
)

__all__ = ["DURABILITY", "Store"]

DURABILITY = {"full": "FULL", "normal": "NORMAL", "off": "OFF"}
"""`durability` -> SQLite's `synchronous`: "full" survives a power cut; "normal" may lose the last
writes in one, but nothing to a killed process; "off" promises nothing."""

_WAIT_SECONDS = 60.0
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
        if durability not in DURABILITY:
            raise InvalidArgumentError(
                f"durability is one of {', '.join(DURABILITY)}; found {durability!r}."
            )
        self.path = path
        self.durability = durability
        self._file = path / "store.sqlite3"
        self._closed = False
        self._identity: tuple[int, int] | None = None
        self._connections: dict[int, tuple[threading.Thread, sqlite3.Connection]] = {}
        self.renew()
        new = prepare(path, self._file)
        try:
            self._initialise(new)
        except BaseException:
            self.close()
            raise
        forks.watch(self)

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
    def write(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: commits at the end, leaves nothing behind after an error.

        Raises:
            StoreBusyError: another process kept the lock for a minute.
        """
        with self._writing, self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

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
        self.running = forks.Running()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self.running, translated(self.path):
            connection = self._connection()
            try:
                self._begin(connection, begin)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # Also when BEGIN itself was interrupted: it may have succeeded.
                if not self._closed and connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _begin(self, connection: sqlite3.Connection, begin: str) -> None:
        if connection.in_transaction:  # an interrupt came between our ROLLBACK and the last BEGIN
            connection.execute("ROLLBACK")
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
                if "locked" not in str(error) and "busy" not in str(error):
                    raise
                if time.monotonic() > end:
                    raise _busy(self.path) from error
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _initialise(self, new: bool) -> None:
        with translated(self.path):
            connection = self._open()
            try:
                if not new:
                    # In one moment, and only reading.
                    self._patiently(connection, "BEGIN", check_origin, check_format)
                    connection.execute("ROLLBACK")
                self._patiently(connection, "PRAGMA journal_mode = WAL")
                self._patiently(connection, "BEGIN IMMEDIATE", check_origin)
                migrate(connection)
                connection.execute("COMMIT")
                self._identity = identity(self._file)
            finally:
                connection.close()

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise ClientClosedError("This client was closed. Make a new one to go on.")
        if identity(self._file) != self._identity:  # asked first: to connect would make the file
            raise StoreGoneError(
                f"The folder '{self.path}' was deleted or replaced while it was open. "
                "Make the client again; what is in the new folder is left as it is."
            )
        thread = threading.current_thread()
        held = self._connections.get(threading.get_ident())
        if held is not None and held[0] is thread:
            return held[1]
        for ident, (owner, connection) in list(self._connections.items()):
            if not owner.is_alive() and ident in self._connections:
                del self._connections[ident]
                connection.close()
        connection = self._open()
        self._connections[threading.get_ident()] = (thread, connection)
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, timeout=_STEP_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA synchronous = {DURABILITY[self.durability]}")
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection


def _busy(path: Path) -> StoreBusyError:
    return StoreBusyError(
        f"Another process has been writing to '{path}' for over {_WAIT_SECONDS:.0f} s. "
        "Try again when it is done."
    )
