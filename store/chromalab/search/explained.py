"""The plan of a search: what its stages are expected to do, or, once it ran, what they did."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from chromalab.engine import Reader
from chromalab.handle import Handle
from chromalab.results.plan import PlanStage, SearchPlan
from chromalab.search.ledger import Stage
from chromalab.search.prepare import Queries
from chromalab.search.prepared import Prepared, Ready
from chromalab.search.request import read_search
from chromalab.search.run import combines, options_of, run
from chromalab.search.search import read_searches
from chromalab.transforms.transform import Transform

__all__ = ["explain_search"]

_EXACT = "exact: every record that passes the condition is compared"


def explain_search(
    collection: Handle,
    search: Any,
    transform: Transform | str | bool | None,
    *,
    analyze: bool,
) -> SearchPlan:
    """Plan a search, or run it and say what every stage did."""
    started = time.perf_counter()
    embedding = 0.0
    queries = Queries([read_search(search)])

    def read(reader: Reader, prepared: Sequence[Prepared]) -> PlanStage:
        nonlocal embedding
        embedding = (time.perf_counter() - started) * 1000
        (one,) = prepared
        return _measured(reader, one) if analyze else _planned(reader, one)

    root, _ = read_searches(collection, queries, transform, read)
    texts = queries.count
    return SearchPlan(
        root, texts, collection.model, embedding if analyze and texts else None, analyze
    )


def _measured(reader: Reader, prepared: Prepared) -> PlanStage:
    """Run a search, and compare what each source found with an exact scan."""

    def shown(stage: Stage) -> PlanStage:
        return PlanStage(
            stage.name, stage.details, None, stage.reason, stage.given, stage.kept, stage.dropped,
            stage.milliseconds, None if stage.recall is None else stage.recall(reader),
            tuple(map(shown, stage.inputs)), stage.note,
        )  # fmt: skip

    return shown(run(reader, prepared).last)


def _planned(reader: Reader, prepared: Prepared) -> PlanStage:
    """Estimate how many records each stage keeps, from the number that pass the condition."""
    search = prepared.search
    matches = len(reader) if search._where is None else len(reader.matching(prepared.filter))
    condition: tuple[PlanStage, ...] = ()
    if search._where is not None:
        condition = (PlanStage("Where", str(search._where), matches),)
    for region in prepared.regions:
        condition = (PlanStage("Within", str(region), matches, _EXACT, inputs=condition),)
    if search._rank is None:
        current = PlanStage("Scan", "in insertion order", matches, inputs=condition)
    else:
        sources = [_source(reader, prepared, one, matches, condition) for one in prepared.sources]
        current = sources[0]
        if combines(search._rank):
            most = min(sum(source.estimate or 0 for source in sources), matches)
            current = PlanStage("Rank", search._rank.outline, most, inputs=tuple(sources))
    if search._group_by.aggregate is not None:
        details = str(search._group_by)
        current = PlanStage("GroupBy", details, current.estimate, inputs=(current,))
    for step in search._steps:
        name = type(step).__name__
        current = PlanStage(name, options_of(step), current.estimate, inputs=(current,))
    limit = search._limit
    left = max((current.estimate or 0) - limit.offset, 0)
    kept = left if limit.limit is None else min(left, limit.limit)
    return PlanStage("Limit", str(limit), kept, inputs=(current,))


def _source(
    reader: Reader,
    prepared: Prepared,
    given: Ready,
    matches: int,
    condition: tuple[PlanStage, ...],
) -> PlanStage:
    source = given.source
    reason = "inverted index" if given.vectors is None else "exact scan of the region"
    if given.region is not None:
        reason = _EXACT
    if given.vectors is not None and not prepared.regions:
        plan = reader.planned(given.vectors, source.limit, prepared.filter, given.transform)
        costs = ", ".join(f"{way} {max(ms, 0.01):.2g} ms" for way, ms in plan.estimates.items())
        reason = f"{plan.method}: {plan.reason} (estimates: {costs})"
    details = f"{source.details}, k={source.limit:,}"
    return PlanStage(
        type(source).__name__, details, min(source.limit, matches), reason, inputs=condition
    )
