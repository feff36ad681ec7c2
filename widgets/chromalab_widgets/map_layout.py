"""Where the points of a map lie: a projection brought to one size, and the way from one to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics import Projection, neighbors
from chromalab.analytics.project.alignment import procrustes, shared_rows
from chromalab.analytics.project.quality import map_neighbors
from chromalab.errors import InvalidArgumentError, short
from chromalab.snapshot import Snapshot

__all__ = ["Layout", "layout_of", "most_moved", "moved_onto"]

_NEAREST = 15
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Layout:
    """The records of a map and their places.

    Attributes:
        snapshot: The records.
        places: (n, 2) float32 from -1 to 1 along the longer side, the middle at 0; y goes up.
        projection: What it was made of, None for bare coordinates.
    """

    snapshot: Snapshot
    places: NDArray[np.float32]
    projection: Projection | None = None

    def points(self) -> bytes:
        """Return all x, then all y, as float32."""
        return np.ascontiguousarray(self.places.T).tobytes()

    def honesty(self) -> NDArray[np.float32]:
        """Return for each record the share of its 15 nearest that are among its 15 nearest here."""
        if self.projection is not None:
            return self.projection.neighbor_recalls
        n = len(self.places)
        k = min(_NEAREST, n - 1)
        if k < 1:
            return np.ones(n, dtype=np.float32)
        true, here = neighbors(self.snapshot, k=k).indices, map_neighbors(self.places, k)
        share = np.empty(n, dtype=np.float32)
        for start in range(0, n, _BLOCK):  # k * k comparisons a record
            rows = slice(start, start + _BLOCK)
            share[rows] = (true[rows, :, None] == here[rows, None, :]).any(axis=2).mean(axis=1)
        return share


def layout_of(
    data: Any, projection: Any = None, options: Mapping[str, Any] | None = None
) -> Layout:
    """Lay records out.

    Args:
        data: A collection, a snapshot or vectors.
        projection: A `Projection`, the name of a method, (n, 2) numbers, or None for the default method.
        options: For `project`, where it is asked.

    Raises:
        InvalidArgumentError: the projection has three dimensions, or numbers are of another shape.
    """
    if projection is None or isinstance(projection, str):
        from chromalab.analytics import project

        method, given = projection or "umap", dict(options or {})
        ask = getattr(data, "project", None)
        projection = ask(method, **given) if ask else project(data, method=method, **given)
    if isinstance(projection, Projection):
        if projection.dims != 2:
            raise InvalidArgumentError(
                f"A map has two dimensions, this projection has {projection.dims}: "
                "collection.project(..., dims=2)."
            )
        return Layout(projection.snapshot, _sized(projection.coordinates), projection)
    snapshot = Snapshot.of(data)
    try:
        places = np.asarray(projection, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise _no_places(projection, len(snapshot)) from error
    if places.shape != (len(snapshot), 2):
        raise _no_places(projection, len(snapshot))
    if not np.isfinite(places).all():
        raise InvalidArgumentError(
            "The coordinates hold NaN or infinity: every record needs a place."
        )
    return Layout(snapshot, _sized(places))


def moved_onto(layout: Layout, earlier: Layout) -> Layout:
    """Turn, mirror and scale a layout so that the records that both have lie as near as can be.

    Where a map ends up, and which way round, means nothing: only what moves against the rest does.
    """
    rows, before = shared_rows(layout.snapshot.ids, earlier.snapshot.ids)
    if len(rows) < 2:
        return layout
    move = procrustes(layout.places[rows], earlier.places[before])
    return Layout(layout.snapshot, _sized(move(layout.places)), layout.projection)


def most_moved(layout: Layout, earlier: Layout, count: int) -> list[tuple[int, float]]:
    """List the rows that moved furthest and how far, 1 being half of the map's longer side."""
    rows, before = shared_rows(layout.snapshot.ids, earlier.snapshot.ids)
    far = np.linalg.norm(layout.places[rows] - earlier.places[before], axis=1)
    order = np.argsort(-far, kind="stable")[:count]
    return [(int(rows[at]), float(far[at])) for at in order if far[at] > 0]


def _sized(places: NDArray[np.float32]) -> NDArray[np.float32]:
    if not len(places):
        return places.reshape(0, 2)
    low, high = places.min(axis=0), places.max(axis=0)
    half = float((high - low).max()) / 2 or 1.0
    return np.asarray((places - (low + high) / 2) / half, dtype=np.float32)


def _no_places(projection: Any, count: int) -> InvalidArgumentError:
    shape = getattr(projection, "shape", None)
    found = short(projection) if shape is None else f"an array of shape {shape}"
    if isinstance(projection, Sequence) and len(projection) != count:
        found = f"{len(projection):,} entries"
    return InvalidArgumentError(
        f"A map of {count:,} records takes a projection, or ({count}, 2) numbers; found {found}."
    )
