"""The store side by side: chromalab, chromadb, bare hnswlib and plain numpy on real text.

The records are WordNet's glosses, embedded with WordLlama; each system has its own process. Every row is
measured in alternating rounds. All systems search with the smallest ef_search that reaches a recall@10 of
0.95 on one half of the held-out queries, and are measured on the other half.

    python benchmarks/store.py --rows 10000
    python benchmarks/store.py --write                           # all glosses; into README.md
    python benchmarks/store.py --rows 1000000 --only chromalab,hnswlib,numpy
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from glosses import QUERIES, SELECTIVITIES, SINGLES, SOURCE, Glosses, Truth
from peers import EF_CONSTRUCTION, PEERS, M
from tables import Row, table, write
from worker import ALONE, Worker, environment

RECALL = 0.95
EFS = [10, 12, 15, 18, 22, 27, 33, 40, 48, 58, 70, 85, 100, 120, 145, 175, 210, 250, 300, 360, 500]
TUNING, MEASURED = range(QUERIES // 2), range(QUERIES // 2, QUERIES)
SINGLE, BATCH, FILTERED = 50, 100, 12  # queries per round
MB = 1e6

Workers = dict[str, Worker]


class Bench:
    """The stores of one run, and the table rows measured in them."""

    def __init__(self, glosses: Glosses, folder: Path, names: Sequence[str], rounds: int) -> None:
        self._glosses = glosses
        self._folder = folder
        self._names = list(names)
        self._rounds = rounds
        self._count = len(glosses.documents) - SINGLES
        self._buckets = glosses.buckets()
        self._rng = np.random.default_rng(1)
        self.fills = 3 if self._count <= 20_000 else 1
        self.efs: dict[str, int] = {}
        self.rows: list[Row] = []
        self.limits: list[Row] = []

    def run(self) -> None:
        """Measure all rows, in the order of the life of a store."""
        self._glosses.write(self._folder)
        self._fill()
        with self._workers() as workers:
            self._tune(workers)
            self._search(workers)
            self._near_limits(workers)
            memory = self._row(
                "resident memory after the queries, all / anonymous / peak since opening, MB"
            )
            for name, worker in workers.items():
                memory.samples[name] = worker.ask("memory")["samples"]
        self._on_disk()
        self._new_process()
        with self._workers(0, stores=True) as workers:
            self._add_singles(workers)
        deletes = (
            self._row("delete of 10 %, s"),
            self._row("delete of 10 %, until the index has settled, s"),
        )
        for fill in range(self.fills):
            with self._workers(fill, stores=True) as workers:
                self._delete(workers, fill, deletes)

    def _fill(self) -> None:
        add = self._row("add until durable, s")
        built = self._row("add and build the index, s")
        for fill in range(self.fills):
            for name in self._turn(self._names, fill):
                _say(f"fill {name}")
                (self._store(fill, name)).mkdir(parents=True)
                with self._workers(fill, only=name) as workers:
                    answer = workers[name].ask("fill")
                if PEERS[name].stores:
                    add.samples.setdefault(name, []).extend(answer["samples"])
                if PEERS[name].indexed:
                    built.samples.setdefault(name, []).append(answer["built"])

    def _tune(self, workers: Workers) -> None:
        """Find the smallest ef_search that reaches the recall, by binary search."""
        truth = Truth(self._glosses, self._among())
        for name, worker in workers.items():
            if not PEERS[name].indexed:
                continue
            low, high = 0, len(EFS) - 1
            while low < high:
                middle = (low + high) // 2
                worker.ask("set_ef", ef=EFS[middle])
                _reopen(worker)
                found = worker.ask("query", queries=list(TUNING), size=BATCH, full=False)["found"]
                if truth.recall(TUNING, found) >= RECALL:
                    high = middle
                else:
                    low = middle + 1
            self.efs[name] = EFS[low]
            worker.ask("set_ef", ef=EFS[low])
            _reopen(worker)
            _say(f"ef_search of {name}: {EFS[low]}")

    def _search(self, workers: Workers) -> None:
        truth = Truth(self._glosses, self._among())
        self._ask(self._row("one query, ms", 1e3), workers, truth, SINGLE)
        self._ask(self._row("batch of 100 queries, ms", 1e3), workers, truth, BATCH, size=BATCH)
        for label, buckets in SELECTIVITIES.items():
            row = self._row(f"one query, filter matches {label}, ms", 1e3)
            truth = Truth(self._glosses, self._among() & (self._buckets < buckets))
            self._ask(row, workers, truth, FILTERED, buckets=buckets)

    def _near_limits(self, workers: Workers) -> None:
        if "chromalab" not in workers:
            return
        pairs = {name: workers[name] for name in ("chromalab", "hnswlib") if name in workers}
        row = Row("one query; bare is hnswlib, ms", 1e3)
        self._ask(row, pairs, Truth(self._glosses, self._among()), SINGLE, full=False)
        self._limit(row)
        pairs = {name: workers[name] for name in ("chromalab", "numpy") if name in workers}
        for label, buckets in SELECTIVITIES.items():
            row = Row(f"filter matches {label}; bare is numpy, ms", 1e3)
            truth = Truth(self._glosses, self._among() & (self._buckets < buckets))
            self._ask(row, pairs, truth, SINGLE, buckets=buckets, full=False)
            self._limit(row)

    def _limit(self, row: Row) -> None:
        """Add the row, with the other system named "bare"."""
        for parts in (row.samples, row.recall):
            for name in [name for name in parts if name != "chromalab"]:
                parts["bare"] = parts.pop(name)
        self.limits.append(row)

    def _ask(self, row: Row, workers: Workers, truth: Truth, count: int, **given: object) -> None:
        """Search in alternating rounds with different queries, after one round that is not counted."""
        asked: list[int] = []
        found: dict[str, list[list[int]]] = {name: [] for name in workers}
        for worker in workers.values():
            worker.ask("query", queries=list(TUNING)[: count if given.get("size") else 3], **given)
        shuffled = self._rng.permutation(MEASURED).tolist()
        for number in range(self._rounds):
            queries = [shuffled[(number * count + step) % len(shuffled)] for step in range(count)]
            asked += queries
            for name in self._turn(list(workers), number):
                answer = workers[name].ask("query", queries=queries, **given)
                row.samples.setdefault(name, []).extend(answer["samples"])
                found[name] += answer["found"]
        for name in workers:
            row.recall[name] = truth.recall(asked, found[name])
        _say(row.label)

    def _on_disk(self) -> None:
        row = self._row("on disk after closing, MB")
        for name in self._names:
            files = {}
            for file in self._store(0, name).rglob("*"):
                status = file.lstat()
                files[status.st_ino] = status.st_blocks * 512 / MB
            row.samples[name] = [[sum(files.values())]]

    def _new_process(self) -> None:
        row = self._row("new process: import, open, first query, s")
        query = json.dumps(self._glosses.queries[MEASURED[0]].tolist())
        for number in range(1 + self._rounds):
            for name in self._turn(self._names, number):
                command = [sys.executable, "-c", ALONE + PEERS[name].cold]
                command += [str(self._store(0, name)), query]
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                wall = time.perf_counter()
                subprocess.run(command, check=True, env=environment(self._folder))
                wall = time.perf_counter() - wall
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
                if number:  # the first round compiles, and reads the files from disk
                    row.samples.setdefault(name, []).append([wall, cpu])
        _say(row.label)

    def _add_singles(self, workers: Workers) -> None:
        row = self._row("add of one document, ms", 1e3)
        parts = np.array_split(np.arange(self._count, self._count + SINGLES), self._rounds)
        for worker in workers.values():
            worker.ask("finish")
        for number, part in enumerate(parts):
            for name in self._turn(list(workers), number):
                answer = workers[name].ask("add", rows=part.tolist())
                row.samples.setdefault(name, []).extend(answer["samples"])
        _say(row.label)

    def _delete(self, workers: Workers, fill: int, deletes: tuple[Row, Row]) -> None:
        rows = self._rng.choice(self._count, self._count // 10, replace=False)
        for name in self._turn(list(workers), fill):
            workers[name].ask("finish")
            deleted = workers[name].ask("delete", rows=rows.tolist())["samples"]
            settled = workers[name].ask("finish")["samples"]
            both = [[sum(parts) for parts in zip(*deleted, *settled, strict=True)]]
            for row, samples in zip(deletes, (deleted, both), strict=True):
                row.samples.setdefault(name, []).extend(samples)
        _say("delete of 10 %")
        if fill == 0:  # the store for which ef_search is tuned
            among = self._among(singles=True)
            among[rows] = False
            row = self._row("one query after the delete, ms", 1e3)
            self._ask(row, workers, Truth(self._glosses, among), SINGLE)

    def _among(self, *, singles: bool = False) -> np.ndarray:
        """Return which records can be found, (n,) bool; the single adds are missing at first."""
        return np.arange(self._count + SINGLES) < self._count + singles * SINGLES

    def _row(self, label: str, scale: float = 1.0) -> Row:
        self.rows.append(Row(label, scale))
        return self.rows[-1]

    def _store(self, fill: int, name: str) -> Path:
        return self._folder / f"store-{fill}" / name

    @contextlib.contextmanager
    def _workers(
        self, fill: int = 0, *, only: str | None = None, stores: bool = False
    ) -> Iterator[Workers]:
        names = [name for name in self._names if only in (None, name)]
        workers = {
            name: Worker(name, self._store(fill, name), self._folder, self._count)
            for name in names
            if PEERS[name].stores or not stores
        }
        try:
            yield workers
        except BaseException:
            for worker in workers.values():
                worker.kill()
            raise
        for worker in workers.values():
            worker.close()

    @staticmethod
    def _turn(names: list[str], number: int) -> list[str]:
        """Rotate the systems, so that a different one starts in each round."""
        first = number % max(len(names), 1)
        return names[first:] + names[:first]


def _reopen(worker: Worker) -> None:
    """Open the store in a new process, and wait until its index is ready."""
    worker.reopen()
    worker.ask("finish")


def report(bench: Bench, glosses: Glosses, options: argparse.Namespace) -> str:
    """Return the tables, with what is needed to read and repeat them."""
    names = options.only
    shown = ["chromalab", "chromadb", "hnswlib", "numpy"]
    versions = ", ".join(
        f"{PEERS[name].distribution} {importlib.metadata.version(PEERS[name].distribution)}"
        for name in names
    )
    efs = ", ".join(f"{name} {ef}" for name, ef in bench.efs.items())
    count = len(glosses.documents) - SINGLES
    given = [word.replace(str(options.glosses), options.glosses.name) for word in sys.argv[1:]]
    command = shlex.join(["python", "benchmarks/store.py", *given])
    lines = [
        f"`{command}`: {count:,} records, {glosses.vectors.shape[1]} dimensions, cosine,",
        f"M={M}, ef_construction={EF_CONSTRUCTION}; {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, {versions}.",
        f"Medians of {options.rounds} alternating rounds, {bench.fills} for operations on a whole "
        f"store; ef_search: {efs}.",
        "",
        "Cells are wall / CPU, then recall@10.",
        "",
        *table(bench.rows, [n for n in shown if n in names], ("chromadb", "chromalab")),
    ]
    if bench.limits:
        lines += ["", "Close to the limits, returning ids only (`include=[]`):", ""]
        lines += table(bench.limits, ["chromalab", "bare"], ("chromalab", "bare"))
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", type=int, help="number of records; by default all glosses that are not held out"
    )
    parser.add_argument("--only", type=_names, default=list(PEERS), help=", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--glosses", type=Path, default=SOURCE, help="the table of glosses")
    parser.add_argument("--write", action="store_true", help="write the tables to README.md")
    options = parser.parse_args()
    if not options.glosses.exists():
        raise SystemExit(
            "The glosses are not in ../shared/data/wordnet next to this checkout. Pass their table "
            "(gzip; synset, lexname, lemmas, gloss; with a header) with --glosses FILE."
        )
    for name in options.only:
        if importlib.util.find_spec(name) is None:
            raise SystemExit(
                f"{name} is not installed. Run make bench, which installs it, or omit it with --only."
            )

    with tempfile.TemporaryDirectory(prefix="chromalab-bench-") as folder:
        _say("embed the glosses")
        glosses = Glosses.make(options.rows, options.glosses)
        bench = Bench(glosses, Path(folder), options.only, options.rounds)
        bench.run()
    text = report(bench, glosses, options)
    print(text)
    if options.write:
        write(f"store.py {options.rows or 'all'}", text)


def _names(given: str) -> list[str]:
    unknown = set(given.split(",")) - set(PEERS)
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(unknown)}; known: {', '.join(PEERS)}"
        )
    return [name for name in PEERS if name in given.split(",")]


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
