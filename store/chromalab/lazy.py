"""`cached_property` without a lock: that of functools has one per property before Python 3.12.

While one thread computes the value for one instance, the lock keeps all others waiting, also those with
other instances. Without it, two threads may both compute the value of an instance.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property"]

if TYPE_CHECKING or sys.version_info >= (3, 12):
    cached_property = functools.cached_property
else:

    class cached_property(functools.cached_property):
        """A property that is computed once per instance."""

        def __init__(self, func: Callable[[Any], Any]) -> None:
            super().__init__(func)
            self.lock = contextlib.nullcontext()
