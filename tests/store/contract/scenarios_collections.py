"""Collections, their configurations and embedding functions: scenarios for `script.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def collections(s: Any) -> None:
    client = s.client
    s.do("none yet", client.list_collections)
    one = client.create_collection("one", metadata={"about": "first"}, embedding_function=None)
    s.do("metadata", lambda: one.metadata)
    s.do("name", lambda: one.name)
    s.do("id", lambda: str(one.id))
    s.do("tenant", lambda: [one.tenant, one.database])
    s.do("create again", lambda: client.create_collection("one", embedding_function=None))
    s.do(
        "get_or_create",
        lambda: client.get_or_create_collection("one", embedding_function=None).metadata,
    )
    s.do(
        "get_or_create with other metadata",
        lambda: (
            client.get_or_create_collection(
                "one", metadata={"x": 1}, embedding_function=None
            ).metadata
        ),
    )
    s.do(
        "create get_or_create",
        lambda: (
            client.create_collection("one", get_or_create=True, embedding_function=None).metadata
        ),
    )
    s.do("get", lambda: client.get_collection("one", embedding_function=None).metadata)
    s.do("get unknown", lambda: client.get_collection("nope"))
    s.do("delete unknown", lambda: client.delete_collection("nope"))
    s.do("get by wrong type", lambda: client.get_collection(3))
    client.create_collection("two", embedding_function=None)
    client.create_collection("three", embedding_function=None)
    s.do("list", lambda: sorted(c.name for c in client.list_collections()))
    s.do("limit", lambda: len(client.list_collections(limit=2)))
    s.do("offset", lambda: len(client.list_collections(offset=2)))
    s.do("count", client.count_collections)
    for name in (
        "ab",
        "a" * 513,
        "-ab",
        "ab-",
        "a b",
        "a/b",
        "a..b",
        "a.b-c_d",
        "192.168.1.1",
        "éte",
        "",
        "Ab1",
    ):
        s.do(
            f"name {name[:20]!r}",
            lambda name=name: client.create_collection(name, embedding_function=None).name,
        )
    s.do(
        "empty metadata",
        lambda: client.create_collection("em", metadata={}, embedding_function=None),
    )
    s.do(
        "bad metadata",
        lambda: client.create_collection("bm", metadata={"a": {"b": 1}}, embedding_function=None),
    )
    s.do("modify name", lambda: one.modify(name="uno"))
    s.do("new name", lambda: [one.name, client.get_collection("uno", embedding_function=None).name])
    s.do("old name", lambda: client.get_collection("one", embedding_function=None))
    s.do("modify metadata replaces", lambda: one.modify(metadata={"other": 2}))
    s.do("new metadata", lambda: client.get_collection("uno", embedding_function=None).metadata)
    s.do("modify to a taken name", lambda: one.modify(name="two"))
    s.do("modify to a bad name", lambda: one.modify(name="x"))
    s.do("modify space in metadata", lambda: one.modify(metadata={"hnsw:space": "cosine"}))
    s.do("modify ef_search", lambda: one.modify(configuration={"hnsw": {"ef_search": 50}}))
    s.do("modify space", lambda: one.modify(configuration={"hnsw": {"space": "cosine"}}))
    s.do("delete", lambda: client.delete_collection("uno"))
    s.do("use after delete", lambda: one.count())
    s.do("add after delete", lambda: one.add(ids=["a"], embeddings=[[1, 2]]))
    again = client.create_collection("uno", embedding_function=None)
    s.do("made anew is empty", again.count)
    s.do(
        "both kinds",
        lambda: client.create_collection("both", configuration={"hnsw": {}, "spann": {}}),
    )
    s.do(
        "unknown hnsw key",
        lambda: client.create_collection(
            "uk", configuration={"hnsw": {"speed": 1}}, embedding_function=None
        ),
    )


def configurations(s: Any) -> None:
    client = s.client
    c = client.create_collection("plain", embedding_function=None)
    s.do("default json", lambda: c.configuration_json)
    s.do("default", lambda: c.configuration)
    d = client.create_collection(
        "tuned",
        configuration={
            "hnsw": {
                "space": "cosine",
                "ef_construction": 200,
                "max_neighbors": 32,
                "ef_search": 64,
            }
        },
        embedding_function=None,
    )
    s.do("tuned json", lambda: d.configuration_json)
    d.modify(configuration={"hnsw": {"ef_search": 99}})
    s.do("after modify", lambda: d.configuration_json)
    s.do(
        "reopened",
        lambda: client.get_collection("tuned", embedding_function=None).configuration_json,
    )
    e = client.create_collection(
        "legacy",
        metadata={"hnsw:space": "ip", "hnsw:M": 8, "hnsw:search_ef": 33},
        embedding_function=None,
    )
    s.do("legacy json", lambda: e.configuration_json)
    s.do(
        "bad ef",
        lambda: client.create_collection(
            "be", configuration={"hnsw": {"ef_search": -1}}, embedding_function=None
        ),
    )
    s.do(
        "bad ef type",
        lambda: client.create_collection(
            "bt", configuration={"hnsw": {"ef_search": "x"}}, embedding_function=None
        ),
    )


def embedding_functions(s: Any) -> None:
    library, client = s.library, s.client
    registry = library.embed if hasattr(library, "embed") else library.utils.embedding_functions

    class Lengths(library.EmbeddingFunction):
        def __init__(self, scale: float = 1.0) -> None:
            self.scale = scale

        def __call__(self, input: Any) -> Any:
            return [np.array([len(t) * self.scale, 1.0], dtype=np.float32) for t in input]

        @staticmethod
        def name() -> str:
            return "lengths"

        def get_config(self) -> dict[str, Any]:
            return {"scale": self.scale}

        @staticmethod
        def build_from_config(config: dict[str, Any]) -> Lengths:
            return Lengths(config["scale"])

        def default_space(self) -> str:
            return "cosine"

        def supported_spaces(self) -> list[str]:
            return ["cosine", "l2", "ip"]

    class Other(Lengths):
        @staticmethod
        def name() -> str:
            return "other"

    s.do(
        "not registered: create",
        lambda: client.create_collection("early", embedding_function=Lengths(2.0)).count(),
    )
    s.do("not registered: get", lambda: client.get_collection("early").count())
    registry.register_embedding_function(Lengths)
    registry.register_embedding_function(Other)
    c = client.create_collection("texts", embedding_function=Lengths(2.0))
    s.do("json", lambda: c.configuration_json)
    c.add(ids=["a", "b"], documents=["xx", "xxxxx"])
    s.do("embedded", lambda: c.get(include=["embeddings"]))
    s.do("rebuilt by name", lambda: client.get_collection("texts").query(query_texts=["xxx"]))
    s.do("one text as a string", lambda: c.query(query_texts="xx", n_results=1)["ids"])
    s.do(
        "same function given",
        lambda: client.get_collection("texts", embedding_function=Lengths(2.0)).count(),
    )
    s.do("conflict on get", lambda: client.get_collection("texts", embedding_function=Other()))
    s.do(
        "conflict on get_or_create",
        lambda: client.get_or_create_collection("texts", embedding_function=Other()),
    )
    s.do("get_or_create, default", lambda: client.get_or_create_collection("texts").count())
    s.do("upsert embeds", lambda: c.upsert(ids=["b"], documents=["x"]))
    s.do("update embeds", lambda: c.update(ids=["a"], documents=["xxxxxxx"]))
    s.do("after", lambda: c.get(include=["embeddings", "documents"]))
    s.do("empty text list", lambda: c.query(query_texts=[]))
    s.do("text not a string", lambda: c.query(query_texts=[3]))
    s.do(
        "in the configuration",
        lambda: (
            client.create_collection(
                "conf", configuration={"embedding_function": Lengths(3.0)}
            ).configuration_json
        ),
    )
    s.do("not a function", lambda: client.create_collection("nf", embedding_function="minilm"))


SCENARIOS: dict[str, Callable[[Any], None]] = {
    f.__name__: f for f in (collections, configurations, embedding_functions)
}
