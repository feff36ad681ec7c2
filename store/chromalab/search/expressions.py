"""The names that searches are written with, which `chromalab` has too."""

from chromalab.results.search import SearchResult
from chromalab.search.keys import Condition, K, Key
from chromalab.search.ranks import Keyword, Knn, Rank, Rrf, Val
from chromalab.search.regions import Ball, Closer, Plane, Region
from chromalab.search.request import Search
from chromalab.search.shape import GroupBy, Limit, MaxK, MinK, Select
from chromalab.search.steps import (
    AutoCut,
    Boost,
    Collapse,
    Expand,
    Highlight,
    Hyde,
    MaxDistance,
    Mmr,
    NearDuplicates,
    Recency,
    Refine,
    Rerank,
    Rewrite,
    Steer,
    TokenBudget,
)

__all__ = [
    "AutoCut",
    "Ball",
    "Boost",
    "Closer",
    "Collapse",
    "Condition",
    "Expand",
    "GroupBy",
    "Highlight",
    "Hyde",
    "K",
    "Key",
    "Keyword",
    "Knn",
    "Limit",
    "MaxDistance",
    "MaxK",
    "MinK",
    "Mmr",
    "NearDuplicates",
    "Plane",
    "Rank",
    "Recency",
    "Refine",
    "Region",
    "Rerank",
    "Rewrite",
    "Rrf",
    "Search",
    "SearchResult",
    "Select",
    "Steer",
    "TokenBudget",
    "Val",
]
