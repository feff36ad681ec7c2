"""Queries: the nearest records, how they are found, and how well."""

from chromalab.search.index import (
    build_index,
    get_indexing_status,
    pause_index,
    recall,
    resume_index,
)
from chromalab.search.query import explain, query

__all__ = [
    "build_index",
    "explain",
    "get_indexing_status",
    "pause_index",
    "query",
    "recall",
    "resume_index",
]
