"""A setting of a library's object that threads share as long as they want the same value."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["SharedSetting"]


class SharedSetting:
    """Work that needs the same value runs side by side; other work waits for it, in turn.

    Args:
        change: Sets the value.
    """

    def __init__(self, change: Callable[[int], None]) -> None:
        self._change = change
        self._value: int | None = None
        self._users = 0
        self._turn = threading.Lock()  # held while waiting, so that those that come later wait too
        self._unused = threading.Condition()

    @contextmanager
    def at(self, value: int) -> Iterator[None]:
        """Keep the setting at a value."""
        with self._turn, self._unused:
            while self._users and self._value != value:
                self._unused.wait()
            if self._value != value:
                self._change(value)
                self._value = value
            self._users += 1
        try:
            yield
        finally:
            with self._unused:
                self._users -= 1
                if not self._users:
                    self._unused.notify()
