"""One query while an index is built in the background, compared with the same query in quiet.

    python benchmarks/beside.py --rows 50000
    python benchmarks/beside.py --write

Each query is timed on its own, as the slow ones matter: wall-clock time, the median and the 95th percentile.
chromalab's first index is built beside queries that compare all records, and is then extended. chromadb
has no build in the background: its index grows inside `add`, which runs in another thread.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from glosses import QUERIES, SINGLES, SOURCE, Glosses
from peers import PEERS, Peer
from tables import write
from worker import BATCH

SHARE, FEWEST = 8, 6_500  # the index is extended by one record in 8; it is not extended by few
QUIET = 300  # queries
Line = tuple[str, list[float], list[float]]


class Beside:
    """One system with its records.

    Args:
        peer: The system.
        glosses: The records and queries.
    """

    def __init__(self, peer: Peer, glosses: Glosses) -> None:
        self._peer = peer
        self._glosses = glosses
        self._asked = 0

    def add(self, start: int, stop: int) -> None:
        """Add records; those after the last are the first ones again, with other ids."""
        count = len(self._glosses.documents) - SINGLES
        for first in range(start, stop, BATCH):
            rows = range(first, min(first + BATCH, stop))
            batch = self._peer.prepare(self._glosses, [row % count for row in rows])
            self._peer.add({**batch, "ids": [str(row) for row in rows]})

    def quiet(self) -> list[float]:
        """Time queries while nothing else is done."""
        return [self._time() for _ in range(QUIET)]

    def while_true(self, running: Callable[[], bool]) -> list[float]:
        """Time queries for as long as a condition is true."""
        times = []
        while running():
            times.append(self._time())
        return times

    def _time(self) -> float:
        query = self._glosses.queries[self._asked % QUERIES][np.newaxis]
        self._asked += 1
        start = time.perf_counter()
        self._peer.query(query, None, True)
        return time.perf_counter() - start


def chromalab(beside: Beside, collection: Any, count: int, more: int) -> list[Line]:
    """Measure beside the first build, and beside its extension."""
    collection.pause_index()
    beside.add(0, count)
    beside.quiet()
    scan = beside.quiet()
    collection.resume_index()

    def lacking() -> bool:
        return collection.get_indexing_status().num_unindexed_ops > 0

    lines = [("chromalab, the first build", scan, beside.while_true(lacking))]
    collection.pause_index()
    beside.add(count, count + more)
    beside.quiet()
    indexed = beside.quiet()
    collection.resume_index()
    lines.append(("chromalab, an extension", indexed, beside.while_true(lacking)))
    return lines


def chromadb(beside: Beside, count: int, more: int) -> list[Line]:
    """Measure beside a thread that adds as many records."""
    beside.add(0, count)
    beside.quiet()
    indexed = beside.quiet()
    adding = threading.Thread(target=beside.add, args=(count, count + more))
    adding.start()
    return [("chromadb, an add", indexed, beside.while_true(adding.is_alive))]


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--only", choices=["chromalab", "chromadb"])
    parser.add_argument("--glosses", type=Path, default=SOURCE, help="the table of glosses")
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    options = parser.parse_args()
    glosses = Glosses.make(options.rows, options.glosses)
    lines: list[Line] = []
    more = max(options.rows // SHARE, FEWEST)
    names = [options.only] if options.only else ["chromalab", "chromadb"]
    for name in names:
        with tempfile.TemporaryDirectory(prefix="chromalab-bench-") as folder:
            peer = PEERS[name](Path(folder), options.rows)
            beside = Beside(peer, glosses)
            if name == "chromalab":
                lines += chromalab(beside, peer._collection, options.rows, more)
            else:
                lines += chromadb(beside, options.rows, more)
            peer.close()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in [*names, "chroma-hnswlib"]]
    command = shlex.join(["python", "benchmarks/beside.py", *sys.argv[1:]])
    text = [
        f"`{command}`: {options.rows:,} records, {glosses.vectors.shape[1]} dimensions;",
        f"{os.cpu_count()} processors, Python {platform.python_version()}, {', '.join(versions)}.",
        "Wall-clock time of one query, median / 95th percentile.",
        "",
        "| beside | quiet, ms | beside it, ms | beside / quiet | queries |",
        "|---|---:|---:|---:|---:|",
    ]
    for label, quiet, beside_it in lines:
        one, other = (1e3 * np.percentile(times, [50, 95]) for times in (quiet, beside_it))
        cells = [" / ".join(f"{value:.2f}" for value in pair) for pair in (one, other)]
        ratio = " / ".join(f"{value:.1f}" for value in other / one)
        text.append(f"| {label} | {cells[0]} | {cells[1]} | {ratio} | {len(beside_it):,} |")
    print("\n".join(text))
    if options.write:
        write("beside.py", "\n".join(text))


if __name__ == "__main__":
    main()
