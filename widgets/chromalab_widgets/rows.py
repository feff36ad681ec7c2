"""Records as the browser draws them: cut, so that a book does not travel for a line of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chromalab_widgets.base import cut

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
    """Make one record ready to be drawn.

    Args:
        id: Its id.
        document: Its text.
        metadata: Its metadata.
        length: How many characters of the text are shown.
    """
    return {
        "id": id,
        "document": None if document is None else cut(document, length),
        "metadata": [
            [key, cut(str(value), VALUE_SHOWN)] for key, value in (metadata or {}).items()
        ],
    }


def query_rows(found: Any) -> list[dict[str, Any]]:
    """Turn Chroma's lists, one for each query, into what the browser draws for the first."""
    columns = (found[key][0] for key in ("ids", "documents", "metadatas", "distances"))
    return [
        {**record(id, document, metadata), "distance": float(distance)}
        for id, document, metadata, distance in zip(*columns, strict=True)
    ]
