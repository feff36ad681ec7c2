"""`DuplicateQueue`: groups of duplicates to reduce to one record, to merge, or to keep."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, ClassVar

from chromalab.analytics.dedupe.deduplication import missing_metadata
from chromalab.errors import InvalidArgumentError, short
from chromalab.feedback import Decision
from chromalab_widgets.core.text import cut
from chromalab_widgets.review.queue import (
    Choice,
    DeferredQueue,
    Item,
    ReviewPlan,
    ReviewRecord,
    key_of,
    metadata_shown,
)

__all__ = ["DuplicateQueue", "differences"]

_SHOWN = 8  # records per group
_COMPARED = 1_500  # characters, as the comparison is quadratic in the number of words
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")


class DuplicateQueue(DeferredQueue):
    """The groups that `dedupe` found.

    Args:
        result: `Duplicates`.
        by: Who decides; by default, the user of this machine.
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
        """The keys of the groups, largest first."""
        return list(self._groups)

    @property
    def choices(self) -> Sequence[Choice]:
        """Merge, keep one, not duplicates."""
        return (
            Choice(
                "merge", "Merge", "Keep one, add the metadata that it lacks, and delete the others."
            ),
            Choice("keep", "Keep one", "Keep one unchanged and delete the others."),
            Choice("distinct", "Not duplicates", "Keep all of them."),
        )

    def records(self, key: str) -> Sequence[str]:
        """List the ids of a group, its representative first."""
        return [self.snapshot.ids[row] for row in self._groups[key]]

    def show(self, key: str) -> Item:
        """Return the records of a group, with their differences from the first one."""
        rows, snapshot = self._groups[key], self.snapshot
        first = cut(snapshot.document(rows[0]), _COMPARED)
        records = [ReviewRecord.of(snapshot, rows[0])]
        for row in rows[1:_SHOWN]:
            text = differences(first, cut(snapshot.document(row), _COMPARED))
            id = snapshot.ids[row]
            why = self.result.explain(id).split("\n")[1:2]  # the line before the two texts
            shown = metadata_shown(snapshot, row, rows[0])
            records.append(ReviewRecord(id, text, shown, "".join(why)))
        return Item(
            f"{len(rows):,} records that may be duplicates",
            records,
            more=max(0, len(rows) - _SHOWN),
            suggested="merge",
            keeps_one=True,
        )

    def decide(self, key: str, choice: Choice, value: Any) -> Decision:
        """Store a decision; its value is the id of the record to keep."""
        ids = self.records(key)
        if choice.name == "distinct":
            return self.decisions.add(key, choice.name)
        representative = ids[0] if value is None else value
        if representative not in ids:
            raise InvalidArgumentError(
                f"The record to keep must be one of {short(ids)}; got {short(representative)}."
            )
        return self.decisions.add(key, choice.name, representative)

    def plan(self, decided: Mapping[str, Decision]) -> ReviewPlan:
        """Return which records will be deleted and which metadata the representatives will gain."""
        delete: list[str] = []
        update: dict[str, list[Any]] = {"ids": [], "metadatas": []}
        ids = self.snapshot.ids
        for key, decision in decided.items():
            if decision.choice == "distinct" or key not in self._groups:
                continue
            rows = self._groups[key]
            representative = next(row for row in rows if ids[row] == decision.value)
            rest = [row for row in rows if row != representative]
            delete += [ids[row] for row in rest]
            merges = decision.choice == "merge"
            gained = missing_metadata(self.snapshot, representative, rest) if merges else {}
            if gained:
                update["ids"].append(ids[representative])
                update["metadatas"].append(gained)
        gain = f", {len(update['ids']):,} updated" if update["ids"] else ""
        return ReviewPlan(f"{len(delete):,} deleted{gain}", delete, update)


def differences(first: str, second: str) -> list[tuple[str, int]]:
    """Split `second` into pieces by whether `first` has them, too.

    Returns:
        Pieces with 0 if both texts have it, 1 if only the second has it, and -1 if only the first has it.

    Example:
        >>> differences("a cup of tea", "a mug of tea")
        [('a ', 0), ('cup', -1), ('mug', 1), (' of tea', 0)]
    """
    one, two = _PIECE.findall(first), _PIECE.findall(second)
    found: list[tuple[str, int]] = []
    for what, a, b, c, d in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(("".join(two[c:d]), 0))
            continue
        if b > a:
            found.append(("".join(one[a:b]), -1))
        if d > c:
            found.append(("".join(two[c:d]), 1))
    return found
