"""What a judgement is made of, checked: each check returns the one form that is kept, or raises."""

from __future__ import annotations

import getpass
import math
from collections.abc import Iterable, Mapping, Sized
from datetime import datetime, timezone
from typing import Any

import numpy as np

from chromalab.arguments.records import read_texts
from chromalab.arguments.values import check_embeddings, check_text
from chromalab.errors import InvalidArgumentError, InvalidDimensionException, short

__all__ = [
    "check_flag",
    "check_query",
    "check_relevance",
    "check_time",
    "check_weight",
    "list_queries",
    "now",
    "optional_text",
    "per_id",
    "some_text",
    "user_name",
]

_MOST = 1e9
"""Of a grade or a weight: sums of millions of them stay finite as float32."""


def check_relevance(value: Any, what: str = "relevance") -> float:
    """Check a relevance: True is 1 and False -1; a number, or its text, stays what it is.

    Example:
        >>> check_relevance(True), check_relevance("-1"), check_relevance(2)
        (1.0, -1.0, 2.0)
    """
    if isinstance(value, bool | np.bool_):
        return 1.0 if value else -1.0
    number = _number(value)
    if number is None or abs(number) > _MOST:
        raise InvalidArgumentError(
            f"{what} is {short(value)}; it is True, False, or a finite grade: above 0 is relevant."
        )
    return number


def check_weight(value: Any) -> float:
    """Check a weight: a finite number above 0."""
    number = None if isinstance(value, bool | str) else _number(value)
    if number is None or not 1 / _MOST <= number <= _MOST:
        raise InvalidArgumentError(
            f"weight is {short(value)}; it is a number above 0, and 1 is a person's word."
        )
    return number


def check_query(query: Any, dimension: int | None) -> tuple[str | None, bytes | None]:
    """Check a query: a text, or the bytes of a vector as they are kept.

    Args:
        query: A text, or (d,) numbers.
        dimension: Of the collection; None where it has no records yet.
    """
    if isinstance(query, str):
        return some_text(query, "query"), None
    vectors = check_embeddings(query, "query")
    if len(vectors) != 1:
        raise InvalidArgumentError(
            f"query holds {len(vectors):,} vectors; judge one query at a time."
        )
    if dimension is not None and vectors.shape[1] != dimension:
        raise InvalidDimensionException(
            f"query has {vectors.shape[1]:,} dimensions, and the collection {dimension:,}. "
            "Embed it with the collection's model, or give its text."
        )
    return None, vectors.astype("<f4").tobytes()


def list_queries(queries: Any) -> list[Any]:
    """Check that queries are a list, of what is not looked at; one text is none, nor is a table.

    Example:
        >>> list_queries(("tea", "walks"))
        ['tea', 'walks']
    """
    is_table = hasattr(queries, "columns")
    if isinstance(queries, str | bytes | Mapping) or is_table or not isinstance(queries, Iterable):
        hint = " Pick a column: df['text']." if is_table else ""
        raise InvalidArgumentError(
            f"queries is a list of texts or vectors; found {short(queries)}.{hint}"
        )
    return list(queries)


def some_text(value: Any, what: str) -> str:
    """Check a text that cannot be left out, nor be empty."""
    (text,) = read_texts([value], what)
    if not text:
        raise InvalidArgumentError(f"{what} is empty: give a text.")
    return text


def optional_text(value: Any, what: str) -> str | None:
    """Check a text that may be None."""
    if value is not None and not isinstance(value, str):
        raise InvalidArgumentError(f"{what} is {short(value)}; it is a text, or None.")
    return None if value is None else some_text(value, what)


def check_flag(value: Any, what: str) -> bool:
    """Check what is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidArgumentError(f"{what} is {short(value)}; it is True or False.")
    return bool(value)


def per_id(value: Any, count: int, what: str) -> list[Any]:
    """Give a value for each id: the same for all, unless there is a list of them."""
    single = isinstance(value, str | bytes | Mapping | np.generic)
    if single or not isinstance(value, Iterable):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise InvalidArgumentError(
            f"{what} has {len(values):,} values for {count:,} ids; give one for each, or one for all."
        )
    return values


def check_time(value: Any) -> str:
    """Check a moment: ISO text with the distance from UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidArgumentError(
            f'at is {short(value)}; it is a moment such as "2026-01-31T12:00:00+00:00".'
        )
    return str(value)


def now() -> str:
    """Say the moment, to the second, in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def user_name() -> str | None:
    """Say who is at this machine; None where nobody knows, as in some containers."""
    try:
        return check_text(getpass.getuser(), "user") or None
    except (OSError, KeyError, ImportError, ValueError):  # which one, depends on the system
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, Sized) and not isinstance(value, str):
        return None
    if not isinstance(value, str | int | float | np.integer | np.floating):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
