"""Records whose rank differs between rankings of the same queries, and how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.feedback.problem import unit
from chromalab.feedback.transform import Transform

__all__ = ["LIST", "Candidates", "disagreeing"]

LIST = 10
"""Records of a list as people see it."""

_FIRST = 20  # records of each ranking that are looked at
_SEEN = 0.25  # what a record counts that is shown already: people judge those without being asked
_BLOCK = 64


@dataclass(frozen=True, eq=False)
class Candidates:
    """Records that may be judged for a query, c of them.

    Attributes:
        queries: (c,) int64, the row of the query.
        rows: (c,) int64, the row of the record.
        scores: (c,) float64, 0 to 0.5: the standard deviation over rankings of 1 / log2(1 + rank), which
            is what a record counts in nDCG; a quarter of it for records that are shown.
        plain: (c,) int64, the rank without a transform.
        shown: (c,) int64, the rank in what people see.
        learned: (c, r) int64, the ranks by r learned transforms.
    """

    queries: NDArray[np.int64]
    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    plain: NDArray[np.int64]
    shown: NDArray[np.int64]
    learned: NDArray[np.int64]

    def why(self, at: int) -> str:
        """Say why a candidate may be worth a judgement."""
        plain, shown, ranks = int(self.plain[at]), int(self.shown[at]), self.learned[at]
        if len(ranks):
            low, middle, high = int(ranks.min()), round(float(np.median(ranks))), int(ranks.max())
            if _differ(plain, middle) and min(plain, middle) <= _FIRST:
                return f"rank {plain:,} without, {middle:,} with: the rankings disagree"
            if _differ(low, high):
                return f"rank {low:,} to {high:,}, by which judgements are learned from"
        if shown > LIST:
            return f"rank {shown:,}: just outside the list that is shown"
        return f"rank {shown:,}: shown, and not judged yet"


def disagreeing(
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
    excluded: Sequence[NDArray[np.int64]],
    *,
    live: Transform | None,
    learned: Sequence[Transform],
    space: str,
) -> Candidates:
    """Score the first 20 records of each ranking by how much the rankings differ about them.

    Where nothing was learned there is one ranking; a record then counts the more, the nearer its
    similarity is to that of the last one shown.

    Args:
        queries: (q, d) float32.
        documents: (n, d) float32.
        excluded: For each query the rows of documents that are no candidates.
        live: The transform of the list that people see; None for none.
        learned: The transforms whose rankings are compared with the plain one.
        space: "cosine", "l2" or "ip".

    Example:
        >>> near = np.array([[1, 0.1 * n] for n in range(12)], dtype=np.float32)
        >>> none = np.empty(0, dtype=np.int64)
        >>> found = disagreeing(near[:1], near, [none], live=None, learned=[], space="cosine")
        >>> int(found.rows[found.scores.argmax()])
        10
    """
    ways: list[Transform | None] = [None, *learned, *([] if live is None else [live])]
    mapped = [documents if way is None else way.documents(documents) for way in ways]
    parts = []
    for start in range(0, len(queries), _BLOCK):
        some = queries[start : start + _BLOCK]
        scores = [
            _similar(some if way is None else way.queries(some), rows, space)
            for way, rows in zip(ways, mapped, strict=True)
        ]
        for at in range(len(some)):
            rankings = np.stack([each[at] for each in scores])
            parts.append(_of_query(start + at, rankings, excluded[start + at], len(learned)))
    return Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _of_query(
    query: int, scores: NDArray[np.float32], excluded: NDArray[np.int64], learned: int
) -> tuple[NDArray[np.generic], ...]:
    """The fields of `Candidates`; scores are (rankings, n): plain, learned, and live if there is one."""
    first = min(_FIRST, scores.shape[1])
    near = np.argpartition(-scores, first - 1, axis=1)[:, :first]
    rows = np.setdiff1d(near, excluded)
    ranks = np.stack([1 + (each > each[rows, np.newaxis]).sum(axis=1) for each in scores], axis=1)
    shown = ranks[:, -1] if len(scores) > 1 + learned else ranks[:, 0]
    compared = ranks[:, : 1 + learned]
    if learned:
        spread = (1 / np.log2(1 + compared)).std(axis=1)
    else:
        seen = np.sort(scores[-1])[::-1][:first]
        border, width = seen[min(LIST, first) - 1], float(seen[0] - seen[-1]) or 1.0
        spread = 0.5 / (1 + np.abs(scores[-1, rows].astype(np.float64) - border) / width)
    spread = spread * np.where(shown > LIST, 1.0, _SEEN)
    return (
        np.full(len(rows), query, dtype=np.int64),
        rows,
        spread.round(9),  # so that which of two alike comes first is not left to the last digit
        compared[:, 0],
        shown,
        compared[:, 1:],
    )


def _similar(
    queries: NDArray[np.float32], documents: NDArray[np.float32], space: str
) -> NDArray[np.float32]:
    """(q, n) what the space ranks by, the largest first."""
    if space == "cosine":
        return unit(queries) @ unit(documents).T
    with np.errstate(over="ignore", invalid="ignore"):
        dots: NDArray[np.float32] = queries @ documents.T
        return dots if space == "ip" else 2 * dots - np.einsum("ij,ij->i", documents, documents)


def _differ(one: int, other: int) -> bool:
    """Whether two ranks are on other sides of the list's end, or one is twice the other."""
    return (one <= LIST) != (other <= LIST) or max(one, other) >= 2 * min(one, other) + 1
