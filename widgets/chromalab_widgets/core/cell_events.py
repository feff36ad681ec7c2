"""Callbacks after each cell of the notebook, which may have written to the store."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["after_cells"]


def after_cells(method: Callable[[], None]) -> Callable[[], None]:
    """Call a method after each cell of the notebook.

    The method is referenced weakly, so the callback keeps no widget alive. Outside of IPython, nothing
    is registered.

    Args:
        method: A bound method. IPython reports what it raises; the cell itself is not affected.

    Returns:
        A function that unregisters the callback.
    """
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None:
        return lambda: None
    reference = weakref.WeakMethod(method)

    def on_cell(*_: Any) -> None:
        target = reference()
        if target is None:
            unregister()
        else:
            target()

    def unregister() -> None:
        if on_cell in shell.events.callbacks["post_run_cell"]:
            shell.events.unregister("post_run_cell", on_cell)

    shell.events.register("post_run_cell", on_cell)
    return unregister
