"""A `where` by its columns: what each column is filtered by."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from chromalab.arguments.where_text import format_where
from chromalab.errors import InvalidArgumentError, short

__all__ = ["condition_of", "in_range", "joined", "one_of", "parts_of", "without"]

Where = dict[str, Any]


def parts_of(where: Mapping[str, Any] | None) -> list[Where]:
    """Take a filter apart into filters that must all hold.

    Example:
        >>> parts_of({"$and": [{"year": {"$gte": 2020}}, {"kind": "tea"}]})
        [{'year': {'$gte': 2020}}, {'kind': 'tea'}]
    """
    if not where:
        return []
    if set(where) == {"$and"}:
        return [part for clause in where["$and"] for part in parts_of(clause)]
    return [{key: value} for key, value in where.items()]


def joined(parts: Sequence[Where]) -> Where | None:
    """Make one filter of several that must all hold; None of none."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return {"$and": list(parts)}


def without(where: Mapping[str, Any] | None, key: str) -> Where | None:
    """Drop what a filter says of one key alone."""
    return joined([part for part in parts_of(where) if _keys(part) != {key}])


def in_range(key: str, low: float | None, high: float | None, *, closed: bool) -> list[Where]:
    """Make the filters for numbers from `low` to `high`, which belongs to them where `closed`."""
    parts = []
    if low is not None:
        parts.append({key: {"$gte": _whole(low)}})
    if high is not None:
        parts.append({key: {"$lte" if closed else "$lt": _whole(high)}})
    return parts


def one_of(key: str, tokens: Sequence[str], *, in_lists: bool) -> list[Where]:
    """Make the filter for some values of a key, given as JSON; of elements, where they are in lists.

    Raises:
        InvalidArgumentError: one of them is not the JSON of a text, a number, true or false.
    """
    values = [_scalar(token) for token in tokens]
    if not values:
        return []
    if in_lists:
        found = [{key: {"$contains": value}} for value in values]
        return found if len(found) == 1 else [{"$or": found}]
    return [{key: values[0] if len(values) == 1 else {"$in": values}}]


def condition_of(where: Mapping[str, Any] | None, key: str) -> dict[str, Any] | None:
    """Say what a filter says of one key alone; None where that is nothing.

    Returns:
        `text`; `low` and `high`, where numbers are between them; `tokens`, the JSON of the values that
        are allowed, where it names some.
    """
    parts = [part for part in parts_of(where) if _keys(part) == {key}]
    if not parts:
        return None
    low = high = None
    tokens: list[str] = []
    for part in parts:
        for clause in part.get("$or", [part]):
            value = clause.get(key)
            said = value if isinstance(value, Mapping) else {"$eq": value}
            low = said.get("$gte", said.get("$gt", low))
            high = said.get("$lte", said.get("$lt", high))
            for operator in ("$eq", "$in", "$contains"):
                values = said.get(operator, [])
                tokens += map(json.dumps, values if isinstance(values, list) else [values])
    text = format_where(joined(parts)) or short(joined(parts))
    return {"text": text, "low": low, "high": high, "tokens": tokens}


def _keys(part: Where) -> set[str]:
    """The metadata keys that a filter names."""
    found = set()
    for key, value in part.items():
        found |= set().union(*map(_keys, value)) if key in ("$and", "$or") else {key}
    return found


def _whole(value: float) -> int | float:
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else value


def _scalar(token: str) -> Any:
    try:
        value = json.loads(token)
    except (ValueError, RecursionError):
        value = None
    fits = isinstance(value, str) or (isinstance(value, int) and -(2**63) <= value < 2**63)
    if not fits and not (isinstance(value, float) and math.isfinite(value)):
        raise InvalidArgumentError(
            f"A value to filter by is a text, a number, true or false; found {short(token)}"
        )
    return value
