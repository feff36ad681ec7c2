"""What the steps of a search cost on this machine, for the planner to compare.

Measured once a machine, in a fifth of a second, when a planner first has a choice; kept in the
user's cache. Without that, figures of an ordinary laptop.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import numpy as np

from chromalab.cache import cache_folder
from chromalab.engine.index.distances import dot

__all__ = ["Costs", "machine_costs"]

_FORMAT = 5
_ROWS, _DIMENSION, _QUERIES = 65_536, 256, 32  # 64 MB: more than a cache holds


@dataclass(frozen=True)
class Costs:
    """Microseconds a number of a vector.

    Attributes:
        scanned: Of a row compared with one query, where rows lie side by side.
        gathered: The same where they do not, and have to be copied together.
        multiplied: Of a row compared with one of many queries, in a matrix product.
    """

    scanned: float = 0.0005
    gathered: float = 0.002
    multiplied: float = 0.00006


@functools.cache
def machine_costs() -> Costs:
    """Return this machine's costs: from the cache, or measured now."""
    path = cache_folder() / "costs.json"
    try:
        stored = json.loads(path.read_text())
        costs = Costs(**{field.name: float(stored[field.name]) for field in fields(Costs)})
        if stored["format"] == _FORMAT and all(0 < cost < 1 for cost in asdict(costs).values()):
            return costs
    except (OSError, ValueError, TypeError, KeyError):
        pass  # not there yet, or not ours: it is only a measurement
    costs = _measured()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.tmp-{os.getpid()}")
        draft.write_text(json.dumps({"format": _FORMAT, **asdict(costs)}))
        os.replace(draft, path)
    except OSError:
        pass  # measured again next time
    return costs


def _measured() -> Costs:
    rows = np.ones((_ROWS, _DIMENSION), dtype=np.float32)
    chosen = np.sort(np.random.default_rng(0).permutation(_ROWS)[: _ROWS // 10])
    some, held = rows[: _ROWS // 8], np.empty((512, _DIMENSION), dtype=np.float32)
    one, many = rows[0], np.ascontiguousarray(rows[:_QUERIES])

    def gather() -> None:
        for start in range(0, len(chosen), len(held)):
            block = chosen[start : start + len(held)]
            np.take(rows, block, axis=0, out=held[: len(block)], mode="clip")
            dot(held[: len(block)], one)

    return Costs(
        scanned=_time(lambda: dot(rows, one), rows.size),
        gathered=_time(gather, len(chosen) * _DIMENSION),
        multiplied=_time(lambda: many @ some.T, some.size * _QUERIES),
    )


def _time(step: Callable[[], object], numbers: int) -> float:
    """Time a step: microseconds of this thread a number, the least of five."""
    best = float("inf")
    for _ in range(5):
        start = time.thread_time()
        step()
        best = min(best, time.thread_time() - start)
    return best * 1e6 / numbers
