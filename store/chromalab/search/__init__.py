"""Queries and searches: the nearest records, Chroma's Search API, how records are found, and how well.

`expressions` has the names of searches; they are imported when they are first used.
"""

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
