"""The rows of a table as records, with one report of everything in it that cannot be stored."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from chromalab.arguments.values import check_metadata
from chromalab.conversion import is_missing, items, plain, rows_of_table
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.results.tables import count
from chromalab.sparse import SparseVector, to_stored

__all__ = ["Problem", "Record", "RecordTable", "content_id", "read_table"]

_TEXT_NAMES = ("document", "text")
_VECTOR_NAME = re.compile(r"embedding|vector", re.IGNORECASE)
_VECTOR_TEXT = re.compile(r"\[[\s\d.,eE+-]+\]\s*")
_LONGEST = 64
"""The length from which on a list of numbers is a vector; the embeddings of models are longer."""
_SHOWN = 3  # rows that a problem names
_DEEPEST = 20  # levels of nested dicts that are flattened

_TEXT = "a string"
_ENCODABLE = "text that can be encoded as UTF-8"
_ID = "a string or a number"
_FLAT = "a single value or a list"
_FINITE = "a finite number"
_INT64 = "an integer of 64 bits"
_LIST = "a list of at least one str, int, float or bool, all of the same type"
_VALUE = "a str, an int, a float, a bool, a date or a list of one of these"


@dataclass(frozen=True)
class Problem:
    """One kind of value that cannot be stored.

    Attributes:
        column: The name of the column.
        expected: What its values must be.
        example: The first value that is something else.
        count: The number of rows with such a value.
        rows: The labels of the first of them: those of a pandas index, positions otherwise.
    """

    column: str
    expected: str
    example: Any
    count: int
    rows: tuple[Any, ...]

    def __str__(self) -> str:
        labels = ", ".join(short(plain(row), 30) for row in self.rows)
        more = ", ..." if self.count > len(self.rows) else ""
        kind = f", of type {type(self.example).__name__},"
        if isinstance(self.example, str | float | None):
            kind = ""
        rows = "row" if self.count == 1 else f"{self.count:,} rows:"
        return (
            f"{short(self.column)} must be {self.expected}; got {short(self.example)}{kind} "
            f"in {rows} {labels}{more}"
        )


@dataclass(frozen=True)
class Record:
    """A row that was checked and can be added.

    Attributes:
        id: The id.
        document: The text.
        metadata: The metadata in its stored form; None if the row has none.
        empty: The metadata columns whose cell is empty in this row.
        row: The label of the row.
    """

    id: str
    document: str
    metadata: dict[str, Any] | None
    empty: tuple[str, ...] = ()
    row: Any = None


@dataclass(frozen=True)
class RecordTable:
    """What `read_table` read.

    Attributes:
        records: The rows that can be added, in order.
        problems: What is wrong with the other rows.
        total: The number of all rows.
    """

    records: list[Record]
    problems: tuple[Problem, ...]
    total: int

    @property
    def bad_rows(self) -> int:
        """The number of rows that cannot be added."""
        return self.total - len(self.records)

    def error(self) -> InvalidArgumentError:
        """The report of all problems."""
        expected = {problem.expected for problem in self.problems}
        hints = []
        if _FLAT in expected:
            hints.append("Store nested dicts as columns such as 'customer.name' with flatten=True.")
        if expected & {_FINITE, _INT64, _LIST, _VALUE, _FLAT}:
            hints.append("Convert the column, or choose the columns with meta=[...].")
        hints.append("Drop or fill such rows, or leave them out with skip_bad=True.")
        return InvalidArgumentError(
            f"{self.bad_rows:,} of {count(self.total, 'row')} cannot be added, and nothing was written: "
            f"{'; '.join(map(str, self.problems))}. {' '.join(hints)}"
        )


@dataclass
class _Report:
    """Collects problems by column and kind."""

    found: dict[tuple[str, str, bool], tuple[Any, list[Any]]] = field(default_factory=dict)

    def add(self, column: str, expected: str, value: Any, row: Any) -> None:
        key = (column, expected, value is None)  # missing values are a kind of their own
        self.found.setdefault(key, (value, []))[1].append(row)

    def problems(self) -> tuple[Problem, ...]:
        return tuple(
            Problem(column, expected, example, len(rows), tuple(rows[:_SHOWN]))
            for (column, expected, _), (example, rows) in self.found.items()
        )


def content_id(text: str) -> str:
    """Derive an id from a text: the first 16 hex digits of its SHA-256, so that equal texts have one id.

    Example:
        >>> content_id("hello")
        '2cf24dba5fb0a30e'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_table(
    data: Any,
    *,
    text: str | int | None = None,
    id: str | int | None = None,
    meta: Sequence[str | int] | str | int | None = None,
    flatten: bool = False,
) -> RecordTable:
    """Read and check every row of a table; see `add_from`.

    Column names are strings: a column 0 is "0".

    Raises:
        InvalidArgumentError: The data is not a table, a column is missing, or one holds vectors.

    Example:
        >>> read_table([{"text": "tea", "n": 1}, {"text": None}]).problems[0].count
        1
    """
    is_dataset = (
        hasattr(data, "documents") and hasattr(data, "ids") and not hasattr(data, "columns")
    )
    if is_dataset or (isinstance(data, Mapping) and {"ids", "documents", "metadatas"} <= {*data}):
        text = "document" if text is None else text
        id = "id" if id is None else id
    given, labels = _rows(data, is_dataset)
    if all(isinstance(row, str) or is_missing(row) for row in given):
        given = [{"text": row} for row in given]
        text = "text" if text is None else text
    rows = [_named(at, row, flatten) for at, row in enumerate(given)]
    columns = dict.fromkeys(key for row in rows for key in row)
    if not rows:
        return RecordTable([], (), 0)
    text_column = _column(text, columns, _TEXT_NAMES, "text")
    id_column = None
    if id is not None or "id" in columns:
        id_column = _column(id, columns, ("id",), "id")
    chosen = _chosen(meta, columns, (text_column, id_column))
    for name in chosen:
        _check_column(name, [row.get(name) for row in rows])
    report = _Report()
    ids = None if id_column is None else _ids([row.get(id_column) for row in rows])
    records = []
    for at, (row, label) in enumerate(zip(rows, labels, strict=True)):
        document = _text(row.get(text_column), text_column, label, report)
        if ids is None:
            key = None if document is None else content_id(document)
        else:
            key = _id(ids[at], str(id_column), label, report)
        metadata, empty, is_good = _metadata(row, chosen, label, report)
        if document is not None and key is not None and is_good:
            records.append(Record(key, document, to_stored(metadata), empty, label))
    return RecordTable(records, report.problems(), len(rows))


def _rows(data: Any, is_dataset: bool) -> tuple[list[Any], list[Any]]:
    """The rows of any kind of table, or its texts, and the label of each."""
    if is_dataset:
        data = {"ids": data.ids, "documents": data.documents, "metadatas": data.metadatas}
    if isinstance(data, Mapping) and {"ids", "documents", "metadatas"} <= {*data}:
        ids, nothing = data["ids"], [None] * len(data["ids"])
        parts = zip(ids, data["documents"] or nothing, data["metadatas"] or nothing, strict=True)
        rows = [{**(metadata or {}), "id": id, "document": text} for id, text, metadata in parts]
        return rows, list(range(len(rows)))
    table = rows_of_table(data)
    if table is not None:
        return table
    listed = items(data, "data")
    if listed is None:
        raise InvalidArgumentError(
            "data must be a DataFrame, an Arrow table, a dataset, a dict of columns, a list of dicts or a "
            f"list of texts; got {short(data)}, of type {type(data).__name__}."
        )
    has_index = hasattr(data, "index") and hasattr(data, "iloc")
    return listed, list(data.index) if has_index else list(range(len(listed)))


def _named(at: int, row: Any, flatten: bool) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InvalidArgumentError(
            f"Row {at} must be a dict; got {short(row)}, of type {type(row).__name__}. "
            "Pass a DataFrame, a list of dicts or a list of texts."
        )
    pairs = list(_flat(row, "", 0)) if flatten else [(str(key), row[key]) for key in row]
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidArgumentError(f"Two columns are named {short(twice)}. Rename one of them.")
    return named


def _flat(row: Mapping[Any, Any], before: str, level: int) -> Iterable[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, Mapping) and level < _DEEPEST:
            yield from _flat(value, f"{before}{key}.", level + 1)
        else:
            yield f"{before}{key}", value


def _column(given: Any, columns: Iterable[str], usual: Sequence[str], what: str) -> str:
    if given is None:
        given = next((column for column in usual if column in columns), None)
        if given is None:
            raise InvalidArgumentError(
                f"No column for the {what}. Pass {what}=... {near('', columns, what='Columns')}"
            )
    name = str(given)
    if name not in columns:
        raise InvalidArgumentError(
            f"No column {short(name)} for {what}. {near(name, columns, what='Columns')}"
        )
    return name


def _chosen(meta: Any, columns: Iterable[str], taken: Sequence[str | None]) -> list[str]:
    """The metadata columns; a name stands for the columns that a dict was flattened to, too."""
    if meta is None:
        return [name for name in columns if name not in taken]
    names = [meta] if isinstance(meta, str | int) else meta
    chosen: list[str] = []
    for name in names:
        parts = [column for column in columns if column.startswith(f"{name}.")]
        is_dict = parts and str(name) not in columns
        chosen += parts if is_dict else [_column(name, columns, (), "meta")]
    return list(dict.fromkeys(chosen))


def _check_column(name: str, cells: Iterable[Any]) -> None:
    check_metadata({name: 0}, "metadata")  # the key itself
    for cell in cells:
        if _is_vector(name, cell):
            raise InvalidArgumentError(
                f"Column {short(name)} holds vectors, which are not metadata. Choose the metadata columns "
                "with meta=[...], or add the vectors with add(ids=, embeddings=, documents=)."
            )


def _is_vector(name: str, cell: Any) -> bool:
    """Whether a cell is a list of numbers that is long, or in a column named for embeddings.

    It may also be the text of one, which is what a CSV file has.
    """
    if hasattr(cell, "as_py"):
        cell = cell.as_py()
    if isinstance(cell, str):
        is_list = cell.startswith("[") and _VECTOR_TEXT.fullmatch(cell)
        cell = [0.0] * len(cell[1:-1].replace(",", " ").split()) if is_list else []
    if isinstance(cell, Mapping) or not hasattr(cell, "__len__"):
        return False
    if isinstance(cell, np.ndarray) and cell.ndim == 0:
        return False
    size = cell.size if isinstance(cell, np.ndarray) else len(cell)
    if not size or not (size > _LONGEST or _VECTOR_NAME.search(name)):
        return False
    first: Any = cell
    while not isinstance(first, str) and (nested := items(first)) is not None:  # several vectors
        first = next((value for value in nested if value is not None), None)
    return isinstance(first, int | float | np.number) and not isinstance(first, bool)


def _text(value: Any, column: str, row: Any, report: _Report) -> str | None:
    text = plain(value) if isinstance(value, str) or hasattr(value, "as_py") else value
    if is_missing(text) or not isinstance(text, str):
        report.add(column, _TEXT, None if is_missing(text) else text, row)
    elif not _is_encodable(text):
        report.add(column, _ENCODABLE, text, row)
    else:
        return text
    return None


def _ids(values: Sequence[Any]) -> list[Any]:
    """Convert ids to strings; whole floats, which a join makes of integers, become integers first."""
    numbers = [value if isinstance(value, Decimal) else plain(value) for value in values]
    floats = [value for value in numbers if isinstance(value, float)]
    are_whole = all(value.is_integer() for value in floats)
    return [
        str(int(value))
        if isinstance(value, float) and are_whole
        else str(value)
        if isinstance(value, int | float | Decimal) and not is_missing(value)
        else value
        for value in numbers
    ]


def _id(value: Any, column: str, row: Any, report: _Report) -> str | None:
    if is_missing(value) or (isinstance(value, str) and not value):
        report.add(column, f"{_ID}, as every record needs an id", None, row)
    elif not isinstance(value, str):
        report.add(column, _ID, value, row)
    elif not _is_encodable(value) or "\0" in value:
        report.add(column, f"{_ENCODABLE}, without NUL characters", value, row)
    else:
        return value
    return None


def _metadata(
    row: Mapping[str, Any], chosen: Sequence[str], label: Any, report: _Report
) -> tuple[dict[str, Any] | None, tuple[str, ...], bool]:
    """The metadata of a row, its empty cells, and whether all of it can be stored."""
    values: dict[str, Any] = {}
    empty = []
    is_good = True
    for name in chosen:
        value = row.get(name)
        if not isinstance(value, SparseVector):
            value = plain(list(value) if isinstance(value, tuple) else value)
        if value is None or (isinstance(value, str | list | Mapping) and not value):
            empty.append(name)
        elif expected := _fault(value):
            report.add(name, expected, value, label)
            is_good = False
        else:
            values[name] = value
    return values or None, tuple(empty), is_good


def _fault(value: Any) -> str | None:
    """What a metadata value must be and is not; None if it can be stored."""
    if isinstance(value, Mapping):
        return _FLAT
    if isinstance(value, float) and not math.isfinite(value):
        return _FINITE
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return _INT64
    if isinstance(value, str):
        return None if _is_encodable(value) else _ENCODABLE
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        if len(kinds) != 1 or not kinds <= {str, int, float, bool}:
            return _FLAT if dict in kinds else _LIST
        return next(filter(None, map(_fault, value)), None)
    return None if isinstance(value, int | float | SparseVector) else _VALUE


def _is_encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)
