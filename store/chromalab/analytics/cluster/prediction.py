"""`Prediction`: the clusters of new records, by a vote of their nearest known records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.new_records import new_vectors
from chromalab.results.tables import Table
from chromalab.snapshot import Snapshot

__all__ = ["Prediction", "predict"]

_VOTERS = 15
_REACH_OVER = 10  # voters whose mean distance must be within reach
_BLOCK = 512  # new vectors


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Table):
    """The clusters of new records.

    Attributes:
        labels: (q,) int32, -1 for noise.
        probabilities: (q,) float32, the cluster's share of the neighbors' weight.
        distances: (q,) float32, the mean cosine distance to the nearest 10 known records.
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    distances: NDArray[np.float32]

    _columns: ClassVar = ("label", "probability", "distance")

    def __len__(self) -> int:
        return len(self.labels)

    def _rows(self) -> list[list[Any]]:
        parts = (self.labels, self.probabilities, self.distances)
        return [list(row) for row in zip(*(part.tolist() for part in parts), strict=True)]


def predict(snapshot: Snapshot, labels: NDArray[np.int32], reach: float, data: Any) -> Prediction:
    """Predict the clusters of new records by a vote of their nearest 15.

    Args:
        snapshot: The known records.
        labels: (n,) int32, their clusters, -1 for noise.
        reach: Mean distance to the nearest 10 beyond which a new record is noise.
        data: (q, dimension) numbers, or texts if the collection has an embedding function.
    """
    vectors = new_vectors(data, snapshot)
    count = len(vectors)
    predicted = np.full(count, -1, dtype=np.int32)
    share = np.zeros(count, dtype=np.float32)
    distance = np.full(count, 2.0, dtype=np.float32)
    if not len(snapshot) or not count:
        return Prediction(predicted, share, distance)
    known, known_direction = unit(snapshot.vectors)
    new, has_direction = unit(vectors)
    voters = min(_VOTERS, len(known))
    columns = int(labels.max(initial=-1)) + 2  # the last one is for noise
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        cosine = new[part] @ known.T
        cosine[:, ~known_direction] = -1
        nearest = np.argpartition(-cosine, voters - 1, axis=1)[:, :voters]
        weight = np.sort(np.take_along_axis(cosine, nearest, axis=1), axis=1)[:, ::-1]
        distance[part] = np.clip(1 - weight[:, :_REACH_OVER].mean(axis=1), 0, 2)
        weight = np.maximum(np.take_along_axis(cosine, nearest, axis=1), 0).astype(np.float64)
        cell = labels[nearest] + columns * np.arange(len(nearest))[:, None]
        cell = np.where(labels[nearest] < 0, cell + columns, cell)
        votes = np.bincount(cell.ravel(), weight.ravel(), len(nearest) * columns)
        votes = votes.reshape(len(nearest), columns)
        best = votes.argmax(axis=1)
        predicted[part] = np.where(best == columns - 1, -1, best)
        total = votes.sum(axis=1)
        share[part] = votes.max(axis=1) / np.where(total > 0, total, 1)
    too_far = (distance > reach) | ~has_direction
    predicted[too_far] = -1
    share[predicted < 0] = 0
    return Prediction(predicted, share, distance)
