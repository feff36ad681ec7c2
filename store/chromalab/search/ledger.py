"""The ledger of a search: what each stage was given, what it kept, and why it dropped the rest.

For every stage, the records in are the records out and those dropped, by reason. `why` and `why_not`
are read from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chromalab.engine import Reader
from chromalab.errors import InternalError
from chromalab.search.steps.step import Candidates

__all__ = ["Clock", "Stage", "stage"]


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of a search that ran.

    Attributes:
        name: What it is, such as "Knn".
        details: Its options, for display.
        given: The number of records that it was given.
        kept: The number of records that it kept.
        dropped: The number of records that it dropped, by reason.
        candidates: Those that it kept, best first; None for a condition, which gives no order.
        milliseconds: How long it took, without the stages before it.
        reason: How it ran and why, such as "exact scan: 1,000 records".
        inputs: The stages before it.
        missed: Says why a record that it was given is not among those it kept; "" if it is.
        recall: Measures the share of the records that an exact scan would have kept; None for stages
            that compare nothing.
        note: What a person should know about it.
    """

    name: str
    details: str
    given: int
    kept: int
    dropped: Mapping[str, int]
    candidates: Candidates | None
    milliseconds: float
    reason: str = ""
    inputs: tuple[Stage, ...] = ()
    missed: Callable[[Reader, int], str] | None = None
    recall: Callable[[Reader], float] | None = None
    note: str = ""

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the functions, which cannot be pickled."""
        return {**vars(self), "missed": None, "recall": None}

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Stage]]:
        """Iterate over the stage and those before it, each with its depth in the tree."""
        yield depth, self
        for before in self.inputs:
            yield from before.walk(depth + 1)

    def in_order(self) -> Iterator[Stage]:
        """Iterate over the stages in the order in which records pass them."""
        for before in self.inputs:
            yield from before.in_order()
        yield self

    def dropped_by(self, reader: Reader, position: int) -> list[tuple[Stage, str]]:
        """Return the first stages that dropped a record, with why; none if it was kept.

        There are several where it came to none of the sources of a rank.
        """
        if self.rank_of(position) is not None:
            return []
        before = [stage.dropped_by(reader, position) for stage in self.inputs]
        if before and all(before):
            return list(
                {id(stage): (stage, why) for found in before for stage, why in found}.values()
            )
        why = "" if self.missed is None else self.missed(reader, position)
        return [(self, why)] if why else []

    def rank_of(self, position: int) -> int | None:
        """Return the place of a record in the order of this stage, from 0; None if it is not there."""
        if self.candidates is None:
            return None
        found = np.flatnonzero(self.candidates.positions == position)
        return int(found[0]) if len(found) else None


@dataclass
class Clock:
    """Measures the stages one after another."""

    last: float = field(default_factory=time.perf_counter)

    def lap(self) -> float:
        """Return the milliseconds since the last lap."""
        now = time.perf_counter()
        spent, self.last = (now - self.last) * 1000, now
        return spent


def stage(
    name: str,
    details: str,
    given: int,
    kept: Candidates | int,
    dropped: Mapping[str, int],
    milliseconds: float,
    **more: Any,
) -> Stage:
    """Make a stage, whose counts must add up; `kept` is what it kept, or the number.

    Raises:
        InternalError: Records were neither kept nor dropped, or both.
    """
    candidates, count = (None, kept) if isinstance(kept, int) else (kept, len(kept))
    dropped = {reason: many for reason, many in dropped.items() if many}
    if given != count + sum(dropped.values()):
        raise InternalError(
            f"{name} was given {given:,} records, kept {count:,} and dropped {sum(dropped.values()):,}, "
            "which does not add up."
        )
    return Stage(name, details, given, count, dropped, candidates, milliseconds, **more)
