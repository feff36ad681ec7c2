"""The verbs for records: add, upsert, query, get, peek, count, describe, export, delete, history, undo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from chromalab.commands.argument import COLLECTION, CONTAINS, DRY_RUN, FILL, JSONL, YES, Argument
from chromalab.commands.results import Notice
from chromalab.commands.verb import Call, Verb
from chromalab.errors import InvalidArgumentError
from chromalab.results.tables import count, one_line

__all__ = ["DESCENDING", "RECORDS", "SHOW"]


def _add(call: Call, **options: Any) -> Any:
    data = _one(call, "source", "documents")
    columns = [f"--{name}" for name in ("text", "id", "meta") if name in call.given]
    if columns and (isinstance(data, str) or (call.body and not call.given.get("jsonl"))):
        raise InvalidArgumentError(
            f"{' and '.join(columns)} must name columns of a table; got a text. "
            "Pass a DataFrame as :name, or rows as JSON with --jsonl."
        )
    return call.api(data=[data] if isinstance(data, str) else data, **options)


def _upsert(call: Call) -> Any:
    return _add(call, update=True)


def _query(call: Call) -> Any:
    queries = _one(call, "query", "queries")
    _check_queries(queries, is_body=call.body is not None)
    rows: Any = [queries] if isinstance(queries, str) else queries
    if isinstance(rows, Iterable) and all(isinstance(row, str) for row in rows):
        return call.api(query_texts=list(rows), **_contains(call))
    return call.api(query_embeddings=rows, **_contains(call))


def _filtered(call: Call) -> Any:
    return call.api(**_contains(call))


def _delete(call: Call) -> Any:
    """Delete records, or show which ones would be deleted."""
    collection, chosen = call.collection, {**call.options, **_contains(call)}
    if all(chosen.get(name) is None for name in ("ids", "where", "where_document")):
        raise InvalidArgumentError(
            "delete needs ids, --where or --contains. "
            "To delete the collection itself, %chroma delete_collection."
        )
    found, total = collection.get(**chosen, include=[])["ids"], collection.count()
    how_many = f"{len(found):,} of {count(total, 'record')} of {collection.name!r}"
    them = "it" if len(found) == 1 else "them"
    if call.given.get("yes") and not call.given.get("dry_run"):
        call.api(**_contains(call))
        restores = f" %chroma undo {collection.name} restores {them}." if found else ""
        return Notice(f"Deleted {how_many}.{restores}")
    shown = ", ".join(one_line(id) for id in found[:5])
    shown += f", ... (5 of {len(found):,} shown)" if len(found) > 5 else ""
    return Notice(
        f"Would delete {how_many}" + (f": {shown}. Add --yes to delete {them}." if found else ".")
    )


def _one(call: Call, name: str, what: str) -> Any:
    """Return what is given on the line or in the body, which must be exactly one of them."""
    given = call.given.get(name)
    if (given is None) == (call.body is None):
        raise InvalidArgumentError(
            f"Give the {what} on the line, or in the body of a %%chroma cell."
        )
    return given if call.body is None else call.body


def _check_queries(queries: Any, *, is_body: bool) -> None:
    if isinstance(queries, int | float):
        raise InvalidArgumentError(
            f'query must be a text or vectors; got {queries!r}. For the text, type "{queries}".'
        )
    rows = queries if isinstance(queries, list | tuple) else [queries]
    if not hasattr(queries, "columns") and not any(isinstance(row, Mapping) for row in rows):
        return
    if is_body:
        raise InvalidArgumentError('A line of query --jsonl must be a JSON string: "what is tea?"')
    raise InvalidArgumentError("query takes texts or vectors; pick a column: q = df['text']")


def _contains(call: Call) -> dict[str, Any]:
    text = call.given.get("contains")
    return {} if text is None else {"where_document": {"$contains": text}}


# After a space, argparse would take "-year" for a flag.
DESCENDING = {
    "order_by": {"help": "The metadata key to sort by; --order-by=-year sorts in descending order."}
}
SHOW = {"show": {"kind": "words"}}
_IDS = {"ids": {"help": "Ids, or :name of a list.", "kind": "any", "many": True}}

_ADD = Verb(
    api="collection.add_from",
    short_name="add",
    summary="Add documents; those whose id already exists are skipped.",
    examples=(
        "%chroma add papers :df --text abstract --id doi --meta year,venue",
        '%chroma add notes "Tea is a drink."',
    ),
    takes=(
        COLLECTION,
        Argument(
            name="source",
            help="One text, or :name of a DataFrame, a dataset or a list.",
            kind="texts",
        ),
    ),
    hides=("data",),
    changes={"meta": {"kind": "words"}},
    adds=(JSONL, FILL),
    body="documents, separated by empty lines",
    action=_add,
)

RECORDS = (
    _ADD,
    replace(
        _ADD,
        short_name="upsert",
        summary="Add documents, and write the rows that differ from the record with their id.",
        examples=(
            "%chroma upsert papers :df --text abstract --id doi",
            "%chroma upsert papers :df --text abstract --id doi --dry-run",
        ),
        hides=("data", "update"),
        action=_upsert,
    ),
    Verb(
        api="collection.query",
        summary="Find the nearest documents.",
        examples=(
            '%chroma query papers "code search" -k 5 --where "year >= 2020"',
            "hits = %chroma query papers :questions",
        ),
        takes=(
            COLLECTION,
            Argument(
                name="query",
                help="The query text, or :name of a text, a list or an array of vectors.",
                kind="texts",
            ),
        ),
        hides=(
            "query_embeddings",
            "query_texts",
            "query_images",
            "query_uris",
            "where_document",
        ),
        changes={"n_results": {"setting": "k"}, "ids": {"kind": "words"}, **SHOW},
        adds=(CONTAINS, JSONL, FILL),
        body="queries, separated by empty lines",
        action=_query,
    ),
    Verb(
        api="collection.get",
        summary="Read records by id or by a condition.",
        examples=(
            "%chroma get papers p1 p2 --show year,venue",
            '%chroma get papers --where "year = 2024" --limit 20',
        ),
        positional=("ids",),
        hides=("where_document",),
        changes={**_IDS, **DESCENDING, **SHOW},
        adds=(CONTAINS,),
        action=_filtered,
    ),
    Verb(
        api="collection.peek",
        summary="Show the first records.",
        examples=("%chroma peek papers", "%chroma peek papers --limit 3"),
        changes={"limit": {"help": "Number of records."}},
    ),
    Verb(
        api="collection.count",
        summary="Count the records.",
        examples=("%chroma count papers", 'n = %chroma count papers --where "year >= 2020"'),
        hides=("where_document",),
        adds=(CONTAINS,),
        action=_filtered,
    ),
    Verb(
        api="collection.describe",
        summary="Describe the collection: its metadata by key, its documents, embeddings and index.",
        examples=("%chroma describe papers", "summary = %chroma describe papers"),
    ),
    Verb(
        api="collection.export",
        summary="Write the records to a CSV, Parquet or JSON file.",
        examples=(
            "%chroma export papers papers.parquet",
            '%chroma export papers recent.csv --where "year >= 2020" --overwrite',
        ),
        positional=("path",),
        changes={"path": {"kind": "path"}, "ids": {"kind": "words"}},
    ),
    Verb(
        api="collection.delete",
        summary="Delete records; without --yes, only show what would be deleted.",
        examples=(
            '%chroma delete papers --where "year < 1990"',
            '%chroma delete papers --where "year < 1990" --yes',
        ),
        positional=("ids",),
        hides=("where_document",),
        changes=_IDS,
        adds=(CONTAINS, YES, DRY_RUN),
        action=_delete,
    ),
    Verb(
        api="collection.history",
        summary="List what was deleted or overwritten and can be undone.",
        examples=("%chroma history papers", "done = %chroma history papers"),
    ),
    Verb(
        api="collection.undo",
        summary="Restore what was last deleted or overwritten, or an earlier operation by its number.",
        examples=("%chroma undo papers", "%chroma undo papers 3"),
        positional=("number",),
    ),
)
