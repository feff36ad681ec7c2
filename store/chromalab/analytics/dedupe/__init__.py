"""Duplicates: found in a collection, between two, and between a training and a test set."""

from chromalab.analytics.dedupe.borderline import Borderline
from chromalab.analytics.dedupe.deduplication import Applied
from chromalab.analytics.dedupe.detection import dedupe
from chromalab.analytics.dedupe.duplicates import Duplicates
from chromalab.analytics.dedupe.leakage import Leakage, leakage
from chromalab.analytics.dedupe.links import Links, link

__all__ = ["Applied", "Borderline", "Duplicates", "Leakage", "Links", "dedupe", "leakage", "link"]
