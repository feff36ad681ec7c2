"""Sockets: the widgets and the magics, which lie above the store, are loaded by entry point, not imported.

A package offers a widget by naming it in its metadata:

    [project.entry-points."chromalab.show"]
    map = "chromalab_widgets.show:map"

A socket loads it the first time it is used, so that the store names no package above it, and a widget
of another package plugs in the same way.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from chromalab.errors import MissingDependencyError

__all__ = ["Plug", "plug"]


@cache
def plug(group: str, name: str) -> Callable[..., Any]:
    """Load the object that an entry point provides.

    Args:
        group: The group of the entry point, such as "chromalab.show".
        name: Its name, such as "map".

    Raises:
        MissingDependencyError: No package provides it.
        ImportError: A dependency of the package that provides it is not installed.

    Example:
        >>> plug("chromalab.show", "review").__name__
        'review'
    """
    from importlib.metadata import entry_points  # it imports much of the standard library

    found = list(entry_points(group=group, name=name))
    if not found:
        raise MissingDependencyError(
            f"Nothing provides {name!r} for {group}. Reinstall chromalab: pip install chromalab."
        )
    loaded: Callable[..., Any] = found[0].load()
    return loaded


class Plug:
    """A method that another package provides; its signature and docstring are those of the provider.

    Args:
        group: The group of the entry point.
        name: Its name; by default, that of the attribute.
    """

    def __init__(self, group: str, name: str = "") -> None:
        self._group = group
        self._name = name

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = self._name or name

    def __get__(self, instance: object | None, owner: type) -> Callable[..., Any]:
        provided = plug(self._group, self._name)
        if instance is None:
            return provided
        # A function binds as a method does, so that its signature leaves the instance out.
        bind = getattr(provided, "__get__", None)
        return self._constructor(provided, instance) if bind is None else bind(instance, owner)

    def _constructor(self, provided: Callable[..., Any], instance: object) -> Callable[..., Any]:
        """Bind a class, which `help` and Shift+Tab then explain as they do a method."""

        def construct(*args: Any, **options: Any) -> Any:
            return provided(instance, *args, **options)

        signature = inspect.signature(partial(provided, instance))
        construct.__signature__ = signature.replace(  # type: ignore[attr-defined]
            return_annotation=getattr(provided, "__name__", signature.return_annotation)
        )
        construct.__name__ = construct.__qualname__ = self._name
        construct.__module__ = provided.__module__
        construct.__doc__ = inspect.getdoc(provided)
        return construct
