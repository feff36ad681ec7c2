"""`collection.add_from`: many records from a table, batch by batch, with a progress bar."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from chromalab.arguments.records import check_images, read_batch
from chromalab.arguments.table import Problem, Record, read_table
from chromalab.arguments.values import check_batch_rows, check_length
from chromalab.embed import embed_documents, shows_progress
from chromalab.embed.registry import MINILM_NAMES
from chromalab.engine import Batch, Filter, OutdatedSchemaError, Range, WriteResult
from chromalab.errors import (
    EmbeddingFunctionError,
    InvalidArgumentError,
    ModelNotAvailableError,
    printable,
)
from chromalab.handle import Handle
from chromalab.progress_bar import progress_bar
from chromalab.results.tables import count, data_frame
from chromalab.schema import with_sparse_embeddings

if TYPE_CHECKING:
    import pandas

__all__ = [
    "AddInterrupted",
    "AddResult",
    "Clash",
    "add_from",
    "count_truncated",
    "with_vectors",
    "write",
]

_PAGE = 4096  # documents read at a time
_LONG = 10_000  # characters, some four pages
_PARTS = ("embeddings", "documents", "metadatas", "uris")
_UPDATE = "update from a table"


@dataclass(frozen=True)
class Clash:
    """A row that was left out because its id belongs to another text.

    Attributes:
        id: The id.
        text: The text of the row.
        kept: The text that has the id, in the collection or in an earlier row.
        row: The label of the row: that of a pandas index, or its position.
    """

    id: str
    text: str
    kept: str
    row: Any


@dataclass(frozen=True)
class AddResult:
    """What `add_from` did.

    Attributes:
        collection: The name of the collection.
        added: The number of new records.
        skipped: The number of rows whose id already existed, or appeared earlier in the data.
        dry_run: Whether nothing was written, and the numbers are what would have been done.
        updated: The number of records that `update=True` changed.
        repeated: How many of the skipped rows have an id that appeared earlier in the data.
        differing: How many of the skipped rows have the text of their record and other metadata.
        clashes: Those of the skipped rows whose id belongs to another text.
        bad_rows: The number of rows that `skip_bad=True` left out.
        problems: What was wrong with them.
        blank: The number of written texts without any letter.
        truncated: The number of written texts that are longer than the model reads.
        long: The number of written texts of more than 10,000 characters, which are about too much for one
            vector to tell apart, however many of them the model reads.
    """

    collection: str
    added: int
    skipped: int
    dry_run: bool = False
    updated: int = 0
    repeated: int = 0
    differing: int = 0
    clashes: tuple[Clash, ...] = ()
    bad_rows: int = 0
    problems: tuple[Problem, ...] = ()
    blank: int = 0
    truncated: int = 0
    long: int = 0

    def __repr__(self) -> str:
        would = "would be " if self.dry_run else ""
        updated = f", {self.updated:,} {would}updated" if self.updated else ""
        done = f"{printable(self.collection)}: {self.added:,} {would}added{updated}{_skipped(self)}"
        return "\n".join([done, *self._remarks()])

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row of counts."""
        counts = {**vars(self), "clashes": len(self.clashes)}
        del counts["problems"]
        return data_frame([counts])

    def _remarks(self) -> list[str]:
        remarks = []
        if self.clashes:
            rows = count(len(self.clashes), "row")
            remarks.append(f"Skipped {rows} whose id has another text: see .clashes")
        if self.differing:
            rows = count(self.differing, "row")
            remarks.append(f"Skipped {rows} with other metadata, which `update` writes")
        if self.bad_rows:
            rows = count(self.bad_rows, "row")
            remarks.append(f"Left out {rows}: {printable('; '.join(map(str, self.problems)))}")
        if self.blank:
            remarks.append(f"{count(self.blank, 'text')} without any letter")
        if self.truncated:
            remarks.append(f"{count(self.truncated, 'text')} longer than the model reads")
        if self.long:
            texts = f"{count(self.long, 'text')} of more than {_LONG:,} characters"
            remarks.append(f"{texts}, too much for one vector: add them in passages")
        return remarks


class AddInterrupted(KeyboardInterrupt):
    """`add_from` was interrupted; the batches that were written stay.

    Attributes:
        done: What was added before.
    """

    def __init__(self, done: AddResult, total: int) -> None:
        updated = f", {done.updated:,} updated" if done.updated else ""
        super().__init__(
            f"Interrupted: {done.added:,} added{updated}{_skipped(done)}, of {total:,} for "
            f"{done.collection!r}. Run it again to continue; existing ids are skipped."
        )
        self.done = done

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31mInterrupted\x1b[0m: {str(self.args[0]).removeprefix('Interrupted: ')}"]


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
    update: bool = False,
    skip_bad: bool = False,
    flatten: bool = False,
) -> AddResult:
    """Add the rows of a table, batch by batch, with a progress bar after a second.

    All rows are checked before the first one is embedded. Rows whose id already exists are skipped and
    not embedded again, so running an interrupted call again continues where it stopped.

    Args:
        collection: The collection to add to.
        data: A pandas or polars DataFrame, an Arrow table, a dataset, a dict of columns, a list of dicts, a
            list of texts, or another collection, of chromadb as well. The named index of a pandas DataFrame
            is a column. A collection of the same model is copied with its embeddings.
        text: Column of the documents; by default "document" or "text".
        id: Column of the ids; by default "id", or a hash of the text if there is no such column. Where all
            numbers are whole, 1.0 is the id "1".
        meta: Columns to store as metadata; all others by default. Empty cells (None, NaN, NaT, NA, "", [])
            are left out, dates become ISO strings, durations seconds, short arrays lists.
        batch_size: Number of rows to write at a time.
        progress: Show a progress bar after one second.
        dry_run: Check and count only; embed and write nothing.
        update: Write the rows whose id exists and whose text or metadata differ from the record. An empty
            cell deletes its key; keys that the table does not have stay. `undo()` restores what was
            replaced.
        skip_bad: Leave out the rows that cannot be stored, and report them in the result.
        flatten: Store nested dicts as columns such as "customer.name".

    Returns:
        How many records were added and how many rows were skipped, with the rows whose id clashes.

    Raises:
        InvalidArgumentError: Rows cannot be stored; the message lists what is wrong with them by column,
            and nothing was written.
        AddInterrupted: A KeyboardInterrupt that reports how many records were written, in whole batches.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> notes.add_from(["tea is a drink", "chalk is a rock", "tea is a drink"])
        notes: 2 added, 1 skipped (same id)
    """
    if _is_collection(data) and text is id is meta is None:
        if _model_of(data) in (None, _model_of(collection)) or _model_of(collection) is None:
            return _copied(
                collection, data, check_batch_rows(batch_size), progress=progress, dry_run=dry_run,
                update=update, skip_bad=skip_bad,
            )  # fmt: skip
        data = dict(data.get())
    table = read_table(data, text=text, id=id, meta=meta, flatten=flatten)
    if table.problems and not skip_bad:
        raise table.error()
    batch_size = check_batch_rows(batch_size)
    unique: dict[str, Record] = {}
    clashes = []
    for record in table.records:  # the first row of an id counts
        first = unique.setdefault(record.id, record)
        if first.document != record.document:
            clashes.append(Clash(record.id, record.document, first.document, record.row))
    repeated = len(table.records) - len(unique)
    done = AddResult(
        collection.name, 0, repeated, dry_run, repeated=repeated, clashes=tuple(clashes),
        bad_rows=table.bad_rows, problems=table.problems,
    )  # fmt: skip
    todo = iter(unique.values())
    writing: _Plan | None = None
    operation: int | None = None
    with progress_bar(
        total=len(unique), unit="rec", desc=f"add to {printable(collection.name)}", delay=1,
        leave=False, disable=not progress,
    ) as bar:  # fmt: skip
        quiet = shows_progress.set(False)
        try:
            while batch := list(itertools.islice(todo, batch_size)):
                plan = writing = _Plan.of(collection, batch, update)
                written = (
                    WriteResult(len(plan.new)) if dry_run else plan.write(collection, operation)
                )
                operation = written.operation or operation
                done, writing = plan.counted(collection, done, written.added), None
                bar.update(len(batch))
        except KeyboardInterrupt:
            # If it came after the commit of the running batch, that batch was written.
            if writing is not None and writing.was_written(collection):
                done = writing.counted(collection, done, len(writing.new))
            raise AddInterrupted(done, table.total) from None
        finally:
            shows_progress.reset(quiet)
    return done


def _is_collection(data: Any) -> bool:
    # A frame has columns. A lazy one computes its schema if it is asked itself.
    if hasattr(type(data), "columns"):
        return False
    return all(hasattr(data, name) for name in ("get", "count", "query"))


def _model_of(collection: Any) -> str | None:
    """The name of the embedding function of a collection; all names of MiniLM are one."""
    stored = getattr(collection, "configuration_json", None) or {}
    name = (stored.get("embedding_function") or {}).get("name")
    return "default" if name in MINILM_NAMES else name


def _copied(
    collection: Handle, source: Any, batch_size: int, *, progress: bool, dry_run: bool, update: bool,
    skip_bad: bool,
) -> AddResult:  # fmt: skip
    """Add the records of another collection with their embeddings, page by page."""
    done = AddResult(collection.name, 0, 0, dry_run)
    total, operation = source.count(), None
    with progress_bar(
        total=total, unit="rec", desc=f"add to {printable(collection.name)}", delay=1,
        leave=False, disable=not progress,
    ) as bar:  # fmt: skip
        for offset in range(0, total, batch_size):
            page = source.get(limit=batch_size, offset=offset, include=[*_PARTS])
            problems: tuple[Problem, ...] = ()
            rows = list(range(len(page["ids"])))
            batch: Batch | None
            try:
                batch = _read(page, rows)
            except InvalidArgumentError:
                if not skip_bad:
                    raise
                rows, problems = _storable(page)
                batch = _read(page, rows) if rows else None
            added = updated = 0
            if batch is not None:
                known = len(collection.existing(batch.ids))
                added, updated = len(batch.ids) - known, known if update else 0
                if not dry_run and update:
                    batch = replace(batch, operation=_UPDATE, continues=operation)
                    written = write(collection, "upsert", batch)
                    operation = written.operation or operation
                elif not dry_run:
                    write(collection, "add", batch)
            done = replace(
                done,
                added=done.added + added,
                updated=done.updated + updated,
                skipped=done.skipped + len(rows) - added - updated,
                bad_rows=done.bad_rows + len(problems),
                problems=done.problems + problems,
            )
            bar.update(len(page["ids"]))
    return done


def _read(page: Mapping[str, Any], rows: Sequence[int]) -> Batch:
    """Check rows of what a collection's `get` returned."""
    embeddings, documents, metadatas, uris = (
        None if page[part] is None else [page[part][row] for row in rows] for part in _PARTS
    )
    ids = [page["ids"][row] for row in rows]
    if metadatas is not None:  # Chroma returns {} for some records without metadata
        metadatas = [metadata or None for metadata in metadatas]
    return read_batch(ids, embeddings, metadatas, documents, uris)


def _storable(page: Mapping[str, Any]) -> tuple[list[int], tuple[Problem, ...]]:
    """The rows of a page that can be stored, and what is wrong with the others."""
    rows, problems = [], []
    for row, id in enumerate(page["ids"]):
        try:
            _read(page, [row])
        except InvalidArgumentError as error:
            problems.append(Problem("record", "one that can be stored", str(error), 1, (id,)))
        else:
            rows.append(row)
    return rows, tuple(problems)


@dataclass(frozen=True)
class _Plan:
    """What is to be done with a batch of rows.

    Attributes:
        new: Rows whose id is new.
        rewritten: Rows with another text than their record, to be embedded and updated.
        relabeled: Rows with the text of their record and other metadata, to be updated; the metadata is
            the change, in which None deletes a key.
        skipped: The number of rows whose record stays as it is.
        differing: How many of these have other metadata.
        clashes: Those of them that have another text.
    """

    new: Sequence[Record]
    rewritten: Sequence[Record]
    relabeled: Sequence[Record]
    skipped: int
    differing: int
    clashes: tuple[Clash, ...]

    @classmethod
    def of(cls, collection: Handle, records: Sequence[Record], update: bool) -> _Plan:
        found = collection.engine.get(
            collection.id,
            Filter(ids=[record.id for record in records]),
            {"documents", "metadatas"},
            None,
            0,
        )
        parts = (found.ids, found.documents or (), found.metadatas or ())
        stored = {id: (text, metadata or {}) for id, text, metadata in zip(*parts, strict=True)}
        new, rewritten, relabeled, clashes = [], [], [], []
        differing = 0
        for record in records:
            if record.id not in stored:
                new.append(record)
                continue
            text, metadata = stored[record.id]
            change = _change(record, metadata)
            if text != record.document:
                if update:
                    rewritten.append(replace(record, metadata=change))
                else:
                    clashes.append(Clash(record.id, record.document, text or "", record.row))
            elif change:
                differing += 1
                relabeled.append(replace(record, metadata=change))
        changed = len(rewritten) + (len(relabeled) if update else 0)
        return cls(
            new,
            rewritten,
            relabeled if update else (),
            len(records) - len(new) - changed,
            0 if update else differing,
            tuple(clashes),
        )

    def write(self, collection: Handle, operation: int | None) -> WriteResult:
        """Write the rows, which `read_table` has checked; nothing is checked again.

        Args:
            collection: The collection to write to.
            operation: The number in the history of what the earlier batches changed, if anything.

        Returns:
            The number of new records, without those that another process has added meanwhile, and the
            number in the history.
        """
        added = 0
        embedded = [*self.new, *self.rewritten]
        if embedded:
            batch = with_vectors(collection, _batch(embedded))
            if self.rewritten:
                batch = replace(batch, operation=_UPDATE, continues=operation)
                written = write(collection, "upsert", batch)
            else:
                written = write(collection, "add", batch)
            added, operation = written.added, written.operation or operation
        if self.relabeled:
            batch = replace(
                _batch(self.relabeled), documents=None, operation=_UPDATE, continues=operation
            )
            operation = write(collection, "update", batch).operation
        return WriteResult(added, operation=operation)

    def was_written(self, collection: Handle) -> bool:
        """Whether nothing is left to do after an interrupt."""
        rows = [*self.new, *self.rewritten, *self.relabeled]
        if not rows:
            return False
        left = _Plan.of(collection, rows, update=True)
        return not (left.new or left.rewritten or left.relabeled)

    def counted(self, collection: Handle, done: AddResult, added: int) -> AddResult:
        """Add what this plan did to the counts."""
        texts = [record.document for record in (*self.new, *self.rewritten)]
        return replace(
            done,
            added=done.added + added,
            updated=done.updated + len(self.rewritten) + len(self.relabeled),
            skipped=done.skipped + self.skipped + len(self.new) - added,
            differing=done.differing + self.differing,
            clashes=done.clashes + self.clashes,
            blank=done.blank + sum(not text.strip() for text in texts),
            long=done.long + sum(len(text) > _LONG for text in texts),
            truncated=done.truncated + (0 if done.dry_run else _truncated(collection, texts)),
        )


def _change(record: Record, stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """What differs in the metadata of a record; None deletes a key. None if nothing does."""
    change: dict[str, Any] = {
        key: value
        for key, value in (record.metadata or {}).items()
        if key not in stored or _text_of(stored[key]) != _text_of(value)
    }
    return {**change, **{key: None for key in record.empty if key in stored}} or None


def _text_of(value: Any) -> str:
    """The JSON of a value, which tells 1, 1.0 and True apart."""
    return json.dumps(value, sort_keys=True)


def _batch(records: Sequence[Record]) -> Batch:
    return Batch(
        ids=[record.id for record in records],
        documents=[record.document for record in records],
        metadatas=[record.metadata for record in records],
    )


def _truncated(collection: Handle, texts: Sequence[str]) -> int:
    """The number of texts that are longer than the collection's model reads, where the model tells."""
    if not texts:
        return 0
    count_truncated = getattr(collection.embedding_function(), "count_truncated", None)
    return 0 if count_truncated is None else int(count_truncated(texts))


def with_vectors(collection: Handle, batch: Batch, images: Any = None) -> Batch:
    """Fill in the vectors of a batch by embedding its documents, images or URIs, if it has none.

    Raises:
        InvalidArgumentError: There is nothing to embed, or both documents and images; or a document is
            missing, or there are URIs alone and no data loader.
    """
    pictures = None if images is None else check_images(images, "images")
    if pictures is not None:
        check_length("images", len(pictures), batch.ids)
    if batch.vectors is not None:
        return batch
    if images is not None and batch.documents is not None:
        raise InvalidArgumentError(
            "Exactly one of documents, images must be provided in add. Pass embeddings, or add them separately."
        )
    made_for = collection.get_model().configuration
    if pictures is not None:
        vectors = embed_documents(collection.embedding_function(), pictures)
        return replace(batch, vectors=vectors, made_for=made_for)
    if batch.documents is None and batch.uris is not None:
        loaded = collection.load(batch.uris)
        vectors = embed_documents(collection.embedding_function(), loaded)
        return replace(batch, vectors=vectors, made_for=made_for)
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


def write(
    collection: Handle,
    how: Literal["add", "upsert", "update"],
    batch: Batch,
) -> WriteResult:
    """Write a batch with the sparse vectors that the indexes of the collection ask for.

    Args:
        collection: The collection to write to.
        how: The call of the engine.
        batch: The records, with their vectors.
    """
    engine = collection.engine
    while True:
        indexed = with_sparse_embeddings(batch, collection.get_model())
        try:
            return getattr(engine, how)(collection.id, indexed)  # type: ignore[no-any-return]
        except (
            OutdatedSchemaError
        ) as error:  # an index was created or deleted through another handle
            collection.refresh(error.model)


def count_truncated(collection: Handle, lengths: Range | None) -> int | None:
    """Count the documents of a collection that are longer than its model reads.

    Args:
        collection: The collection.
        lengths: The lengths of its documents, in characters. A token has at least one, so that short
            documents need no model.

    Returns:
        The number; None if the model does not tell, or is not available.
    """
    try:
        function = collection.embedding_function()
        limit = getattr(function, "max_tokens", None)
        count_truncated = getattr(function, "count_truncated", None)
        if limit is None or count_truncated is None:
            return None
        if lengths is None or lengths.max < limit():
            return 0
        found = 0
        for offset in itertools.count(0, _PAGE):
            rows = collection.engine.get(collection.id, Filter(), {"documents"}, _PAGE, offset)
            found += count_truncated([text for text in rows.documents or () if text is not None])
            if len(rows.ids) < _PAGE:
                break
    except (EmbeddingFunctionError, ModelNotAvailableError):
        return None
    return int(found)


def _skipped(done: AddResult) -> str:
    return f", {done.skipped:,} skipped (same id)" if done.skipped else ""
