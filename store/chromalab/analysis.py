"""The part of `Collection` that analyses it: each method is a function of `chromalab.analytics`."""

from __future__ import annotations

from chromalab import analytics
from chromalab.observing import Observed

__all__ = ["Analysed"]


class Analysed(Observed):
    """The analyses."""

    neighbors = analytics.neighbors
    cluster = analytics.cluster
    topics = analytics.topics
    dedupe = analytics.dedupe
    link = analytics.link
    leakage = analytics.leakage
    outliers = analytics.outliers
    project = analytics.project
    propagate = analytics.propagate
    classify = analytics.classify
    label_queue = analytics.label_queue
