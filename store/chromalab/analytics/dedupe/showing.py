"""How duplicates show: counts by reason, the largest groups with their texts, the histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.analytics.dedupe.grouping import EXACT, NEAR, SEMANTIC, scores_of
from chromalab.display import html_table, one_line, text_table
from chromalab.errors import short
from chromalab.results.picture import picture

if TYPE_CHECKING:
    from chromalab.analytics.dedupe.duplicates import Duplicates

__all__ = ["as_html", "as_text", "explained", "reason_names"]

_SHOWN = 5  # groups
_LINES = 3  # records of each


def reason_names(reasons: int) -> str:
    """Write out the bits of a pair's reasons.

    Example:
        >>> reason_names(5)
        'exact + semantic'
    """
    names = {EXACT: "exact", NEAR: "near", SEMANTIC: "semantic"}
    return " + ".join(name for bit, name in names.items() if reasons & bit)


def as_text(found: Duplicates) -> str:
    """Show the counts, and the first groups."""
    lines = [_summary(found)]
    if len(found.keepers):
        lines += [text_table(["reason", "pairs", "only"], _counts(found)), ""]
        lines.append(text_table(["group", "id", "text", "why"], _examples(found), width=60))
        if len(found.keepers) > _SHOWN:
            lines.append(f"{_SHOWN} of {len(found.keepers):,} groups shown, largest first")
    return "\n".join(lines)


def as_html(found: Duplicates, made: str) -> str:
    """Show the same as HTML, with the histogram of similarities."""
    if not len(found.keepers):
        return html_table(["reason", "pairs", "only"], _counts(found), note=made) + _histogram(
            found
        )
    counts = html_table(["reason", "pairs", "only"], _counts(found), note=_summary(found))
    cut = (
        f"{_SHOWN} of {len(found.keepers):,} groups shown; " if len(found.keepers) > _SHOWN else ""
    )
    groups = html_table(
        ["group", "id", "text", "why"],
        _examples(found),
        caption="Largest groups",
        note=f"{cut}{made}",
    )
    return counts + groups + _histogram(found)


def explained(found: Duplicates, identity: str) -> str:
    """Say whether a record is a duplicate, of what, and why."""
    row = found.snapshot.row_of(identity)
    group = int(found.group[row])
    if group < 0:
        return f"{short(identity)} has no duplicate" + _nearest(found, row)
    rows = found.rows[group]
    if row == rows[0]:
        others = ", ".join(short(found.snapshot.ids[other]) for other in rows[1 : _SHOWN + 1])
        more = f" and {len(rows) - 1 - _SHOWN:,} more" if len(rows) - 1 > _SHOWN else ""
        head = f"{short(identity)} is kept for {others}{more}"
    else:
        head = f"{short(identity)} is a duplicate of {short(found.snapshot.ids[rows[0]])}, which is kept"
    pairs = [pair for pair in _pairs_of(found, row) if found.reasons[pair]]
    if row != rows[0] and not any(_is_between(found, pair, row, rows[0]) for pair in pairs):
        # A copy: its first copy has the links.
        first = int(found.first[row])
        pairs += [pair for pair in _pairs_of(found, first) if found.reasons[pair]]
    pairs.sort(key=lambda pair: rows[0] not in (found.left[pair], found.right[pair]))
    lines = [head, *(_told(found, pair) for pair in dict.fromkeys(pairs[:_SHOWN]))]
    if len(pairs) > _SHOWN:
        lines.append(f"{_SHOWN} of {len(pairs):,} pairs shown")
    return "\n".join(lines)


def _is_between(found: Duplicates, pair: int, one: int, other: int) -> bool:
    return {int(found.left[pair]), int(found.right[pair])} == {one, other}


def _nearest(found: Duplicates, row: int) -> str:
    pairs = _pairs_of(found, row)
    if not pairs:
        return ": no other record is near"
    best = max(pairs, key=lambda p: float(np.nanmax([found.cosine[p], found.jaccard[p]])))
    return f" at these thresholds; the likest is\n{_told(found, best)}"


def _pairs_of(found: Duplicates, row: int) -> list[int]:
    return np.flatnonzero((found.left == row) | (found.right == row)).tolist()


def _told(found: Duplicates, pair: int) -> str:
    """Say of a pair why it is one, with the scores that are known."""
    one, other = int(found.left[pair]), int(found.right[pair])
    ids, text = found.snapshot.ids, found.snapshot.document
    scores = [
        f"{name} {value:.2f}"
        for name, value in (("cosine", found.cosine[pair]), ("Jaccard", found.jaccard[pair]))
        if not np.isnan(value)
    ]
    parts = [reason_names(int(found.reasons[pair])) or "below the thresholds", *scores]
    lines = [f"{short(ids[one])} and {short(ids[other])}: {', '.join(parts)}"]
    lines += [f"    {one_line(text(row), 100)}" for row in (one, other) if text(row)]
    return "\n".join(lines)


def _summary(found: Duplicates) -> str:
    count, spare = len(found.snapshot), int((found.group >= 0).sum()) - len(found.keepers)
    if not spare:
        return f"no duplicates among {count:,} records"
    largest = len(found.rows[0])
    return (
        f"{spare:,} of {count:,} records ({spare / count:.1%}) are duplicates of {len(found.keepers):,} "
        f"others; the largest group has {largest:,}"
    )


def _counts(found: Duplicates) -> list[list[Any]]:
    """Count the pairs by reason: all, and those with no other reason."""
    how = {
        EXACT: "exact",
        NEAR: f"near, Jaccard {found.lexical_threshold:g}",
        SEMANTIC: f"semantic, cosine {found.threshold:g}",
    }
    rows = []
    for bit, name in how.items():
        if name.split(",")[0] in found.parameters["methods"]:
            pairs = int((found.reasons & bit > 0).sum())
            rows.append([name, pairs, int((found.reasons == bit).sum())])
    return rows


def _examples(found: Duplicates) -> list[list[Any]]:
    """Lay the first groups out: the keeper, then some of the others and what links them to it."""
    score = scores_of(found.reasons, found.cosine, found.jaccard)
    place = {
        (one, other): pair
        for pair, one, other in zip(
            found.pairs.tolist(),
            found.left[found.pairs].tolist(),
            found.right[found.pairs].tolist(),
            strict=True,
        )
    }
    rows: list[list[Any]] = []
    for number, group in enumerate(found.rows[:_SHOWN], 1):
        keeper, text = group[0], found.snapshot.document
        rows.append([number, found.snapshot.ids[keeper], text(keeper), f"kept of {len(group):,}"])
        for row in group[1 : _LINES + 1]:
            ends = sorted((keeper, row))
            pair = place.get((ends[0], ends[1]))
            why = (
                ""
                if pair is None
                else f"{reason_names(int(found.reasons[pair]))} {score[pair]:.2f}"
            )
            rows.append(["", found.snapshot.ids[row], text(row), why or "a copy of another"])
        if len(group) > _LINES + 1:
            rows.append(["", "", f"... {len(group) - _LINES - 1:,} more", ""])
    return rows


def _histogram(found: Duplicates) -> str:
    """Draw how many pairs there are of each similarity, with the thresholds."""
    shown = [
        (values[~np.isnan(values)], cut, name)
        for values, cut, name in (
            (found.cosine, found.threshold, "cosine"),
            (found.jaccard, found.lexical_threshold, "Jaccard"),
        )
    ]
    shown = [part for part in shown if len(part[0])]
    if not shown:
        return ""

    def draw(axes: Any) -> None:
        for number, (values, cut, name) in enumerate(shown):
            axes.hist(
                values, bins=np.linspace(0.5, 1, 51), alpha=0.5, color=f"C{number}", label=name
            )
            axes.axvline(cut, color=f"C{number}", linestyle="--")
        axes.set_xlabel("similarity of a pair")
        axes.set_ylabel("pairs")
        axes.set_yscale("symlog")
        axes.legend()

    return picture(draw, alt="How many pairs there are of each similarity, and the thresholds")
