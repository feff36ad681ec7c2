"""`Regions`, the calls of `collection.regions`: parts of the embedding space, kept by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chromalab.arguments.records import read_filter
from chromalab.engine import Reader
from chromalab.errors import InvalidArgumentError, NotFoundError, already_exists
from chromalab.handle import Handle
from chromalab.results.tables import Table
from chromalab.search.region_storage import (
    KIND,
    as_attachment,
    check_region_name,
    region_of,
    stored_region,
)
from chromalab.search.regions import Region, RegionPart, read_region
from chromalab.types import Where

__all__ = ["RegionTable", "Regions"]


@dataclass(frozen=True, repr=False)
class RegionTable(Table):
    """The regions of a collection.

    Attributes:
        names: The names, oldest first.
        descriptions: What each region holds, in words.
        counts: How many records are in each; None where it cannot be applied, because an example was
            deleted or the embeddings are of another model now.
    """

    names: Sequence[str]
    descriptions: Sequence[str]
    counts: Sequence[int | None]

    _columns: ClassVar[Sequence[str]] = ("name", "description", "count")

    def _rows(self) -> list[list[Any]]:
        return [list(row) for row in zip(self.names, self.descriptions, self.counts, strict=True)]

    def _heading(self) -> str:
        return "" if self.names else "No regions. regions.add(name, region) stores one."


class Regions:
    """The regions of a collection, by name: `collection.regions`.

    A region is applied again whenever it is used, so that it holds for records that were added since.

    Args:
        collection: The collection.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0, 0], [0, 1], [9, 9]])
        >>> points.regions.add("near a", chromalab.Ball("a", 2))
        >>> points.add(ids=["d"], embeddings=[[1, 0]])
        >>> points.regions.list()
        name    description      count
        near a  within 2 of 'a'      3
        >>> points.search(chromalab.Search().within("near a"))["ids"]
        [['a', 'b', 'd']]
    """

    def __init__(self, collection: Handle) -> None:
        self._collection = collection

    def add(
        self,
        name: str,
        region: Region | RegionPart | Mapping[str, Any],
        *,
        overwrite: bool = False,
    ) -> None:
        """Store a region under a name.

        Args:
            name: At most 200 printable characters.
            region: The region, such as `selection.region()` or `Ball("id", 0.5)`, or its dict.
            overwrite: Whether to replace a region of that name.

        Raises:
            UniqueConstraintError: The name is taken.
            InvalidArgumentError: It is not a region, or has another dimension than the collection.
            NotFoundError: It names a record that does not exist.
        """
        name, collection = check_region_name(name), self._collection
        region = self._region(region)
        self.count(region)  # raises an error if it cannot be applied
        old = collection.engine.attachment(collection.id, KIND, name)
        if old is not None and not overwrite:
            raise already_exists(
                "Region", name, remedy="Choose another name, or pass overwrite=True."
            )
        collection.engine.attach(
            collection.id,
            remove=[] if old is None or old.number is None else [old.number],
            add=[as_attachment(name, region, collection.fingerprint())],
        )

    def get(self, name: str) -> Region:
        """Return a region by name.

        Raises:
            NotFoundError: There is none of that name; the message suggests similar names.
            InvalidArgumentError: It was stored for embeddings of another model.
        """
        return stored_region(self._collection, name)

    def list(self) -> RegionTable:
        """List the regions, oldest first, with how many records are in each."""
        engine, id = self._collection.engine, self._collection.id
        names: list[str] = []
        descriptions: list[str] = []
        counts: list[int | None] = []
        for attachment in engine.attachments(id, KIND):
            name = str(attachment.name)
            names.append(name)
            descriptions.append(str(region_of(attachment)))
            try:
                counts.append(self.count(name))
            except (InvalidArgumentError, NotFoundError):
                counts.append(None)
        return RegionTable(names, descriptions, counts)

    def remove(self, name: str) -> None:
        """Remove a region; the records in it stay.

        Raises:
            NotFoundError: There is none of that name; the message suggests similar names.
        """
        engine, id = self._collection.engine, self._collection.id
        found = engine.attachment(id, KIND, check_region_name(name))
        if found is None or found.number is None:
            self.get(name)  # raises the error
        else:
            engine.attach(id, remove=[found.number])

    def count(
        self,
        region: str | Region | RegionPart | Mapping[str, Any],
        where: Where | None = None,
    ) -> int:
        """Count the records in a region.

        Args:
            region: The name of a stored region, a region, or its dict.
            where: Count only records that match this metadata filter.

        Raises:
            NotFoundError: There is no region of that name, or it names a record that does not exist.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [9, 9]])
            >>> points.regions.count(chromalab.Ball([0, 1], 4))
            1
        """
        chosen, condition = self._region(region), read_filter(None, where, None)

        def read(reader: Reader) -> int:
            margins = chosen.margins(reader, reader.matching(condition))
            return int(np.count_nonzero(margins >= 0))

        return self._collection.engine.reading(self._collection.id, read)

    def _region(self, value: Any) -> Region:
        given = read_region(value)
        return self.get(given) if isinstance(given, str) else given
