"""The vectors of queries that are texts, and which model they are of."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.embed import embed_queries
from chromalab.engine import CollectionModel
from chromalab.engine.values import Vectors

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["embed_texts", "fingerprint"]

_MOST = 4096  # vectors that are kept: 6 MB of those of MiniLM
_kept: OrderedDict[tuple[Any, str, str], Vectors] = OrderedDict()
_lock = threading.Lock()


def fingerprint(model: CollectionModel) -> str:
    """Name the embedding function of a collection, with a hash of its configuration.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> fingerprint(points.get_model())
        'none'
    """
    stored = model.configuration["embedding_function"]
    if stored is None:
        return "none"
    text = json.dumps(stored, sort_keys=True).encode()
    name = stored.get("name") or stored.get("type")
    return f"{name} {blake2b(text, digest_size=8).hexdigest()}"


def embed_texts(collection: Collection, texts: Sequence[str]) -> Vectors:
    """Embed queries as the collection does; those that were embedded lately are not again.

    Args:
        collection: Whose embedding function.
        texts: n texts.

    Returns:
        (n, d) float32.

    Raises:
        EmbeddingFunctionError: the collection has no function to embed texts with.
    """
    function = collection._function()
    # The class too: a notebook cell that is run again makes another of the same name.
    model = (type(function), fingerprint(collection.get_model()))
    if not (collection.get_model().configuration["embedding_function"] or {}).get("name"):
        return embed_queries(function, list(texts))  # nothing tells two such functions apart
    with _lock:
        found = {text: _kept.get((*model, text)) for text in texts}
    missing = [text for text, vector in found.items() if vector is None]
    if missing:
        made = embed_queries(function, missing)
        found |= {text: row.copy() for text, row in zip(missing, made, strict=True)}
    with _lock:
        for text, vector in found.items():
            _kept[(*model, text)] = vector  # type: ignore[assignment]  # none is missing any more
            _kept.move_to_end((*model, text))
        while len(_kept) > _MOST:
            _kept.popitem(last=False)
    return np.stack([found[text] for text in texts])  # type: ignore[misc]
