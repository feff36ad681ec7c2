"""`Evaluation`: how well a collection answers a set of queries, and whether that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chromalab.errors import printable
from chromalab.evaluation.metrics import Paired, comparison_rows, metric_names
from chromalab.results.tables import Table, count, cut, html_table, one_line, text_table

__all__ = ["Compared", "Evaluation", "Scored", "State"]

_LEVEL = 0.05  # A p-value below this level is reported as more than chance.


@dataclass(frozen=True)
class State:
    """What was evaluated, and when.

    Attributes:
        at: The time, in UTC.
        records: The number of records in the collection.
        version: The version of the collection.
        model: The fingerprint of the embedding function.
        transform: The transform that queries went through; None for none.
        k: The length of the lists.
        where: The filter; None for all records.

    Example:
        >>> before = State("2026-01-31T12:00:00+00:00", 120, 3, "minilm", None, 10)
        >>> State("2026-02-01T12:00:00+00:00", 150, 9, "minilm", "tuned-1", 10).since(before)
        ('120 to 150 records', '6 writes', "transform none to 'tuned-1'")
    """

    at: str
    records: int
    version: int
    model: str
    transform: str | None
    k: int
    where: Mapping[str, Any] | None = None

    def since(self, before: State) -> tuple[str, ...]:
        """Describe what changed since another state."""
        writes = self.version - before.version
        changes = {
            f"{before.records:,} to {self.records:,} records": before.records != self.records,
            count(writes, "write"): bool(writes),
            f"model {before.model} to {self.model}": before.model != self.model,
            f"transform {_named(before.transform)} to {_named(self.transform)}": (
                before.transform != self.transform
            ),
            f"filter {_named(before.where)} to {_named(self.where)}": before.where != self.where,
        }
        return tuple(printable(text) for text, is_so in changes.items() if is_so)


@dataclass(frozen=True)
class Scored:
    """One query and how well it is answered.

    Attributes:
        key: Identifies the query within the set.
        query: The query as it is displayed.
        text: The text of the query; None for a vector.
        ids: The first k records, best first.
        relevant: The number of records that are answers.
        found: How many of them are in the list.
        first: The rank of the first answer; None if there is none in the list.
        metrics: nDCG@k, recall@k and the reciprocal rank.
        before: The same metrics of the baseline's list; None if it has no list for this query.
    """

    key: str
    query: str
    text: str | None
    ids: tuple[str, ...]
    relevant: int
    found: int
    first: int | None
    metrics: Mapping[str, float]
    before: Mapping[str, float] | None = None

    @property
    def change(self) -> float | None:
        """The change of nDCG@k from the baseline."""
        if self.before is None:
            return None
        ndcg = next(iter(self.metrics))
        return self.metrics[ndcg] - self.before[ndcg]


@dataclass(frozen=True)
class Compared:
    """An evaluation compared with an earlier one, query by query.

    Attributes:
        name: The name of the earlier one; "" if it was passed as an `Evaluation`.
        before: What was evaluated then.
        metrics: For each metric the means of both, the difference and its p-value.
        changes: What changed in between.
        better: The number of queries that are answered better, by nDCG@k.
        worse: The number of queries that are answered worse.
        left_out: Why queries were not compared, and how many.
    """

    name: str
    before: State
    metrics: Mapping[str, Paired]
    changes: tuple[str, ...]
    better: int
    worse: int
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_more_than_chance(self) -> bool:
        """Whether nDCG@k changed with a p-value below 0.05."""
        return next(iter(self.metrics.values())).p < _LEVEL

    @property
    def summary(self) -> str:
        """One sentence on how nDCG@k changed, and whether that is more than chance."""
        metric, found = next(iter(self.metrics.items()))
        changed = self.better + self.worse
        if not changed:
            return f"{metric} is the same for every query"
        moved = (
            "is unchanged"
            if not round(found.difference, 3)
            else "rises"
            if found.difference > 0
            else "falls"
        )
        sure = (
            "more than chance"
            if self.is_more_than_chance
            # If all changes go in one direction, only two of all sign patterns are as extreme.
            else f"too few queries to tell ({changed} changed)"
            if 2.0 ** (1 - changed) >= _LEVEL
            else "within chance"
        )
        p = f"p = {found.p:.3f}" if found.p >= 0.001 else "p < 0.001"
        return (
            f"{metric} {moved}, {found.before:.3f} to {found.after:.3f} ({found.difference:+.3f} ± "
            f"{found.se:.3f}, {p}): {sure}"
        )


@dataclass(frozen=True, repr=False, kw_only=True)
class Evaluation(Table):
    """How well a collection answers queries with known answers.

    Attributes:
        collection: The name of the collection.
        state: What was evaluated.
        scores: The score of each query.
        left_out: Why judgments or queries were left out, and how many.
        compared: The comparison with the baseline; None if there was nothing to compare with.
        note: What happened to the baseline.
        random_state: The seed of the test.
    """

    collection: str
    state: State
    scores: tuple[Scored, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    compared: Compared | None = None
    note: str = ""
    random_state: int = 0

    _limit = 10

    @property
    def k(self) -> int:
        """The length of the lists."""
        return self.state.k

    @property
    def metrics(self) -> dict[str, float]:
        """The mean of each metric over all queries."""
        return {
            metric: float(np.mean([scored.metrics[metric] for scored in self.scores]))
            for metric in metric_names(self.k)
        }

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        table = [] if self.compared is None else [text_table(*self._means())]
        return "\n".join([self._heading(), *table, *filter(None, [self._about()])])

    def _repr_html_(self) -> str:
        means = html_table(*self._means(), caption=self._heading(), note=self._about())
        queries = html_table(
            self._header(),
            self._rows()[: self._limit],
            caption="Worst queries first",
            note=cut(self._limit, len(self), "queries"),
        )
        return means + queries

    def _heading(self) -> str:
        means = ", ".join(f"{metric} {mean:.3f}" for metric, mean in self.metrics.items())
        return f"{printable(self.collection)}: {count(len(self), 'query', 'queries')}, {means}"

    def _about(self) -> str:
        parts = [self.note]
        if self.compared is not None:
            found = self.compared
            changes = ", ".join(found.changes) or "nothing changed"
            parts = [
                f"{found.summary}; {found.better:,} queries better, {found.worse:,} worse",
                f"since {found.before.at}: {changes}",
                *(f"{n:,} not compared: {why}" for why, n in found.left_out.items()),
                self.note,
            ]
        out = [f"{number:,} left out: {why}" for why, number in self.left_out.items()]
        return "; ".join(filter(None, [*parts, *out]))

    def _means(self) -> tuple[list[str], list[list[Any]]]:
        if self.compared is None:
            means = [[metric, f"{mean:.3f}"] for metric, mean in self.metrics.items()]
            return ["metric", "mean"], means
        columns = ["metric", "before", "now", "change", "p"]
        return columns, comparison_rows(self.compared.metrics)

    def _header(self) -> list[str]:
        names = metric_names(self.k)
        return ["query", "relevant", "found", "first", *names, f"{names[0]} before", "change"]

    def _rows(self) -> list[list[Any]]:
        """Return one row per query: the largest falls first, then the worst queries."""
        names = metric_names(self.k)
        worst = sorted(self.scores, key=lambda s: (s.change or 0.0, s.metrics[names[0]]))
        return [
            [
                scored.query,
                scored.relevant,
                scored.found,
                scored.first,
                *(scored.metrics[name] for name in names),
                None if scored.before is None else scored.before[names[0]],
                scored.change,
            ]
            for scored in worst
        ]


def _named(value: Any) -> str:
    if value is None:
        return "none"
    return repr(value) if isinstance(value, str) else one_line(value)
