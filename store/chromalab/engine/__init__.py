"""The embedded engine, and what other rooms may use of it."""

from chromalab.engine.embedded import EmbeddedEngine
from chromalab.engine.filter.clauses import as_filter, parse_where, parse_where_document
from chromalab.engine.filter.dates import read_instant
from chromalab.engine.interface import Attachments, Engine, Records, Upkeep
from chromalab.engine.inverted.terms import query_terms, term_numbers, word_spans
from chromalab.engine.leases import Lease, lease, lease_again
from chromalab.engine.reader import Nearest, Positions, Reader
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.values import (
    Attachment,
    Batch,
    CheckResult,
    CollectionModel,
    Counts,
    Damage,
    DatabaseModel,
    Filter,
    KeyProfile,
    Order,
    OutdatedSchemaError,
    Preparation,
    Profile,
    Progress,
    Range,
    Replacement,
    Rows,
    Scope,
    SnapshotData,
    Vectors,
    WriteResult,
)

__all__ = [
    "Attachment",
    "Attachments",
    "Batch",
    "CheckResult",
    "CollectionModel",
    "Counts",
    "Damage",
    "DatabaseModel",
    "EmbeddedEngine",
    "Engine",
    "Filter",
    "KeyProfile",
    "Lease",
    "Nearest",
    "Order",
    "OutdatedSchemaError",
    "Positions",
    "Preparation",
    "Profile",
    "Progress",
    "Range",
    "Reader",
    "RecordTransform",
    "Records",
    "Replacement",
    "Rows",
    "Scope",
    "SnapshotData",
    "Upkeep",
    "Vectors",
    "WriteResult",
    "as_filter",
    "lease",
    "lease_again",
    "parse_where",
    "parse_where_document",
    "query_terms",
    "read_instant",
    "term_numbers",
    "word_spans",
]
