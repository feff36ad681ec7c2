"""The neighbour graph: found once, kept, and brought up to date; every analysis starts from it."""

from __future__ import annotations

from chromalab.analytics.graph.asking import graph_of
from chromalab.analytics.graph.graph import Graph

__all__ = ["Graph", "graph_of"]
