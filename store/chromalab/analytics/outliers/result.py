"""`Outliers`: the outlier score of each record, which records are outliers, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.outliers.scores import RobustScale
from chromalab.analytics.result import Result
from chromalab.arguments.values import check_number, is_number
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.picture import picture
from chromalab.results.tables import count, cut, data_frame, one_line
from chromalab.sockets import plug

if TYPE_CHECKING:
    import pandas

__all__ = ["Outliers", "cut_at"]

_DEVIATIONS = 3.5  # Iglewicz and Hoaglin 1993, "How to detect and handle outliers"
_NARROWEST = 1e-5  # range of scores that a histogram shows, relative to the largest of them
_FRAME = ("id", "score", "z", "percentile", "is_outlier", "nearest", "distance", "document")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Outliers(Result):
    """The outlier score of each record.

    Attributes:
        scores: (n,) float32; a higher score is farther out.
        threshold: Records with a higher score are outliers.
        median: The median of the scores.
        deviation: A robust estimate of their standard deviation.
        neighbors: (n, k) int32, the rows of the nearest records, -1 after the last. Of records with
            equal vectors there is only the first, and none has the same vector as the record itself.
        distances: (n, k) float32, the cosine distances to them; inf after the last.
        copies: (n,) int32, the number of records with the same vector, the record itself included.
    """

    _columns: ClassVar = ("id", "score", "z", "document", "nearest", "distance")
    _limit: ClassVar = 10
    _width: ClassVar = 48

    scores: NDArray[np.float32]
    threshold: float
    median: float
    deviation: float
    neighbors: NDArray[np.int32]
    distances: NDArray[np.float32]
    copies: NDArray[np.int32]

    @property
    def is_outlier(self) -> NDArray[np.bool_]:
        """(n,) bool, whether each record is an outlier."""
        found: NDArray[np.bool_] = self.scores > self.threshold
        return found

    @property
    def z(self) -> NDArray[np.float32]:
        """(n,) float32, robust standard deviations above the median; 0 if all scores are equal."""
        if not self.deviation:
            return np.zeros(len(self.scores), dtype=np.float32)
        away = (self.scores.astype(np.float64) - self.median) / self.deviation
        return away.astype(np.float32)

    @property
    def percentile(self) -> NDArray[np.float32]:
        """(n,) float32, the percentage of records with a lower score."""
        below = np.searchsorted(np.sort(self.scores), self.scores, side="left")
        return (100 * below / max(1, len(below))).astype(np.float32)

    @property
    def order(self) -> NDArray[np.int64]:
        """(n,) int64, the rows by descending score; ties in insertion order."""
        return np.argsort(-self.scores, kind="stable")

    @property
    def outlier_ids(self) -> list[str]:
        """The ids of the outliers, the farthest first."""
        rows = self.order[: int(self.is_outlier.sum())]
        return [self.snapshot.ids[row] for row in rows.tolist()]

    def at(self, *, share: float | None = None, threshold: float | None = None) -> Outliers:
        """Flag a share of the records, or scores above a threshold, without scoring again.

        Args:
            share: Share of the records to flag, 0 to 1.
            threshold: Score above which records are flagged. Without either option it is the default,
                3.5 robust standard deviations above the median.
        """
        level = cut_at(self.scores, RobustScale(self.median, self.deviation), share, threshold)
        asked = {**self.parameters, "share": share, "threshold": threshold}
        return replace(self, threshold=level, parameters=asked)

    def nearest(self, id: str) -> list[tuple[str, float]]:
        """Return the ids of a record's nearest neighbors, with their cosine distances.

        Raises:
            InvalidArgumentError: There is no such record.
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
        """Explain the score of a record in a sentence.

        Raises:
            InvalidArgumentError: There is no such record.
        """
        row = self.snapshot.row_of(id)
        others = int(self.copies[row]) - 1
        have = "has" if others == 1 else "have"
        copied = f"; {count(others, 'other record')} {have} the same vector" if others else ""
        if not np.any(self.snapshot.vectors[row]):
            return f"zero vector: it has no direction, so no record is near it{copied}"
        there = int((self.neighbors[row] >= 0).sum())
        if not there:
            return f"there are no other vectors{copied}"
        z = float(self.z[row])
        side = (
            f"{abs(z):.1f} robust standard deviations {'above' if z >= 0 else 'below'} the median"
        )
        nearest = int(self.neighbors[row, 0])
        text = self.snapshot.document(nearest) or self.snapshot.ids[nearest]
        near = f"nearest record, at {self.distances[row, 0]:.2f}: {one_line(text)}"
        return f"{self._what(float(self.scores[row]), there)}, {side}{copied}; {near}"

    def review(
        self,
        *,
        into: str = "outlier",
        by: str | None = None,
        show: Sequence[str] | str | None = None,
    ) -> Any:
        """Open a `chromalab_widgets.Review` of the outliers: keep, delete or mark each.

        Decisions are stored with the collection as they are made; `apply` in the widget carries them
        out.

        Args:
            into: Metadata field that marks an outlier.
            by: Name of the reviewer; the OS user name by default.
            show: The metadata keys to show, or "all"; by default, the most useful ones.

        Raises:
            InvalidArgumentError: The records are not of a collection, or it has changed since.
        """
        return plug("chromalab.show", "review")(self, into=into, by=by, show=show)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame: one row per record, by descending score."""
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

    def columns(self, field: str) -> dict[str, list[Any]]:
        """Return what `into` writes: whether each record is an outlier, and `<field>_score`."""
        return {field: self.is_outlier.tolist(), f"{field}_score": self.scores.tolist()}

    def check(self) -> None:
        """Raise ValueError if the fields are inconsistent."""
        n = len(self.snapshot)
        if (
            self.scores.shape != (n,)
            or self.copies.shape != (n,)
            or self.neighbors.ndim != 2
            or len(self.neighbors) != n
            or self.neighbors.shape != self.distances.shape
            or not ((self.neighbors >= -1) & (self.neighbors < n)).all()
        ):
            raise ValueError("the fields of the outliers are inconsistent")

    def _what(self, score: float, there: int) -> str:
        method = self.parameters.get("method")
        if method == "lof":
            return f"its {there} nearest neighbors are {score:.2f} times as dense as it is"
        if method == "glosh":
            return f"{100 * score:.0f}% less dense than the densest point of its cluster"
        if method == "centroid":
            return f"distance {score:.2f} to the nearest center"
        if method == "isolation":
            return f"isolation score {score:.2f}"
        return f"mean distance {score:.2f} to its {there} nearest neighbors"

    def _nearest(self, row: int) -> tuple[str | None, float | None]:
        if not self.neighbors.shape[1] or self.neighbors[row, 0] < 0:
            return None, None
        return self.snapshot.ids[int(self.neighbors[row, 0])], float(self.distances[row, 0])

    def _rows(self) -> list[list[Any]]:
        z, rows = self.z, []
        for row in self.order[: self._limit].tolist():  # the others are only in df()
            nearest, distance = self._nearest(row)
            near = None
            if nearest is not None:
                near = self.snapshot.document(int(self.neighbors[row, 0])) or nearest
            score = float(self.scores[row])
            text = self.snapshot.document(row)
            rows.append([self.snapshot.ids[row], score, float(z[row]), text, near, distance])
        return rows

    def _summary(self) -> str:
        found, total = int(self.is_outlier.sum()), len(self.scores)
        are = "is an outlier" if found == 1 else "are outliers"
        flagged = f"{found:,} of {count(total, 'record')} {are}: score above {self.threshold:.4g}"
        return "; ".join(filter(None, [flagged, cut(self._limit, total)]))

    def _chart(self) -> str:
        if not len(self.scores):
            return ""
        alt = f"Histogram of the scores; {int(self.is_outlier.sum()):,} are above the threshold"
        return picture(self._draw, alt=alt, height=2.0)

    def _draw(self, axes: Any) -> None:
        scores = self.scores.astype(np.float64)
        low, high = float(scores.min()), float(scores.max())
        if high - low < _NARROWEST * max(abs(low), abs(high), 1.0):
            middle = (low + high) / 2  # float32 has no 60 bins in so narrow a range
            low, high = middle - 0.5, middle + 0.5
        axes.hist(scores, bins=60, range=(low, high))
        axes.set_yscale("log")
        axes.axvline(self.threshold, color="tab:red")
        axes.set_xlabel("score")
        axes.set_ylabel("records")


def cut_at(
    scores: NDArray[np.float32], scale: RobustScale, share: float | None, threshold: float | None
) -> float:
    """Find the score above which records are outliers.

    Args:
        scores: (n,) float32.
        scale: The median and the deviation of the scores.
        share: Share of the records to flag. Records with equal scores are flagged together, so there
            may be more of them. Records with the lowest score are never flagged.
        threshold: A score; returned as it is.

    Raises:
        InvalidArgumentError: Both are given, or one is invalid.
    """
    if share is not None and threshold is not None:
        raise InvalidArgumentError(
            f"Pass share or threshold, not both; got {short(share)} and {short(threshold)}."
        )
    if threshold is not None:
        if not is_number(threshold) or not np.isfinite(threshold):
            raise InvalidArgumentError(f"threshold must be a number; got {short(threshold)}.")
        return float(threshold)
    if share is None:
        if not scale.deviation:  # all are equal
            return float(scores.max(initial=scale.median))
        return scale.median + _DEVIATIONS * scale.deviation
    flagged = round(check_number("share", share, 0, 1) * len(scores))
    if not flagged:
        return float(scores.max(initial=0.0))
    last = np.partition(scores, len(scores) - flagged)[len(scores) - flagged]
    return float(scores[scores < last].max(initial=scores.min()))  # never the lowest score
