"""The thread that makes indexes in the background.

One thread a store, started when there is something to do. A collection is taken up when nothing has
been written to it for a moment, so that a load of many batches is indexed once, and not while it
runs. It never holds a transaction while it builds, and stops between a few rows when it is told to.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from chromalab.engine.disk import process_forks

__all__ = ["Builder"]

_QUIET_SECONDS = 0.5  # without a write before work begins
_PATIENCE_SECONDS = 5.0  # after which it begins all the same
_IDLE_SECONDS = 10.0  # after which the thread ends

Work = Callable[[UUID, Callable[[], bool]], None]


class Builder:
    """Works on the indexes of one store.

    Args:
        work: Brings the index of a collection up to date; asks its second argument whether to stop.
    """

    def __init__(self, work: Work) -> None:
        self._work: Callable[[], Work | None] = weakref.WeakMethod(work)
        self._stopped = False
        self.renew()
        process_forks.renew_in_child(self)
        _builders.add(self)

    def renew(self) -> None:
        """Start afresh: a child of a fork has neither the thread nor its locks."""
        self._changed = threading.Condition()
        self._waiting: dict[UUID, tuple[float, float]] = {}
        self._thread: threading.Thread | None = None

    def ask(self, id: UUID, *, quiet: bool) -> None:
        """Have the index of a collection brought up to date: soon, or at once if it is `quiet`."""
        now = time.monotonic()
        with self._changed:
            _, latest = self._waiting.get(id, (0.0, now + _PATIENCE_SECONDS))
            self._waiting[id] = now if quiet else min(now + _QUIET_SECONDS, latest), latest
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(
                    target=self._run, name="chromalab-index", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop for good, and wait until the thread has ended."""
        with self._changed:
            self._stopped = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while (id := self._next()) is not None:
            work = self._work()
            if work is None:  # the engine is gone
                break
            # Closed, deleted, damaged, out of memory: queries scan, and `CollectionIndex.state` says why.
            with suppress(Exception):
                work(id, lambda: self._stopped)
            del work
        with self._changed:
            if self._thread is threading.current_thread():
                self._thread = None

    def _next(self) -> UUID | None:
        """Wait for a collection whose time has come; None when the thread is to end."""
        with self._changed:
            end = time.monotonic() + _IDLE_SECONDS
            while not self._stopped:
                now = time.monotonic()
                for id, (due, _) in self._waiting.items():
                    if due <= now:
                        del self._waiting[id]
                        return id
                times = [due for due, _ in self._waiting.values()]
                if not times and now >= end:
                    break
                self._changed.wait((min(times) if times else end) - now)
            self._thread = None  # under the lock, so that whoever asks next starts another
            return None


_builders: weakref.WeakSet[Builder] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """A thread inside hnswlib when Python ends would take the process down with it."""
    for builder in list(_builders):
        builder.stop()
