"""What stands under a column, counted for its header: bins of numbers, or the most frequent values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.aggregates import Distinct
from chromalab.results.tables import one_line

__all__ = ["BINS", "TOP", "summary"]

BINS = 20
TOP = 12
"""How many values are named."""
_FEW = 8  # so few numbers are shown as values: a rating from 1 to 5 is not a histogram


def summary(found: Distinct) -> dict[str, Any]:
    """Count a column, as JSON.

    Args:
        found: Its values and their counts.

    Returns:
        `kind`: "numbers" with `edges` (one more than bins), `counts`, and `closed` where the last bin
        holds its upper edge; or "values", each with its
        `token` (JSON), `label` and `count`, the most frequent ones of `distinct`. `missing` is how many
        records lack the key, `others` how many have no number there, or none of the named values.
    """
    numbers = [
        (float(value), count)
        for value, count in zip(found.values, found.counts, strict=True)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    total = sum(found.counts)
    said = {"missing": found.missing, "distinct": len(found)}
    edges = _edges([value for value, _ in numbers]) if len(numbers) > len(found) / 2 else None
    if edges is not None:
        values, counts = np.array(numbers, dtype=np.float64).T
        binned, _ = np.histogram(values, bins=edges, weights=counts)
        return {
            **said,
            "kind": "numbers",
            "edges": edges.tolist(),
            "closed": bool(edges[-1] == values.max()),
            "counts": binned.astype(np.int64).tolist(),
            "others": total - int(counts.sum()),
        }
    named = [
        (value, count)
        for value, count in zip(found.values[:TOP], found.counts, strict=False)
        if isinstance(value, str | int | float)
    ]
    return {
        **said,
        "kind": "values",
        "values": [
            {"token": json.dumps(value), "label": _label(value), "count": count}
            for value, count in named
        ],
        "others": total - sum(count for _, count in named),
    }


def _label(value: Any) -> str:
    """Show a value in a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(value, 60) if isinstance(value, str) else json.dumps(value)


def _edges(values: Sequence[float]) -> NDArray[np.float64] | None:
    """Divide the range into bins: of whole width, between whole numbers, where all are whole.

    None where the values are too few for that, or the range is more than a float can say.
    """
    if len(values) <= _FEW or not np.isfinite(max(values) - min(values)):
        return None
    low, high = min(values), max(values)
    if high - low < 2**52 and all(value.is_integer() for value in values):
        width = -(-(high - low + 1) // BINS)
        bins = int(-(-(high - low + 1) // width))
        return np.asarray(low + width * np.arange(bins + 1), dtype=np.float64)
    return np.linspace(low, high, BINS + 1, dtype=np.float64)
