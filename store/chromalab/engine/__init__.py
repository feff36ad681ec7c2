"""The embedded engine; what other rooms may use of it."""

from chromalab.engine.embedded import EmbeddedEngine
from chromalab.engine.filters import parse_where, parse_where_document
from chromalab.engine.interface import Batch, CollectionModel, Engine, Filter, Rows, Written

__all__ = [
    "Batch",
    "CollectionModel",
    "EmbeddedEngine",
    "Engine",
    "Filter",
    "Rows",
    "Written",
    "parse_where",
    "parse_where_document",
]
