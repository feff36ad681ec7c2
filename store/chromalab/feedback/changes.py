"""Which rankings a transform changes most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chromalab.feedback.judged import Judged
from chromalab.feedback.problem import unit
from chromalab.feedback.transform import Transform

__all__ = ["Changed", "changed_rankings"]

_K = 10


@dataclass(frozen=True)
class Changed:
    """A query whose first ten records change.

    Attributes:
        query: Its text, or its number.
        before: The ids of the first ten without the transform.
        after: The ids with it.
        shared: How many are in both.
    """

    query: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    shared: int


def changed_rankings(judged: Judged, transform: Transform | None, n: int) -> list[Changed]:
    """Compare the first ten by cosine, for all judged queries; the least alike come first.

    Args:
        judged: The queries and records.
        transform: What changes them; None changes nothing.
        n: How many to give.
    """
    if transform is None:
        return []
    found = []
    plain = _first(unit(judged.queries), unit(judged.documents))
    turned = _first(
        unit(transform.queries(judged.queries)), unit(transform.documents(judged.documents))
    )
    for query, (before, after) in enumerate(zip(plain, turned, strict=True)):
        text = judged.texts[query]
        found.append(
            Changed(
                f"query {query}" if text is None else text,
                tuple(judged.ids[row] for row in before),
                tuple(judged.ids[row] for row in after),
                len(np.intersect1d(before, after)),
            )
        )
    return sorted(found, key=lambda changed: changed.shared)[:n]


def _first(queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """The rows of the first ten for each query, best first."""
    kept = min(_K, len(documents))
    rows = []
    for start in range(0, len(queries), 64):
        near = queries[start : start + 64] @ documents.T
        some = np.argpartition(-near, kept - 1, axis=1)[:, :kept]
        order = np.argsort(-np.take_along_axis(near, some, axis=1), axis=1, kind="stable")
        rows.append(np.take_along_axis(some, order, axis=1))
    return np.concatenate(rows) if rows else np.empty((0, kept), dtype=np.int64)
