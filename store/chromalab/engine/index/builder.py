"""The thread that builds indexes in the background.

There is one thread per store, started when there is work. A collection is indexed once nothing has
been written to it for a short while, so that a load of many batches is indexed once, after it has
finished. The thread never holds a transaction while it builds, and on request it stops within a few
rows.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from chromalab.engine.disk import process_forks
from chromalab.engine.index.hnsw import Stopped
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.values import Preparation
from chromalab.errors import ClientClosedError

__all__ = ["Builder", "IndexJob"]

_QUIET_SECONDS = 0.5  # without a write, after which work begins
_PATIENCE_SECONDS = 5.0  # after which it begins in any case
_IDLE_SECONDS = 10.0  # after which the thread ends
_NICER = 5  # at most 19; a core that two threads want goes to this one for a quarter of the time
_STOPPED = "The client was closed before it was done."


class IndexJob(NamedTuple):
    """An index to bring up to date: of a collection as stored, or as mapped by a transform."""

    id: UUID
    record_transform: RecordTransform | None = None


Work = Callable[[IndexJob, Callable[[], bool], Preparation], None]


class Builder:
    """Works on the indexes of one store.

    Args:
        work: Brings an index up to date. It receives the job, a function that returns whether to
            stop, and the callbacks of the caller that is waiting.
    """

    def __init__(self, work: Work) -> None:
        self._work: Callable[[], Work | None] = weakref.WeakMethod(work)
        self._stopped = False
        self.renew()
        process_forks.renew_in_child(self)
        _builders.add(self)

    def renew(self) -> None:
        """Start over, as a child of a fork has neither the thread nor its locks."""
        self._changed = threading.Condition()
        self._waiting: dict[IndexJob, tuple[float, float]] = {}
        self._preparations: dict[IndexJob, Preparation] = {}
        self._thread: threading.Thread | None = None

    def request(
        self, job: IndexJob, *, quiet: bool, preparation: Preparation | None = None
    ) -> None:
        """Have an index brought up to date: soon, or immediately if `quiet`.

        Args:
            job: The index.
            quiet: Whether nothing is being written.
            preparation: The callbacks of the caller; they replace those of an earlier request.
        """
        now = time.monotonic()
        known = self._waiting.get(job)
        if preparation is None and known is not None and known[0] <= now:
            return  # it is due already; under load, all threads would wait for the lock here
        with self._changed:
            if preparation is not None:
                self._preparations[job] = preparation
            _, latest = self._waiting.get(job, (0.0, now + _PATIENCE_SECONDS))
            self._waiting[job] = now if quiet else min(now + _QUIET_SECONDS, latest), latest
            starts = self._thread is None and not self._stopped
            if starts:
                thread = threading.Thread(target=self._run, name="chromalab-index", daemon=True)
                self._thread = thread
            self._changed.notify_all()
        if starts:  # without the lock, because this waits for the thread to run
            thread.start()

    def stop(self) -> None:
        """Stop permanently, and wait until the thread has ended."""
        with self._changed:
            self._stopped = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join()
        for preparation in self._preparations.values():
            preparation.done(ClientClosedError(_STOPPED))
        self._preparations = {}

    def _run(self) -> None:
        _lower_priority()
        while (job := self._next()) is not None:
            work = self._work()
            if work is None:  # the engine was garbage-collected
                break
            # It may be closed, deleted, damaged or out of memory. Queries then scan, and
            # `CollectionIndex.state` gives the reason.
            with suppress(Exception):
                self._do(job, work)
            del work
        with self._changed:
            if self._thread is threading.current_thread():
                self._thread = None

    def _do(self, job: IndexJob, work: Work) -> None:
        preparation = self._preparations.pop(job, _NO_CALLBACKS)
        if not preparation.wanted():
            return
        try:
            work(job, lambda: self._stopped or not preparation.wanted(), preparation)
        except Stopped:
            preparation.done(ClientClosedError(_STOPPED))
        except Exception as error:
            preparation.done(error)
            raise
        else:
            preparation.done(None)

    def _next(self) -> IndexJob | None:
        """Wait for the next job that is due; None when the thread should end."""
        with self._changed:
            end = time.monotonic() + _IDLE_SECONDS
            while not self._stopped:
                now = time.monotonic()
                for job, (at, _) in self._waiting.items():
                    if at <= now:
                        del self._waiting[job]
                        return job
                times = [at for at, _ in self._waiting.values()]
                if not times and now >= end:
                    break
                self._changed.wait((min(times) if times else end) - now)
            self._thread = None  # under the lock, so that the next request starts another thread
            return None


def _lower_priority() -> None:
    """Have the system prefer other threads to this one and those that it starts.

    Linux has a priority per thread. It must not be much lower, as other threads wait while this one
    has Python's lock. Elsewhere, a build leaves half of the cores to others.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # in a sandbox; the work is then done at the usual priority
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + _NICER)


_NO_CALLBACKS = Preparation()
_builders: weakref.WeakSet[Builder] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Stop every thread, as one inside hnswlib when Python exits would crash the process."""
    for builder in list(_builders):
        builder.stop()
