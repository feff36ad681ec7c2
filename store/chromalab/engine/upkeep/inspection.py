"""Checks that the data of one collection is as it was written: records, vectors and attachments.

Everything read is treated as untrusted. Vectors are read rather than memory-mapped, because a
failing disk would crash a process that accesses a memory map.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chromalab.engine.disk import attachments, catalog, records
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.records import content_checksum, vector_checksums
from chromalab.engine.disk.store import Store
from chromalab.engine.values import Damage, Vectors
from chromalab.errors import InternalError, NotFoundError, short

__all__ = ["RESTORE", "SAVE", "SQLITE", "Inspection", "reason"]

SQLITE = "store.sqlite3"
RESTORE = "Restore the folder from a copy."
SAVE = "Save what is still readable with collection.get(), then restore the folder from a copy."
_AGAIN = "Delete these records (.ids lists them) and add them again, or restore the folder."

_BLOCK_BYTES = 2**23
_BLOCK_ROWS = 4096
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_RECORDS = (  # as bytes, so that invalid UTF-8 is reported as damage instead of raised by sqlite3
    "SELECT CAST(id AS BLOB), CAST(document AS BLOB), CAST(metadata AS BLOB), CAST(uri AS BLOB),"
    " slot, checksum, vector_checksum FROM records WHERE collection = ?"
)
_ATTACHMENTS = (  # as bytes, so that invalid UTF-8 is reported as damage instead of raised by sqlite3
    "SELECT number, CAST(kind AS BLOB), CAST(name AS BLOB), CAST(body AS BLOB), data, checksum"
    " FROM attachments WHERE collection = ? ORDER BY number"
)
_HISTORY = {  # likewise; the deleted records of the history are verified by an undo
    "operation": (
        "SELECT number, checksum, CAST(what AS BLOB), CAST(at AS BLOB) FROM operations"
        " WHERE collection = ?"
    ),
    "replaced value": (
        "SELECT number, checksum, CAST(id AS BLOB), CAST(document AS BLOB), CAST(metadata AS BLOB),"
        " CAST(uri AS BLOB), CAST(written AS BLOB) FROM replaced"
        " WHERE collection = ? AND written IS NOT NULL"
    ),
}

_CONTENT = "its id, document, metadata or uri differs from what was written"
_NO_SLOT = "it refers to a row of vectors that does not exist"
_VECTOR = "its vector differs from what was written"
_CUT = "its vector is beyond the end of the file"
_NOT_FINITE = "its vector contains a number that is not finite"


class Inspection:
    """The check of one collection.

    Attributes:
        entry: The collection.
        records: The number of records read.
        unverified: The number of those without checksums, which an earlier release wrote.
        bytes: The bytes of vectors read.
    """

    def __init__(self, store: Store, entry: Entry) -> None:
        self.entry = entry
        self._store = store
        self._start()

    def _start(self) -> None:
        self.records = self.unverified = self.bytes = 0
        self._damaged: dict[str, list[str]] = defaultdict(list)
        self._found: list[tuple[str, str, str]] = []

    @property
    def _file(self) -> str:
        return f"vectors/{self.entry.file_name}"

    def run(self, progress: Callable[[int], None]) -> None:
        """Check it in one transaction; `progress` receives the number of slots done."""
        while True:
            self._start()
            try:
                with self._store.read() as connection:
                    self.entry = catalog.find_id(connection, self.entry.model.id)
                    size = self._read(connection, progress)
                if size is not None:
                    return
                with self._store.read() as connection:
                    now = catalog.find_id(connection, self.entry.model.id)
            except NotFoundError:  # deleted since the catalog was read
                self._start()
                return
            except InternalError as error:
                self._found.append((SQLITE, reason(error), SAVE))
                return
            if now.file_name == self.entry.file_name:
                self._found.append((self._file, "The file is missing", RESTORE))
                return
            # It was compacted after the catalog was read and before the file was opened, so the
            # check is repeated.

    def problems(self) -> Iterator[Damage]:
        """The damage that was found."""
        name = self.entry.model.name
        for file, what, do in self._found:
            yield Damage(name, file, what, do)
        for what, ids in self._damaged.items():
            file = SQLITE if what in (_CONTENT, _NO_SLOT) else self._file
            some = ", ".join(map(short, ids[:3])) + (", ..." if len(ids) > 3 else "")
            count = f"{len(ids):,} record{'' if len(ids) == 1 else 's'}"
            yield Damage(name, file, f"{count}: {what} ({some})", _AGAIN, tuple(ids))

    def _read(self, connection: sqlite3.Connection, progress: Callable[[int], None]) -> int | None:
        """Read everything; returns the size of the vector file, None if it is missing."""
        slots, width = self.entry.slots, 4 * (self.entry.model.dimension or 0)
        handle = self._open() if slots else None
        try:
            size = self._size(handle, slots * width) if handle is not None else 0
            block = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // max(1, width)))
            there = min(slots, size // max(1, width))
            starts = [*range(0, there, block), *([there] if there < slots else [])]
            for start, end in pairwise([*starts, slots] if slots else []):
                vectors = self._vectors(handle, start, min(end, there))
                rows = connection.execute(
                    f"{_RECORDS} AND slot >= ? AND slot < ? AND typeof(slot) = 'integer' ORDER BY slot",
                    (self.entry.number, start, end),
                ).fetchall()
                self._contents(rows)
                if size:
                    self._against(rows, vectors, start)
                progress(end)
        finally:
            if handle is not None:
                os.close(handle)
        self._strays(connection)
        self._slots(connection)
        for what in (
            *_wrong_attachments(connection, self.entry.number),
            *_wrong_history(connection, self.entry.number),
        ):
            self._found.append((SQLITE, what, RESTORE))
        return None if slots and handle is None and not self._found else size

    def _open(self) -> int | None:
        try:
            path = self._store.vectors / self.entry.file_name
            return os.open(path, os.O_RDONLY | _NO_LINK)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._found.append(
                (self._file, f"The file cannot be opened: {error.strerror}", RESTORE)
            )
            return None

    def _size(self, handle: int, needed: int) -> int:
        """The size of the file; 0 if it is not a vector file."""
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            self._found.append((self._file, "The file is a link or not a regular file", RESTORE))
            return 0
        if found.st_size < needed:
            what = f"The file has {found.st_size:,} bytes and should have {needed:,}"
            self._found.append((self._file, what, RESTORE))
        return found.st_size

    def _vectors(self, handle: int | None, start: int, end: int) -> Vectors:
        """Read the rows from `start` up to but excluding `end`; fewer if the disk fails."""
        dimension = self.entry.model.dimension or 0
        nothing = np.empty((0, dimension), dtype="<f4")
        if handle is None or end <= start:
            return nothing
        try:
            os.lseek(handle, start * dimension * 4, os.SEEK_SET)
            with os.fdopen(os.dup(handle), "rb", buffering=0) as file:
                data = file.read((end - start) * dimension * 4)
        except OSError as error:
            what = f"Rows {start:,} to {end:,} cannot be read: {error.strerror}"
            self._found.append((self._file, what, RESTORE))
            return nothing
        self.bytes += len(data)
        rows = len(data) // (dimension * 4)
        return np.frombuffer(data, dtype="<f4", count=rows * dimension).reshape(rows, dimension)

    def _contents(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Compare the contents of records with their checksums."""
        self.records += len(rows)
        for id, document, metadata, uri, _, checksum, vector_checksum in rows:
            self.unverified += checksum is None or vector_checksum is None
            if checksum is None:
                whole = _makes_sense(id, document, metadata, uri)
            else:
                whole = checksum == content_checksum(id, document, metadata, uri)
            if not whole:
                self._damaged[_CONTENT].append(_text(id))

    def _against(self, rows: Sequence[tuple[Any, ...]], vectors: Vectors, start: int) -> None:
        """Compare the vectors of records with their checksums."""
        checksums = vector_checksums(vectors)
        finite = np.asarray(np.isfinite(vectors).all(axis=1))
        for id, *_, slot, _, checksum in rows:
            at = slot - start
            if at >= len(vectors):
                self._damaged[_CUT].append(_text(id))
            elif checksum is not None and checksum != checksums[at]:
                self._damaged[_VECTOR].append(_text(id))
            elif not finite[at]:
                self._damaged[_NOT_FINITE].append(_text(id))

    def _strays(self, connection: sqlite3.Connection) -> None:
        """Find records whose slots are outside the committed rows."""
        rows = connection.execute(
            f"{_RECORDS} AND (slot < 0 OR slot >= ? OR typeof(slot) <> 'integer')",
            (self.entry.number, self.entry.slots),
        ).fetchall()
        self._contents(rows)
        if rows:
            self._damaged[_NO_SLOT] += [_text(row[0]) for row in rows]

    def _slots(self, connection: sqlite3.Connection) -> None:
        """Compare live, dead and committed slots, and the changes recorded by version."""
        number, slots, version = self.entry.number, self.entry.slots, self.entry.model.version
        for what, sql, values in (
            (
                "records share the vector of another record",
                "SELECT count(*) - count(DISTINCT slot) FROM records WHERE collection = ?",
                (number,),
            ),
            (
                "slots are marked dead but used by records",
                "SELECT count(*) FROM dead_slots JOIN records USING (collection, slot)"
                " WHERE collection = ?",
                (number,),
            ),
            (
                "dead slots are outside the committed rows or have a future version",
                "SELECT count(*) FROM dead_slots WHERE collection = ? AND"
                " (slot < 0 OR slot >= ? OR typeof(slot) <> 'integer' OR version > ?)",
                (number, slots, version),
            ),
            (
                "changes are recorded for a future version",
                "SELECT count(*) FROM changed WHERE collection = ? AND version > ?",
                (number, version),
            ),
            (
                "operations of the history have a future version",
                "SELECT count(*) FROM operations WHERE collection = ? AND version > ?",
                (number, version),
            ),
        ):
            (count,) = connection.execute(sql, values).fetchone()
            if count:
                self._found.append((SQLITE, f"{count:,} {what}", SAVE))


def _wrong_attachments(connection: sqlite3.Connection, collection: int) -> Iterator[str]:
    """Compare attachments with their checksums; yields one sentence per kind with damage.

    Args:
        connection: A connection in a transaction.
        collection: The number of the collection.
    """
    wrong: dict[str, list[int]] = defaultdict(list)
    for number, kind, name, body, data, checksum in connection.execute(_ATTACHMENTS, (collection,)):
        if not _is_whole(number, kind, name, body, data, checksum):
            wrong[kind.decode(errors="replace")].append(number)
    for kind, numbers in wrong.items():
        count = f"{len(numbers):,} attachment{'' if len(numbers) == 1 else 's'}"
        yield f"{count} of the kind {short(kind)}: not as written (numbers {_some(numbers)})"


def _wrong_history(connection: sqlite3.Connection, collection: int) -> Iterator[str]:
    """Compare the history with its checksums; yields one sentence per table with damage."""
    for thing, sql in _HISTORY.items():
        numbers = [
            number
            for number, checksum, *parts in connection.execute(sql, (collection,))
            if checksum != content_checksum(*parts)
        ]
        if numbers:
            count = f"{len(numbers):,} {thing}{'' if len(numbers) == 1 else 's'}"
            yield f"{count} of the history: not as written (numbers {_some(numbers)})"


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:3])) + (", ..." if len(numbers) > 3 else "")


def reason(error: InternalError) -> str:
    """The message of an error, without its advice."""
    return str(error).removesuffix(RESTORE).strip()


def _makes_sense(id: Any, document: Any, metadata: Any, uri: Any) -> bool:
    """Whether fields without a checksum are at least valid UTF-8, and the metadata valid JSON."""
    try:
        texts = [None if part is None else part.decode() for part in (id, document, metadata, uri)]
        records.load(texts[2])
    except (UnicodeDecodeError, InternalError):
        return False
    return texts[0] is not None


def _text(id: Any) -> str:
    return id.decode(errors="replace") if isinstance(id, bytes) else str(id)


def _is_whole(number: int, kind: bytes, name: Any, body: bytes, data: Any, checksum: Any) -> bool:
    try:
        attachments.load(
            number, kind.decode(), None if name is None else name.decode(), body.decode(), data
        )
        return bool(content_checksum(kind, name, body, data) == checksum)
    except (InternalError, UnicodeDecodeError, TypeError, AttributeError):
        return False
