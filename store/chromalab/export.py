"""`collection.df` and `collection.export`: all records as a table, with the types of their values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromalab.arguments.records import read_filter
from chromalab.engine import read_instant
from chromalab.errors import InvalidArgumentError, MissingDependencyError, printable, short
from chromalab.files import as_path, write_whole
from chromalab.handle import Handle
from chromalab.results.records import get_result
from chromalab.results.tables import count, data_frame
from chromalab.sparse import SparseVector
from chromalab.types import IDs, Where

if TYPE_CHECKING:
    import pandas

__all__ = ["ExportResult", "csv_bytes", "df", "export"]

_PARTS = ("documents", "metadatas", "uris")
_TAKEN = ("id", "document", "embedding", "metadata", "distance", "uri")
_SUFFIXES = (".csv", ".parquet", ".json", ".jsonl")


@dataclass(frozen=True)
class ExportResult:
    """What `export` wrote.

    Attributes:
        collection: The name of the collection.
        path: The file.
        records: The number of records.
        columns: The names of the columns.
    """

    collection: str
    path: Path
    records: int
    columns: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"{printable(self.collection)}: {count(self.records, 'record')} written to {self.path}"
        )

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row."""
        return data_frame([{**vars(self), "path": str(self.path), "columns": list(self.columns)}])


def df(
    collection: Handle, where: Where | None = None, *, ids: IDs | str | None = None
) -> pandas.DataFrame:
    """Return the records as a pandas DataFrame, with one column per metadata key.

    Columns of dates are datetimes, and columns of integers or booleans stay so where values are missing.

    Args:
        collection: The collection.
        where: A metadata filter, e.g. `{"year": {"$gte": 2020}}`; all records by default.
        ids: Ids to choose among; unknown ids are left out.

    Raises:
        InvalidArgumentError: The filter cannot be parsed.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> days = [{"day": "2024-06-01", "n": 1}, {"day": "2024-06-02"}]
        >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=days)
        >>> points.df()[["id", "day", "n"]]
          id        day     n
        0  a 2024-06-01     1
        1  b 2024-06-02  <NA>
    """
    fields = _fields(collection, where, ids)
    names = list(fields)[:2]  # the id and the document, which stay as they are
    frame = data_frame(list(zip(*(fields.pop(name) for name in names), strict=True)), names)
    columns = [_typed(name, values) for name, values in fields.items()]
    return _joined([frame, *columns])


def _fields(collection: Handle, where: Where | None, ids: IDs | str | None) -> dict[str, list[Any]]:
    """Return the id, the document and all fields of the records, one value or None per record."""
    filter = read_filter(ids, where, None)
    found = get_result(collection.engine.get(collection.id, filter, {*_PARTS}, None, 0), _PARTS)
    total = len(found["ids"])
    fields = {"id": found["ids"], "document": found["documents"]}
    if any(uri is not None for uri in found["uris"]):
        fields["uri"] = found["uris"]
    for row, metadata in enumerate(found["metadatas"]):
        for key, value in (metadata or {}).items():
            name = f"metadata.{key}" if key in _TAKEN else key  # as in GetResult.df
            fields.setdefault(name, [None] * total)[row] = value
    return fields


def export(
    collection: Handle,
    path: str | Path,
    where: Where | None = None,
    *,
    ids: IDs | str | None = None,
    overwrite: bool = False,
) -> ExportResult:
    """Write the records to a CSV, Parquet or JSON file, with one column per metadata key.

    Parquet keeps the types of `df`. In CSV, and in Parquet columns of mixed types, lists are JSON. JSON
    has one object per record, without the keys that it lacks: a list of them, or in .jsonl one per line.
    Embeddings are not written.

    Args:
        collection: The collection.
        path: The file, which ends with .csv, .parquet, .json or .jsonl.
        where: A metadata filter, e.g. `{"year": {"$gte": 2020}}`; all records by default.
        ids: Ids to choose among; unknown ids are left out.
        overwrite: Whether to replace an existing file.

    Raises:
        InvalidArgumentError: The file exists, or its name ends with something else.
        MissingDependencyError: Parquet needs pyarrow.
    """
    file = as_path(path)
    if file.suffix.lower() not in _SUFFIXES:
        raise InvalidArgumentError(
            f"path must end with {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}; "
            f"got {short(str(path))}."
        )
    suffix = file.suffix.lower()
    if suffix in (".json", ".jsonl"):
        fields = _fields(collection, where, ids)
        columns, total = list(fields), len(fields["id"])
        content = _json_bytes(fields, lines=suffix == ".jsonl")
    else:
        frame = df(collection, where, ids=ids)
        columns, total = list(map(str, frame.columns)), len(frame)
        content = csv_bytes(frame) if suffix == ".csv" else _parquet_bytes(frame)
    write_whole(file, content, overwrite=overwrite)
    return ExportResult(collection.name, file, total, tuple(columns))


def csv_bytes(frame: pandas.DataFrame) -> bytes:
    """Return a DataFrame of records as CSV in UTF-8, with lists as JSON."""
    text: str = frame.map(_cell).to_csv(index=False)
    return text.encode()


def _json_bytes(fields: dict[str, list[Any]], *, lines: bool) -> bytes:
    rows = zip(*fields.values(), strict=True)
    records = [
        _json({name: value for name, value in zip(fields, row, strict=True) if value is not None})
        for row in rows
    ]
    text = "".join(f"{record}\n" for record in records)
    return (text if lines else f"[{','.join(records)}]\n").encode()


def _parquet_bytes(frame: pandas.DataFrame) -> bytes:
    buffer = BytesIO()
    mixed = frame.copy()
    for name in frame.columns:
        kinds = {type(value) for value in frame[name].dropna().tolist()}
        if frame[name].dtype == object and (len(kinds) > 1 or SparseVector in kinds):
            mixed[name] = [None if _is_empty(value) else _json(value) for value in frame[name]]
    try:
        mixed.to_parquet(buffer, index=False)
    except ImportError as error:
        raise MissingDependencyError(
            'Parquet files need pyarrow: pip install "chromalab[arrow]"'
        ) from error
    return buffer.getvalue()


def _joined(parts: Sequence[Any]) -> pandas.DataFrame:
    import pandas

    frame: pandas.DataFrame = pandas.concat(parts, axis=1)
    return frame


def _typed(name: str, values: Sequence[Any]) -> pandas.Series[Any]:
    """Make a column: of datetimes if all values are dates, of nullable integers or booleans with gaps."""
    import pandas

    there = [value for value in values if value is not None]
    kinds = {type(value) for value in there}
    column = pandas.Series(list(values), name=name, dtype=object)
    if kinds == {str} and all(read_instant(value) is not None for value in there):
        try:
            zoned = any(map(_has_zone, there))
            return pandas.to_datetime(column, format="ISO8601", utc=zoned)
        except (ValueError, OverflowError):  # a form or a year that pandas cannot represent
            return column
    has_gaps = len(there) < len(values)
    if kinds == {bool}:
        return column.astype("boolean" if has_gaps else "bool")
    if kinds == {int}:
        return column.astype("Int64" if has_gaps else "int64")
    return column.astype("float64") if kinds == {float} else column


def _has_zone(text: str) -> bool:
    return text[10:].upper().endswith("Z") or any(sign in text[10:] for sign in "+-")


def _cell(value: Any) -> Any:
    return _json(value) if isinstance(value, list | SparseVector) else value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=SparseVector.to_dict)
