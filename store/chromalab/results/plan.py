"""`SearchPlan`: how a search runs, as a tree; with `analyze=True`, also what every stage did."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chromalab.errors import printable
from chromalab.results.tables import Table, count, html_block

__all__ = ["PlanStage", "SearchPlan"]

_STYLE = (
    "<style>.chromalab table.plan{border-collapse:collapse;font-size:13px}"
    ".chromalab table.plan td,.chromalab table.plan th{text-align:left!important;vertical-align:top;"
    "padding:3px 14px 3px 0;border-bottom:1px solid var(--jp-border-color2,#8884)}"
    ".chromalab table.plan .number{text-align:right!important;white-space:nowrap}"
    ".chromalab table.plan .bar{height:4px;background:var(--jp-brand-color1,#2196f3);min-width:1px}"
    ".chromalab .note{padding:4px 0;font-size:13px;color:var(--jp-ui-font-color2,#777)}"
    ".chromalab table.plan .track{width:80px}"
    ".chromalab table.plan .why{max-width:56ch;color:var(--jp-ui-font-color2,#777);overflow-wrap:anywhere}"
    ".chromalab table.plan .stage{white-space:pre;font-weight:600}</style>"
)


@dataclass(frozen=True)
class PlanStage:
    """A stage of a plan.

    Attributes:
        stage: Its name, such as "Knn".
        details: Its options.
        estimate: The number of records that it is expected to keep, at most.
        reason: How it runs, and why.
        given: The number of records that it was given; None unless it ran.
        kept: The number of records that it kept.
        dropped: The number of records that it dropped, by reason.
        milliseconds: How long it took.
        recall: The share of the records that an exact scan finds; 1.0 for an exact scan, None for
            stages that compare nothing.
        inputs: The stages before it.
        note: What a person should know about it.
    """

    stage: str
    details: str
    estimate: int | None
    reason: str = ""
    given: int | None = None
    kept: int | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    milliseconds: float | None = None
    recall: float | None = None
    inputs: tuple[PlanStage, ...] = ()
    note: str = ""

    def walk(self, depth: int = 0) -> Iterator[tuple[int, PlanStage]]:
        """Iterate over the stage and those before it, each with its depth."""
        yield depth, self
        for before in self.inputs:
            yield from before.walk(depth + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the stage with those before it as JSON."""
        plain = {name: value for name, value in vars(self).items() if name != "inputs"}
        return {
            **plain,
            "dropped": dict(self.dropped),
            "inputs": [before.to_dict() for before in self.inputs],
        }

    @property
    def explained(self) -> str:
        """The reason, the records that were dropped, and the recall, in words."""
        parts = [self.reason]
        parts += [f"dropped {many:,}: {why}" for why, many in self.dropped.items()]
        if self.recall is not None:
            parts.append(f"recall {self.recall:.2f}")
        return "; ".join(filter(None, [*parts, self.note]))


@dataclass(frozen=True, repr=False)
class SearchPlan(Table):
    """How a search runs: the last stage, with those before it as its inputs.

    Attributes:
        root: The last stage.
        embedded: How many texts are embedded for it.
        model: The embedding function; "none" where the caller supplies embeddings.
        embedding: The milliseconds that embedding took; None unless it ran.
        analyzed: Whether it ran.

    Example:
        >>> import chromalab
        >>> from chromalab import Knn, Search
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> plan = points.explain(Search().rank(Knn([0, 1])).limit(1), analyze=True)
        >>> [(stage.stage, stage.given, stage.kept) for _, stage in plan.root.walk()]
        [('Limit', 2, 1), ('Knn', 2, 2)]
    """

    root: PlanStage
    embedded: int = 0
    model: str = "none"
    embedding: float | None = None
    analyzed: bool = False

    @property
    def milliseconds(self) -> float | None:
        """How long all stages took together, with the embedding; None unless the search ran."""
        if not self.analyzed:
            return None
        stages = sum(stage.milliseconds or 0.0 for _, stage in self.root.walk())
        return stages + (self.embedding or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return {**vars(self), "root": self.root.to_dict()}

    def _header(self) -> list[str]:
        return ["stage", "details", "records", *(["ms"] if self.analyzed else []), "how"]

    def _rows(self) -> list[list[Any]]:
        rows = []
        for depth, stage in self.root.walk():
            name = f"{'  ' * (depth - 1)}└ {stage.stage}" if depth else stage.stage
            time = [f"{stage.milliseconds or 0.0:.2f}"] if self.analyzed else []
            rows.append([name, stage.details, self._records(stage), *time, stage.explained])
        return rows

    def _records(self, stage: PlanStage) -> str:
        if stage.kept is not None and stage.given is not None:
            return f"{stage.given:,} → {stage.kept:,}"
        return "" if stage.estimate is None else f"at most {stage.estimate:,}"

    def _note(self) -> str:
        texts = f"{count(self.embedded, 'text')} embedded by {self.model}" if self.embedded else ""
        if texts and self.embedding is not None:
            texts += f" in {self.embedding:.1f} ms"
        total = "" if self.milliseconds is None else f"{self.milliseconds:.1f} ms in total"
        hint = "" if self.analyzed else "analyze=True runs the search and measures every stage"
        return "; ".join(filter(None, [texts, total, hint]))

    def __repr__(self) -> str:
        rows = [[f"{row[0]} {row[1]}".rstrip(), *row[2:-1], row[-1]] for row in self._rows()]
        rows.insert(0, ["stage", *self._header()[2:]])
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
        lines = (
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]])  # noqa: B905
            for row in rows
        )
        return "\n".join([*(printable(line).rstrip() for line in lines), self._note()])

    def _repr_html_(self) -> str:
        longest = max((s.milliseconds or 0.0 for _, s in self.root.walk()), default=0.0) or 1.0
        head = "".join(
            f"<th class='number' colspan='2'>{name}</th>" if name == "ms" else f"<th>{name}</th>"
            for name in self._header()
        )
        body = []
        for row, (_, stage) in zip(self._rows(), self.root.walk(), strict=True):
            name, details, records, *time, how = map(html.escape, map(str, row))
            share = 100 * (stage.milliseconds or 0.0) / longest
            bar = f"<td class='track'><div class='bar' style='width:{share:.0f}%'></div></td>"
            timed = f"<td class='number'>{time[0]}</td>{bar}" if time else ""
            body.append(
                f"<tr><td class='stage'>{name}</td><td>{details}</td><td class='number'>{records}</td>"
                f"{timed}<td class='why'>{how}</td></tr>"
            )
        note = f"<div class='note'>{html.escape(self._note())}</div>"
        table = f"<table class='plan' aria-label='Search plan'><thead><tr>{head}</tr></thead>"
        return html_block(f"{_STYLE}{table}<tbody>{''.join(body)}</tbody></table>{note}")
