"""Metadata filters split into one condition per field, and their validation as a trait."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from chromalab.arguments.records import read_filter
from chromalab.arguments.where_text import format_where
from chromalab.errors import InvalidArgumentError, short
from chromalab_widgets.core.widget import Widget

__all__ = [
    "Bound", "check_where", "condition_of", "in_range", "joined", "one_of", "parse_tokens", "parts_of",
    "without",
]  # fmt: skip

Where = dict[str, Any]
Bound = float | str | None
"""A bound of a range: a number, a date in ISO 8601, or None for no bound."""

_DAY_LENGTH = len("2024-06-30")


def check_where(widget: Widget, where: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Validate a filter that a trait of a widget is set to; an empty one becomes None.

    Raises:
        InvalidArgumentError: The filter is not valid; the widget shows the message, too.
    """
    with widget.validating():
        read_filter(None, where or None, None)
    return where or None


def parts_of(where: Mapping[str, Any] | None) -> list[Where]:
    """Split a filter into filters that must all match.

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
    """Join filters that must all match into one; an empty list gives None."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return {"$and": list(parts)}


def without(where: Mapping[str, Any] | None, key: str) -> Where | None:
    """Drop the parts of a filter that concern only this field."""
    return joined([part for part in parts_of(where) if _keys(part) != {key}])


def in_range(key: str, low: Bound, high: Bound, *, closed: bool) -> list[Where]:
    """Return the filters for numbers or dates from `low` to `high`, which is included if `closed`.

    A day that is included is included to its end.

    Example:
        >>> in_range("day", "2024-06-01", "2024-06-30", closed=True)
        [{'day': {'$gte': '2024-06-01'}}, {'day': {'$lt': '2024-07-01'}}]
    """
    parts = []
    if low is not None:
        parts.append({key: {"$gte": _whole(low)}})
    if high is not None:
        end = _next_day(high, 1) if closed else None
        operator = "$lt" if end or not closed else "$lte"
        parts.append({key: {operator: end or _whole(high)}})
    return parts


def one_of(key: str, values: Sequence[Any], *, in_lists: bool) -> list[Where]:
    """Return the filter for records with one of these values, or with one of them in their lists.

    Example:
        >>> one_of("kind", ["tea", "mug"], in_lists=False)
        [{'kind': {'$in': ['tea', 'mug']}}]
    """
    if not values:
        return []
    if in_lists:
        found = [{key: {"$contains": value}} for value in values]
        return found if len(found) == 1 else [{"$or": found}]
    return [{key: values[0] if len(values) == 1 else {"$in": list(values)}}]


def parse_tokens(tokens: Sequence[str]) -> list[Any]:
    """Parse values that the browser sends as JSON.

    Raises:
        InvalidArgumentError: One of them is not the JSON of a string, a number, true or false.
    """
    return [_scalar(token) for token in tokens]


def condition_of(where: Mapping[str, Any] | None, key: str) -> dict[str, Any] | None:
    """Describe the parts of a filter that concern only this field; None if there are none.

    Returns:
        `text`; `low` and `high`, the bounds of a range of numbers or dates; `tokens`, the JSON of the allowed
        values, if the filter lists some.
    """
    parts = [part for part in parts_of(where) if _keys(part) == {key}]
    if not parts:
        return None
    low = high = None
    tokens: list[str] = []
    for part in parts:
        for clause in part.get("$or", [part]):
            value = clause.get(key)
            operators = value if isinstance(value, Mapping) else {"$eq": value}
            low = operators.get("$gte", operators.get("$gt", low))
            end = operators.get("$lt")
            high = operators.get("$lte", _next_day(end, -1) or (high if end is None else end))
            for operator in ("$eq", "$in", "$contains"):
                values = operators.get(operator, [])
                tokens += map(json.dumps, values if isinstance(values, list) else [values])
    text = format_where(joined(parts)) or short(joined(parts))
    return {"text": text, "low": low, "high": high, "tokens": tokens}


def _keys(part: Where) -> set[str]:
    """Return the metadata fields that a filter uses."""
    found = set()
    for key, value in part.items():
        found |= set().union(*map(_keys, value)) if key in ("$and", "$or") else {key}
    return found


def _next_day(value: Any, step: int) -> str | None:
    """Return the day `step` days after a day; None for anything else."""
    try:
        day = datetime.date.fromisoformat(value) if len(value) == _DAY_LENGTH else None
        return None if day is None else (day + datetime.timedelta(days=step)).isoformat()
    except (TypeError, ValueError, OverflowError):  # numbers, times, and the last day that there is
        return None


def _whole(value: float | str) -> int | float | str:
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else value


def _scalar(token: str) -> Any:
    try:
        value = json.loads(token)
    except (ValueError, RecursionError):
        value = None
    fits = isinstance(value, str) or (isinstance(value, int) and -(2**63) <= value < 2**63)
    if not fits and not (isinstance(value, float) and math.isfinite(value)):
        raise InvalidArgumentError(
            f"A value to filter by must be a string, a number, true or false; got {short(token)}."
        )
    return value
