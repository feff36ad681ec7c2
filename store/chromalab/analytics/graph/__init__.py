"""The neighbor graph: computed once, cached, and updated when records change. All analyses use it."""

from __future__ import annotations

from chromalab.analytics.graph.construction import graph_of
from chromalab.analytics.graph.graph import NeighborGraph

__all__ = ["NeighborGraph", "graph_of"]
