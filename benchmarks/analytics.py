"""The analyses side by side: chromalab's public functions and comparable libraries.

Every measurement is a separate process. The cases are those of `analytics_cases.CASES`.

    python benchmarks/analytics.py --only graph,clusters --rows 2000
    python benchmarks/analytics.py --write                       # all of them; into README.md
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from analytics_cases import CASES, Bench
from tables import write

_NAMED = [
    *("chromalab", "numpy", "scikit-learn", "chroma-hnswlib", "pynndescent", "umap-learn"),
    *("hdbscan", "evoc", "bertopic", "semhash", "rensa"),
]


def machine() -> str:
    """Describe the machine and the versions."""
    versions = []
    for name in _NAMED:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    return (
        f"{os.cpu_count()} processors, Python {platform.python_version()}, {', '.join(versions)}."
    )


def main() -> None:
    """Run the cases and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=_names, default=list(CASES), help=", ".join(CASES))
    parser.add_argument(
        "--rows", type=int, help="the maximum number of records per case; by default all"
    )
    parser.add_argument(
        "--vectors", type=Path, help="a folder to cache the vectors in, for later runs"
    )
    parser.add_argument("--write", action="store_true", help="write the tables to README.md")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if options.vectors is None:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="chromalab-bench-"))
            options.vectors = Path(made)
        options.vectors.mkdir(parents=True, exist_ok=True)
        bench = Bench(options.vectors, options.rows, _say)
        for name in options.only:
            lines = CASES[name](bench).lines()
            some = f" --rows {options.rows}" if options.rows else ""
            made = f"`python benchmarks/analytics.py --only {name}{some}`: {machine()}"
            text = "\n".join([made, "", *lines])
            print(f"{text}\n", flush=True)
            if options.write:
                write(f"analytics.py {name}", text)
    if bench.failed:
        raise SystemExit("Some jobs stopped with an error, which is shown above.")


def _names(given: str) -> list[str]:
    unknown = set(given.split(",")) - set(CASES)
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(unknown)}; known: {', '.join(CASES)}"
        )
    return [name for name in CASES if name in given.split(",")]


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
