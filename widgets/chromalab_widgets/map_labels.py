"""The names that stand on a map: where each lies, and which gives way when they would overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics import Clusters, Result, Topics, cluster
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot
from chromalab_widgets.base import cut
from chromalab_widgets.map_density import smoothed
from chromalab_widgets.map_values import fitted

__all__ = ["Naming", "naming_of", "place_labels"]

_LONGEST = 40
_MOST = 400
_CELLS = 48
_COLORS = 8  # areas that colours can tell apart


@dataclass(frozen=True, eq=False)
class Naming:
    """The names on a map.

    Attributes:
        color: What the points are coloured by, unless something else is asked for.
        ids: The records.
        names: One a record, None for none.
        wide: The same of a few wide areas that the others are parts of; None where there are none.
    """

    color: Any
    ids: Sequence[str]
    names: Sequence[str | None]
    wide: Sequence[str | None] | None = None

    def of(self, ids: Sequence[str]) -> Naming:
        """Return it for other records; those that it knows no name of have none."""
        names = fitted(self.names, self.ids, ids)
        wide = None if self.wide is None else fitted(self.wide, self.ids, ids)
        return Naming(self.color, ids, names, wide)

    def placed(self, places: NDArray[np.float32]) -> list[dict[str, Any]]:
        """Put the names on the map, those of wide areas first."""
        wide = [] if self.wide is None else place_labels(self.wide, places)
        narrow = place_labels(self.names, places)
        return [
            *({**one, "wide": True} for one in wide),
            *({**one, "wide": False} for one in narrow),
        ]


def naming_of(given: Any, collection: Any, snapshot: Snapshot) -> Naming | None:
    """Read what `labels` was given as.

    Args:
        given: Topics; clusters, which are named, and if they are many joined to a few wide areas, too; True
            for the default clusters; a metadata key; one name a record; or None.
        collection: What is clustered for True.
        snapshot: The records of the map.

    Raises:
        InvalidArgumentError: it is none of these, or there is not one name a record.
    """
    if given is None or given is False:
        return None
    if isinstance(given, str):
        names = [None if value is None else str(value) for value in snapshot.known_column(given)]
        return Naming(given, snapshot.ids, names)
    if given is True:
        given = collection.cluster() if hasattr(collection, "cluster") else cluster(snapshot)
    if isinstance(given, Clusters):
        topics, wide = given.topics(), None
        if given.n_clusters > _COLORS:
            wide = given.at(n_clusters=_COLORS).topics()
        color = topics if wide is None else wide
        wide_names = None if wide is None else wide.names
        return Naming(color, given.snapshot.ids, topics.names, wide_names).of(snapshot.ids)
    if isinstance(given, Topics):
        return Naming(given, given.snapshot.ids, given.names).of(snapshot.ids)
    names = getattr(given, "labels", given)
    if not hasattr(names, "__len__"):
        raise InvalidArgumentError(
            "labels is True, topics, clusters, a metadata key, or one name a record; "
            f"found {type(given).__name__}."
        )
    texts = [None if name is None else str(name) for name in names]
    if isinstance(given, Result):
        return Naming(given, given.snapshot.ids, texts).of(snapshot.ids)
    return Naming(texts, snapshot.ids, texts)


def place_labels(names: Sequence[str | None], places: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Put each name where most of its records lie, the largest first.

    Args:
        names: One a record, None for none.
        places: (n, 2) float32 from -1 to 1.

    Returns:
        `text`, `x`, `y` and `count` for each name, at most 400.

    Raises:
        InvalidArgumentError: there is not one name a record.
    """
    if len(names) != len(places):
        raise InvalidArgumentError(
            f"{len(names):,} names for {len(places):,} records: give one each."
        )
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name is not None and name != "":
            rows.setdefault(name, []).append(row)
    largest = sorted(rows.items(), key=lambda item: -len(item[1]))[:_MOST]
    labels = []
    for name, own in largest:
        x, y = _crowded(places[own])
        labels.append({"text": cut(name, _LONGEST), "x": x, "y": y, "count": len(own)})
    return labels


def _crowded(places: NDArray[np.float32]) -> tuple[float, float]:
    """Find the middle of the points around the densest cell: a mean may lie where nothing is."""
    if len(places) > 4:
        counts, *edges = np.histogram2d(
            places[:, 0], places[:, 1], bins=_CELLS, range=[[-1, 1], [-1, 1]]
        )
        density = smoothed(counts, 2.0)
        cell = np.unravel_index(int(density.argmax()), density.shape)
        middle = np.array(
            [(edge[at] + edge[at + 1]) / 2 for edge, at in zip(edges, cell, strict=True)]
        )
        near = places[np.abs(places - middle).max(axis=1) <= 6.0 / _CELLS]
        places = near if len(near) else places
    middle = np.median(places, axis=0)
    return round(float(middle[0]), 4), round(float(middle[1]), 4)
