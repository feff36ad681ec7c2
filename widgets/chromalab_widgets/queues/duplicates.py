"""`DuplicateQueue`: groups of duplicates: keep one, merge them, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chromalab.analytics.dedupe.deduplication import missing_metadata
from chromalab.errors import InvalidArgumentError, short
from chromalab.feedback import Decision
from chromalab_widgets.base import cut
from chromalab_widgets.queues.differences import differences
from chromalab_widgets.queues.held import HeldQueue
from chromalab_widgets.queues.queue import Choice, Item, Plan, Shown, key_of, metadata_shown

__all__ = ["DuplicateQueue"]

_SHOWN = 8  # records of a group
_COMPARED = 1_500  # characters; the comparison takes the square of the words


class DuplicateQueue(HeldQueue):
    """The groups that `dedupe` found.

    Args:
        result: `Duplicates`.
        by: Who decides; the user of this machine, unless said.
    """

    kind: ClassVar[str] = "duplicates"

    def __init__(self, result: Any, *, by: str | None = None) -> None:
        super().__init__(result, "duplicates", by=by)
        ids = self.snapshot.ids
        self._groups: dict[str, list[int]] = {
            key_of(ids[row] for row in rows): rows for rows in result.rows
        }

    @property
    def items(self) -> Sequence[str]:
        """The keys of the groups, the largest first."""
        return list(self._groups)

    @property
    def choices(self) -> Sequence[Choice]:
        """Keep, merge, not a duplicate."""
        return (
            Choice("merge", "Merge", "Keep one, give it the metadata it lacks, delete the others."),
            Choice("keep", "Keep one", "Keep one as it is, delete the others."),
            Choice("distinct", "Not duplicates", "Keep them all."),
        )

    def records(self, key: str) -> Sequence[str]:
        """List the ids of a group, the one to keep first."""
        return [self.snapshot.ids[row] for row in self._groups[key]]

    def show(self, key: str) -> Item:
        """Show the records of a group, with what differs from the first of them."""
        rows, snapshot = self._groups[key], self.snapshot
        first = cut(snapshot.document(rows[0]), _COMPARED)
        records = [Shown.of(snapshot, rows[0])]
        for row in rows[1:_SHOWN]:
            text = differences(first, cut(snapshot.document(row), _COMPARED))
            id = snapshot.ids[row]
            why = self.result.explain(id).split("\n")[1:2]  # the pair, before its two texts
            shown = metadata_shown(snapshot, row, rows[0])
            records.append(Shown(id, text, shown, "".join(why)))
        return Item(
            f"{len(rows):,} records that may be the same",
            records,
            more=max(0, len(rows) - _SHOWN),
            suggested="merge",
            keeper=True,
        )

    def decide(self, key: str, choice: Choice, value: Any) -> Decision:
        """Keep a decision; its value is the id of the record to keep."""
        ids = self.records(key)
        if choice.name == "distinct":
            return self.decisions.add(key, choice.name)
        keeper = ids[0] if value is None else value
        if keeper not in ids:
            raise InvalidArgumentError(f"{short(keeper)} is not in the group: {short(ids)}")
        return self.decisions.add(key, choice.name, keeper)

    def plan(self, decided: Mapping[str, Decision]) -> Plan:
        """Say what is deleted, and what the keepers gain."""
        delete: list[str] = []
        update: dict[str, list[Any]] = {"ids": [], "metadatas": []}
        ids = self.snapshot.ids
        for key, decision in decided.items():
            if decision.choice == "distinct" or key not in self._groups:
                continue
            rows = self._groups[key]
            keeper = next(row for row in rows if ids[row] == decision.value)
            rest = [row for row in rows if row != keeper]
            delete += [ids[row] for row in rest]
            gained = missing_metadata(self.snapshot, keeper, rest) if decision.choice == "merge" else {}
            if gained:
                update["ids"].append(ids[keeper])
                update["metadatas"].append(gained)
        gain = f", {len(update['ids']):,} gain metadata" if update["ids"] else ""
        return Plan(f"{len(delete):,} deleted{gain}", delete, update)
