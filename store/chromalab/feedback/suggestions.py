"""`Suggestions`: the judgements that would teach most, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chromalab.results.tables import html_table, text_table
from chromalab.errors import printable
from chromalab.results.tables import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["Suggestion", "Suggestions"]

_SHOWN = 20
_COLUMNS = ("query", "id", "document", "why", "score")


@dataclass(frozen=True)
class Suggestion:
    """A record to judge as an answer to a query.

    Attributes:
        query: The query as it is shown.
        id: The record.
        document: Its text, "" where it has none.
        why: Why this one, in words.
        score: How much rankings differ about it, 0 to 0.5; a quarter of that where it is shown already.
        ask: What `feedback.add` takes as the query: the text, or a vector; of a judged pair of
            records the vector of the one that is compared.
    """

    query: str
    id: str
    document: str
    why: str
    score: float
    ask: Any = field(repr=False, compare=False, default=None)


@dataclass(frozen=True, repr=False)
class Suggestions:
    """Records to judge, the most informative first.

    Attributes:
        collection: The name of the collection.
        found: Each.
        note: How they were found, and what was not looked at.

    Example:
        >>> one = Suggestion("hot drinks", "a", "tea", "rank 14 without, 3 with: the rankings disagree", 0.2)
        >>> Suggestions("notes", (one,))
        notes: 1 record to judge
        query       id  document  why                                             score
        hot drinks  a   tea       rank 14 without, 3 with: the rankings disagree  0.2
    """

    collection: str
    found: tuple[Suggestion, ...]
    note: str = ""

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.found)

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a record to judge."""
        return data_frame(self._rows(), _COLUMNS)

    def __repr__(self) -> str:
        rows = self._rows()[:_SHOWN]
        table = [text_table(_COLUMNS, rows)] if rows else []
        return "\n".join([self._heading(), *table, *filter(None, [self._about()])])

    def _repr_html_(self) -> str:
        rows = self._rows()[:_SHOWN]
        return html_table(_COLUMNS, rows, caption=self._heading(), note=self._about())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def _heading(self) -> str:
        count = f"{len(self):,} record{'' if len(self) == 1 else 's'}"
        return f"{printable(self.collection)}: {count} to judge"

    def _about(self) -> str:
        cut = f"{_SHOWN} of {len(self):,} shown" if len(self) > _SHOWN else ""
        return "; ".join(filter(None, [cut, self.note]))

    def _rows(self) -> list[list[Any]]:
        return [[s.query, s.id, s.document, s.why, round(s.score, 3)] for s in self.found]
