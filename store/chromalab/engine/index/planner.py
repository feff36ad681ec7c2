"""Chooses how to answer a query by the estimated cost of each method, and gives the reason.

The costs of the steps are measured once per machine, in a fifth of a second, when a planner first
has a choice, and are cached in the user's cache folder. The defaults are those of an ordinary
laptop.
"""

from __future__ import annotations

import functools
import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields

import numpy as np

from chromalab.cache import cache_folder
from chromalab.engine.index.scan import dot
from chromalab.engine.values import QueryPlan
from chromalab.files import replace_file

__all__ = ["Costs", "PlannerInput", "choose_plan", "machine_costs"]

_FORMAT = 5
_ROWS, _DIMENSION, _QUERIES = 65_536, 256, 32  # 64 MB, which exceeds the processor's cache

_NEW_PER_STEP = 0.9  # the share of a row's max_neighbors that a walk has not visited yet
_JUMP = 0.2  # microseconds of latency to access a row anywhere in memory
_SELECTED = 0.0004  # microseconds per row to select the nearest ones
_IN_PARTS = 1.5  # a single row costs more than one of many contiguous rows
_WIDER = 4  # the factor by which a filtered walk keeps more candidates, as it goes further out
_SPARE = 4  # extra candidates beyond k, as the graph ranks in float32
_FINE = 0.0001  # seconds by which a clock may move at a time; what is timed takes milliseconds
_SURE = 3  # standard deviations of the number of candidates that pass a filter


@dataclass(frozen=True)
class Costs:
    """Microseconds per number of a vector.

    Attributes:
        scanned: For contiguous rows compared with one query.
        gathered: For scattered rows, which must be copied together first.
        multiplied: For rows compared with one of many queries, in a matrix product.
    """

    scanned: float = 0.0005
    gathered: float = 0.002
    multiplied: float = 0.00006


@functools.cache
def machine_costs() -> Costs:
    """The costs on this machine: from the cache, or measured now."""
    path = cache_folder() / "costs.json"
    try:
        stored = json.loads(path.read_text())
        costs = Costs(**{field.name: float(stored[field.name]) for field in fields(Costs)})
        if stored["format"] == _FORMAT and _plausible(costs):
            return costs
    except (OSError, ValueError, TypeError, KeyError):
        pass  # it is missing or invalid, and is measured again
    costs = _measured()
    if not _plausible(costs):
        return Costs()
    with suppress(OSError):  # it is measured again next time
        replace_file(path, [json.dumps({"format": _FORMAT, **asdict(costs)}).encode()])
    return costs


def _plausible(costs: Costs) -> bool:
    return all(0 < cost < 1 for cost in asdict(costs).values())


@dataclass(frozen=True)
class PlannerInput:
    """What the planner knows about a query.

    Attributes:
        queries: The number of queries in the call.
        k: The number of neighbors requested.
        dimension: The length of a vector.
        records: Live records.
        matches: Records that pass the filter; `records` if there is none.
        filtered: Whether there is a filter.
        gathered: Whether the matching rows are contiguous already.
        covered: Rows in the graph, including dead ones; 0 without a graph.
        max_neighbors: The M that the graph was built with.
        tail: Live records that the graph lacks.
        ef: Candidates that the graph keeps to reach the target recall.
        index: The state of the index, in words.
    """

    queries: int
    k: int
    dimension: int
    records: int
    matches: int
    filtered: bool
    gathered: bool
    covered: int
    max_neighbors: int
    tail: int
    ef: int
    index: str


def choose_plan(query: PlannerInput, costs: Costs) -> QueryPlan:
    """Choose the cheapest method that keeps the recall.

    A walk through the graph finds matches of a filter only among near records. It therefore fetches
    enough candidates for k of them to pass, given the share of records that do and a margin of three
    standard deviations.
    """
    scan = _scan_cost(query, costs)
    estimates = {"exact scan": scan}
    fetched = ef = None
    if query.covered and query.matches:
        share = min(query.matches / query.covered, 1.0)
        wanted = query.k + (_SURE * math.sqrt(query.k) if share < 1 else 0) + _SPARE
        wider = _WIDER if query.filtered else 1.0
        ef = min(math.ceil(wider * max(query.ef, wanted / share)), query.covered)
        fetched = ef if query.filtered else min(math.ceil(wanted / share), query.covered)
        visited = min(ef * _NEW_PER_STEP * query.max_neighbors, query.covered)
        row = _JUMP + query.dimension * costs.scanned * _IN_PARTS
        walk = query.queries * visited * row
        tail = min(query.tail, query.matches)
        estimates["index"] = walk / 1000 + _rows_cost(query, costs, tail, adjoining=True)
    method = min(estimates, key=lambda name: estimates[name])
    if method == "exact scan":
        fetched = ef = None
    return QueryPlan(
        method=method,
        reason=_reason(query, method),
        queries=query.queries,
        k=query.k,
        records=query.records,
        matches=query.matches,
        tail=query.tail if method == "index" else 0,
        fetched=fetched,
        ef=ef,
        index=query.index,
        estimates=estimates,
    )


def _scan_cost(query: PlannerInput, costs: Costs) -> float:
    dense = query.matches > 0.4 * query.records and not query.gathered
    rows = query.records if dense else query.matches
    return _rows_cost(query, costs, rows, adjoining=dense or query.gathered)


def _rows_cost(query: PlannerInput, costs: Costs, rows: int, *, adjoining: bool) -> float:
    """Milliseconds to compare a number of rows with all queries."""
    numbers = rows * query.dimension
    one = numbers * (costs.scanned if adjoining else costs.gathered)
    more = (query.queries - 1) * numbers * costs.multiplied
    return (one + more + query.queries * rows * _SELECTED) / 1000


def _reason(query: PlannerInput, method: str) -> str:
    of = (
        f"{query.matches:,} of {query.records:,} records match"
        if query.filtered
        else f"{query.records:,} record{'' if query.records == 1 else 's'}"
    )
    if not query.matches:
        return "no record matches" if query.filtered else "there are no records"
    if not query.covered:
        return f"{of}; {query.index}"
    if method == "exact scan":
        return f"{of}; an exact scan is cheaper than the index"
    return f"{of}; the index is cheaper than an exact scan"


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
    """Time a step: microseconds per number, the best of five runs."""
    clock, best = _clock(), float("inf")
    for _ in range(5):
        start = clock()
        step()
        best = min(best, clock() - start)
    return best * 1e6 / numbers


def _clock() -> Callable[[], float]:
    """The CPU time of the thread; where it moves in large steps (16 ms on Windows), the time."""
    start = time.thread_time()
    while (now := time.thread_time()) == start:
        pass
    return time.thread_time if now - start < _FINE else time.perf_counter
