"""What the calls about judgments return, and how it is displayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromalab.errors import printable
from chromalab.judgments.judgment import Judgment
from chromalab.results.tables import Table, count, cut, data_frame

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Disagreement",
    "Disagreements",
    "ExportResult",
    "FeedbackResult",
    "Judgments",
    "Overview",
]

_FIELDS = (
    "number", "query", "query_id", "vector", "id", "relevance", "weight", "note", "by", "at",
    "source", "shown", "transform", "model",
)  # fmt: skip


@dataclass(frozen=True)
class FeedbackResult:
    """The outcome of a call that adds judgments.

    Attributes:
        collection: The name of the collection.
        count: The number of judgments that were added.
        numbers: The number of each, by which `remove` removes it.
        left_out: Why others were left out, and how many.

    Example:
        >>> FeedbackResult("papers", 2, (1, 2), {"no such record": 12})
        papers: 2 judgments added, 12 left out: no such record
    """

    collection: str
    count: int
    numbers: tuple[int, ...] = field(repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        out = "".join(f", {number:,} left out: {why}" for why, number in self.left_out.items())
        return f"{printable(self.collection)}: {count(self.count, 'judgment')} added{out}"

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per judgment that was added."""
        return data_frame([[number] for number in self.numbers], ["number"])


@dataclass(frozen=True)
class ExportResult:
    """The outcome of writing judgments to a file.

    Attributes:
        path: The file.
        count: The number of judgments.

    Example:
        >>> ExportResult(Path("judgments.jsonl"), 3)
        3 judgments written to judgments.jsonl
    """

    path: Path
    count: int

    def __repr__(self) -> str:
        return f"{count(self.count, 'judgment')} written to {printable(str(self.path))}"


@dataclass(frozen=True, repr=False)
class Judgments(Table):
    """A list of judgments, in the order in which they were made.

    Attributes:
        judgments: The judgments.
        title: What happened to them, such as "removed".

    Example:
        >>> Judgments((Judgment("a", 1.0, query="tea", by="ada", at="2026-01-31T12:00:00+00:00"),))
        1 judgment
        query  record  relevance  by   at                         note
        tea    a       1          ada  2026-01-31T12:00:00+00:00
    """

    judgments: tuple[Judgment, ...]
    title: str = ""

    _columns = ("query", "record", "relevance", "by", "at", "note")

    def __len__(self) -> int:
        return len(self.judgments)

    def __iter__(self) -> Iterator[Judgment]:
        return iter(self.judgments)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per judgment and all its fields."""
        return data_frame([_values(judgment) for judgment in self], _FIELDS)

    def _heading(self) -> str:
        return f"{count(len(self), 'judgment')} {printable(self.title)}".strip()

    def _note(self) -> str:
        return cut(self._limit, len(self))

    def _rows(self) -> list[list[Any]]:
        """Return the rows that are displayed: those of the latest judgments."""
        return [
            [j.label, j.id, j.relevance, j.by, j.at, j.note] for j in self.judgments[-self._limit :]
        ]


@dataclass(frozen=True)
class Disagreement:
    """A query and a record with judgments for and against.

    Attributes:
        query: The query as it is displayed.
        id: The record.
        relevant: The judgments that it is relevant.
        other: The judgments that it is not.
    """

    query: str
    id: str
    relevant: tuple[Judgment, ...]
    other: tuple[Judgment, ...]


@dataclass(frozen=True, repr=False)
class Disagreements(Table):
    """Where people disagree with each other, or with their own earlier judgments.

    Attributes:
        found: The disagreements, in the order of their first judgments.

    Example:
        >>> both = [Judgment("a", grade, query="tea", by=who, at="2026-01-31T12:00:00+00:00")
        ...         for grade, who in ((1.0, "ada"), (-1.0, "bob"))]
        >>> Disagreements((Disagreement("tea", "a", (both[0],), (both[1],)),))
        1 disagreement
        query  record  relevant                       not
        tea    a       ada 2026-01-31T12:00:00+00:00  bob 2026-01-31T12:00:00+00:00
    """

    found: tuple[Disagreement, ...]

    _columns = ("query", "record", "relevant", "not")

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Disagreement]:
        return iter(self.found)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per judgment that is part of a disagreement."""
        numbered = [(at, j) for at, d in enumerate(self) for j in (*d.relevant, *d.other)]
        rows = [[at, *_values(judgment)] for at, judgment in numbered]
        return data_frame(rows, ["disagreement", *_FIELDS])

    def _heading(self) -> str:
        return count(len(self), "disagreement")

    def _rows(self) -> list[list[Any]]:
        return [[d.query, d.id, _authors(d.relevant), _authors(d.other)] for d in self.found]


@dataclass(frozen=True, repr=False)
class Overview(Table):
    """The judgments of a collection by query, the latest judged query first.

    Attributes:
        collection: The name of the collection.
        judgments: The judgments.
        invalid: The number of stored rows that are not judgments.

    Example:
        >>> Overview("notes", [Judgment("a", 1.0, query="tea", by="ada", at="2026-01-31T12:00:00+00:00")])
        notes: 1 judgment of 1 query and 1 record; 1 relevant, 0 not; by ada 1
        query  relevant  not  by   last
        tea    1         0    ada  2026-01-31 12:00
    """

    collection: str
    judgments: Sequence[Judgment]
    invalid: int = 0

    _columns = ("query", "relevant", "not", "by", "last")

    def _heading(self) -> str:
        name, judgments = printable(self.collection), self.judgments
        odd = f"; {self.invalid:,} rows are not judgments and are left out" if self.invalid else ""
        if not judgments:
            return f"{name}: no judgments yet{odd}"
        queries = count(len({judgment.asked for judgment in judgments}), "query", "queries")
        records = count(len({judgment.id for judgment in judgments}), "record")
        relevant = sum(judgment.is_relevant for judgment in judgments)
        by = Counter(judgment.by or "unknown" for judgment in judgments).most_common()
        people = ", ".join(f"{printable(who)[:40]} {number:,}" for who, number in by[:5])
        more = f", {len(by) - 5:,} others" if len(by) > 5 else ""
        return (
            f"{name}: {count(len(judgments), 'judgment')} of {queries} and {records}; "
            f"{relevant:,} relevant, {len(judgments) - relevant:,} not; by {people}{more}{odd}"
        )

    def _rows(self) -> list[list[Any]]:
        groups: dict[tuple[Any, ...], list[Judgment]] = {}
        for judgment in self.judgments:
            group = groups.pop(judgment.asked, [])  # Moves the query to the end.
            group.append(judgment)
            groups[judgment.asked] = group
        rows = []
        for group in list(groups.values())[::-1]:
            relevant = sum(judgment.is_relevant for judgment in group)
            by = ", ".join(sorted({judgment.by or "" for judgment in group} - {""}))
            last = group[-1].at[:16].replace("T", " ")  # in UTC, to the minute
            rows.append([group[-1].label, relevant, len(group) - relevant, by, last])
        return rows


def _values(judgment: Judgment) -> list[Any]:
    return [getattr(judgment, name) for name in _FIELDS]


def _authors(judgments: Sequence[Judgment]) -> str:
    return ", ".join(f"{judgment.by or 'unknown'} {judgment.at}" for judgment in judgments)
