"""What `get`, `peek` and `query` return: Chroma's dicts, that also show themselves.

They are real dicts with Chroma's keys; `df()` and the displays come on top.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from chromalab.engine import Rows
from chromalab.results.tables import data_frame, html_table, text_table
from chromalab.sparse import with_sparse_vectors

if TYPE_CHECKING:
    import pandas

__all__ = ["GetResult", "QueryResult", "get_result", "query_result", "within"]

_SHOWN = 20


class _Result(dict[str, Any]):
    """Chroma's keys, and the displays that both results share."""

    def __repr__(self) -> str:
        columns, rows = self._table()
        return "\n".join(filter(None, [text_table(columns, rows[:_SHOWN]), _cut(len(rows))]))

    def _repr_html_(self) -> str:
        columns, rows = self._table()
        return html_table(columns, rows[:_SHOWN], note=_cut(len(rows)))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        raise NotImplementedError

    def _records(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a record, a column a metadata key.

        A metadata key that is named like a column of the result is prefixed with "metadata.".
        Embeddings, where they were included, are arrays in one column.
        """
        records = self._records()
        return data_frame(records, None if records else ["id"])


class GetResult(_Result):
    """Records: `ids`, `documents`, `metadatas`, `embeddings`, `uris`, `data`, `included`.

    A part that was not included is None.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a"], embeddings=[[1, 0]], documents=["hello"], metadatas=[{"n": 1}])
        >>> notes.get()
        id  document  metadata
        a   hello     n: 1
        >>> notes.get()["documents"]
        ['hello']
    """

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        parts = [name for name in ("documents", "metadatas", "uris") if self[name] is not None]
        columns = ["id", *(_SINGULAR[name] for name in parts)]
        rows = [[id, *(self[name][row] for name in parts)] for row, id in enumerate(self["ids"])]
        return columns, rows

    def _records(self) -> list[dict[str, Any]]:
        return [_record(self, {"id": id}, row, None) for row, id in enumerate(self["ids"])]


class QueryResult(_Result):
    """Nearest records, a list for each query under every key; smaller distances are nearer.

    Attributes:
        queries: The texts that were asked, or "query 1", ... for vectors.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]], documents=["east", "north"])
        >>> notes.query(query_embeddings=[[1, 0.1]], n_results=1)
        query    rank  distance  id  document  metadata
        query 1  1     0.01      a   east
    """

    queries: Sequence[str] = ()

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        parts = [
            name for name in ("distances", "ids", "documents", "metadatas", "uris")
            if self[name] is not None
        ]  # fmt: skip
        rows = [
            [query if rank == 0 else "", rank + 1, *(self[name][at][rank] for name in parts)]
            for at, query in enumerate(self.queries)
            for rank in range(len(self["ids"][at]))
        ]
        columns = ["query", "rank", *(_SINGULAR[name] for name in parts)]
        if len(self.queries) == 1 and not self.queries[0].startswith("query "):
            return columns[1:], [row[1:] for row in rows]
        return columns, rows

    def _repr_html_(self) -> str:
        columns, rows = self._table()
        caption = self.queries[0] if "query" not in columns and self.queries else ""
        return html_table(columns, rows[:_SHOWN], caption=caption, note=_cut(len(rows)))

    def _records(self) -> list[dict[str, Any]]:
        return [
            _record(self, {"query": query, "rank": rank + 1, "id": id}, rank, at)
            for at, query in enumerate(self.queries)
            for rank, id in enumerate(self["ids"][at])
        ]


_SINGULAR = {
    "ids": "id",
    "documents": "document",
    "metadatas": "metadata",
    "embeddings": "embedding",
    "distances": "distance",
    "uris": "uri",
}


def get_result(rows: Rows, include: Sequence[str]) -> GetResult:
    """Make Chroma's `GetResult` of records."""
    return GetResult(
        ids=rows.ids,
        embeddings=rows.vectors,
        documents=rows.documents,
        uris=rows.uris,
        included=list(include),
        data=None,
        metadatas=_metadatas(rows),
    )


def query_result(
    found: Sequence[Rows], include: Sequence[str], queries: Sequence[str]
) -> QueryResult:
    """Make Chroma's `QueryResult` of the records found for each query."""

    def part(name: str, attribute: str) -> list[Any] | None:
        return [getattr(rows, attribute) for rows in found] if name in include else None

    result = QueryResult(
        ids=[rows.ids for rows in found],
        embeddings=part("embeddings", "vectors"),
        documents=part("documents", "documents"),
        uris=part("uris", "uris"),
        included=list(include),
        data=None,
        metadatas=[_metadatas(rows) for rows in found] if "metadatas" in include else None,
        distances=part("distances", "distances"),
    )
    result.queries = list(queries)
    return result


def within(rows: Rows, max_distance: float) -> Rows:
    """Keep the records up to a distance, of records that are nearest first, with distances."""
    kept = bisect_right(rows.distances or [], max_distance)
    cut = {
        part.name: value[:kept]
        for part in fields(rows)
        if (value := getattr(rows, part.name)) is not None
    }
    return replace(rows, **cut)


def _metadatas(rows: Rows) -> list[dict[str, Any] | None] | None:
    return None if rows.metadatas is None else [*map(with_sparse_vectors, rows.metadatas)]


def _record(result: _Result, start: dict[str, Any], row: int, query: int | None) -> dict[str, Any]:
    record = dict(start)
    for name in ("distances", "documents", "uris", "embeddings"):
        values = result.get(name)
        if values is not None:
            record[_SINGULAR[name]] = values[row] if query is None else values[query][row]
    metadatas = result.get("metadatas")
    if metadatas is not None:
        metadata = (metadatas[row] if query is None else metadatas[query][row]) or {}
        taken = {*record, *_SINGULAR.values()}
        record |= {f"metadata.{k}" if k in taken else k: v for k, v in metadata.items()}
    return record


def _cut(count: int) -> str:
    return f"{_SHOWN} of {count:,} shown" if count > _SHOWN else "" if count else "no records"
