"""Blocks of work over the cores, each with a BLAS of one thread."""

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
_MOST = 16  # threads: each holds a block of products
_LOCK = threading.RLock()  # the limit of BLAS is the process's: one at a time may set it


@contextmanager
def one_thread_blas() -> Iterator[None]:
    """Hold BLAS to one thread: many small products on two spend 80 % of their time in waiting."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # without it all is as right, and slower
        yield
        return
    with _LOCK, threadpool_limits(1):
        yield


def each(
    function: Callable[[_Task], _Answer],
    tasks: Sequence[_Task],
    tell: Callable[[int, int], Any] | None = None,
) -> Iterator[_Answer]:
    """Do the tasks in threads, and give the answers in the order of the tasks.

    An interrupt lets the tasks that run finish, and starts no others.
    """
    workers = min(_MOST, len(tasks), _cores())
    if workers <= 1:
        for number, task in enumerate(tasks, 1):
            yield function(task)
            if tell is not None:
                tell(number, len(tasks))
        return
    pool = ThreadPoolExecutor(workers)
    try:
        for number, answer in enumerate(pool.map(function, tasks), 1):
            yield answer
            if tell is not None:
                tell(number, len(tasks))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
