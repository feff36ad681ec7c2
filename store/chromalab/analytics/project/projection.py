"""`Projection`: a map of the records, that knows how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.new_records import new_vectors
from chromalab.results.picture import picture
from chromalab.analytics.project.affinities import memberships
from chromalab.analytics.project.pca import unit
from chromalab.analytics.project.scatter import color_values, scatter
from chromalab.analytics.result import Result
from chromalab.results.tables import html_table, text_table
from chromalab.errors import MissingDependencyError
from chromalab.results.tables import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["Projection", "place_new"]

_NEAREST = 15


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Projection(Result):
    """A map: two or three numbers for each record, such that like records lie near each other.

    Attributes:
        method: umap, tsne, pca or pacmap.
        coordinates: (n, dims) float32. Copies of one vector lie at the same place.
        trustworthiness: From 0 to 1: how near the 15 neighbors on the map are in truth (Venna &
            Kaski 2001), over distinct vectors.
        neighbor_recall: The share of the 15 nearest that are among the 15 nearest on the map, over
            distinct vectors.
        sampled: Of how many vectors the trustworthiness is.
        trust: (n,) float32, for each record the share of its 15 nearest on the map that are among
            its neighbors in the graph (30 as a rule): low where it lies among strangers.
        neighbor_recalls: (n,) float32, for each record the share of its 15 nearest that are among its 15
            nearest on the map.
        explained: For pca, the share of the variance along each axis; else empty.
        axes: (dims, dimension) float32 for pca: coordinates are `vectors @ axes.T + offset`.
        offset: (dims,) float32 for pca.
        interrupted: Whether it was ended before all epochs were run.

    Example:
        >>> from chromalab.analytics.project import project
        >>> corners = project(np.eye(4), method="pca")
        >>> corners.coordinates.shape, corners.transform([[1, 0, 0, 0]]).shape
        ((4, 2), (1, 2))
    """

    method: str
    coordinates: NDArray[np.float32]
    trustworthiness: float
    neighbor_recall: float
    sampled: int
    trust: NDArray[np.float32]
    neighbor_recalls: NDArray[np.float32]
    explained: tuple[float, ...]
    axes: NDArray[np.float32]
    offset: NDArray[np.float32]
    interrupted: bool

    @property
    def dims(self) -> int:
        """How many numbers a record has on the map."""
        return int(self.coordinates.shape[1])

    def __repr__(self) -> str:
        return f"{text_table(['map', self.method], self._rows())}\n{self._made()}"

    def _repr_html_(self) -> str:
        table = html_table(["map", self.method], self._rows(), note=self._made())
        if not len(self.coordinates):
            return table
        drawn = picture(self._draw, alt=f"Map of the records by {self.method}", height=4.2)
        return table + drawn

    @property
    def is_whole(self) -> bool:
        """Whether all epochs were run."""
        return not self.interrupted

    def columns(self, key: str) -> dict[str, list[float]]:
        """Return what `into` writes: `key_x`, `key_y` and, of three dimensions, `key_z`."""
        return {
            f"{key}_{name}": along.tolist()
            for name, along in zip("xyz", self.coordinates.T, strict=False)
        }

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        n, linear = len(self.snapshot), self.method == "pca"
        shape = (self.dims, self.snapshot.dimension) if linear else (0, 0)
        if (
            self.coordinates.shape not in ((n, 2), (n, 3))
            or self.trust.shape != (n,)
            or self.neighbor_recalls.shape != (n,)
            or self.axes.shape != shape
            or self.offset.shape != shape[:1]
        ):
            raise ValueError("a projection of another size")

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a record, with id, x, y (and z), trust, document."""
        names = ["id", *"xyz"[: self.dims], "trust", "document"]
        documents = self.snapshot.documents or [None] * len(self.trust)
        parts = (self.snapshot.ids, self.coordinates.tolist(), self.trust.tolist(), documents)
        rows = zip(*parts, strict=True)
        return data_frame([[id, *place, trust, text] for id, place, trust, text in rows], names)

    def transform(self, data: Any) -> NDArray[np.float32]:
        """Place new records on the map.

        By pca exactly as the records themselves. On other maps at the weighted mean of the places
        of the 15 nearest records: a copy of a record lies where that lies.

        Args:
            data: (q, dimension) numbers; or texts, where the collection embeds them.

        Returns:
            (q, dims) float32.

        Raises:
            InvalidArgumentError: they have another dimension, hold NaN or infinity, or are texts
                that nothing is there to embed.
        """
        new = new_vectors(data, self.snapshot)
        if self.method == "pca":
            return (new @ self.axes.T + self.offset).astype(np.float32)
        return place_new(new, self.snapshot.vectors, self.coordinates, _NEAREST)

    def plot(self, ax: Any = None, *, color: Any = None, legend: bool = True) -> Any:
        """Draw the map by matplotlib.

        Args:
            ax: Axes to draw on; new ones if None.
            color: A metadata key, or one value a record (numbers, or names such as the labels of
                clusters), or a result with `labels`.
            legend: Whether to explain the colors.

        Returns:
            The axes.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        colors = None
        if color is not None:
            values = self.snapshot.known_column(color) if isinstance(color, str) else color
            colors = color_values(values, len(self.coordinates))
        if ax is None:
            try:
                from matplotlib import pyplot
            except ImportError as error:
                raise MissingDependencyError(
                    "plot() needs matplotlib: pip install matplotlib"
                ) from error
            figure = pyplot.figure(figsize=(8, 5), layout="constrained")
            ax = figure.add_subplot(projection="3d" if self.dims == 3 else None)
        seed = self.random_state or 0
        scatter(ax, self.coordinates, colors, legend=legend, random_state=seed)
        return ax

    def _draw(self, axes: Any) -> None:
        depth = self.coordinates[:, 2].astype(np.float64) if self.dims == 3 else None
        seed = self.random_state or 0
        scatter(axes, self.coordinates, depth, legend=False, random_state=seed)

    def _rows(self) -> list[list[str]]:
        n, over = len(self.coordinates), ""
        if self.sampled < n:
            over = f", of {self.sampled:,} distinct vectors"
        rows = [
            ["records", f"{n:,} in {self.dims} dimensions"],
            ["trustworthiness@15", f"{self.trustworthiness:.3f}{over}"],
            ["neighbor recall@15", f"{self.neighbor_recall:.3f}"],
        ]
        if self.method == "pca":
            shares = " + ".join(f"{share:.1%}" for share in self.explained)
            rows.append(["variance explained", shares])
        if self.interrupted:
            rows.append(["interrupted", f"after {self.parameters['epochs']:,} epochs"])
        return rows


_ENTRIES = 16_000_000  # of the block of likenesses that is held at a time
_SAME = 1e-6  # cosine distance below which a vector counts as one that is there


def place_new(
    new: NDArray[np.float32],
    vectors: NDArray[np.float32],
    coordinates: NDArray[np.float32],
    k: int,
) -> NDArray[np.float32]:
    """Place each vector at the weighted mean of its k nearest records on the map.

    The weights are UMAP's (`memberships`). A copy of a record lies where that lies; zero vectors
    and those that are like nothing (cosine of zero or less) lie in the middle of the map.

    Args:
        new: (q, dimension).
        vectors: (n, dimension) of the records on the map.
        coordinates: (n, dims) of them.
        k: How many records count.

    Returns:
        (q, dims) float32.
    """
    n, dims = coordinates.shape
    if not n or not len(new):
        return np.zeros((len(new), dims), dtype=np.float32)
    k = min(k, n)
    there, asked = unit(vectors), unit(new)
    placed = np.empty((len(new), dims), dtype=np.float32)
    block = max(1, _ENTRIES // n)
    for start in range(0, len(new), block):
        far = 1.0 - asked[start : start + block] @ there.T
        near = np.argpartition(far, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(
            near, np.take_along_axis(far, near, 1).argsort(1, kind="stable"), 1
        )
        distances = np.maximum(np.take_along_axis(far, near, axis=1), 0.0)
        weights = memberships(distances)
        weights[distances[:, 0] < _SAME] = np.eye(1, k)
        weights /= weights.sum(axis=1, keepdims=True)
        at = np.einsum("qk,qkd->qd", weights, coordinates[near])
        at[distances[:, 0] >= 1.0] = coordinates.mean(axis=0)
        placed[start : start + block] = at
    return placed
