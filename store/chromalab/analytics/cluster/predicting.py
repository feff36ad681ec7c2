"""Clusters of new records: what the nearest of the known ones say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.copies import unit
from chromalab.analytics.new_records import new_vectors
from chromalab.display import html_table, text_table
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

    from chromalab.analytics.cluster.clusters import Clusters

__all__ = ["Predicted", "predict"]

_VOTERS = 15
_REACHED = 10  # of them whose mean distance must be within reach
_BLOCK = 512  # new vectors at a time
_SHOWN = 20


@dataclass(frozen=True, eq=False, repr=False)
class Predicted:
    """The clusters of new records.

    Attributes:
        labels: (q,) int32, -1 for noise.
        probabilities: (q,) float32, the share of the neighbours' weight in that cluster.
        distances: (q,) float32, the mean cosine distance to the nearest 10 known records.
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    distances: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        note = f"{_SHOWN} of {len(self):,} shown" if len(self) > _SHOWN else ""
        return "\n".join(filter(None, [text_table(_COLUMNS, self._rows(_SHOWN)), note]))

    def _repr_html_(self) -> str:
        note = f"{_SHOWN} of {len(self):,} shown" if len(self) > _SHOWN else ""
        return html_table(_COLUMNS, self._rows(_SHOWN), note=note)

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a new record."""
        return data_frame(self._rows(len(self)), _COLUMNS)

    def _rows(self, count: int) -> list[list[Any]]:
        parts = (self.labels, self.probabilities, self.distances)
        return [list(row) for row in zip(*(part[:count].tolist() for part in parts), strict=True)]


_COLUMNS = ("label", "probability", "distance")


def predict(clusters: Clusters, data: Any) -> Predicted:
    """Say in which clusters new records are, by the vote of their nearest 15; see `Clusters`."""
    snapshot = clusters.snapshot
    vectors = new_vectors(data, snapshot)
    count = len(vectors)
    labels = np.full(count, -1, dtype=np.int32)
    share = np.zeros(count, dtype=np.float32)
    distance = np.full(count, 2.0, dtype=np.float32)
    if not len(snapshot) or not count:
        return Predicted(labels, share, distance)
    known, known_direction = unit(snapshot.vectors)
    new, has_direction = unit(vectors)
    voters = min(_VOTERS, len(known))
    clusters_end = int(clusters.labels.max(initial=-1)) + 2  # the last is for noise
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        cosine = new[part] @ known.T
        cosine[:, ~known_direction] = -1
        nearest = np.argpartition(-cosine, voters - 1, axis=1)[:, :voters]
        weight = np.sort(np.take_along_axis(cosine, nearest, axis=1), axis=1)[:, ::-1]
        distance[part] = np.clip(1 - weight[:, :_REACHED].mean(axis=1), 0, 2)
        weight = np.maximum(np.take_along_axis(cosine, nearest, axis=1), 0).astype(np.float64)
        cell = clusters.labels[nearest] + clusters_end * np.arange(len(nearest))[:, None]
        cell = np.where(clusters.labels[nearest] < 0, cell + clusters_end, cell)
        votes = np.bincount(cell.ravel(), weight.ravel(), len(nearest) * clusters_end)
        votes = votes.reshape(len(nearest), clusters_end)
        best = votes.argmax(axis=1)
        labels[part] = np.where(best == clusters_end - 1, -1, best)
        total = votes.sum(axis=1)
        share[part] = votes.max(axis=1) / np.where(total > 0, total, 1)
    strange = (distance > clusters.reach) | ~has_direction
    labels[strange] = -1
    share[labels < 0] = 0
    return Predicted(labels, share, distance)
