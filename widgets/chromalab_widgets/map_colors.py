"""What colours the points of a map: values of the records as codes of one byte, with a legend."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError
from chromalab_widgets.base import cut

__all__ = ["Coloring", "color_values", "plain"]

# Okabe and Ito's palette, which the colour-blind can tell apart: https://jfly.uni-koeln.de/color/
# The eighth is a violet in place of their black, which a dark page would swallow.
_CATEGORIES = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#d8c614", "#7b6fd0",
)  # fmt: skip
_OTHER, _MISSING = "#8c8c8c", "#b8b8b8"
# Viridis: even in lightness, so that it can be read in grey, too.
_SEQUENCE = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip
_STEPS = 64
_BINS = 6
_FEW = 8  # distinct whole numbers are categories, more are a scale
_LABEL_SHOWN = 60


@dataclass(frozen=True, eq=False)
class Coloring:
    """A code a record, and what the codes mean.

    Attributes:
        title: What the colours show.
        kind: "none", "categories", "numbers" or "dates".
        codes: (n,) uint8, places in the palette.
        palette: Colours as #rrggbb.
        entries: Of the legend: `label`, `count`, and the codes `low` to `high`, both included.
        values: For each entry of categories, its value; for others nothing.
    """

    title: str
    kind: str
    codes: NDArray[np.uint8]
    palette: list[str]
    entries: list[dict[str, Any]]
    values: tuple[Any, ...] = ()

    def legend(self) -> dict[str, Any]:
        """Return what the browser draws."""
        return {
            "title": self.title, "kind": self.kind, "palette": self.palette, "entries": self.entries,
        }  # fmt: skip

    def rows(self, entry: int) -> NDArray[np.intp]:
        """Return the rows of an entry of the legend."""
        low, high = self.entries[entry]["low"], self.entries[entry]["high"]
        return np.flatnonzero((self.codes >= low) & (self.codes <= high))


def plain(count: int) -> Coloring:
    """Give all points one colour."""
    return Coloring("", "none", np.zeros(count, dtype=np.uint8), [_CATEGORIES[0]], [])


def color_values(
    values: Sequence[Any] | NDArray[Any], count: int, title: str, *, named: bool = False
) -> Coloring:
    """Code one value a record: categories, numbers or dates, as the values are.

    Args:
        values: Texts, numbers, booleans, dates or ISO texts of them; None for none.
        count: Of the records.
        title: What they are.
        named: Whether whole numbers are names, however many there are.

    Raises:
        InvalidArgumentError: there is not one value a record.
    """
    given = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if len(given) != count:
        raise InvalidArgumentError(
            f"{len(given):,} values to colour {count:,} records: give one each."
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
        label = f"{len(frequent) - len(shown):,} others"
        entries.append({"label": label, "count": rest, "low": other, "high": other})
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
        count = int(((codes >= first) & (codes < after)).sum())
        entries.append(
            {"label": " – ".join(ends), "count": count, "low": first, "high": after - 1}  # noqa: RUF001
        )
    if not there.all():
        count = int((~there).sum())
        entries.append({"label": "none", "count": count, "low": _STEPS, "high": _STEPS})
    return Coloring(title, kind, codes, [*_ramp(), _MISSING], entries)


def _number_label(numbers: list[Any], whole: bool) -> Callable[[float], str]:
    """Make what writes numbers out with as many decimals as tell the bins apart."""
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
    """Read dates, or ISO texts that begin with one, as days; None unless all of them are."""
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
