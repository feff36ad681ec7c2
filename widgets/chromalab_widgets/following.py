"""Being told when a cell has run, as it may have written to the store."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["after_cells"]


def after_cells(method: Callable[[], None]) -> Callable[[], None]:
    """Have a method called after each cell of the notebook; returns what ends it.

    The method is held weakly: following keeps no widget alive. Outside of IPython nothing happens.

    Args:
        method: A bound method; what it raises is shown by IPython, and the cell stays as it is.
    """
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None:
        return lambda: None
    held = weakref.WeakMethod(method)

    def told(*_: Any) -> None:
        alive = held()
        if alive is None:
            end()
        else:
            alive()

    def end() -> None:
        if told in shell.events.callbacks["post_run_cell"]:
            shell.events.unregister("post_run_cell", told)

    shell.events.register("post_run_cell", told)
    return end
