"""`Clusters`: which records belong together, how surely, and what the groups join to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.centers import centers_of, nearest_to_center
from chromalab.analytics.cluster.comparing import Comparison, compare
from chromalab.analytics.cluster.levels import coarser
from chromalab.analytics.cluster.predicting import Predicted, predict
from chromalab.analytics.graph.copies import unit
from chromalab.analytics.picture import picture
from chromalab.analytics.result import Result
from chromalab.display import html_table, text_table
from chromalab.errors import InvalidArgumentError, short
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

    from chromalab.analytics.topics.result import Topics

__all__ = ["Clusters"]

_SHOWN = 15
_BARS = 60
_COLUMNS = ("label", "size", "share", "probability", "document")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Clusters(Result):
    """A clustering. It can be joined to fewer clusters, changed by hand, and asked about new records.

    Attributes:
        labels: (n,) int32, -1 for noise. Number 0 is the largest, unless numbers were kept.
        probabilities: (n,) float32, the share of a record's neighbours that is in its cluster (by
            weight); for HDBSCAN how near it is to the densest part. 0 for noise.
        near: (n, 3) int32, the clusters with the largest shares of a record's neighbours, or -1.
        shares: (n, 3) float32, those shares.
        tree: (n_clusters - 1, 3) float64: which two clusters join, and the resolution at which they
            do. 0, 1, ... are `numbers` in order, later ones name what rows of the tree have joined.
        method: "leiden", "hdbscan" or "kmeans".
        curve: For a chosen resolution: what was tried, how stable it was, and how many clusters.
        reach: The mean distance to its nearest 10 above which a new record is in no cluster.

    Example:
        >>> import numpy as np
        >>> from chromalab.analytics.cluster import cluster
        >>> rows = np.repeat(np.eye(2), 30, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 2))
        >>> found = cluster(rows, n_clusters=2)
        >>> found.sizes.tolist(), found.predict([[0, 1]]).labels.tolist()
        ([30, 30], [1])
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    near: NDArray[np.int32]
    shares: NDArray[np.float32]
    tree: NDArray[np.float64]
    method: str
    curve: Mapping[str, Sequence[float]]
    reach: float

    def __len__(self) -> int:
        return self.n_clusters

    @cached_property
    def numbers(self) -> NDArray[np.int32]:
        """(n_clusters,) the labels in use, ascending: 0, 1, ..., with gaps where numbers were kept."""
        return np.unique(self.labels[self.labels >= 0])

    @property
    def n_clusters(self) -> int:
        """How many clusters there are; noise is none."""
        return len(self.numbers)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n_clusters,) how many records each of `numbers` has."""
        return np.bincount(self.labels[self.labels >= 0])[self.numbers]

    @property
    def noise(self) -> float:
        """The share of records in no cluster."""
        return float((self.labels < 0).mean()) if len(self.labels) else 0.0

    @property
    def resolution(self) -> float | None:
        """The resolution of the communities, given or chosen."""
        return self.parameters.get("resolution")

    @property
    def levels(self) -> tuple[int, ...]:
        """How many clusters there are at level 0, 1, ... of `at`."""
        return coarser(self.n_clusters)

    def columns(self, key: str) -> dict[str, list[int]]:
        """Return what `into` writes: the labels."""
        return {key: self.labels.tolist()}

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        n = len(self.snapshot)
        if (
            self.labels.shape != (n,)
            or self.probabilities.shape != (n,)
            or self.near.shape != (n, 3)
            or self.shares.shape != (n, 3)
            or self.tree.ndim != 2
            or self.tree.shape[1] != 3
            or any(not ((part >= -1) & (part < n)).all() for part in (self.labels, self.near))
        ):
            raise ValueError("the parts of the clusters do not fit together")

    def records(self, label: int) -> list[str]:
        """Return the ids of a cluster's records, or with -1 of noise, in insertion order."""
        if label != -1:
            self._check(label)
        return [self.snapshot.ids[row] for row in np.flatnonzero(self.labels == label).tolist()]

    def membership(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the (n, 3) clusters nearest to each record, and their shares of its neighbours."""
        return self.near, self.shares

    def centroids(self) -> NDArray[np.float32]:
        """Return the mean directions of `numbers`: (n_clusters, dimension) float32, of length 1."""
        return centers_of(self._unit, self.labels, self.numbers)

    def at(self, level: int | None = None, *, n_clusters: int | None = None) -> Clusters:
        """Join clusters; each of the new ones is a union of these.

        Args:
            level: 0 for these; each next level has half as many. See `levels`.
            n_clusters: How many there are to be, instead.
        """
        from chromalab.analytics.cluster.changing import joined

        if (level is None) == (n_clusters is None):
            raise InvalidArgumentError("at() takes a level, or n_clusters=...: one of the two.")
        if level is not None:
            if not isinstance(level, int | np.integer) or not 0 <= level < len(self.levels):
                raise InvalidArgumentError(
                    f"No level {short(level)}: 0 to {len(self.levels) - 1}, of "
                    f"{', '.join(map(str, self.levels))} clusters."
                )
            n_clusters = self.levels[level]
        if not isinstance(n_clusters, int | np.integer) or not (
            min(1, self.n_clusters) <= n_clusters <= self.n_clusters
        ):
            raise InvalidArgumentError(
                f"From {self.n_clusters} clusters 1 to {self.n_clusters} can be made; found "
                f"{short(n_clusters)}. For more, split() one, or cluster(resolution=...) anew."
            )
        return joined(self, int(n_clusters))

    def merge(self, labels: Sequence[int]) -> Clusters:
        """Make one cluster of several; it has the lowest of their numbers, all others keep theirs."""
        from chromalab.analytics.cluster.changing import merged

        for label in labels:
            self._check(label)
        return merged(self, [int(label) for label in labels])

    def split(self, label: int, *, resolution: float | None = None) -> Clusters:
        """Part a cluster by the communities within; the largest part keeps its number.

        Args:
            label: The cluster.
            resolution: More makes more parts; None for the lowest that makes any.
        """
        from chromalab.analytics.cluster.changing import parted

        self._check(label)
        return parted(self, int(label), resolution)

    def compare(self, other: Any) -> Comparison:
        """Compare with other clusters, by id, or with labels; see `Comparison`.

        Args:
            other: Clusters; labels in the order of the records; or the metadata key of such.
        """
        return compare(self, other)

    def predict(self, data: Any) -> Predicted:
        """Say in which clusters new records are, by the vote of the nearest 15 that are known.

        Args:
            data: (q, dimension) numbers; or texts, where the collection embeds them.

        Returns:
            Labels, -1 for what lies beyond `reach` or among noise, with confidences.
        """
        return predict(self, data)

    def topics(self, **options: Any) -> Topics:
        """Name the clusters by their words; see `chromalab.analytics.topics`."""
        from chromalab.analytics.topics.result import topics_of

        return topics_of(self, **options)

    def review(self, *, into: str = "topic", by: str | None = None) -> Any:
        """Open a `chromalab_widgets.Review` of the clusters: keep, name, merge or dissolve each.

        Decisions are kept with the collection as they are made; `apply` in it writes the names.

        Args:
            into: The metadata key that names are written to.
            by: Who decides; the user of this machine, unless said.

        Raises:
            InvalidArgumentError: the records are of no collection, or it has changed since.
        """
        from chromalab.showing import review_of

        return review_of(self, into=into, by=by)

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a record, with id, label, probability and document."""
        documents = self.snapshot.documents or [None] * len(self.labels)
        parts = (self.snapshot.ids, self.labels.tolist(), self.probabilities.tolist(), documents)
        rows = list(zip(*parts, strict=True))
        return data_frame(rows, ["id", "label", "probability", "document"])

    def __repr__(self) -> str:
        table = text_table(_COLUMNS, self._rows()) if self.n_clusters else ""
        return "\n".join(filter(None, [table, self._note(), self._made()]))

    def _repr_html_(self) -> str:
        table = html_table(_COLUMNS, self._rows(), note=f"{self._note()}. {self._made()}")
        return table + (picture(self._draw, alt="sizes of the clusters") if self.n_clusters else "")

    @cached_property
    def _unit(self) -> NDArray[np.float32]:
        return unit(self.snapshot.vectors)[0]

    def _check(self, label: Any) -> None:
        if isinstance(label, bool) or label not in self.numbers.tolist():
            shown = ", ".join(map(str, self.numbers[:8].tolist())) or "none"
            more = f" ... 8 of {self.n_clusters} shown" if self.n_clusters > 8 else ""
            raise InvalidArgumentError(f"No cluster {short(label)}. Clusters: {shown}{more}")

    @cached_property
    def _examples(self) -> NDArray[np.int64]:
        return nearest_to_center(self._unit, self.labels, self.numbers, self.centroids())

    def _rows(self) -> list[list[Any]]:
        sizes, total = self.sizes, max(len(self.labels), 1)
        kept = self.labels >= 0
        sums = np.bincount(self.labels[kept], self.probabilities[kept])[self.numbers]
        snapshot = self.snapshot
        return [
            [
                int(self.numbers[at]),
                int(sizes[at]),
                f"{sizes[at] / total:.1%}",
                f"{sums[at] / sizes[at]:.2f}",
                snapshot.document(self._examples[at]) or snapshot.ids[self._examples[at]],
            ]
            for at in np.argsort(-sizes, kind="stable")[:_SHOWN]
        ]

    def _note(self) -> str:
        shown = f"the {_SHOWN} largest of " if self.n_clusters > _SHOWN else ""
        noise = int((self.labels < 0).sum())
        without = f", {noise:,} records are noise ({self.noise:.1%})" if noise else ""
        return f"{shown}{self.n_clusters:,} clusters{without}"

    def _draw(self, axes: Any) -> None:
        sizes = np.sort(self.sizes)[::-1][:_BARS]
        axes.bar(np.arange(len(sizes)), sizes, width=0.9)
        axes.set_ylabel("records")
        cut = f", {_BARS} of {self.n_clusters:,}" if self.n_clusters > _BARS else ""
        axes.set_xlabel(f"clusters, largest first{cut}")
