"""Runs a search on the records of one transaction, and keeps the ledger.

The stages are: the condition, the sources of the rank, the rank, the groups, the steps, the limit. A
source compares only records that pass the condition, which is pushed down to it. Documents, metadata and
embeddings are read last, and only of the records that are returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np

from chromalab.engine import Reader, Rows
from chromalab.errors import short
from chromalab.lazy import cached_property
from chromalab.search.ledger import Clock, Stage, stage
from chromalab.search.prepared import Prepared
from chromalab.search.ranks import Rank, Source
from chromalab.search.scores import scored
from chromalab.search.shape import GroupBy, MaxK
from chromalab.search.sources import Batch, Sources
from chromalab.search.steps.step import Asked, Candidates, Kept, Records, Step

__all__ = ["Ran", "combines", "options_of", "run"]

_WIDER = 4
"""The factor by which sources find more records where steps have left too few."""


@dataclass(frozen=True)
class Ran:
    """A search that ran.

    Attributes:
        last: The last stage, with all others as its inputs.
        rows: The records, with the parts that were selected.
        scores: One per record.
        columns: Values that steps show beside the records.
        version: The version of the collection.
        notes: What a person should know about the result.
    """

    last: Stage
    rows: Rows
    scores: Sequence[float]
    columns: Mapping[str, Sequence[Any]]
    version: int
    notes: Sequence[str] = ()


def run(reader: Reader, prepared: Prepared, batch: Batch | None = None) -> Ran:
    """Run a search, which may be one of a batch.

    Where steps leave fewer records than are wanted, the sources find more and it runs again, until there
    are enough, the sources have no more, or a step has ended the result.
    """
    wider, wanted = 1, prepared.wanted
    batch = Batch(reader, [prepared]) if batch is None else batch
    while True:
        attempt = _Run(reader, prepared, batch, wider)
        last, final, columns, notes = attempt.stages()
        enough = wanted is None or not prepared.search._steps or last.given >= wanted
        if enough or attempt.ended or not attempt.sources.has_more:
            break
        wider *= _WIDER
    fields, names = set(), prepared.search._select.names
    for name in names:
        fields.add(_FIELDS.get(name, "" if name in ("#id", "#score") else "metadatas"))
    rows = reader.rows(final.positions, fields - {""})
    return Ran(last, rows, final.scores.tolist(), columns, reader.version, notes)


_FIELDS = {"#document": "documents", "#embedding": "embeddings", "#metadata": "metadatas"}


@dataclass
class _Run:
    """One pass through the stages."""

    reader: Reader
    prepared: Prepared
    batch: Batch
    wider: int
    clock: Clock = field(default_factory=Clock)
    ended: bool = False
    """Whether a step that ends the result has dropped records."""

    @cached_property
    def sources(self) -> Sources:
        """What the sources find."""
        return Sources(self.reader, self.prepared, self.clock, self.batch, self.wider)

    def stages(self) -> tuple[Stage, Candidates, Mapping[str, Sequence[Any]], list[str]]:
        """Run all stages; returns the last one, what is left, and what is shown with it."""
        search = self.prepared.search
        current = self._ranked()
        if search._group_by.aggregate is not None:
            current = self._grouped(current, search._group_by)
        columns: dict[str, Sequence[Any]] = {}
        notes = []
        for step in search._steps:
            current, kept = self._stepped(current, step)
            self.ended |= step.ends and bool(current.dropped)
            columns = {name: [values[row] for row in kept.rows] for name, values in columns.items()}
            columns |= kept.columns
            notes += [kept.note] if kept.note else []
        current, columns = self._limited(current, columns)
        assert current.candidates is not None
        limit = search._limit.limit
        if limit is not None and current.kept < limit:
            notes.append(f"{current.kept:,} of {limit:,} wanted; {self._why_few(current)}")
        return current, current.candidates, columns, notes

    def _why_few(self, last: Stage) -> str:
        """Say why there are fewer results than wanted, or what to change."""
        search = self.prepared.search
        if self.sources.has_more and not search._steps:
            sources = [s.source for s in self.prepared.sources]
            limits = " and ".join(f"{type(s).__name__}(limit={s.limit})" for s in sources)
            return f"raise the limit of {limits}"
        names = {"Rank", "GroupBy", *(type(step).__name__ for step in search._steps)}
        dropping = [s.name for s in last.in_order() if s.dropped and s.name in names]
        if dropping:
            return f"{' and '.join(dict.fromkeys(dropping))} dropped the others"
        return "there are no more"

    def _ranked(self) -> Stage:
        """Find and score records."""
        rank = self.prepared.search._rank
        if rank is None:
            return self.sources.everything()
        stages = [self.sources.found(source) for source in self.prepared.sources]
        return self._combined(rank, stages) if combines(rank) else stages[0]

    def _combined(self, rank: Rank, stages: Sequence[Stage]) -> Stage:
        """Score what the sources found by the whole rank, and sort it."""
        found = [s.candidates for s in stages if s.candidates is not None]
        result = scored(rank, iter([(c.positions, c.scores) for c in found]))
        union = np.unique(np.concatenate([c.positions for c in found]))
        order = np.argsort(
            result.scores, kind="stable"
        )  # ties by insertion order, as in the engine
        kept = Candidates(result.positions[order], result.scores[order])

        def missed(reader: Reader, position: int) -> str:
            lacking = [s.details for s in stages if s.rank_of(position) is None]
            return f"not found by {' and '.join(lacking)}, which has no default"

        return stage(
            "Rank", rank.outline, len(union), kept,
            {"not found by every source": len(union) - len(kept)}, self.clock.lap(),
            inputs=tuple(stages), missed=missed,
        )  # fmt: skip

    def _grouped(self, before: Stage, group_by: GroupBy) -> Stage:
        """Keep some records of each group."""
        assert before.candidates is not None
        assert group_by.aggregate is not None
        candidates, aggregate = before.candidates, group_by.aggregate
        groups = self._columns(group_by.names, candidates)
        values = self._columns(aggregate.names, candidates)
        members: dict[Any, list[int]] = {}
        for row, group in enumerate(groups):
            members.setdefault(group, []).append(row)
        kept: list[int] = []
        places: dict[int, tuple[Any, int]] = {}
        for group, own in members.items():
            own.sort(key=values.__getitem__, reverse=isinstance(aggregate, MaxK))
            kept += own[: aggregate.k]
            places |= {row: (group, place) for place, row in enumerate(own)}
        rows = np.array(sorted(kept), dtype=np.int64)

        def missed(reader: Reader, position: int) -> str:
            row = before.rank_of(position)
            assert row is not None
            group, place = places[row]
            shown = ", ".join(str(value[1]) for value in group)
            return f"number {place + 1:,} of its group ({shown}), cut at {aggregate.k:,}"

        return stage(
            "GroupBy", str(group_by), len(candidates), candidates.take(rows),
            {f"not among the {aggregate.k:,} of its group": len(candidates) - len(rows)}, self.clock.lap(),
            inputs=(before,), missed=missed,
        )  # fmt: skip

    def _columns(self, names: Sequence[str], candidates: Candidates) -> list[tuple[Any, ...]]:
        """Read the values of several keys, as tuples that sort and hash."""
        columns = [
            candidates.scores.tolist()
            if name == "#score"
            else self.reader.values(name, candidates.positions)
            for name in names
        ]
        return [tuple(map(_sortable, row)) for row in zip(*columns, strict=True)]

    def _stepped(self, before: Stage, step: Step) -> tuple[Stage, Kept]:
        """Run a step."""
        candidates = before.candidates
        assert candidates is not None
        nothing = Kept(np.arange(0))
        kept = step.run(candidates, self._records) if len(candidates) else nothing
        after = candidates.take(kept.rows)
        if kept.scores is not None:
            after = replace(after, scores=kept.scores)

        def missed(reader: Reader, position: int) -> str:
            row = before.rank_of(position)
            assert row is not None
            reason = next(why for why, rows in kept.dropped.items() if row in rows)
            return reason if kept.detail is None else kept.detail(row)

        dropped = {reason: len(rows) for reason, rows in kept.dropped.items()}
        made = stage(
            type(step).__name__, options_of(step), len(candidates), after, dropped, self.clock.lap(),
            inputs=(before,), missed=missed, note=kept.note,
        )  # fmt: skip
        return made, kept

    @cached_property
    def _records(self) -> Records:
        sources = self.prepared.sources
        asked = [
            Asked(given.texts[at] if given.texts else None, given.vectors[at : at + 1])
            for given in sources
            if given.vectors is not None
            for at in range(len(given.vectors))
        ]
        texts = [text for s in sources for text in (s.texts or [s.source.query])]
        return Records(
            asked,
            list(dict.fromkeys(text for text in texts if isinstance(text, str))),
            self.prepared.wanted,
            self.reader.space,
            self.reader,
            self.prepared.function,
            self.prepared.transform,
        )

    def _limited(
        self, before: Stage, columns: Mapping[str, Sequence[Any]]
    ) -> tuple[Stage, dict[str, Sequence[Any]]]:
        """Keep the records that are returned."""
        assert before.candidates is not None
        limit, candidates = self.prepared.search._limit, before.candidates
        end = len(candidates) if limit.limit is None else limit.offset + limit.limit
        rows = np.arange(min(limit.offset, len(candidates)), min(end, len(candidates)))
        after = max(len(candidates) - end, 0)
        dropped = {
            "before the offset": len(candidates) - len(rows) - after,
            "after the limit": after,
        }

        def missed(reader: Reader, position: int) -> str:
            place = before.rank_of(position)
            assert place is not None
            cut = f"after the first {limit.offset:,}" if place < limit.offset else f"cut at {end:,}"
            return f"number {place + 1:,}, {cut}"

        made = stage(
            "Limit", str(limit), len(candidates), candidates.take(rows), dropped, self.clock.lap(),
            inputs=(before,), missed=missed,
        )  # fmt: skip
        return made, {name: [values[row] for row in rows] for name, values in columns.items()}


def combines(rank: Rank) -> bool:
    """Whether a rank is more than one source, whose order and scores are those of the rank."""
    return not isinstance(rank, Source) or rank.return_rank


def _sortable(value: Any) -> tuple[int, Any]:
    """Return a value as what sorts and hashes beside values of other types; missing ones come first."""
    if value is None:
        return 0, ""
    if isinstance(value, bool):
        return 1, value
    if isinstance(value, int | float):
        return 2, value
    return (3, value) if isinstance(value, str) else (4, str(value))


def options_of(step: Step) -> str:
    """Return the options of a step that differ from its defaults, for display."""
    given: Sequence[Any] = fields(step) if is_dataclass(step) else ()
    return ", ".join(
        f"{part.name}={short(getattr(step, part.name), 30)}"
        for part in given
        if getattr(step, part.name) != part.default
    )
