"""The rows of a vector file mapped by a record transform: derived data, in an unnamed file.

The row of a slot never changes, so each row is mapped once. The file belongs to this process alone
and disappears with it, so there is nothing to trust and nothing to clean up.
"""

from __future__ import annotations

import mmap
import tempfile
import threading
import weakref
from pathlib import Path
from typing import IO

import numpy as np

from chromalab.engine.disk import process_forks
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
        self._mapped: Vectors | None = None
        self._memory: mmap.mmap | None = None

    def of(self, stored: Vectors) -> Vectors:
        """Transform the new rows, then memory-map all of them: (n, dimension) float32, read-only.

        Args:
            stored: (n, dimension) float32, the first rows of the vector file.

        Raises:
            OSError: The disk has no space for them.
        """
        mapped = self._mapped
        if mapped is None or len(mapped) < len(stored):
            if not len(stored):
                return stored
            with self._mapping:
                mapped = self._extended(stored)
        return mapped[: len(stored)]

    def release(self) -> None:
        """Release the pages that were read; they are loaded again when they are accessed."""
        if self._memory is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._memory.madvise(mmap.MADV_DONTNEED)

    def _extended(self, stored: Vectors) -> Vectors:
        known = self._mapped
        if known is not None and len(known) >= len(stored):
            return known  # another thread was quicker
        start, width = 0 if known is None else len(known), stored.shape[1]
        if self._file is None:
            self._folder.mkdir(exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed with this
            weakref.finalize(self, self._file.close)
        # Rows that an interrupted call wrote after the mapped ones are overwritten.
        self._file.seek(start * width * 4)
        step = max(1, _BLOCK_BYTES // (4 * width))
        for first in range(start, len(stored), step):
            made = self._record_transform.rows(stored[first : first + step])
            self._file.write(np.ascontiguousarray(made, dtype="<f4").data)
        self._file.flush()
        memory = mmap.mmap(self._file.fileno(), stored.nbytes, access=mmap.ACCESS_READ)
        mapped = np.frombuffer(memory, dtype="<f4").reshape(stored.shape)
        self._memory, self._mapped = memory, mapped
        return mapped
