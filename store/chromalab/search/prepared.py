"""A search that is ready to run in a transaction: its queries are embedded, its condition is parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chromalab.embed import EmbeddingFunction
from chromalab.engine import Filter, RecordTransform, Vectors
from chromalab.search.ranks import Source
from chromalab.search.regions import Region
from chromalab.search.request import Search
from chromalab.sparse import SparseVector

__all__ = ["Prepared", "Ready"]


@dataclass(frozen=True, eq=False)
class Ready:
    """A source of a rank whose query is embedded.

    Attributes:
        source: The source.
        vectors: (q, dimension) float32, compared with embeddings; a record's distance is that to the
            nearest of them.
        sparse: The query for sparse vectors.
        texts: The texts that were embedded.
        transform: The record transform that records go through before they are compared.
        region: The region of an `Inside`.
    """

    source: Source
    vectors: Vectors | None = None
    sparse: SparseVector | None = None
    texts: Sequence[str] = ()
    transform: RecordTransform | None = None
    region: Region | None = None


@dataclass(frozen=True)
class Prepared:
    """A search whose queries are embedded.

    Attributes:
        search: The search.
        filter: Its condition.
        regions: What it is within, without names.
        sources: The sources of its rank, from left to right.
        function: The embedding function of the collection, where a step embeds.
    """

    search: Search
    filter: Filter
    sources: Sequence[Ready] = ()
    function: EmbeddingFunction[Any] | None = None
    regions: Sequence[Region] = ()

    @property
    def wanted(self) -> int | None:
        """The number of results with those that are skipped; None for all."""
        limit = self.search._limit
        return None if limit.limit is None else limit.offset + limit.limit

    @property
    def transform(self) -> RecordTransform | None:
        """The record transform, if any of the sources has one."""
        return next((s.transform for s in self.sources if s.transform is not None), None)
