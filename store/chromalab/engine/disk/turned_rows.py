"""The rows of a vector file as a lens shows them: derived, in a file without a name.

A slot's row never changes, so rows that were turned once stay right, and only new ones are turned. The
file is this process's alone and gone with it: there is nothing to trust, and nothing to clean up.
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
from chromalab.engine.interface import Vectors
from chromalab.engine.lens import Lens

__all__ = ["TurnedRows"]

_BLOCK_BYTES = 2**23  # of rows turned at a time


class TurnedRows:
    """The rows of one vector file, each turned by a lens.

    Args:
        folder: Where the file is made, on a disk with room for it; made if it is not there.
        lens: What turns them.
    """

    def __init__(self, folder: Path, lens: Lens) -> None:
        self._folder = folder
        self._lens = lens
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Start afresh: a child of a fork would write to its parent's file."""
        self._turning = threading.Lock()
        self._file: IO[bytes] | None = None
        self._mapped: Vectors | None = None
        self._memory: mmap.mmap | None = None

    def of(self, stored: Vectors) -> Vectors:
        """Turn the rows that are new, and map all: (n, dimension) float32, read-only.

        Args:
            stored: (n, dimension) float32, the first rows of the vector file.

        Raises:
            OSError: there is no room for them.
        """
        mapped = self._mapped
        if mapped is None or len(mapped) < len(stored):
            if not len(stored):
                return stored
            with self._turning:
                mapped = self._extended(stored)
        return mapped[: len(stored)]

    def release(self) -> None:
        """Let go of the pages that were read; they come back when they are touched."""
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
        # What an interrupted call has written behind the mapped rows is written again.
        self._file.seek(start * width * 4)
        step = max(1, _BLOCK_BYTES // (4 * width))
        for first in range(start, len(stored), step):
            made = self._lens.rows(stored[first : first + step])
            self._file.write(np.ascontiguousarray(made, dtype="<f4").data)
        self._file.flush()
        memory = mmap.mmap(self._file.fileno(), stored.nbytes, access=mmap.ACCESS_READ)
        mapped = np.frombuffer(memory, dtype="<f4").reshape(stored.shape)
        self._memory, self._mapped = memory, mapped
        return mapped
