"""Recall: what share of the true neighbours the index finds, measured on records of the collection."""

from __future__ import annotations

import numpy as np

from chromalab.engine.interface import Filter
from chromalab.engine.nearest import Search
from chromalab.engine.opened import Opened
from chromalab.engine.plan import Recall

__all__ = ["recall"]


def recall(collection: Opened, sample: int, k: int, random_state: int) -> Recall:
    """Ask for the neighbours of some records, each without itself, and compare with a scan.

    A neighbour counts as found if something at most as far is: ties may be broken either way.
    """
    records = len(collection.view.slots)
    sample, k = min(sample, records), min(k, records - 1)
    if sample < 1 or k < 1:
        return Recall(1.0, 0, max(k, 0), random_state, "exact scan", None)
    chosen = np.random.default_rng(random_state).choice(records, sample, replace=False)
    queries = collection.vectors[collection.view.slots[chosen]]
    one = Search(collection, queries[:1], k + 1, Filter()).plan
    search = Search(collection, queries, k + 1, Filter())
    if one.method != "index":
        return Recall(1.0, sample, k, random_state, one.method, None)
    hits = []
    for (_, found), (_, true) in zip(
        zip(*search.run(one), strict=True), zip(*search.scanned(), strict=True), strict=True
    ):
        hits.append((np.count_nonzero(found <= true[-1]) - 1) / k)
    return Recall(float(np.mean(hits)), sample, k, random_state, one.method, one.ef)
