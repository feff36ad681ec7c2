"""`Distinct` and `Description`: what a collection holds, counted; they show themselves as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chromalab.engine import Counts, Facts, Spread
from chromalab.errors import printable
from chromalab.results.tables import data_frame, html_table, one_line, text_table
from chromalab.sparse import with_sparse_vectors

if TYPE_CHECKING:
    import pandas

__all__ = ["Description", "Distinct", "description", "distinct_values"]

_SHOWN = 20
_COLUMNS = ("key", "types", "missing", "distinct", "min", "max", "examples")


@dataclass(frozen=True, repr=False)
class Distinct(Sequence[tuple[Any, int]]):
    """The values of a metadata key, most frequent first: a sequence of (value, count).

    1, 1.0 and True are three values. A list counts as its elements, each once a record.

    Attributes:
        key: The key.
        values: The values; equally frequent ones go numbers, texts, booleans.
        counts: In how many records each stands.
        missing: How many records lack the key.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> kinds = [{"kind": kind} for kind in ("tea", "chalk", "tea")]
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0], [1], [2]], metadatas=kinds)
        >>> points.distinct("kind")
        kind   count
        tea    2
        chalk  1
        >>> list(points.distinct("kind"))
        [('tea', 2), ('chalk', 1)]
    """

    key: str
    values: tuple[Any, ...]
    counts: tuple[int, ...]
    missing: int

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, at: Any) -> Any:
        pairs = list(zip(self.values, self.counts, strict=True)) if isinstance(at, slice) else None
        return (self.values[at], self.counts[at]) if pairs is None else pairs[at]

    def __repr__(self) -> str:
        table = text_table([one_line(self.key), "count"], self._rows()) if self.values else ""
        return "\n".join(filter(None, [table, self._note()]))

    def _repr_html_(self) -> str:
        return html_table([one_line(self.key), "count"], self._rows(), note=self._note())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a value, with the columns value and count."""
        return data_frame(list(self), ["value", "count"])

    def _rows(self) -> list[list[Any]]:
        pairs = zip(self.values[:_SHOWN], self.counts, strict=False)
        return [[_plain(value), count] for value, count in pairs]

    def _note(self) -> str:
        cut = f"{_SHOWN} of {len(self):,} shown" if len(self) > _SHOWN else ""
        without = f"{self.missing:,} without it" if self.missing else ""
        return ", ".join(filter(None, [cut, without])) or ("" if self.values else "no values")


@dataclass(frozen=True, repr=False)
class Description(Facts):
    """What a collection holds: `Facts`, and what the collection is.

    Attributes:
        collection: Its name.
        model: The name of its embedding function.
        space: The distance: l2, cosine or ip.
        index: How far its index is, in words.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]], metadatas=[{"n": 1}, {"n": 2}])
        >>> points.describe().zero_vectors
        1
        >>> points.describe().df()["distinct"].tolist()
        [2]
    """

    collection: str
    model: str
    space: str
    index: str

    def __repr__(self) -> str:
        summary = text_table(["collection", printable(self.collection)], self._summary(), width=110)
        keys = text_table(_COLUMNS, self._rows(), width=32) if self.keys else "no metadata"
        return f"{summary}\n\n{keys}"

    def _repr_html_(self) -> str:
        summary = html_table(["collection", printable(self.collection)], self._summary())
        return summary + html_table(_COLUMNS, self._rows(), note="" if self.keys else "no metadata")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a metadata key."""
        rows = [
            [k.key, list(k.types), k.missing, k.distinct, k.min, k.max, _read(k.examples)]
            for k in self.keys
        ]
        return data_frame(rows, _COLUMNS)

    def _summary(self) -> list[list[str]]:
        vectors = f"{self.dimension} dimensions, {self.space}, model: {self.model}"
        if self.norms:
            vectors += (
                f"; norms {_range(self.norms)}; {self.zero_vectors:,} zero, "
                f"{self.duplicate_vectors:,} duplicate"
            )
        documents = f"{self.records - self.documents:,} missing"
        if self.lengths:
            documents += (
                f"; {_range(self.lengths)} characters; {self.duplicate_documents:,} duplicate"
            )
        return [
            ["records", f"{self.records:,}"],
            ["embeddings", "none yet" if self.dimension is None else vectors],
            ["documents", documents],
            ["vector file", f"{self.bytes / 1e6:,.1f} MB, {self.dead_rows:,} dead rows"],
            ["index", self.index],
        ]

    def _rows(self) -> list[list[Any]]:
        return [
            [
                one_line(k.key),
                ", ".join(k.types),
                k.missing,
                k.distinct,
                _plain(k.min),
                _plain(k.max),
                ", ".join(one_line(_plain(value), 24) for value in _read(k.examples)),
            ]
            for k in self.keys
        ]


def distinct_values(key: str, counts: Counts) -> Distinct:
    """Make a `Distinct` of what the engine counted."""
    return Distinct(key, tuple(_read(counts.values)), counts.counts, counts.missing)


def description(
    facts: Facts, collection: str, *, model: str, space: str, index: str
) -> Description:
    """Make a `Description` of what the engine read."""
    return Description(**vars(facts), collection=collection, model=model, space=space, index=index)


def _read(values: Sequence[Any]) -> list[Any]:
    """Make sparse vectors of what is stored as such."""
    return [
        (with_sparse_vectors({"": value}) or {})[""] if isinstance(value, dict) else value
        for value in values
    ]


def _plain(value: Any) -> Any:
    """Show a float in full: in a table of values two of them must not look the same."""
    return repr(value) if isinstance(value, float) else value


def _range(spread: Spread) -> str:
    return f"{spread.min:,.4g} to {spread.max:,.4g} (median {spread.median:,.4g})"
