"""Dates in filters: ISO 8601 texts as instants, so that dates of any form compare with one another.

Dates are stored as texts, which every client of Chroma reads. A date alone means its midnight, a month its
first day, and a date or time without a time zone is in UTC.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chromalab.conversion import is_date, iso_text

__all__ = ["Dates", "Instant", "instant_of", "read_instant"]

_ISO = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(Z|z|[+-]\d\d(?::?\d\d)?)?)?)?",
    re.ASCII,
)
_LONGEST = 35  # characters: 2024-06-01T12:00:00.123456789+00:00
_DAY = 86_400 * 10**6


class Instant(NamedTuple):
    """A point in time.

    Attributes:
        microseconds: Since the first day of the year 1, in UTC.
        nanoseconds: The rest, from 0 to 999.
    """

    microseconds: int
    nanoseconds: int


def read_instant(text: str) -> Instant | None:
    """Read a date or a time in ISO 8601; None if the text is neither.

    Example:
        >>> read_instant("2024-06-01") == read_instant("2024-06-01T02:00:00+02:00")
        True
        >>> read_instant("2024") is read_instant("tea") is None
        True
    """
    if not 7 <= len(text) <= _LONGEST or text[4] != "-":  # most texts are rejected here
        return None
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    days, offset = _days(year, month, day or "01"), _offset(zone)
    if days is None or offset is None:
        return None
    if hour is None:
        return Instant(days * _DAY, 0)
    if hour > "23" or minute > "59" or (second or "00") > "59":
        return None
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second or 0) - offset
    if fraction is None:
        return Instant(days * _DAY + seconds * 10**6, 0)
    nanoseconds = int(fraction.ljust(9, "0"))
    return Instant(days * _DAY + seconds * 10**6 + nanoseconds // 1000, nanoseconds % 1000)


def instant_of(value: Any) -> Instant | None:
    """Read a date, a datetime, a Timestamp, a datetime64, or a text in ISO 8601; None for anything else."""
    if isinstance(value, Instant):
        return value
    if is_date(value):
        value = iso_text(value)
    return read_instant(value) if isinstance(value, str) else None


class Dates:
    """The dates among the values of a dictionary, each parsed once.

    Attributes:
        all_texts: Whether every text among the values is a date.
    """

    def __init__(self) -> None:
        self._read = 0
        self._codes = np.empty(0, dtype=np.int32)
        self._microseconds = np.empty(0, dtype=np.int64)
        self._nanoseconds = np.empty(0, dtype=np.int64)
        self.all_texts = True

    def extended(self, values: Sequence[Any]) -> Dates:
        """A copy extended by the new values."""
        end = len(values)
        if self._read == end:
            return self
        new = [(code, values[code]) for code in range(self._read, end)]
        texts = [(code, read_instant(value)) for code, value in new if type(value) is str]
        dates = [(code, instant) for code, instant in texts if instant is not None]
        more = Dates()
        more._read = end
        more.all_texts = self.all_texts and len(dates) == len(texts)
        more._codes = np.append(self._codes, np.array([code for code, _ in dates], np.int32))
        more._microseconds = np.append(
            self._microseconds, np.array([instant.microseconds for _, instant in dates], np.int64)
        )
        more._nanoseconds = np.append(
            self._nanoseconds, np.array([instant.nanoseconds for _, instant in dates], np.int64)
        )
        return more

    def by_code(self) -> dict[int, Instant]:
        """The instants by the code of their value."""
        parts = (self._codes.tolist(), self._microseconds.tolist(), self._nanoseconds.tolist())
        return {code: Instant(us, ns) for code, us, ns in zip(*parts, strict=True)}

    def picked(self, compare: Callable[[Any, Any], Any], wanted: Instant) -> NDArray[np.int32]:
        """The codes of the dates that satisfy a comparison, one of Python's `operator`."""
        sign = np.sign(self._microseconds - wanted.microseconds)
        sign = np.where(sign == 0, np.sign(self._nanoseconds - wanted.nanoseconds), sign)
        codes: NDArray[np.int32] = self._codes[np.asarray(compare(sign, 0))]
        return codes


@lru_cache(maxsize=4096)
def _days(year: str, month: str, day: str) -> int | None:
    try:
        return datetime.date(int(year), int(month), int(day)).toordinal()
    except ValueError:  # such as the 30th of February
        return None


def _offset(zone: str | None) -> int | None:
    """Seconds east of UTC; None if there is no such time zone."""
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        return None
    return (-1 if zone[0] == "-" else 1) * (hours * 3600 + minutes * 60)
