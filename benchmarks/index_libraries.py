"""The libraries of the index side by side: the same graph, built, queried and loaded by each.

Rounds alternate, and the CPU time of the best one counts. The rows are random vectors with 32 degrees of
freedom, so a graph finds their neighbors as reliably as those of texts.

    python benchmarks/index_libraries.py
    python benchmarks/index_libraries.py --rows 100000 --dimension 384 --rounds 5
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.index.hnsw import HnswGraph, comparable
from chromalab.engine.index.library import Hnswlib, Index, Parameters, Voyager

QUERIES, EFS = 1_000, (40, 100, 200)


def drawn(rows: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """Draw vectors (rows, dimension)."""
    spread = np.random.default_rng(0).standard_normal((32, dimension))
    return (np.random.default_rng(seed).standard_normal((rows, 32)) @ spread).astype(np.float32)


def timed(step: Callable[[], object]) -> float:
    """CPU seconds of a step."""
    start = time.process_time()
    step()
    return time.process_time() - start


def main() -> None:
    """Print a table of CPU times, and of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    made = Parameters("cosine", chosen.dimension, max_neighbors=16, ef_construction=100)
    vectors = drawn(chosen.rows, chosen.dimension, 1)
    queries = comparable(made, drawn(QUERIES, chosen.dimension, 2))
    first = HnswGraph.begin(made, vectors, 0, chosen.rows).memory()
    rows, slots = comparable(made, vectors[1:]), np.arange(1, chosen.rows)
    kinds: list[type[Index]] = [Hnswlib, Voyager]
    for kind in kinds:
        import_module(kind.name)
    best: dict[tuple[str, str], float] = {}
    for turn in range(chosen.rounds):
        for kind in kinds if turn % 2 else kinds[::-1]:
            index = kind(made, first, chosen.rows)
            steps = {
                "build, s": (1.0, lambda index=index: index.add(rows, slots, 1)),
                **{
                    f"one query, ef {ef}, us": (
                        1e6 / QUERIES,
                        lambda index=index, ef=ef: [
                            index.search(query[np.newaxis], 10, ef, 1) for query in queries
                        ],
                    )
                    for ef in EFS
                },
                "save and load, s": (
                    1.0,
                    lambda index=index, kind=kind: kind(made, index.memory()),
                ),
            }
            for label, (factor, step) in steps.items():
                taken = factor * timed(step)
                best[label, kind.name] = min(taken, best.get((label, kind.name), taken))
    print(f"{chosen.rows:,} rows of {chosen.dimension}; CPU time, best of {chosen.rounds} rounds\n")
    print("| | hnswlib | voyager | voyager / hnswlib |\n|---|---:|---:|---:|")
    for label in dict.fromkeys(label for label, _ in best):
        ours, other = best[label, "hnswlib"], best[label, "voyager"]
        print(f"| {label} | {ours:.3g} | {other:.3g} | {other / ours:.2f} |")


if __name__ == "__main__":
    main()
