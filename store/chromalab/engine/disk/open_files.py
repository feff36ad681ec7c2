"""Limits the files that memory maps keep open: those not used for longest are let go.

Each memory map holds a file descriptor, and a process may have few: 256 by default on macOS, 1,024 on
Linux. A map that is let go is made again when its collection is used next, which takes microseconds. The
arrays of snapshots and of running queries keep the map that they were made of.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from typing import Protocol

from chromalab.engine.disk import process_forks

__all__ = ["OpenFiles", "open_files"]

_SHARE = 8  # of the descriptors that the process may have; a holder needs one or two of them
_FEWEST, _MOST = 4, 512


class _Holder(Protocol):
    def let_go(self) -> None:
        """Close the files; they are opened again when needed."""


class OpenFiles:
    """What holds open files in this process, the most recently used last."""

    def __init__(self) -> None:
        self._used: OrderedDict[weakref.ref[_Holder], None] = OrderedDict()
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Create a new lock; after a fork, a thread missing in the child may hold the old one."""
        self._lock = threading.RLock()  # a holder may be garbage-collected while this thread has it

    def use(self, holder: _Holder) -> None:
        """Note that a holder opened its files, or uses them; close those used least recently."""
        most = _limit()
        with self._lock:
            own = weakref.ref(holder, self._drop)
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


def _limit() -> int:
    """How many holders may have open files, by the limit that the process has now."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows, which has no such limit
        return _MOST
    soft, _ = getrlimit(RLIMIT_NOFILE)
    return _MOST if soft == RLIM_INFINITY else min(_MOST, max(_FEWEST, soft // _SHARE))


open_files = OpenFiles()
