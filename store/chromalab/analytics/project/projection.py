"""`Projection`: a map of the records, with measures of how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.new_records import new_vectors
from chromalab.analytics.project.affinities import memberships
from chromalab.analytics.project.pca import unit_vectors
from chromalab.analytics.project.scatter import color_values, scatter
from chromalab.analytics.result import Result
from chromalab.errors import MissingDependencyError
from chromalab.results.picture import picture
from chromalab.results.tables import count, data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["Projection", "place_new"]

_NEAREST = 15
_BLOCK = 16_000_000  # similarities in memory at a time
_SAME = 1e-6  # cosine distance below which two vectors count as equal
_NAMES = {"umap": "UMAP", "tsne": "t-SNE", "pacmap": "PaCMAP", "pca": "PCA"}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Projection(Result):
    """A map: two or three coordinates per record, such that similar records lie near each other.

    Attributes:
        method: "umap", "tsne", "pacmap" or "pca".
        coordinates: (n, dims) float32. Records with equal vectors have equal coordinates.
        trustworthiness: From 0 to 1, how near the 15 neighbors on the map are in the original space
            (Venna & Kaski 2001), over distinct vectors.
        neighbor_recall: The share of the 15 nearest neighbors that are among the 15 nearest on the map,
            over distinct vectors.
        sampled: The number of vectors that the trustworthiness was computed for.
        local_trustworthiness: (n,) float32, for each record the share of its 15 nearest on the map that
            are among its neighbors in the graph (usually 30). It is low for a record that lies among
            unrelated ones.
        neighbor_recalls: (n,) float32, for each record the share of its 15 nearest neighbors that are
            among its 15 nearest on the map.
        explained: For PCA, the share of the variance along each axis; otherwise empty.
        axes: (dims, dimension) float32 for PCA: coordinates are `vectors @ axes.T + offset`.
        offset: (dims,) float32 for PCA.
        interrupted: Whether it was interrupted before the last epoch.

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
    local_trustworthiness: NDArray[np.float32]
    neighbor_recalls: NDArray[np.float32]
    explained: tuple[float, ...]
    axes: NDArray[np.float32]
    offset: NDArray[np.float32]
    interrupted: bool

    @property
    def dims(self) -> int:
        """The number of coordinates per record."""
        return int(self.coordinates.shape[1])

    @property
    def is_whole(self) -> bool:
        """Whether all epochs were run."""
        return not self.interrupted

    def columns(self, field: str) -> dict[str, list[float]]:
        """Return what `into` writes: `field_x`, `field_y` and, in three dimensions, `field_z`."""
        return {
            f"{field}_{name}": along.tolist()
            for name, along in zip("xyz", self.coordinates.T, strict=False)
        }

    def check(self) -> None:
        """Raise ValueError if the parts are inconsistent."""
        n, linear = len(self.snapshot), self.method == "pca"
        shape = (self.dims, self.snapshot.dimension) if linear else (0, 0)
        if (
            self.coordinates.shape not in ((n, 2), (n, 3))
            or self.local_trustworthiness.shape != (n,)
            or self.neighbor_recalls.shape != (n,)
            or self.axes.shape != shape
            or self.offset.shape != shape[:1]
        ):
            raise ValueError("the parts of the projection are inconsistent")

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per record.

        The columns are id, x, y (and z), trustworthiness and document.
        """
        names = ["id", *"xyz"[: self.dims], "trustworthiness", "document"]
        documents = self.snapshot.documents or [None] * len(self.coordinates)
        rows = zip(
            self.snapshot.ids,
            self.coordinates.tolist(),
            self.local_trustworthiness.tolist(),
            documents,
            strict=True,
        )
        return data_frame([[id, *at, trusted, text] for id, at, trusted, text in rows], names)

    def transform(self, data: Any) -> NDArray[np.float32]:
        """Place new records on the map.

        With PCA, they are placed exactly as the records themselves were. On other maps, a new record is
        placed at the weighted mean of the coordinates of its 15 nearest records, and at the coordinates of
        a record that has the same vector.

        Args:
            data: (q, dimension) numbers, or texts if the collection can embed them.

        Returns:
            (q, dims) float32.

        Raises:
            InvalidArgumentError: The vectors have another dimension, or contain NaN or infinity; or texts
                were given and there is nothing to embed them.
        """
        new = new_vectors(data, self.snapshot)
        if self.method == "pca":
            return (new @ self.axes.T + self.offset).astype(np.float32)
        return place_new(new, self.snapshot.vectors, self.coordinates, _NEAREST)

    def plot(self, ax: Any = None, *, color: Any = None, legend: bool = True) -> Any:
        """Plot the map with matplotlib.

        Args:
            ax: The axes to draw on; new ones by default.
            color: A metadata field, one value per record (numbers, or names such as cluster labels; a dict
                or a Series may have them by id), or a result with `labels`.
            legend: Whether to explain the colors.

        Returns:
            The axes.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        colors = None
        if color is not None:
            values = self.snapshot.known_column(color) if isinstance(color, str) else color
            colors = color_values(values, self.snapshot.ids)
        if ax is None:
            try:
                from matplotlib import pyplot
            except ImportError as error:
                raise MissingDependencyError(
                    "plot() needs matplotlib: pip install matplotlib."
                ) from error
            figure = pyplot.figure(figsize=(8, 5), layout="constrained")
            ax = figure.add_subplot(projection="3d" if self.dims == 3 else None)
        seed = self.random_state or 0
        scatter(ax, self.coordinates, colors, legend=legend, random_state=seed)
        return ax

    def _heading(self) -> str:
        recall = f"{self.neighbor_recall:.2f}".removeprefix("0")
        records = count(len(self.coordinates), "record")
        return f"{_NAMES.get(self.method, self.method)} of {records}, neighbor recall@15 {recall}"

    def _header(self) -> tuple[str, str]:
        return ("map", self.method)

    def _rows(self) -> list[list[str]]:
        n, over = len(self.coordinates), ""
        if self.sampled < n:
            over = f", of {count(self.sampled, 'distinct vector')}"
        rows = [
            ["records", f"{n:,} in {self.dims} dimensions"],
            ["trustworthiness@15", f"{self.trustworthiness:.3f}{over}"],
            ["neighbor recall@15", f"{self.neighbor_recall:.3f}"],
        ]
        if self.method == "pca":
            shares = " + ".join(f"{share:.1%}" for share in self.explained)
            rows.append(["variance explained", shares])
        if self.interrupted:
            rows.append(["interrupted", f"after {count(self.parameters['epochs'], 'epoch')}"])
        return rows

    def _chart(self) -> str:
        if not len(self.coordinates):
            return ""
        return picture(self._draw, alt=self._heading(), height=4.2)

    def _draw(self, axes: Any) -> None:
        depth = self.coordinates[:, 2].astype(np.float64) if self.dims == 3 else None
        seed = self.random_state or 0
        scatter(axes, self.coordinates, depth, legend=False, random_state=seed)


def place_new(
    new: NDArray[np.float32],
    vectors: NDArray[np.float32],
    coordinates: NDArray[np.float32],
    k: int,
) -> NDArray[np.float32]:
    """Place each new vector at the weighted mean of its k nearest records on the map.

    The weights are those of UMAP (`memberships`). A vector that equals that of a record is placed at the
    coordinates of the record. Zero vectors, and vectors that resemble no record (a cosine of at most 0),
    are placed in the middle of the map.

    Args:
        new: (q, dimension).
        vectors: (n, dimension) of the records on the map.
        coordinates: (n, dims) of these records.
        k: The number of nearest records.

    Returns:
        (q, dims) float32.
    """
    n, dims = coordinates.shape
    if not n or not len(new):
        return np.zeros((len(new), dims), dtype=np.float32)
    k = min(k, n)
    on_map, queries = unit_vectors(vectors), unit_vectors(new)
    placed = np.empty((len(new), dims), dtype=np.float32)
    block = max(1, _BLOCK // n)
    for start in range(0, len(new), block):
        far = 1.0 - queries[start : start + block] @ on_map.T
        near = np.argpartition(far, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(far, near, 1).argsort(1, kind="stable")
        near = np.take_along_axis(near, order, 1)
        distances = np.maximum(np.take_along_axis(far, near, axis=1), 0.0)
        weights = memberships(distances)
        weights[distances[:, 0] < _SAME] = np.eye(1, k)
        weights /= weights.sum(axis=1, keepdims=True)
        at = np.einsum("qk,qkd->qd", weights, coordinates[near])
        at[distances[:, 0] >= 1.0] = coordinates.mean(axis=0)
        placed[start : start + block] = at
    return placed
