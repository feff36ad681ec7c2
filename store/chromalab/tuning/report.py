"""`TuneReport`: what tuning would do for queries it has not seen, and whether it is let."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.analytics.picture import picture
from chromalab.display import html_table, text_table
from chromalab.feedback.changes import Changed, changed_rankings
from chromalab.feedback.crossvalidation import HeldOut
from chromalab.feedback.gate import Admission
from chromalab.feedback.judged import Judged
from chromalab.feedback.metrics import METRICS, Paired
from chromalab.feedback.transform import Transform
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["TuneReport"]

_SHOWN = 3  # queries that gain most, and that lose most
_COLUMNS = (
    "query",
    "answers",
    "first before",
    "first after",
    "ndcg before",
    "ndcg after",
    "change",
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TuneReport:
    """What was learned, how it did for held-out queries, and what was decided.

    Attributes:
        transform: What is to be used: what was learned, or the identity where that was refused.
        decision: Whether it was admitted, why, and what would settle it.
        candidate: What was learned, also where it was refused; None where nothing could be.
        judged: The judgements.
        held_out: The rankings of queries that were held out; None where there were none.
        metrics: For each of "ndcg@10", "recall@10" and "mrr" before and after, over held-out queries,
            in condensed lists (see `HeldOut`).
        parameters: How it was asked for, with the seed.
        collection: The name of the collection; "" for arrays.
        state: "not in use", "live", or "live as soon as it is prepared".
    """

    transform: Transform
    decision: Admission
    judged: Judged
    parameters: Mapping[str, Any]
    candidate: Transform | None = None
    held_out: HeldOut | None = None
    metrics: Mapping[str, Paired] = field(default_factory=dict)
    collection: str = ""
    state: str = "not in use"

    @property
    def admitted(self) -> bool:
        """Whether the gate let it through."""
        return self.decision.admitted

    @property
    def is_live(self) -> bool:
        """Whether queries of the collection went through it when the report was made."""
        return self.state == "live"

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        return self.decision.reason

    @property
    def gain(self) -> float:
        """The cross-validated gain: how much the mean of log(1 + rank) of the answers falls."""
        return 0.0 if self.held_out is None else self.held_out.gain

    @property
    def se(self) -> float:
        """Its standard error; infinite where nothing was held out."""
        return float("inf") if self.held_out is None else self.held_out.se

    @property
    def random_state(self) -> int:
        """The seed."""
        return int(self.parameters["random_state"])

    @property
    def wins(self) -> int:
        """Held-out queries whose answers rise."""
        return 0 if self.held_out is None else int((self.held_out.changes > 0).sum())

    @property
    def losses(self) -> int:
        """Held-out queries whose answers fall."""
        return 0 if self.held_out is None else int((self.held_out.changes < 0).sum())

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a held-out query, those that gain most first."""
        return data_frame(self._queries(), _COLUMNS)

    def changed(self, n: int = 5) -> list[Changed]:
        """Say which judged queries have the most different first ten records, with both lists.

        Unlike all else here, these rankings are by the transform that has seen the queries.
        """
        return changed_rankings(self.judged, self.candidate, n)

    def __repr__(self) -> str:
        table = [text_table(*self._metrics())] if self.metrics else []
        return "\n".join([self._headline(), *table, self._note()])

    def _repr_html_(self) -> str:
        columns, rows = self._metrics()
        shown = html_table(
            columns if rows else [], rows, caption=self._headline(), note=self._note()
        )
        queries = self._queries()
        if not queries:
            return shown
        some = queries[:_SHOWN] + queries[max(_SHOWN, len(queries) - _SHOWN) :]
        cut = f"{len(some)} of {len(queries):,} shown: those that gain and those that lose most"
        drawn = picture(
            self._draw, alt="nDCG@10 of each held-out query before and after", width=3.6
        )
        return shown + drawn + html_table(_COLUMNS, some, caption="Held-out queries", note=cut)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def _headline(self) -> str:
        name = f"{self.collection}: " if self.collection else ""
        if not self.admitted:
            return f"{name}no transform. {self.reason}"
        return f"{name}{self.transform.name!r} admitted, {self.state}. {self.reason}"

    def _metrics(self) -> tuple[list[str], list[list[Any]]]:
        rows = [
            [
                metric,
                f"{found.before:.3f}",
                f"{found.after:.3f}",
                f"{found.difference:+.3f} ± {found.se:.3f}",
                f"{found.p:.3f}",
            ]
            for metric, found in self.metrics.items()
        ]
        return ["held out, judged records", "before", "after", "change", "p"], rows

    def _note(self) -> str:
        out = "".join(f"; {n:,} left out: {why}" for why, n in self.judged.left_out.items())
        if self.held_out is None:
            return f"{_judgements(len(self.judged))}{out}"
        queries = len(self.held_out.queries)
        same = queries - self.wins - self.losses
        sure = (
            "a rough guide: with so few queries the next ones may say otherwise"
            if queries < 50
            else "a fair guide"
            if queries < 200
            else "a good guide"
        )
        method = self.candidate.method if self.candidate else ""
        return (
            f"{self.wins:,} queries gain, {self.losses:,} lose, {same:,} stay; {method}; "
            f"{len(self.judged):,} judgements of {queries:,} queries{out}: {sure}"
        )

    def _queries(self) -> list[list[Any]]:
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
            text = self.judged.texts[query]
            first, then = found.ranks[row].tolist()
            before, after = found.metrics[row, :, at].round(3).tolist()
            shown = f"query {query}" if text is None else text
            change = round(float(found.changes[row]), 3)
            rows.append([shown, int(counts[query]), first, then, before, after, change])
        return rows

    def _draw(self, axes: Any) -> None:
        assert self.held_out is not None
        values = self.held_out.metrics[:, :, METRICS.index("ndcg@10")]
        for before, after in values:
            change = after - before
            colour = "#0072b2" if change > 0 else "#d55e00" if change < 0 else "#999999"
            axes.plot([0, 1], [before, after], color=colour, alpha=0.35, linewidth=1)
        axes.plot([0, 1], values.mean(axis=0), color="#000000", linewidth=2.5)
        axes.set_xticks([0, 1], ["before", "after"])
        axes.set_ylabel("nDCG@10, held out")
        axes.set_ylim(-0.02, 1.02)


def _judgements(count: int) -> str:
    return f"{count:,} judgement{'' if count == 1 else 's'}"
