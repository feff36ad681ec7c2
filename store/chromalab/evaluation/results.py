"""`Evaluation`: how well a collection answers a set of queries, and whether that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.display import html_table, one_line, text_table
from chromalab.errors import printable
from chromalab.feedback.metrics import Paired, metric_names
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["Compared", "Evaluation", "Scored", "State"]

_LEVEL = 0.05  # a p-value below it is called more than chance
_SHOWN = 10


@dataclass(frozen=True)
class State:
    """What was evaluated, and when.

    Attributes:
        at: In UTC.
        records: How many the collection had.
        version: Of the collection.
        model: The embedding function, with a hash of its configuration.
        transform: The transform that queries went through; None for none.
        k: How many records of each list were looked at.
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
        """Say what changed from another state to this one."""
        writes = self.version - before.version
        changes = {
            f"{before.records:,} to {self.records:,} records": before.records != self.records,
            f"{writes:,} write{'' if writes == 1 else 's'}": bool(writes),
            f"model {before.model} to {self.model}": before.model != self.model,
            f"transform {_named(before.transform)} to {_named(self.transform)}": (
                before.transform != self.transform
            ),
            f"filter {_named(before.where)} to {_named(self.where)}": before.where != self.where,
        }
        return tuple(printable(text) for text, is_so in changes.items() if is_so)


@dataclass(frozen=True)
class Scored:
    """One query, and how well it is answered.

    Attributes:
        key: Names it among the queries of the set.
        query: The query as it is shown.
        text: The text that was asked; None for a vector.
        ids: The first k records, best first.
        relevant: How many records are answers.
        found: How many of them are in the list.
        first: The rank of the first of them; None where there is none.
        metrics: nDCG@k, recall@k and the reciprocal rank.
        before: The same of the baseline's list; None where it has none for this query.
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
        """By how much nDCG@k is more than the baseline's."""
        if self.before is None:
            return None
        ndcg = next(iter(self.metrics))
        return self.metrics[ndcg] - self.before[ndcg]


@dataclass(frozen=True)
class Compared:
    """An evaluation beside an earlier one, query by query.

    Attributes:
        name: Of the earlier one; "" for one that was given.
        before: What was evaluated then.
        metrics: Of each metric the means of both, the difference and its p-value.
        changes: What changed in between.
        better: Queries that are answered better, by nDCG@k.
        worse: Queries that are answered worse.
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
    def verdict(self) -> str:
        """Say in a sentence how nDCG@k changed, and whether that is more than chance."""
        metric, found = next(iter(self.metrics.items()))
        changed = self.better + self.worse
        if not changed:
            return f"{metric} is the same for every query"
        moved = (
            "stays"
            if not round(found.difference, 3)
            else "rises"
            if found.difference > 0
            else "falls"
        )
        sure = (
            "more than chance"
            if self.is_more_than_chance
            # With all changes in one direction, only two of all signs are as extreme.
            else f"too few queries to tell ({changed} changed)"
            if 2.0 ** (1 - changed) >= _LEVEL
            else "no more than chance may do"
        )
        p = f"p = {found.p:.3f}" if found.p >= 0.001 else "p < 0.001"
        return (
            f"{metric} {moved}, {found.before:.3f} to {found.after:.3f} ({found.difference:+.3f} ± "
            f"{found.se:.3f}, {p}): {sure}"
        )


@dataclass(frozen=True, repr=False, kw_only=True)
class Evaluation:
    """How well a collection answers queries whose answers are known.

    Attributes:
        collection: The name of the collection.
        state: What was evaluated.
        scores: Each query.
        left_out: Why judgements or queries were left out, and how many.
        compared: The comparison with the baseline; None where there was none to compare with.
        note: What became of the baseline, in words.
        random_state: The seed of the test.
    """

    collection: str
    state: State
    scores: tuple[Scored, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    compared: Compared | None = None
    note: str = ""
    random_state: int = 0

    @property
    def k(self) -> int:
        """How many records of each list were looked at."""
        return self.state.k

    @property
    def metrics(self) -> dict[str, float]:
        """The mean of each metric over all queries."""
        return {
            metric: float(np.mean([scored.metrics[metric] for scored in self.scores]))
            for metric in metric_names(self.k)
        }

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a query, those that fell most first, then the worst."""
        return data_frame(self._rows(), self._columns())

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        table = [] if self.compared is None else [text_table(*self._metrics())]
        return "\n".join([self._headline(), *table, *filter(None, [self._about()])])

    def _repr_html_(self) -> str:
        columns, rows = self._metrics()
        queries, cut = self._rows()[:_SHOWN], ""
        if len(self) > _SHOWN:
            cut = f"{_SHOWN} of {len(self):,} queries shown"
        means = html_table(columns, rows, caption=self._headline(), note=self._about())
        return means + html_table(self._columns(), queries, caption="The worst first", note=cut)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def _headline(self) -> str:
        count = f"{len(self):,} {'query' if len(self) == 1 else 'queries'}"
        means = ", ".join(f"{metric} {mean:.3f}" for metric, mean in self.metrics.items())
        return f"{printable(self.collection)}: {count}, {means}"

    def _about(self) -> str:
        parts = [self.note]
        if self.compared is not None:
            found = self.compared
            changes = ", ".join(found.changes) or "nothing changed"
            parts = [
                f"{found.verdict}; {found.better:,} queries better, {found.worse:,} worse",
                f"since {found.before.at}: {changes}",
                *(f"{n:,} not compared: {why}" for why, n in found.left_out.items()),
                self.note,
            ]
        out = [f"{count:,} left out: {why}" for why, count in self.left_out.items()]
        return "; ".join(filter(None, [*parts, *out]))

    def _metrics(self) -> tuple[list[str], list[list[Any]]]:
        if self.compared is None:
            means = [[metric, f"{mean:.3f}"] for metric, mean in self.metrics.items()]
            return ["metric", "mean"], means
        rows = [
            [
                metric,
                f"{found.before:.3f}",
                f"{found.after:.3f}",
                f"{found.difference:+.3f} ± {found.se:.3f}",
                f"{found.p:.3f}",
            ]
            for metric, found in self.compared.metrics.items()
        ]
        return ["metric", "before", "now", "change", "p"], rows

    def _columns(self) -> list[str]:
        names = metric_names(self.k)
        return ["query", "relevant", "found", "first", *names, f"{names[0]} before", "change"]

    def _rows(self) -> list[list[Any]]:
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
