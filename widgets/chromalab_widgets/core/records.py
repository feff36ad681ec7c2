"""Records as the browser draws them, shortened so that a whole book is not sent for one line of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chromalab_widgets.core.text import cut

__all__ = ["DOCUMENT_SHOWN", "VALUE_SHOWN", "query_rows", "record"]

DOCUMENT_SHOWN = 600
VALUE_SHOWN = 80


def record(
    id: str,
    document: str | None,
    metadata: Mapping[str, Any] | None,
    *,
    length: int = DOCUMENT_SHOWN,
) -> dict[str, Any]:
    """Convert one record to what the browser draws.

    Args:
        id: The id of the record.
        document: The document of the record.
        metadata: The metadata of the record.
        length: The maximum number of characters of the document.
    """
    return {
        "id": id,
        "document": None if document is None else cut(document, length),
        "metadata": [
            [key, cut(str(value), VALUE_SHOWN)] for key, value in (metadata or {}).items()
        ],
    }


def query_rows(found: Any) -> list[dict[str, Any]]:
    """Convert Chroma's lists, one per query, to what the browser draws for the first query."""
    columns = (found[key][0] for key in ("ids", "documents", "metadatas", "distances"))
    return [
        {**record(id, document, metadata), "distance": float(distance)}
        for id, document, metadata, distance in zip(*columns, strict=True)
    ]
