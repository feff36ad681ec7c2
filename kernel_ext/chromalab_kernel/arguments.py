"""Arguments that several verbs share."""

from __future__ import annotations

from chromalab_kernel.session import Session
from chromalab_kernel.verb import Argument

__all__ = [
    "COLLECTION",
    "CONTAINS",
    "DRY_RUN",
    "FILL",
    "INCLUDE",
    "JSONL",
    "LIMIT",
    "ORDER_BY",
    "PARTS",
    "WHERE",
]


def _collections(session: Session) -> list[str]:
    return [c.name for c in session.client.list_collections()] if session.has_store else []


COLLECTION = Argument("collection", "The collection, or :name of one.", "any", choices=_collections)
WHERE = Argument("--where", 'A condition on metadata: "year >= 2020", or :name of a dict.', "where")
CONTAINS = Argument("--contains", "Only documents that hold this text.")
LIMIT = Argument("--limit", "At most so many.", "int")
ORDER_BY = Argument("--order-by", "A metadata key to sort by; --order-by=-year goes down.")
PARTS = ["documents", "embeddings", "metadatas", "uris"]
INCLUDE = Argument(
    "--include", "Parts of the result: documents,metadatas,...", "words", choices=lambda _: PARTS
)
JSONL = Argument("--jsonl", "The body is one JSON value a line.", "switch")
FILL = Argument("--fill", "Replace {{name}} in the texts by the text of that variable.", "switch")
DRY_RUN = Argument("--dry-run", "Say what would be done; write nothing.", "switch")
