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

from typing import Any

from chromalab import config, datasets, embed, errors
from chromalab._version import __version__
from chromalab.client import AdminClient, Client, ClientAPI, EphemeralClient, PersistentClient
from chromalab.collection import Collection
from chromalab.config import Settings
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

__all__ = [
    "AddInterrupted",
    "AddResult",
    "AdminClient",
    "CheckReport",
    "Client",
    "ClientAPI",
    "Collection",
    "CompactResult",
    "Description",
    "Distinct",
    "EmbeddingFunction",
    "EphemeralClient",
    "GetResult",
    "PersistentClient",
    "QueryResult",
    "ReembedResult",
    "Settings",
    "SparseVector",
    "__version__",
    "config",
    "datasets",
    "embed",
    "errors",
]


def load_ipython_extension(ipython: Any) -> None:
    """Add the magics; `%load_ext chromalab` calls this."""
    plug("chromalab.ipython", "load")(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Remove the magics; `%unload_ext chromalab` calls this."""
    plug("chromalab.ipython", "unload")(ipython)
