"""Steps for records that are chunks of a document: one result per document, and the chunks around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chromalab.arguments.records import read_filter
from chromalab.arguments.values import check_limit
from chromalab.errors import short
from chromalab.search.keys import Key, name_of_key
from chromalab.search.steps.step import Candidates, Kept, Records, Step, steps

__all__ = ["Collapse"]


@steps.add
@dataclass(frozen=True)
class Collapse(Step):
    r"""Keep the best record of each document, and show the text around it.

    Attributes:
        parent: The metadata key that names the document. Records without it are kept.
        order: The metadata key of a record's place in its document, such as the number of the chunk or
            its start; needed for neighbors.
        neighbors: The number of records before and after it whose documents are joined to the column
            "context"; 0 for none.

    Example:
        >>> import chromalab
        >>> chunks = chromalab.EphemeralClient().create_collection("chunks", embedding_function=None)
        >>> where = [{"book": "x", "n": 1}, {"book": "x", "n": 2}, {"book": "y", "n": 1}]
        >>> chunks.add(
        ...     ids=["a", "b", "c"], embeddings=[[0], [1], [5]], documents=["one", "two", "three"],
        ...     metadatas=where,
        ... )
        >>> collapse = Collapse("book", order="n", neighbors=1)
        >>> result = chunks.search(chromalab.Search().rank(chromalab.Knn([1])).then(collapse))
        >>> result["ids"], result.df()["context"].tolist()
        ([['b', 'c']], ['one\ntwo', 'three'])
    """

    form: ClassVar[str] = "$collapse"
    parent: Key | str
    order: Key | str | None = None
    neighbors: int = 0

    def __post_init__(self) -> None:
        """Check the keys and the number."""
        object.__setattr__(self, "parent", name_of_key(self.parent, "parent of Collapse"))
        if self.order is not None:
            object.__setattr__(self, "order", name_of_key(self.order, "order of Collapse"))
        object.__setattr__(
            self, "neighbors", check_limit("neighbors of Collapse", self.neighbors) or 0
        )

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Keep the first record of each parent."""
        assert isinstance(self.parent, str)
        parents = records.values(self.parent, candidates)
        first: dict[Any, int] = {}
        kept, dropped = [], []
        for row, parent in enumerate(parents):
            if parent is None or first.setdefault(_hashable(parent), row) == row:
                kept.append(row)
            else:
                dropped.append(row)
        columns = {}
        if self.neighbors and self.order is not None:
            held = candidates.take(np.array(kept, dtype=np.int64))
            columns["context"] = [
                self._context(records, held.take(np.array([row])), parents[at])
                for row, at in enumerate(kept)
            ]
        ids = records.ids(candidates)
        return Kept(
            np.array(kept, dtype=np.int64),
            {"not the best of its document": np.array(dropped, dtype=np.int64)},
            detail=lambda row: (
                f"{short(ids[first[_hashable(parents[row])]])} of the same document is better"
            ),
            columns=columns,
        )

    def _context(self, records: Records, record: Candidates, parent: Any) -> str | None:
        """Join the documents of a record and of those before and after it in the same parent."""
        assert isinstance(self.order, str)
        if parent is None or isinstance(parent, list):  # a list names no document
            return records.documents(record)[0]
        same = records.reader.matching(read_filter(None, {self.parent: parent}, None))
        places = records.reader.values(self.order, same)
        known = zip(places, same.tolist(), strict=True)
        positions = [at for place, at in sorted(known, key=_placed) if place is not None]
        (own,) = record.positions.tolist()
        if own not in positions:
            return records.documents(record)[0]
        at = positions.index(own)
        around = positions[max(at - self.neighbors, 0) : at + self.neighbors + 1]
        texts = records.reader.rows(np.array(around), {"documents"}).documents or []
        return "\n".join(text for text in texts if text)


def _placed(known: tuple[Any, int]) -> tuple[bool, Any, int]:
    place, position = known
    return place is None, 0 if place is None else place, position


def _hashable(value: Any) -> Any:
    return (type(value).__name__, tuple(value) if isinstance(value, list) else value)
