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

from chromalab import datasets, embed, errors
from chromalab._version import __version__
from chromalab.client import Client, ClientAPI, EphemeralClient, PersistentClient
from chromalab.collection import Collection
from chromalab.embed import EmbeddingFunction
from chromalab.ingest import Added, AddInterrupted
from chromalab.results import GetResult, QueryResult

__all__ = [
    "AddInterrupted",
    "Added",
    "Client",
    "ClientAPI",
    "Collection",
    "EmbeddingFunction",
    "EphemeralClient",
    "GetResult",
    "PersistentClient",
    "QueryResult",
    "__version__",
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
