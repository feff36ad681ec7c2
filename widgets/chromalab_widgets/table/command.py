"""A cell that reproduces what a table shows: a `%chroma` line, or Python where that is not enough."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from chromalab.arguments.quotes import quote
from chromalab.arguments.where_text import format_where

__all__ = ["get_command", "in_python"]

_PLAIN = re.compile(r"[\w.@/]+[\w.@/-]*")


def get_command(
    name: str,
    *,
    where: dict[str, Any] | None = None,
    contains: str = "",
    order_by: str = "",
    ids: Sequence[str] | None = None,
) -> str:
    """Return a command that reads the given records.

    Example:
        >>> print(get_command("papers", where={"year": {"$gte": 2020}}, order_by="-year"))
        %chroma get papers --where "year >= 2020" --order-by=-year
    """
    asked: dict[str, Any] = dict(where=where, contains=contains, order_by=order_by, ids=ids)
    condition = format_where(where)
    words = [name, *(ids or ())]
    flags = {"--where": condition or "", "--contains": contains, "--order-by": order_by}
    given = {flag: value for flag, value in flags.items() if value}
    if condition is None or ids == [] or not all(map(_is_literal, [*words, *given.values()])):
        return in_python(name, **asked)
    if any(word.startswith("-") for word in words):
        return in_python(name, **asked)
    options = [
        f"{flag}={_quoted(value)}" if value.startswith("-") else f"{flag} {_quoted(value)}"
        for flag, value in given.items()
    ]
    return " ".join(["%chroma get", *map(_quoted, words), *options])


def _is_literal(word: str) -> bool:
    """Return whether a word on the line stands for itself: one that starts with ":" is a variable."""
    return word.isprintable() and bool(word) and not word.startswith(":")


def _quoted(word: str) -> str:
    """Quote a word if necessary."""
    if _PLAIN.fullmatch(word) or (word.startswith("-") and _PLAIN.fullmatch(word[1:])):
        return word
    return quote(word, "'" if '"' in word and "'" not in word else '"')


def in_python(
    name: str,
    *,
    where: dict[str, Any] | None = None,
    contains: str = "",
    order_by: str = "",
    ids: Sequence[str] | None = None,
) -> str:
    """Return Python code that reads the given records from the variable `client`.

    Example:
        >>> in_python("papers", contains="tea")
        "client.get_collection('papers').get(where_document={'$contains': 'tea'})"
    """
    given = {
        "ids": None if ids is None else list(ids),
        "where": where,
        "where_document": {"$contains": contains} if contains else None,
        "order_by": order_by or None,
    }
    inside = ", ".join(f"{key}={value!r}" for key, value in given.items() if value is not None)
    return f"client.get_collection({name!r}).get({inside})"
