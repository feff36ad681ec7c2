"""Records as the browser draws them, shortened so that a whole book is not sent for one line of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chromalab.results.tables import text_of
from chromalab_widgets.core.text import cut

__all__ = ["DOCUMENT_SHOWN", "VALUE_SHOWN", "facts", "more", "query_rows", "record"]

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
        "metadata": facts(metadata, None),
    }


def facts(
    metadata: Mapping[str, Any] | None, keys: Sequence[str] | None, *, counts_rest: bool = False
) -> list[list[str]]:
    """Return the fields to show and their values, shortened.

    Args:
        metadata: The metadata of a record.
        keys: The fields, in order; None for all.
        counts_rest: Whether the last pair says how many other fields there are.
    """
    has = metadata or {}
    names = list(has) if keys is None else [key for key in keys if key in has]
    shown = [[key, cut(text_of(has[key]), VALUE_SHOWN)] for key in names]
    rest = len(has) - len(shown)
    return [*shown, more(rest)] if rest and counts_rest else shown


def more(fields: int) -> list[str]:
    """Return a field and a value that say that some fields are not shown."""
    return ["…", f"{fields:,} more"]


def query_rows(
    found: Any, keys: Sequence[str] | None = None, *, counts_rest: bool = False
) -> list[dict[str, Any]]:
    """Convert Chroma's lists, one per query, to what the browser draws for the first query.

    Args:
        found: The result of a query.
        keys: The metadata fields to show, in order; None for all.
        counts_rest: Whether a result says how many other fields it has.
    """
    columns = (found[key][0] for key in ("ids", "documents", "metadatas", "distances"))
    return [
        {
            **record(id, document, metadata),
            "metadata": facts(metadata, keys, counts_rest=counts_rest),
            "distance": float(distance),
        }
        for id, document, metadata, distance in zip(*columns, strict=True)
    ]
