"""`SearchPlan`: how a search runs, as a tree; with `analyze=True`, also what every stage did."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chromalab.errors import printable
from chromalab.results.tables import Table, count, data_frame, html_block, one_line

if TYPE_CHECKING:
    import pandas

__all__ = ["PlanStage", "SearchPlan"]

_STYLE = (
    "<style>.chromalab table.plan{border-collapse:collapse;font-size:13px}"
    ".chromalab table.plan td,.chromalab table.plan th{text-align:left!important;vertical-align:top;"
    "padding:3px 14px 3px 0;border-bottom:1px solid var(--jp-border-color2,#8884)}"
    ".chromalab table.plan .number{text-align:right!important;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}"
    ".chromalab table.plan .tree{white-space:pre;font-family:var(--jp-code-font-family,monospace);"
    "color:var(--jp-ui-font-color2,#777)}"
    ".chromalab table.plan .tree b{font-family:var(--jp-ui-font-family,sans-serif);"
    "color:var(--jp-ui-font-color1,inherit)}"
    ".chromalab table.plan .track{width:64px}"
    ".chromalab table.plan .bar{height:8px;margin-top:4px;background:var(--jp-brand-color1,#2196f3);"
    "min-width:1px}"
    ".chromalab table.plan .why{max-width:44ch;overflow-wrap:anywhere}"
    ".chromalab table.plan .why,.chromalab .note{color:var(--jp-ui-font-color2,#777)}"
    ".chromalab table.plan .short{max-width:30ch;overflow-wrap:anywhere}"
    ".chromalab .note{padding:4px 0;font-size:13px}</style>"
)
_DETAILS_SHOWN = 56


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

    def drawn(self, branch: str = "", indent: str = "") -> Iterator[tuple[str, PlanStage]]:
        """Iterate as `walk` does, each with the lines of a tree before its name."""
        yield branch, self
        for before in self.inputs:
            last = before is self.inputs[-1]
            yield from before.drawn(
                indent + ("└ " if last else "├ "), indent + ("  " if last else "│ ")
            )

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
        """How it ran and why, and the recall, in words."""
        recall = "" if self.recall is None else f"recall {self.recall:.2f}"
        return "; ".join(filter(None, [self.reason, recall, self.note]))


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
        ran = ["dropped", "ms"] if self.analyzed else []
        return ["stage", "details", "records", *ran, "how"]

    def _rows(self) -> list[list[str]]:
        rows = []
        for branch, stage in self.root.drawn():
            dropped = "; ".join(f"{many:,} {why}" for why, many in stage.dropped.items())
            ran = [dropped, f"{stage.milliseconds or 0.0:.2f}"] if self.analyzed else []
            name = f"{branch}{stage.stage}"
            rows.append([name, stage.details, self._records(stage), *ran, stage.explained])
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

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per stage, the last one first, and its depth in the tree."""
        rows = []
        for depth, stage in self.root.walk():
            plain = {name: value for name, value in vars(stage).items() if name != "inputs"}
            rows.append({"depth": depth, **plain, "dropped": dict(stage.dropped)})
        return data_frame(rows)

    def __repr__(self) -> str:
        rows = [["stage", *self._header()[2:]]]
        for name, details, *others in self._rows():
            rows.append([f"{name} {one_line(details, _DETAILS_SHOWN)}".rstrip(), *others])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return "\n".join([*(printable(line).rstrip() for line in lines), self._note()])

    def _repr_html_(self) -> str:
        spans = {"ms": " colspan='2'"}  # the number and its bar
        head = "".join(
            f"<th{' class=number' if name == 'records' else ''}{spans.get(name, '')}>{name}</th>"
            for name in self._header()
        )
        stages = list(self.root.drawn())
        longest = max((stage.milliseconds or 0.0 for _, stage in stages), default=0.0) or 1.0
        body = []
        for row, (branch, stage) in zip(self._rows(), stages, strict=True):
            _, details, records, *ran, how = map(html.escape, row)
            share = 100 * (stage.milliseconds or 0.0) / longest
            measured = (
                f"<td class='short'>{ran[0]}</td><td class='number'>{ran[1]}</td><td class='track'>"
                f"<div class='bar' style='width:{share:.0f}%'></div></td>"
                if ran
                else ""
            )
            body.append(
                f"<tr><td class='tree'>{branch}<b>{html.escape(stage.stage)}</b></td>"
                f"<td class='short'>{details}</td><td class='number'>{records}</td>"
                f"{measured}<td class='why'>{how}</td></tr>"
            )
        note = f"<div class='note'>{html.escape(self._note())}</div>"
        table = f"<table class='plan' aria-label='Search plan'><thead><tr>{head}</tr></thead>"
        return html_block(f"{_STYLE}{table}<tbody>{''.join(body)}</tbody></table>{note}")
