"""The cases of `feedback`: what is judged, what is learned, and how well it does, as tables."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from alone import Meter
from analytics_cases import Table
from feedback_bench import COUNTS, Bench, each, judge, met, opened, part_of, points, there
from feedback_few import few, thumbs
from feedback_peers import SETTINGS, adapter, cookbook
from feedback_sets import OTHERS, STORED, Pairs, Retrieval, Vectors, entailed, large, other, stored
from feedback_stress import reasons, stress
from texts import Absent

from chromalab.cores import one_thread_blas
from chromalab.feedback import ResolvedJudgments, Transform, TuneReport, tune

__all__ = ["CASES"]

BARS = {"cran": (0.4, 1.0, 2.0), "chunks": (0.8, 2.0, 3.3), "bank_ir": (0.7, 1.5, 3.7)}
"""The target gain of nDCG@10 in points, for 50, 200 and 1,000 judgments."""

_WORST = -0.3  # points, for any seed
_HEADS = ["set", "base nDCG@10", "judgments", "points", "per seed", "worst", "admitted"]
_HARM = -0.2  # points
_PAIRS_LOSS = 0.5  # points of accuracy
_SECONDS = 5.0  # CPU time, which equals the wall time of an idle core
_LATER = 100  # sets that were not used to choose constants also have other seeds
_OURS: dict[str, dict[str, str]] = {
    "sides='queries'": {"sides": "queries"},
    "infonce": {"method": "infonce"},
    "mahalanobis": {"method": "mahalanobis"},
    "ridge": {"method": "ridge"},
    "memory": {"method": "memory"},
}


def retrieval(bench: Bench) -> Table:
    """Measure held-out queries with all known answers."""
    table = Table([*_HEADS, "target", "reached"])
    _fill(table, bench, there(table, STORED), bench.seeds)
    with contextlib.suppress(Absent):
        table.notes.append(_by_collection(bench, stored("cran")))
    return table


def others(bench: Bench) -> Table:
    """Measure sets that were not used to choose any constant."""
    table = Table(_HEADS)
    sets = there(table, OTHERS, partial(other, folder=bench.folder))
    _fill(table, bench, sets, [seed + _LATER for seed in bench.seeds])
    return table


def methods(bench: Bench) -> Table:
    """Compare methods without a gate with published methods."""
    heads = [f"{name} {count:,}" for name in STORED for count in COUNTS]
    table = Table(["method", *heads, "mean", "worst", f"below {_HARM}"])
    sets = list(there(table, STORED))
    ways: dict[str, Callable[[Retrieval, int, int], float]] = {
        "default": lambda data, seed, count: points(
            data, seed, bench.default(data, seed, count).transform
        ),
        "default, gate off": lambda data, seed, count: points(
            data, seed, _learned(bench.default(data, seed, count))
        ),
    }
    for label, options in _OURS.items():
        ways[f"{label}, gate off"] = partial(_off, options)
    for batch, rate in SETTINGS:
        ways[f"cookbook's matrix, batch {batch}, rate {rate:g}"] = partial(_cookbook, batch, rate)
    ways["query adapter, triplets"] = _adapter
    for label, way in ways.items():
        bench.say(label)
        cells, every = [], []
        for data in sets:
            for count in COUNTS:
                found = [way(data, seed, count) for seed in bench.seeds]
                cells.append(f"{np.mean(found):+.2f}")
                every += found
        if every:
            harmed = f"{sum(one < _HARM for one in every)} of {len(every)}"
            table.add(label, *cells, f"{np.mean(every):+.2f}", f"{min(every):+.2f}", harmed)
    return table


def pairs(bench: Bench) -> Table:
    """Run the task of the cookbook: do two sentences belong together?"""
    heads = ["wrong partner", "system", "accuracy %", "per seed", "admitted", "target"]
    table = Table([*heads, "reached"])
    for hard in (False, True):
        label = "one of the 5 nearest" if hard else "any"
        try:
            parts = [entailed(bench.folder, seed, hard=hard) for seed in bench.seeds]
        except Absent as error:
            table.notes.append(f"Without pairs: {error}")
            break
        reports, theirs = [], []
        for seed, (train, _) in zip(bench.seeds, parts, strict=True):
            bench.say(f"pairs, {label}, seed {seed}")
            judged, grades = _as_pairs(train)
            reports.append(tune(ResolvedJudgments.of(train.left, train.right, judged, grades)))
            given = (train.left, train.right, judged, grades)
            theirs.append(cookbook(*given, batch=100, rate=100.0, seed=seed))
        base = [_accuracy(*part, lambda x: x, lambda x: x) for part in parts]
        admitted = f"{sum(report.admitted for report in reports)} of {len(reports)}"
        for system, maps, gate in (
            ("chromalab", [report.transform for report in reports], admitted),
            ("chromalab, gate off", list(map(_learned, reports)), ""),
        ):
            found = [
                _accuracy(*part, made.queries, made.documents)
                for part, made in zip(parts, maps, strict=True)
            ]
            loss = max(one - other for one, other in zip(base, found, strict=True))
            bar = [f"at most {_PAIRS_LOSS} lost", met(loss <= _PAIRS_LOSS + 1e-9)]
            table.add(label, system, *each(found), gate, *(bar if gate else ("", "")))
        found = [
            _accuracy(*part, lambda x, m=matrix: x @ m, lambda x, m=matrix: x @ m)
            for part, matrix in zip(parts, theirs, strict=True)
        ]
        table.add(label, "cookbook's matrix, batch 100, rate 100", *each(found), "", "", "")
        table.add(label, "no transform", *each(base), "", "", "")
    return table


def seconds(bench: Bench) -> Table:
    """Measure the cost on one core, and whether the same seed gives the same bytes on all cores."""
    heads = ["records", "queries", "judgments", "CPU s", "wall s", "at most", "reached"]
    table = Table([*heads, "same bytes"])
    for data in there(table, ["bank_ir and chunks"], large):
        for queries in (50, 100, 231):
            log = data.judged(bench.seeds[0], 1000, most=queries, depth=60)
            judged, meter = data.as_judged(log), Meter()
            bench.say(f"{len(log)} judgments of {queries} queries, on one core")
            with _one_core(), meter:
                alone = tune(judged)
            again = tune(judged)
            same = _learned(alone).digest == _learned(again).digest
            table.add(
                f"{len(data.documents):,} x {data.documents.shape[1]}", str(queries), f"{len(log):,}",
                meter.cpu, meter.wall, f"{_SECONDS:g}", met(meter.cpu <= _SECONDS), met(same),
            )  # fmt: skip
    return table


def _fill(table: Table, bench: Bench, sets: Iterable[Retrieval], seeds: list[int]) -> None:
    for data in sets:
        base = f"{np.mean([data.base(seed) for seed in seeds]):.3f}"
        for at, count in enumerate(COUNTS):
            reports = [bench.default(data, seed, count) for seed in seeds]
            found = [
                points(data, seed, report.transform)
                for seed, report in zip(seeds, reports, strict=True)
            ]
            drawn = sorted({len(report.judged) for report in reports})
            given = f"{drawn[0]:,}" + (f" to {drawn[-1]:,}" if len(drawn) > 1 else "")
            admitted = f"{sum(report.admitted for report in reports)} of {len(reports)}"
            cells = [data.name, base, given, *each(found, "+.2f"), f"{min(found):+.2f}", admitted]
            if data.name in BARS:
                bar = BARS[data.name][at]
                good = np.mean(found) >= bar and min(found) >= _WORST
                cells += [f"{bar:+.1f}", met(bool(good))]
            table.add(*cells)


def _learned(report: TuneReport) -> Transform:
    """Return the transform that the gate was asked about, admitted or not."""
    return report.candidate or report.transform


def _off(options: dict[str, str], data: Retrieval, seed: int, count: int) -> float:
    judged = data.as_judged(data.judged(seed, count))
    return points(data, seed, tune(judged, gate="off", **options).transform)


def _cookbook(batch: int, rate: float, data: Retrieval, seed: int, count: int) -> float:
    log = data.judged(seed, count)
    with one_thread_blas():
        matrix = cookbook(
            data.queries, data.documents, log.pairs, log.grades, batch=batch, rate=rate, seed=seed
        )
        return data.points(seed, data.queries @ matrix, data.documents @ matrix)


def _adapter(data: Retrieval, seed: int, count: int) -> float:
    log = data.judged(seed, count)
    with one_thread_blas():
        matrix = adapter(data.queries, data.documents, log.pairs, log.grades, seed=seed)
        return data.points(seed, data.queries @ matrix.T, data.documents)


def _as_pairs(part: Pairs) -> tuple[Any, Vectors]:
    rows = np.arange(len(part.left))
    pairs = np.concatenate([np.stack([rows, rows], axis=1), np.stack([rows, part.wrong], axis=1)])
    return pairs, np.repeat(np.float32([1, -1]), len(rows))


def _accuracy(
    train: Pairs, test: Pairs, left: Callable[[Any], Any], right: Callable[[Any], Any]
) -> float:
    """Return the accuracy in percent, at the cosine threshold that is best for the training pairs."""
    scores = []
    for part in (train, test):
        rows, grades = _as_pairs(part)
        sides = [left(part.left)[rows[:, 0]], right(part.right)[rows[:, 1]]]
        u, v = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
        scores.append((np.einsum("ij,ij->i", u, v), grades > 0))
    (known, right_ones), (asked, truth) = scores
    order = np.argsort(-known, kind="stable")
    correct = np.cumsum(np.where(right_ones[order], 1, -1))
    at = int(correct.argmax())
    border = known[order][at : at + 2].mean()
    return 100 * float(((asked >= border) == truth).mean())


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _by_collection(bench: Bench, data: Retrieval) -> str:
    """Judge, tune and query through a collection, and compare with arrays."""
    seed = bench.seeds[0]
    log = data.judged(seed, 1000)
    log = part_of(log, np.argsort(log.pairs[:, 0], kind="stable"))
    asked, rows = np.unique(log.pairs[:, 0], return_inverse=True)
    pairs = np.stack([rows, log.pairs[:, 1]], axis=1)
    report = tune(ResolvedJudgments.of(data.queries[asked], data.documents, pairs, log.grades))
    _, test, _ = data.split(seed)
    with opened(data) as collection:
        judge(collection, data, log, "a person")
        tuned = collection.tune(progress=False)
        found = collection.query(query_embeddings=data.queries[test], n_results=10, include=[])
    ranked = np.array([[int(id) for id in ids] for ids in found["ids"]])
    by_collection = 100 * (data.ndcg(test, ranked) - data.base(seed))
    same = tuned.transform.digest == report.transform.digest
    return (
        f"{data.name} with {len(log):,} judgments, seed {seed}, through a collection (add, feedback.add, "
        f"tune, query): {by_collection:+.2f} points; with arrays in the same order: "
        f"{points(data, seed, report.transform):+.2f}; the transform is "
        f"{'identical, byte for byte' if same else 'a different one'}."
    )


CASES: dict[str, Callable[[Bench], Table]] = {
    "retrieval": retrieval,
    "methods": methods,
    "stress": stress,
    "reasons": reasons,
    "thumbs": thumbs,
    "few": few,
    "pairs": pairs,
    "seconds": seconds,
    "others": others,
}
"""Name -> function that measures it."""
