"""`TuneReport`: what tuning does for queries that it has not seen, and whether it is admitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chromalab.evaluation.metrics import METRICS, Paired, comparison_rows
from chromalab.judgments.resolved import ResolvedJudgments
from chromalab.results.picture import picture
from chromalab.results.tables import Table, count, html_table, text_table
from chromalab.transforms.transform import Transform
from chromalab.tuning.crossvalidation import HeldOut
from chromalab.tuning.gate import Admission
from chromalab.tuning.training_set import unit

__all__ = ["ChangedRanking", "TuneReport", "TuneState"]

TuneState = Literal["not in use", "active", "active once it is prepared"]
"""What became of the transform of a report."""

_SHOWN = 3  # The queries that gain most, and as many that lose most.
_LIST = 10
_EACH = "Each query when held out: rank of its first answer, nDCG@10, and fall of the mean log(1 + rank)"


@dataclass(frozen=True)
class ChangedRanking:
    """A query whose first ten records change.

    Attributes:
        query: Its text, or its number.
        before: The ids of the first ten records without the transform.
        after: The ids of the first ten records with the transform.
        shared: The number of records that are in both lists.
    """

    query: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    shared: int


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TuneReport(Table):
    """What was learned, how it did on held-out queries, and whether it is admitted.

    Attributes:
        transform: The transform to use: the learned one, or the identity if that was refused.
        admission: Whether the learned transform is admitted, why, and what would settle it.
        candidate: The learned transform, even if it was refused; None if nothing could be learned.
        judged: The judgments.
        held_out: The rankings of held-out queries; None if there were none.
        metrics: "ndcg@10", "recall@10" and "mrr" before and after, over held-out queries, in condensed
            lists (see `HeldOut`).
        parameters: The options of the call, including the seed.
        collection: The name of the collection; "" for arrays.
        state: "not in use", "active", or "active once it is prepared".
    """

    transform: Transform
    admission: Admission
    judged: ResolvedJudgments
    parameters: Mapping[str, Any]
    candidate: Transform | None = None
    held_out: HeldOut | None = None
    metrics: Mapping[str, Paired] = field(default_factory=dict)
    collection: str = ""
    state: TuneState = "not in use"

    _columns = (
        "query",
        "answers",
        "first rank before",
        "first rank after",
        "ndcg@10 before",
        "ndcg@10 after",
        "log-rank gain",
    )

    @property
    def admitted(self) -> bool:
        """Whether the gate admitted the learned transform."""
        return self.admission.admitted

    @property
    def is_active(self) -> bool:
        """Whether queries of the collection went through it when the report was made."""
        return self.state == "active"

    @property
    def reason(self) -> str:
        """The reason, as a sentence."""
        return self.admission.reason

    @property
    def gain(self) -> float:
        """The cross-validated gain: how much the mean of log(1 + rank) of the answers falls."""
        return 0.0 if self.held_out is None else self.held_out.gain

    @property
    def se(self) -> float:
        """The standard error of the gain; infinite if nothing was held out."""
        return float("inf") if self.held_out is None else self.held_out.se

    @property
    def random_state(self) -> int:
        """The seed."""
        return int(self.parameters["random_state"])

    @property
    def wins(self) -> int:
        """The number of held-out queries whose answers rise."""
        return 0 if self.held_out is None else int((self.held_out.changes > 0).sum())

    @property
    def losses(self) -> int:
        """The number of held-out queries whose answers fall."""
        return 0 if self.held_out is None else int((self.held_out.changes < 0).sum())

    def changed(self, n: int = 5) -> list[ChangedRanking]:
        """Return the judged queries whose first ten records change most, with both lists.

        Unlike the rest of the report, these rankings are by a transform that has seen the queries.

        Args:
            n: The number of queries.
        """
        if self.candidate is None:
            return []
        judged, candidate = self.judged, self.candidate
        plain = _first(unit(judged.queries), unit(judged.documents))
        mapped = _first(
            unit(candidate.queries(judged.queries)), unit(candidate.documents(judged.documents))
        )
        found = [
            ChangedRanking(
                _label(judged, query),
                tuple(judged.ids[row] for row in before),
                tuple(judged.ids[row] for row in after),
                len(np.intersect1d(before, after)),
            )
            for query, (before, after) in enumerate(zip(plain, mapped, strict=True))
        ]
        return sorted(found, key=lambda changed: changed.shared)[:n]

    def __repr__(self) -> str:
        table = [text_table(*self._means())] if self.metrics else []
        return "\n".join([self._heading(), *table, self._note()])

    def _repr_html_(self) -> str:
        columns, rows = self._means()
        means = html_table(
            columns if rows else [], rows, caption=self._heading(), note=self._note()
        )
        queries = self._rows()
        if not queries:
            return means
        some = queries[:_SHOWN] + queries[max(_SHOWN, len(queries) - _SHOWN) :]
        cut = (
            f"{len(some)} of {len(queries):,} shown: those that gain most and those that lose most"
        )
        chart = picture(
            self._draw, alt="nDCG@10 of each held-out query before and after", width=3.6
        )
        table = html_table(self._header(), some, caption=_EACH, note=cut)
        return means + chart + table

    def _heading(self) -> str:
        name = f"{self.collection}: " if self.collection else ""
        if not self.admitted:
            return f"{name}no transform. {self.reason}"
        return f"{name}{self.transform.name!r} admitted, {self.state}. {self.reason}"

    def _means(self) -> tuple[list[str], list[list[Any]]]:
        queries = 0 if self.held_out is None else len(self.held_out.queries)
        what = f"cross-validated mean of {queries:,} queries, judged records"
        columns = [what, "before", "after", "change ± standard error", "p of the change"]
        return columns, comparison_rows(self.metrics)

    def _note(self) -> str:
        out = "".join(f"; {n:,} left out: {why}" for why, n in self.judged.left_out.items())
        if self.held_out is None:
            return f"{count(len(self.judged), 'judgment')}{out}"
        queries = len(self.held_out.queries)
        unchanged = queries - self.wins - self.losses
        sure = (
            "a rough guide, as with so few queries the next ones may differ"
            if queries < 50
            else "a fair guide"
            if queries < 200
            else "a good guide"
        )
        method = self.candidate.method if self.candidate else ""
        return (
            f"{self.wins:,} queries gain, {self.losses:,} lose, {unchanged:,} are unchanged; {method}; "
            f"{len(self.judged):,} judgments of {queries:,} queries{out}: {sure}"
        )

    def _rows(self) -> list[list[Any]]:
        """Return one row per held-out query, those that gain most first."""
        found = self.held_out
        if found is None:
            return []
        counts = np.bincount(
            self.judged.pairs[self.judged.relevance > 0, 0], minlength=len(self.judged.queries)
        )
        at = METRICS.index("ndcg@10")
        rows = []
        for row in np.argsort(-found.changes, kind="stable").tolist():
            query = int(found.queries[row])
            first, then = found.ranks[row].tolist()
            before, after = found.metrics[row, :, at].round(3).tolist()
            label, change = _label(self.judged, query), round(float(found.changes[row]), 3)
            rows.append([label, int(counts[query]), first, then, before, after, change])
        return rows

    def _draw(self, axes: Any) -> None:
        assert self.held_out is not None
        values = self.held_out.metrics[:, :, METRICS.index("ndcg@10")]
        for before, after in values:
            change = after - before
            color = "#0072b2" if change > 0 else "#d55e00" if change < 0 else "#999999"
            axes.plot([0, 1], [before, after], color=color, alpha=0.35, linewidth=1)
        axes.plot([0, 1], values.mean(axis=0), color="#797979", linewidth=2.5)
        axes.set_xticks([0, 1], ["before", "after"])
        axes.set_ylabel("nDCG@10, held out")
        axes.set_ylim(-0.02, 1.02)


def _label(judged: ResolvedJudgments, query: int) -> str:
    text = judged.texts[query]
    return f"query {query}" if text is None else text


def _first(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the rows of the first ten documents by cosine for each query, best first."""
    length = min(_LIST, len(documents))
    rows = []
    for start in range(0, len(queries), 64):
        near = queries[start : start + 64] @ documents.T
        some = np.argpartition(-near, length - 1, axis=1)[:, :length]
        order = np.argsort(-np.take_along_axis(near, some, axis=1), axis=1, kind="stable")
        rows.append(np.take_along_axis(some, order, axis=1))
    return np.concatenate(rows) if rows else np.empty((0, length), dtype=np.int64)
