"""A layout that is computed in a thread, while the map already shows a start."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LayoutThread", "someone_is_watching"]

_PAUSE = 0.25  # seconds between two frames, and for each million points, as sending them takes time


def someone_is_watching() -> bool:
    """Return whether this code runs in a cell of a front end that a person is looking at.

    Only then may a call return before its result is there. The front end says so itself: one that runs
    notebooks as a batch (nbclient, and so `nbconvert --execute` and papermill) cannot answer `input()`, and
    the notebooks of people can. Scripts and terminals have no front end.
    """
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))


class _AbandonedError(BaseException):
    """Ends a computation without a result."""


class LayoutThread:
    """A computation in a thread that shows its progress, and can be stopped and waited for.

    The thread ends with the process, which does not wait for it.

    Args:
        compute: Computes the result. It gets a function to call with coordinates, the epochs done and their
            total, as `project` does.
        show: Shows such a frame, holding the lock; called at most a few times per second. It is not called
            for a frame that finds the lock taken, because its holder may be waiting for the result.
        ended: Called at the end, whether there is a result or an error.
        lock: The lock of what shows the frames.
    """

    def __init__(
        self,
        compute: Callable[[Callable[[NDArray[np.float32], int, int], None]], Any],
        *,
        show: Callable[[NDArray[np.float32], int, int], None],
        ended: Callable[[], None],
        lock: threading.RLock,
    ) -> None:
        self._compute, self._show, self._ended, self._lock = compute, show, ended, lock
        self._end: type[BaseException] | None = None
        self._next = 0.0
        self._future: Future[Any] = Future()
        threading.Thread(target=self._run, name="chromalab layout", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether there is a result, or an error."""
        return self._future.done()

    def stop(self) -> None:
        """End the layout with its next frame; the result is the layout of that moment."""
        self._end = KeyboardInterrupt

    def abandon(self) -> None:
        """End the layout with its next frame, without a result."""
        self._end = _AbandonedError

    def wait(self, seconds: float) -> bool:
        """Wait at most this long, and return whether the computation has ended."""
        return bool(wait([self._future], seconds).done)

    def result(self) -> Any:
        """Wait for the result; what the computation raised is raised here.

        An interrupt stops the layout, and is raised.
        """
        while True:
            try:
                # In steps, because on Windows one long wait cannot be interrupted.
                if self.wait(0.2):
                    return self._future.result()
            except KeyboardInterrupt:
                self.stop()
                raise

    def _run(self) -> None:
        try:
            result = self._compute(self._frame)
        except BaseException as problem:
            self._future.set_exception(problem)
        else:
            self._future.set_result(result)
        self._ended()

    def _frame(self, coordinates: NDArray[np.float32], done: int, total: int) -> None:
        if self._end is not None:
            raise self._end
        now = time.monotonic()
        if now < self._next or done >= total or not self._lock.acquire(blocking=False):
            return
        try:
            self._next = now + _PAUSE * (1 + len(coordinates) / 1e6)
            if self._end is None:
                self._show(coordinates, done, total)
        finally:
            self._lock.release()
