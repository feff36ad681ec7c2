"""`Duplicates`: which records are duplicates, why, and which record represents each group.

It has over 600 lines because one result has three tables, two charts, and what can be done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.borderline import Borderline, pick_borderline
from chromalab.analytics.dedupe.candidates import Candidates
from chromalab.analytics.dedupe.deduplication import ApplyResult, Mode, apply_groups
from chromalab.analytics.dedupe.groups import (
    EXACT,
    KEEP,
    NEAR,
    SEMANTIC,
    Keep,
    groups_of,
    members,
    reason_names,
    reasons_of,
    scores_of,
)
from chromalab.analytics.dedupe.texts import normalized
from chromalab.analytics.dedupe.thresholds import (
    JACCARD_FLOOR,
    compared_with_defaults,
    thresholds_from_judgments,
)
from chromalab.analytics.dedupe.wording import ADDED, LONG, OTHER, VALUE, Wording
from chromalab.analytics.result import Result
from chromalab.arguments.values import check_integer, is_number
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.picture import picture
from chromalab.results.tables import count, cut, data_frame, html_table, one_line, text_table
from chromalab.snapshot import Snapshot
from chromalab.sockets import plug

if TYPE_CHECKING:
    import pandas

__all__ = ["Duplicates", "duplicates_of"]

_COLUMNS = ("left", "right", "reason", "cosine", "jaccard", "left_text", "right_text")
_COUNT_COLUMNS = ("reason", "pairs", "only")
_GROUP_COLUMNS = ("group", "id", "text", "why")
_MAX_GROUPS = 5  # displayed
_MAX_MEMBERS = 3  # displayed of each group, besides its representative


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Duplicates(Result):
    """Pairs of duplicate records, their groups, and the representative of each group.

    The pairs below the thresholds are included too, down to a cosine of .8 and a Jaccard of .5, so that
    `at` can move the thresholds. Records with equal texts, or with equal vectors and no text, are paired
    only with the first of them, and only the first is paired with other records.

    Attributes:
        first_occurrence: (n,) int64, the first record that equals each record; the record itself if
            none before it does.
        left: (p,) int64, rows of the pairs, `left` < `right`.
        right: (p,) int64, rows of the pairs.
        equal: (p,) bool, whether the texts are equal apart from case, spaces and punctuation.
        cosine: (p,) float32, of the vectors; NaN where they were not compared.
        jaccard: (p,) float32, the share of three-character substrings that both texts have; NaN where
            they were not compared.
        wording: (p,) uint8, what differs between the words of the texts: 0 only their form, 1 one text
            has more, 2 both have others, 3 a number, a name or another value; 4 and 8 are added for long
            texts, and for common words in texts that follow a pattern.
        group: (n,) int64, the group of each record, -1 for a record without duplicates; 0 is the
            largest group.
        representatives: (g,) int64, the row of the representative of each group.

    Example:
        >>> from chromalab.snapshot import Snapshot
        >>> from chromalab.analytics.dedupe import dedupe
        >>> texts = ["green tea from Japan", "Green tea, from Japan!", "white chalk"]
        >>> found = dedupe(Snapshot.of([[1.0, 0.0], [0.9, 0.4], [0.0, 1.0]], documents=texts))
        >>> found.groups()
        [['0', '1']]
        >>> found.unique_ids
        ['0', '2']
    """

    reads_records: ClassVar[bool] = True

    first_occurrence: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    equal: NDArray[np.bool_]
    cosine: NDArray[np.float32]
    jaccard: NDArray[np.float32]
    wording: NDArray[np.uint8]
    group: NDArray[np.int64]
    representatives: NDArray[np.int64]

    @property
    def threshold(self) -> float:
        """The lowest cosine of a pair of duplicates."""
        return float(self.parameters["threshold"])

    @property
    def lexical_threshold(self) -> float:
        """The lowest Jaccard of a pair of duplicates."""
        return float(self.parameters["jaccard"])

    @cached_property
    def reasons(self) -> NDArray[np.uint8]:
        """(p,) why each pair is a duplicate: the sum of 1 exact, 2 near, 4 semantic; 0 if it is not."""
        return reasons_of(
            self.equal,
            self.cosine,
            self.jaccard,
            self.wording,
            self.parameters["methods"],
            self.threshold,
            self.lexical_threshold,
        )

    @cached_property
    def agreed(self) -> NDArray[np.bool_]:
        """(p,) bool, whether the texts are equal, or all methods that can compare a pair find it."""
        found, methods = self.reasons, self.parameters["methods"]
        by_text = (found & NEAR > 0) | np.isnan(self.jaccard) | ("near" not in methods)
        by_vector = (found & SEMANTIC > 0) | np.isnan(self.cosine) | ("semantic" not in methods)
        return np.asarray((found > 0) & ((found & EXACT > 0) | (by_text & by_vector)))

    @property
    def pairs(self) -> NDArray[np.int64]:
        """(h,) the pairs above the thresholds, as indices into `left`, `right` and the others."""
        return np.flatnonzero(self.reasons)

    @cached_property
    def rows(self) -> list[list[int]]:
        """The rows of each group: the representative, then the others in insertion order.

        The largest group is first.
        """
        groups = members(self.group, len(self.representatives))
        return [
            [representative, *(row for row in rows if row != representative)]
            for representative, rows in zip(self.representatives.tolist(), groups, strict=True)
        ]

    @property
    def duplicate_ids(self) -> list[str]:
        """The ids of all records that have another representative, in insertion order."""
        return [self.snapshot.ids[row] for row in np.flatnonzero(self._redundant).tolist()]

    @property
    def unique_ids(self) -> list[str]:
        """The ids of all other records: the representatives, and records without duplicates."""
        return [self.snapshot.ids[row] for row in np.flatnonzero(~self._redundant).tolist()]

    @property
    def _redundant(self) -> NDArray[np.bool_]:
        redundant = self.group >= 0
        redundant[self.representatives] = False
        return redundant

    def groups(self) -> list[list[str]]:
        """Return the ids of each group, with the representative first; the largest group is first."""
        return [[self.snapshot.ids[row] for row in rows] for rows in self.rows]

    def at(
        self,
        threshold: float | None = None,
        *,
        jaccard: float | None = None,
        keep: Keep | None = None,
    ) -> Duplicates:
        """Return the duplicates at other thresholds, without comparing the records again.

        Args:
            threshold: The lowest cosine; unchanged by default.
            jaccard: The lowest Jaccard; unchanged by default.
            keep: Another rule. If `dedupe` was given a callable, pass it again.

        Raises:
            InvalidArgumentError: The result has no pairs down to so low a threshold.
        """
        keep = self.parameters["keep"] if keep is None else keep
        if isinstance(keep, str) and keep not in KEEP:
            raise InvalidArgumentError(
                f"keep must be given again: {short(keep)} is a function, and a result does not store "
                "functions."
            )
        candidates = Candidates(
            self.first_occurrence,
            self.left,
            self.right,
            self.equal,
            self.cosine,
            self.jaccard,
            self.wording,
        )
        parameters = dict(self.parameters)
        if threshold is not None:
            parameters["threshold"] = threshold
        if jaccard is not None:
            parameters["jaccard"] = jaccard
        parameters["suggested"] = False
        return duplicates_of(self.snapshot, candidates, parameters, keep, recall=self.recall)

    def borderline(self, count: int = 20) -> Borderline:
        """Pick pairs to judge: on both sides of the thresholds, the nearest to them.

        Args:
            count: The number of pairs.

        Example:
            >>> from chromalab.analytics.dedupe import dedupe
            >>> len(dedupe([[1.0, 0.0], [0.9, 0.4]]).borderline())
            1
        """
        check_integer("count", count, 1)
        chosen = pick_borderline(
            self.cosine,
            self.jaccard,
            self.equal,
            self.threshold,
            self.lexical_threshold,
            count=int(count),
        )
        return Borderline(
            self.snapshot,
            self.left[chosen],
            self.right[chosen],
            self.cosine[chosen],
            self.jaccard[chosen],
            tuple(bool(reason) for reason in self.reasons[chosen]),
        )

    def review(self, *, by: str | None = None, show: Sequence[str] | str | None = None) -> Any:
        """Open a `chromalab_widgets.Review` of the groups: keep one record, merge them, or do neither.

        Decisions are stored with the collection as they are made. `apply` in the review carries them
        out.

        Args:
            by: The name of the reviewer; the user of this machine by default.
            show: The metadata keys to show, or "all"; by default, the most useful ones.

        Raises:
            InvalidArgumentError: The records do not belong to a collection, or it has changed since.
        """
        return plug("chromalab.show", "review")(self, by=by, show=show)

    def suggest(self, judged: Sequence[tuple[str, str, bool]]) -> Duplicates:
        """Return the duplicates at the thresholds that fit judged pairs best.

        Args:
            judged: About 20 tuples (id, id, whether they are duplicates); those of `borderline` are the
                most informative.

        Raises:
            InvalidArgumentError: No pair is given, or one is not a pair of this result.
        """
        row_of = {id: row for row, id in enumerate(self.snapshot.ids)}
        pairs = zip(self.left.tolist(), self.right.tolist(), strict=True)
        index_of = {pair: index for index, pair in enumerate(pairs)}
        indices, answers = [], []
        for one, other, answer in judged:
            rows = sorted((row_of.get(one, -1), row_of.get(other, -1)))
            index = index_of.get((rows[0], rows[1]))
            if index is None:
                raise InvalidArgumentError(
                    f"judged must be pairs of this result; got {short(one)} and {short(other)}. Judge "
                    "the pairs that borderline() returns."
                )
            indices.append(index)
            answers.append(bool(answer))
        if not indices:
            raise InvalidArgumentError(
                "judged must have at least one pair: (id, id, True or False)."
            )
        threshold, jaccard = thresholds_from_judgments(
            self.cosine, self.jaccard, np.array(indices), np.array(answers)
        )
        found = self.at(max(threshold, self.parameters["floor"]), jaccard=jaccard)
        return replace(found, parameters={**found.parameters, "suggested": True})

    def explain(self, id: str) -> str:
        """Explain in words whether a record is a duplicate, of which records, and why.

        Raises:
            InvalidArgumentError: There is no record with this id.

        Example:
            >>> from chromalab.analytics.dedupe import dedupe
            >>> print(dedupe([[1.0, 0.0], [1.0, 0.0]]).explain("1"))
            '1' is a duplicate of '0', its representative
            '0' and '1': semantic, cosine 1.00
        """
        return _explanation(self, id)

    def apply(
        self,
        mode: Mode = "delete",
        *,
        pairs: Literal["agreed", "all"] = "agreed",
        field: str = "duplicate_of",
        dry_run: bool = False,
    ) -> ApplyResult:
        """Deduplicate the collection in one transaction; `undo()` restores it at any later time.

        By default only certain duplicates are removed; the others are for `review`. `dry_run=True` shows
        what would be done. `undo` of the result, or of the collection after a restart, reverts it.

        Args:
            mode: "delete" deletes all but the representatives. "mark" writes the id of the
                representative to the metadata of its duplicates. "merge" gives the representatives the
                metadata that they lack and their duplicates have, and deletes the duplicates.
            pairs: "agreed" takes the pairs with equal texts, and those that all methods find that can
                compare them. "all" takes every pair, such as one that is only near.
            field: The metadata field for "mark".
            dry_run: Only count, and list the groups.

        Raises:
            InvalidArgumentError: `pairs` is unknown, the records do not belong to a collection, or it has
                changed since.
        """
        if pairs not in ("agreed", "all"):
            raise InvalidArgumentError(f"pairs must be 'agreed' or 'all'; got {short(pairs)}.")
        rows = self.rows if pairs == "all" else self._agreed_rows()
        left = int(self._redundant.sum()) - sum(len(group) - 1 for group in rows)
        return apply_groups(
            self.snapshot, rows, mode=mode, field=field, dry_run=dry_run, left=max(left, 0)
        )

    def _agreed_rows(self) -> list[list[int]]:
        """Group the records by the agreed pairs alone; see `rows`."""
        chosen = np.flatnonzero(self.agreed)
        keep: Any = self.parameters["keep"]
        if keep not in KEEP:  # a function, which has chosen representatives already
            before = {self.snapshot.ids[row] for row in self.representatives.tolist()}

            def keep(records: list[dict[str, Any]]) -> int:
                return next((at for at, one in enumerate(records) if one["id"] in before), 0)

        score = scores_of(self.reasons, self.cosine, self.jaccard)
        group, first = groups_of(
            self.snapshot,
            self.first_occurrence,
            self.left[chosen],
            self.right[chosen],
            score[chosen],
            keep,
        )
        return [
            [one, *(row for row in rows if row != one)]
            for one, rows in zip(first.tolist(), members(group, len(first)), strict=True)
        ]

    def columns(self, field: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the representative's id for each duplicate, None for the others."""
        redundant = self._redundant
        return {
            field: [
                self.snapshot.ids[self.representatives[group]] if redundant[row] else None
                for row, group in enumerate(self.group.tolist())
            ]
        }

    def check(self) -> None:
        """Raise ValueError if the parts are inconsistent."""
        n, groups = len(self.snapshot), len(self.representatives)
        pairs = (self.left, self.right, self.equal, self.cosine, self.jaccard, self.wording)
        rows = (self.first_occurrence, self.left, self.right, self.representatives)
        if (
            self.first_occurrence.shape != (n,)
            or self.group.shape != (n,)
            or any(part.shape != self.left.shape for part in pairs)
            or any(part.ndim != 1 or not ((part >= 0) & (part < n)).all() for part in rows)
            or not ((self.group >= -1) & (self.group < groups)).all()
            or not np.array_equal(self.group[self.representatives], np.arange(groups))
            or not {"methods", "threshold", "jaccard"} <= set(self.parameters)
        ):
            raise ValueError("the parts of the duplicates are inconsistent")

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per pair above the thresholds, the most similar first."""
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
        return data_frame(rows, _COLUMNS)

    def _made(self) -> str:
        made, methods = super()._made(), self.parameters["methods"]
        if not self.parameters.get("suggested"):
            return made
        note = compared_with_defaults(
            self.threshold if "semantic" in methods else None,
            self.lexical_threshold if "near" in methods else None,
        )
        return f"{made}; {note}" if note else made

    # Two tables and a histogram are displayed, so the displays are not those of `Table`.

    def __repr__(self) -> str:
        lines = [_summary(self)]
        if len(self.representatives):
            lines += [text_table(_COUNT_COLUMNS, _pair_counts(self)), ""]
            lines.append(text_table(_GROUP_COLUMNS, _largest_groups(self), width=60))
            if len(self.representatives) > _MAX_GROUPS:
                shown = cut(_MAX_GROUPS, len(self.representatives), "groups")
                lines.append(f"{shown}, largest first")
        return "\n".join([*lines, self._made()])

    def _repr_html_(self) -> str:
        counts = _pair_counts(self)
        if not len(self.representatives):
            return html_table(_COUNT_COLUMNS, counts, note=self._made()) + _histogram(self)
        shown = cut(_MAX_GROUPS, len(self.representatives), "groups")
        groups = html_table(
            _GROUP_COLUMNS,
            _largest_groups(self),
            caption="Largest groups",
            note="; ".join(filter(None, [shown, self._made()])),
        )
        return html_table(_COUNT_COLUMNS, counts, note=_summary(self)) + groups + _histogram(self)


def duplicates_of(
    snapshot: Snapshot,
    candidates: Candidates,
    parameters: dict[str, Any],
    keep: Keep,
    *,
    recall: float,
) -> Duplicates:
    """Cut the candidates at the thresholds in `parameters`, and group the pairs above them.

    Raises:
        InvalidArgumentError: A threshold is out of its range.
    """
    _check_threshold(parameters["threshold"], "threshold", "cosine", parameters["floor"])
    _check_threshold(parameters["jaccard"], "jaccard", "Jaccard", JACCARD_FLOOR)
    parameters = {
        **parameters,
        "threshold": float(parameters["threshold"]),
        "jaccard": float(parameters["jaccard"]),
        "keep": keep if isinstance(keep, str) else _name(keep),
    }
    reasons = reasons_of(
        candidates.equal,
        candidates.cosine,
        candidates.jaccard,
        candidates.wording,
        parameters["methods"],
        parameters["threshold"],
        parameters["jaccard"],
    )
    score = scores_of(reasons, candidates.cosine, candidates.jaccard)
    above = np.flatnonzero(reasons)
    group, representatives = groups_of(
        snapshot,
        candidates.first_occurrence,
        candidates.left[above],
        candidates.right[above],
        score[above],
        keep,
    )
    return Duplicates(
        snapshot=snapshot,
        parameters=parameters,
        recall=recall,
        **vars(candidates),
        group=group,
        representatives=representatives,
    )


def _check_threshold(value: Any, name: str, what: str, floor: float) -> None:
    if is_number(value) and floor <= value <= 1:
        return
    remedy = ""
    if is_number(value) and value < floor:
        remedy = f" The result has no pairs below {floor:g}."
        if name == "threshold":
            remedy += " Run dedupe(threshold=...) again for a lower one."
    raise InvalidArgumentError(
        f"{name} must be a {what} from {floor:g} to 1; got {short(value)}.{remedy}"
    )


def _name(keep: Callable[..., Any]) -> str:
    return str(getattr(keep, "__name__", type(keep).__name__))


def _explanation(found: Duplicates, id: str) -> str:
    row = found.snapshot.row_of(id)
    group = int(found.group[row])
    if group < 0:
        return f"{short(id)} has no duplicates" + _closest_match(found, row)
    rows = found.rows[group]
    if row == rows[0]:
        others = ", ".join(short(found.snapshot.ids[other]) for other in rows[1 : _MAX_GROUPS + 1])
        more = f" and {len(rows) - 1 - _MAX_GROUPS:,} more" if len(rows) - 1 > _MAX_GROUPS else ""
        head = f"{short(id)} is the representative of {others}{more}"
    else:
        head = f"{short(id)} is a duplicate of {short(found.snapshot.ids[rows[0]])}, its representative"
    pairs = [pair for pair in _pairs_of(found, row) if found.reasons[pair]]
    if row != rows[0] and not any(_is_between(found, pair, row, rows[0]) for pair in pairs):
        # The record equals an earlier one, which has the links to other records.
        first = int(found.first_occurrence[row])
        pairs += [pair for pair in _pairs_of(found, first) if found.reasons[pair]]
    pairs.sort(key=lambda pair: rows[0] not in (found.left[pair], found.right[pair]))
    lines = [head, *(_described(found, pair) for pair in dict.fromkeys(pairs[:_MAX_GROUPS]))]
    if len(pairs) > _MAX_GROUPS:
        lines.append(cut(_MAX_GROUPS, len(pairs), "pairs"))
    return "\n".join(lines)


def _is_between(found: Duplicates, pair: int, one: int, other: int) -> bool:
    return {int(found.left[pair]), int(found.right[pair])} == {one, other}


def _closest_match(found: Duplicates, row: int) -> str:
    pairs = _pairs_of(found, row)
    if not pairs:
        return ": no other record is close to it"
    best = max(pairs, key=lambda p: float(np.nanmax([found.cosine[p], found.jaccard[p]])))
    return f" at these thresholds; the closest match is\n{_described(found, best)}"


def _pairs_of(found: Duplicates, row: int) -> list[int]:
    return np.flatnonzero((found.left == row) | (found.right == row)).tolist()


def _described(found: Duplicates, pair: int) -> str:
    """Describe a pair: its reasons, the scores that are known, and both texts."""
    one, other = int(found.left[pair]), int(found.right[pair])
    ids, text = found.snapshot.ids, found.snapshot.document
    scores = [
        f"{name} {value:.2f}"
        for name, value in (("cosine", found.cosine[pair]), ("Jaccard", found.jaccard[pair]))
        if not np.isnan(value)
    ]
    parts = [reason_names(int(found.reasons[pair])) or _refusal(found, pair), *scores]
    lines = [f"{short(ids[one])} and {short(ids[other])}: {', '.join(parts)}"]
    lines += [f"    {one_line(text(row), 100)}" for row in (one, other) if text(row)]
    return "\n".join(lines)


def _refusal(found: Duplicates, pair: int) -> str:
    """Say why a pair is not a duplicate, with the words that differ."""
    kind = int(found.wording[pair]) & (LONG - 1)
    if kind not in (ADDED, OTHER, VALUE):
        return "below the thresholds"
    texts = [
        normalized(found.snapshot.document(int(row[pair]))) for row in (found.left, found.right)
    ]
    _, differing = Wording(texts).difference(0, 1)
    one, other = (", ".join(words[:_MAX_MEMBERS]) or "nothing" for words in differing)
    what = "not duplicates" if kind == VALUE else "below the thresholds"
    return f"{what}, as {one_line(one, 60)} differs from {one_line(other, 60)}"


def _summary(found: Duplicates) -> str:
    total, redundant = len(found.snapshot), int(found._redundant.sum())
    if not redundant:
        return f"no duplicates among {count(total, 'record')}"
    largest = len(found.rows[0])
    are = "is a duplicate" if redundant == 1 else "are duplicates"
    warning = ""
    if largest * 3 >= total and largest > 2:
        warning = (
            ". This group has a third of all records or more: check it, as its texts may follow a "
            "pattern"
        )
    return (
        f"{redundant:,} of {count(total, 'record')} ({redundant / total:.1%}) {are} of "
        f"{count(len(found.representatives), 'other')}; the largest group has {largest:,}{warning}"
    )


def _pair_counts(found: Duplicates) -> list[list[Any]]:
    """Count the pairs by reason: all of them, and those with no other reason."""
    names = {
        EXACT: "exact",
        NEAR: f"near, Jaccard {found.lexical_threshold:g}",
        SEMANTIC: f"semantic, cosine {found.threshold:g}",
    }
    rows = []
    for bit, name in names.items():
        if name.split(",")[0] in found.parameters["methods"]:
            pairs = int((found.reasons & bit > 0).sum())
            rows.append([name, pairs, int((found.reasons == bit).sum())])
    return rows


def _largest_groups(found: Duplicates) -> list[list[Any]]:
    """List the first groups: the representative, then some of the others and their link to it."""
    score = scores_of(found.reasons, found.cosine, found.jaccard)
    pair_of = {
        (one, other): pair
        for pair, one, other in zip(
            found.pairs.tolist(),
            found.left[found.pairs].tolist(),
            found.right[found.pairs].tolist(),
            strict=True,
        )
    }
    ids, text = found.snapshot.ids, found.snapshot.document
    rows: list[list[Any]] = []
    for number, group in enumerate(found.rows[:_MAX_GROUPS], 1):
        first = group[0]
        rows.append([number, ids[first], text(first), f"representative of {len(group):,}"])
        for row in group[1 : _MAX_MEMBERS + 1]:
            pair = pair_of.get((min(first, row), max(first, row)))
            why = "duplicate of another member"
            if pair is not None:
                why = f"{reason_names(int(found.reasons[pair]))} {score[pair]:.2f}"
            rows.append(["", ids[row], text(row), why])
        if len(group) > _MAX_MEMBERS + 1:
            rows.append(["", "", f"... {len(group) - _MAX_MEMBERS - 1:,} more", ""])
    return rows


def _histogram(found: Duplicates) -> str:
    """Draw a histogram of the pairs by similarity, with the thresholds."""
    measures = [
        (values[~np.isnan(values)], threshold, name)
        for values, threshold, name in (
            (found.cosine, found.threshold, "cosine"),
            (found.jaccard, found.lexical_threshold, "Jaccard"),
        )
    ]
    measures = [measure for measure in measures if len(measure[0])]
    if not measures:
        return ""

    def draw(axes: Any) -> None:
        for number, (values, threshold, name) in enumerate(measures):
            axes.hist(
                values, bins=np.linspace(0.5, 1, 51), alpha=0.5, color=f"C{number}", label=name
            )
            axes.axvline(threshold, color=f"C{number}", linestyle="--")
        axes.set_xlabel("similarity of a pair")
        axes.set_ylabel("pairs")
        axes.set_yscale("symlog")
        axes.legend()

    return picture(draw, alt="Histogram of the pairs by similarity, with the thresholds")
