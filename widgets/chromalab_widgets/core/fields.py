"""Validators for the fields of a request, which comes from a browser and is therefore untrusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from chromalab.engine import read_instant
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, short

__all__ = ["Field", "bound", "choice", "flag", "maybe", "number", "text", "texts", "whole"]

Field = Callable[[str, object], Any]
"""Takes the name of the field, for messages, and a value; returns the value or raises."""


def text(longest: int = 10_000, *, blank: bool = False) -> Field:
    """Accept a str, which must not be blank unless `blank` is set."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str):
            raise InvalidArgumentTypeError(f"{name} must be a str; got {type(value).__name__}.")
        if not blank and not value.strip():
            raise InvalidArgumentError(f"{name} must not be blank. Type a few words.")
        if len(value) > longest:
            raise InvalidArgumentError(
                f"{name} must have at most {longest:,} characters; got {len(value):,}. Shorten it."
            )
        return value

    return check


def texts(most: int = 100_000) -> Field:
    """Accept a list of str, such as ids."""

    def check(name: str, value: object) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidArgumentTypeError(f"{name} must be a list of str; got {short(value)}.")
        if len(value) > most:
            raise InvalidArgumentError(
                f"{name} must have at most {most:,} entries; got {len(value):,}."
            )
        return value

    return check


def whole(low: int, high: int) -> Field:
    """Accept an int from `low` to `high`, both included."""

    def check(name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidArgumentTypeError(f"{name} must be an integer; got {short(value)}.")
        if not low <= value <= high:
            raise InvalidArgumentError(
                f"{name} must be from {low:,} to {high:,}; got {short(value)}."
            )
        return value

    return check


def number(low: float = -math.inf, high: float = math.inf) -> Field:
    """Accept a finite number from `low` to `high`, both included."""

    def check(name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidArgumentTypeError(f"{name} must be a number; got {short(value)}.")
        try:
            given = float(value)
        except OverflowError:  # JSON allows integers of any length
            given = math.inf
        if not math.isfinite(given) or not low <= given <= high:
            raise InvalidArgumentError(
                f"{name} must be a finite number from {low} to {high}; got {short(value)}."
            )
        return given

    return check


def bound() -> Field:
    """Accept a bound of a range: a finite number, or a date in ISO 8601."""

    def check(name: str, value: object) -> float | str:
        if isinstance(value, str):
            if read_instant(value.strip()) is None:
                raise InvalidArgumentTypeError(
                    f"{name} must be a number, or a date such as 2024-06-30; got {short(value)}."
                )
            return value.strip()
        checked: float = number()(name, value)
        return checked

    return check


def flag() -> Field:
    """Accept true or false."""

    def check(name: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise InvalidArgumentTypeError(f"{name} must be true or false; got {short(value)}.")
        return value

    return check


def choice(*choices: str) -> Field:
    """Accept one of the given words."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise InvalidArgumentError(
                f"{name} must be one of {', '.join(choices)}; got {short(value)}."
            )
        return value

    return check


def maybe(field: Field) -> Field:
    """Also accept null, and allow the field to be left out, which counts as null."""

    def check(name: str, value: object) -> Any:
        return None if value is None else field(name, value)

    check.optional = True  # type: ignore[attr-defined]
    return check


def _optional(field: Field) -> bool:
    return getattr(field, "optional", False)


def optional_names(fields: dict[str, Field]) -> Sequence[str]:
    """List the names of the fields that may be left out."""
    return [name for name, field in fields.items() if _optional(field)]
