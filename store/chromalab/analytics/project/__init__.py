"""Maps of a collection: UMAP, t-SNE, PaCMAP and principal components, from its neighbour graph."""

from chromalab.analytics.project.projecting import project
from chromalab.analytics.project.projection import Projection
from chromalab.analytics.project.warming import warm

__all__ = ["Projection", "project", "warm"]
