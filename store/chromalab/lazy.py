"""`cached_property` without a lock: the one of functools has one per class before Python 3.12.

While one thread computes the value for one instance, that lock keeps all others waiting, whatever their
instances. Without it, two threads may compute the value of one instance twice.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property"]

if TYPE_CHECKING or sys.version_info >= (3, 12):
    cached_property = functools.cached_property
else:

    class cached_property(functools.cached_property):
        """A property that is computed once per instance."""

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            """Compute the value and keep it in the instance, where it is found from then on."""
            if instance is None:
                return self
            value = instance.__dict__[self.attrname] = self.func(instance)
            return value
