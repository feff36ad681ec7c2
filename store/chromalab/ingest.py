"""`Collection.add_from`: many records from a table, batch by batch, with a bar."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.arguments.records import checked_batch
from chromalab.arguments.values import MAX_BATCH_SIZE, check_documents, check_ids, check_metadata
from chromalab.embed import shows_progress
from chromalab.errors import InvalidArgumentError, near, printable, short
from chromalab.results.tables import data_frame

if TYPE_CHECKING:
    import pandas

    from chromalab.collection import Collection

__all__ = ["AddInterrupted", "Added", "Record", "add_from", "content_id", "read_table"]

_TEXT_NAMES = ("document", "text")
_VECTOR_NAMES = ("embedding", "embeddings", "vector", "vectors")
_SMALL = 64
"""Numbers in an array that still goes in as metadata; embeddings of models have more."""


@dataclass(frozen=True)
class Added:
    """What `add_from` did.

    Attributes:
        collection: The name of the collection.
        added: Records that are new.
        skipped: Records whose id was there already, or stood earlier in the data.
        dry_run: Whether this is what would be done.
    """

    collection: str
    added: int
    skipped: int
    dry_run: bool = False

    def __repr__(self) -> str:
        word = "would be added" if self.dry_run else "added"
        skipped = f", {self.skipped:,} skipped (same id)" if self.skipped else ""
        return f"{printable(self.collection)}: {self.added:,} {word}{skipped}"

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame of one row."""
        return data_frame([vars(self)])

    def _and(self, batch: int, added: int) -> Added:
        return replace(self, added=self.added + added, skipped=self.skipped + batch - added)


class AddInterrupted(KeyboardInterrupt):
    """`add_from` was interrupted; whole batches are kept.

    Attributes:
        done: What was added before.
    """

    def __init__(self, done: Added, total: int) -> None:
        skipped = f", {done.skipped:,} skipped (same id)" if done.skipped else ""
        super().__init__(
            f"Interrupted: {done.added:,} added{skipped}, of {total:,} for {done.collection!r}. "
            "Run it again to go on; ids that are there are skipped."
        )
        self.done = done

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31mInterrupted\x1b[0m: {str(self.args[0]).removeprefix('Interrupted: ')}"]


@dataclass(frozen=True)
class Record:
    """A row that was checked and can be added."""

    id: str
    document: str
    metadata: dict[str, Any] | None


def add_from(
    collection: Collection,
    records: Sequence[Record],
    *,
    batch_size: int,
    progress: bool,
    dry_run: bool,
) -> Added:
    """Add records batch by batch; see `Collection.add_from`."""
    from tqdm.auto import tqdm

    if not isinstance(batch_size, int | np.integer) or not 1 <= batch_size <= MAX_BATCH_SIZE:
        raise InvalidArgumentError(
            f"batch_size is a whole number from 1 to {MAX_BATCH_SIZE:,}; found {short(batch_size)}."
        )
    unique = {record.id: record for record in reversed(records)}  # the first of an id counts
    todo = iter(list(unique.values())[::-1])
    done = Added(collection.name, 0, len(records) - len(unique), dry_run)
    batch: list[Record] = []
    new: list[Record] = []
    with tqdm(
        total=len(unique), unit="rec", desc=f"add to {printable(collection.name)}", delay=1,
        leave=False, disable=not progress,
    ) as bar:  # fmt: skip
        quiet = shows_progress.set(False)
        try:
            while batch := list(islice(todo, batch_size)):
                there = collection._existing([record.id for record in batch])
                new = [record for record in batch if record.id not in there]
                added = len(new) if dry_run or not new else _add(collection, new)
                done, new = done._and(len(batch), added), []
                bar.update(len(batch))
        except KeyboardInterrupt:
            # It may have come after the commit of the running batch, which then is there.
            if new and (kept := collection._existing([record.id for record in new])):
                done = done._and(len(batch), len(kept))
            raise AddInterrupted(done, len(records)) from None
        finally:
            shows_progress.reset(quiet)
    return done


def _add(collection: Collection, records: Sequence[Record]) -> int:
    batch = checked_batch(
        [record.id for record in records],
        [record.document for record in records],
        [record.metadata for record in records],
    )
    return collection._add_batch(batch)


def content_id(text: str) -> str:
    """Make an id of a text: the first 16 hex digits of its SHA-256, so that it is never there twice.

    Example:
        >>> content_id("hello")
        '2cf24dba5fb0a30e'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_table(
    data: Any,
    *,
    text: str | int | None,
    id: str | int | None,
    meta: Sequence[str | int] | str | int | None,
) -> list[Record]:
    """Read and check every row of a table; see `Collection.add_from`.

    Names of columns are texts: a column 0 is "0". Dates and times become ISO texts, small arrays
    become lists. Cells that are empty (None, NaN, NaT, NA, []) are left out.

    Raises:
        InvalidArgumentError: a row cannot be stored; the message names it.
    """
    if hasattr(data, "documents") and hasattr(data, "ids"):  # a Dataset
        parts = zip(data.ids, data.documents, data.metadatas, strict=True)
        given: list[Any] = [{**(m or {}), "id": i, "document": d} for i, d, m in parts]
        text = "document" if text is None else text
        id = "id" if id is None else id
    else:
        given = _rows(data)
    if all(isinstance(row, str) for row in given):
        documents = check_documents(given)
        return [Record(content_id(str(d)), str(d), None) for d in documents]
    rows = [_named(at, row) for at, row in enumerate(given)]
    columns = dict.fromkeys(key for row in rows for key in row)
    text_column = _column(text, columns, _TEXT_NAMES, "text")
    id_column = None
    if id is not None or "id" in columns:
        id_column = _column(id, columns, ("id",), "id")
    if meta is None:
        chosen = [name for name in columns if name not in (text_column, id_column)]
    else:
        names = [meta] if isinstance(meta, str | int) else meta
        chosen = [_column(name, columns, (), "meta") for name in names]
    texts = [_text(at, row, text_column) for at, row in enumerate(rows)]
    check_documents(texts, f"Column {short(text_column)}")
    records = [
        Record(
            content_id(document) if id_column is None else _id(at, row, id_column),
            document,
            _metadata(at, row, chosen),
        )
        for at, (row, document) in enumerate(zip(rows, texts, strict=True))
    ]
    check_ids(list({record.id: None for record in records}))
    return records


def _rows(data: Any) -> list[Any]:
    if hasattr(data, "to_dicts"):  # polars
        return list(data.to_dicts())
    if hasattr(data, "to_dict") and hasattr(data, "columns"):  # pandas
        _names(data.columns)  # to_dict would drop one of two columns of a name
        return list(data.to_dict("records"))
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise InvalidArgumentError(
            f"add_from takes a DataFrame, a data set, a list of dicts or a list of texts; "
            f"found a value of type {type(data).__name__}."
        )
    return list(data)


def _named(at: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InvalidArgumentError(
            f"Row {at} is of type {type(row).__name__}; "
            "give a DataFrame, a list of dicts or a list of texts."
        )
    return dict(zip(_names(row), row.values(), strict=True))


def _names(columns: Iterable[Any]) -> list[str]:
    names = [str(column) for column in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidArgumentError(f"Two columns are named {short(twice)}: rename one of them.")
    return names


def _column(given: Any, columns: Iterable[str], usual: Sequence[str], what: str) -> str:
    if given is None:
        given = next((column for column in usual if column in columns), None)
        if given is None:
            raise InvalidArgumentError(
                f"Which column holds the {what}? Say {what}=... {near('', columns, what='Columns')}"
            )
    name = str(given)
    if name not in columns:
        raise InvalidArgumentError(
            f"No column {short(name)} for {what}. {near(name, columns, what='Columns')}"
        )
    return name


def _text(at: int, row: Mapping[str, Any], column: str) -> str:
    document = row.get(column)
    if not isinstance(document, str):
        raise InvalidArgumentError(
            f"Row {at}: {short(column)} is {short(document)}, not a text. Drop or fill such rows."
        )
    return document


def _id(at: int, row: Mapping[str, Any], column: str) -> str:
    id = row.get(column)
    if _missing(id):
        raise InvalidArgumentError(f"Row {at}: {short(column)} is empty; every record needs an id.")
    if isinstance(id, Iterable) and not isinstance(id, str):
        raise InvalidArgumentError(
            f"Row {at}: {short(column)} is {short(id)}, of type {type(id).__name__}; "
            "an id is a text or a number."
        )
    return str(id)


def _metadata(at: int, row: Mapping[str, Any], chosen: Sequence[str]) -> dict[str, Any] | None:
    values = {
        name: _cell(name, row[name]) for name in chosen if name in row and not _missing(row[name])
    }
    try:
        return check_metadata(values, f"Row {at}: metadata", sparse=True) if values else None
    except InvalidArgumentError as error:
        raise InvalidArgumentError(
            f"{error} Convert the column, or choose the columns with meta=[...]"
        ) from None


def _cell(name: str, value: Any) -> Any:
    """Turn a cell into what metadata can hold, where there is one way to do it."""
    if isinstance(value, datetime.date):  # datetime and pandas.Timestamp are dates too
        return value.isoformat()
    if isinstance(value, np.datetime64):
        return str(value)
    array = isinstance(value, np.ndarray)
    named = name.lower() in _VECTOR_NAMES
    floats = named and isinstance(value, list) and any(isinstance(item, float) for item in value)
    if floats or (array and (named or value.size > _SMALL)):
        raise InvalidArgumentError(
            f"Column {short(name)} holds vectors: they are not metadata. Choose the metadata columns "
            "with meta=[...], or add them yourself with add(ids=, embeddings=, documents=)"
        )
    return value.tolist() if array else value


def _missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, NaT, pandas.NA, an empty list or array."""
    if isinstance(value, str):
        return False
    if isinstance(value, np.ndarray):
        return value.size == 0
    if value is None or isinstance(value, list):
        return not value
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA has no truth value
        return True
    except ValueError:  # a pandas.Series: many values
        return False
