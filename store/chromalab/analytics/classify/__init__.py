"""Classification: labels for all records, learned from those of a few."""

from __future__ import annotations

from chromalab.analytics.classify.classification import Classification
from chromalab.analytics.classify.classifier import classify
from chromalab.analytics.classify.report import ClassifierReport

__all__ = ["Classification", "ClassifierReport", "classify"]
