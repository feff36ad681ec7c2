"""`OutlierQueue`: records that lie far out: keep, delete or mark each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chromalab.arguments.values import check_field
from chromalab.feedback import Decision
from chromalab_widgets.queues.held import HeldQueue
from chromalab_widgets.queues.queue import Choice, Item, Plan, Shown

__all__ = ["OutlierQueue"]

_NEAREST = 3


class OutlierQueue(HeldQueue):
    """The records that `outliers` flagged, the farthest first.

    Args:
        result: `Outliers`.
        into: The metadata key that marks one.
        by: Who decides; the user of this machine, unless said.
    """

    kind: ClassVar[str] = "outliers"

    def __init__(self, result: Any, *, into: str = "outlier", by: str | None = None) -> None:
        super().__init__(result, "outliers", by=by)
        self.into = check_field(into, "into")
        self._ids: list[str] = result.outlier_ids

    @property
    def items(self) -> Sequence[str]:
        """The ids, the farthest first."""
        return self._ids

    @property
    def choices(self) -> Sequence[Choice]:
        """Keep, delete, mark."""
        return (
            Choice("keep", "Keep", "Leave it as it is."),
            Choice("delete", "Delete", "Delete it when decisions are applied."),
            Choice("mark", "Mark", f"Write {self.into}: true to its metadata."),
        )

    def records(self, key: str) -> Sequence[str]:
        """List the one record, which the key is the id of."""
        return [key]

    def show(self, key: str) -> Item:
        """Show the record, and what is nearest to it."""
        snapshot, row = self.snapshot, self.snapshot.row_of(key)
        near = self.result.nearest(key)[:_NEAREST]
        records = [Shown.of(snapshot, row)] + [
            Shown.of(snapshot, snapshot.row_of(id), f"near, at {distance:.2f}")
            for id, distance in near
        ]
        return Item("A record that lies far out", records, facts=[("why", self.result.reason(key))])

    def plan(self, decided: Mapping[str, Decision]) -> Plan:
        """Say what is deleted and marked."""
        known = set(self._ids)
        there = {key: d.choice for key, d in decided.items() if key in known}
        delete = [key for key, choice in there.items() if choice == "delete"]
        marked = [key for key, choice in there.items() if choice == "mark"]
        update: dict[str, list[Any]] = {
            "ids": marked,
            "metadatas": [{self.into: True} for _ in marked],
        }
        return Plan(f"{len(delete):,} deleted, {len(marked):,} marked", delete, update)
