"""`collection.add_from`: many records from a table, batch by batch, with a progress bar."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.arguments.values import check_documents, check_ids, check_metadata
from chromalab.embed import embed_documents, shows_progress
from chromalab.engine import Batch
from chromalab.errors import InvalidArgumentError, near, printable, short
from chromalab.handle import Handle
from chromalab.progress_bar import progress_bar
from chromalab.results.tables import data_frame
from chromalab.sparse import to_stored
from chromalab.upkeep import check_batch_rows

if TYPE_CHECKING:
    import pandas

__all__ = ["AddInterrupted", "AddResult", "add_from", "content_id", "read_table", "with_vectors"]

_TEXT_NAMES = ("document", "text")
_VECTOR_NAMES = ("embedding", "embeddings", "vector", "vectors")
_SMALL = 64
"""The largest array that is stored as metadata; the embeddings of models are larger."""


@dataclass(frozen=True)
class AddResult:
    """What `add_from` did.

    Attributes:
        collection: The name of the collection.
        added: The number of new records.
        skipped: The number of rows whose id already existed, or appeared earlier in the data.
        dry_run: Whether nothing was written, and the numbers are what would have been done.
    """

    collection: str
    added: int
    skipped: int
    dry_run: bool = False

    def __repr__(self) -> str:
        verb = "would be added" if self.dry_run else "added"
        return f"{printable(self.collection)}: {self.added:,} {verb}{_skipped(self)}"

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row."""
        return data_frame([vars(self)])

    def _and(self, batch: int, added: int) -> AddResult:
        return replace(self, added=self.added + added, skipped=self.skipped + batch - added)


class AddInterrupted(KeyboardInterrupt):
    """`add_from` was interrupted; the batches that were written stay.

    Attributes:
        done: What was added before.
    """

    def __init__(self, done: AddResult, total: int) -> None:
        super().__init__(
            f"Interrupted: {done.added:,} added{_skipped(done)}, of {total:,} for "
            f"{done.collection!r}. Run it again to continue; existing ids are skipped."
        )
        self.done = done

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31mInterrupted\x1b[0m: {str(self.args[0]).removeprefix('Interrupted: ')}"]


@dataclass(frozen=True)
class _Record:
    """A row that was checked and can be added; `metadata` in its stored form."""

    id: str
    document: str
    metadata: dict[str, Any] | None


def add_from(
    collection: Handle,
    data: Any,
    *,
    text: str | int | None = None,
    id: str | int | None = None,
    meta: Sequence[str | int] | str | int | None = None,
    batch_size: int = 128,
    progress: bool = True,
    dry_run: bool = False,
) -> AddResult:
    """Add the rows of a table, batch by batch, with a progress bar after a second.

    All rows are checked before the first one is embedded. Rows whose id already exists are skipped and
    not embedded again, so running an interrupted call again continues where it stopped.

    Args:
        collection: The collection to add to.
        data: A pandas or polars DataFrame, a dataset, a list of dicts, or a list of texts.
        text: Column of the documents; by default "document" or "text".
        id: Column of the ids; by default "id", or a hash of the text if there is no such column.
        meta: Columns to store as metadata; all others by default. Empty cells and empty lists are left
            out, dates become ISO strings, short arrays become lists.
        batch_size: Number of rows to write at a time.
        progress: Whether to show a progress bar.
        dry_run: Check and count only; embed and write nothing.

    Returns:
        How many records were added and how many rows were skipped.

    Raises:
        InvalidArgumentError: A row cannot be stored; the message names it, and nothing was written.
        AddInterrupted: A KeyboardInterrupt that reports how many records were written, in whole batches.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> notes.add_from(["tea is a drink", "chalk is a rock", "tea is a drink"])
        notes: 2 added, 1 skipped (same id)
    """
    records = read_table(data, text=text, id=id, meta=meta)
    batch_size = check_batch_rows(batch_size)
    unique = {record.id: record for record in reversed(records)}  # the first row of an id counts
    todo = iter(list(unique.values())[::-1])
    done = AddResult(collection.name, 0, len(records) - len(unique), dry_run)
    batch: list[_Record] = []
    new: list[_Record] = []
    with progress_bar(
        total=len(unique), unit="rec", desc=f"add to {printable(collection.name)}", delay=1,
        leave=False, disable=not progress,
    ) as bar:  # fmt: skip
        quiet = shows_progress.set(False)
        try:
            while batch := list(islice(todo, batch_size)):
                existing = collection.existing([record.id for record in batch])
                new = [record for record in batch if record.id not in existing]
                added = len(new) if dry_run or not new else _add(collection, new)
                done, new = done._and(len(batch), added), []
                bar.update(len(batch))
        except KeyboardInterrupt:
            # If it came after the commit of the running batch, that batch was written.
            if new and (written := collection.existing([record.id for record in new])):
                done = done._and(len(batch), len(written))
            raise AddInterrupted(done, len(records)) from None
        finally:
            shows_progress.reset(quiet)
    return done


def with_vectors(collection: Handle, batch: Batch) -> Batch:
    """Fill in the vectors of a batch by embedding its documents, if it has none.

    Raises:
        InvalidArgumentError: There are neither vectors nor documents, or a document is missing.
    """
    if batch.vectors is not None:
        return batch
    if batch.documents is None:
        raise InvalidArgumentError("Pass embeddings, or documents to embed.")
    texts = [text for text in batch.documents if text is not None]
    if len(texts) < len(batch.documents):
        row = list(batch.documents).index(None)
        raise InvalidArgumentError(
            f"documents[{row}] is None, and there is no embedding for it. Leave the record out, or "
            "pass embeddings."
        )
    vectors = embed_documents(collection.embedding_function(), texts)
    return replace(batch, vectors=vectors, made_for=collection.get_model().configuration)


def _add(collection: Handle, records: Sequence[_Record]) -> int:
    """Write rows that `read_table` has checked; nothing is checked again."""
    batch = Batch(
        ids=[record.id for record in records],
        documents=[record.document for record in records],
        metadatas=[record.metadata for record in records],
    )
    return collection.engine.add(collection.id, with_vectors(collection, batch)).added


def _skipped(done: AddResult) -> str:
    return f", {done.skipped:,} skipped (same id)" if done.skipped else ""


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
    text: str | int | None,
    id: str | int | None,
    meta: Sequence[str | int] | str | int | None,
) -> list[_Record]:
    """Read and check every row of a table; see `add_from`.

    Column names are strings: a column 0 is "0". Dates and times become ISO strings, and small arrays
    become lists. Empty cells (None, NaN, NaT, NA, []) are left out.

    Raises:
        InvalidArgumentError: A row cannot be stored; the message names it.
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
        return [_Record(content_id(str(d)), str(d), None) for d in documents]
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
        _Record(
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
        _names(data.columns)  # of two columns with one name, to_dict would drop one
        return list(data.to_dict("records"))
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise InvalidArgumentError(
            "data must be a DataFrame, a dataset, a list of dicts or a list of texts; "
            f"got a {type(data).__name__}."
        )
    return list(data)


def _named(at: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InvalidArgumentError(
            f"Row {at} must be a dict; got a {type(row).__name__}. "
            "Pass a DataFrame, a list of dicts or a list of texts."
        )
    return dict(zip(_names(row), row.values(), strict=True))


def _names(columns: Iterable[Any]) -> list[str]:
    names = [str(column) for column in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidArgumentError(f"Two columns are named {short(twice)}. Rename one of them.")
    return names


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


def _text(at: int, row: Mapping[str, Any], column: str) -> str:
    document = row.get(column)
    if not isinstance(document, str):
        raise InvalidArgumentError(
            f"Row {at}: {short(column)} must be a string; got {short(document)}. Drop or fill such rows."
        )
    return document


def _id(at: int, row: Mapping[str, Any], column: str) -> str:
    id = row.get(column)
    if _missing(id):
        raise InvalidArgumentError(f"Row {at}: {short(column)} is empty. Every record needs an id.")
    if isinstance(id, Iterable) and not isinstance(id, str):
        raise InvalidArgumentError(
            f"Row {at}: {short(column)} must be a string or a number; got {short(id)}, a "
            f"{type(id).__name__}."
        )
    return str(id)


def _metadata(at: int, row: Mapping[str, Any], chosen: Sequence[str]) -> dict[str, Any] | None:
    values = {
        name: _cell(name, row[name]) for name in chosen if name in row and not _missing(row[name])
    }
    try:
        checked = check_metadata(values, f"Row {at}: metadata", sparse=True) if values else None
    except InvalidArgumentError as error:
        raise InvalidArgumentError(
            f"{error} Convert the column, or choose the columns with meta=[...]."
        ) from None
    return to_stored(checked)


def _cell(name: str, value: Any) -> Any:
    """Convert a cell to a metadata value, where there is one obvious way to do so."""
    if isinstance(value, datetime.date):  # datetime and pandas.Timestamp are dates too
        return value.isoformat()
    if isinstance(value, np.datetime64):
        return str(value)
    array = isinstance(value, np.ndarray)
    named = name.lower() in _VECTOR_NAMES
    floats = named and isinstance(value, list) and any(isinstance(item, float) for item in value)
    if floats or (array and (named or value.size > _SMALL)):
        raise InvalidArgumentError(
            f"Column {short(name)} holds vectors, which are not metadata. Choose the metadata columns "
            "with meta=[...], or add the vectors with add(ids=, embeddings=, documents=)."
        )
    return value.tolist() if array else value


def _missing(value: Any) -> bool:
    """Return whether a cell is empty: None, NaN, NaT, pandas.NA, an empty list or array."""
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
