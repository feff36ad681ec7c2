"""Clusters: communities, dense cores or centres, from the neighbour graph."""

from chromalab.analytics.cluster.clustering import cluster
from chromalab.analytics.cluster.clusters import Clusters
from chromalab.analytics.cluster.comparing import Comparison
from chromalab.analytics.cluster.predicting import Predicted

__all__ = ["Clusters", "Comparison", "Predicted", "cluster"]
