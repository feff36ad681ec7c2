"""The colors of a map: values of the records as one-byte codes with a legend, and where they come from."""

from __future__ import annotations

import datetime
import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics import Clusters, Duplicates, Outliers, Projection, Result, Topics
from chromalab.conversion import is_date, items, values_by_record
from chromalab.conversion import plain as plain_value
from chromalab.engine import read_instant
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.results.tables import text_of
from chromalab_widgets.core.text import cut
from chromalab_widgets.map.layout import Layout

__all__ = [
    "NEIGHBOR_RECALL",
    "Coloring",
    "Values",
    "color_values",
    "fitted",
    "known_values",
    "plain",
]

NEIGHBOR_RECALL = "neighbor_recall"
"""Colors by each record's neighbor recall on the map, unless a metadata field has this name."""

# The palette of Okabe and Ito, distinguishable by color-blind readers: https://jfly.uni-koeln.de/color/
# The eighth color is a violet instead of their black, which would vanish on a dark page.
_CATEGORIES = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#d8c614", "#7b6fd0",
)  # fmt: skip
_MISSING = "#b8b8b8"
_MISSING_LABEL = "none"
_LISTED = 200  # categories with an entry of their own; rarer ones share one, but not one color
_HUES = 48  # the colors of those that share an entry
# Viridis, whose lightness increases evenly, so it can also be read in grayscale.
_SEQUENCE = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip
_STEPS = 64
_BINS = 6
_SKEWED = 0.8  # with this share of all numbers in one of the bins, equal bins tell little
_DAY = 86_400 * 10**6  # microseconds
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
        self._given: dict[
            str, tuple[Sequence[str], Sequence[Any], bool]
        ] = {}  # ids, values, and whether integers are names
        self._colors: dict[
            str, dict[Any, str]
        ] = {}  # categories keep their colors when points move

    def names(self) -> list[str]:
        """List the names to color by: fields, then results that were given, then the neighbor recall."""
        return list(dict.fromkeys([*self._keys, *self._given, NEIGHBOR_RECALL]))

    def is_key(self, name: str) -> bool:
        """Return whether a name is a metadata field rather than a result or values that were given."""
        return name in self._keys and name not in self._given

    def coloring(self, by: Any, title: str | None = None) -> Coloring:
        """Code the given values, which can be referred to by their name from then on.

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
            ids = self.layout.snapshot.ids
            if isinstance(by, Result):
                ids = by.snapshot.ids
            else:
                values = values_by_record(values, ids, "color")
                name, named = (name, named) if title is None else (title, True)
            return self._give(name, ids, values, named)
        if by not in self._made:
            self._made[by] = self._coded(self._named(by), by)
        return self._made[by]

    def moved(self, layout: Layout, *, keeps_colors: bool = True) -> Values:
        """Return the values of another layout: those that were given are kept, by id."""
        values = Values(layout)
        if keeps_colors:
            values._colors = self._colors
        for name, (ids, given, named) in self._given.items():
            if not set(ids).isdisjoint(layout.snapshot.ids):
                values._give(name, ids, given, named)
        return values

    def _give(self, name: str, ids: Sequence[str], values: Sequence[Any], named: bool) -> Coloring:
        here = fitted(values, ids, self.layout.snapshot.ids)
        self._made[name] = self._coded(here, name, named=named)
        self._given[name] = ids, values, named
        return self._made[name]

    def _coded(self, values: Any, name: str, *, named: bool = False) -> Coloring:
        coordinates, colors = self.layout.coordinates, self._colors.setdefault(name, {})
        count = len(self.layout.snapshot)
        return color_values(
            values, count, name, named=named, coordinates=coordinates, colors=colors
        )

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
    values: Sequence[Any] | NDArray[Any],
    count: int,
    title: str,
    *,
    named: bool = False,
    coordinates: NDArray[np.float32] | None = None,
    colors: dict[Any, str] | None = None,
) -> Coloring:
    """Code one value per record as categories, numbers or dates, depending on the values.

    Args:
        values: Strings, numbers, booleans, dates or ISO dates as strings. None, NaN, NA, NaT and "" are
            missing values.
        count: The number of records.
        title: What the values are.
        named: Whether integers are names, however many there are.
        coordinates: (n, 2) float32: if there are more than eight categories, their colors depend on where
            they are on the map.
        colors: The colors of categories that have one; those of the others are added.

    Raises:
        InvalidArgumentError: There is not one value per record.
    """
    given = known_values(values)
    if len(given) != count:
        raise InvalidArgumentError(
            f"color must have one value per record; got {len(given):,} values for {count:,} records."
        )
    there = [value for value in given if value is not None]
    if not named and there and all(map(_is_number, there)):
        whole = all(float(value).is_integer() for value in there if math.isfinite(value))
        if not (whole and len(set(there)) <= _FEW):
            return _numbers(given, title, whole)
        given = [int(value) if _is_whole(value) else value for value in given]
    moments = None if named else _moments(there)
    if moments is not None:
        days = len({math.floor(moment) for moment in moments})
        if days > _FEW or any(map(is_date, items(values) or ())):
            moment_of = iter(moments)
            numbers = [None if value is None else next(moment_of) for value in given]
            return _dates(numbers, title, days)
    return _categories(given, title, coordinates, {} if colors is None else colors)


def known_values(values: Any) -> list[Any]:
    """Return values as Python objects, with None for those that are missing or blank; dates are ISO texts.

    Example:
        >>> known_values(np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"))
        ['2024-01-01', None]
        >>> known_values(["tea", "", None, float("nan"), np.float32(1)])
        ['tea', None, None, None, 1.0]
    """
    known = map(plain_value, items(values) or ())
    return [None if isinstance(value, str) and not value.strip() else value for value in known]


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


def _categories(
    given: list[Any], title: str, coordinates: NDArray[np.float32] | None, colors: dict[Any, str]
) -> Coloring:
    kinds = set(map(type, given))
    keys = given
    if not kinds <= {str, int, float, type(None)}:  # True would be 1
        keys = [
            value if value is None or type(value) in (int, float) else text_of(value)
            for value in given
        ]
    counts = Counter(keys)
    none = counts.pop(None, 0)
    frequent = [key for key, _ in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))]
    few = len(frequent) <= len(_CATEGORIES)
    if few and all(map(_is_number, frequent)):
        frequent.sort()
    if few:
        palette, shown = list(_CATEGORIES[: len(frequent)]), len(frequent)
        code = {key: at for at, key in enumerate(frequent)}
    else:
        _add_colors(colors, frequent, keys, coordinates)
        shown = min(len(frequent), _LISTED)
        palette = [colors[key] for key in frequent[:shown]]
        code = {key: at for at, key in enumerate(frequent[:shown])}
        hues = sorted({colors[key] for key in frequent[shown:]})
        hues = hues[:: max(1, math.ceil(len(hues) / _HUES))]
        code |= {key: shown + _nearest_color(colors[key], hues) for key in frequent[shown:]}
        palette += hues
    missing = len(palette)
    codes = np.fromiter(map({**code, None: missing}.__getitem__, keys), np.uint8, len(keys))
    entries = [
        {"label": cut(str(key), _LABEL_SHOWN), "count": counts[key], "low": at, "high": at}
        for at, key in enumerate(frequent[:shown])
    ]
    others = len(frequent) - shown
    if others:
        label = f"{others:,} other{'' if others == 1 else 's'}"
        rest = sum(counts[key] for key in frequent[shown:])
        entries.append({"label": label, "count": rest, "low": shown, "high": missing - 1})
    if none:
        entries.append({"label": _MISSING_LABEL, "count": none, "low": missing, "high": missing})
    return Coloring(
        title, "categories", codes, [*palette, _MISSING], entries, tuple(frequent[:shown])
    )


def _add_colors(
    colors: dict[Any, str],
    categories: list[Any],
    keys: list[Any],
    coordinates: NDArray[np.float32] | None,
) -> None:
    """Add the colors of categories that have none: the hue is the direction of their middle on the map.

    So any number of categories has colors, and the legend of a color is where it is. Categories with similar
    hues differ in lightness. As in datamapplot: https://github.com/TutteInstitute/datamapplot
    """
    new = [key for key in categories if key not in colors]
    if coordinates is None or not len(coordinates):
        middles = np.array([[math.cos(at), math.sin(at)] for at in range(len(new))]).reshape(-1, 2)
    else:
        number = {key: at for at, key in enumerate(new)}
        of = np.fromiter((number.get(key, -1) for key in keys), np.intp, len(keys))
        order = np.argsort(of, kind="stable")
        bounds = np.searchsorted(of[order], np.arange(len(new) + 1))
        middles = np.array(
            [
                np.median(coordinates[order[low:high]], axis=0)
                for low, high in itertools.pairwise(bounds)
            ]
        ).reshape(-1, 2)
    away = middles - (np.median(middles, axis=0) if len(middles) else 0.0)
    far = np.hypot(*away.T)
    widest = far.max(initial=0.0) or 1.0
    turn = np.argsort(np.argsort(np.arctan2(away[:, 1], away[:, 0]), kind="stable"), kind="stable")
    taken = set(colors.values())
    for key, place, distance in zip(new, turn.tolist(), (far / widest).tolist(), strict=True):
        lightness = (0.6, 0.74, 0.67)[place % 3]
        chroma = 0.11 + 0.06 * min(1.0, 1.5 * distance)
        color = _oklch(lightness, chroma, 2 * math.pi * place / max(1, len(new)))
        while color in taken and len(taken) < 200:  # two entries of the legend must differ
            lightness += 0.004
            color = _oklch(lightness, chroma, 2 * math.pi * place / len(new))
        taken.add(color)
        colors[key] = color


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """Convert a color from OKLCH to #rrggbb, as in https://bottosson.github.io/posts/oklab/."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short_,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short_,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short_,
    )
    channels = []
    for light in linear:
        light = min(1.0, max(0.0, light))
        encoded = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
        channels.append(round(255 * encoded))
    return "#{:02x}{:02x}{:02x}".format(*channels)


def _nearest_color(color: str, palette: list[str]) -> int:
    if color in palette:
        return palette.index(color)
    mine = _channels(color)
    return min(range(len(palette)), key=lambda at: math.dist(mine, _channels(palette[at])))


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))


def _numbers(given: list[Any], title: str, whole: bool) -> Coloring:
    """Code numbers in bins of equal width or, if nearly all are in one of them, on a log or quantile scale."""
    finite = np.array([value for value in given if value is not None], dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    edges = np.linspace(low, high, _BINS + 1)
    if high == low or _fullest(finite, edges) < _SKEWED:
        label = _number_label(finite, whole)
        return _scale(given, title, "numbers", edges, label)
    if low > 0:
        edges = np.geomspace(low, high, _BINS + 1)
        edges[[0, -1]] = low, high
    if _fullest(finite, edges) >= _SKEWED:
        edges = np.unique(np.quantile(finite, np.linspace(0, 1, _BINS + 1)))
    if len(edges) < _BINS // 2 + 1:  # most are equal
        edges = np.unique(np.quantile(np.unique(finite), np.linspace(0, 1, _BINS + 1)))
    if whole:
        edges = np.unique(np.rint(edges))
    return _scale(given, title, "numbers", edges, _short_number)


def _fullest(numbers: NDArray[np.float64], edges: NDArray[np.float64]) -> float:
    """Return the share of the numbers that are in the fullest bin."""
    counts, _ = np.histogram(numbers, bins=edges)
    return float(counts.max() / max(1, len(numbers)))


def _dates(numbers: list[float | None], title: str, days: int) -> Coloring:
    there = [number for number in numbers if number is not None]
    low, high = min(there), max(there)
    timed = days <= _FEW and any(number % 1 for number in there)
    bins = _BINS if timed else max(1, min(_BINS, round(high - low)))
    label = _as_moment if timed else _as_date
    return _scale(numbers, title, "dates", np.linspace(low, high, bins + 1), label)


def _scale(
    given: list[Any],
    title: str,
    kind: str,
    edges: NDArray[np.float64],
    label: Callable[[float], str],
) -> Coloring:
    """Code numbers by the bin that they are in, and where in it.

    Args:
        given: Numbers; None for missing values.
        title: What the numbers are.
        kind: "numbers" or "dates".
        edges: The edges of the bins, increasing.
        label: Writes an edge.
    """
    numbers = np.array([np.nan if value is None else value for value in given], dtype=np.float64)
    there = np.isfinite(numbers)
    starts = np.linspace(0, _STEPS, len(edges)).round().astype(int)
    codes = np.full(len(numbers), _STEPS, dtype=np.uint8)
    if edges[-1] > edges[0]:
        at = np.interp(numbers[there], edges, starts)
        codes[there] = np.minimum(at, _STEPS - 1).astype(np.uint8)
    else:
        codes[there] = 0
        edges, starts = edges[[0, -1]], starts[[0, -1]]
    entries = []
    for bin, (first, after) in enumerate(itertools.pairwise(starts.tolist())):
        ends = [label(float(edges[bin])), label(float(edges[bin + 1]))]
        count = int(((codes >= first) & (codes < after)).sum())
        text = " – ".join(dict.fromkeys(ends))  # noqa: RUF001
        entries.append({"label": text, "count": count, "low": first, "high": after - 1})
    if not there.all():
        count = int((~there).sum())
        entries.append({"label": _MISSING_LABEL, "count": count, "low": _STEPS, "high": _STEPS})
    return Coloring(title, kind, codes, [*_ramp(), _MISSING], entries)


def _number_label(finite: NDArray[np.float64], whole: bool) -> Callable[[float], str]:
    """Return a function that formats numbers with enough decimals to distinguish the bins."""
    span = float(np.ptp(finite)) if len(finite) else 0.0
    if span <= 0:
        return lambda value: f"{value:,.4g}"
    decimals = max(0, 1 - math.floor(math.log10(span / _BINS)))
    if whole and span >= _BINS:
        decimals = 0
    return lambda value: f"{value:,.{decimals}f}" if decimals < 8 else f"{value:.3g}"


def _short_number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _ramp() -> list[str]:
    stops = np.array([[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in _SEQUENCE])
    at = np.linspace(0, len(stops) - 1, _STEPS)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.rint(channels).astype(int).T.tolist()]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _moments(values: list[Any]) -> list[float] | None:
    """Convert texts that are dates or times in ISO 8601 to days; None unless all are."""
    instants = [read_instant(value) if isinstance(value, str) else None for value in values]
    moments = [at.microseconds / _DAY for at in instants if at is not None]
    return moments if moments and len(moments) == len(values) else None


def _as_date(day: float) -> str:
    return datetime.date.fromordinal(max(1, math.floor(day))).isoformat()


def _as_moment(day: float) -> str:
    whole = math.floor(day)
    start = datetime.datetime.fromordinal(max(1, whole))
    return f"{start + datetime.timedelta(minutes=round(1440 * (day - whole))):%Y-%m-%d %H:%M}"
