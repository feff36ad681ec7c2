"""`Borderline`: pairs near the thresholds, for a person to judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.display import html_table, one_line, text_table
from chromalab.frames import data_frame
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

__all__ = ["Borderline", "spread"]

_COLUMNS = ("left", "right", "now", "cosine", "jaccard", "left_text", "right_text")

# A step of .01 in cosine is worth about .02 in Jaccard: the widths of what lies between the strict
# and the wide settings in docs/analytics.md, .95 to .90 and .7 to .6.
_COSINE_STEP, _JACCARD_STEP = 0.05, 0.1
_NEAR = 5  # the pairs shown are drawn from so many times as many, the nearest to the thresholds


@dataclass(frozen=True, eq=False, repr=False)
class Borderline(Sequence[tuple[str, str, bool]]):
    """Pairs to judge: a sequence of (id, id, whether they count as duplicates now).

    Change the last of each where it is wrong, and give all to `Duplicates.suggest`.

    Attributes:
        snapshot: The records.
        left: (p,) int64, rows of it.
        right: The same.
        cosine: (p,) float32.
        jaccard: (p,) float32.
        now: Whether each counts as a pair of duplicates at the present thresholds.
    """

    snapshot: Snapshot
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.float32]
    jaccard: NDArray[np.float32]
    now: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, at: Any) -> Any:
        triples = list(self)
        return triples[at]

    def __iter__(self) -> Iterator[tuple[str, str, bool]]:
        for one, other, now in zip(self.left, self.right, self.now, strict=True):
            yield self.snapshot.ids[one], self.snapshot.ids[other], now

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a pair, with both texts."""
        return data_frame(self._rows(), _COLUMNS)

    def __repr__(self) -> str:
        if not len(self):
            return "no pairs to judge"
        return text_table(_COLUMNS, [[*map(_shown, row)] for row in self._rows()], width=40)

    def _repr_html_(self) -> str:
        note = "Give (left, right, True or False) of each to suggest()."
        rows = [[*map(_shown, row)] for row in self._rows()]
        return html_table(_COLUMNS, rows, note=note if rows else "no pairs to judge")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

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


def spread(
    cosine: NDArray[np.float32],
    jaccard: NDArray[np.float32],
    equal: NDArray[np.bool_],
    threshold: float,
    lexical: float,
    *,
    count: int,
) -> NDArray[np.int64]:
    """Choose pairs on both sides of the thresholds, evenly among the nearest to them.

    Args:
        cosine: (p,) float32, NaN where not known.
        jaccard: The same.
        equal: (p,) bool; what is equal needs no judging.
        threshold: The cosine that counts.
        lexical: The Jaccard that counts.
        count: How many to choose.

    Returns:
        (count,) int64 or fewer, the likeliest duplicates first.
    """
    beyond = np.fmax((cosine - threshold) / _COSINE_STEP, (jaccard - lexical) / _JACCARD_STEP)
    open_pairs = np.flatnonzero(~equal & ~np.isnan(beyond))
    order = open_pairs[np.argsort(-beyond[open_pairs], kind="stable")]
    above = int((beyond[order] >= 0).sum())
    over = order[max(0, above - _NEAR * count) : above]
    under = order[above : above + _NEAR * count]
    half = min(len(under), max(count // 2, count - len(over)))
    return np.concatenate([_evenly(over, count - half), _evenly(under, half)])


def _evenly(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if count >= len(pairs):
        return pairs
    return (
        pairs[np.linspace(0, len(pairs) - 1, count).round().astype(np.int64)]
        if count
        else pairs[:0]
    )


def _shown(value: Any) -> Any:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.2f}"
    return one_line(value, 400)
