"""Checks of the parts of a judgment: each returns the one form that is stored, or raises."""

from __future__ import annotations

import getpass
import math
from collections.abc import Iterable, Mapping, Sized
from datetime import datetime, timezone
from typing import Any

import numpy as np

from chromalab.arguments.values import check_documents, check_embeddings, check_text
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
    "required_text",
    "user_name",
]

# The largest grade or weight: sums of millions of them stay finite as float32.
_MAX = 1e9


def check_relevance(value: Any, what: str = "relevance") -> float:
    """Check a relevance: True becomes 1 and False -1; a number, or its text, becomes a float.

    Example:
        >>> check_relevance(True), check_relevance("-1"), check_relevance(2)
        (1.0, -1.0, 2.0)
    """
    if isinstance(value, bool | np.bool_):
        return 1.0 if value else -1.0
    number = _number(value)
    if number is None or abs(number) > _MAX:
        raise InvalidArgumentError(
            f"{what} must be True, False or a finite grade; got {short(value)}. A grade above 0 means "
            "relevant."
        )
    return number


def check_weight(value: Any) -> float:
    """Check a weight: a finite number above 0."""
    number = None if isinstance(value, bool | str) else _number(value)
    if number is None or not 1 / _MAX <= number <= _MAX:
        raise InvalidArgumentError(
            f"weight must be a number above 0; got {short(value)}. A person's judgment weighs 1."
        )
    return number


def check_query(query: Any, dimension: int | None) -> tuple[str | None, bytes | None]:
    """Check a query and return its text, or the bytes of its vector as they are stored.

    Args:
        query: A text, or (d,) numbers.
        dimension: The dimension of the collection; None before it has records.
    """
    if isinstance(query, str):
        return required_text(query, "query"), None
    vectors = check_embeddings(query, "query")
    if len(vectors) != 1:
        raise InvalidArgumentError(
            f"query must be one query; got {len(vectors):,} vectors. Judge one query at a time."
        )
    if dimension is not None and vectors.shape[1] != dimension:
        raise InvalidDimensionException(
            f"query must have the collection's {dimension:,} dimensions; got {vectors.shape[1]:,}. "
            "Embed it with the collection's model, or give its text."
        )
    return None, vectors.astype("<f4").tobytes()


def list_queries(queries: Any) -> list[Any]:
    """Check that queries are a list, and not a single text or a table; the items are not checked.

    Example:
        >>> list_queries(("tea", "walks"))
        ['tea', 'walks']
    """
    is_table = hasattr(queries, "columns")
    if isinstance(queries, str | bytes | Mapping) or is_table or not isinstance(queries, Iterable):
        hint = " Pick a column: df['text']." if is_table else ""
        raise InvalidArgumentError(
            f"queries must be a list of texts or vectors; got {short(queries)}.{hint}"
        )
    return list(queries)


def required_text(value: Any, what: str) -> str:
    """Check a text that must be given and must not be blank."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{what} must be a string; got {short(value)}.")
    (text,) = check_documents([value], what)
    if text is None or not text.strip():
        raise InvalidArgumentError(f"{what} is empty. Give a text.")
    return text


def optional_text(value: Any, what: str) -> str | None:
    """Check a text that may be None."""
    if value is not None and not isinstance(value, str):
        raise InvalidArgumentError(f"{what} must be a string or None; got {short(value)}.")
    return None if value is None else required_text(value, what)


def check_flag(value: Any, what: str) -> bool:
    """Check that a value is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidArgumentError(f"{what} must be True or False; got {short(value)}.")
    return bool(value)


def per_id(value: Any, count: int, what: str) -> list[Any]:
    """Return one value per id: the items of a list, or the same value for all ids."""
    single = isinstance(value, str | bytes | Mapping | np.generic)
    if single or not isinstance(value, Iterable):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise InvalidArgumentError(
            f"{what} must be one value, or one per id; got {len(values):,} values for {count:,} ids."
        )
    return values


def check_time(value: Any) -> str:
    """Check a time: ISO text with its offset from UTC."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidArgumentError(
            f'at must be a time such as "2026-01-31T12:00:00+00:00"; got {short(value)}.'
        )
    return str(value)


def now() -> str:
    """Return the current time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def user_name() -> str | None:
    """Return the name of the operating system's user, or None if it is unknown, as in some containers."""
    try:
        return check_text(getpass.getuser(), "user") or None
    except (OSError, KeyError, ImportError, ValueError):  # Which one depends on the system.
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
