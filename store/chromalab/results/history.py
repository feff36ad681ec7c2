"""`History` and `UndoResult`: the operations of a collection, and what an undo did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chromalab.engine.values import Operation, Undone
from chromalab.errors import printable, short
from chromalab.results.tables import Table, count

__all__ = ["History", "UndoResult"]

_SHOWN = 5  # records


@dataclass(frozen=True, repr=False)
class History(Table):
    """The operations that can be undone, the latest first.

    Attributes:
        collection: The name of the collection.
        operations: The operations.
    """

    _columns = ("number", "when", "what", "records", "undone")

    collection: str
    operations: tuple[Operation, ...]

    def _rows(self) -> Sequence[Sequence[Any]]:
        return [
            [
                operation.number,
                operation.at.strftime("%Y-%m-%d %H:%M:%S"),
                operation.what,
                operation.records,
                "" if operation.undone_by is None else f"by {operation.undone_by}",
            ]
            for operation in self.operations
        ]

    def _heading(self) -> str:
        operations = count(len(self.operations), "operation")
        return f"{printable(self.collection)}: {operations} in the history (times in UTC)"

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)


@dataclass(frozen=True, repr=False)
class UndoResult:
    """What `undo` restored.

    Attributes:
        collection: The name of the collection.
        operation: The number of the operation that was undone.
        what: What it was.
        number: The number of the undo in the history.
        restored: The number of records that are as they were before the operation.
        refused: (id, reason) of each record that was left as it is now.
    """

    collection: str
    operation: int
    what: str
    number: int
    restored: int
    refused: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, collection: str, undone: Undone) -> UndoResult:
        """Return the result for what an engine did."""
        operation = undone.operation
        return cls(
            collection,
            operation.number,
            operation.what,
            undone.number,
            undone.restored,
            undone.refused,
        )

    def __repr__(self) -> str:
        done = f"{self.restored:,} restored" if self.restored else "nothing to restore"
        if self.refused:
            total, left = self.restored + len(self.refused), len(self.refused)
            done = f"{self.restored:,} of {total:,} restored; {left:,} left as they are now"
        lines = [f"{printable(self.collection)}: {done}"]
        lines += [f"{short(id)}: {reason}" for id, reason in self.refused[:_SHOWN]]
        if len(self.refused) > _SHOWN:
            lines.append(f"{_SHOWN} of {len(self.refused):,} shown")
        return "\n".join(lines)
