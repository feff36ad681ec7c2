"""The nearest records: exact scan, neighbour graph, and the choice between them.

`nearest` answers a query: `planner` chooses by `costs`, `scan` compares, `graph` proposes; `indexing`
and `building` make graphs in the background, `graph_file` keeps them.
"""

__all__ = [
    "building",
    "costs",
    "distances",
    "graph",
    "graph_file",
    "indexing",
    "locality",
    "nearest",
    "planner",
    "recall",
    "scan",
    "view",
]
