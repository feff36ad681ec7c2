"""chromalab: an embedding store that lives in a notebook, with Chroma's API.

Example:
    >>> import chromalab
    >>> client = chromalab.EphemeralClient()
    >>> facts = client.create_collection("facts")
    >>> facts.add_from(chromalab.datasets.load("facts"))
    facts: 96 added
    >>> facts.query(query_texts=["Which planet has rings?"], n_results=1)["ids"]
    [['astronomy-...']]

In a notebook, `%load_ext chromalab` gives the `%chroma` and `%%chroma` magics.
"""

from typing import Any

from chromalab import config, datasets, embed, errors
from chromalab._version import __version__
from chromalab.admin import AdminClient
from chromalab.aggregates import Description, Distinct
from chromalab.checking import Report
from chromalab.client import ClientAPI
from chromalab.collection import Collection
from chromalab.config import Settings
from chromalab.embed import EmbeddingFunction
from chromalab.ingest import Added, AddInterrupted
from chromalab.maintenance import Compacted, Reembedded
from chromalab.opening import Client, EphemeralClient, PersistentClient
from chromalab.results.records import GetResult, QueryResult
from chromalab.sparse import SparseVector

__all__ = [
    "AddInterrupted",
    "Added",
    "AdminClient",
    "Client",
    "ClientAPI",
    "Collection",
    "Compacted",
    "Description",
    "Distinct",
    "EmbeddingFunction",
    "EphemeralClient",
    "GetResult",
    "PersistentClient",
    "QueryResult",
    "Reembedded",
    "Report",
    "Settings",
    "SparseVector",
    "__version__",
    "config",
    "datasets",
    "embed",
    "errors",
]


def load_ipython_extension(ipython: Any) -> None:
    """Run by `%load_ext chromalab`: adds the magics."""
    from chromalab_kernel import load_ipython_extension as load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Run by `%unload_ext chromalab`: takes the magics away."""
    from chromalab_kernel import unload_ipython_extension as unload

    unload(ipython)
