"""`Comparison`: how far two clusterings of the same records agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.display import html_table, text_table
from chromalab.errors import InvalidArgumentError
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

    from chromalab.analytics.cluster.clusters import Clusters

__all__ = ["Comparison", "compare"]

_SHOWN = 20
_COLUMNS = ("label", "other", "records", "share", "other_share")


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Two clusterings side by side. Noise is a group of its own, -1.

    Attributes:
        ari: Adjusted Rand index (Hubert and Arabie 1985): 1 if equal, about 0 by chance.
        ami: Adjusted mutual information (Vinh et al. 2010): the same range; small clusters count.
        n: How many records both know.
        pairs: (p, 3) int64: label, label of the other, records in both; most records first.
    """

    ari: float
    ami: float
    n: int
    pairs: NDArray[np.int64]

    def __repr__(self) -> str:
        return "\n".join([text_table(_COLUMNS, self._rows()[:_SHOWN]), self._note()])

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._rows()[:_SHOWN], note=self._note())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a pair of clusters that share records."""
        return data_frame(self._rows(), _COLUMNS)

    def _rows(self) -> list[list[Any]]:
        one: dict[int, int] = {}
        other: dict[int, int] = {}
        for left, right, both in self.pairs.tolist():
            one[left] = one.get(left, 0) + both
            other[right] = other.get(right, 0) + both
        return [
            [left, right, both, both / one[left], both / other[right]]
            for left, right, both in self.pairs.tolist()
        ]

    def _note(self) -> str:
        cut = f"; {_SHOWN} of {len(self.pairs):,} pairs shown" if len(self.pairs) > _SHOWN else ""
        return f"ARI {self.ari:.3f}, AMI {self.ami:.3f} over {self.n:,} records{cut}"


def compare(one: Clusters, other: Any) -> Comparison:
    """Compare clusters with others, with labels in the order of the records, or with metadata."""
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    if hasattr(other, "labels") and hasattr(other, "snapshot"):
        place = {id: row for row, id in enumerate(other.snapshot.ids)}
        both = [(row, place[id]) for row, id in enumerate(one.snapshot.ids) if id in place]
        rows, others = np.array(both, dtype=np.int64).reshape(-1, 2).T
        left, right = one.labels[rows], other.labels[others]
    elif isinstance(other, str):
        left, right = _under(one, other)
    else:
        left, right = one.labels, _numbers(other)
    if len(left) != len(right):
        raise InvalidArgumentError(
            f"{len(right):,} labels for {len(left):,} records: give one for each, in their order."
        )
    found, counts = np.unique(
        np.column_stack([left, right]).astype(np.int64), axis=0, return_counts=True
    )
    pairs = np.column_stack([found, counts])[np.argsort(-counts, kind="stable")]
    same = not len(left)
    return Comparison(
        ari=1.0 if same else float(adjusted_rand_score(left, right)),
        ami=1.0 if same else float(adjusted_mutual_info_score(left, right)),
        n=len(left),
        pairs=pairs.astype(np.int64),
    )


def _under(one: Clusters, key: str) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the labels of the records that have a metadata key, and its values numbered."""
    values = one.snapshot.known_column(key)
    rows = [row for row, value in enumerate(values) if value is not None]
    return one.labels[rows], _numbers([values[row] for row in rows])


def _numbers(labels: Any) -> NDArray[np.int64]:
    """Number labels of any kind: in order if they are whole numbers, else by first appearance."""
    values = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.int64)
    known: dict[Any, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int64)
