"""`Borderline`: pairs close to the thresholds, for manual judgment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.results.tables import Table, html_table, one_line, text_table
from chromalab.snapshot import Snapshot

__all__ = ["Borderline", "pick_borderline"]

# A step of .01 in cosine is worth about .02 in Jaccard. These are the widths between the strict and the
# loose settings in docs/analytics.md, .95 to .90 and .7 to .6.
_COSINE_STEP, _JACCARD_STEP = 0.05, 0.1
_POOL_FACTOR = (
    5  # pairs are picked from a pool this many times as large, the nearest to the thresholds
)


@dataclass(frozen=True, eq=False, repr=False)
class Borderline(Table, Sequence[tuple[str, str, bool]]):
    """Pairs to judge: a sequence of (id, id, whether the pair counts as a duplicate now).

    Correct the last value of each pair where it is wrong, and pass all of them to `Duplicates.suggest`.

    Attributes:
        snapshot: The records.
        left: (p,) int64, rows of the snapshot.
        right: (p,) int64, rows of the snapshot.
        cosine: (p,) float32.
        jaccard: (p,) float32.
        now: Whether each pair counts as a duplicate at the current thresholds.
    """

    _columns = ("left", "right", "now", "cosine", "jaccard", "left_text", "right_text")

    snapshot: Snapshot
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.float32]
    jaccard: NDArray[np.float32]
    now: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, at: Any) -> Any:
        return list(self)[at]

    def __iter__(self) -> Iterator[tuple[str, str, bool]]:
        for one, other, now in zip(self.left, self.right, self.now, strict=True):
            yield self.snapshot.ids[one], self.snapshot.ids[other], now

    # All pairs are displayed, because each of them is to be judged.

    def __repr__(self) -> str:
        if not len(self):
            return "no pairs to judge"
        return text_table(self._columns, self._displayed(), width=40)

    def _repr_html_(self) -> str:
        note = "Pass (left, right, True or False) of each pair to suggest()."
        return html_table(
            self._columns, self._displayed(), note=note if len(self) else "no pairs to judge"
        )

    def _rows(self) -> list[list[Any]]:
        ids, text = self.snapshot.ids, self.snapshot.document
        columns = zip(
            self.left.tolist(),
            self.right.tolist(),
            self.now,
            self.cosine.tolist(),
            self.jaccard.tolist(),
            strict=True,
        )
        return [
            [ids[one], ids[other], now, cosine, jaccard, text(one), text(other)]
            for one, other, now, cosine, jaccard in columns
        ]

    def _displayed(self) -> list[list[Any]]:
        return [[_displayed_value(value) for value in row] for row in self._rows()]


def pick_borderline(
    cosine: NDArray[np.float32],
    jaccard: NDArray[np.float32],
    equal: NDArray[np.bool_],
    threshold: float,
    lexical: float,
    *,
    count: int,
) -> NDArray[np.int64]:
    """Pick pairs on both sides of the thresholds, spread evenly over the nearest ones.

    Args:
        cosine: (p,) float32, NaN where it is unknown.
        jaccard: (p,) float32, NaN where it is unknown.
        equal: (p,) bool, whether the texts are equal; such pairs need no judgment.
        threshold: The cosine threshold.
        lexical: The Jaccard threshold.
        count: The number of pairs to pick.

    Returns:
        (count,) int64 or fewer, the most similar pairs first.
    """
    margin = np.fmax((cosine - threshold) / _COSINE_STEP, (jaccard - lexical) / _JACCARD_STEP)
    undecided = np.flatnonzero(~equal & ~np.isnan(margin))
    order = undecided[np.argsort(-margin[undecided], kind="stable")]
    above = int((margin[order] >= 0).sum())
    over = order[max(0, above - _POOL_FACTOR * count) : above]
    under = order[above : above + _POOL_FACTOR * count]
    half = min(len(under), max(count // 2, count - len(over)))
    return np.concatenate([_evenly(over, count - half), _evenly(under, half)])


def _evenly(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if count >= len(pairs):
        return pairs
    if not count:
        return pairs[:0]
    return pairs[np.linspace(0, len(pairs) - 1, count).round().astype(np.int64)]


def _displayed_value(value: Any) -> Any:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.2f}"
    return one_line(value, 400)
