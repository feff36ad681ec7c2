"""Learning from judgments: the gain on held-out queries, and the absence of harm.

chromalab's public functions are compared with two published methods, re-implemented in `feedback_peers`.

    python benchmarks/feedback.py                                # all of it
    python benchmarks/feedback.py --only retrieval --seeds 100
    python benchmarks/feedback.py --write                        # into README.md
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path

from feedback_bench import Bench
from feedback_cases import CASES
from tables import write

from chromalab.cache import cache_folder


def main() -> None:
    """Run the cases and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=CASES, nargs="+", default=list(CASES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101, 102])
    parser.add_argument("--vectors", type=Path, help="a folder to cache the vectors in")
    parser.add_argument("--write", action="store_true", help="write the tables to README.md")
    options = parser.parse_args()
    folder = options.vectors or cache_folder() / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.seeds, folder, _say)
    seeds = " ".join(map(str, options.seeds))
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("chromalab", "numpy")
    )
    for name in options.only:
        started = time.perf_counter()
        lines = CASES[name](bench).lines()
        text = "\n".join(
            [
                f"`python benchmarks/feedback.py --only {name} --seeds {seeds}`: "
                f"{time.perf_counter() - started:.0f} s, {os.cpu_count()} processors, "
                f"Python {platform.python_version()}, {versions}.",
                "",
                *lines,
            ]
        )
        print(f"{text}\n", flush=True)
        if options.write:
            write(f"feedback.py {name}", text)


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
