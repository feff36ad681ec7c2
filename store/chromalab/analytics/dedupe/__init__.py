"""Duplicate detection in a collection, record linkage between two, and leakage into a test set."""

from chromalab.analytics.dedupe.borderline import Borderline
from chromalab.analytics.dedupe.deduplication import ApplyResult
from chromalab.analytics.dedupe.detection import dedupe
from chromalab.analytics.dedupe.duplicates import Duplicates
from chromalab.analytics.dedupe.leakage import Leakage, leakage
from chromalab.analytics.dedupe.links import Links, link

__all__ = [
    "ApplyResult",
    "Borderline",
    "Duplicates",
    "Leakage",
    "Links",
    "dedupe",
    "leakage",
    "link",
]
