"""The first bytes of a database that SQLite may have open in this process.

SQLite's locks on POSIX systems belong to the process, and closing any handle of the file releases them all.
Another process would then take itself for the last one and remove the write-ahead log that is in use
here. So a handle that was opened to read the header stays open for as long as a store uses the file.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

__all__ = ["begin_use", "end_use", "first_bytes"]

Identity = tuple[int, int]

_lock = threading.Lock()
_handles: dict[Identity, int] = {}
_users: Counter[Identity] = Counter()


def first_bytes(file: Path, count: int) -> bytes:
    """Read the first bytes of a database; raises OSError if it cannot be read."""
    if os.name == "nt":  # the locks belong to the handle, and an open file could not be deleted
        with file.open("rb") as opened:
            return opened.read(count)
    with _lock:
        found = file.stat()
        identity = (found.st_dev, found.st_ino)
        if identity not in _handles:
            _handles[identity] = os.open(file, os.O_RDONLY)
        return os.pread(_handles[identity], count, 0)


def begin_use(identity: Identity | None) -> None:
    """Note that a store uses a file, named by its device and inode."""
    if identity is not None:
        with _lock:
            _users[identity] += 1


def end_use(identity: Identity | None) -> None:
    """Close the handle of a file that no store uses any more, once SQLite has closed its own."""
    if identity is None:
        return
    with _lock:
        _users[identity] -= 1
        if _users[identity] <= 0:
            del _users[identity]
            handle = _handles.pop(identity, None)
            if handle is not None:
                os.close(handle)
