"""Steps of a search: what happens to its queries before, and to its ranked records after the comparison.

A step takes candidates, best first, and says which it keeps, in which order, and why it drops the others.
"""

from chromalab.search.steps.cuts import AutoCut, MaxDistance
from chromalab.search.steps.diversity import Mmr, NearDuplicates
from chromalab.search.steps.parents import Collapse
from chromalab.search.steps.query_step import Expand, Hyde, QueryStep, Refine, Rewrite, Steer
from chromalab.search.steps.rerank import Boost, MaxSim, Recency, Rerank
from chromalab.search.steps.step import Candidates, Kept, Records, Step, steps
from chromalab.search.steps.texts import Highlight, TokenBudget

__all__ = [
    "AutoCut",
    "Boost",
    "Candidates",
    "Collapse",
    "Expand",
    "Highlight",
    "Hyde",
    "Kept",
    "MaxDistance",
    "MaxSim",
    "Mmr",
    "NearDuplicates",
    "QueryStep",
    "Recency",
    "Records",
    "Refine",
    "Rerank",
    "Rewrite",
    "Steer",
    "Step",
    "TokenBudget",
    "steps",
]
