"""The part of `Collection` that freezes its records, and replaces them as one change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any
from weakref import WeakValueDictionary

from chromalab.arguments import read_filter
from chromalab.description import Described
from chromalab.engine import Batch, Replacement
from chromalab.engine.values import ReplaceResult, Rows
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot
from chromalab.sparse import to_stored, with_sparse_vectors
from chromalab.types import Where
from chromalab.validation import check_ids, check_metadatas

__all__ = ["Observed"]


class Observed(Described):
    """`snapshot`, which analyses start from, and `replace_records`, which they write by."""

    def get_version(self) -> int:
        """Count the writes that were committed: results name the version they saw."""
        return self._engine.get_collection_by_id(self.id).version

    def snapshot(self, where: Where | None = None) -> Snapshot:
        """Take a frozen view of the records, as analyses see them.

        The vectors are those of the store's file, mapped, where all records are taken; nothing that is
        written later is seen.

        Args:
            where: Only the records that match, e.g. `{"year": {"$gte": 2020}}`.

        Raises:
            InvalidArgumentError: a filter that cannot be read.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> points.snapshot()
            Snapshot('points', 2 records, 2 dimensions, version 1)
        """
        asked = repr(where)
        taken = self._snapshots.get(asked)
        if taken is not None and not taken.is_stale:
            return taken
        found = self._engine.snapshot(self.id, read_filter(None, where, None))
        metadatas = found.rows.metadatas or []
        taken = Snapshot(
            ids=tuple(found.rows.ids),
            vectors=found.vectors,
            documents=tuple(found.rows.documents or ()),
            metadatas=tuple(map(with_sparse_vectors, metadatas)),
            name=self.name,
            version=found.version,
            rows=found.slots,
            file=found.file,
            folder=found.folder,
            origin=self,
            where=deepcopy(where),
        )
        self._snapshots[asked] = taken
        return taken

    def replace_records(
        self,
        *,
        delete: Sequence[str] = (),
        update: Mapping[str, Any] | None = None,
        restore: Rows | None = None,
        version: int | None = None,
    ) -> ReplaceResult:
        """Delete records, change metadata and restore deleted records, all of it or nothing.

        Args:
            delete: Ids; those that are not there are ignored.
            update: `ids` and `metadatas`, merged into those that are there; None deletes a key.
            restore: Records that an earlier call deleted; they come back at the end.
            version: Of the collection that this was decided on; None for any.

        Returns:
            `removed`, the deleted records with all their parts, and `version`, the collection's now.

        Raises:
            InvalidArgumentError: the collection is not at that version; nothing was written.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> done = points.replace_records(delete=["a"])
            >>> points.count(), done.removed.ids
            (1, ['a'])
            >>> _ = points.replace_records(restore=done.removed)
            >>> points.count()
            2
        """
        change = Replacement(
            delete=check_ids(list(delete)) if len(delete) else (),
            update=None if update is None or not len(update["ids"]) else _update(update),
            insert=None if restore is None or not restore.ids else _batch(restore),
            version=version,
        )
        return self._engine.replace(self.id, change)

    @property
    def _snapshots(self) -> WeakValueDictionary[str, Snapshot]:
        """Snapshots that somebody still holds, by their `where`; a result holds its own."""
        known: WeakValueDictionary[str, Snapshot] = self.__dict__.setdefault(
            "_taken", WeakValueDictionary()
        )
        return known


def _update(update: Mapping[str, Any]) -> Batch:
    ids, metadatas = check_ids(update["ids"]), check_metadatas(update["metadatas"])
    if len(ids) != len(metadatas):
        raise InvalidArgumentError(f"{len(ids):,} ids and {len(metadatas):,} metadatas to update.")
    return Batch(ids, metadatas=[*map(to_stored, metadatas)])


def _batch(rows: Rows) -> Batch:
    return Batch(rows.ids, rows.vectors, rows.documents, rows.metadatas, rows.uris)
