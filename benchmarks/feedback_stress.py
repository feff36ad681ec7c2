"""Wrong or too few judgments, for `feedback`: is the transform learned from them refused?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from analytics_cases import Table
from feedback_bench import COUNTS, Bench, each, judge, met, opened, part_of, points, there
from feedback_sets import STORED, Log, Retrieval

from chromalab.feedback import tune

__all__ = ["reasons", "stress"]

_WORST_FLIPPED = -0.5  # points, for any seed


def stress(bench: Bench) -> Table:
    """Measure wrong judgments with the default gate."""
    heads = ["judgments", "set", "count", "points", "per seed", "admitted", "target", "reached"]
    table = Table(heads)
    for data in there(table, STORED):
        size = len(data.documents)
        logs: list[tuple[str, int, Callable[[Log, int], Log], str]] = [
            ("30 % of grades flipped", 200, lambda log, seed: log.flipped(0.3, seed), "no harm"),
            *(
                ("documents shuffled", count, lambda log, seed: log.shuffled(seed), "refused")
                for count in COUNTS
            ),
            *(("ids scrambled", count, partial(_scrambled, size), "refused") for count in COUNTS),
            ("all grades random", 200, lambda log, seed: log.random(seed), ""),
        ]
        for label, count, spoil, asked in logs:
            given = {seed: spoil(data.judged(seed, count), seed) for seed in bench.seeds}
            _measure(bench, table, data, label, count, given, asked)
        for label, most in (("one of the top ten", None), ("all of the top ten", 20)):
            shown = {seed: data.displayed(seed, 200, most=most) for seed in bench.seeds}
            _measure(bench, table, data, f"{label} per query", 200, shown, "")
    return table


def reasons(bench: Bench) -> Table:
    """Show the reasons a collection reports for judgments from which nothing can be learned."""
    table = Table(["judgments", "count", "reason"])
    for data in there(table, ["cran"]):
        seed = bench.seeds[0]
        log = data.judged(seed, 200)
        relevant = log.grades > 0
        cases = {
            "few": [part_of(log, [*range(4), *range(-4, 0)])],
            "of one query": [_of_one(data, seed)],
            "relevant only": [part_of(log, relevant)],
            "not relevant only": [part_of(log, ~relevant)],
            "two people disagree on everything": [log, Log(log.pairs, -log.grades)],
            "documents shuffled": [log.shuffled(seed)],
        }
        for label, logs in cases.items():
            with opened(data) as collection:
                for number, part in enumerate(logs):
                    judge(collection, data, part, f"person {number}")
                report = collection.tune(progress=False)
                table.add(label, str(sum(map(len, logs))), report.reason)
                if report.admitted or collection.transforms.active is not None:
                    table.notes.append(f"{label}: admitted, although it should have been refused.")
    return table


def _of_one(data: Retrieval, seed: int) -> Log:
    """Judge the top 20 documents of the query that has the most answers among them."""
    train, _, _ = data.split(seed)
    shown = data.ranked(data.queries[train], data.documents, 20)
    hits = np.take_along_axis(data.truth[train], shown, axis=1)
    most = int(hits.sum(axis=1).argmax())
    pairs = np.stack([np.full(20, train[most]), shown[most]], axis=1)
    return Log(pairs, np.where(hits[most], 1, -1).astype(np.float32))


def _measure(
    bench: Bench,
    table: Table,
    data: Retrieval,
    label: str,
    count: int,
    logs: dict[int, Log],
    asked: str,
) -> None:
    bench.say(f"{data.name}, {label}, {count}")
    reports = {seed: tune(data.as_judged(log)) for seed, log in logs.items()}
    found = [points(data, seed, report.transform) for seed, report in reports.items()]
    admitted = sum(report.admitted for report in reports.values())
    harmless = np.mean(found) >= 0 and min(found) >= _WORST_FLIPPED
    reached = {"": "", "refused": met(not admitted), "no harm": met(bool(harmless))}[asked]
    drawn = f"{np.mean([len(log) for log in logs.values()]):,.0f}"
    cells = [*each(found, "+.2f"), f"{admitted} of {len(reports)}", asked, reached]
    table.add(label, data.name, drawn, *cells)


def _scrambled(size: int, log: Log, seed: int) -> Log:
    return log.scrambled(size, seed)
