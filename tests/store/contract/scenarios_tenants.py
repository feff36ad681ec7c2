"""Tenants, databases, settings and `modify`: scenarios for `script.py`."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from typing import Any


def tenants(s: Any) -> None:
    client = s.client
    admin = s.library.AdminClient(client.get_settings())
    s.do("databases at first", admin.list_databases)
    s.do("default tenant", lambda: admin.get_tenant("default_tenant"))
    s.do("unknown tenant", lambda: admin.get_tenant("nope"))
    s.do("create tenant", lambda: admin.create_tenant("acme"))
    s.do("tenant", lambda: dict(admin.get_tenant("acme")))
    s.do("tenant again", lambda: admin.create_tenant("acme"))
    s.do("short tenant", lambda: admin.create_tenant("ab"))
    s.do("tenant of any text", lambda: admin.create_tenant("a b/c"))
    s.do("tenant not a text", lambda: admin.create_tenant(3))
    s.do("no databases yet", lambda: admin.list_databases(tenant="acme"))
    s.do("create database", lambda: admin.create_database("papers", "acme"))
    s.do("database", lambda: admin.get_database("papers", "acme")["name"])
    s.do("its tenant", lambda: admin.get_database("papers", "acme")["tenant"])
    s.do("its id", lambda: type(admin.get_database("papers", "acme")["id"]).__name__)
    s.do("database again", lambda: admin.create_database("papers", "acme"))
    s.do("same name elsewhere", lambda: admin.create_database("papers"))
    s.do("short database", lambda: admin.create_database("ab"))
    s.do("database not a text", lambda: admin.create_database(4))
    s.do("database in no tenant", lambda: admin.create_database("papers", "nope"))
    s.do("unknown database", lambda: admin.get_database("nope"))
    s.do("database elsewhere", lambda: admin.get_database("default_database", "acme"))

    def names(**options: Any) -> list[str]:
        return [database["name"] for database in admin.list_databases(**options)]

    s.do("databases", names)
    s.do("databases of a tenant", lambda: names(tenant="acme"))
    s.do("limit", lambda: names(limit=1))
    s.do("offset", lambda: names(offset=1))
    s.do("limit and offset", lambda: names(limit=1, offset=1))
    s.do("negative limit", lambda: names(limit=-1))
    s.do("databases of no tenant", lambda: names(tenant="nowhere"))
    s.do("delete unknown database", lambda: admin.delete_database("nope"))
    s.do("delete database", lambda: admin.delete_database("papers"))
    s.do("databases after", names)


def databases(s: Any) -> None:
    client = s.client
    admin = s.library.AdminClient(client.get_settings())
    admin.create_tenant("acme")
    admin.create_database("papers", "acme")

    def where() -> list[str]:
        return [client.tenant, client.database]

    s.do("at first", where)
    s.do("identity", lambda: vars(client.get_user_identity()))
    here = client.create_collection("notes", embedding_function=None)
    here.add(ids=["a"], embeddings=[[1, 2]])
    s.do("tenant without its database", lambda: client.set_tenant("acme"))
    s.do("stayed", where)
    s.do("unknown tenant", lambda: client.set_tenant("nope"))
    s.do("unknown database", lambda: client.set_database("nope"))
    s.do("still there", where)
    s.do("go", lambda: client.set_tenant("acme", "papers"))
    s.do("went", where)
    s.do("empty there", client.list_collections)
    s.do("none there", lambda: client.get_collection("notes"))
    s.do("not by id", lambda: client.get_collection_by_id(here.id))
    there = client.create_collection("notes", embedding_function=None)
    s.do("where it is", lambda: [there.tenant, there.database])
    s.do("another", lambda: there.id == here.id)
    s.do("the first goes on", lambda: here.get()["ids"])
    s.do("count", client.count_collections)
    s.do("home", lambda: client.set_tenant("default_tenant"))
    s.do("by id", lambda: client.get_collection_by_id(here.id, embedding_function=None).count())
    s.do(
        "by id as text",
        lambda: client.get_collection_by_id(str(here.id), embedding_function=None).count(),
    )
    s.do("by no id", lambda: client.get_collection_by_id("nope"))
    s.do("by unknown id", lambda: client.get_collection_by_id(uuid.UUID(int=1)))
    s.do("delete the database", lambda: admin.delete_database("papers", "acme"))
    s.do("collection of it", there.count)
    s.do("the other is left", here.count)
    s.do("go again", lambda: client.set_tenant("acme", "papers"))


def opening(s: Any) -> None:
    library = s.library

    def opened(folder: str, **options: Any) -> Any:
        return library.PersistentClient(folder, **options)

    with tempfile.TemporaryDirectory() as folder:
        settings = library.config.Settings(allow_reset=True, anonymized_telemetry=False)
        client = opened(folder, settings=settings)
        s.do("unknown tenant", lambda: opened(folder, settings=settings, tenant="nope"))
        s.do("unknown database", lambda: opened(folder, settings=settings, database="nope"))
        s.do("persistent", lambda: client.get_settings().is_persistent)
        s.do("folder", lambda: client.get_settings().persist_directory == folder)
        s.do("by item", lambda: client.get_settings()["allow_reset"])
        admin = library.AdminClient(client.get_settings())
        admin.create_tenant("acme")
        admin.create_database("papers", "acme")
        notes = client.create_collection("notes", embedding_function=None)
        notes.add(ids=["a"], embeddings=[[1, 2]], metadatas=[{"n": 1}])
        s.do(
            "opened in a database",
            lambda: opened(folder, settings=settings, tenant="acme", database="papers").tenant,
        )
        s.do("reset", client.reset)
        s.do("collections after", client.list_collections)
        s.do("collection after", notes.count)
        s.do("tenant after", lambda: admin.get_tenant("acme"))
        s.do("databases after", lambda: [d["name"] for d in admin.list_databases()])
        again = client.create_collection("notes", embedding_function=None)
        s.do("made anew", lambda: again.add(ids=["a"], embeddings=[[1, 2, 3]]))
        s.do("holds", lambda: again.get(include=["embeddings", "metadatas"]))
        client.close()
    s.do("reset without leave", s.client.reset)
    s.do("clear", s.client.clear_system_cache)
    s.do("default settings", lambda: library.config.Settings().persist_directory)
    s.do("setting of a wrong type", lambda: library.config.Settings(allow_reset="maybe"))
    s.do("unknown setting", lambda: type(library.config.Settings(alow_reset=True)).__name__)


def modifying(s: Any) -> None:
    client = s.client
    c = s.three(configuration={"hnsw": {"space": "cosine"}}, metadata={"a": 1, "b": "x"})
    s.do("nothing", c.modify)
    s.do("name and metadata", lambda: c.modify(name="renamed", metadata={"c": 2.5}))
    s.do("name", lambda: c.name)
    s.do("metadata", lambda: c.metadata)
    s.do("as found", lambda: client.get_collection("renamed", embedding_function=None).metadata)
    s.do("records stay", lambda: c.get()["ids"])
    s.do("empty metadata", lambda: c.modify(metadata={}))
    s.do("same name", lambda: c.modify(name="renamed"))
    for name in ("x", "a b", "", "-ab"):
        s.do(f"bad name {name!r}", lambda name=name: c.modify(name=name))
    s.do("name not a text", lambda: c.modify(name=3))
    s.do("space", lambda: c.modify(configuration={"hnsw": {"space": "ip"}}))
    s.do("space in metadata", lambda: c.modify(metadata={"hnsw:space": "ip"}))
    s.do("ef_construction", lambda: c.modify(configuration={"hnsw": {"ef_construction": 7}}))
    s.do("unknown key", lambda: c.modify(configuration={"hnsw": {"colour": 7}}))
    s.do("unknown section", lambda: c.modify(configuration={"tree": {}}))
    s.do("spann", lambda: c.modify(configuration={"spann": {"ef_search": 7}}))
    s.do(
        "what may change",
        lambda: c.modify(
            configuration={
                "hnsw": {"ef_search": 50, "num_threads": 2, "batch_size": 50, "sync_threshold": 99}
            }
        ),
    )
    s.do("changed", lambda: c.configuration_json["hnsw"]["ef_search"])
    s.do(
        "as found changed",
        lambda: client.get_collection("renamed", embedding_function=None).configuration_json,
    )
    s.do("queries as before", lambda: c.query(query_embeddings=[[1, 0]], n_results=1)["ids"])
    old = client.get_collection("renamed", embedding_function=None)
    c.modify(name="again")
    s.do("another handle keeps its name", lambda: old.name)
    s.do("and works", old.count)


SCENARIOS: dict[str, Callable[[Any], None]] = {
    f.__name__: f for f in (tenants, databases, opening, modifying)
}
