"""The embedded engine; what other rooms may use of it."""

from chromalab.engine.embedded import EmbeddedEngine
from chromalab.engine.facts import Counts, Facts, KeyFacts, Order, Spread
from chromalab.engine.filter.clauses import parse_where, parse_where_document
from chromalab.engine.interface import (
    Attachment,
    Batch,
    CollectionModel,
    DatabaseModel,
    Engine,
    Filter,
    Replacement,
    Rows,
    Scope,
    Written,
)
from chromalab.engine.leases import Lease, lease, lease_again
from chromalab.engine.lens import Lens
from chromalab.engine.plan import Preparation

__all__ = [
    "Attachment",
    "Batch",
    "CollectionModel",
    "Counts",
    "DatabaseModel",
    "EmbeddedEngine",
    "Engine",
    "Facts",
    "Filter",
    "KeyFacts",
    "Lease",
    "Lens",
    "Order",
    "Preparation",
    "Replacement",
    "Rows",
    "Scope",
    "Spread",
    "Written",
    "lease",
    "lease_again",
    "parse_where",
    "parse_where_document",
]
