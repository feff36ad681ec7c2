"""The vector file of a collection: float32 rows, appended to write and memory-mapped to read.

A row counts only if a committed record refers to its slot. Rows after the committed ones, left by a
crash or a rollback, are overwritten by the next append.

Waiting for the disk is the largest cost of writing one record. A small write therefore waits once:
its vectors go into the file without waiting, and into the table `pending_vectors` with the commit.
The next large write waits for the file, which makes all earlier rows durable too, and empties the
table. After a power cut, rows missing from the file are restored from the table.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import stat
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np

from chromalab.engine.disk import catalog, process_forks
from chromalab.engine.disk.folder import sync_folder
from chromalab.engine.disk.store import Store
from chromalab.engine.values import Vectors
from chromalab.errors import InternalError
from chromalab.files import sync

__all__ = [
    "MissingVectorsError",
    "OpenFiles",
    "VectorFile",
    "append",
    "forget_pending",
    "open_files",
    "restore",
]

_ITEM = 4  # bytes of a float32, little-endian on disk
_BLOCK = 2**20
_READ = 1 << 20  # bytes of vectors, up to which they are read rather than mapped
_SMALL = 64 << 10  # bytes of vectors, up to which a write goes into the table
_MOST = 1024  # rows per file in the table
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


_SHARE_OPEN = (
    8  # the part of the process's descriptors that they may use; a holder needs one or two
)
_FEWEST_OPEN, _MOST_OPEN = 4, 512


class MissingVectorsError(InternalError):
    """The vector file of a collection is missing: damage, or a delete by another process."""


class _Holder(Protocol):
    def let_go(self) -> None:
        """Close the files; they are opened again when needed."""


class OpenFiles:
    """Limits the files that memory maps keep open: the least recently used are let go.

    Each memory map holds a file descriptor, and a process may have few: 256 by default on macOS, 1,024 on
    Linux. A map that is let go is made again when its collection is used next, which takes microseconds.
    The arrays of snapshots and of running queries keep the map that they were made of.
    """

    def __init__(self) -> None:
        self._used: OrderedDict[weakref.ref[_Holder], None] = OrderedDict()
        self._last: weakref.ref[_Holder] | None = None
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Create a new lock; after a fork, a thread missing in the child may hold the old one."""
        self._lock = threading.RLock()  # a holder may be garbage-collected while this thread has it

    def use(self, holder: _Holder) -> None:
        """Note that a holder opened its files, or uses them; close those used least recently."""
        last = self._last
        if last is not None and last() is holder:
            return
        most = _most_open()
        with self._lock:
            own = self._last = weakref.ref(holder, self._drop)
            self._used[own] = None
            self._used.move_to_end(own)
            oldest = []
            while len(self._used) > most:
                oldest.append(self._used.popitem(last=False)[0])
        for reference in oldest:
            found = reference()
            if found is not None and found is not holder:
                found.let_go()

    def _drop(self, reference: weakref.ref[_Holder]) -> None:
        with self._lock:
            self._used.pop(reference, None)


def _most_open() -> int:
    """How many holders may have open files, by the limit that the process has now."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows, which has no such limit
        return _MOST_OPEN
    soft, _ = getrlimit(RLIMIT_NOFILE)
    return (
        _MOST_OPEN
        if soft == RLIM_INFINITY
        else min(_MOST_OPEN, max(_FEWEST_OPEN, soft // _SHARE_OPEN))
    )


open_files = OpenFiles()


class VectorFile:
    """The rows of one generation of a collection.

    Args:
        path: The file; the first append creates it.
        dimension: The length of a row.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self.path = path
        self.dimension = dimension
        self._map: tuple[Vectors, mmap.mmap | None] | None = None

    def append(self, rows: Vectors, *, after: int, durable: bool) -> None:
        """Write rows after the first `after` ones. Call it inside a write transaction.

        Args:
            rows: (n, dimension), float32.
            after: The number of committed rows.
            durable: Whether to wait until they are on the disk.
        """
        handle = self._open(os.O_RDWR | (0 if after else os.O_CREAT), after)
        with os.fdopen(handle, "r+b") as file:
            self._check(handle, after)
            file.seek(after * self.dimension * _ITEM)
            file.write(np.ascontiguousarray(rows, dtype="<f4").data)
            file.flush()
            if durable:
                sync(handle)
        if durable and not after:
            sync_folder(self.path.parent)

    def lacking(self, rows: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Return those of the rows, (slot, bytes) each, that differ from the file."""
        handle = self._open(os.O_RDONLY, 0)
        with os.fdopen(handle, "rb") as file:
            self._check(handle, 0)
            lacking = []
            for slot, row in rows:
                file.seek(slot * self.dimension * _ITEM)
                if file.read(len(row)) != row:
                    lacking.append((slot, row))
        return lacking

    def rewrite(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Rewrite the bytes of some rows, and wait until they are on the disk."""
        handle = self._open(os.O_RDWR, 0)
        with os.fdopen(handle, "r+b") as file:
            self._check(handle, 0)
            for slot, row in rows:
                file.seek(slot * self.dimension * _ITEM)
                file.write(row)
            file.flush()
            sync(handle)

    def rows(self, count: int) -> Vectors:
        """Map the first `count` rows: (count, dimension), float32, read-only.

        Up to 1 MB are read instead, so that results of many small collections hold no open files.

        Raises:
            InternalError: The file is shorter than its records require.
            MissingVectorsError: The file is missing.
        """
        if count == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        known = self._map  # another thread may let go of it
        if known is not None:
            size = self._size() if known[1] is None else known[1].size()
            if size is not None and size < known[0].nbytes:
                raise self._damaged(len(known[0]), size)  # reading a map would crash the process
        if known is None or len(known[0]) < count:
            handle = self._open(os.O_RDONLY, count)
            try:
                self._check(handle, count)
                size = count * self.dimension * _ITEM
                memory = None
                if size > _READ:
                    memory = mmap.mmap(handle, size, access=mmap.ACCESS_READ)
                content = memory or _read(handle, size)
            finally:
                os.close(handle)
            mapped = np.frombuffer(content, dtype="<f4").reshape(count, self.dimension)
            known = self._map = mapped, memory
        open_files.use(self)
        return known[0][:count]

    def let_go(self) -> None:
        """Unmap the file once no array uses it; it is mapped again when needed."""
        self._map = None

    def release(self) -> None:
        """Release the pages that were read, after a pass over all of them.

        They stay in the system's cache and are loaded again when they are accessed.
        """
        known = self._map
        memory = None if known is None else known[1]
        if memory is not None and hasattr(mmap, "MADV_DONTNEED"):
            memory.madvise(mmap.MADV_DONTNEED)

    def copy_to(self, path: Path, count: int, *, durable: bool) -> None:
        """Copy the first `count` rows into a new file, replacing any file with its name.

        Args:
            path: The new file.
            count: The number of rows.
            durable: Whether to wait until they are on the disk.
        """
        source = self._open(os.O_RDONLY, count)
        try:
            self._check(source, count)
            path.unlink(missing_ok=True)
            target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)
            try:
                _copy(source, target, count * self.dimension * _ITEM)
                if durable:
                    sync(target)
            finally:
                os.close(target)
        finally:
            os.close(source)
        if durable:
            sync_folder(path.parent)

    def _size(self) -> int | None:
        """The size of the file; None if it is gone, as after a compaction."""
        try:
            return os.stat(self.path, follow_symlinks=False).st_size
        except OSError:
            return None

    def _open(self, flags: int, count: int) -> int:
        try:
            return os.open(self.path, flags | _NO_LINK, 0o666)
        except FileNotFoundError as error:
            raise MissingVectorsError(
                f"The vector file '{self.path}' is missing, and with it {count:,} rows. "
                "Restore the folder from a copy."
            ) from error

    def _check(self, handle: int, count: int) -> None:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise InternalError(
                f"'{self.path}' is not a vector file: it is a link or not a regular file."
            )
        if found.st_size < count * self.dimension * _ITEM:
            raise self._damaged(count, found.st_size)

    def _damaged(self, count: int, size: int) -> InternalError:
        return InternalError(
            f"The vector file '{self.path}' is damaged: it should have {count:,} rows and has "
            f"{size // (self.dimension * _ITEM):,}. Restore the folder from a copy."
        )


def append(
    connection: sqlite3.Connection, file: VectorFile, rows: Vectors, *, after: int, durable: bool
) -> None:
    """Write rows after the first `after` ones of a file, so that the commit makes them durable.

    Args:
        connection: A connection in a write transaction.
        file: The vector file.
        rows: (n, dimension), float32.
        after: The number of committed rows.
        durable: Whether the rows must survive a power cut.
    """
    name = file.path.name
    first = connection.execute(
        "SELECT min(slot) FROM pending_vectors WHERE file = ?", (name,)
    ).fetchone()[0]
    small = rows.nbytes <= _SMALL and after - (after if first is None else first) < _MOST
    if durable and after and small:  # a new file is waited for, or its name could be lost
        file.append(rows, after=after, durable=False)
        connection.executemany(
            "INSERT OR REPLACE INTO pending_vectors (file, slot, vector) VALUES (?, ?, ?)",
            (
                (name, after + at, row.tobytes())
                for at, row in enumerate(np.ascontiguousarray(rows, dtype="<f4"))
            ),
        )
        return
    file.append(rows, after=after, durable=durable)
    if first is not None:
        connection.execute("DELETE FROM pending_vectors WHERE file = ?", (name,))


def forget_pending(connection: sqlite3.Connection) -> None:
    """Delete the pending rows of files that no collection refers to anymore."""
    used = catalog.file_names(connection)
    for (name,) in connection.execute("SELECT DISTINCT file FROM pending_vectors").fetchall():
        if name not in used:
            connection.execute("DELETE FROM pending_vectors WHERE file = ?", (name,))


def restore(store: Store) -> None:
    """Write the pending rows that a power cut kept from reaching the files."""
    with store.read() as connection:
        if not any(_lost(connection, store.vectors)):
            return
    if store.is_read_only:
        raise InternalError(
            f"The vector files in '{store.path}' lack rows that a power failure kept from reaching them, "
            "and the folder is not writable. Open the store once where it is, or copy the folder."
        )
    with store.write() as connection:
        for file, rows in _lost(connection, store.vectors):
            file.rewrite(rows)


def _read(handle: int, size: int) -> bytes:
    """Read the first bytes of a file; raises InternalError if it became shorter meanwhile."""
    with os.fdopen(os.dup(handle), "rb") as file:
        content = file.read(size)
    if len(content) < size:
        raise InternalError("A vector file became shorter while it was being read. Try again.")
    return content


def _copy(source: int, target: int, size: int) -> None:
    """Copy bytes between handles, in the kernel if possible, which may share the blocks."""
    in_kernel = getattr(os, "copy_file_range", None)
    while size and in_kernel is not None:
        try:
            copied = in_kernel(source, target, size)
        except OSError:  # unsupported here, or a full disk, which the write below reports
            copied = 0
        size -= copied
        in_kernel = in_kernel if copied else None
    while size:
        block = memoryview(os.read(source, min(size, _BLOCK)))
        if not block:
            raise InternalError(
                "A vector file became shorter while it was being copied. Try again."
            )
        size -= len(block)
        while block:
            block = block[os.write(target, block) :]


def _lost(
    connection: sqlite3.Connection, folder: Path
) -> Iterator[tuple[VectorFile, list[tuple[int, bytes]]]]:
    """Iterate over the files that lack rows of the table: (slot, bytes) each.

    Rows that contradict the catalog, and files that are not vector files, are ignored: an untrusted
    store may contain anything, and `check()` must be able to report it.
    """
    for name, (dimension, committed) in _files(connection).items():
        rows = connection.execute(
            "SELECT slot, vector FROM pending_vectors WHERE file = ? ORDER BY slot", (name,)
        ).fetchall()
        sound = [
            (slot, vector)
            for slot, vector in rows
            if type(slot) is int
            and 0 <= slot < committed
            and type(vector) is bytes
            and len(vector) == dimension * 4
        ]
        file = VectorFile(folder / name, dimension)
        with suppress(InternalError, OSError):
            if lost := file.lacking(sound):
                yield file, lost


def _files(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """The files with rows in the table: dimension and committed rows, the most of any fork."""
    found = connection.execute("SELECT DISTINCT file FROM pending_vectors").fetchall()
    waiting = {name for (name,) in found}
    files: dict[str, tuple[int, int]] = {}
    for row in catalog.rows(connection) if waiting else ():
        with suppress(InternalError):
            entry = catalog.read_row(row)
            if entry.file_name in waiting and entry.model.dimension:
                _, most = files.get(entry.file_name, (0, 0))
                files[entry.file_name] = entry.model.dimension, max(most, entry.slots)
    return files
