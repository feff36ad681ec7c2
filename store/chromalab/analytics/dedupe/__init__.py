"""Duplicates: found in a collection, between two, and between a training and a test set."""

from chromalab.analytics.dedupe.apply import Applied
from chromalab.analytics.dedupe.borderline import Borderline
from chromalab.analytics.dedupe.duplicates import Duplicates
from chromalab.analytics.dedupe.finding import dedupe
from chromalab.analytics.dedupe.leaking import Leakage, leakage
from chromalab.analytics.dedupe.linking import Links, link

__all__ = ["Applied", "Borderline", "Duplicates", "Leakage", "Links", "dedupe", "leakage", "link"]
