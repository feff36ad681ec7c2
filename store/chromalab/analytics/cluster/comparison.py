"""`Comparison`: how well two clusterings of the same records agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError
from chromalab.results.tables import Table, count, cut
from chromalab.snapshot import Snapshot

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Table):
    """Two clusterings side by side. Noise is a group of its own, -1.

    Attributes:
        ari: Adjusted Rand index (Hubert and Arabie 1985): 1 if equal, about 0 by chance.
        ami: Adjusted mutual information (Vinh et al. 2010): the same range; small clusters count more.
        n: Number of records that are in both.
        pairs: (p, 3) int64: label, label in the other, number of shared records; most records first.
        names: What the labels in the other stand for, if they are not integers: the text of label 0, of
            label 1, and so on.
    """

    ari: float
    ami: float
    n: int
    pairs: NDArray[np.int64]
    names: tuple[Any, ...] = ()

    _columns: ClassVar = ("label", "other", "records", "share", "other_share")

    def _rows(self) -> list[list[Any]]:
        one: dict[int, int] = {}
        other: dict[int, int] = {}
        for left, right, both in self.pairs.tolist():
            one[left] = one.get(left, 0) + both
            other[right] = other.get(right, 0) + both
        return [
            [
                left,
                self.names[right] if self.names else right,
                both,
                both / one[left],
                both / other[right],
            ]
            for left, right, both in self.pairs.tolist()
        ]

    def _note(self) -> str:
        total = len(self.pairs)
        scores = f"ARI {self.ari:.3f}, AMI {self.ami:.3f} over {count(self.n, 'record')}"
        return "; ".join(filter(None, [scores, cut(self._limit, total, "pairs")]))


def compare(snapshot: Snapshot, labels: NDArray[np.int32], other: Any) -> Comparison:
    """Compare labels with those of another clustering, of an array, or of a metadata field.

    Args:
        snapshot: The records.
        labels: (n,) int32, their clusters.
        other: Clusters, (n,) labels of any type, or the name of a metadata field.

    Raises:
        InvalidArgumentError: The number of labels differs from the number of records.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    names: tuple[Any, ...] = ()
    if hasattr(other, "labels") and hasattr(other, "snapshot"):
        row_of = {id: row for row, id in enumerate(other.snapshot.ids)}
        both = [(row, row_of[id]) for row, id in enumerate(snapshot.ids) if id in row_of]
        rows, others = np.array(both, dtype=np.int64).reshape(-1, 2).T
        left, right = labels[rows], other.labels[others]
    elif isinstance(other, str):
        values = snapshot.known_column(other)
        there = [row for row, value in enumerate(values) if value is not None]
        right, names = _numbers([values[row] for row in there])
        left = labels[there]
    else:
        left, (right, names) = labels, _numbers(other)
    if len(left) != len(right):
        raise InvalidArgumentError(
            f"other must have one label per record, in the order of the records; got {len(right):,} "
            f"labels for {len(left):,} records."
        )
    found, counts = np.unique(
        np.column_stack([left, right]).astype(np.int64), axis=0, return_counts=True
    )
    pairs = np.column_stack([found, counts])[np.argsort(-counts, kind="stable")]
    empty = not len(left)
    return Comparison(
        ari=1.0 if empty else float(adjusted_rand_score(left, right)),
        ami=1.0 if empty else float(adjusted_mutual_info_score(left, right)),
        n=len(left),
        pairs=pairs.astype(np.int64),
        names=names,
    )


def _numbers(labels: Any) -> tuple[NDArray[np.int64], tuple[Any, ...]]:
    """Turn labels of any type into numbers, and list what the numbers stand for.

    Integers stay as they are; others go by first appearance.
    """
    values = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.int64), ()
    known: dict[Any, int] = {}
    numbers = np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int64)
    return numbers, tuple(known)
