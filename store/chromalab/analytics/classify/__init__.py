"""Labels for all records, learned from a few."""

from __future__ import annotations

from chromalab.analytics.classify.classifying import classify
from chromalab.analytics.classify.report import Report
from chromalab.analytics.classify.result import Classification

__all__ = ["Classification", "Report", "classify"]
