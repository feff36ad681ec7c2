"""Clusters from the neighbor graph: Leiden communities, HDBSCAN or k-means."""

from chromalab.analytics.cluster.clustering import cluster
from chromalab.analytics.cluster.clusters import Clusters
from chromalab.analytics.cluster.comparison import Comparison
from chromalab.analytics.cluster.prediction import Prediction

__all__ = ["Clusters", "Comparison", "Prediction", "cluster"]
