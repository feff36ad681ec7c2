"""What `into` writes: predictions beside their mark, and never over a label that a person gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chromalab.analytics.classify.labels import by_people, predicted_key
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

__all__ = ["columns_of", "write"]

_PAGE = 1000
_TRIES = 5  # as long as others write in between


def columns_of(key: str, labels: Sequence[Any], sure: Sequence[float]) -> dict[str, list[Any]]:
    """Return a value a record for each metadata key; None, which deletes, where there is no label."""
    there = [label is not None for label in labels]
    return {
        key: list(labels),
        predicted_key(key): list(labels),
        f"{key}_confidence": [
            round(float(value), 4) if known else None
            for value, known in zip(sure, there, strict=True)
        ],
    }


def write(snapshot: Snapshot, key: str, columns: dict[str, list[Any]]) -> int | None:
    """Write columns to the records whose value under `key` no person gave, as it stands now.

    Returns:
        The version of the collection after it, None where it has none or others wrote before.

    Raises:
        InvalidArgumentError: others write all the time; nothing was written.
    """
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    wanted = dict(zip(snapshot.ids, rows, strict=True))
    origin = snapshot.origin
    if not hasattr(origin, "replace_records"):  # of another program, which takes a page at a time
        _write_pages(Snapshot.of(origin), key, wanted)
        return None
    now = snapshot
    for _ in range(_TRIES):
        if now.is_stale:
            now = origin.snapshot()
        update = _update(now, key, wanted)
        try:
            version = origin.replace_records(update=update, version=now.version).version
        except InvalidArgumentError:
            if not now.is_stale:
                raise
            continue
        return int(version) if now is snapshot else None
    raise InvalidArgumentError(
        "The collection is being written to by others all the time; try again."
    )


def _update(now: Snapshot, key: str, wanted: dict[str, dict[str, Any]]) -> dict[str, Any]:
    people = by_people(now, key)
    ids = [id for id, label in zip(now.ids, people, strict=True) if label is None and id in wanted]
    return {"ids": ids, "metadatas": [wanted[id] for id in ids]}


def _write_pages(now: Snapshot, key: str, wanted: dict[str, dict[str, Any]]) -> None:
    update = _update(now, key, wanted)
    for at in range(0, len(update["ids"]), _PAGE):
        page = slice(at, at + _PAGE)
        now.origin.update(ids=update["ids"][page], metadatas=update["metadatas"][page])
