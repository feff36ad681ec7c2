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
from typing import NamedTuple
from uuid import UUID

from chromalab.engine.disk import process_forks
from chromalab.engine.index.graph import Stopped
from chromalab.engine.lens import Lens
from chromalab.engine.plan import Preparation
from chromalab.errors import ClientClosedError

__all__ = ["Builder", "Due"]

_QUIET_SECONDS = 0.5  # without a write before work begins
_PATIENCE_SECONDS = 5.0  # after which it begins all the same
_IDLE_SECONDS = 10.0  # after which the thread ends
_STOPPED = "The client was closed before it was done."


class Due(NamedTuple):
    """An index to bring up to date: of a collection, or of it as it is seen through a lens."""

    id: UUID
    lens: Lens | None = None


Work = Callable[[Due, Callable[[], bool], Preparation], None]


class Builder:
    """Works on the indexes of one store.

    Args:
        work: Brings an index up to date; asks its second argument whether to stop, and tells the
            third how far it is.
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
        self._waiting: dict[Due, tuple[float, float]] = {}
        self._told: dict[Due, Preparation] = {}
        self._thread: threading.Thread | None = None

    def ask(self, due: Due, *, quiet: bool, told: Preparation | None = None) -> None:
        """Have an index brought up to date: soon, or at once if it is `quiet`.

        Args:
            due: Which one.
            quiet: Whether nothing is being written.
            told: Who wants to know; whoever did before is not told any more.
        """
        now = time.monotonic()
        with self._changed:
            if told is not None:
                self._told[due] = told
            _, latest = self._waiting.get(due, (0.0, now + _PATIENCE_SECONDS))
            self._waiting[due] = now if quiet else min(now + _QUIET_SECONDS, latest), latest
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
        for told in self._told.values():
            told.done(ClientClosedError(_STOPPED))
        self._told = {}

    def _run(self) -> None:
        while (due := self._next()) is not None:
            work = self._work()
            if work is None:  # the engine is gone
                break
            # Closed, deleted, damaged, out of memory: queries scan, and `CollectionIndex.state` says why.
            with suppress(Exception):
                self._do(due, work)
            del work
        with self._changed:
            if self._thread is threading.current_thread():
                self._thread = None

    def _do(self, due: Due, work: Work) -> None:
        told = self._told.pop(due, _NOBODY)
        if not told.wanted():
            return
        try:
            work(due, lambda: self._stopped or not told.wanted(), told)
        except Stopped:
            told.done(ClientClosedError(_STOPPED))
        except Exception as error:
            told.done(error)
            raise
        else:
            told.done(None)

    def _next(self) -> Due | None:
        """Wait for an index whose time has come; None when the thread is to end."""
        with self._changed:
            end = time.monotonic() + _IDLE_SECONDS
            while not self._stopped:
                now = time.monotonic()
                for due, (at, _) in self._waiting.items():
                    if at <= now:
                        del self._waiting[due]
                        return due
                times = [at for at, _ in self._waiting.values()]
                if not times and now >= end:
                    break
                self._changed.wait((min(times) if times else end) - now)
            self._thread = None  # under the lock, so that whoever asks next starts another
            return None


_NOBODY = Preparation()
_builders: weakref.WeakSet[Builder] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """A thread inside hnswlib when Python ends would take the process down with it."""
    for builder in list(_builders):
        builder.stop()
