"""Blocks of work distributed over the CPU cores, each with single-threaded BLAS."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["each", "one_thread_blas"]

_Task = TypeVar("_Task")
_Answer = TypeVar("_Answer")
_MAX_THREADS = 16  # each holds a block of products in memory
_LOCK = threading.RLock()  # the BLAS limit is process-wide, so only one thread may set it at a time


@contextmanager
def one_thread_blas() -> Iterator[None]:
    """Limit BLAS to one thread: on two, many small products spend 80% of their time waiting."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # the results are the same, only slower
        yield
        return
    with _LOCK, threadpool_limits(1):
        yield


def each(
    function: Callable[[_Task], _Answer],
    tasks: Sequence[_Task],
    on_progress: Callable[[int, int], Any] | None = None,
) -> Iterator[_Answer]:
    """Run the tasks in threads and yield the answers in the order of the tasks.

    After an interrupt the running tasks finish and no others start.
    """
    workers = min(_MAX_THREADS, len(tasks), _cores())
    if workers <= 1:
        for number, task in enumerate(tasks, 1):
            yield function(task)
            if on_progress is not None:
                on_progress(number, len(tasks))
        return
    pool = ThreadPoolExecutor(workers)
    try:
        for number, answer in enumerate(pool.map(function, tasks), 1):
            yield answer
            if on_progress is not None:
                on_progress(number, len(tasks))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
