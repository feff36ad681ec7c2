"""What the sources of a rank find: the first stages of a search.

The condition is pushed down: a source compares only records that pass it. Where embeddings are compared
and there is no region, the engine evaluates the condition itself, as it does for `query`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chromalab.arguments.records import read_filter
from chromalab.engine import Filter, Nearest, Positions, Reader, Vectors
from chromalab.errors import printable, short
from chromalab.lazy import cached_property
from chromalab.search.keys import And, Condition, name_of_key
from chromalab.search.ledger import Clock, Stage, stage
from chromalab.search.prepared import Prepared, Ready
from chromalab.search.ranks import Knn
from chromalab.search.regions import Region
from chromalab.search.steps.step import Candidates

__all__ = ["Batch", "Sources"]


@dataclass
class Batch:
    """The searches of one call, whose sources that differ only in their vectors are compared in one pass.

    Attributes:
        reader: Reads the records.
        searches: The searches, all with the same transform.
    """

    reader: Reader
    searches: Sequence[Prepared]

    def nearest(self, given: Ready) -> tuple[Sequence[Nearest], int] | None:
        """Return what a source found, and with how many sources at once; None if it is alone."""
        return self._found.get(given)

    @cached_property
    def _found(self) -> Mapping[Ready, tuple[Sequence[Nearest], int]]:
        groups: list[tuple[tuple[int, int, Filter], list[Ready]]] = []
        for prepared in self.searches:
            for given in prepared.sources:
                source = given.source
                if given.vectors is None or not isinstance(source, Knn):
                    continue
                if prepared.regions or source.steps:
                    continue
                alike = (source.limit, given.vectors.shape[1], prepared.filter)
                members = next((members for kind, members in groups if kind == alike), None)
                if members is None:
                    groups.append((alike, [given]))
                else:
                    members.append(given)
        found: dict[Ready, tuple[Sequence[Nearest], int]] = {}
        for (limit, _, filter), members in groups:
            if len(members) > 1:
                vectors = [own for member in members for own in _vectors(member)]
                several = iter(
                    self.reader.nearest(np.stack(vectors), limit, filter, members[0].transform)
                )
                for member in members:
                    own = [next(several) for _ in _vectors(member)]
                    found[member] = own, len(members)
        return found


@dataclass
class Sources:
    """The sources of a search in one transaction.

    Attributes:
        reader: Reads the records.
        prepared: The search.
        clock: Measures the stages.
        batch: The searches of this call.
        wider: The factor by which every source finds more than its limit.
        has_more: Whether a source stopped at its limit.
    """

    reader: Reader
    prepared: Prepared
    clock: Clock
    batch: Batch
    wider: int = 1
    has_more: bool = False

    @cached_property
    def matches(self) -> Positions:
        """The records that pass the condition and lie in the regions, ascending."""
        last = self._conditions
        return self._passed if last else np.arange(len(self.reader))

    def everything(self) -> Stage:
        """Return the records of a search without a rank, in insertion order."""
        found, before = self.matches, self._conditions
        kept = Candidates(found, np.zeros(len(found)))
        return stage(
            "Scan", "in insertion order", len(found), kept, {}, self.clock.lap(), inputs=before
        )

    def found(self, given: Ready) -> Stage:
        """Return the records of a source."""
        limit, prepared = given.source.limit * self.wider, self.prepared
        before: tuple[Stage, ...] = ()
        if given.vectors is not None and not prepared.regions:
            found, count, how = self._nearest(given, limit)
            before = self._pushed_down(count)
        else:
            before = self._conditions
            among = self.matches if before else None
            count = len(self.reader) if among is None else len(among)
            found, how = _among(self.reader, prepared, given, limit, among)
        self.has_more |= len(found) == limit < count
        lacking = "has nothing in common" if given.region is None else "outside the region"
        reason = f"not among the best {limit:,}" if len(found) == limit else lacking
        return stage(
            type(given.source).__name__, f"{given.source.details}, k={limit:,}", count, found,
            {reason: count - len(found)}, self.clock.lap(), reason=how, inputs=before,
            missed=_missed(prepared, given, found), recall=_recall(prepared, given, limit, found),
        )  # fmt: skip

    def _nearest(self, given: Ready, limit: int) -> tuple[Candidates, int, str]:
        """Find the nearest records by the engine's plan; returns how many pass the condition, too."""
        filter = self.prepared.filter
        batch = self.batch.nearest(given) if self.wider == 1 else None
        if batch is None:
            vectors = _moved(self.reader, self.prepared, given)
            batch = self.reader.nearest(vectors, limit, filter, given.transform), 1
        several, at_once = batch
        plan = several[0].plan
        assert plan is not None
        reason = f"{plan.method}: {plan.reason}"
        if at_once > 1:
            reason += f"; one pass for {at_once:,} sources of this call"
        return _together(several, limit), plan.matches, reason

    def _pushed_down(self, count: int) -> tuple[Stage, ...]:
        """Return the stage of a condition that the engine evaluated for a source."""
        where = self.prepared.search._where
        if where is None:
            return ()
        return (_where(where, len(self.reader), count, 0.0, "evaluated by the stage above"),)

    @cached_property
    def _conditions(self) -> tuple[Stage, ...]:
        """The stages of the condition and of the regions, evaluated once for all sources."""
        search, reader = self.prepared.search, self.reader
        self._passed = reader.matching(self.prepared.filter)
        made: tuple[Stage, ...] = ()
        if search._where is not None:
            count = len(self._passed)
            made = (_where(search._where, len(reader), count, self.clock.lap(), ""),)
        for region in self.prepared.regions:
            given = len(self._passed)
            margins = region.margins(reader, self._passed)
            self._passed = self._passed[margins >= 0]
            dropped = {"outside the region": given - len(self._passed)}
            made = (
                stage(
                    "Within", str(region), given, len(self._passed), dropped, self.clock.lap(),
                    inputs=made, missed=_outside(region),
                ),
            )  # fmt: skip
        return made


def _vectors(given: Ready) -> Vectors:
    assert given.vectors is not None
    return given.vectors


def _where(where: Condition, total: int, count: int, milliseconds: float, reason: str) -> Stage:
    dropped = {"does not match": total - count}
    return stage(
        "Where",
        str(where),
        total,
        count,
        dropped,
        milliseconds,
        reason=reason,
        missed=_fails(where),
    )


def _among(
    reader: Reader, prepared: Prepared, given: Ready, limit: int, among: Positions | None
) -> tuple[Candidates, str]:
    """Find records by a source among chosen ones, all of which are compared; returns how, too."""
    if given.region is not None:
        among = np.arange(len(reader)) if among is None else among
        return _inside(given.region, reader, among, limit), "exact: every record is compared"
    if given.vectors is not None:
        assert among is not None
        vectors = _moved(reader, prepared, given)
        scans = [reader.scanned(v[np.newaxis], limit, among, given.transform) for v in vectors]
        return _together(scans, limit), "exact scan of the region"
    key, query = name_of_key(given.source.key), given.source.query
    if given.sparse is not None:
        near = reader.sparse(key, given.sparse, limit, among)
        return Candidates(near.positions, near.distances), "inverted index of sparse vectors"
    found = reader.keywords(key, query, limit, among)
    terms = ", ".join(f"{term} ({many:,})" for term, many in found.terms.items()) or "none"
    return Candidates(found.positions, -found.scores), f"inverted index; terms: {printable(terms)}"


def _inside(region: Region, reader: Reader, among: Positions, limit: int) -> Candidates:
    """Find the records deepest in a region; ties by insertion order."""
    scores = -region.margins(reader, among)
    order = np.argsort(scores, kind="stable")
    rows = order[scores[order] <= 0][:limit]
    return Candidates(among[rows], scores[rows])


def _moved(reader: Reader, prepared: Prepared, given: Ready) -> Vectors:
    """Return the vectors of a source after the steps of its query."""
    assert given.vectors is not None
    vectors = given.vectors
    for step in given.source.steps if isinstance(given.source, Knn) else ():
        vectors = step.vectors(vectors, reader, prepared.filter, given.transform)
    return vectors


def _together(several: Sequence[Nearest], limit: int) -> Candidates:
    """Merge what several queries found; a record's distance is the least of its distances."""
    if len(several) == 1:
        return Candidates(several[0].positions, several[0].distances)
    positions = np.concatenate([found.positions for found in several])
    distances = np.concatenate([found.distances for found in several])
    order = np.lexsort((positions, distances))
    _, first = np.unique(positions[order], return_index=True)
    rows = order[np.sort(first)][:limit]
    return Candidates(positions[rows], distances[rows])


def _missed(prepared: Prepared, given: Ready, found: Candidates) -> Callable[[Reader, int], str]:
    """Return a function that says by how much a source missed a record."""
    cut = float(found.scores[-1]) if len(found) else math.inf

    def missed(reader: Reader, position: int) -> str:
        own, _ = _among(reader, prepared, given, 1, np.array([position]))
        if not len(own) and given.region is not None:
            return _outside(given.region)(reader, position)
        if not len(own):
            return "it has nothing in common with the query"
        score = float(own.scores[0])
        name = "score" if given.vectors is None else "distance"
        lost = ": the index did not find it" if score < cut else ""
        return f"{name} {score:.4g}, cut at {cut:.4g}{lost}"

    return missed


def _recall(
    prepared: Prepared, given: Ready, limit: int, found: Candidates
) -> Callable[[Reader], float]:
    """Return a function that compares what a source found with an exact scan.

    A record counts as found if one was found that is at least as near, because ties may be broken
    either way.
    """

    def recall(reader: Reader) -> float:
        if given.vectors is None or prepared.regions or not len(found):
            return 1.0
        among = reader.matching(prepared.filter)
        true, _ = _among(reader, prepared, given, limit, among)
        return float(np.count_nonzero(found.scores <= true.scores[-1]) / len(true))

    return recall


def _fails(where: Condition) -> Callable[[Reader, int], str]:
    """Return a function that says which parts of a condition do not hold for a record."""

    def missed(reader: Reader, position: int) -> str:
        (id,) = reader.rows(np.array([position]), set()).ids
        failed = [
            _with_value(part, reader, position)
            for part in (where.conditions if isinstance(where, And) else [where])
            if not len(reader.matching(read_filter([id], part, None)))
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


def _outside(region: Region) -> Callable[[Reader, int], str]:
    """Return a function that says which part of a region a record is outside of, and by how much."""

    def missed(reader: Reader, position: int) -> str:
        for part in region.parts:
            (margin,) = part.margins(reader, np.array([position]))
            if margin < 0:
                return f"not {part}: outside by {-margin:.4g}"
        return ""

    return missed
