"""The arguments of whole record calls, checked together and converted for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chromalab.arguments.values import (
    check_batch_size,
    check_documents,
    check_embeddings,
    check_field,
    check_ids,
    check_length,
    check_metadatas,
    check_uris,
)
from chromalab.engine import Batch, Filter, Order, as_filter, parse_where, parse_where_document
from chromalab.errors import InvalidArgumentError, short
from chromalab.sparse import to_stored

__all__ = [
    "check_images",
    "checked_batch",
    "read_batch",
    "read_filter",
    "read_order",
    "read_texts",
    "texts_to_embed",
]


def read_batch(ids: Any, embeddings: Any, metadatas: Any, documents: Any, uris: Any) -> Batch:
    """Check the arguments of `add`, `upsert` and `update`.

    Raises:
        DuplicateIDError: An id occurs more than once.
        BatchSizeExceededError: There are too many records for one call.
        InvalidArgumentError: A value cannot be stored, or two lists differ in length.

    Example:
        >>> read_batch("a", None, {"year": 2020}, "tea", None).documents
        ['tea']
    """
    ids = check_ids(ids, paired=True)
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


def checked_batch(
    ids: Sequence[str],
    documents: Sequence[str],
    metadatas: Sequence[dict[str, Any] | None],
) -> Batch:
    """Build a batch of records that are already checked, as those of a table are, without new checks.

    Args:
        ids: n unique ids that `check_ids` accepted; at most `MAX_BATCH_SIZE`.
        documents: n texts that `check_documents` accepted.
        metadatas: n dicts that `check_metadata` returned, or None.

    Example:
        >>> checked_batch(["a"], ["tea"], [{"year": 2020}]).metadatas
        [{'year': 2020}]
    """
    return Batch(list(ids), documents=list(documents), metadatas=[*map(to_stored, metadatas)])


def read_filter(ids: Any, where: Any, where_document: Any) -> Filter:
    """Check the arguments that select records.

    Raises:
        InvalidArgumentError: An id is invalid, or a filter cannot be parsed.
    """
    ids = None if ids is None else check_ids(ids)
    if where is None and where_document is None:
        return Filter(ids)
    return as_filter(
        ids,
        None if where is None else parse_where(where),
        None if where_document is None else parse_where_document(where_document),
    )


def read_order(order_by: Any) -> Order | None:
    """Check `order_by`: a metadata key, with a leading "-" for descending order.

    Example:
        >>> read_order("-year").descending
        True
    """
    if order_by is None:
        return None
    field = check_field(order_by, "order_by")
    return Order(check_field(field.removeprefix("-"), "order_by"), descending=field.startswith("-"))


def read_texts(texts: Any, what: str) -> list[str]:
    """Check texts that are to be embedded: at least one, and none of them None."""
    return texts_to_embed(check_documents(texts, what), what)


def texts_to_embed(documents: Sequence[str | None], what: str) -> list[str]:
    """Return documents that `check_documents` accepted, if all of them can be embedded.

    Raises:
        InvalidArgumentError: There are none, or one is None.
    """
    if not documents:
        raise InvalidArgumentError(f"{what} must not be empty. Give at least one text.")
    texts = [text for text in documents if text is not None]
    if len(texts) < len(documents):
        raise InvalidArgumentError(
            f"{what}[{list(documents).index(None)}] must be a string, because there is no embedding "
            "for it; got None."
        )
    return texts


def check_images(images: Any, what: str) -> list[Any]:
    """Check images that are to be embedded: at least one array of integers, with 2 or 3 dimensions.

    Example:
        >>> len(check_images(np.zeros((8, 8, 3), dtype=np.uint8), "images"))
        1
    """
    listed = [images] if isinstance(images, np.ndarray) and images.ndim in (2, 3) else list(images)
    if not listed:
        raise InvalidArgumentError(f"{what} must not be empty. Give at least one image.")
    for position, image in enumerate(listed):
        array = isinstance(image, np.ndarray) and image.ndim > 1
        if not array or not np.issubdtype(image.dtype, np.number):
            raise InvalidArgumentError(
                f"{what}[{position}] must be an array of numbers with at least 2 dimensions; got "
                f"{short(image)}. Read image files with a data loader, or with "
                "numpy.array(PIL.Image.open(path))."
            )
    return listed
