"""`OutlierQueue`: outliers to keep, delete or mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chromalab.arguments.values import check_field
from chromalab.feedback import Decision
from chromalab_widgets.review.queue import Choice, DeferredQueue, Item, ReviewPlan, ReviewRecord

__all__ = ["OutlierQueue"]

_NEAREST = 3


class OutlierQueue(DeferredQueue):
    """The records that `outliers` flagged, highest score first.

    Args:
        result: `Outliers`.
        into: The metadata field that marks an outlier.
        by: Who decides; by default, the user of this machine.
    """

    kind: ClassVar[str] = "outliers"

    def __init__(self, result: Any, *, into: str = "outlier", by: str | None = None) -> None:
        super().__init__(result, "outliers", by=by)
        self.into = check_field(into, "into")
        self._ids: list[str] = result.outlier_ids

    @property
    def items(self) -> Sequence[str]:
        """The ids of the outliers, highest score first."""
        return self._ids

    @property
    def choices(self) -> Sequence[Choice]:
        """Keep, delete, mark."""
        return (
            Choice("keep", "Keep", "Leave the record as it is."),
            Choice("delete", "Delete", "Delete the record when decisions are applied."),
            Choice("mark", "Mark", f"Write {self.into}: true to its metadata."),
        )

    def records(self, key: str) -> Sequence[str]:
        """Return the id of the record, which is the key itself."""
        return [key]

    def show(self, key: str) -> Item:
        """Return the record and its nearest neighbors."""
        snapshot, row = self.snapshot, self.snapshot.row_of(key)
        near = self.result.nearest(key)[:_NEAREST]
        records = [ReviewRecord.of(snapshot, row)] + [
            ReviewRecord.of(snapshot, snapshot.row_of(id), f"neighbor at distance {distance:.2f}")
            for id, distance in near
        ]
        return Item(
            "An outlier and its nearest neighbors" if near else "An outlier",
            records,
            facts=[("why", self.result.reason(key))],
        )

    def plan(self, decided: Mapping[str, Decision]) -> ReviewPlan:
        """Return which records will be deleted and marked."""
        known = set(self._ids)
        choices = {key: d.choice for key, d in decided.items() if key in known}
        delete = [key for key, choice in choices.items() if choice == "delete"]
        marked = [key for key, choice in choices.items() if choice == "mark"]
        update: dict[str, list[Any]] = {
            "ids": marked,
            "metadatas": [{self.into: True} for _ in marked],
        }
        return ReviewPlan(f"{len(delete):,} deleted, {len(marked):,} marked", delete, update)
