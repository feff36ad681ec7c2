"""Queries and searches: the nearest records, Chroma's Search API, how records are found, and how well."""

from chromalab.search.index import build_index, get_indexing_status, recall
from chromalab.search.keys import Condition, K, Key
from chromalab.search.query import explain, query
from chromalab.search.ranks import Inside, Keyword, Knn, Rank, Rrf, Val
from chromalab.search.regions import Ball, Closer, Plane, Region
from chromalab.search.request import Search
from chromalab.search.search import search
from chromalab.search.shape import GroupBy, Limit, MaxK, MinK, Select

__all__ = [
    "Ball",
    "Closer",
    "Condition",
    "GroupBy",
    "Inside",
    "K",
    "Key",
    "Keyword",
    "Knn",
    "Limit",
    "MaxK",
    "MinK",
    "Plane",
    "Rank",
    "Region",
    "Rrf",
    "Search",
    "Select",
    "Val",
    "build_index",
    "explain",
    "get_indexing_status",
    "query",
    "recall",
    "search",
]
