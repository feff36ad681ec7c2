"""`result.why` and `result.why_not`: one record's way through the stages of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chromalab.arguments.values import check_ids
from chromalab.engine import Filter, Reader, Rows
from chromalab.errors import InvalidArgumentError, NotFoundError, short
from chromalab.handle import Handle
from chromalab.results.search import Why, WhyNot
from chromalab.search.ledger import Stage
from chromalab.search.prepared import Prepared
from chromalab.search.ranks import Knn
from chromalab.search.request import Search
from chromalab.search.run import Ran

__all__ = ["Trace"]


@dataclass(frozen=True)
class Trace:
    """A search that ran on a collection, as its result knows it.

    Attributes:
        collection: The collection.
        prepared: The search.
        ran: Its stages and its records.
    """

    collection: Handle
    prepared: Prepared
    ran: Ran

    @property
    def label(self) -> str:
        """The texts that were searched for; "" if there were none."""
        texts = [s.source.query for s in self.prepared.sources if isinstance(s.source.query, str)]
        return ", ".join(dict.fromkeys(texts))

    @property
    def select(self) -> list[str]:
        """The names of the parts that were selected."""
        return self.prepared.search._select.names

    @property
    def rows(self) -> Rows:
        """The records, best first."""
        return self.ran.rows

    @property
    def scores(self) -> Sequence[float]:
        """One score per record; lower is better."""
        return self.ran.scores

    @property
    def columns(self) -> Mapping[str, Sequence[Any]]:
        """Values that steps show beside the records, by the name of the column."""
        return self.ran.columns

    @property
    def notes(self) -> Sequence[str]:
        """What a person should know about the result."""
        return self.ran.notes

    def __deepcopy__(self, memo: dict[int, Any]) -> Trace:
        return self  # nothing changes it

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the functions of steps, which may not be picklable."""
        sources = [
            replace(
                s, source=replace(s.source, steps=()) if isinstance(s.source, Knn) else s.source
            )
            for s in self.prepared.sources
        ]
        search = Search(select=self.prepared.search._select)
        return {**vars(self), "prepared": Prepared(search, Filter(), sources)}

    def why(self, id: str) -> Why:
        """Return the rank and the score of a returned record after each stage."""
        (id,), ids = check_ids(id), self.ran.rows.ids
        if id not in ids:
            raise NotFoundError(
                f"The record {short(id)} is not in this result; why_not({short(id)}) says why."
            )
        last = self.ran.last.candidates
        assert last is not None
        position = int(last.positions[ids.index(id)])
        return Why(id, tuple(_passed(stage, position) for stage in self.ran.last.in_order()))

    def why_not(self, id: str) -> WhyNot:
        """Return the first stage that dropped a record, and by how much it missed."""
        (id,) = check_ids(id)
        if self.ran.last.missed is None:
            raise InvalidArgumentError(
                "This result was pickled, which leaves out what why_not asks. Run the search again, then ask."
            )

        def read(reader: Reader) -> WhyNot:
            if reader.version != self.ran.version:
                raise InvalidArgumentError(
                    "The collection has changed since this search. Run the search again, then ask."
                )
            (position,) = reader.locate([id]).tolist()
            if position < 0:
                raise NotFoundError(f"There is no record {short(id)} in {self.collection.name!r}.")
            found = self.ran.last.dropped_by(reader, position)
            if not found:
                raise InvalidArgumentError(
                    f"The record {short(id)} is in this result; why({short(id)}) says how it came there."
                )
            return WhyNot(id, tuple((stage.name, stage.details, why) for stage, why in found))

        return self.collection.engine.reading(self.collection.id, read)


def _passed(stage: Stage, position: int) -> tuple[str, str, int | None, float | None]:
    rank = stage.rank_of(position)
    if rank is None or stage.candidates is None:
        return stage.name, stage.details, None, None
    return stage.name, stage.details, rank + 1, float(stage.candidates.scores[rank])
