"""`Outliers`: how far out each record lies, which are outliers, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.outliers.scores import Spread
from chromalab.analytics.picture import picture
from chromalab.analytics.result import Result
from chromalab.display import html_table, one_line, text_table
from chromalab.errors import InvalidArgumentError, short
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["Outliers", "cut_at"]

_SHOWN = 10
_DEVIATIONS = 3.5  # Iglewicz and Hoaglin 1993, "How to detect and handle outliers"
_COLUMNS = ("id", "score", "z", "document", "nearest", "distance")
_FRAME = ("id", "score", "z", "percentile", "is_outlier", "nearest", "distance", "document")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Outliers(Result):
    """How far out each record lies.

    Attributes:
        scores: (n,) float32, more is farther out.
        threshold: Scores above it are outliers.
        median: Of the scores.
        deviation: What their standard deviation would be without outliers.
        neighbors: (n, k) int32, the rows of the nearest records, -1 where there are no more; of
            copies only the first, and of its own copies none.
        distances: (n, k) float32, cosine distances to these; inf where there are no more.
        copies: (n,) int32, how many records have the same vector, itself counted.
    """

    scores: NDArray[np.float32]
    threshold: float
    median: float
    deviation: float
    neighbors: NDArray[np.int32]
    distances: NDArray[np.float32]
    copies: NDArray[np.int32]

    @property
    def is_outlier(self) -> NDArray[np.bool_]:
        """(n,) bool."""
        found: NDArray[np.bool_] = self.scores > self.threshold
        return found

    @property
    def z(self) -> NDArray[np.float32]:
        """(n,) float32, robust standard deviations above the median; 0 where all are equal."""
        if not self.deviation:
            return np.zeros(len(self.scores), dtype=np.float32)
        away = (self.scores.astype(np.float64) - self.median) / self.deviation
        return away.astype(np.float32)

    @property
    def percentile(self) -> NDArray[np.float32]:
        """(n,) float32, of 100 records how many have a lower score."""
        below = np.searchsorted(np.sort(self.scores), self.scores, side="left")
        return (100 * below / max(1, len(below))).astype(np.float32)

    @property
    def order(self) -> NDArray[np.int64]:
        """(n,) int64, rows from the farthest record on; of equally far ones the first goes first."""
        return np.argsort(-self.scores, kind="stable")

    @property
    def outlier_ids(self) -> list[str]:
        """The ids of the outliers, the farthest first."""
        rows = self.order[: int(self.is_outlier.sum())]
        return [self.snapshot.ids[row] for row in rows.tolist()]

    def at(self, *, share: float | None = None, threshold: float | None = None) -> Outliers:
        """Flag a share of the records, or scores above a threshold, without scoring anew.

        Args:
            share: From 0 to 1.
            threshold: A score. Without either it is the default, 3.5 robust deviations.
        """
        level = cut_at(self.scores, Spread(self.median, self.deviation), share, threshold)
        asked = {**self.parameters, "share": share, "threshold": threshold}
        return replace(self, threshold=level, parameters=asked)

    def nearest(self, id: str) -> list[tuple[str, float]]:
        """Return the ids of a record's nearest neighbours, with their cosine distances.

        Raises:
            InvalidArgumentError: there is no such record.
        """
        row = self.snapshot.row_of(id)
        return [
            (self.snapshot.ids[at], float(distance))
            for at, distance in zip(
                self.neighbors[row].tolist(), self.distances[row].tolist(), strict=True
            )
            if at >= 0
        ]

    def reason(self, id: str) -> str:
        """Say in words why a record has its score.

        Raises:
            InvalidArgumentError: there is no such record.
        """
        row = self.snapshot.row_of(id)
        others = int(self.copies[row]) - 1
        copied = f"; {others:,} records are copies of it" if others else ""
        if not np.any(self.snapshot.vectors[row]):
            return f"empty vector: it has no direction, so nothing is near{copied}"
        there = int((self.neighbors[row] >= 0).sum())
        if not there:
            return f"there is no other vector{copied}"
        z = float(self.z[row])
        side = f"{abs(z):.1f} robust deviations {'above' if z >= 0 else 'below'} the median"
        nearest = int(self.neighbors[row, 0])
        text = self.snapshot.document(nearest) or self.snapshot.ids[nearest]
        near = f"nearest, at {self.distances[row, 0]:.2f}: {one_line(text)}"
        return f"{self._what(float(self.scores[row]), there)}, {side}{copied}; {near}"

    def review(self, *, into: str = "outlier", by: str | None = None) -> Any:
        """Open a `chromalab_widgets.Review` of the outliers: keep, delete or mark each.

        Decisions are kept with the collection as they are made; `apply` in it does what they say.

        Args:
            into: The metadata key that marks one.
            by: Who decides; the user of this machine, unless said.

        Raises:
            InvalidArgumentError: the records are of no collection, or it has changed since.
        """
        from chromalab.showing import review_of

        return review_of(self, into=into, by=by)

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a record, the farthest first."""
        z, percentile, flagged = self.z, self.percentile, self.is_outlier
        return data_frame(
            [
                [
                    self.snapshot.ids[row],
                    float(self.scores[row]),
                    float(z[row]),
                    float(percentile[row]),
                    bool(flagged[row]),
                    *self._nearest(row),
                    self.snapshot.document(row),
                ]
                for row in self.order.tolist()
            ],
            _FRAME,
        )

    def columns(self, key: str) -> dict[str, list[Any]]:
        """Return whether each record is an outlier, and under `<key>_score` how far out it lies."""
        return {key: self.is_outlier.tolist(), f"{key}_score": self.scores.tolist()}

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        n = len(self.snapshot)
        if (
            self.scores.shape != (n,)
            or self.copies.shape != (n,)
            or self.neighbors.ndim != 2
            or len(self.neighbors) != n
            or self.neighbors.shape != self.distances.shape
            or not ((self.neighbors >= -1) & (self.neighbors < n)).all()
        ):
            raise ValueError("the parts of the outliers do not fit together")

    def __repr__(self) -> str:
        table = text_table(_COLUMNS, self._rows(), width=48)
        return "\n".join([table, self._note(), self._made()])

    def _repr_html_(self) -> str:
        drawn = ""
        if len(self.scores):
            alt = f"Histogram of the scores; {int(self.is_outlier.sum()):,} are above the threshold"
            drawn = picture(self._draw, alt=alt, height=2.0)
        return html_table(_COLUMNS, self._rows(), note=f"{self._note()}; {self._made()}") + drawn

    def _what(self, score: float, there: int) -> str:
        method = self.parameters.get("method")
        if method == "lof":
            return f"its {there} nearest lie {score:.2f} times as dense as it does"
        if method == "glosh":
            return f"{100 * score:.0f} % less dense than the densest place of its cluster"
        if method == "centroid":
            return f"distance {score:.2f} to the nearest centre"
        if method == "isolation":
            return f"isolation {score:.2f}"
        return f"mean distance {score:.2f} to its {there} nearest"

    def _nearest(self, row: int) -> tuple[str | None, float | None]:
        if not self.neighbors.shape[1] or self.neighbors[row, 0] < 0:
            return None, None
        return self.snapshot.ids[int(self.neighbors[row, 0])], float(self.distances[row, 0])

    def _rows(self) -> list[list[Any]]:
        z, rows = self.z, []
        for row in self.order[:_SHOWN].tolist():
            nearest, distance = self._nearest(row)
            near = None
            if nearest is not None:
                near = self.snapshot.document(int(self.neighbors[row, 0])) or nearest
            score = float(self.scores[row])
            text = self.snapshot.document(row)
            rows.append([self.snapshot.ids[row], score, float(z[row]), text, near, distance])
        return rows

    def _note(self) -> str:
        found, total = int(self.is_outlier.sum()), len(self.scores)
        above = f"{found:,} of {total:,} records are outliers: score above {self.threshold:.4g}"
        return f"{above}; {_SHOWN} of {total:,} shown" if total > _SHOWN else above

    def _draw(self, axes: Any) -> None:
        axes.hist(self.scores, bins=60)
        axes.set_yscale("log")
        axes.axvline(self.threshold, color="tab:red")
        axes.set_xlabel("score")
        axes.set_ylabel("records")


def cut_at(
    scores: NDArray[np.float32], spread: Spread, share: float | None, threshold: float | None
) -> float:
    """Find the score that outliers are above.

    Args:
        scores: (n,) float32.
        spread: Of the scores.
        share: Of the records to flag. Equally far ones go together, so it may be more;
            the nearest are never flagged.
        threshold: A score; returned as it is.

    Raises:
        InvalidArgumentError: both are given, or one cannot be used.
    """
    if share is not None and threshold is not None:
        raise InvalidArgumentError(
            f"Give share or threshold, not both; found {short(share)} and {short(threshold)}."
        )
    if threshold is not None:
        if not _number(threshold):
            raise InvalidArgumentError(f"threshold is a number; found {short(threshold)}.")
        return float(threshold)
    if share is None:
        if not spread.deviation:  # all are equal
            return float(scores.max(initial=spread.median))
        return spread.median + _DEVIATIONS * spread.deviation
    if not _number(share) or not 0 <= share <= 1:
        raise InvalidArgumentError(f"share is a number from 0 to 1; found {short(share)}.")
    flagged = round(share * len(scores))
    if not flagged:
        return float(scores.max(initial=0.0))
    last = np.partition(scores, len(scores) - flagged)[len(scores) - flagged]
    return float(scores[scores < last].max(initial=scores.min()))  # the nearest are never outliers


def _number(value: Any) -> bool:
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return real and bool(np.isfinite(value))
