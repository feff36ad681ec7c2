"""`contrast`: what sets some records apart from all others, in their words and their metadata."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.topics.matrix import token_matrix_of
from chromalab.analytics.topics.tokens import alike
from chromalab.arguments.values import check_integer
from chromalab.engine import read_instant
from chromalab.errors import InvalidArgumentError
from chromalab.results.tables import Table, count, data_frame, one_line
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

__all__ = ["Contrast", "Feature", "Shift", "contrast"]

_FALSE_DISCOVERIES = 0.05
_MIN_RECORDS = 2  # selected records that a word or a value must be in
_FEW = 8  # up to this many distinct numbers or dates are values; more are compared by their order
_VALUE_SHOWN = 60


@dataclass(frozen=True)
class Feature:
    """A word or a metadata value that is over-represented in the selected records.

    Attributes:
        field: The metadata field; "" for a word of the documents.
        value: The word, of one or two adjacent words, or the value.
        selected: The number of selected records that have it.
        others: The number of other records that have it.
        lift: The share of selected records that have it, divided by that of the others; infinite if no
            other record has it.
        score: The signed root of the likelihood ratio; under chance it is about standard normal.
    """

    field: str
    value: Any
    selected: int
    others: int
    lift: float
    score: float


@dataclass(frozen=True)
class Shift:
    """A field of numbers or dates that are higher or lower in the selected records.

    Attributes:
        field: The metadata field.
        selected: The median of the selected records; a text in ISO 8601 for dates.
        others: The median of the other records.
        higher: The probability that a selected record has a higher value than another one, ties counting
            half: the effect size of the Mann-Whitney test.
        score: The normal score of that test, negative if the values are lower.
    """

    field: str
    selected: float | str
    others: float | str
    higher: float
    score: float


@dataclass(frozen=True, repr=False)
class Contrast(Table):
    """What sets the selected records apart from all others.

    Attributes:
        selected: The number of selected records.
        others: The number of other records.
        words: Words that are over-represented, the strongest first.
        values: Metadata values that are over-represented, the strongest first.
        shifts: Numbers and dates that are higher or lower, the strongest first.
    """

    _columns = ("field", "value", "selected", "others", "difference", "score")

    selected: int
    others: int
    words: tuple[Feature, ...]
    values: tuple[Feature, ...]
    shifts: tuple[Shift, ...]

    def _rows(self) -> list[list[Any]]:
        rows: list[list[Any]] = [
            [
                one_line(feature.field) or "(word)",
                one_line(feature.value, _VALUE_SHOWN),
                _share(feature.selected, self.selected),
                _share(feature.others, self.others),
                "only here" if math.isinf(feature.lift) else f"{feature.lift:.3g} times",
                round(feature.score, 1),
            ]
            for feature in (*self.words, *self.values)
        ]
        for shift in self.shifts:
            here, there = (one_line(median) for median in (shift.selected, shift.others))
            is_higher = shift.higher >= 0.5
            share = shift.higher if is_higher else 1 - shift.higher
            difference = f"{'higher' if is_higher else 'lower'} in {share:.0%} of pairs"
            rows.append(
                [one_line(shift.field), "(median)", here, there, difference, round(shift.score, 1)]
            )
        return rows

    def _heading(self) -> str:
        return f"{count(self.selected, 'record')} against {count(self.others, 'other')}"

    def _note(self) -> str:
        return super()._note() or ("" if self._rows() else "no significant differences")

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per word, value or shift, and unrounded numbers.

        Rows of shifts have the medians in place of the counts, `higher`, and no value and lift.
        """
        features = [{**vars(feature)} for feature in (*self.words, *self.values)]
        columns = ["field", "value", "selected", "others", "lift", "higher", "score"]
        return data_frame([*features, *({**vars(shift)} for shift in self.shifts)], columns)


def contrast(data: Any, ids: Iterable[str], *, n: int = 10) -> Contrast:
    """Find what sets some records apart from all others.

    Words and metadata values are compared by the number of records that have them, so that one long text
    does not count more than others. They are ranked by the signed root of the likelihood ratio (Dunning
    1993, "Accurate methods for the statistics of surprise and coincidence"), which holds for rare words
    and small selections, too. Numbers and dates are compared by the Mann-Whitney test. Differences that
    could be due to chance are left out, by the binomial and the Mann-Whitney test: at most 5% of the words,
    of the values and of the shifts are expected to be false discoveries (Benjamini and Hochberg 1995).

    Args:
        data: A collection, a snapshot, or any object with Chroma's `get`.
        ids: The ids of the selected records; unknown ids are left out.
        n: The maximum number of words, of values and of shifts.

    Raises:
        InvalidArgumentError: None or all of the records are selected.

    Example:
        >>> texts = ["tea with milk", "green tea", "black tea"] * 4 + ["a red brick", "chalk"] * 6
        >>> snapshot = Snapshot.of([[0.0]] * 24, documents=texts)
        >>> contrast(snapshot, snapshot.ids[:12])
        12 records against 12 others
        field   value  selected   others  difference  score
        (word)  tea    12 (100%)  0 (0%)  only here   5.8
    """
    check_integer("n", n, 1)
    snapshot = Snapshot.of(data)
    is_selected = np.zeros(len(snapshot), dtype=bool)
    by_id = snapshot.rows_by_id
    is_selected[[by_id[id] for id in ids if id in by_id]] = True
    selected = int(is_selected.sum())
    others = len(snapshot) - selected
    if not selected or not others:
        raise InvalidArgumentError(
            "Some records must be selected, and others must not be; got "
            f"{selected:,} of {count(len(snapshot), 'record')}. Change the selection."
        )
    values, shifts = _metadata(snapshot.metadatas or (), is_selected)
    return Contrast(
        selected,
        others,
        tuple(_words(snapshot, is_selected, n)),
        tuple(values[:n]),
        tuple(shifts[:n]),
    )


def _words(snapshot: Snapshot, is_selected: NDArray[np.bool_], n: int) -> list[Feature]:
    """Return the over-represented words, without those that repeat a word of a stronger one."""
    matrix = token_matrix_of(snapshot)
    term = np.repeat(np.arange(len(matrix.frequency)), np.diff(matrix.starts))
    is_first = np.ones(len(term), dtype=bool)  # among the occurrences of a term in a record
    is_first[1:] = (term[1:] != term[:-1]) | (matrix.texts[1:] != matrix.texts[:-1])
    term, is_here = term[is_first], is_selected[matrix.texts[is_first]]
    here = np.bincount(term[is_here], minlength=len(matrix.frequency))
    there = np.bincount(term[~is_here], minlength=len(matrix.frequency))
    candidates = np.flatnonzero(matrix.is_meaningful)
    found: list[Feature] = []
    seen: list[str] = []
    for at, feature in _significant(here[candidates], there[candidates], is_selected):
        if len(found) == n:
            break
        number = int(candidates[at])
        words = matrix.tokens(number)
        if any(alike(word, other) for word in words for other in seen):
            continue
        seen += words
        found.append(Feature("", matrix.text(number), *feature))
    return found


def _metadata(
    metadatas: Sequence[Mapping[str, Any] | None], is_selected: NDArray[np.bool_]
) -> tuple[list[Feature], list[Shift]]:
    columns: dict[str, tuple[list[int], list[Any]]] = {}
    for row, metadata in enumerate(metadatas):
        for key, value in (metadata or {}).items():
            rows, values = columns.setdefault(key, ([], []))
            rows.append(row)
            values.append(value)
    here: Counter[tuple[str, str, Any]] = Counter()
    there: Counter[tuple[str, str, Any]] = Counter()
    shifts: list[Shift] = []
    for key, (rows, values) in columns.items():
        flags = is_selected[rows]
        ordered = _ordered(values)
        if ordered is not None:
            if flags.any() and not flags.all():
                shifts.append(_shift(key, values, ordered, flags))
            continue
        for value, flag in zip(values, flags.tolist(), strict=True):
            parts = value if isinstance(value, list) else [value]
            # 1, 1.0 and True are equal and have the same hash, but are different values.
            named = {(key, type(part).__name__, part) for part in parts if _is_plain(part)}
            (here if flag else there).update(named)
    names = list(here | there)
    counts = [np.array([each[name] for name in names], dtype=np.int64) for each in (here, there)]
    features = [
        Feature(names[at][0], names[at][2], *feature)
        for at, feature in _significant(counts[0], counts[1], is_selected)
    ]
    chance = _is_discovery(np.array([_two_tails(shift.score) for shift in shifts]))
    kept = [shift for shift, is_kept in zip(shifts, chance, strict=True) if is_kept]
    return features, sorted(kept, key=lambda shift: -abs(shift.score))


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _ordered(values: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return numbers or dates as floats to compare; None for a field whose values are to be counted."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = np.array(values, dtype=np.float64)
    elif all(isinstance(value, str) for value in values):
        instants = [read_instant(value) for value in values]
        if None in instants:
            return None
        numbers = np.array([each.microseconds for each in instants if each], dtype=np.float64)
    else:
        return None
    return numbers if len(np.unique(numbers)) > _FEW and np.isfinite(numbers).all() else None


def _shift(
    key: str, values: Sequence[Any], ordered: NDArray[np.float64], flags: NDArray[np.bool_]
) -> Shift:
    _, at, ties = np.unique(ordered, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[at]  # equal values share the mean of their ranks
    selected, others, total = int(flags.sum()), int((~flags).sum()), len(flags)
    higher = (ranks[flags].sum() / selected - (selected + 1) / 2) / others
    correction = 1 - (ties.astype(np.float64) ** 3 - ties).sum() / (float(total) ** 3 - total)
    deviation = math.sqrt((total + 1) / 12 / selected / others * correction)
    here, there = (_median(values, ordered, chosen) for chosen in (flags, ~flags))
    return Shift(key, here, there, float(higher), float((higher - 0.5) / deviation))


def _median(
    values: Sequence[Any], ordered: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> float | str:
    """Return the median, as one of the values: dates have no mean of two."""
    rows = np.flatnonzero(chosen)
    middle = rows[np.argsort(ordered[rows], kind="stable")[(len(rows) - 1) // 2]]
    found: float | str = values[int(middle)]
    return found


def _significant(
    here: NDArray[np.int64], there: NDArray[np.int64], is_selected: NDArray[np.bool_]
) -> Iterable[tuple[int, tuple[int, int, float, float]]]:
    """Yield the position, the counts, the lift and the score of each over-represented one, strongest first."""
    from scipy.special import bdtrc

    selected = int(is_selected.sum())
    others = len(is_selected) - selected
    tried = np.flatnonzero(here + there >= _MIN_RECORDS)
    a, b = here[tried], there[tried]
    scores = _score(a, selected, b, others)
    p = np.ones(len(tried))
    # Not by the score, which is far from normal for two or three records. The binomial tail bounds that of
    # Fisher's exact test, is close to it where it matters, and takes a thousandth of the time.
    likely = np.flatnonzero((a >= _MIN_RECORDS) & (scores > 1))
    times = (a + b)[likely]
    draws = np.minimum(times, selected)
    share = np.maximum(times, selected) / len(is_selected)
    p[likely] = bdtrc(a[likely] - 1, draws, share)
    is_kept = _is_discovery(p)
    with np.errstate(divide="ignore", invalid="ignore"):
        lifts = (a / selected) / (b / others)
    for at in np.argsort(-scores, kind="stable").tolist():
        if is_kept[at]:
            counts = int(a[at]), int(b[at])
            yield int(tried[at]), (*counts, float(lifts[at]), float(scores[at]))


def _score(
    a: NDArray[np.int64], selected: int, b: NDArray[np.int64], others: int
) -> NDArray[np.float64]:
    """Return the signed root of the likelihood ratio of each table of records with and without a feature."""
    from scipy.special import xlogy

    share = (a + b) / (selected + others)
    ratio = np.zeros(len(a))
    for seen, of in ((a, selected), (b, others)):
        ratio += xlogy(seen, seen) - xlogy(seen, of * share)
        ratio += xlogy(of - seen, of - seen) - xlogy(of - seen, of * (1 - share))
    signed: NDArray[np.float64] = np.sqrt(np.maximum(2 * ratio, 0))
    return np.where(a / selected >= b / others, signed, -signed)


def _two_tails(score: float) -> float:
    return math.erfc(abs(score) / math.sqrt(2))


def _is_discovery(p: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Choose by the procedure of Benjamini and Hochberg."""
    order = np.argsort(p, kind="stable")
    below = p[order] <= _FALSE_DISCOVERIES * (np.arange(len(p)) + 1) / max(1, len(p))
    chosen = np.zeros(len(p), dtype=bool)
    chosen[order[: int(np.flatnonzero(below)[-1]) + 1 if below.any() else 0]] = True
    return chosen


def _share(number: int, total: int) -> str:
    share = 100 * number / total
    return f"{number:,} ({share:.1f}%)" if 0 < share < 10 else f"{number:,} ({share:.0f}%)"
