"""The types of signatures, in the module in which programs of Chroma look for them."""

from chromalab.embed import EmbeddingFunction, SparseEmbeddingFunction
from chromalab.index_configs import (
    BoolInvertedIndexConfig,
    FloatInvertedIndexConfig,
    FtsIndexConfig,
    HnswIndexConfig,
    IntInvertedIndexConfig,
    SpannIndexConfig,
    SparseVectorIndexConfig,
    StringInvertedIndexConfig,
    VectorIndexConfig,
)
from chromalab.results.records import GetResult, QueryResult
from chromalab.results.search import SearchResult
from chromalab.schema import Schema
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
    "BoolInvertedIndexConfig",
    "CollectionMetadata",
    "DataLoader",
    "Document",
    "Documents",
    "Embeddable",
    "Embedding",
    "EmbeddingFunction",
    "Embeddings",
    "FloatInvertedIndexConfig",
    "FtsIndexConfig",
    "GetResult",
    "HnswIndexConfig",
    "IDs",
    "Image",
    "Images",
    "Include",
    "IntInvertedIndexConfig",
    "Loadable",
    "Metadata",
    "Metadatas",
    "QueryResult",
    "Schema",
    "SearchResult",
    "SpannIndexConfig",
    "SparseEmbeddingFunction",
    "SparseVector",
    "SparseVectorIndexConfig",
    "StringInvertedIndexConfig",
    "URIs",
    "VectorIndexConfig",
    "Where",
    "WhereDocument",
]
