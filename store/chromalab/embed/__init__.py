"""Embedding functions: Chroma's protocol, a registry, and models that run on this machine.

Importing this package loads neither a model nor a runtime; the first call of a function does.

Example:
    >>> {"default", "minilm", "wordllama"} <= known_embedding_functions.keys()
    True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chromalab.cache import cache_folder
from chromalab.embed.minilm import DefaultEmbeddingFunction, MiniLM, ONNXMiniLM_L6_V2
from chromalab.embed.protocol import (
    Documents,
    EmbeddingFunction,
    Embeddings,
    Space,
    embed_documents,
    embed_queries,
    name_of,
    shows_progress,
)
from chromalab.embed.registry import (
    check_conflict,
    from_config,
    known_embedding_functions,
    register_class_of,
    register_embedding_function,
    register_sparse_embedding_function,
    sparse_known_embedding_functions,
    to_config,
)
from chromalab.embed.sparse import (
    ChromaBm25EmbeddingFunction,
    SparseEmbeddingFunction,
    embed_sparse,
)
from chromalab.embed.wordllama import WordLlama

__all__ = [
    "ChromaBm25EmbeddingFunction",
    "DefaultEmbeddingFunction",
    "Documents",
    "EmbeddingFunction",
    "Embeddings",
    "MiniLM",
    "ModelStatus",
    "ONNXMiniLM_L6_V2",
    "Space",
    "SparseEmbeddingFunction",
    "WordLlama",
    "cache_folder",
    "check_conflict",
    "embed_documents",
    "embed_queries",
    "embed_sparse",
    "from_config",
    "get_model",
    "known_embedding_functions",
    "models",
    "name_of",
    "register_class_of",
    "register_embedding_function",
    "register_sparse_embedding_function",
    "shows_progress",
    "sparse_known_embedding_functions",
    "to_config",
]

if TYPE_CHECKING:
    from chromalab.embed.model_files import ModelStatus, get_model, models


def __getattr__(name: str) -> Any:
    """Import the code that finds and downloads models on first use; most processes never need it."""
    if name in ("ModelStatus", "get_model", "models"):
        from chromalab.embed import model_files

        return getattr(model_files, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


for _builtin in (DefaultEmbeddingFunction, MiniLM, WordLlama, ONNXMiniLM_L6_V2):
    register_embedding_function(_builtin)
register_sparse_embedding_function(ChromaBm25EmbeddingFunction)
