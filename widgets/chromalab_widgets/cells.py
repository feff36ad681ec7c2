"""Values of metadata as a table shows them, and texts as they become values again."""

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
    """Name what a column holds: number, boolean, text, list, other, or mixed."""
    kinds = {_KINDS.get(one, "other") for one in types}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def shown(value: Any) -> str:
    """Write a value as it can be typed again.

    Example:
        >>> [shown(value) for value in ("tea", 2.0, True, ["a", "b"])]
        ['tea', '2.0', 'true', '["a", "b"]']
    """
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, SparseVector) else json.dumps(value, ensure_ascii=False)


def value_of(text: str, old: Any, kind: str, column: str) -> Any:
    """Read a typed text as a value of the type that stood there; None for a blank one, which deletes.

    Args:
        text: As it was typed.
        old: The value that stood there, or None.
        kind: What the column holds, for where nothing stood.
        column: Its name, for the sentence.

    Raises:
        InvalidArgumentError: it is none of that type.

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
        raise InvalidArgumentError(f"{short(column)} holds {short(old)}, which is not edited here.")
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
    except (ValueError, RecursionError):  # the second for ten thousand brackets
        return None


def _wrong(text: str, column: str, wanted: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{short(column)} holds {wanted}; found {short(text)}. Leave it blank to delete the value."
    )
