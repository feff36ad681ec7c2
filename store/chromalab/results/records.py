"""What `get`, `peek` and `query` return: Chroma's dicts, with a display and `df()`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from chromalab.engine import Rows
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.metadata import Show, shown_keys
from chromalab.results.tables import Table, cut, data_frame, html_table, text_table
from chromalab.sparse import with_sparse_vectors
from chromalab.types import DataLoader

if TYPE_CHECKING:
    import pandas

__all__ = [
    "PARTS",
    "GetResult",
    "QueryResult",
    "Records",
    "fields_of",
    "get_result",
    "query_result",
    "within",
]

PARTS = ("documents", "embeddings", "metadatas", "uris", "data")
"""What `include` may name."""


class Records(Table, dict[str, Any]):
    """Chroma's keys, and the display that both results share.

    Attributes:
        show: The metadata keys that are displayed, each as a column; by default, one column has the most
            useful ones. `df()` has all of them.
    """

    show: Show = None

    def _with_metadata(
        self, header: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> tuple[list[str], list[list[Any]]]:
        """Return the header and the rows of the table, with the metadata keys to display."""
        at = _metadata_column(header)
        if at < 0:
            return list(header), [list(row) for row in rows]
        found = [row[at] or {} for row in rows]
        keys = shown_keys(self.show, found)
        if self.show is not None:
            cells = [[metadata.get(key) for key in keys] for metadata in found]
            names = keys
        else:  # on one line, which is cut: the others follow, as far as there is room
            cells = [[{key: m[key] for key in (*keys, *m) if key in m}] for m in found]
            names = ["metadata"]
        return (
            [*header[:at], *names, *header[at + 1 :]],
            [[*row[:at], *new, *row[at + 1 :]] for row, new in zip(rows, cells, strict=True)],
        )

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        """Return the header and the rows that are displayed."""
        return self._with_metadata(self._header(), self._rows()[: self._limit])

    def __repr__(self) -> str:
        header, rows = self._table()
        table = text_table(header, rows) if rows else ""
        return "\n".join(filter(None, [self._heading(), table, self._note()]))

    def _repr_html_(self) -> str:
        header, rows = self._table()
        return html_table(header, rows, caption=self._caption(), note=self._note())

    def _caption(self) -> str:
        return ""

    def _records(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def _note(self) -> str:
        rows = self._rows()
        if not rows:
            return "no records"
        return "; ".join(filter(None, [cut(self._limit, len(rows)), self._unknown(rows)]))

    def _unknown(self, rows: Sequence[Sequence[Any]]) -> str:
        """Return a note about the keys to display that none of the records has."""
        at = _metadata_column(self._header())
        if at < 0:
            return ""
        known = {key for row in rows for key in row[at] or ()}
        missing = [short(key) for key in shown_keys(self.show, ()) if key not in known]
        return f"no record here has {', '.join(missing)}" if missing else ""

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per record and one column per metadata key.

        A metadata key that has the name of a column of the result is prefixed with "metadata.".
        Embeddings, if they were included, are arrays in one column.
        """
        records = self._records()
        return data_frame(records, None if records else ["id"])


class GetResult(Records):
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

    def _parts(self) -> list[str]:
        return [name for name in ("documents", "metadatas", "uris") if self[name] is not None]

    def _header(self) -> list[str]:
        return ["id", *(_SINGULAR[name] for name in self._parts())]

    def _rows(self) -> list[list[Any]]:
        parts = [self["ids"], *(self[name] for name in self._parts())]
        return [list(row) for row in zip(*parts, strict=True)]

    def _records(self) -> list[dict[str, Any]]:
        return [_record(self, {"id": id}, row, None) for row, id in enumerate(self["ids"])]


class QueryResult(Records):
    """The nearest records, with a list per query under every key; smaller distances are nearer.

    Attributes:
        queries: The query texts, or "query 1", ... for vectors.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]], documents=["east", "north"])
        >>> notes.query(query_embeddings=[[1, 0.1]], n_results=1)
        query    rank  distance  id  document  metadata
        query 1  1     0.01      a   east
    """

    queries: Sequence[str] = ()

    def _is_one_text(self) -> bool:
        """Whether there is one query, a text: it becomes the caption instead of a column."""
        return len(self.queries) == 1 and not self.queries[0].startswith("query ")

    def _parts(self) -> list[str]:
        names = ("distances", "ids", "documents", "metadatas", "uris")
        return [name for name in names if self[name] is not None]

    def _header(self) -> list[str]:
        columns = ["rank", *(_SINGULAR[name] for name in self._parts())]
        return columns if self._is_one_text() else ["query", *columns]

    def _rows(self) -> list[list[Any]]:
        rows = []
        for at, query in enumerate(self.queries):
            parts = [self[name][at] for name in self._parts()]
            for rank, values in enumerate(zip(*parts, strict=True)):
                asked = [] if self._is_one_text() else [query if rank == 0 else ""]
                rows.append([*asked, rank + 1, *values])
        return rows

    def _caption(self) -> str:
        return self.queries[0] if self._is_one_text() else ""

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


def _metadata_column(header: Sequence[str]) -> int:
    """Return the position of the metadata, -1 if it was not included."""
    return list(header).index("metadata") if "metadata" in header else -1


def fields_of(include: Sequence[str], loader: DataLoader[Any] | None) -> set[str]:
    """Return what the engine has to read for the parts of a result: URIs for "data".

    Raises:
        InvalidArgumentError: "data" is included, and there is no data loader.
    """
    if "data" not in include:
        return set(include)
    if loader is None:
        raise InvalidArgumentError(
            "include has 'data', which needs a data loader. Pass data_loader to get_collection, or "
            "include 'uris'."
        )
    return {*include, "uris"} - {"data"}


def get_result(
    rows: Rows, include: Sequence[str], show: Show = None, loader: DataLoader[Any] | None = None
) -> GetResult:
    """Make a `GetResult` from the records that the engine read."""
    result = GetResult(
        ids=rows.ids,
        embeddings=rows.vectors,
        documents=rows.documents,
        uris=rows.uris if "uris" in include else None,
        included=list(include),
        data=loader(rows.uris or []) if loader is not None and "data" in include else None,
        metadatas=_metadatas(rows),
    )
    result.show = show
    return result


def query_result(
    found: Sequence[Rows],
    include: Sequence[str],
    queries: Sequence[str],
    show: Show = None,
    loader: DataLoader[Any] | None = None,
) -> QueryResult:
    """Make a `QueryResult` from the records that the engine found for each query."""

    def part(name: str, attribute: str) -> list[Any] | None:
        return [getattr(rows, attribute) for rows in found] if name in include else None

    result = QueryResult(
        ids=[rows.ids for rows in found],
        embeddings=part("embeddings", "vectors"),
        documents=part("documents", "documents"),
        uris=part("uris", "uris"),
        included=list(include),
        data=[loader(rows.uris or []) for rows in found]
        if loader is not None and "data" in include
        else None,
        metadatas=[_metadatas(rows) for rows in found] if "metadatas" in include else None,
        distances=part("distances", "distances"),
    )
    result.queries, result.show = list(queries), show
    return result


def within(rows: Rows, max_distance: float) -> Rows:
    """Keep the records up to a distance; they are sorted by distance, nearest first."""
    kept = bisect_right(rows.distances or [], max_distance)
    cut = {
        part.name: value[:kept]
        for part in fields(rows)
        if (value := getattr(rows, part.name)) is not None
    }
    return replace(rows, **cut)


def _metadatas(rows: Rows) -> list[dict[str, Any] | None] | None:
    return None if rows.metadatas is None else [*map(with_sparse_vectors, rows.metadatas)]


def _record(result: Records, start: dict[str, Any], row: int, query: int | None) -> dict[str, Any]:
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
