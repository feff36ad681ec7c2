"""Group commit: batches that wait for each other are committed together, in the order of their calls.

Waiting for the disk is most of the cost of a small write. So a writer queues its batch, and the first in the
queue leads: it writes the batches that are waiting by then, commits them all, and wakes their writers. A
batch that fails is rolled back to its savepoint, without the others. A batch that nothing else waits with
is written in a transaction of its own.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.connection import Connection
from chromalab.engine.disk.store import Store
from chromalab.errors import ChromalabError, InternalError

__all__ = ["GroupCommit"]

T = TypeVar("T")

_MOST_RECORDS = 1000  # in a group, so that a small batch does not wait for many large ones
_STEP_SECONDS = (
    1.0  # after which a writer looks whether another leads: the first may be interrupted
)


class GroupCommit:
    """The queue of the batches that the threads of this process write to a store.

    Args:
        store: The store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Start over, as a child of a fork has none of the other threads."""
        self._queue: list[_Queued] = []
        self._leading = threading.Lock()

    def write(self, work: Callable[[Connection], T], records: int) -> T:
        """Write a batch, and return once it is committed.

        Args:
            work: Writes it inside a transaction, perhaps in the thread of another writer.
            records: The number of its records.

        Returns:
            What `work` returned.
        """
        self._store.check_writable()
        own = _Queued(work, records)
        self._queue.append(own)
        try:
            while not own.is_done:
                is_first = self._queue[:1] == [own]
                if is_first or not (own.woken.wait(_STEP_SECONDS) or self._leading.locked()):
                    self._lead(own)
            return cast(T, own.outcome())
        finally:
            if not own.is_done:  # interrupted
                self._leave(own)
                self._wake_first()
            del own  # its error refers to this frame

    def _lead(self, own: _Queued) -> None:
        """Write the batches at the head of the queue, or only this thread's own."""
        with self._leading:
            if own.is_done:
                return
            group = [own]
            try:
                with self._store.write() as connection:
                    group = self._group(own)
                    for queued in group:
                        queued.write(connection, only=len(group) == 1)
            except Exception as error:
                if len(group) > 1:  # each is written again by its own thread, which gets its error
                    for queued in group:
                        queued.is_single = True
                    return
                group[0].error = error
            for queued in group:
                self._leave(queued)
                queued.is_done = True
                queued.woken.set()
        self._wake_first()

    def _group(self, own: _Queued) -> list[_Queued]:
        """Choose the batches for the transaction that this thread has begun.

        Ctrl-C interrupts the main thread anywhere, so that one writes nothing for others.
        """
        is_main = threading.current_thread() is threading.main_thread()
        if is_main or own.is_single or not self._store.is_as_demanded:
            return [own]
        waiting = [queued for queued in list(self._queue) if not queued.is_single]
        totals = itertools.accumulate(queued.records for queued in waiting)
        fitting = sum(total <= _MOST_RECORDS for total in totals)
        return waiting[: max(fitting, 1)]

    def _leave(self, queued: _Queued) -> None:
        with suppress(ValueError):  # its thread was interrupted while another was writing it
            self._queue.remove(queued)

    def _wake_first(self) -> None:
        for first in self._queue[:1]:
            first.woken.set()


class _Queued:
    """A batch in the queue.

    Args:
        work: Writes it inside a transaction.
        records: The number of its records.

    Attributes:
        error: Why it failed.
        is_done: Whether it was committed or has failed.
        is_single: Whether it needs a transaction of its own, as one that it shared has failed.
        woken: Set when it is done, or first in the queue.
    """

    def __init__(self, work: Callable[[Connection], Any], records: int) -> None:
        self.records = records
        self.error: Exception | None = None
        self.is_done = False
        self.is_single = False
        self.woken = threading.Event()
        self._work = work
        self._result: Any = None

    def write(self, connection: Connection, *, only: bool) -> None:
        """Write the batch; if it is not the only one of the transaction, it fails alone."""
        self.error = None
        if only:
            self._result = self._work(connection)
            return
        connection.execute("SAVEPOINT batch")
        try:
            self._result = self._work(connection)
        except InternalError:  # it may concern the whole store
            raise
        except ChromalabError as error:
            self.error = error
            connection.execute("ROLLBACK TO batch")
        connection.execute("RELEASE batch")

    def outcome(self) -> Any:
        """Return the result; raises the error of a batch that failed."""
        if self.error is not None:
            raise self.error
        return self._result
