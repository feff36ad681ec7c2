"""`analysis`: the decorator that makes a function of this room a method of `Collection`.

A plain function in a class body is a method, so `Collection` lists the functions of this room by name,
as in `cluster = analytics.cluster`: the signature and the docstring are written once. What all of them
have in common happens here: the snapshot, the filter, the cache and the write to metadata.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from chromalab.analytics.result import Result
from chromalab.analytics.storage import cached
from chromalab.errors import InvalidArgumentError, short
from chromalab.snapshot import Snapshot
from chromalab.types import Where

__all__ = ["analysis", "snapshot_of"]

_WATCHERS = frozenset({"progress", "on_frame"})

P = ParamSpec("P")
R = TypeVar("R", bound=Result)


def analysis(
    kind: type[R], *, is_cached: bool = True, warms_maps: bool = True
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that analyzes a snapshot, so that it takes anything that has records.

    The function's first argument is the data: a collection, a snapshot, an array, or any object with
    Chroma's `get`. The body receives a `Snapshot` in its place. If the signature has `where` or `into`,
    they are handled here: `where` selects the records before the body runs, and `into` writes the
    result to their metadata after it. The body ignores both. All other options, except those that only
    watch it (`progress`, `on_frame`), are part of the name under which the result is cached.

    Args:
        kind: The class of the result.
        is_cached: Whether the result is cached in the folder of the store.
        warms_maps: Whether the call starts to compile the packages of maps in a notebook, where a map
            usually follows.

    Returns:
        A decorator. It leaves the signature, the types and the docstring of the function as they are.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        first = next(iter(signature.parameters))
        body: Callable[..., R] = function

        @functools.wraps(function)
        def analyze(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            bound.apply_defaults()
            options = bound.arguments
            where, into = options.pop("where", None), options.pop("into", None)
            snapshot = snapshot_of(options.pop(first), where)
            if warms_maps and snapshot.origin is not None:
                _warm_maps()
            if is_cached:
                key = {name: value for name, value in options.items() if name not in _WATCHERS}
                result = cached(kind, snapshot, key, lambda: body(snapshot, **options))
            else:
                result = body(snapshot, **options)
            return result if into is None else result.into(into)

        return analyze

    return decorate


def snapshot_of(data: Any, where: Where | None = None) -> Snapshot:
    """Take a snapshot of the records of `data` that match a filter.

    Args:
        data: A collection, a snapshot, (n, dimension) numbers, or any object with Chroma's `get`.
        where: The filter; None for all records.

    Raises:
        InvalidArgumentError: A filter is given, and `data` is not a collection.

    Example:
        >>> snapshot_of([[1.0, 0.0]], {"year": 2020})
        Traceback (most recent call last):
        ...
        chromalab.errors.InvalidArgumentError: where needs a collection; got [[1.0, 0.0]]. Select the ...
    """
    if where is None:
        return Snapshot.of(data)
    if isinstance(data, Snapshot):
        raise InvalidArgumentError(
            "where needs a collection; got a snapshot, whose records are selected already. Take it "
            "with the filter: collection.snapshot(where)."
        )
    if hasattr(data, "snapshot"):
        taken: Snapshot = data.snapshot(where)
        return taken
    if hasattr(data, "get") and hasattr(data, "count") and not hasattr(data, "__array__"):
        return replace(Snapshot.of(_Matching(data, where)), origin=data, where=where)
    raise InvalidArgumentError(
        f"where needs a collection; got {short(data)}. Select the rows of an array before the call."
    )


class _Matching:
    """The records of another client's collection that match a filter."""

    def __init__(self, collection: Any, where: Where) -> None:
        self._collection = collection
        self._where = where
        self.name = str(getattr(collection, "name", ""))

    def count(self) -> int:
        return len(self.get(include=[])["ids"])

    def get(self, **page: Any) -> Any:
        return self._collection.get(where=self._where, **page)


def _warm_maps() -> None:
    """Compile in the background what the next map needs, if this process is a notebook's kernel."""
    if "ipykernel" in sys.modules:
        from chromalab.analytics.project.warmup import warm

        warm()
