"""A summary of the values of a metadata field: a histogram of numbers or dates, or the most frequent values."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine import read_instant
from chromalab.results.reports import Distinct
from chromalab.results.tables import one_line

__all__ = ["BINS", "TOP", "summary"]

BINS = 20
TOP = 12
"""The number of values that a summary names."""

_FEW = 8  # up to this many numbers are shown as values: a rating from 1 to 5 needs no histogram
_DAY = 86_400 * 10**6  # microseconds
_LAST_DAY = datetime.date.max.toordinal()


def summary(found: Distinct) -> dict[str, Any]:
    """Summarize the values of a column, as JSON.

    Args:
        found: The distinct values and their counts.

    Returns:
        `kind` is "numbers", with `edges` (one more than bins), `counts`, and `closed` if the last bin
        includes its upper edge; "dates", with the same, and days as edges; or "values", with the `token`
        (JSON), `label` and `count` of the most frequent of the `distinct` values. `missing` is the number
        of records without the field; `others` is the number of records whose value is not a number or
        date, or not one of the listed values.
    """
    numbers = [
        (float(value), count)
        for value, count in zip(found.values, found.counts, strict=True)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    total = sum(found.counts)
    common = {"missing": found.missing, "distinct": len(found)}
    edges = _edges([value for value, _ in numbers]) if len(numbers) > len(found) / 2 else None
    if edges is not None:
        values, counts = np.array(numbers, dtype=np.float64).T
        binned, _ = np.histogram(values, bins=edges, weights=counts)
        return {
            **common,
            "kind": "numbers",
            "edges": edges.tolist(),
            "closed": bool(edges[-1] == values.max()),
            "counts": binned.astype(np.int64).tolist(),
            "others": total - int(counts.sum()),
        }
    days = [
        (float(instant.microseconds // _DAY), count)
        for value, count in zip(found.values, found.counts, strict=True)
        if isinstance(value, str) and (instant := read_instant(value)) is not None
    ]
    edges = _edges([day for day, _ in days]) if len(days) > len(found) / 2 else None
    if edges is not None:
        values, counts = np.array(days, dtype=np.float64).T
        binned, _ = np.histogram(values, bins=edges, weights=counts)
        return {
            **common,
            "kind": "dates",
            "edges": [_day(edge) for edge in edges.tolist()],
            "closed": False,
            "counts": binned.astype(np.int64).tolist(),
            "others": total - int(counts.sum()),
        }
    named = [
        (value, count)
        for value, count in zip(found.values[:TOP], found.counts, strict=False)
        if isinstance(value, str | int | float)
    ]
    return {
        **common,
        "kind": "values",
        "values": [
            {"token": json.dumps(value), "label": _label(value), "count": count}
            for value, count in named
        ],
        "others": total - sum(count for _, count in named),
    }


def _day(ordinal: float) -> str:
    return datetime.date.fromordinal(min(int(ordinal), _LAST_DAY)).isoformat()


def _label(value: Any) -> str:
    """Format a value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(value, 60) if isinstance(value, str) else json.dumps(value)


def _edges(values: Sequence[float]) -> NDArray[np.float64] | None:
    """Divide the range into bins; if all values are integers, so are the width and the edges of the bins.

    Returns None if there are too few values, or if the range exceeds that of a float.
    """
    if len(values) <= _FEW or not np.isfinite(max(values) - min(values)):
        return None
    low, high = min(values), max(values)
    if high - low < 2**52 and all(value.is_integer() for value in values):
        width = -(-(high - low + 1) // BINS)
        bins = int(-(-(high - low + 1) // width))
        return np.asarray(low + width * np.arange(bins + 1), dtype=np.float64)
    return np.linspace(low, high, BINS + 1, dtype=np.float64)
