"""Chooses how a query is answered, by what each way would cost; and says why."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chromalab.engine.index.costs import Costs
from chromalab.engine.plan import Plan

__all__ = ["Question", "choose"]

_NEW_A_STEP = 0.9  # of a row's max_neighbors, those that a walk has not seen yet
_JUMP = 0.2  # microseconds until a row from anywhere in memory begins to arrive
_SELECTED = 0.0004  # microseconds to keep a row's distance apart from the nearest ones
_IN_PARTS = 1.5  # a row alone costs more than one of many side by side
_WIDER = 4  # how many more candidates a walk holds behind a filter, as it looks further out
_SPARE = 4  # candidates beyond k, as the graph ranks in float32
_SURE = 3  # standard deviations of how many of the candidates pass a filter


@dataclass(frozen=True)
class Question:
    """What a planner knows of a query.

    Attributes:
        queries: How many at once.
        k: Neighbours asked for.
        dimension: Numbers a vector.
        records: Live records.
        matches: Those that pass the filter; `records` where there is none.
        filtered: Whether there is a filter.
        gathered: Whether what passes it lies side by side already.
        covered: Rows in the graph, dead ones included; 0 where there is none.
        max_neighbors: The M it was made with.
        tail: Live records that the graph lacks.
        ef: Candidates the graph holds to reach the recall that is wanted.
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


def choose(asked: Question, costs: Costs) -> Plan:
    """Choose the cheapest way that keeps the recall.

    A walk through the graph finds what passes a filter only among what is near: so many candidates
    are fetched that k of them pass, by the share of records that do and three standard deviations.
    """
    scan = _scan_cost(asked, costs)
    estimates = {"exact scan": scan}
    fetched = ef = None
    if asked.covered and asked.matches:
        share = min(asked.matches / asked.covered, 1.0)
        wanted = asked.k + (_SURE * math.sqrt(asked.k) if share < 1 else 0) + _SPARE
        wider = _WIDER if asked.filtered else 1.0
        ef = min(math.ceil(wider * max(asked.ef, wanted / share)), asked.covered)
        fetched = ef if asked.filtered else min(math.ceil(wanted / share), asked.covered)
        visited = min(ef * _NEW_A_STEP * asked.max_neighbors, asked.covered)
        row = _JUMP + asked.dimension * costs.scanned * _IN_PARTS
        walk = asked.queries * visited * row
        tail = min(asked.tail, asked.matches)
        estimates["index"] = walk / 1000 + _rows_cost(asked, costs, tail, adjoining=True)
    method = min(estimates, key=lambda way: estimates[way])
    if method == "exact scan":
        fetched = ef = None
    return Plan(
        method=method,
        reason=_reason(asked, method),
        queries=asked.queries,
        k=asked.k,
        records=asked.records,
        matches=asked.matches,
        tail=asked.tail if method == "index" else 0,
        fetched=fetched,
        ef=ef,
        index=asked.index,
        estimates=estimates,
    )


def _scan_cost(asked: Question, costs: Costs) -> float:
    dense = asked.matches > 0.4 * asked.records and not asked.gathered
    rows = asked.records if dense else asked.matches
    return _rows_cost(asked, costs, rows, adjoining=dense or asked.gathered)


def _rows_cost(asked: Question, costs: Costs, rows: int, *, adjoining: bool) -> float:
    """Milliseconds to compare some rows with all queries."""
    numbers = rows * asked.dimension
    one = numbers * (costs.scanned if adjoining else costs.gathered)
    more = (asked.queries - 1) * numbers * costs.multiplied
    return (one + more + asked.queries * rows * _SELECTED) / 1000


def _reason(asked: Question, method: str) -> str:
    of = (
        f"{asked.matches:,} of {asked.records:,} records match"
        if asked.filtered
        else f"{asked.records:,} records"
    )
    if not asked.matches:
        return "no record matches" if asked.filtered else "there are no records"
    if not asked.covered:
        return f"{of}; {asked.index}"
    if method == "exact scan":
        return f"{of}: comparing them all is cheaper than the index, and exact"
    return f"{of}: the index is cheaper than comparing them all"
