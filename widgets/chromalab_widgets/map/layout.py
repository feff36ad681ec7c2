"""The coordinates of a map: a projection scaled to a common size, and aligned to an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics import Projection, neighbors, project
from chromalab.analytics.analysis import snapshot_of
from chromalab.analytics.project.alignment import procrustes, shared_rows
from chromalab.analytics.project.pca import first_coordinates
from chromalab.analytics.project.quality import map_neighbors
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.tables import count
from chromalab.snapshot import Snapshot

__all__ = [
    "METHODS",
    "Layout",
    "first_layout",
    "layout_of",
    "most_moved",
    "moved_onto",
    "read_again",
    "scaled",
]

METHODS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA", "pacmap": "PaCMAP"}
"""What the methods of `project` are called in prose."""

_NEAREST = 15
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Layout:
    """The records of a map and their coordinates.

    Attributes:
        snapshot: The records.
        coordinates: (n, 2) float32 from -1 to 1 along the longer side, centered at 0; y points up.
        projection: The projection that the coordinates come from; None for bare coordinates.
    """

    snapshot: Snapshot
    coordinates: NDArray[np.float32]
    projection: Projection | None = None

    def points(self) -> bytes:
        """Return all x, then all y, as float32."""
        return np.ascontiguousarray(self.coordinates.T).tobytes()

    def summary(self) -> str:
        """Return one line about the map: the method, the number of records, the neighbor recall."""
        n = len(self.snapshot)
        if not n:
            return "No records yet; after adding some, run the cell again"
        records, projection = count(n, "record"), self.projection
        if projection is None:
            return records
        about = f"{METHODS.get(projection.method, projection.method)} of {records}"
        if n <= _NEAREST + 1:  # all the other records are its nearest
            return about
        recall = f"{projection.neighbor_recall:.2f}".removeprefix("0")
        if projection.interrupted:
            about += f", stopped after {count(projection.parameters['epochs'], 'epoch')}"
        return f"{about}, neighbor recall@{_NEAREST} {recall}"

    def neighbor_recall(self) -> NDArray[np.float32]:
        """Return, per record, the share of its 15 nearest neighbors that are among its 15 nearest here."""
        if self.projection is not None:
            return self.projection.neighbor_recalls
        n = len(self.coordinates)
        k = min(_NEAREST, n - 1)
        if k < 1:
            return np.ones(n, dtype=np.float32)
        true, here = neighbors(self.snapshot, k=k).indices, map_neighbors(self.coordinates, k)
        share = np.empty(n, dtype=np.float32)
        for start in range(0, n, _BLOCK):  # in blocks, as it takes k * k comparisons per record
            rows = slice(start, start + _BLOCK)
            share[rows] = (true[rows, :, None] == here[rows, None, :]).any(axis=2).mean(axis=1)
        return share


def layout_of(
    data: Any, projection: Any = None, options: Mapping[str, Any] | None = None
) -> Layout:
    """Compute the layout of a map.

    Args:
        data: A collection, a snapshot or vectors.
        projection: A `Projection`, the name of a method, (n, 2) numbers, or None for the default method.
        options: Options for `project`, if it has to be called.

    Raises:
        InvalidArgumentError: The projection has three dimensions, or the numbers have the wrong shape.
    """
    if projection is None or isinstance(projection, str):
        chosen: dict[str, Any] = {"method": projection or "umap", **(options or {})}
        projection = project(data, **chosen)
    if isinstance(projection, Projection):
        if projection.dims != 2:
            raise InvalidArgumentError(
                f"A map must have 2 dimensions; got a projection with {projection.dims}. "
                "Use collection.project(..., dims=2)."
            )
        return Layout(projection.snapshot, scaled(projection.coordinates), projection)
    snapshot = Snapshot.of(data)
    try:
        coordinates = np.asarray(projection, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise _wrong_shape(projection, len(snapshot)) from error
    if coordinates.shape != (len(snapshot), 2):
        raise _wrong_shape(projection, len(snapshot))
    if not np.isfinite(coordinates).all():
        raise InvalidArgumentError(
            "The coordinates must be finite; got NaN or infinity. Drop those records or fill in numbers."
        )
    return Layout(snapshot, scaled(coordinates))


def first_layout(snapshot: Snapshot) -> Layout:
    """Return the layout that a map shows until its own is computed, in a fraction of a second."""
    return Layout(snapshot, scaled(first_coordinates(snapshot.vectors)))


def moved_onto(layout: Layout, earlier: Layout) -> Layout:
    """Rotate, mirror and scale a layout so that the records of both layouts lie as close as possible.

    The position and orientation of a map have no meaning: only relative movement does.
    """
    rows, before = shared_rows(layout.snapshot.ids, earlier.snapshot.ids)
    if len(rows) < 2:
        return layout
    move = procrustes(layout.coordinates[rows], earlier.coordinates[before])
    return Layout(layout.snapshot, scaled(move(layout.coordinates)), layout.projection)


def read_again(layout: Layout, data: Any) -> Layout:
    """Return a layout with its records as they are now, without those that were deleted since.

    The others stay where they are. Records that were added since are left out.
    """
    now = snapshot_of(data, layout.snapshot.where)
    rows = np.array(
        [row for row, id in enumerate(now.ids) if id in layout.snapshot.rows_by_id], int
    )
    before = [layout.snapshot.rows_by_id[now.ids[row]] for row in rows.tolist()]
    if len(rows) < len(now):
        now = now.take(rows)
    is_whole = len(now) == len(layout.snapshot)
    return Layout(now, layout.coordinates[before], layout.projection if is_whole else None)


def most_moved(layout: Layout, earlier: Layout, most: int) -> list[tuple[int, float]]:
    """List the rows that moved furthest with the distance, where 1 is half of the map's longer side."""
    rows, before = shared_rows(layout.snapshot.ids, earlier.snapshot.ids)
    far = np.linalg.norm(layout.coordinates[rows] - earlier.coordinates[before], axis=1)
    order = np.argsort(-far, kind="stable")[:most]
    return [(int(rows[at]), float(far[at])) for at in order if far[at] > 0]


def scaled(coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Center (n, 2) coordinates, and scale the longer side of what they fill to reach from -1 to 1."""
    if not len(coordinates):
        return coordinates.reshape(0, 2)
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    half = float((high - low).max()) / 2 or 1.0
    return np.asarray((coordinates - (low + high) / 2) / half, dtype=np.float32)


def _wrong_shape(projection: Any, records: int) -> InvalidArgumentError:
    shape = getattr(projection, "shape", None)
    found = short(projection) if shape is None else f"an array of shape {shape}"
    if isinstance(projection, Sequence) and len(projection) != records:
        found = f"{len(projection):,} entries"
    return InvalidArgumentError(
        f"The projection of a map of {records:,} records must be a Projection, the name of a method, or "
        f"({records}, 2) numbers; got {found}."
    )
