"""The verbs for stores, collections and models: connect, collections, create, rename, models, ..."""

from __future__ import annotations

import os
from typing import Any

import chromalab
from chromalab import embed
from chromalab.arguments.values import check_name
from chromalab.client.client import CollectionList
from chromalab.commands.argument import DRY_RUN, YES, Argument, collections
from chromalab.commands.results import Models, Notice, Status
from chromalab.commands.session import Session
from chromalab.commands.verb import Call, Verb
from chromalab.engine.configuration import SPACES
from chromalab.errors import InvalidArgumentError, UniqueConstraintError, near, short
from chromalab.results.tables import count, one_line

__all__ = ["MODELS", "STORE", "status"]


def status(session: Session) -> Status:
    """Return the open connections, and the collections of the current one."""
    here = session.client.list_collections() if session.has_store else CollectionList()
    return Status(
        tuple(f"{n} (current)" if n == session.current else n for n in session.names), here
    )


def _connect(call: Call) -> Any:
    session, name, path = call.session, call.given.get("as"), call.given.get("path")
    if call.given.get("ephemeral"):
        if path is not None:
            raise InvalidArgumentError(
                f"--ephemeral must not have a folder; got {short(path)}. Leave one of them out."
            )
        return session.connect(chromalab.EphemeralClient(), name or "ephemeral")
    if path is None:
        if name is None:
            raise InvalidArgumentError("connect needs a folder: %chroma connect ./my.chroma")
        return session.select(name)
    if isinstance(path, str | os.PathLike):
        path = os.fspath(path)
        return session.connect(chromalab.PersistentClient(path), name or path)
    if not isinstance(path, chromalab.ClientAPI):
        raise InvalidArgumentError(f"path must be a folder or a client; got {short(path)}.")
    return session.connect(path, name or "client")


def _import(call: Call) -> Any:
    return chromalab.import_chroma(call.given["source"], call.given.get("target"))


def _create(call: Call) -> Any:
    name, client = call.given["collection"], call.session.client
    if call.given.get("dry_run"):
        exists = check_name(name) in {c.name for c in client.list_collections()}
        return Notice(f"{name!r} already exists." if exists else f"Would create {name!r}.")
    function = given = call.given["model"]
    if isinstance(function, str):
        config = {"type": "known", "name": function, "config": {}}
        function = None if function == "none" else embed.from_config(config)
    metric = call.given.get("metric")
    configuration = {"hnsw": {"space": metric}} if metric else None
    try:
        made = call.api(name=name, configuration=configuration, embedding_function=function)
    except UniqueConstraintError as error:
        raise UniqueConstraintError(
            f"Collection {name!r} already exists. Use --get-or-create to open it, "
            "or choose another name."
        ) from error
    if function is not None and not isinstance(given, str):
        call.session.remember(made, function)
    return made


def _rename(call: Call) -> Any:
    former = call.collection.name
    call.api()
    return Notice(f"Renamed the collection {former!r} to {call.given['name']!r}.")


def _delete_collection(call: Call) -> Any:
    collection = call.session.collection(call.given["collection"])
    if call.given.get("yes") and not call.given.get("dry_run"):
        call.api(name=collection.name)
        return Notice(f"Deleted the collection {collection.name!r}.")
    return Notice(
        f"Would delete the collection {collection.name!r} and its {count(collection.count(), 'record')}. "
        "Add --yes to delete it."
    )


def _models(call: Call) -> Any:
    action, name = call.given.get("action", "list"), call.given.get("model")
    if action == "list":
        if name is not None:
            raise InvalidArgumentError(
                f"models list takes no model; got {one_line(name)!r}. Type models get {one_line(name)}"
            )
        return Models(tuple(call.api()))
    if name is None:
        raise InvalidArgumentError(
            f"models get needs a model. {near('', _local_models(call.session), what='Models')}"
        )
    return Notice(f"{one_line(name)} is in {embed.get_model(name)}")


def _known_models(session: Session) -> list[str]:
    return [*embed.known_embedding_functions, "none"]


def _local_models(session: Session) -> list[str]:
    return [model.name for model in embed.models()]


STORE = (
    Verb(
        api="chromalab.PersistentClient",
        short_name="connect",
        summary="Open a store, or go back to one that is already open.",
        examples=("%chroma connect ./papers.chroma --as work", "%chroma connect --as work"),
        takes=(Argument(name="path", help="The folder, or :name of a client.", kind="path"),),
        hides=("path", "settings", "tenant", "database", "durability"),
        adds=(
            Argument(
                name="--as",
                help="The name of this connection.",
                offers=lambda session: list(session.names),
                is_open=True,
            ),
            Argument(
                name="--ephemeral",
                help="Open a new store that is deleted when Python exits.",
                kind="switch",
            ),
        ),
        action=_connect,
    ),
    Verb(
        api="chromalab.import_chroma",
        short_name="import",
        summary="Copy every collection of a folder that Chroma wrote into a new store.",
        examples=("%chroma import ./chroma", "%chroma import ./chroma ./papers.chroma"),
        takes=(
            Argument(name="source", help="The folder of Chroma.", kind="path", required=True),
            Argument(name="target", help="The folder of the new store.", kind="path"),
        ),
        hides=("source", "target", "progress"),
        cli=True,
        action=_import,
    ),
    Verb(
        api="client.list_collections",
        short_name="collections",
        summary="List the collections of the store.",
        examples=("%chroma collections", "found = %chroma collections"),
        takes=(),
        hides=("limit", "offset"),
    ),
    Verb(
        api="client.create_collection",
        short_name="create",
        summary="Create a collection.",
        examples=(
            "%chroma create papers --model minilm --metric cosine",
            "%chroma create papers --get-or-create",
        ),
        takes=(Argument(name="collection", help="The name of the collection.", required=True),),
        hides=("name", "schema", "configuration", "embedding_function", "data_loader"),
        adds=(
            Argument(
                name="--model",
                help="The embedding function, or :name of one.",
                kind="any",
                offers=_known_models,
                setting="model",
            ),
            Argument(name="--metric", help="The distance metric.", choices=tuple(SPACES)),
            DRY_RUN,
        ),
        action=_create,
    ),
    Verb(
        api="collection.modify",
        short_name="rename",
        summary="Give a collection another name.",
        examples=("%chroma rename papers articles", "%chroma rename papers papers-2024"),
        positional=("name",),
        hides=("metadata", "configuration"),
        changes={"name": {"help": "The new name.", "required": True, "none": False}},
        action=_rename,
    ),
    Verb(
        api="client.delete_collection",
        summary="Delete a collection with its records; without --yes, only show what would be deleted.",
        examples=(
            "%chroma delete_collection papers",
            "%chroma delete_collection papers --yes",
        ),
        takes=(
            Argument(
                name="collection",
                help="The name of the collection.",
                required=True,
                offers=collections,
                is_open=True,
            ),
        ),
        hides=("name",),
        adds=(YES, DRY_RUN),
        action=_delete_collection,
    ),
)

MODELS = Verb(
    api="chromalab.embed.models",
    short_name="models",
    summary="List the models that run on this machine, or download one.",
    examples=("%chroma models", "%chroma models get minilm"),
    takes=(
        Argument(name="action", help="What to do: list or get.", choices=("list", "get")),
        Argument(name="model", help="The model to get.", offers=_local_models, is_open=True),
    ),
    cli=True,
    action=_models,
)
