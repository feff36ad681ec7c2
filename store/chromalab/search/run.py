"""Runs a search on the records of one transaction, and keeps the ledger.

The stages are: the condition, the sources of the rank, the rank, the groups, the steps, the limit. A
source compares only records that pass the condition, which is pushed down to it. Documents, metadata and
embeddings are read last, and only of the records that are returned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chromalab.arguments.records import read_filter
from chromalab.engine import Filter, Nearest, Positions, Reader, RecordTransform, Rows, Vectors
from chromalab.engine.values import QueryPlan
from chromalab.errors import short
from chromalab.search.keys import And, Condition
from chromalab.search.ledger import Clock, Stage, stage
from chromalab.search.ranks import Knn, Rank, Source
from chromalab.search.request import Search
from chromalab.search.scores import scored
from chromalab.search.shape import GroupBy, MaxK
from chromalab.search.steps.step import Asked, Candidates, Kept, Records, Step
from chromalab.sparse import SparseVector

__all__ = ["Prepared", "Ran", "Ready", "combines", "options_of", "run"]

_WIDER = 4
"""The factor by which sources find more records where steps have left too few."""


@dataclass(frozen=True)
class Ready:
    """A source of a rank whose query is embedded.

    Attributes:
        source: The source.
        vectors: (q, dimension) float32 for embeddings; a record's distance is that to the nearest of them.
        sparse: The query for sparse vectors.
        texts: The texts that were embedded.
        transform: The record transform that records go through before they are compared.
    """

    source: Source
    vectors: Vectors | None = None
    sparse: SparseVector | None = None
    texts: Sequence[str] = ()
    transform: RecordTransform | None = None


@dataclass(frozen=True)
class Prepared:
    """A search whose queries are embedded, ready to run in a transaction.

    Attributes:
        search: The search.
        filter: Its condition.
        sources: The sources of its rank, from left to right.
    """

    search: Search
    filter: Filter
    sources: Sequence[Ready] = ()

    @property
    def wanted(self) -> int | None:
        """The number of results with those that are skipped; None for all."""
        limit = self.search._limit
        return None if limit.limit is None else limit.offset + limit.limit

    @property
    def transform(self) -> RecordTransform | None:
        """The record transform, if any of the sources has one."""
        return next((s.transform for s in self.sources if s.transform is not None), None)


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


def run(reader: Reader, prepared: Prepared) -> Ran:
    """Run a search.

    Where steps leave fewer records than are wanted, the sources find more and it runs again, until there
    are enough or the sources have no more.
    """
    wider, wanted = 1, prepared.wanted
    while True:
        attempt = _Run(reader, prepared, wider)
        last, final, columns, notes = attempt.stages()
        enough = wanted is None or not prepared.search._steps or last.given >= wanted
        if enough or not attempt.has_more:
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
    wider: int
    clock: Clock = field(default_factory=Clock)
    has_more: bool = False
    """Whether a source stopped at its limit."""

    @cached_property
    def matches(self) -> Positions:
        """The records that pass the condition, ascending."""
        return self.reader.matching(self.prepared.filter)

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
            columns = {name: [values[row] for row in kept.rows] for name, values in columns.items()}
            columns |= kept.columns
            notes += [kept.note] if kept.note else []
        current, columns = self._limited(current, columns)
        assert current.candidates is not None
        limit = search._limit.limit
        if limit is not None and current.kept < limit and self.has_more and not search._steps:
            sources = " and ".join(
                f"{type(s.source).__name__}(limit={s.source.limit})" for s in self.prepared.sources
            )
            notes.append(f"{current.kept:,} of {limit:,} wanted; raise the limit of {sources}")
        return current, current.candidates, columns, notes

    def _ranked(self) -> Stage:
        """Find and score records."""
        search, total = self.prepared.search, len(self.reader)
        if search._rank is None:
            found = Candidates(self.matches, np.zeros(len(self.matches)))
            dropped = {"does not match": total - len(found)}
            details = str(search._where) if search._where is not None else "all records"
            return stage(
                "Where",
                details,
                total,
                found,
                dropped,
                self.clock.lap(),
                missed=_fails(self.prepared),
            )
        stages = [self._found(source) for source in self.prepared.sources]
        if not combines(search._rank):
            return stages[0]
        return self._combined(search._rank, stages)

    def _condition(self, count: int) -> tuple[Stage, ...]:
        """Return the stage of the condition, which the sources evaluate."""
        where, total = self.prepared.search._where, len(self.reader)
        if where is None:
            return ()
        dropped = {"does not match": total - count}
        made = stage(
            "Where", str(where), total, count, dropped, 0.0,
            reason="evaluated by the stage above", missed=_fails(self.prepared),
        )  # fmt: skip
        return (made,)

    def _found(self, given: Ready) -> Stage:
        """Find the records of a source."""
        source, limit = given.source, given.source.limit * self.wider
        filter = self.prepared.filter
        if given.vectors is not None:
            found, plan = _nearest(self.reader, given, limit, self.prepared.filter)
            count, how, name = plan.matches, f"{plan.method}: {plan.reason}", "distance"
        else:
            among = None if self.prepared.search._where is None else self.matches
            found, how = _by_terms(self.reader, given, limit, among)
            count, name = len(self.reader) if among is None else len(among), "score"
        self.has_more |= len(found) == limit < count
        before = self._condition(count)
        reason = f"not among the best {limit:,}" if len(found) == limit else "has nothing in common"

        def missed(reader: Reader, position: int) -> str:
            score = _score_of(reader, given, filter, position)
            if score is None:
                return "it has nothing in common with the query"
            cut = found.scores[-1] if len(found) else math.inf
            lost = ": the index did not find it" if score < cut else ""
            return f"{name} {score:.4g}, cut at {cut:.4g}{lost}"

        return stage(
            type(source).__name__, f"{source.details}, k={limit:,}", count, found, {reason: count - len(found)},
            self.clock.lap(), reason=how, inputs=before, missed=missed,
            recall=_recall(given, limit, self.prepared.filter, found),
        )  # fmt: skip

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
            "Rank", str(rank), len(union), kept,
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
        kept = step.run(candidates, self._records)
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


def _nearest(
    reader: Reader, given: Ready, limit: int, filter: Filter
) -> tuple[Candidates, QueryPlan]:
    """Find the records nearest to the queries of a source."""
    several = reader.nearest(_moved(reader, given, filter), limit, filter, given.transform)
    plan = several[0].plan
    assert plan is not None
    if len(several) == 1:
        return Candidates(several[0].positions, several[0].distances), plan
    return _together(several, limit), plan


def _moved(reader: Reader, given: Ready, filter: Filter) -> Vectors:
    """Return the vectors of a source after the steps of its query."""
    assert given.vectors is not None
    vectors = given.vectors
    for step in given.source.steps if isinstance(given.source, Knn) else ():
        vectors = step.vectors(vectors, reader, filter, given.transform)
    return vectors


def _by_terms(
    reader: Reader, given: Ready, limit: int, among: Positions | None
) -> tuple[Candidates, str]:
    """Find the records that share terms with the query of a source."""
    raise NotImplementedError


def _score_of(reader: Reader, given: Ready, filter: Filter, position: int) -> float | None:
    """Return the score of any record by a source; None if it has nothing in common with it."""
    one = np.array([position])
    if given.vectors is not None:
        vectors = _moved(reader, given, filter)
        each = [reader.distances(v[np.newaxis], one, given.transform) for v in vectors]
        return float(np.min(each))
    found, _ = _by_terms(reader, given, 1, one)
    return float(found.scores[0]) if len(found) else None


def _recall(
    given: Ready, limit: int, filter: Filter, found: Candidates
) -> Callable[[Reader], float]:
    """Return a function that compares what a source found with an exact scan.

    A record counts as found if one was found that is at least as near, because ties may be broken
    either way.
    """

    def recall(reader: Reader) -> float:
        if given.vectors is None or not len(found):
            return 1.0
        among = reader.matching(filter)
        scans = [
            reader.scanned(v[np.newaxis], limit, among, given.transform) for v in given.vectors
        ]
        true = _together(scans, limit)
        return float(np.count_nonzero(found.scores <= true.scores[-1]) / len(true))

    return recall


def _fails(prepared: Prepared) -> Callable[[Reader, int], str]:
    """Return a function that says which parts of the condition a record does not meet."""
    where = prepared.search._where

    def missed(reader: Reader, position: int) -> str:
        if where is None:
            return ""
        (id,) = reader.rows(np.array([position]), set()).ids
        parts = where.conditions if isinstance(where, And) else [where]
        failed = [
            _with_value(part, reader, position)
            for part in parts
            if not len(reader.matching(read_filter([id], part.to_dict(), None)))
        ]
        return f"does not match {' and '.join(failed)}" if failed else ""

    return missed


def _with_value(part: Condition, reader: Reader, position: int) -> str:
    """Show a condition that a record does not meet with the record's own value."""
    key = getattr(part, "key", "#")
    if key.startswith("#"):
        return str(part)
    (value,) = reader.values(key, np.array([position]))
    return f"{part} (it has no {key})" if value is None else f"{part} ({key} is {short(value)})"


def combines(rank: Rank) -> bool:
    """Whether a rank is more than one source, whose order and scores are those of the rank."""
    return not isinstance(rank, Source) or rank.return_rank


def _together(several: Sequence[Nearest], limit: int) -> Candidates:
    """Merge what several queries found; a record's distance is the least of its distances."""
    positions = np.concatenate([found.positions for found in several])
    distances = np.concatenate([found.distances for found in several])
    order = np.lexsort((positions, distances))
    _, first = np.unique(positions[order], return_index=True)
    rows = order[np.sort(first)][:limit]
    return Candidates(positions[rows], distances[rows])


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
