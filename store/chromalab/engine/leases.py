"""One engine a folder in a process, however many clients open it.

A cell that makes its client again gets the memory maps and the index that are there. Each client
holds a lease; with the last one, closed or garbage-collected, the files close.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chromalab.engine.embedded import EmbeddedEngine
from chromalab.errors import ClientClosedError

__all__ = ["Lease", "lease", "lease_again"]


class Lease:
    """A hold on an engine that others may hold too; its calls are the engine's until it is closed.

    Attributes:
        engine: The engine itself.
    """

    def __init__(self, shared: _Shared, token: object) -> None:
        self._shared: _Shared | None = shared
        self._end = weakref.finalize(self, shared.leave, token)

    @property
    def engine(self) -> EmbeddedEngine:
        """The engine; ClientClosedError once this lease has ended, whoever else has one."""
        shared = self._shared
        if shared is None:
            raise ClientClosedError("This client was closed. Make a new one to go on.")
        return shared.engine

    def close(self) -> None:
        """End the lease; the last one closes the files. Idempotent."""
        self._shared = None
        self._end()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.engine, name)


def lease(path: Path, durability: str, make: Callable[[], EmbeddedEngine] | None = None) -> Lease:
    """Lease the engine of a folder; it is opened if nobody has it open.

    Args:
        path: The folder. One that was deleted and made again has a new engine.
        durability: "full", "normal" or "off". The strictest that was asked for holds for all.
        make: Opens the engine in another way.

    Raises:
        ChromalabError: see `Store`.
    """
    found = _lease_open(path, durability)
    if found is not None:
        return found
    # Not under the lock: it may wait for another process.
    engine = make() if make is not None else EmbeddedEngine(path, durability=durability)
    with _lock:
        found = _lease_open(path, durability)
        if found is None:
            shared = _Shared(engine)
            _open[os.path.realpath(path)] = shared
            return _join(shared)
    engine.close()  # another thread was quicker
    return found


def lease_again(path: Path) -> Lease | None:
    """Lease the engine of a folder if somebody has it open."""
    return _lease_open(path, None)


class _Shared:
    """An engine, and the tokens of the leases on it."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self.engine = engine
        self.tokens: set[object] = set()
        self.over = False

    def leave(self, token: object) -> None:
        """End one lease. May run at any moment, inside the lock too: it is a finalizer."""
        with _lock:
            self.tokens.discard(token)
            if self.tokens or self.over:
                return
            self.over = True
            for path, shared in list(_open.items()):
                if shared is self:
                    del _open[path]
        self.engine.close()


_open: dict[str, _Shared] = {}
_lock = threading.RLock()


def _lease_open(path: Path, durability: str | None) -> Lease | None:
    with _lock:
        shared = _open.get(os.path.realpath(path))
        if shared is None or not shared.engine.store.is_there:
            return None
        if durability is not None:
            shared.engine.store.demand(durability)
        joined = _join(shared)
        # The last lease may have ended, by garbage collection, just before this one began.
        return None if shared.over else joined


def _join(shared: _Shared) -> Lease:
    token = object()
    shared.tokens.add(token)
    return Lease(shared, token)


def _renew() -> None:
    global _lock
    _lock = threading.RLock()  # the parent's may be held by a thread that is not in the child


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
