"""The colors of a map: values of the records as one-byte codes with a legend, and where they come from."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics import Clusters, Duplicates, Outliers, Projection, Result, Topics
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.results.tables import count
from chromalab_widgets.core.text import cut
from chromalab_widgets.map.layout import Layout

__all__ = ["NEIGHBOR_RECALL", "Coloring", "Values", "color_values", "fitted", "plain"]

NEIGHBOR_RECALL = "neighbor_recall"
"""Colors by each record's neighbor recall on the map, unless a metadata field has this name."""

# The palette of Okabe and Ito, distinguishable by color-blind readers: https://jfly.uni-koeln.de/color/
# The eighth color is a violet instead of their black, which would vanish on a dark page.
_CATEGORIES = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#d8c614", "#7b6fd0",
)  # fmt: skip
_OTHER, _MISSING = "#8c8c8c", "#b8b8b8"
# Viridis, whose lightness increases evenly, so it can also be read in grayscale.
_SEQUENCE = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip
_STEPS = 64
_BINS = 6
_FEW = 8  # up to this many distinct integers are categories; more become a scale
_LABEL_SHOWN = 60
_KEYS_READ = 10_000  # records whose fields fill the menu; a rarer field can still be given by name
_KEYS_SHOWN = 60


@dataclass(frozen=True, eq=False)
class Coloring:
    """One code per record, and what the codes mean.

    Attributes:
        title: What the colors show.
        kind: "none", "categories", "numbers" or "dates".
        codes: (n,) uint8, indices into the palette.
        palette: Colors as #rrggbb.
        entries: The entries of the legend: `label`, `count`, and their codes, `low` to `high` inclusive.
        values: For categories, the value of each entry; otherwise empty.
    """

    title: str
    kind: str
    codes: NDArray[np.uint8]
    palette: list[str]
    entries: list[dict[str, Any]]
    values: tuple[Any, ...] = ()

    def legend(self) -> dict[str, Any]:
        """Return the legend as the browser draws it."""
        return {
            "title": self.title, "kind": self.kind, "palette": self.palette, "entries": self.entries,
        }  # fmt: skip

    def rows(self, entry: int) -> NDArray[np.intp]:
        """Return the rows of an entry of the legend."""
        low, high = self.entries[entry]["low"], self.entries[entry]["high"]
        return np.flatnonzero((self.codes >= low) & (self.codes <= high))


class Values:
    """The values that the records of a layout can be colored by, each coded once.

    Args:
        layout: The records and their coordinates.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        metadatas = (layout.snapshot.metadatas or ())[:_KEYS_READ]
        self._keys = sorted({key for metadata in metadatas for key in metadata or ()})[:_KEYS_SHOWN]
        self._made: dict[str, Coloring] = {}
        self._results: dict[str, Any] = {}

    def names(self) -> list[str]:
        """List the names to color by: fields, then results that were given, then the neighbor recall."""
        return list(dict.fromkeys([*self._keys, *self._results, NEIGHBOR_RECALL]))

    def is_key(self, name: str) -> bool:
        """Return whether a name is a metadata field rather than a result or values that were given."""
        return name in self._keys and name not in self._results

    def coloring(self, by: Any, title: str | None = None) -> Coloring:
        """Code the given values; a result can be referred to by its name from then on.

        Args:
            by: One of `names()`, a result, one value per record, or None for a single color.
            title: The name of bare values.

        Raises:
            InvalidArgumentError: There is no such name, or the result is of other records.
        """
        records = len(self.layout.snapshot)
        if by is None:
            return plain(records)
        if not isinstance(by, str):
            name, values, named = _read(by)
            if title is not None and not isinstance(by, Result):
                name, named = title, True
            if isinstance(by, Result):
                values = fitted(values, by.snapshot.ids, self.layout.snapshot.ids)
            self._made[name] = color_values(values, records, name, named=named)
            self._results[name] = by
            return self._made[name]
        if by not in self._made:
            self._made[by] = color_values(self._named(by), records, by)
        return self._made[by]

    def moved(self, layout: Layout) -> Values:
        """Return the values of another layout: results are kept, the neighbor recall is recomputed."""
        values = Values(layout)
        for by in self._results.values():
            if isinstance(by, Result):
                values.coloring(by)
        return values

    def _named(self, name: str) -> Sequence[Any] | np.ndarray[Any, Any]:
        values = self.layout.snapshot.column(name)
        if any(value is not None for value in values):
            return values
        if name == NEIGHBOR_RECALL:
            return self.layout.neighbor_recall()
        hint = near(name, self.names(), what="Known")
        raise InvalidArgumentError(f"No field or result {short(name)} to color by. {hint}")


def fitted(values: Any, ids: Sequence[str], wanted: Sequence[str]) -> Any:
    """Reorder the values of some records to match other ids; records without a value get None.

    Raises:
        InvalidArgumentError: The two sets of records have none in common.
    """
    if ids is wanted or tuple(ids) == tuple(wanted):
        return values
    value = dict(zip(ids, values, strict=True))
    if wanted and not any(id in value for id in wanted):
        raise InvalidArgumentError(
            "The result must be of the records on the map; got one of other records. "
            "None of its ids are on the map."
        )
    return [value.get(id) for id in wanted]


def plain(count: int) -> Coloring:
    """Give all points a single color."""
    return Coloring("", "none", np.zeros(count, dtype=np.uint8), [_CATEGORIES[0]], [])


def color_values(
    values: Sequence[Any] | NDArray[Any], count: int, title: str, *, named: bool = False
) -> Coloring:
    """Code one value per record as categories, numbers or dates, depending on the values.

    Args:
        values: Strings, numbers, booleans, dates or ISO dates as strings; None for a missing value.
        count: The number of records.
        title: What the values are.
        named: Whether integers are names, however many there are.

    Raises:
        InvalidArgumentError: There is not one value per record.
    """
    given = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if len(given) != count:
        raise InvalidArgumentError(
            f"color must have one value per record; got {len(given):,} values for {count:,} records."
        )
    there = [value for value in given if value is not None]
    if not named and there and all(_is_number(value) for value in there):
        whole = all(float(value).is_integer() for value in there if value == value)
        if not (whole and len(set(there)) <= _FEW):
            return _scale(given, title, "numbers", _number_label(there, whole))
    if not named:
        days = _days(there)
        if days is not None and len(set(days)) > _FEW:
            days_of = iter(days)
            numbers = [None if value is None else next(days_of) for value in given]
            return _scale(numbers, title, "dates", _as_date)
    return _categories(given, title)


def _read(by: Any) -> tuple[str, Any, bool]:
    """Read a result: its name, one value per record, and whether its integers are names."""
    if isinstance(by, Topics):
        return "topic", by.names, True
    if isinstance(by, Clusters):
        return "cluster", [None if label < 0 else label for label in by.labels.tolist()], True
    if isinstance(by, Outliers):
        return "outlier score", by.scores, False
    if isinstance(by, Projection):
        return NEIGHBOR_RECALL, by.neighbor_recalls, False
    if isinstance(by, Duplicates):
        duplicates = set(by.duplicate_ids)
        roles = ["duplicate" if id in duplicates else "representative" for id in by.snapshot.ids]
        return "duplicates", roles, True
    labels = getattr(by, "labels", None)
    if isinstance(by, Result) and labels is not None:
        return type(by).__name__.lower(), labels, True
    if isinstance(by, Result) or not hasattr(by, "__len__"):
        raise InvalidArgumentError(
            "color must be a metadata field, a result with one value per record, or one value per "
            f"record; got {type(by).__name__}."
        )
    name = getattr(by, "name", None)  # the name of a pandas Series
    return name if isinstance(name, str) and name else "values", by, False


def _categories(given: list[Any], title: str) -> Coloring:
    plain = set(map(type, given)) <= {str, int, float, bool, type(None)}
    keys = given if plain else [None if value is None else _key(value) for value in given]
    counts = Counter(keys)
    none = counts.pop(None, 0)
    frequent = [key for key, _ in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))]
    if all(_is_number(key) for key in frequent) and len(frequent) <= len(_CATEGORIES):
        frequent.sort()
    shown = frequent[: len(_CATEGORIES)]
    other, missing = len(shown), len(shown) + 1
    code = {None: missing, **{key: min(at, other) for at, key in enumerate(frequent)}}
    codes = np.fromiter(map(code.__getitem__, keys), np.uint8, len(keys))
    entries = [
        {"label": cut(str(key), _LABEL_SHOWN), "count": counts[key], "low": at, "high": at}
        for at, key in enumerate(shown)
    ]
    rest = sum(counts[key] for key in frequent[len(shown) :])
    if rest:
        others = len(frequent) - len(shown)
        entries.append(
            {"label": count(others, "other"), "count": rest, "low": other, "high": other}
        )
    if none:
        entries.append({"label": "none", "count": none, "low": missing, "high": missing})
    palette = [*_CATEGORIES[: len(shown)], _OTHER, _MISSING]
    return Coloring(title, "categories", codes, palette, entries, tuple(shown))


def _scale(given: list[Any], title: str, kind: str, label: Callable[[float], str]) -> Coloring:
    numbers = np.array([np.nan if value is None else value for value in given], dtype=np.float64)
    there = np.isfinite(numbers)
    low, high = (numbers[there].min(), numbers[there].max()) if there.any() else (0.0, 0.0)
    share = (numbers - low) / (high - low) if high > low else np.zeros_like(numbers)
    codes = np.full(len(numbers), _STEPS, dtype=np.uint8)
    codes[there] = np.minimum(share[there] * _STEPS, _STEPS - 1).astype(np.uint8)
    edges = np.linspace(0, _STEPS, _BINS + 1).round().astype(int)
    entries = []
    for first, after in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        ends = [label(low + (high - low) * edge / _STEPS) for edge in (first, after)]
        members = int(((codes >= first) & (codes < after)).sum())
        entries.append(
            {"label": " – ".join(ends), "count": members, "low": first, "high": after - 1}  # noqa: RUF001
        )
    if not there.all():
        absent = int((~there).sum())
        entries.append({"label": "none", "count": absent, "low": _STEPS, "high": _STEPS})
    return Coloring(title, kind, codes, [*_ramp(), _MISSING], entries)


def _number_label(numbers: list[Any], whole: bool) -> Callable[[float], str]:
    """Return a function that formats numbers with enough decimals to distinguish the bins."""
    finite = [number for number in map(float, numbers) if math.isfinite(number)]
    span = max(finite) - min(finite) if finite else 0.0
    if span <= 0:
        return lambda value: f"{value:,.4g}"
    decimals = max(0, 1 - math.floor(math.log10(span / _BINS)))
    if whole and span >= _BINS:
        decimals = 0
    return lambda value: f"{value:,.{decimals}f}" if decimals < 8 else f"{value:.3g}"


def _ramp() -> list[str]:
    stops = np.array([[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in _SEQUENCE])
    at = np.linspace(0, len(stops) - 1, _STEPS)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.rint(channels).astype(int).T.tolist()]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _key(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _days(values: list[Any]) -> list[int] | None:
    """Convert dates, or strings that start with an ISO date, to days; None unless all of them are."""
    days = []
    for value in values:
        if isinstance(value, datetime.date):
            days.append(value.toordinal())
            continue
        if not isinstance(value, str) or len(value) < 10 or value[4] != "-":
            return None
        try:
            days.append(datetime.date.fromisoformat(value[:10]).toordinal())
        except ValueError:
            return None
    return days or None


def _as_date(day: float) -> str:
    return datetime.date.fromordinal(max(1, round(day))).isoformat()
