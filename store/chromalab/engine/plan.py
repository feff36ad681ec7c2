"""Plain values that say how a query is answered, and how far the index is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Indexing", "Plan", "Preparation", "Recall"]


@dataclass(frozen=True)
class Plan:
    """How a query is answered.

    Attributes:
        method: "exact scan" or "index".
        reason: Why, in words.
        queries: How many at once.
        k: Neighbours asked for.
        records: Live records.
        matches: Those that pass the filter.
        tail: Records that the index lacks, and that are compared besides.
        fetched: Candidates taken from the index for each query.
        ef: Candidates the index holds on its walk.
        index: The state of the index, in words.
        estimates: What each way would take, in milliseconds.
    """

    method: str
    reason: str
    queries: int
    k: int
    records: int
    matches: int
    tail: int
    fetched: int | None
    ef: int | None
    index: str
    estimates: Mapping[str, float]


@dataclass(frozen=True)
class Indexing:
    """How far the index is.

    Attributes:
        indexed: Records that need no index, or are in it.
        total: All records.
        state: In words.
    """

    indexed: int
    total: int
    state: str


@dataclass(frozen=True)
class Preparation:
    """Who wants to know about work in the background.

    Attributes:
        tell: Told how many rows are done, of how many.
        wanted: Asked every few rows whether to go on.
        done: Told when it is done, None, or the error that ended it; not told where it was stopped.
    """

    tell: Callable[[int, int], None] = lambda done, total: None
    wanted: Callable[[], bool] = lambda: True
    done: Callable[[Exception | None], None] = lambda error: None


@dataclass(frozen=True)
class Recall:
    """How many of the true neighbours queries find.

    Attributes:
        value: The mean share of the k nearest that were found; 1.0 is all.
        sample: How many records were asked for their neighbours.
        k: How many neighbours.
        random_state: The seed that chose them.
        method: "exact scan" or "index".
        ef: Candidates the index held on its walk; None for an exact scan.
    """

    value: float
    sample: int
    k: int
    random_state: int
    method: str
    ef: int | None
