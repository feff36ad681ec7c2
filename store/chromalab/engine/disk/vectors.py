"""The vector file of a collection: float32 rows, appended, memory-mapped to read.

A row counts only if a committed record names its slot. Rows behind the committed ones, left by a
crash or a rollback, are overwritten by the next append.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from chromalab.engine.disk.folder import sync_folder
from chromalab.engine.interface import Vectors
from chromalab.errors import InternalError

__all__ = ["MissingVectorsError", "VectorFile"]

_ITEM = 4  # bytes of a float32, little-endian on disk
_BLOCK = 2**20
_sync = getattr(os, "fdatasync", os.fsync)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class MissingVectorsError(InternalError):
    """The vector file of a collection is gone: damage, or a delete by another process."""


class VectorFile:
    """The rows of one generation of a collection.

    Args:
        path: The file; it is made by the first append.
        dimension: Numbers a row.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self.path = path
        self.dimension = dimension
        self._mapped = np.empty((0, dimension), dtype="<f4")
        self._memory: mmap.mmap | None = None

    def append(self, rows: Vectors, *, after: int, durable: bool) -> None:
        """Write rows behind the first `after` ones. Call it inside a write transaction.

        Args:
            rows: (n, dimension), float32.
            after: How many rows are committed.
            durable: Whether to wait until the disk has them.
        """
        handle = self._open(os.O_RDWR | (0 if after else os.O_CREAT), after)
        with os.fdopen(handle, "r+b") as file:
            self._check(handle, after)
            file.seek(after * self.dimension * _ITEM)
            file.write(np.ascontiguousarray(rows, dtype="<f4").data)
            file.flush()
            if durable:
                _sync(handle)
        if durable and not after:
            sync_folder(self.path.parent)

    def lacking(self, rows: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Of some rows, (slot, bytes) each, those that the file does not hold like that."""
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
        """Write the bytes of some rows again, and wait until the disk has them."""
        handle = self._open(os.O_RDWR, 0)
        with os.fdopen(handle, "r+b") as file:
            self._check(handle, 0)
            for slot, row in rows:
                file.seek(slot * self.dimension * _ITEM)
                file.write(row)
            file.flush()
            _sync(handle)

    def rows(self, count: int) -> Vectors:
        """Map the first `count` rows: (count, dimension), float32, read-only.

        Raises:
            InternalError: the file is shorter than its records say.
            MissingVectorsError: it is gone.
        """
        if count == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        mapped = self._mapped
        if self._memory is not None and self._memory.size() < mapped.nbytes:
            raise self._damaged(len(mapped), self._memory.size())  # reading would end the process
        if len(mapped) < count:
            handle = self._open(os.O_RDONLY, count)
            try:
                self._check(handle, count)
                size = count * self.dimension * _ITEM
                memory = mmap.mmap(handle, size, access=mmap.ACCESS_READ)
            finally:
                os.close(handle)
            mapped = np.frombuffer(memory, dtype="<f4").reshape(count, self.dimension)
            self._mapped, self._memory = mapped, memory
        return mapped[:count]

    def release(self) -> None:
        """Let go of the pages that were read, after a pass over all of them.

        They stay in the system's cache, and come back when they are touched.
        """
        if self._memory is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._memory.madvise(mmap.MADV_DONTNEED)

    def copy_to(self, path: Path, count: int, *, durable: bool) -> None:
        """Copy the first `count` rows into a new file; one that is there under its name goes.

        Args:
            path: The new file.
            count: How many rows.
            durable: Whether to wait until the disk has them.
        """
        source = self._open(os.O_RDONLY, count)
        try:
            self._check(source, count)
            path.unlink(missing_ok=True)
            target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)
            try:
                _copy(source, target, count * self.dimension * _ITEM)
                if durable:
                    _sync(target)
            finally:
                os.close(target)
        finally:
            os.close(source)
        if durable:
            sync_folder(path.parent)

    def _open(self, flags: int, count: int) -> int:
        try:
            return os.open(self.path, flags | _NO_LINK, 0o666)
        except FileNotFoundError as error:
            raise MissingVectorsError(
                f"The vector file '{self.path}' is gone, and with it {count:,} rows. "
                "Restore the folder from a copy."
            ) from error

    def _check(self, handle: int, count: int) -> None:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise InternalError(f"'{self.path}' is no vector file: it is a link, or no plain file.")
        if found.st_size < count * self.dimension * _ITEM:
            raise self._damaged(count, found.st_size)

    def _damaged(self, count: int, size: int) -> InternalError:
        return InternalError(
            f"The vector file '{self.path}' is damaged: {count:,} rows are recorded and "
            f"{size // (self.dimension * _ITEM):,} are there. Restore the folder from a copy."
        )


def _copy(source: int, target: int, size: int) -> None:
    """Copy bytes between handles; inside the kernel, which may share the blocks, where it can."""
    in_kernel = getattr(os, "copy_file_range", None)
    while size and in_kernel is not None:
        try:
            copied = in_kernel(source, target, size)
        except OSError:  # not on this file system; a full disk is told by the write below
            copied = 0
        size -= copied
        in_kernel = in_kernel if copied else None
    while size:
        block = memoryview(os.read(source, min(size, _BLOCK)))
        if not block:
            raise InternalError("A vector file became shorter while it was copied. Try again.")
        size -= len(block)
        while block:
            block = block[os.write(target, block) :]
