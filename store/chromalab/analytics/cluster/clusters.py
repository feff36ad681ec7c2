"""`Clusters`: the cluster of each record, how certain that is, and how the clusters merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.assembly import Assembly, assemble, reach_of
from chromalab.analytics.cluster.comparison import Comparison, compare
from chromalab.analytics.cluster.edits import merged_to, split
from chromalab.analytics.cluster.hdbscan_package import exemplars, outlier_scores, package_tree
from chromalab.analytics.cluster.kmeans import centers_of, nearest_to_center
from chromalab.analytics.cluster.levels import coarser
from chromalab.analytics.cluster.membership import NEIGHBORS, edge_weights
from chromalab.analytics.cluster.prediction import Prediction, predict
from chromalab.analytics.graph import graph_of
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.result import Result
from chromalab.arguments.values import check_integer
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.picture import picture
from chromalab.results.tables import count, data_frame
from chromalab.sockets import plug

if TYPE_CHECKING:
    import pandas

    from chromalab.analytics.topics.result import Topics

__all__ = ["Clusters"]

_BARS = 60


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Clusters(Result):
    """A clustering. It can be merged to fewer clusters, edited, and applied to new records.

    Attributes:
        labels: (n,) int32, -1 for noise. Cluster 0 is the largest, unless earlier numbers are reused.
        probabilities: (n,) float32, the share of the weight of a record's neighbors in its cluster; for
            HDBSCAN, how close the record is to the densest part. 0 for noise.
        near: (n, 3) int32, the clusters with the largest shares of a record's neighbors, or -1.
        shares: (n, 3) float32, those shares.
        tree: (n_clusters - 1, 3) float64: the two clusters of each merge, and its resolution. 0, 1, ...
            are `numbers` in order; higher numbers are the rows of earlier merges.
        method: "leiden", "hdbscan" or "kmeans", or an estimator, such as "KMeans()".
        curve: If the resolution was chosen: the resolutions tried, their stability, and the number of
            clusters at each.
        reach: The mean distance to its nearest 10 beyond which a new record is noise.
        condensed: (edges, 4) float64, the edges of HDBSCAN's condensed tree, as `condensed_tree()` has
            them: parent, child, density and number of records. No rows for other methods.

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
    condensed: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))

    _columns: ClassVar = ("label", "size", "share", "probability", "document")
    _limit: ClassVar = 15

    def __len__(self) -> int:
        return self.n_clusters

    @cached_property
    def numbers(self) -> NDArray[np.int32]:
        """(n_clusters,) the labels in use, ascending: 0, 1, ..., with gaps if numbers were reused."""
        return np.unique(self.labels[self.labels >= 0])

    @property
    def n_clusters(self) -> int:
        """The number of clusters; noise is not a cluster."""
        return len(self.numbers)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n_clusters,) the number of records in each of `numbers`."""
        return np.bincount(self.labels[self.labels >= 0])[self.numbers]

    @property
    def noise(self) -> float:
        """The share of records in no cluster."""
        return float((self.labels < 0).mean()) if len(self.labels) else 0.0

    @property
    def resolution(self) -> float | None:
        """The resolution of Leiden, given or chosen."""
        return self.parameters.get("resolution")

    @property
    def levels(self) -> tuple[int, ...]:
        """The number of clusters at level 0, 1, ... of `at`."""
        return coarser(self.n_clusters)

    def columns(self, field: str) -> dict[str, list[int]]:
        """Return what `into` writes: the labels."""
        return {field: self.labels.tolist()}

    def check(self) -> None:
        """Raise ValueError if the fields are inconsistent."""
        n = len(self.snapshot)
        if (
            self.labels.shape != (n,)
            or self.probabilities.shape != (n,)
            or self.near.shape != (n, 3)
            or self.shares.shape != (n, 3)
            or self.tree.ndim != 2
            or self.tree.shape[1] != 3
            or self.condensed.shape[1:] != (4,)
            or any(not ((part >= -1) & (part < n)).all() for part in (self.labels, self.near))
        ):
            raise ValueError("the fields of the clusters are inconsistent")

    def records(self, label: int) -> list[str]:
        """Return the ids of a cluster's records, in insertion order; -1 is noise."""
        if label != -1:
            self._check(label)
        return [self.snapshot.ids[row] for row in np.flatnonzero(self.labels == label).tolist()]

    def membership(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the (n, 3) clusters nearest to each record, and their shares of its neighbors."""
        return self.near, self.shares

    def centroids(self) -> NDArray[np.float32]:
        """Return the mean directions of `numbers`: (n_clusters, dimension) float32, of unit length."""
        return centers_of(self._unit, self.labels, self.numbers)

    def at(self, level: int | None = None, *, n_clusters: int | None = None) -> Clusters:
        """Merge clusters; each of the new clusters is a union of these.

        Args:
            level: The level; 0 is these clusters, and each next one has half as many. See `levels`.
            n_clusters: Number of clusters to merge to, in place of a level.
        """
        if (level is None) == (n_clusters is None):
            raise InvalidArgumentError("at() takes a level or n_clusters=..., not both.")
        if level is not None:
            if not isinstance(level, int | np.integer) or not 0 <= level < len(self.levels):
                raise InvalidArgumentError(
                    f"level must be 0 to {len(self.levels) - 1}, which have "
                    f"{', '.join(map(str, self.levels))} clusters; got {short(level)}."
                )
            n_clusters = self.levels[level]
        if not isinstance(n_clusters, int | np.integer) or not (
            min(1, self.n_clusters) <= n_clusters <= self.n_clusters
        ):
            raise InvalidArgumentError(
                f"n_clusters must be 1 to {self.n_clusters}, the number of clusters; got "
                f"{short(n_clusters)}. For more clusters, use split(), or cluster(resolution=...) again."
            )
        return self._merged_to(int(n_clusters))

    def areas(self, n_clusters: int = 10) -> Clusters:
        """Merge to a few wide areas of similar size, as a map is colored by; each is a union of clusters.

        `at` merges the most similar clusters first, which often leaves one area with half of the records.
        This takes other merges of the same hierarchy, those with the highest modularity.

        Args:
            n_clusters: Number of areas; with no more clusters than that, these clusters are returned.
        """
        n_clusters = check_integer("n_clusters", n_clusters, 1)
        return self._merged_to(min(n_clusters, self.n_clusters), evenly=True)

    def merge(self, labels: Sequence[int]) -> Clusters:
        """Merge clusters into one, which has the lowest of their numbers; all others keep theirs."""
        for label in labels:
            self._check(label)
        new = self.labels.copy()
        new[np.isin(new, [int(label) for label in labels])] = min(map(int, labels), default=-1)
        return self._edited(new)

    def split(self, label: int, *, resolution: float | None = None) -> Clusters:
        """Split a cluster into the communities within it; the largest part keeps its number.

        Args:
            label: The cluster.
            resolution: Resolution of Leiden; a higher one makes more parts. By default it is the lowest
                one that splits the cluster.
        """
        self._check(label)
        return self._edited(
            split(
                self.snapshot,
                self.labels,
                int(label),
                resolution,
                smallest=max(2, int(self.parameters.get("min_cluster_size") or 2) // 3),
                random_state=int(self.random_state or 0),
            )
        )

    def compare(self, other: Any) -> Comparison:
        """Compare with other clusters, by id, or with labels; see `Comparison`.

        Args:
            other: Clusters, labels in the order of the records, or the metadata field of labels.
        """
        return compare(self.snapshot, self.labels, other)

    def predict(self, data: Any) -> Prediction:
        """Predict the clusters of new records, by a vote of the nearest 15 known records.

        Args:
            data: (q, dimension) numbers, or texts if the collection has an embedding function.

        Returns:
            Labels with probabilities; -1 for records beyond `reach`, or among noise.
        """
        return predict(self.snapshot, self.labels, self.reach, data)

    def condensed_tree(self) -> Any:
        """Return HDBSCAN's tree as a `hdbscan.plots.CondensedTree`, with `plot()` and `to_pandas()`.

        Children below n are the records in the order of `ids`; `lambda_val` is 1 / distance of unit
        vectors. The tree is that of the neighbor graph, or of all pairs with `exact=True`.

        Raises:
            InvalidArgumentError: The clusters are not by "hdbscan".
            MissingDependencyError: hdbscan is not installed.

        Example:
            >>> import numpy as np
            >>> from chromalab.analytics.cluster import cluster
            >>> rows = np.repeat(np.eye(2), 30, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 2))
            >>> tree = cluster(rows, "hdbscan", min_samples=5).condensed_tree()
            >>> tree.to_numpy().dtype.names
            ('parent', 'child', 'lambda_val', 'child_size')
        """
        return package_tree(self._density_tree, self.labels)

    def exemplars(self, label: int) -> list[str]:
        """Return the ids of the densest records of a cluster, which stand for its shape.

        They are the last to leave each cluster without children in HDBSCAN's tree.

        Raises:
            InvalidArgumentError: There is no such cluster, or the clusters are not by "hdbscan".
        """
        self._check(label)
        rows = exemplars(self._density_tree)
        return [self.snapshot.ids[row] for row in rows[self.labels[rows] == label].tolist()]

    def outlier_scores(self) -> NDArray[np.float64]:
        """Return the GLOSH outlier scores: (n,) float64 from 0 to 1, higher for outliers.

        A score compares a record with the densest one of its cluster in HDBSCAN's tree (Campello,
        Moulavi, Zimek and Sander 2015, https://doi.org/10.1145/2733381).

        Raises:
            InvalidArgumentError: The clusters are not by "hdbscan".
        """
        return outlier_scores(self._density_tree, len(self.labels))

    def topics(self, **options: Any) -> Topics:
        """Name the clusters by their words; see `chromalab.analytics.topics`."""
        from chromalab.analytics.topics.result import topics_of

        return topics_of(self, **options)

    def review(
        self, *, into: str = "topic", by: str | None = None, show: Sequence[str] | str | None = None
    ) -> Any:
        """Open a `chromalab_widgets.Review` of the clusters: keep, name, merge or dissolve each.

        Decisions are stored with the collection as they are made; `apply` in the widget writes the
        names.

        Args:
            into: Metadata field that the names are written to.
            by: Name of the reviewer; the OS user name by default.
            show: The metadata keys to show, or "all"; by default, the most useful ones.

        Raises:
            InvalidArgumentError: The records are not of a collection, or it has changed since.
        """
        return plug("chromalab.show", "review")(self, into=into, by=by, show=show)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame: one row per record, with id, label, probability and document."""
        documents = self.snapshot.documents or [None] * len(self.labels)
        parts = (self.snapshot.ids, self.labels.tolist(), self.probabilities.tolist(), documents)
        rows = list(zip(*parts, strict=True))
        return data_frame(rows, ["id", "label", "probability", "document"])

    @cached_property
    def _unit(self) -> NDArray[np.float32]:
        return unit(self.snapshot.vectors)[0]

    @property
    def _density_tree(self) -> NDArray[np.float64]:
        if self.method != "hdbscan":
            raise InvalidArgumentError(
                f"Only method='hdbscan' makes a density tree; these clusters are by {self.method!r}. "
                "Run cluster(method='hdbscan')."
            )
        return self.condensed

    def _check(self, label: Any) -> None:
        if isinstance(label, bool) or label not in self.numbers.tolist():
            shown = ", ".join(map(str, self.numbers[:8].tolist())) or "none"
            more = f" ... 8 of {self.n_clusters} shown" if self.n_clusters > 8 else ""
            raise InvalidArgumentError(f"No cluster {short(label)}. Clusters: {shown}{more}")

    @cached_property
    def _examples(self) -> NDArray[np.int64]:
        return nearest_to_center(self._unit, self.labels, self.numbers, self.centroids())

    def _merged_to(self, n_clusters: int, *, evenly: bool = False) -> Clusters:
        if n_clusters == self.n_clusters:
            return self
        parts = Assembly(self.labels, self.probabilities, self.near, self.shares, self.tree)
        adds_shares = self.method != "hdbscan"
        merged = merged_to(parts, n_clusters, adds_shares=adds_shares, evenly=evenly)
        return replace(
            self, **vars(merged), parameters={**self.parameters, "n_clusters": n_clusters}
        )

    def _edited(self, labels: NDArray[np.int32]) -> Clusters:
        """Make clusters of edited labels, which keep their numbers."""
        graph = graph_of(self.snapshot, NEIGHBORS, random_state=int(self.random_state or 0))
        parts = assemble(
            self.snapshot,
            graph,
            edge_weights(graph),
            labels[graph.representative],
            keep_numbers=True,
        )
        return replace(
            self,
            **vars(parts),
            parameters={**self.parameters, "changed": "by hand"},
            recall=float(graph.recall),
            curve={name: list(values) for name, values in self.curve.items()},
            reach=reach_of(graph),
        )

    def _rows(self) -> list[list[Any]]:
        sizes, total = self.sizes, max(len(self.labels), 1)
        rows = np.flatnonzero(self.labels >= 0)
        sums = np.bincount(self.labels[rows], self.probabilities[rows])[self.numbers]
        snapshot = self.snapshot
        return [
            [
                int(self.numbers[at]),
                int(sizes[at]),
                f"{sizes[at] / total:.1%}",
                f"{sums[at] / sizes[at]:.2f}",
                snapshot.document(self._examples[at]) or snapshot.ids[self._examples[at]],
            ]
            for at in np.argsort(-sizes, kind="stable")
        ]

    def _summary(self) -> str:
        largest = f"the {self._limit} largest of " if self.n_clusters > self._limit else ""
        noise = int((self.labels < 0).sum())
        are = "is" if noise == 1 else "are"
        rest = f", {count(noise, 'record')} {are} noise ({self.noise:.1%})" if noise else ""
        return f"{largest}{count(self.n_clusters, 'cluster')}{rest}"

    def _chart(self) -> str:
        return picture(self._draw, alt="Sizes of the clusters") if self.n_clusters else ""

    def _draw(self, axes: Any) -> None:
        sizes = np.sort(self.sizes)[::-1][:_BARS]
        axes.bar(np.arange(len(sizes)), sizes, width=0.9)
        axes.set_ylabel("records")
        cut = f", {_BARS} of {self.n_clusters:,}" if self.n_clusters > _BARS else ""
        axes.set_xlabel(f"clusters, largest first{cut}")
