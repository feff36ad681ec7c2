"""`HeldQueue`: a queue over the result of an analysis, whose decisions are applied together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chromalab.errors import InvalidArgumentError, short
from chromalab.feedback import Decision
from chromalab_widgets.queues.queue import Queue

__all__ = ["HeldQueue"]


class HeldQueue(Queue):
    """Decisions are held until `apply`, which refuses where somebody else wrote meanwhile.

    Args:
        result: What is reviewed.
        name: Of the queue.
        by: Who decides; the user of this machine, unless said.
    """

    def __init__(self, result: Any, name: str, *, by: str | None = None) -> None:
        super().__init__(result.snapshot.origin, name, by=by)
        if result.is_stale:
            raise InvalidArgumentError(
                f"The collection {short(result.snapshot.name)} has changed since the {self.kind} were "
                "looked for, so what was found may no longer hold: look for them again."
            )
        self.result = result
        self.snapshot = result.snapshot
        self._version = result.snapshot.version

    def there(self, ids: Sequence[str]) -> list[str]:
        """List those of some records that are in the collection still, in their order."""
        # A cluster may have a hundred thousand, which take half a second to look up.
        return super().there(ids) if self.snapshot.is_stale else list(ids)

    def apply(self, decided: Mapping[str, Decision]) -> Decision:
        """Do what decisions say, in one transaction; `undo` takes it back.

        Raises:
            InvalidArgumentError: there is nothing to do, or somebody else wrote to the collection.
        """
        plan = self.plan(decided)
        if plan.is_empty:
            raise InvalidArgumentError("Nothing is decided that would change a record.")
        kept = self.decisions.add(
            "",
            "apply",
            plan.told,
            delete=plan.delete,
            update=plan.update,
            version=self._version,
        )
        self._version = kept.version
        return kept

    def undo(self) -> Decision:
        """Take back the last decision, or what was applied last."""
        last = self.decisions.undo()
        if last.seen == self._version:  # else it changed no record, or somebody wrote: look again
            self._version = last.version
        return last

    def told(self, decision: Decision) -> str:
        """Say a decision in a few words."""
        return str(decision.value) if decision.choice == "apply" else super().told(decision)
