"""Values of metadata as the cells of a table, and typed text converted back to values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from chromalab.errors import InvalidArgumentError, short
from chromalab.sparse import SparseVector

__all__ = ["kind_of", "shown", "value_of"]

_KINDS: dict[type, str] = {
    int: "number",
    float: "number",
    bool: "boolean",
    str: "text",
    list: "list",
}


def kind_of(types: Iterable[type]) -> str:
    """Return what a column contains: number, boolean, text, list, other, or mixed."""
    kinds = {_KINDS.get(one, "other") for one in types}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def shown(value: Any) -> str:
    """Format a value so that it can be typed again.

    Example:
        >>> [shown(value) for value in ("tea", 2.0, True, ["a", "b"])]
        ['tea', '2.0', 'true', '["a", "b"]']
    """
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, SparseVector) else json.dumps(value, ensure_ascii=False)


def value_of(text: str, old: Any, kind: str, column: str) -> Any:
    """Parse typed text as a value of the same type as the old one; blank text, which deletes, gives None.

    Args:
        text: The text as it was typed.
        old: The old value, or None.
        kind: What the column contains, for a record without an old value.
        column: The name of the column, for messages.

    Raises:
        InvalidArgumentError: The text cannot be parsed as that type.

    Example:
        >>> value_of("2021", 1999, "number", "year"), value_of("2021", "then", "text", "when")
        (2021, '2021')
    """
    if not text.strip():
        return None
    kind = kind if old is None else kind_of([type(old)])
    if kind == "number":
        return _number(text, column)
    if kind == "boolean":
        if text.strip().lower() not in ("true", "false"):
            raise _wrong(text, column, "true or false")
        return text.strip().lower() == "true"
    if kind == "list":
        found = _json(text)
        if not isinstance(found, list):
            raise _wrong(text, column, 'a list, such as ["a", "b"]')
        return found
    if kind == "other":
        raise InvalidArgumentError(
            f"The value of {short(column)} is {short(old)}, which cannot be edited in a table. "
            "Use collection.update()."
        )
    return text


def _number(text: str, column: str) -> int | float:
    found = _json(text.strip())
    finite = isinstance(found, int) or (isinstance(found, float) and math.isfinite(found))
    if isinstance(found, bool) or not finite:
        raise _wrong(text, column, "a number")
    return found  # type: ignore[no-any-return]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # ten thousand brackets raise the latter
        return None


def _wrong(text: str, column: str, wanted: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"The value of {short(column)} must be {wanted}; got {short(text)}. "
        "Leave it blank to delete the value."
    )
