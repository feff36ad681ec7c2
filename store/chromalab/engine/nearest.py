"""The nearest records to each query."""

from __future__ import annotations

from dataclasses import replace

from chromalab.engine.index import ExactScan, Index
from chromalab.engine.interface import Filter, Rows, Vectors
from chromalab.engine.opened import Opened

__all__ = ["nearest"]


def nearest(
    collection: Opened, queries: Vectors, k: int, filter: Filter, fields: set[str]
) -> list[Rows]:
    """Find the k nearest among the records that match, for each query."""
    collection.check_dimension(queries)
    positions = collection.matching(filter)
    if not len(positions):
        found = [positions for _ in queries]
        distances: list[list[float]] = [[] for _ in queries]
    else:
        index: Index = ExactScan(collection.vectors, collection.entry.space)
        winners, measured = index.search(queries, k, collection.view.slots[positions])
        found = [positions[row] for row in winners]
        distances = measured.tolist()
    rows = collection.batches(found, fields)
    if "distances" not in fields:
        return rows
    return [replace(row, distances=d) for row, d in zip(rows, distances, strict=True)]
