"""chromalab and chromadb side by side at several sizes: queries at equal recall, delete, new process.

It is `store.py`'s measurement, on one core and with the glosses mapped to 384 dimensions, for the questions
that depend on the number of records.

    python benchmarks/sizes.py --rows 1000,5000 --rounds 3
    python benchmarks/sizes.py --write
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

from analytics_ours import WIDE, wide
from glosses import SOURCE, Glosses, Truth
from peers import PEERS
from store import BATCH, SINGLE, Bench
from tables import Row, write

NAMES = ["chromalab", "chromadb"]
SIZES = [1_000, 5_000, 20_000, 50_000, 117_000]


class Size(Bench):
    """The measurements at one size."""

    def run(self) -> None:
        """Measure the queries, the start of a process and the delete, in this order."""
        self.fills = 1
        self._glosses.write(self._folder)
        self._fill()
        with self._workers() as workers:
            self._tune(workers)
            truth = Truth(self._glosses, self._among())
            self.rows = []
            self._ask(self._row("one query, ms", 1e3), workers, truth, SINGLE)
            self._ask(self._row("batch of 100 queries, ms", 1e3), workers, truth, BATCH, size=BATCH)
        self._new_process()
        deletes = self._row("delete of 10 %, ms", 1e3), Row("until the index has settled")
        with self._workers() as workers:
            self._delete(workers, 1, deletes)  # only in the first are queries measured again


def lines(count: int, bench: Size) -> list[str]:
    """Return the rows of the table: CPU time and recall of each system, and the ratio."""
    found = []
    for row in bench.rows:
        cells = [f"{count:,}", row.label]
        cells += [row.cell(name).partition(" / ")[2] for name in NAMES]
        cells.append(row.ratio("chromadb", "chromalab").partition(" / ")[2])
        found.append(f"| {' | '.join(cells)} |")
    return found


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--glosses", type=Path, default=SOURCE, help="the table of glosses")
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    table = [
        "| records | CPU time | chromalab | chromadb | chromadb / chromalab |",
        "|---:|---|---:|---:|---:|",
    ]
    for count in map(int, options.rows.split(",")):
        with tempfile.TemporaryDirectory(prefix="chromalab-bench-") as folder:
            glosses = Glosses.make(count, options.glosses)
            mapped = replace(glosses, vectors=wide(glosses.vectors), queries=wide(glosses.queries))
            bench = Size(mapped, Path(folder), NAMES, options.rounds)
            bench.run()
            found = lines(count, bench)
            table += found
            print(*found, sep="\n", file=sys.stderr, flush=True)
    versions = ", ".join(
        f"{PEERS[name].distribution} {importlib.metadata.version(PEERS[name].distribution)}"
        for name in [*NAMES, "hnswlib", "numpy"]
    )
    command = shlex.join(["python", "benchmarks/sizes.py", *sys.argv[1:]])
    head = [
        f"`{command}`: {WIDE} dimensions, cosine; one core, Python {platform.python_version()}, {versions}.",
        f"Medians of {options.rounds} alternating rounds, one delete; CPU time, then recall@10.",
        "",
    ]
    text = "\n".join(head + table)
    print(text)
    if options.write:
        write("sizes.py", text)


if __name__ == "__main__":
    main()
