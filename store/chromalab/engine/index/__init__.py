"""The search for the nearest records: an exact scan, a neighbor graph, and the choice between them.

`planner` chooses by estimated cost, `scan` compares every candidate, and `hnsw` proposes candidates
from a graph. `collection_index` and `builder` make graphs in the background, `graph_file` stores
them, and `matches` caches the records that passed the last filter.
"""

__all__ = [
    "builder",
    "collection_index",
    "graph_file",
    "hnsw",
    "matches",
    "planner",
    "scan",
]
