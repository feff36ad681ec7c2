"""Callbacks after cells of the notebook and requests of browsers, which may have written to the store."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["after_cells", "after_writes", "request_handled"]

_waiting: list[weakref.WeakMethod[Callable[[], None]]] = []


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


def after_writes(method: Callable[[], None]) -> Callable[[], None]:
    """Call a method after each cell of the notebook, and after each request that a widget has handled.

    Args:
        method: A bound method, which is referenced weakly and must not raise.

    Returns:
        A function that ends that.
    """
    end_cells = after_cells(method)
    reference = weakref.WeakMethod(method, _forget)
    _waiting.append(reference)

    def end() -> None:
        end_cells()
        _forget(reference)

    return end


def request_handled() -> None:
    """Call the methods of `after_writes`, as a widget has handled a request of the browser."""
    for reference in list(_waiting):
        method = reference()
        if method is not None:
            method()


def _forget(reference: weakref.WeakMethod[Callable[[], None]]) -> None:
    if reference in _waiting:
        _waiting.remove(reference)
