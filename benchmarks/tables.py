"""Formats measurements as Markdown tables, and writes them to README.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Row", "table", "write"]

README = Path(__file__).with_name("README.md")


@dataclass
class Row:
    """One thing measured in several systems.

    Attributes:
        label: What was measured, with its unit.
        scale: The factor that samples are multiplied by.
        samples: By system, lists such as [wall, CPU].
        recall: By system, if it searched.
    """

    label: str
    scale: float = 1.0
    samples: dict[str, list[list[float]]] = field(default_factory=dict)
    recall: dict[str, float] = field(default_factory=dict)

    def medians(self, name: str) -> list[float]:
        """Return the scaled median of each part of the samples."""
        columns = zip(*self.samples[name], strict=True)
        return [self.scale * statistics.median(column) for column in columns]

    def cell(self, name: str) -> str:
        """Return a cell such as "0.53 / 0.51, .961"."""
        if name not in self.samples:
            return ""
        text = " / ".join(map(_number, self.medians(name)))
        if name in self.recall:
            text += f", {self.recall[name]:.3f}".replace("0.", ".")
        return text

    def ratio(self, name: str, base: str) -> str:
        """Return the ratio of a system to the base, for each part."""
        if name not in self.samples or base not in self.samples:
            return ""
        parts = zip(self.medians(name), self.medians(base), strict=True)
        return " / ".join(f"{one / other:.1f}" for one, other in parts)


def table(rows: Sequence[Row], names: Sequence[str], over: tuple[str, str]) -> list[str]:
    """Return the lines of a Markdown table; the last column is the ratio of the first to the second."""
    heads = ["", *names, " / ".join(over)]
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    for row in rows:
        cells = [row.label, *(row.cell(name) for name in names), row.ratio(*over)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def write(mark: str, text: str) -> None:
    """Write a text between its markers in README.md."""
    first, last = f"<!-- {mark} -->\n", f"<!-- end {mark} -->"
    readme = README.read_text(encoding="utf-8")
    if first not in readme or last not in readme:
        raise SystemExit(f"benchmarks/README.md has no markers for this table. Add {first}{last}")
    before, _, rest = readme.partition(first)
    _, _, after = rest.partition(last)
    README.write_text(f"{before}{first}{text}\n{last}{after}", encoding="utf-8")


def _number(value: float) -> str:
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{places}f}"
