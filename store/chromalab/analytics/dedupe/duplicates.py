"""`Duplicates`: which records are the same, why, and which of them to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.borderline import Borderline, spread
from chromalab.analytics.dedupe.candidates import Candidates
from chromalab.analytics.dedupe.deduplication import Applied, apply_groups
from chromalab.analytics.dedupe.groups import (
    EXACT,
    KEEP,
    NEAR,
    SEMANTIC,
    Keep,
    groups_of,
    members,
    reasons_of,
    scores_of,
)
from chromalab.analytics.dedupe.thresholds import JACCARD_FLOOR, from_judged
from chromalab.analytics.picture import picture
from chromalab.analytics.result import Result
from chromalab.display import html_table, one_line, text_table
from chromalab.errors import InvalidArgumentError, short
from chromalab.frames import data_frame
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

__all__ = ["Duplicates", "as_html", "as_text", "duplicates_of", "explained", "reason_names"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Duplicates(Result):
    """Pairs of records that are the same, their groups, and what each group keeps.

    The pairs below the thresholds are held too, down to a cosine of .8 and a Jaccard of .5, so that
    `at` can move the thresholds. Copies, of equal texts, or of equal vectors where there is no
    text, are paired with the first of them, and only the first is paired with others.

    Attributes:
        first: (n,) int64, the first copy of each record; the record itself where none is before it.
        left: (p,) int64, the rows of the pairs, `left` < `right`.
        right: The same.
        equal: (p,) bool, whether the texts are equal but for case, spaces and punctuation.
        cosine: (p,) float32, of the vectors; NaN where they were not compared.
        jaccard: (p,) float32, the share of runs of three characters that both texts have; NaN where
            they were not compared.
        group: (n,) int64, the group of each record, -1 where it is alone; 0 is the largest.
        keepers: (g,) int64, the row that each group keeps.

    Example:
        >>> from chromalab.snapshot import Snapshot
        >>> from chromalab.analytics import dedupe
        >>> texts = ["green tea from Japan", "Green tea, from Japan!", "white chalk"]
        >>> found = dedupe(Snapshot.of([[1.0, 0.0], [0.9, 0.4], [0.0, 1.0]], documents=texts))
        >>> found.groups()
        [['0', '1']]
        >>> found.unique_ids
        ['0', '2']
    """

    reads_records: ClassVar[bool] = True

    first: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    equal: NDArray[np.bool_]
    cosine: NDArray[np.float32]
    jaccard: NDArray[np.float32]
    group: NDArray[np.int64]
    keepers: NDArray[np.int64]

    @property
    def threshold(self) -> float:
        """The cosine from which on a pair is one of duplicates."""
        return float(self.parameters["threshold"])

    @property
    def lexical_threshold(self) -> float:
        """The Jaccard from which on a pair is one of duplicates."""
        return float(self.parameters["jaccard"])

    @cached_property
    def reasons(self) -> NDArray[np.uint8]:
        """(p,) why a pair is one of duplicates: 1 exact, 2 near, 4 semantic, added up; or 0."""
        return reasons_of(
            self.equal,
            self.cosine,
            self.jaccard,
            self.parameters["methods"],
            self.threshold,
            self.lexical_threshold,
        )

    @property
    def pairs(self) -> NDArray[np.int64]:
        """(h,) the pairs above the thresholds, as places in `left`, `right` and the others."""
        return np.flatnonzero(self.reasons)

    @cached_property
    def rows(self) -> list[list[int]]:
        """The rows of each group, the keeper first, then in insertion order; largest group first."""
        groups = members(self.group, len(self.keepers))
        return [
            [keeper, *(row for row in rows if row != keeper)]
            for keeper, rows in zip(self.keepers.tolist(), groups, strict=True)
        ]

    @property
    def duplicate_ids(self) -> list[str]:
        """The ids of the records that a keeper stands for, in insertion order."""
        return [self.snapshot.ids[row] for row in np.flatnonzero(self._spare).tolist()]

    @property
    def unique_ids(self) -> list[str]:
        """The ids of all others: keepers, and records that have no duplicate."""
        return [self.snapshot.ids[row] for row in np.flatnonzero(~self._spare).tolist()]

    @property
    def _spare(self) -> NDArray[np.bool_]:
        spare = self.group >= 0
        spare[self.keepers] = False
        return spare

    def groups(self) -> list[list[str]]:
        """Return the ids of each group, the keeper first; the largest group first."""
        return [[self.snapshot.ids[row] for row in rows] for rows in self.rows]

    def at(
        self,
        threshold: float | None = None,
        *,
        jaccard: float | None = None,
        keep: Keep | None = None,
    ) -> Duplicates:
        """Move the thresholds; nothing is compared anew.

        Args:
            threshold: The least cosine, None for as it is.
            jaccard: The least Jaccard, the same.
            keep: Another rule, or the callable again if one was given to `dedupe`.

        Raises:
            InvalidArgumentError: no pairs are held from so low a threshold on.
        """
        keep = self.parameters["keep"] if keep is None else keep
        if isinstance(keep, str) and keep not in KEEP:
            raise InvalidArgumentError(
                f"The keeper was chosen by {short(keep)}, a function that is not kept in a result: "
                "give it again, as keep=."
            )
        found = Candidates(self.first, self.left, self.right, self.equal, self.cosine, self.jaccard)
        asked = dict(self.parameters)
        if threshold is not None:
            asked["threshold"] = threshold
        if jaccard is not None:
            asked["jaccard"] = jaccard
        asked["suggested"] = False
        return duplicates_of(self.snapshot, found, asked, keep, recall=self.recall)

    def borderline(self, count: int = 20) -> Borderline:
        """Pick pairs to look at: from both sides of the thresholds, the nearest to them.

        Example:
            >>> from chromalab.analytics import dedupe
            >>> len(dedupe([[1.0, 0.0], [0.9, 0.4]]).borderline())
            1
        """
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise InvalidArgumentError(f"count is a whole number from 1; found {short(count)}.")
        chosen = spread(self.cosine, self.jaccard, self.equal, *self._cuts, count=int(count))
        return Borderline(
            self.snapshot,
            self.left[chosen],
            self.right[chosen],
            self.cosine[chosen],
            self.jaccard[chosen],
            tuple(bool(reason) for reason in self.reasons[chosen]),
        )

    def review(self, *, by: str | None = None) -> Any:
        """Open a `chromalab_widgets.Review` of the groups: keep one, merge them, or neither.

        Decisions are kept with the collection as they are made; `apply` in it does what they say.

        Args:
            by: Who decides; the user of this machine, unless said.

        Raises:
            InvalidArgumentError: the records are of no collection, or it has changed since.
        """
        from chromalab.showing import review_of

        return review_of(self, by=by)

    def suggest(self, judged: Sequence[tuple[str, str, bool]]) -> Duplicates:
        """Return the duplicates at the thresholds that judged pairs speak for.

        Args:
            judged: (id, id, whether they are duplicates), about 20; those of `borderline` say most.

        Raises:
            InvalidArgumentError: none is given, or one is no pair of this result.
        """
        row_of = {identity: row for row, identity in enumerate(self.snapshot.ids)}
        pair_of = {
            pair: place
            for place, pair in enumerate(zip(self.left.tolist(), self.right.tolist(), strict=True))
        }
        places, answers = [], []
        for one, other, answer in judged:
            rows = sorted((row_of.get(one, -1), row_of.get(other, -1)))
            if (place := pair_of.get((rows[0], rows[1]))) is None:
                raise InvalidArgumentError(
                    f"{short(one)} and {short(other)} are no pair of this result; judge those that "
                    "borderline() returns."
                )
            places.append(place)
            answers.append(bool(answer))
        if not places:
            raise InvalidArgumentError("No pair was judged: give (id, id, True or False) of some.")
        threshold, jaccard = from_judged(
            self.cosine, self.jaccard, np.array(places), np.array(answers)
        )
        floor = self.parameters["floor"]
        return self.at(max(threshold, floor), jaccard=jaccard)

    def explain(self, id: str) -> str:
        """Say in words whether a record is a duplicate, of what, and why.

        Raises:
            InvalidArgumentError: there is no such id.

        Example:
            >>> from chromalab.analytics import dedupe
            >>> print(dedupe([[1.0, 0.0], [1.0, 0.0]]).explain("1"))
            '1' is a duplicate of '0', which is kept
            '0' and '1': semantic, cosine 1.00
        """
        return explained(self, id)

    def apply(
        self, mode: str = "delete", *, key: str = "duplicate_of", dry_run: bool = False
    ) -> Applied:
        """Do to the collection what was found, in one transaction; `undo()` of the answer goes back.

        Args:
            mode: "delete" all but the keepers; "mark" these with the keeper's id in their metadata;
                "merge": give keepers the metadata they lack and their duplicates have, and delete
                these.
            key: The metadata key for "mark".
            dry_run: Only count.

        Raises:
            InvalidArgumentError: the records are of no collection, or it has changed since.
        """
        return apply_groups(self.snapshot, self.rows, mode=mode, key=key, dry_run=dry_run)

    def columns(self, key: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the keeper's id for each duplicate, None for the others."""
        spare = self._spare
        return {
            key: [
                self.snapshot.ids[self.keepers[group]] if spare[row] else None
                for row, group in enumerate(self.group.tolist())
            ]
        }

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        n, groups = len(self.snapshot), len(self.keepers)
        pairs = (self.left, self.right, self.equal, self.cosine, self.jaccard)
        rows = (self.first, self.left, self.right, self.keepers)
        if (
            self.first.shape != (n,)
            or self.group.shape != (n,)
            or any(part.shape != self.left.shape for part in pairs)
            or any(part.ndim != 1 or not ((part >= 0) & (part < n)).all() for part in rows)
            or not ((self.group >= -1) & (self.group < groups)).all()
            or not np.array_equal(self.group[self.keepers], np.arange(groups))
            or not {"methods", "threshold", "jaccard"} <= set(self.parameters)
        ):
            raise ValueError("the parts of the duplicates do not fit together")

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a pair above the thresholds, the surest first."""
        score = scores_of(self.reasons, self.cosine, self.jaccard)
        pairs = self.pairs[np.argsort(-score[self.pairs], kind="stable")]
        ids, text = self.snapshot.ids, self.snapshot.document
        rows = [
            [
                ids[self.left[pair]],
                ids[self.right[pair]],
                reason_names(int(self.reasons[pair])),
                float(self.cosine[pair]),
                float(self.jaccard[pair]),
                text(int(self.left[pair])),
                text(int(self.right[pair])),
            ]
            for pair in pairs
        ]
        columns = ["left", "right", "reason", "cosine", "jaccard", "left_text", "right_text"]
        return data_frame(rows, columns)

    @property
    def _cuts(self) -> tuple[float, float]:
        return self.threshold, self.lexical_threshold

    def __repr__(self) -> str:
        return f"{as_text(self)}\n{self._made()}"

    def _repr_html_(self) -> str:
        return as_html(self, self._made())


def duplicates_of(
    snapshot: Snapshot, found: Candidates, parameters: dict[str, Any], keep: Keep, *, recall: float
) -> Duplicates:
    """Cut candidates at the thresholds in `parameters`, and group what holds.

    Raises:
        InvalidArgumentError: a threshold is out of its range.
    """
    _check(parameters["threshold"], "threshold", "cosine", parameters["floor"])
    _check(parameters["jaccard"], "jaccard", "Jaccard", JACCARD_FLOOR)
    parameters = {
        **parameters,
        "threshold": float(parameters["threshold"]),
        "jaccard": float(parameters["jaccard"]),
        "keep": keep if isinstance(keep, str) else _name(keep),
    }
    methods, cut = parameters["methods"], parameters["threshold"]
    reasons = reasons_of(
        found.equal, found.cosine, found.jaccard, methods, cut, parameters["jaccard"]
    )
    score = scores_of(reasons, found.cosine, found.jaccard)
    held = np.flatnonzero(reasons)
    group, keepers = groups_of(
        snapshot, found.first, found.left[held], found.right[held], score[held], keep
    )
    return Duplicates(
        snapshot=snapshot,
        parameters=parameters,
        recall=recall,
        **vars(found),
        group=group,
        keepers=keepers,
    )


def _check(value: Any, name: str, what: str, floor: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InvalidArgumentError(f"{name} is a {what}, {floor:g} to 1; found {short(value)}.")
    if not floor <= value <= 1:
        raise InvalidArgumentError(
            f"{name} is a {what}, {floor:g} to 1, as pairs are held from {floor:g} on; found "
            f"{short(value)}."
            + (" For a lower one run dedupe(threshold=...) anew." if name == "threshold" else "")
        )


def _name(keep: Callable[..., Any]) -> str:
    return str(getattr(keep, "__name__", type(keep).__name__))


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
