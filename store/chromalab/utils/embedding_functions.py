"""Embedding functions, in the module in which programs of Chroma look for them.

Those of chromalab are here. The others are chromadb's, and are loaded from there when they are asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from chromalab.embed import (
    ChromaBm25EmbeddingFunction,
    DefaultEmbeddingFunction,
    EmbeddingFunction,
    ONNXMiniLM_L6_V2,
    SparseEmbeddingFunction,
    known_embedding_functions,
    register_embedding_function,
    register_sparse_embedding_function,
    sparse_known_embedding_functions,
)
from chromalab.errors import MissingDependencyError

__all__ = [
    "ChromaBm25EmbeddingFunction",
    "DefaultEmbeddingFunction",
    "EmbeddingFunction",
    "ONNXMiniLM_L6_V2",
    "SparseEmbeddingFunction",
    "known_embedding_functions",
    "register_embedding_function",
    "register_sparse_embedding_function",
    "sparse_known_embedding_functions",
]


def __getattr__(name: str) -> Any:
    if "embedding" not in name.lower() and "QueryConfig" not in name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        chroma = importlib.import_module("chromadb.utils.embedding_functions")
    except ImportError as error:
        raise MissingDependencyError(
            f"{name} is an embedding function of Chroma, and chromadb is not installed: "
            "pip install chromadb. chromalab.embed has models that run on this machine."
        ) from error
    return getattr(chroma, name)
