"""Closes SQLite connections before a fork of the process, as none may be open across one.

SQLite keeps the locks and the WAL index of a file once per process, and a child inherits them: it
would act as if it held locks that only its parent has, and lose what it commits
(https://www.sqlite.org/howtocorrupt.html, section 2.6). So before a fork, every store waits for the
transactions of other threads and closes its connections, which are opened again when needed.
`subprocess` does not run these hooks and does not need to.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

__all__ = ["Running", "renew_in_child", "steady", "watch"]


class Running:
    """Counts the running transactions per thread; used as a context manager, it counts one."""

    def __init__(self) -> None:
        self._threads: dict[int, int] = {}
        self._lock = threading.RLock()  # a finalizer may run at any point and use the store
        self._changed = threading.Condition(self._lock)
        self._stopped = False

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._lock:
            while self._stopped and me not in self._threads:
                self._changed.wait()
            self._threads[me] = self._threads.get(me, 0) + 1

    def __exit__(self, *_: object) -> None:
        me = threading.get_ident()
        with self._lock:
            self._threads[me] -= 1
            if not self._threads[me]:
                del self._threads[me]
                if self._stopped:
                    self._changed.notify_all()

    def depth(self) -> int:
        """The number of transactions of this thread; nonzero means a call from within another."""
        return self._threads.get(threading.get_ident(), 0)

    def stop(self) -> None:
        """Keep other threads from beginning, and wait until those that are running have ended."""
        me = threading.get_ident()
        with self._changed:
            self._stopped = True
            self._changed.wait_for(lambda: not self._threads.keys() - {me})

    def resume(self) -> None:
        """Allow other threads to begin again."""
        with self._changed:
            self._stopped = False
            self._changed.notify_all()


class _Store(Protocol):
    running: Running

    def disconnect(self) -> None: ...
    def renew(self) -> None: ...


_stores: weakref.WeakSet[_Store] = weakref.WeakSet()


def watch(store: _Store) -> None:
    """Register a store for the hooks that run at every fork."""
    _stores.add(store)


class _Renewed(Protocol):
    def renew(self) -> None: ...


_renewed: weakref.WeakSet[_Renewed] = weakref.WeakSet()


def renew_in_child(thing: _Renewed) -> None:
    """Register an object that recreates its locks in every child, where a copy may stay locked."""
    _renewed.add(thing)


class Steady:
    """Work of a thread that a fork must wait for, although it holds no transaction.

    A library with its own threads, such as OpenBLAS, may wait forever for one that was computing a
    matrix product when the process forked.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start over in a child."""
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


steady = Steady()
"""Held by background work during each matrix product, for a few milliseconds."""


def _before() -> None:
    steady.lock.acquire()
    for store in list(_stores):
        store.running.stop()
        store.disconnect()


def _in_parent() -> None:
    steady.lock.release()
    for store in list(_stores):
        store.running.resume()


def _in_child() -> None:
    steady.renew()
    for thing in [*_stores, *_renewed]:
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
