"""The types of signatures, in the module in which programs of Chroma look for them."""

from chromalab.embed import EmbeddingFunction
from chromalab.results.records import GetResult, QueryResult
from chromalab.results.search import SearchResult
from chromalab.sparse import SparseVector
from chromalab.types import (
    URI,
    CollectionMetadata,
    DataLoader,
    Document,
    Documents,
    Embedding,
    Embeddings,
    IDs,
    Image,
    Images,
    Include,
    Loadable,
    Metadata,
    Metadatas,
    URIs,
    Where,
    WhereDocument,
)

Embeddable = Documents
ID = str

__all__ = [
    "ID",
    "URI",
    "CollectionMetadata",
    "DataLoader",
    "Document",
    "Documents",
    "Embeddable",
    "Embedding",
    "EmbeddingFunction",
    "Embeddings",
    "GetResult",
    "IDs",
    "Image",
    "Images",
    "Include",
    "Loadable",
    "Metadata",
    "Metadatas",
    "QueryResult",
    "SearchResult",
    "SparseVector",
    "URIs",
    "Where",
    "WhereDocument",
]
