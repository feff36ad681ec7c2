"""chromalab: an embedding store that lives in a notebook, with Chroma's API.

Example:
    >>> import chromalab
    >>> client = chromalab.EphemeralClient()
    >>> facts = client.create_collection("facts")
    >>> facts.add_from(chromalab.datasets.load("facts"))
    facts: 96 added
    >>> facts.query(query_texts=["Which planet has rings?"], n_results=1)["ids"]
    [['astronomy-...']]

In a notebook, `%load_ext chromalab` adds the `%chroma` and `%%chroma` magics.
"""

import importlib
from typing import TYPE_CHECKING, Any

from chromalab import config, datasets, embed, errors
from chromalab._version import __version__
from chromalab.client import (
    AdminClient,
    Client,
    ClientAPI,
    EphemeralClient,
    ImportReport,
    PersistentClient,
    import_chroma,
)
from chromalab.collection import Collection
from chromalab.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from chromalab.embed import EmbeddingFunction
from chromalab.ingest import AddInterrupted, AddResult
from chromalab.results.records import GetResult, QueryResult
from chromalab.results.reports import (
    CheckReport,
    CompactResult,
    Description,
    Distinct,
    ReembedResult,
)
from chromalab.sockets import plug
from chromalab.sparse import SparseVector
from chromalab.types import (
    URI,
    CollectionMetadata,
    Documents,
    Embedding,
    Embeddings,
    IDs,
    Images,
    Include,
    Loadable,
    Metadata,
    Metadatas,
    URIs,
    Where,
    WhereDocument,
)

if TYPE_CHECKING:
    from chromalab.search.expressions import (
        AutoCut,
        Ball,
        Boost,
        Closer,
        Collapse,
        Expand,
        GroupBy,
        Highlight,
        Hyde,
        K,
        Key,
        Keyword,
        Knn,
        Limit,
        MaxDistance,
        MaxK,
        MinK,
        Mmr,
        NearDuplicates,
        Plane,
        Recency,
        Refine,
        Region,
        Rerank,
        Rewrite,
        Rrf,
        Search,
        SearchResult,
        Select,
        Steer,
        TokenBudget,
        Val,
    )

__all__ = [
    "DEFAULT_DATABASE",
    "DEFAULT_TENANT",
    "URI",
    "AddInterrupted",
    "AddResult",
    "AdminClient",
    "AutoCut",
    "Ball",
    "Boost",
    "CheckReport",
    "Client",
    "ClientAPI",
    "Closer",
    "Collapse",
    "Collection",
    "CollectionMetadata",
    "CompactResult",
    "Description",
    "Distinct",
    "Documents",
    "Embedding",
    "EmbeddingFunction",
    "Embeddings",
    "EphemeralClient",
    "Expand",
    "GetResult",
    "GroupBy",
    "Highlight",
    "Hyde",
    "IDs",
    "Images",
    "ImportReport",
    "Include",
    "K",
    "Key",
    "Keyword",
    "Knn",
    "Limit",
    "Loadable",
    "MaxDistance",
    "MaxK",
    "Metadata",
    "Metadatas",
    "MinK",
    "Mmr",
    "NearDuplicates",
    "PersistentClient",
    "Plane",
    "QueryResult",
    "Recency",
    "ReembedResult",
    "Refine",
    "Region",
    "Rerank",
    "Rewrite",
    "Rrf",
    "Search",
    "SearchResult",
    "Select",
    "Settings",
    "SparseVector",
    "Steer",
    "TokenBudget",
    "URIs",
    "Val",
    "Where",
    "WhereDocument",
    "__version__",
    "config",
    "datasets",
    "embed",
    "errors",
    "import_chroma",
]


_SERVER = (
    "{} connects to a server of Chroma, which chromalab does not do yet. Use PersistentClient."
)
_SCHEMA = "{} is not supported yet. Use configuration={{'hnsw': {{...}}}} of create_collection."
_NOT_YET = {
    **dict.fromkeys(("HttpClient", "AsyncHttpClient", "CloudClient"), _SERVER),
    "Schema": _SCHEMA,
}


_ROOMS = (
    "analytics",
    "api",
    "evaluation",
    "execution",
    "feedback",
    "transforms",
    "tuning",
    "utils",
)
"""Packages that are imported when they are first used."""


class _NotYet:
    """A name of Chroma that programs import, and that raises an error when it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(_NOT_YET[self._name].format(self._name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self()


def __getattr__(name: str) -> Any:
    """Import what few programs need, and stand in for what is not there yet."""
    if name in _ROOMS:
        return importlib.import_module(f"chromalab.{name}")
    if name in __all__:  # what searches are written with
        return getattr(importlib.import_module("chromalab.search.expressions"), name)
    if name in _NOT_YET:
        return _NotYet(name)
    raise AttributeError(f"module 'chromalab' has no attribute {name!r}")


def load_ipython_extension(ipython: Any) -> None:
    """Add the magics; `%load_ext chromalab` calls this."""
    plug("chromalab.ipython", "load")(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Remove the magics; `%unload_ext chromalab` calls this."""
    plug("chromalab.ipython", "unload")(ipython)
