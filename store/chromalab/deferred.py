"""Calls and rooms of a collection that are imported when they are first used.

A program that opens a store and queries it needs few of them, and the others would double the time
that it takes to start.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["Deferred", "DeferredName"]


class Deferred:
    """A module, of which names can be assigned in the body of a class before it is imported.

    Type checkers see the module itself, which is imported for them under `TYPE_CHECKING`.

    Args:
        module: The name of the module.

    Example:
        >>> class Numbers:
        ...     root = Deferred("math").sqrt
        >>> Numbers.root(9)
        3.0
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> DeferredName:
        if name.startswith("__"):
            raise AttributeError(name)
        return DeferredName(self._module, name)


class DeferredName:
    """A function or a class of a module; as an attribute of a class it becomes that at first use."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name
        self._owner: tuple[type, str] | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner, name

    def __get__(self, instance: object | None, owner: type) -> Any:
        found = self.load()
        if self._owner is not None:
            setattr(*self._owner, found)  # from now on, it is an ordinary method
        bind = getattr(found, "__get__", None)
        return found if bind is None else bind(instance, owner)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the function or the class itself."""
        return self.load()(*args, **options)

    def load(self) -> Any:
        """Import the module and return what it calls by this name."""
        return getattr(importlib.import_module(self._module), self._name)
