"""Steps that end a result early: at a distance, or where the scores jump."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chromalab.arguments.values import check_max_distance, check_n_results
from chromalab.search.steps.step import Candidates, Kept, Records, Step, steps

__all__ = ["AutoCut", "MaxDistance"]


@steps.add
@dataclass(frozen=True)
class MaxDistance(Step):
    """Drop records farther than a distance from the query; of several queries, from the nearest.

    Attributes:
        distance: The largest distance that is kept, as `query` returns them.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 1], [0, 9]])
        >>> points.search(chromalab.Search().rank(chromalab.Knn([0, 0])).then(MaxDistance(2)))["ids"]
        [['a']]
    """

    form: ClassVar[str] = "$max_distance"
    ends: ClassVar[bool] = True
    distance: float

    def __post_init__(self) -> None:
        """Check the distance."""
        object.__setattr__(self, "distance", check_max_distance(self.distance))

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Keep the records that are near enough, in their order."""
        far = records.distances(candidates)
        near = far <= self.distance
        return Kept(
            np.flatnonzero(near),
            {"farther than the limit": np.flatnonzero(~near)},
            detail=lambda row: f"distance {far[row]:.4g}, cut at {self.distance:.4g}",
        )


@steps.add
@dataclass(frozen=True)
class AutoCut(Step):
    """End the result before the largest gap between the scores of neighboring ranks.

    Attributes:
        least: The number of records that are kept in any case.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0, 1], [0, 2], [0, 9]])
        >>> points.search(chromalab.Search().rank(chromalab.Knn([0, 0])).then(AutoCut()))["ids"]
        [['a', 'b']]
    """

    form: ClassVar[str] = "$auto_cut"
    ends: ClassVar[bool] = True
    least: int = 1

    def __post_init__(self) -> None:
        """Check the number."""
        check_n_results(self.least, "least of AutoCut")

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Keep the records before the gap."""
        with np.errstate(invalid="ignore"):  # a score may be infinite
            gaps = np.diff(candidates.scores)[self.least - 1 :]
        gaps = np.where(np.isfinite(gaps), gaps, -math.inf)
        cut = (
            len(candidates) if not len(gaps) or gaps.max() <= 0 else self.least + int(gaps.argmax())
        )
        rows = np.arange(len(candidates))
        scores = candidates.scores

        def detail(row: int) -> str:
            return f"score {scores[row]:.4g}, after the gap from {scores[cut - 1]:.4g} to {scores[cut]:.4g}"

        return Kept(rows[:cut], {"after the largest gap": rows[cut:]}, detail=detail)
