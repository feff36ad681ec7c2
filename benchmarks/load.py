"""chromalab and chromadb under load: 64 threads of one process that write and query at once.

It is `store.py`'s comparison, with the glosses mapped to 384 dimensions. Each thread adds 1 to 10 records, then
asks for the 10 nearest of one query, and so on. The systems take turns with rounds of the load.

    python benchmarks/load.py --rounds 3
    python benchmarks/load.py --write
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from analytics_ours import WIDE, wide
from glosses import QUERIES, SINGLES, SOURCE, Glosses
from peers import PEERS
from store import Bench
from tables import Row, table, write

NAMES = ["chromalab", "chromadb"]
CALLS = 10  # per thread and round; every other one writes
LARGEST = 10  # records per write
KINDS = {"writes": "write, 1 to 10 records", "queries": "query"}


class Load(Bench):
    """The rounds of one run."""

    def __init__(
        self, glosses: Glosses, folder: Path, rows: int, rounds: int, threads: int
    ) -> None:
        super().__init__(glosses, folder, NAMES, rounds)
        self._count = rows
        self._threads = threads
        self.fills = 1

    def run(self) -> None:
        """Fill the stores, then load them."""
        self._glosses.write(self._folder)
        self._fill()
        times: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
        calls, cpu = Row("calls per second"), Row("CPU per call, ms", 1e3)
        with self._workers() as workers:
            for worker in workers.values():
                worker.ask("finish")
            next_row = self._count
            for number in range(1 + self._rounds):
                plan, next_row = self._plan(next_row)
                for name in self._turn(NAMES, number):
                    answer = workers[name].ask("load", plan=plan)
                    if not number:  # opens connections and loads the index
                        continue
                    for kind in KINDS:
                        times[kind].setdefault(name, []).extend(answer[kind])
                    ((wall, used),) = answer["samples"]
                    done = self._threads * CALLS
                    calls.samples.setdefault(name, []).append([done / wall])
                    cpu.samples.setdefault(name, []).append([used / done])
        self.rows = [calls, cpu]
        for kind, label in KINDS.items():
            for share in (50, 99):
                row = Row(f"{label}, p{share}, ms", 1e3)
                for name in NAMES:
                    row.samples[name] = [[float(np.percentile(times[kind][name], share))]]
                self.rows.append(row)

    def _plan(self, next_row: int) -> tuple[list[list[list[int]]], int]:
        """Return the calls of each thread, and the first row that none of them adds.

        A call is the first row and the number of rows to add, or one query.
        """
        plan = []
        for _ in range(self._threads):
            calls: list[list[int]] = []
            for _ in range(CALLS // 2):
                size = int(self._rng.integers(1, LARGEST, endpoint=True))
                calls += [[next_row, size], [int(self._rng.integers(QUERIES))]]
                next_row += size
            plan.append(calls)
        return plan, next_row


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000, help="records before the load")
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--glosses", type=Path, default=SOURCE, help="the table of glosses")
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    options = parser.parse_args()
    added = (1 + options.rounds) * options.threads * CALLS // 2 * LARGEST
    with tempfile.TemporaryDirectory(prefix="chromalab-bench-") as folder:
        glosses = Glosses.make(options.rows + added - SINGLES, options.glosses)
        mapped = replace(glosses, vectors=wide(glosses.vectors), queries=wide(glosses.queries))
        bench = Load(mapped, Path(folder), options.rows, options.rounds, options.threads)
        bench.run()
    versions = ", ".join(
        f"{PEERS[name].distribution} {importlib.metadata.version(PEERS[name].distribution)}"
        for name in [*NAMES, "hnswlib", "numpy"]
    )
    command = shlex.join(["python", "benchmarks/load.py", *sys.argv[1:]])
    lines = [
        f"`{command}`: {options.rows:,} records, {WIDE} dimensions, cosine, {options.threads} threads;",
        f"{os.cpu_count()} processors, Python {platform.python_version()}, {versions}.",
        f"{options.rounds} alternating rounds of {CALLS} calls per thread: medians of the rounds, and "
        "percentiles of all calls.",
        "",
        *table(bench.rows, NAMES, ("chromadb", "chromalab")),
    ]
    text = "\n".join(lines)
    print(text)
    if options.write:
        write("load.py", text)


if __name__ == "__main__":
    main()
