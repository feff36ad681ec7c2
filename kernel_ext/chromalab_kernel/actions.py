"""What each verb does: one public call of the API."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import chromalab
from chromalab import embed
from chromalab.arguments.values import check_name
from chromalab.display import one_line
from chromalab.engine.configuration import SPACES
from chromalab.errors import InvalidArgumentError, UniqueConstraintError, near
from chromalab.listing import CollectionList
from chromalab_kernel.results import Models, Notice, Status

if TYPE_CHECKING:
    from chromalab_kernel.session import Session

__all__ = [
    "add",
    "collections",
    "connect",
    "count",
    "create",
    "delete",
    "get",
    "models",
    "models_known",
    "models_local",
    "peek",
    "query",
    "spaces",
    "status",
]


def spaces(session: Session) -> list[str]:
    """List the distances."""
    return list(SPACES)


def models_known(session: Session) -> list[str]:
    """List the embedding functions that `create` can name."""
    return [*embed.known_embedding_functions, "none"]


def models_local(session: Session) -> list[str]:
    """List the models that can be fetched."""
    return [model.name for model in embed.models()]


def status(session: Session) -> Status:
    """Say which stores are open and what is in the current one."""
    here = session.client.list_collections() if session.has_store else CollectionList()
    return Status(
        tuple(f"{n} (current)" if n == session.current else n for n in session.names), here
    )


def connect(session: Session, arguments: SimpleNamespace) -> Any:
    """Open a store, or go back to one."""
    name = getattr(arguments, "as")
    if arguments.ephemeral:
        return session.connect(chromalab.EphemeralClient(), name or "ephemeral")
    if arguments.path is None:
        if name is None:
            raise InvalidArgumentError("connect needs a folder: %chroma connect ./my.chroma")
        return session.select(name)
    if isinstance(arguments.path, str | os.PathLike):
        path = os.fspath(arguments.path)
        return session.connect(chromalab.PersistentClient(path), name or path)
    if not isinstance(arguments.path, chromalab.ClientAPI):
        raise InvalidArgumentError(
            f"connect takes a folder or a client; found a {type(arguments.path).__name__}."
        )
    return session.connect(arguments.path, name or "client")


def collections(session: Session, arguments: SimpleNamespace) -> Any:
    """List the collections."""
    return session.client.list_collections()


def create(session: Session, arguments: SimpleNamespace) -> Any:
    """Make a collection."""
    if arguments.dry_run:
        name = check_name(arguments.collection)
        there = name in {c.name for c in session.client.list_collections()}
        return Notice(f"{name!r} exists already." if there else f"Would create {name!r}.")
    function = arguments.model
    if isinstance(function, str):
        config = {"type": "known", "name": function, "config": {}}
        function = None if function == "none" else embed.from_config(config)
    configuration = {"hnsw": {"space": arguments.metric}} if arguments.metric else None
    try:
        return session.client.create_collection(
            arguments.collection,
            configuration=configuration,
            embedding_function=function,
            get_or_create=arguments.get_or_create,
        )
    except UniqueConstraintError as error:
        raise UniqueConstraintError(
            f"Collection {arguments.collection!r} exists already. Say --get-or-create to use it, "
            "or take another name."
        ) from error


def add(session: Session, arguments: SimpleNamespace) -> Any:
    """Add documents."""
    collection = session.collection(arguments.collection)
    data = _one(arguments.source, arguments.body, "documents")
    options = {} if arguments.batch_size is None else {"batch_size": arguments.batch_size}
    return collection.add_from(
        [data] if isinstance(data, str) else data,
        text=arguments.text,
        id=arguments.id,
        meta=arguments.meta,
        dry_run=arguments.dry_run,
        **options,
    )


def query(session: Session, arguments: SimpleNamespace) -> Any:
    """Find the nearest documents."""
    collection = session.collection(arguments.collection)
    asked = _one(arguments.query, arguments.body, "queries")
    _check_query(asked, arguments.body is not None)
    texts: Any = [asked] if isinstance(asked, str) else asked
    is_text = isinstance(texts, Iterable) and all(isinstance(text, str) for text in texts)
    through = "live" if arguments.transform is None else arguments.transform
    return collection.query(
        query_texts=list(texts) if is_text else None,
        query_embeddings=None if is_text else texts,
        n_results=arguments.n_results,
        where=arguments.where,
        where_document=_contains(arguments),
        transform=None if isinstance(through, str) and through == "none" else through,
        **_included(arguments),
    )


def get(session: Session, arguments: SimpleNamespace) -> Any:
    """Read records."""
    return session.collection(arguments.collection).get(
        ids=arguments.ids,
        where=arguments.where,
        where_document=_contains(arguments),
        limit=arguments.limit,
        offset=arguments.offset,
        order_by=arguments.order_by,
        **_included(arguments),
    )


def peek(session: Session, arguments: SimpleNamespace) -> Any:
    """Look at the first records."""
    collection = session.collection(arguments.collection)
    return collection.peek() if arguments.limit is None else collection.peek(arguments.limit)


def count(session: Session, arguments: SimpleNamespace) -> Any:
    """Count the records."""
    return session.collection(arguments.collection).count()


def delete(session: Session, arguments: SimpleNamespace) -> Any:
    """Delete records or a collection; show what it would be, unless it was said with --yes."""
    collection = session.collection(arguments.collection)
    chosen = {
        "ids": arguments.ids,
        "where": arguments.where,
        "where_document": _contains(arguments),
    }
    doing = arguments.yes and not arguments.dry_run
    if arguments.whole:
        if not isinstance(arguments.collection, str):
            raise InvalidArgumentError(
                "--whole takes the collection by its name, not as an object."
            )
        if any(value is not None for value in chosen.values()):
            raise InvalidArgumentError("--whole deletes the collection itself; leave the rest out.")
        if doing:
            session.client.delete_collection(collection.name)
            return Notice(f"Deleted the collection {collection.name!r}.")
        return Notice(
            f"Would delete the collection {collection.name!r} and its {collection.count():,} records. "
            "Say --yes to do it."
        )
    if all(value is None for value in chosen.values()):
        raise InvalidArgumentError("delete needs ids, --where or --contains, or --whole.")
    found, total = collection.get(**chosen, include=[])["ids"], collection.count()
    how_many = f"{len(found):,} of {total:,} records of {collection.name!r}"
    if doing:
        collection.delete(**chosen)
        return Notice(f"Deleted {how_many}.")
    shown = ", ".join(one_line(id) for id in found[:5])
    shown += f", ... (5 of {len(found):,} shown)" if len(found) > 5 else ""
    return Notice(
        f"Would delete {how_many}" + (f": {shown}. Say --yes to do it." if found else ".")
    )


def models(session: Session, arguments: SimpleNamespace) -> Any:
    """List the models, or fetch one."""
    if arguments.action in (None, "list"):
        return Models(tuple(embed.models()))
    if arguments.action != "get":
        raise InvalidArgumentError(
            f"models does not know {arguments.action!r}. {near(arguments.action, ['list', 'get'])}"
        )
    if arguments.model is None:
        raise InvalidArgumentError(f"Which model? {near('', models_local(session), what='Models')}")
    return Notice(f"{one_line(arguments.model)} is in {embed.get_model(arguments.model)}")


def _one(words: Any, body: Any, what: str) -> Any:
    if (words is None) == (body is None):
        raise InvalidArgumentError(
            f"Give the {what} on the line, or in the body of a %%chroma cell."
        )
    return words if body is None else body


def _check_query(asked: Any, is_body: bool) -> None:
    rows = asked if isinstance(asked, list | tuple) else [asked]
    if not hasattr(asked, "columns") and not any(isinstance(row, Mapping) for row in rows):
        return
    if is_body:
        raise InvalidArgumentError('A line of query --jsonl is a JSON string: "what is tea?"')
    raise InvalidArgumentError("query takes texts or vectors; pick a column: q = df['text']")


def _contains(arguments: SimpleNamespace) -> dict[str, str] | None:
    return None if arguments.contains is None else {"$contains": arguments.contains}


def _included(arguments: SimpleNamespace) -> dict[str, Any]:
    return {} if arguments.include is None else {"include": arguments.include}
