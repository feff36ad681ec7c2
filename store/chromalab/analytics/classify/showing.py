"""How a classification shows: its labels, its cross-validated scores, what it confuses, what is suspect."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.display import html_table, one_line, text_table
from chromalab.results.picture import picture

if TYPE_CHECKING:
    from chromalab.analytics.classify.result import Classification

__all__ = ["as_html", "as_text"]

_SHOWN = 10  # labels
_SUSPECTS = 5
_DRAWN = 60  # classes in the picture
_COLUMNS = ("label", "given", "predicted", "precision", "recall")
_DOUBTED = ("id", "given", "suggested", "confidence", "document")
_TRIED = ("method", "score", "note")


def as_text(found: Classification, made: str) -> str:
    """Show the largest labels, and how good it is."""
    table = text_table(_COLUMNS, _rows(found), width=48)
    return "\n".join([table, *_notes(found), made])


def as_html(found: Classification, made: str) -> str:
    """Show the same as HTML, with the methods that were tried, the confusion and the first suspects."""
    parts = [html_table(_COLUMNS, _rows(found), note="; ".join([*_notes(found), made]))]
    if found.tried:
        tried = [[row["method"], row["score"], row["note"]] for row in found.tried]
        parts.append(html_table(_TRIED, tried, caption="Methods, by cross-validation"))
    doubted = found._suspects()
    if doubted:
        note = f"{_SUSPECTS} of {len(doubted):,} shown" if len(doubted) > _SUSPECTS else ""
        shown = [[id or "an example", *rest] for id, *rest in doubted[:_SUSPECTS]]
        parts.append(html_table(_DOUBTED, shown, caption="Labels that are likely wrong", note=note))
    return "".join(parts) + _confusion(found)


def _rows(found: Classification) -> list[list[Any]]:
    own = found.has_own
    guessed: Counter[Any] = Counter()
    for label, known in zip(found.predicted, own.tolist(), strict=True):
        if not known and label is not None:
            guessed.update([(type(one), one) for one in (label if found.several else [label])])
    report = found.report
    given = found.given.sum(axis=0).tolist()
    rows = []
    for place, label in enumerate(found.classes):
        scores: list[Any] = ["", ""]
        if report.support[place]:
            scores = [float(report.precision[place]), float(report.recall[place])]
        rows.append([one_line(label), given[place], guessed[type(label), label], *scores])
    rows.sort(key=lambda row: -row[2])
    return rows[:_SHOWN]


def _notes(found: Classification) -> list[str]:
    notes = []
    if len(found.classes) > _SHOWN:
        notes.append(f"the {_SHOWN} most predicted of {len(found.classes):,} labels shown")
    notes.append(f"{found.method} ({found.why}); {found.calibrated}")
    notes.append(str(found.report))
    without = sum(label is None or label == () for label in found.labels)
    if without:
        level = "" if found.threshold is None else f" at threshold {found.threshold:g}"
        notes.append(f"{without:,} records without a label{level}")
    doubted = len(found._suspects())
    if doubted:
        notes.append(f"{doubted:,} of the labels given are likely wrong: suspects()")
    return notes


def _confusion(found: Classification) -> str:
    if found.several or not found.report.labels or not 2 <= len(found.classes) <= _DRAWN:
        return ""
    counts = found._confused()[:, :-1]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [one_line(label, 20) for label in found.classes]

    def draw(axes: Any) -> None:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        if len(names) <= 20:
            axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7, parse_math=False)
            axes.set_yticks(range(len(names)), names, fontsize=7, parse_math=False)
        axes.set_xlabel("predicted")
        axes.set_ylabel("given")

    return picture(draw, alt="Confusion matrix of the held-out labels", width=4.0, height=3.6)
