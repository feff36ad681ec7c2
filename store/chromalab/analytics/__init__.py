"""Analyses of a collection, of an array, or of anything with Chroma's `get`; see docs/analytics.md.

All start from one graph of nearest neighbors, computed once.
"""

from chromalab.analytics.classify import Classification, classify
from chromalab.analytics.cluster import Clusters, cluster
from chromalab.analytics.contrast import Contrast, contrast
from chromalab.analytics.dedupe import Duplicates, Leakage, Links, dedupe, leakage, link
from chromalab.analytics.labeling import LabelQueue, label_queue
from chromalab.analytics.neighbors import Neighbors, neighbors
from chromalab.analytics.outliers import Outliers, outliers
from chromalab.analytics.project import Projection, project
from chromalab.analytics.propagation import Propagation, propagate
from chromalab.analytics.result import Result
from chromalab.analytics.topics import Topics, topics

__all__ = [
    "Classification",
    "Clusters",
    "Contrast",
    "Duplicates",
    "LabelQueue",
    "Leakage",
    "Links",
    "Neighbors",
    "Outliers",
    "Projection",
    "Propagation",
    "Result",
    "Topics",
    "classify",
    "cluster",
    "contrast",
    "dedupe",
    "label_queue",
    "leakage",
    "link",
    "neighbors",
    "outliers",
    "project",
    "propagate",
    "topics",
]
