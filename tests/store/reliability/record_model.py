"""A model of the record calls of a collection as a dict: id -> Record, in insertion order."""

import re
from dataclasses import dataclass, replace

FIELDS = ("embeddings", "documents", "metadatas", "uris")


@dataclass(frozen=True)
class Record:
    embedding: tuple
    document: str | None = None
    metadata: dict | None = None
    uri: str | None = None


def held(collection, **choice):
    """The contents of a collection, read through its API; `choice` is passed to `get`."""
    found = collection.get(include=FIELDS, **choice)
    rows = zip(
        [tuple(map(float, vector)) for vector in found["embeddings"]],
        found["documents"], found["metadatas"], found["uris"], strict=True,
    )  # fmt: skip
    return {id: Record(*row) for id, row in zip(found["ids"], rows, strict=True)}


def applied(records, method, arguments):
    """The records after a call, and its return value."""
    if method == "delete":
        return _deleted(records, **arguments)
    return _written(records, method, **arguments), None


def chosen(records, ids=None, where=None, where_document=None, limit=None, offset=0):
    """The ids that a choice selects, in insertion order."""
    found = [
        id
        for id, record in records.items()
        if (ids is None or id in ids)
        and (where is None or _matches(where, record.metadata or {}))
        and (where_document is None or _reads(where_document, record.document))
    ]
    return found[offset : None if limit is None else offset + limit]


def _deleted(records, **choice):
    gone = set(chosen(records, **choice))
    by_ids_alone = set(choice) == {"ids"}
    left = {id: record for id, record in records.items() if id not in gone}
    return left, {"deleted": len(choice["ids"]) if by_ids_alone else len(gone)}


def _written(records, method, ids, embeddings=None, documents=None, metadatas=None, uris=None):
    after = dict(records)
    nothing = [None] * len(ids)
    rows = zip(
        ids, embeddings or nothing, documents or nothing, metadatas or nothing, uris or nothing,
        strict=True,
    )  # fmt: skip
    for id, embedding, document, metadata, uri in rows:
        old = after.get(id)
        if old is None and method != "update":
            after[id] = Record(tuple(embedding), document, _merged(None, metadata), uri)
        elif old is not None and method != "add":
            after[id] = replace(
                old,
                embedding=old.embedding if embedding is None else tuple(embedding),
                document=old.document if document is None else document,
                metadata=_merged(old.metadata, metadata),
                uri=old.uri if uri is None else uri,
            )
    return after


def _merged(old, new):
    both = {**(old or {}), **(new or {})}
    return {key: value for key, value in both.items() if value is not None} or None


def _matches(where, metadata):
    ((key, condition),) = where.items()
    if key in ("$and", "$or"):
        join = all if key == "$and" else any
        return join(_matches(clause, metadata) for clause in condition)
    ((operator, wanted),) = condition.items()
    there = metadata.get(key)
    number = isinstance(there, int | float) and not isinstance(there, bool)
    match operator:
        case "$eq" | "$ne":
            return _same(there, wanted) == (operator == "$eq")
        case "$in" | "$nin":
            return any(_same(there, item) for item in wanted) == (operator == "$in")
        case "$contains" | "$not_contains":
            holds = isinstance(there, list) and any(_same(item, wanted) for item in there)
            return holds == (operator == "$contains")
        case "$gt":
            return number and there > wanted
        case "$gte":
            return number and there >= wanted
        case "$lt":
            return number and there < wanted
        case "$lte":
            return number and there <= wanted
    raise ValueError(operator)


def _same(there, wanted):
    """Whether two values are equal; a boolean is not a number."""
    return isinstance(there, bool) == isinstance(wanted, bool) and there == wanted


def _reads(where_document, document):
    ((operator, wanted),) = where_document.items()
    if operator in ("$and", "$or"):
        join = all if operator == "$and" else any
        return join(_reads(clause, document) for clause in wanted)
    text = document is not None and (
        wanted in document if operator.endswith("contains") else bool(re.search(wanted, document))
    )
    return text != operator.startswith("$not_")
