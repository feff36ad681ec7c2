"""The modules of `chromadb.utils` that programs import, under the same names."""

from chromalab.utils import batch_utils, embedding_functions

__all__ = ["batch_utils", "embedding_functions"]
