"""The rows of a vector file mapped by a record transform: derived data, in an unnamed file.

The row of a slot never changes, so each row is mapped once. The file belongs to this process alone
and disappears with it, so there is nothing to trust and nothing to clean up.
"""

from __future__ import annotations

import mmap
import threading
import weakref
from pathlib import Path
from typing import IO

import numpy as np

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.scratch import unnamed_file
from chromalab.engine.disk.vectors import open_files
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.values import Vectors

__all__ = ["MappedRows"]

_BLOCK_BYTES = 2**23  # the size of the rows mapped at a time


class MappedRows:
    """The rows of one vector file, each mapped by a record transform.

    Args:
        folder: Where the file is created, on a disk with space for it; created if needed.
        record_transform: What maps the rows.
    """

    def __init__(self, folder: Path, record_transform: RecordTransform) -> None:
        self._folder = folder
        self._record_transform = record_transform
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Start over, as a child of a fork would write to its parent's file."""
        self._mapping = threading.Lock()
        self._file: IO[bytes] | None = None
        self._map: tuple[Vectors, mmap.mmap] | None = None

    def of(self, stored: Vectors) -> Vectors:
        """Transform the new rows, then memory-map all of them: (n, dimension) float32, read-only.

        Args:
            stored: (n, dimension) float32, the first rows of the vector file.

        Raises:
            OSError: The disk has no space for them.
        """
        known = self._map
        mapped = None if known is None else known[0]
        if mapped is None or len(mapped) < len(stored):
            if not len(stored):
                return stored
            with self._mapping:
                mapped = self._extended(stored)
        open_files.use(self)
        return mapped[: len(stored)]

    def let_go(self) -> None:
        """Close the file once no array uses it; the rows are mapped again when needed."""
        if self._mapping.acquire(blocking=False):  # otherwise it is in use at this moment
            try:
                file, self._file, self._map = self._file, None, None
                if file is not None:
                    file.close()
            finally:
                self._mapping.release()

    def release(self) -> None:
        """Release the pages that were read; they are loaded again when they are accessed."""
        known = self._map
        if known is not None and hasattr(mmap, "MADV_DONTNEED"):
            known[1].madvise(mmap.MADV_DONTNEED)

    def _extended(self, stored: Vectors) -> Vectors:
        known = None if self._map is None else self._map[0]
        if known is not None and len(known) >= len(stored):
            return known  # another thread was quicker
        start, width = 0 if known is None else len(known), stored.shape[1]
        if self._file is None:
            self._file = unnamed_file(self._folder)
            weakref.finalize(self, self._file.close)  # does nothing if it is closed already
        # Rows that an interrupted call wrote after the mapped ones are overwritten.
        self._file.seek(start * width * 4)
        step = max(1, _BLOCK_BYTES // (4 * width))
        for first in range(start, len(stored), step):
            made = self._record_transform.rows(stored[first : first + step])
            self._file.write(np.ascontiguousarray(made, dtype="<f4").data)
        self._file.flush()
        memory = mmap.mmap(self._file.fileno(), stored.nbytes, access=mmap.ACCESS_READ)
        mapped = np.frombuffer(memory, dtype="<f4").reshape(stored.shape)
        self._map = mapped, memory
        return mapped
