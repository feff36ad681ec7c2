"""The arguments of a record call, checked together, as the engine takes them."""

from __future__ import annotations

from typing import Any

from chromalab.engine import Batch, Filter, Order, parse_where, parse_where_document
from chromalab.errors import InvalidArgumentError
from chromalab.sparse import to_stored
from chromalab.validation import (
    check_batch_size,
    check_documents,
    check_embeddings,
    check_ids,
    check_key,
    check_length,
    check_metadatas,
    check_uris,
)

__all__ = ["no_images", "read_batch", "read_filter", "read_order", "read_texts"]


def read_batch(
    ids: Any, embeddings: Any, metadatas: Any, documents: Any, images: Any, uris: Any
) -> Batch:
    """Check what `add`, `upsert` and `update` take."""
    no_images(images)
    ids = check_ids(ids)
    check_batch_size(ids)
    batch = Batch(
        ids=ids,
        vectors=None if embeddings is None else check_embeddings(embeddings),
        documents=None if documents is None else check_documents(documents),
        metadatas=None if metadatas is None else [*map(to_stored, check_metadatas(metadatas))],
        uris=None if uris is None else check_uris(uris),
    )
    for what in ("vectors", "documents", "metadatas", "uris"):
        values = getattr(batch, what)
        if values is not None:
            check_length("embeddings" if what == "vectors" else what, len(values), ids)
    return batch


def read_filter(ids: Any, where: Any, where_document: Any) -> Filter:
    """Check what picks records."""
    return Filter(
        ids=None if ids is None else check_ids(ids),
        where=None if where is None else parse_where(where),
        where_document=None if where_document is None else parse_where_document(where_document),
    )


def read_order(order_by: Any) -> Order | None:
    """Check `order_by`: a metadata key, after a "-" for descending order."""
    if order_by is None:
        return None
    key = check_key(order_by, "order_by")
    return Order(check_key(key.removeprefix("-"), "order_by"), descending=key.startswith("-"))


def read_texts(texts: Any, what: str) -> list[str]:
    """Check texts that are to be embedded: at least one, and none missing."""
    checked = check_documents(texts, what)
    if not checked:
        raise InvalidArgumentError(f"{what} is empty: give at least one text.")
    whole = [text for text in checked if text is not None]
    if len(whole) < len(checked):
        raise InvalidArgumentError(
            f"{what}[{checked.index(None)}] is None, and there is no embedding for it."
        )
    return whole


def no_images(*given: Any) -> None:
    """Refuse what cannot be embedded yet."""
    if any(value is not None for value in given):
        raise InvalidArgumentError(
            "Images and uris cannot be embedded yet: embed them yourself and give embeddings."
        )
