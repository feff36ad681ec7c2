"""What the calls about judgements return, and how it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromalab.display import html_table, text_table
from chromalab.errors import printable
from chromalab.feedback.judgement import Judgement
from chromalab.frames import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Disagreement",
    "Disagreements",
    "Exported",
    "Judgements",
    "Noted",
    "overview",
    "row_of",
    "summary",
]

_SHOWN = 20
_FIELDS = (
    "number", "query", "query_id", "vector", "id", "relevance", "weight", "note", "by", "at",
    "source", "shown", "transform", "model",
)  # fmt: skip


@dataclass(frozen=True)
class Noted:
    """What a call that judges did.

    Attributes:
        collection: The name of the collection.
        count: Judgements that were added.
        numbers: The number of each, by which `remove` takes it away.
        left_out: Why others were not, and how many.

    Example:
        >>> Noted("papers", 2, (1, 2), {"no such record": 12})
        papers: 2 judgements added, 12 left out: no such record
    """

    collection: str
    count: int
    numbers: tuple[int, ...] = field(repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        out = "".join(f", {count:,} left out: {why}" for why, count in self.left_out.items())
        return f"{printable(self.collection)}: {_judgements(self.count)} added{out}"

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a judgement that was added."""
        return data_frame([[number] for number in self.numbers], ["number"])


@dataclass(frozen=True)
class Exported:
    """Judgements that were written to a file.

    Attributes:
        path: The file.
        count: How many.

    Example:
        >>> Exported(Path("said.jsonl"), 3)
        3 judgements written to said.jsonl
    """

    path: Path
    count: int

    def __repr__(self) -> str:
        return f"{_judgements(self.count)} written to {printable(str(self.path))}"


@dataclass(frozen=True, repr=False)
class Judgements:
    """Some judgements, in the order they were made.

    Attributes:
        judgements: Each.
        title: What they are.

    Example:
        >>> Judgements((Judgement("a", 1.0, query="tea", by="ada", at="2026-01-31T12:00:00+00:00"),))
        1 judgement
        query  record  relevance  by   at                         note
        tea    a       1          ada  2026-01-31T12:00:00+00:00
    """

    judgements: tuple[Judgement, ...]
    title: str = ""

    def __len__(self) -> int:
        return len(self.judgements)

    def __iter__(self) -> Iterator[Judgement]:
        return iter(self.judgements)

    def __repr__(self) -> str:
        return "\n".join([self._heading(), *_text(*self._table(), len(self))])

    def _repr_html_(self) -> str:
        columns, rows = self._table()
        return html_table(columns, rows, caption=self._heading(), note=_cut(len(self)))

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a judgement."""
        return data_frame([row_of(judgement) for judgement in self], _FIELDS)

    def _heading(self) -> str:
        return f"{_judgements(len(self))} {printable(self.title)}".strip()

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        rows = [[j.label, j.id, j.relevance, j.by, j.at, j.note] for j in self.judgements[-_SHOWN:]]
        return ["query", "record", "relevance", "by", "at", "note"], rows


@dataclass(frozen=True)
class Disagreement:
    """A query and a record of which the opposite was said.

    Attributes:
        query: The query as it is shown.
        id: The record.
        relevant: Who said that it is relevant, and when.
        other: Who said that it is not.
    """

    query: str
    id: str
    relevant: tuple[Judgement, ...]
    other: tuple[Judgement, ...]


@dataclass(frozen=True, repr=False)
class Disagreements:
    """Where people disagree, with each other or with themselves at another time.

    Attributes:
        found: Each, in the order of the first judgement.

    Example:
        >>> said = [Judgement("a", grade, query="tea", by=who, at="2026-01-31T12:00:00+00:00")
        ...         for grade, who in ((1.0, "ada"), (-1.0, "bob"))]
        >>> Disagreements((Disagreement("tea", "a", (said[0],), (said[1],)),))
        1 disagreement
        query  record  relevant                       not
        tea    a       ada 2026-01-31T12:00:00+00:00  bob 2026-01-31T12:00:00+00:00
    """

    found: tuple[Disagreement, ...]

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Disagreement]:
        return iter(self.found)

    def __repr__(self) -> str:
        return "\n".join([self._heading(), *_text(*self._table(), len(self))])

    def _repr_html_(self) -> str:
        columns, rows = self._table()
        return html_table(columns, rows, caption=self._heading(), note=_cut(len(self)))

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a judgement that is part of a disagreement."""
        said = [(at, j) for at, d in enumerate(self) for j in (*d.relevant, *d.other)]
        rows = [[at, *row_of(judgement)] for at, judgement in said]
        return data_frame(rows, ["disagreement", *_FIELDS])

    def _heading(self) -> str:
        return f"{len(self):,} disagreement{'' if len(self) == 1 else 's'}"

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        rows = [[d.query, d.id, _who(d.relevant), _who(d.other)] for d in self.found[:_SHOWN]]
        return ["query", "record", "relevant", "not"], rows


def summary(name: str, judgements: Sequence[Judgement], strange: int) -> str:
    """Say in a line how much was judged, and by whom."""
    queries = len({judgement.asked for judgement in judgements})
    records = len({judgement.id for judgement in judgements})
    relevant = sum(judgement.is_relevant for judgement in judgements)
    by = Counter(judgement.by or "nobody named" for judgement in judgements).most_common()
    people = ", ".join(f"{printable(who)[:40]} {count:,}" for who, count in by[:5])
    more = f", {len(by) - 5:,} others" if len(by) > 5 else ""
    odd = f"; {strange:,} rows are no judgements and left out" if strange else ""
    if not judgements:
        return f"{printable(name)}: no judgements yet{odd}"
    return (
        f"{printable(name)}: {_judgements(len(judgements))} of {queries:,} "
        f"{'query' if queries == 1 else 'queries'} and {records:,} record"
        f"{'' if records == 1 else 's'}; {relevant:,} relevant, {len(judgements) - relevant:,} not; "
        f"by {people}{more}{odd}"
    )


def overview(judgements: Sequence[Judgement]) -> tuple[list[str], list[list[Any]], str]:
    """Make a table of queries, those that were judged last first, and a note on what it lacks."""
    groups: dict[tuple[Any, ...], list[Judgement]] = {}
    for judgement in judgements:
        group = groups.pop(judgement.asked, [])  # to the end
        group.append(judgement)
        groups[judgement.asked] = group
    rows = []
    for group in list(groups.values())[::-1][:_SHOWN]:
        relevant = sum(judgement.is_relevant for judgement in group)
        by = ", ".join(sorted({judgement.by or "" for judgement in group} - {""}))
        rows.append([group[-1].label, relevant, len(group) - relevant, by, group[-1].at])
    return ["query", "relevant", "not", "by", "last"], rows, _cut(len(groups))


def row_of(judgement: Judgement) -> list[Any]:
    """Give the values of a row of a DataFrame."""
    return [getattr(judgement, name) for name in _FIELDS]


def _who(said: Sequence[Judgement]) -> str:
    return ", ".join(f"{judgement.by or 'somebody'} {judgement.at}" for judgement in said)


def _judgements(count: int) -> str:
    return f"{count:,} judgement{'' if count == 1 else 's'}"


def _text(columns: Sequence[str], rows: Sequence[Sequence[Any]], count: int) -> list[str]:
    return [text_table(columns, rows), _cut(count)][: 1 + (count > _SHOWN)] if rows else []


def _cut(count: int) -> str:
    return f"{_SHOWN} of {count:,} shown" if count > _SHOWN else ""
