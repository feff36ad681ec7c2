"""The nearest records: exact scan, neighbour graph, and the choice between them.

`planner` chooses by `costs`, `scan` compares, `graph` proposes; `collection_index` and `building` make
graphs in the background, `graph_file` keeps them.
"""

__all__ = [
    "building",
    "collection_index",
    "costs",
    "distances",
    "graph",
    "graph_file",
    "locality",
    "planner",
    "scan",
    "selection",
]
