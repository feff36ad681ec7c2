"""The labels on a map: where each one goes, and which ones yield when they would overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics import Clusters, Result, Topics, cluster
from chromalab.conversion import values_by_record
from chromalab.errors import InvalidArgumentError
from chromalab.results.tables import text_of
from chromalab.snapshot import Snapshot
from chromalab_widgets.core.text import cut
from chromalab_widgets.map.colors import fitted, known_values
from chromalab_widgets.map.density import smoothed

__all__ = ["Naming", "naming_of", "place_labels"]

_LONGEST = 40
_MOST = 400
_CELLS = 48
_MOST_AT_ONCE = 20  # names that a whole map has room for


@dataclass(frozen=True, eq=False)
class Naming:
    """The names of the records of a map.

    Attributes:
        color: What the points are colored by, unless a color is given.
        ids: The ids of the records.
        names: One name per record, None for none.
        wide: One name per record of a few wide areas that contain the others; None without such areas.
    """

    color: Any
    ids: Sequence[str]
    names: Sequence[str | None]
    wide: Sequence[str | None] | None = None

    def of(self, ids: Sequence[str]) -> Naming:
        """Return the naming of other records; records without a known name have none."""
        names = fitted(self.names, self.ids, ids)
        wide = None if self.wide is None else fitted(self.wide, self.ids, ids)
        color = names if self.color is self.names else self.color
        return Naming(color, ids, names, wide)

    def placed(self, coordinates: NDArray[np.float32]) -> list[dict[str, Any]]:
        """Place the labels on the map, those of wide areas first."""
        wide = [] if self.wide is None else place_labels(self.wide, coordinates)
        narrow = place_labels(self.names, coordinates)
        return [
            *({**one, "wide": True} for one in wide),
            *({**one, "wide": False} for one in narrow),
        ]


def naming_of(given: Any, collection: Any, snapshot: Snapshot) -> Naming | None:
    """Resolve the `labels` option of a map.

    Args:
        given: Topics; clusters, which are named, and also merged into wide areas if there are more than 20;
            True for the default clusters; a metadata field; one name per record; or None.
        collection: What to cluster if `given` is True.
        snapshot: The records of the map.

    Raises:
        InvalidArgumentError: It is none of these, or there is not one name per record.
    """
    if given is None or given is False:
        return None
    if isinstance(given, str):
        names = _names(snapshot.known_column(given))
        return Naming(given, snapshot.ids, names)
    if given is True:
        given = collection.cluster() if hasattr(collection, "cluster") else cluster(snapshot)
    if isinstance(given, Clusters):
        topics, wide = given.topics(), None
        if given.n_clusters > _MOST_AT_ONCE:
            wide = given.areas().topics()
        color = topics if wide is None else wide
        wide_names = None if wide is None else wide.names
        return Naming(color, given.snapshot.ids, topics.names, wide_names).of(snapshot.ids)
    if isinstance(given, Topics):
        return Naming(given, given.snapshot.ids, given.names).of(snapshot.ids)
    names = getattr(given, "labels", given)
    if not hasattr(names, "__len__"):
        raise InvalidArgumentError(
            "labels must be True, topics, clusters, a metadata field, or one name per record; "
            f"got {type(given).__name__}."
        )
    if isinstance(given, Result):
        return Naming(given, given.snapshot.ids, _names(names)).of(snapshot.ids)
    texts = _names(values_by_record(names, snapshot.ids, "labels"))
    return Naming(texts, snapshot.ids, texts)


def _names(values: Any) -> list[str | None]:
    """Return values as names; missing ones, and -1, which is noise in labels of clusters, are None."""
    known = known_values(values)
    return [None if value is None or value == -1 else text_of(value) for value in known]


def place_labels(
    names: Sequence[str | None], coordinates: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Place each name where most of its records are, the largest first.

    Args:
        names: One name per record, None for none.
        coordinates: (n, 2) float32 from -1 to 1.

    Returns:
        `text`, `x`, `y` and `count` of each name, at most 400.

    Raises:
        InvalidArgumentError: There is not one name per record.
    """
    if len(names) != len(coordinates):
        raise InvalidArgumentError(
            f"labels must have one name per record; got {len(names):,} names for "
            f"{len(coordinates):,} records."
        )
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name is not None and name != "":
            rows.setdefault(name, []).append(row)
    largest = sorted(rows.items(), key=lambda item: -len(item[1]))[:_MOST]
    labels = []
    for name, own in largest:
        x, y = _densest(coordinates[own])
        labels.append({"text": cut(name, _LONGEST), "x": x, "y": y, "count": len(own)})
    return labels


def _densest(points: NDArray[np.float32]) -> tuple[float, float]:
    """Return the median of the points around the densest cell; a mean may lie where there are none."""
    if len(points) > 4:
        counts, *edges = np.histogram2d(
            points[:, 0], points[:, 1], bins=_CELLS, range=[[-1, 1], [-1, 1]]
        )
        density = smoothed(counts, 2.0)
        cell = np.unravel_index(int(density.argmax()), density.shape)
        middle = np.array(
            [(edge[at] + edge[at + 1]) / 2 for edge, at in zip(edges, cell, strict=True)]
        )
        near = points[np.abs(points - middle).max(axis=1) <= 6.0 / _CELLS]
        points = near if len(near) else points
    middle = np.median(points, axis=0)
    return round(float(middle[0]), 4), round(float(middle[1]), 4)
