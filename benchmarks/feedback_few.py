"""Judgments of 5 to 15 queries, for `feedback`: are random ones refused, and sound ones admitted?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain

import numpy as np
from analytics_cases import Table
from feedback_bench import Bench, met, points, there
from feedback_sets import OTHERS, STORED, Log, Retrieval, other
from numpy.typing import NDArray

from chromalab.feedback import TuneReport, tune
from chromalab.tuning.gate import Gate, by_chance, decide, enough
from chromalab.tuning.training_set import TrainingSet

__all__ = ["few", "thumbs"]

_MOST = 0.02  # share of random logs that may be admitted
_COIN = "each thumb at random"
_KINDS = {
    _COIN: 20,
    "up, down, up and so on": 3,
    "top ranks up, the others down": 2,
    "all down": 1,
    "for each query, any of these or all up": 3,
}
"""How records are judged without reading them -> logs of each set."""


def thumbs(bench: Bench) -> Table:
    """Judge displayed records without reading them."""
    table = Table(["judgments", "logs", "refused before learning", "admitted", "points"])
    sets = list(_sets(bench, table))
    total = wrong = 0
    for kind, count in _KINDS.items():
        early, gained = 0, []
        for data in sets:
            for seed in range(count):
                bench.say(f"{data.name}, {kind}, seed {seed}")
                log = _thumbs(data, kind, seed)
                report = tune(data.as_judged(log))
                early += report.held_out is None
                if report.admitted:
                    gained.append(points(data, seed, report.transform))
        logs = count * len(sets)
        total, wrong = total + logs, wrong + len(gained)
        shown = ", ".join(f"{one:+.2f}" for one in gained)
        table.add(kind, str(logs), str(early), str(len(gained)), shown)
    share = wrong / max(total, 1)
    table.notes.append(
        f"{wrong} of {total} logs are admitted ({share:.1%}); at most {_MOST:.0%} reached: "
        f"{met(share <= _MOST)}."
    )
    return table


def few(bench: Bench) -> Table:
    """Compare the gate with the veto alone, on sound judgments."""
    heads = ["judgments", "set", "logs", "admitted", "by the veto alone", "points"]
    table = Table([*heads, "by the veto alone", "without a gate"])
    rows = []
    for data in _sets(bench, table):
        for kind in ("displayed", "judged"):
            found = []
            for seed in bench.seeds:
                bench.say(f"{data.name}, {kind}, seed {seed}")
                queries, each, _ = _size(seed)
                log = getattr(data, kind)(seed, queries * each, most=queries)
                found.append(_compare(data, seed, log))
            rows += found
            table.add(kind, data.name, str(len(found)), *_cells(found))
    if rows:
        table.add("all", "", str(len(rows)), *_cells(rows))
    return table


def _sets(bench: Bench, table: Table) -> Iterator[Retrieval]:
    made = partial(other, folder=bench.folder)
    return chain(there(table, STORED), there(table, OTHERS, made))


def _size(seed: int) -> tuple[int, int, np.random.Generator]:
    """Return the number of queries, of judgments per query, and the generator that drew them."""
    random = np.random.default_rng([seed, 14])
    return int(random.integers(5, 16)), (5, 10)[seed % 2], random


def _thumbs(data: Retrieval, kind: str, seed: int) -> Log:
    queries, each, random = _size(seed)
    log = data.displayed(seed, queries * each, most=queries)
    grades = np.empty(len(log), dtype=np.float32)
    for query in np.unique(log.pairs[:, 0]):
        mine = np.flatnonzero(log.pairs[:, 0] == query)
        near = data.documents[log.pairs[mine, 1]] @ data.queries[query]
        grades[mine[np.argsort(-near)]] = _clicked(kind, len(mine), random)
    return Log(log.pairs, grades)


def _clicked(kind: str, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the grades of records in the order of their ranks."""
    ways = [
        random.integers(0, 2, count) * 2 - 1,
        1 - 2 * (np.arange(count) % 2),
        np.where(np.arange(count) < random.integers(1, max(count, 2)), 1, -1),
        np.full(count, -1),
        np.full(count, 1),
    ]
    at = list(_KINDS).index(kind)
    return ways[at if at < len(ways) - 1 else int(random.integers(len(ways)))]


def _compare(data: Retrieval, seed: int, log: Log) -> tuple[bool, bool, float]:
    """Return whether the gate and the veto alone admit what is learned, and the change in points."""
    judged = data.as_judged(log)
    if not (log.grades > 0).any():
        return False, False, 0.0
    report = tune(judged, gate="off")
    seen = TrainingSet.of(judged, 0)
    ours, veto = (_admits(seen, report, len(log), gate) for gate in ("auto", "veto"))
    return ours, veto, points(data, seed, report.transform)


def _admits(seen: TrainingSet, report: TuneReport, judgments: int, gate: Gate) -> bool:
    chance = by_chance(seen, gate, random_state=0)
    if report.held_out is None or enough(seen, chance, random_state=0) is not None:
        return False
    return decide(report.held_out, judgments, gate).admitted


def _cells(found: list[tuple[bool, bool, float]]) -> list[str]:
    ours, veto, gained = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    counts = [f"{int(side.sum())}" for side in (ours, veto)]
    return [
        *counts,
        *(f"{(side * gained).mean():+.2f}" for side in (ours, veto, np.ones(len(found)))),
    ]
