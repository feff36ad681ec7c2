"""The vector file of a collection: float32 rows, appended, memory-mapped to read.

A row counts only if a committed record names its slot. Rows behind the committed ones, left by a
crash or a rollback, are overwritten by the next append.
"""

from __future__ import annotations

import mmap
import os
import stat
from pathlib import Path

import numpy as np

from chromalab.engine.folder import sync_folder
from chromalab.engine.interface import Vectors
from chromalab.errors import InternalError

__all__ = ["MissingVectorsError", "VectorFile"]

_ITEM = 4  # bytes of a float32, little-endian on disk
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

    def rows(self, count: int) -> Vectors:
        """Map the first `count` rows: (count, dimension), float32, read-only.

        Raises:
            InternalError: the file is shorter than its records say.
            MissingVectorsError: it is gone.
        """
        if count == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        mapped = self._mapped
        if len(mapped) < count:
            handle = self._open(os.O_RDONLY, count)
            try:
                self._check(handle, count)
                size = count * self.dimension * _ITEM
                memory = mmap.mmap(handle, size, access=mmap.ACCESS_READ)
            finally:
                os.close(handle)
            mapped = np.frombuffer(memory, dtype="<f4").reshape(count, self.dimension)
            self._mapped = mapped
        return mapped[:count]

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
            raise InternalError(
                f"The vector file '{self.path}' is damaged: {count:,} rows are recorded and "
                f"{found.st_size // (self.dimension * _ITEM):,} are there. "
                "Restore the folder from a copy."
            )
