"""What `search` returns: Chroma's dict, with a display, `df()`, `rows()`, `why` and `why_not`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chromalab.engine import Rows
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.metadata import Show
from chromalab.results.records import Records
from chromalab.results.tables import Table
from chromalab.sparse import with_sparse_vectors

__all__ = ["SearchResult", "Searched", "Why", "WhyNot", "search_result"]


class Searched(Protocol):
    """A search that ran, as its result needs it; `chromalab.search.trace` implements it."""

    @property
    def label(self) -> str:
        """The texts that were searched for; "" if there were none."""
        ...

    @property
    def select(self) -> list[str]:
        """The names of the parts that were selected."""
        ...

    @property
    def rows(self) -> Rows:
        """The records, best first."""
        ...

    @property
    def scores(self) -> Sequence[float]:
        """One score per record; lower is better."""
        ...

    @property
    def columns(self) -> Mapping[str, Sequence[Any]]:
        """Values that steps show beside the records, by the name of the column."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What a person should know about the result."""
        ...

    def why(self, id: str) -> Why:
        """Return the rank and the score of a returned record after each stage."""
        ...

    def why_not(self, id: str) -> WhyNot:
        """Return the first stage that dropped a record, and by how much it missed."""
        ...


@dataclass(frozen=True, repr=False)
class Why(Table):
    """How a record came into a result.

    Attributes:
        id: The record.
        stages: For each stage in order: its name, its options, the rank of the record after it, from 1,
            and its score. The last two are None where a stage gives none.
    """

    _columns = ("stage", "details", "rank", "score")

    id: str
    stages: tuple[tuple[str, str, int | None, float | None], ...]

    @property
    def lines(self) -> list[str]:
        """One line for each stage that changed its rank or its score."""
        lines, last = [], None
        for stage, details, *now in self.stages:
            rank, score = now
            if rank is not None and now != last:
                lines.append(f"{stage} {details}: number {rank:,}, score {score:.4g}")
                last = now
        return lines

    def _rows(self) -> list[list[Any]]:
        return [list(stage) for stage in self.stages]

    def _heading(self) -> str:
        return f"{short(self.id)} is number {self.stages[-1][2]}"


@dataclass(frozen=True, repr=False)
class WhyNot(Table):
    """Why a record is not in a result.

    Attributes:
        id: The record.
        dropped_by: The first stage that dropped it: its name, its options, and by how much it missed.
            There are several if none of the sources of a rank found it.
    """

    _columns = ("dropped by", "details", "why")

    id: str
    dropped_by: tuple[tuple[str, str, str], ...]

    @property
    def stage(self) -> str:
        """The name of the first stage that dropped it."""
        return self.dropped_by[0][0]

    @property
    def reason(self) -> str:
        """By how much it missed, in words."""
        return "; ".join(dict.fromkeys(why for _, _, why in self.dropped_by))

    @property
    def lines(self) -> list[str]:
        """One line for each stage that dropped it."""
        return [f"{stage} {details}: {why}" for stage, details, why in self.dropped_by]

    def _rows(self) -> list[list[Any]]:
        return [list(stage) for stage in self.dropped_by]

    def _heading(self) -> str:
        return f"{short(self.id)} is not in the result"


class SearchResult(Records):
    """Records by search: `ids`, `documents`, `embeddings`, `metadatas`, `scores`, `select`.

    Each has one entry per search: a list with a value per record, best first, or None if the search did
    not select that part. Lower scores are better.

    Example:
        >>> import chromalab
        >>> from chromalab import K, Knn, Search
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]], documents=["east", "north"])
        >>> result = notes.search(Search().rank(Knn([1, 0.1])).limit(1).select(K.DOCUMENT, K.SCORE))
        >>> result.rows()
        [[{'id': 'a', 'document': 'east', 'score': 0.01...}]]
        >>> result.why_not("b").reason
        'number 2, cut at 1'
    """

    searches: Sequence[Searched] = ()

    def rows(self) -> list[list[dict[str, Any]]]:
        """Return one dict per record, in a list per search; parts without a value are left out."""
        rows = []
        for at, ids in enumerate(self["ids"]):
            given = {one: (self.get(name) or {at: None})[at] for name, one in _PARTS.items()}
            parts = {one: values for one, values in given.items() if values is not None}
            rows.append(
                [
                    {"id": id, **{o: v[row] for o, v in parts.items() if v[row] is not None}}
                    for row, id in enumerate(ids)
                ]
            )
        return rows

    def why(self, id: str, search: int = 0) -> Why:
        """Explain how a record came into the result: its rank and its score after each stage.

        Args:
            id: A record of the result.
            search: The number of the search, from 0, where there are several.

        Raises:
            NotFoundError: The record is not in the result.
        """
        return self._search(search).why(id)

    def why_not(self, id: str, search: int = 0) -> WhyNot:
        """Explain why a record is not in the result: the first stage that dropped it, and by how much.

        Args:
            id: A record of the collection.
            search: The number of the search, from 0, where there are several.

        Raises:
            NotFoundError: The collection has no such record.
            InvalidArgumentError: The record is in the result, or the collection has changed since.
        """
        return self._search(search).why_not(id)

    def _search(self, number: int) -> Searched:
        if not isinstance(number, int) or not 0 <= number < len(self.searches):
            raise InvalidArgumentError(
                f"search must be from 0 to {len(self.searches) - 1}; got {short(number)}."
            )
        return self.searches[number]

    def _is_one_text(self) -> bool:
        return len(self.searches) == 1

    def _shown(self) -> list[str]:
        return [
            name for name in ("documents", "metadatas") if any(p is not None for p in self[name])
        ]

    def _extra(self) -> list[str]:
        return list(dict.fromkeys(name for one in self.searches for name in one.columns))

    def _header(self) -> list[str]:
        columns = ["rank", "score", "id", *self._extra(), *(_PARTS[name] for name in self._shown())]
        return columns if self._is_one_text() else ["search", *columns]

    def _rows(self) -> list[list[Any]]:
        rows = []
        for at, one in enumerate(self.searches):
            for row, id in enumerate(self["ids"][at]):
                label = [one.label or f"search {at + 1}"] if row == 0 else [""]
                extra = [
                    one.columns[name][row] if name in one.columns else None
                    for name in self._extra()
                ]
                parts = [
                    None if self[name][at] is None else self[name][at][row]
                    for name in self._shown()
                ]
                start = [] if self._is_one_text() else label
                rows.append([*start, row + 1, one.scores[row], id, *extra, *parts])
        return rows

    def _caption(self) -> str:
        return self.searches[0].label if self._is_one_text() else ""

    def _heading(self) -> str:
        return ""

    def _note(self) -> str:
        notes = [note for one in self.searches for note in one.notes]
        return "; ".join(filter(None, [super()._note(), *dict.fromkeys(notes)]))

    def _records(self) -> list[dict[str, Any]]:
        records = []
        for at, one in enumerate(self.searches):
            for row, id in enumerate(self["ids"][at]):
                several = {} if self._is_one_text() else {"search": at}
                record = {**several, "rank": row + 1, "id": id, "score": one.scores[row]}
                record |= {name: values[row] for name, values in one.columns.items()}
                for name, part in _PARTS.items():
                    if name != "metadatas" and self[name][at] is not None:
                        record[part] = self[name][at][row]
                metadata = ((self["metadatas"][at] or {}) and self["metadatas"][at][row]) or {}
                record |= {f"metadata.{k}" if k in record else k: v for k, v in metadata.items()}
                records.append(record)
        return records


_PARTS = {
    "documents": "document",
    "embeddings": "embedding",
    "metadatas": "metadata",
    "scores": "score",
}


def search_result(searches: Sequence[Searched], show: Show = None) -> SearchResult:
    """Make a `SearchResult` of searches that ran."""
    result = SearchResult(
        ids=[one.rows.ids for one in searches],
        documents=[one.rows.documents if "#document" in one.select else None for one in searches],
        embeddings=[_embeddings(one) for one in searches],
        metadatas=[_metadatas(one) for one in searches],
        scores=[list(one.scores) if "#score" in one.select else None for one in searches],
        select=[one.select for one in searches],
    )
    result.searches = tuple(searches)
    result.show = _selected_keys(searches) if show is None else show
    return result


def _selected_keys(searches: Sequence[Searched]) -> Show:
    """Return the metadata keys that searches selected, which are displayed; None for a few of all."""
    names = [name for one in searches for name in one.select]
    keys = list(dict.fromkeys(name for name in names if not name.startswith("#")))
    return None if "#metadata" in names else keys or None


def _embeddings(one: Searched) -> list[list[float]] | None:
    if "#embedding" not in one.select or one.rows.vectors is None:
        return None
    return one.rows.vectors.tolist()  # type: ignore[no-any-return]


def _metadatas(one: Searched) -> list[dict[str, Any] | None] | None:
    """Return the selected metadata of each record; None for a record that has none of it."""
    keys = [name for name in one.select if not name.startswith("#")]
    everything = "#metadata" in one.select
    if one.rows.metadatas is None or not (keys or everything):
        return None
    held = map(with_sparse_vectors, one.rows.metadatas)
    if everything:
        return [metadata or None for metadata in held]
    return [{key: m[key] for key in keys if key in m} or None if m else None for m in held]
