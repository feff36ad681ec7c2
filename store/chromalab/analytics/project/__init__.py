"""Maps of a collection by UMAP, t-SNE, PaCMAP or PCA, made from its neighbor graph."""

from chromalab.analytics.project.projection import Projection
from chromalab.analytics.project.projector import project
from chromalab.analytics.project.warmup import warm

__all__ = ["Projection", "project", "warm"]
