"""A new generation of a collection: its vectors in a new file, put into use in one commit.

The file is written beside the old one under an unused name, so a crash at any point leaves one
generation intact. Readers keep the file that they have mapped.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

import numpy as np

from chromalab.engine.disk import catalog, history
from chromalab.engine.disk.folder import hold, sync_folder
from chromalab.engine.disk.store import translated
from chromalab.engine.opened import Opened
from chromalab.engine.values import Vectors
from chromalab.files import sync

__all__ = ["Access", "Draft", "switch_to"]

T = TypeVar("T")


class _Read(Protocol):
    def __call__(self, id: UUID, ask: Callable[[Opened], T], /) -> T: ...


@dataclass(frozen=True)
class Access:
    """How a collection is read and rewritten.

    Attributes:
        folder: The folder of the vector files.
        durable: Whether to wait until written data is on the disk.
        read: Runs a function on the collection in one read transaction.
        rewrite: A write transaction after which the files that it gave up are removed.
    """

    folder: Path
    durable: bool
    read: _Read
    rewrite: Callable[[UUID], AbstractContextManager[Opened]]


class Draft:
    """The vector file of a generation that is not in use yet.

    Attributes:
        path: Its temporary path.
        rows: The number of rows.
        dimension: The length of a row; None until the first one is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.dimension: int | None = None
        with translated(path.parent.parent):
            self._file = open(path, "xb")  # noqa: SIM115 - closed by `writing`
        hold(self._file.fileno())

    @classmethod
    @contextmanager
    def writing(cls, folder: Path, id: UUID, generation: int) -> Iterator[Draft]:
        """Create a draft, which is removed at the end unless it was put into use."""
        name = f"{id}-{generation}.f32.tmp-{secrets.token_hex(8)}"
        draft = cls(folder / name)
        try:
            yield draft
        finally:
            with suppress(OSError):  # what could not be written or removed is not needed anymore
                draft._file.close()
            with suppress(OSError):
                draft.path.unlink(missing_ok=True)

    def append(self, rows: Vectors) -> None:
        """Write rows, (n, dimension) float32, after the existing ones."""
        self.put(self.rows, rows)
        self.rows += len(rows)

    def put(self, row: int, rows: Vectors) -> None:
        """Overwrite rows with (n, dimension) float32, starting at `row`."""
        self.dimension = rows.shape[1]
        with translated(self.path.parent.parent):
            self._file.seek(row * self.dimension * 4)
            self._file.write(np.ascontiguousarray(rows, dtype="<f4").data)

    def sync(self, *, durable: bool) -> None:
        """Flush everything to the system and, if durable, to the disk."""
        with translated(self.path.parent.parent):
            self._file.flush()
            if durable:
                sync(self._file.fileno())

    def publish(self, name: str, *, durable: bool) -> None:
        """Rename the file to its final name, in the write transaction that puts it into use."""
        self.sync(durable=durable)
        if not self.rows:
            return
        if os.name != "posix":
            self._file.close()  # Windows cannot rename an open file
        os.replace(self.path, self.path.with_name(name))
        if durable:
            sync_folder(self.path.parent)


def switch_to(
    collection: Opened,
    draft: Draft,
    moved: Iterable[tuple[int, int | None, int]],
    *,
    durable: bool,
    configuration: dict[str, Any] | None = None,
) -> int:
    """Make a collection use a draft once the commit is done. Call it inside a write transaction.

    This empties the history, whose vectors the draft lacks.

    Args:
        collection: The collection.
        draft: The vectors of all its records.
        moved: For each record that moves: its new slot, the checksum of its new vector or None if the
            vector is unchanged, and its place.
        durable: Whether to wait until the vectors are on the disk.
        configuration: The new configuration; None to leave it and the dimension unchanged.

    Returns:
        The number of operations that were in the history.
    """
    connection, entry = collection.connection, collection.entry
    draft.publish(f"{entry.model.id}-{entry.generation + 1}.f32", durable=durable)
    connection.executemany(
        "UPDATE records SET slot = ?, vector_checksum = coalesce(?, vector_checksum) WHERE place = ?",
        moved,
    )
    for table in ("dead_slots", "changed"):
        connection.execute(f"DELETE FROM {table} WHERE collection = ?", (entry.number,))  # noqa: S608
    model = entry.model
    connection.execute(
        "UPDATE collections SET version = version + 1, generation = generation + 1, shared = NULL,"
        " written_at = ?, slots = ?, dimension = ?, configuration = ? WHERE number = ?",
        (
            catalog.now(),
            draft.rows,
            model.dimension if configuration is None else draft.dimension,
            json.dumps(configuration or model.configuration, ensure_ascii=False),
            entry.number,
        ),
    )
    return history.clear(connection, entry.number)
