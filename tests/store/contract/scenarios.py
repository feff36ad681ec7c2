"""What a Chroma user can see, as small scenarios that run on either library.

Each scenario takes a `Script` and does one thing after another with it; the script notes what
came back, or the name of the exception. `record.py` runs them on chromadb and keeps its answers
in `chroma_1_5_9.json`; `test_contract.py` runs the same steps on chromalab and compares.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def plain(value: Any) -> Any:
    """Turn a result into JSON: arrays to lists, floats to 5 digits, ids of collections hidden."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 5) if math.isfinite(value) else repr(float(value))
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, str):
        return _UUID.sub("<uuid>", value)
    if value is None or isinstance(value, (int, bool)):
        return value
    return type(value).__name__


class Script:
    """A client of one of the libraries, and a log of what it answered."""

    def __init__(self, library: ModuleType, client: Any) -> None:
        self.library = library
        self.client = client
        self.log: list[dict[str, Any]] = []

    def do(self, what: str, step: Callable[[], Any]) -> Any:
        """Run one step; log its value or the name of its exception."""
        try:
            value = step()
        except Exception as error:
            self.log.append({"step": what, "raises": type(error).__name__})
            return None
        self.log.append({"step": what, "value": plain(value)})
        return value

    def three(self, name: str = "three", **options: Any) -> Any:
        """Make a collection of three records in the plane."""
        options.setdefault("embedding_function", None)
        collection = self.client.create_collection(name, **options)
        collection.add(
            ids=["a", "b", "c"],
            embeddings=[[1.0, 0.0], [0.0, 2.0], [-3.0, 0.5]],
            documents=["an apple a day", "Bananas are yellow", "100% of cherries_red"],
            metadatas=[
                {"n": 1, "kind": "pome", "ripe": True},
                {"n": 2.5, "kind": "berry"},
                {"n": 3, "ripe": False, "tags": ["red", "small"]},
            ],
        )
        return collection


def adding(s: Script) -> None:
    c = s.three()
    s.do("count", c.count)
    s.do("scalars are promoted", lambda: c.add(ids="d", embeddings=[9.0, 9.0], documents="one"))
    s.do("numpy embeddings", lambda: c.add(ids=["e"], embeddings=np.array([[1, 2]])))
    s.do(
        "existing id: silent no-op", lambda: c.add(ids=["a"], embeddings=[[5, 5]], documents=["x"])
    )
    s.do("mixed new and old ids", lambda: c.add(ids=["a", "f"], embeddings=[[5, 5], [6, 6]]))
    s.do("all", lambda: c.get(include=["embeddings", "documents", "metadatas"]))
    s.do("no embeddings, documents", lambda: c.add(ids=["z"]))
    s.do("none metadata in a list", lambda: c.add(ids=["g"], embeddings=[[0, 0]], metadatas=[None]))
    s.do("g", lambda: c.get(ids=["g"]))
    s.do("document none in a list", lambda: c.add(ids=["h"], embeddings=[[0, 0]], documents=[None]))
    s.do("uris", lambda: c.add(ids=["u"], embeddings=[[0, 1]], uris=["file:///x"]))
    s.do("u", lambda: c.get(ids=["u"], include=["uris"]))
    s.do("empty string id", lambda: c.add(ids=[""], embeddings=[[0, 0]]))
    s.do("empty document", lambda: c.add(ids=["ed"], embeddings=[[0, 0]], documents=[""]))
    s.do("ed", lambda: c.get(ids=["ed"]))


def bad_adds(s: Script) -> None:
    c = s.three()
    add = c.add
    s.do("wrong dimension", lambda: add(ids=["x"], embeddings=[[1, 2, 3]]))
    s.do("ragged", lambda: add(ids=["x", "y"], embeddings=[[1, 2], [1, 2, 3]]))
    s.do("nan", lambda: add(ids=["x"], embeddings=[[1, float("nan")]]))
    s.do("infinity", lambda: add(ids=["x"], embeddings=[[1, float("inf")]]))
    s.do("duplicate ids", lambda: add(ids=["x", "x"], embeddings=[[1, 2], [1, 2]]))
    s.do("lengths: embeddings", lambda: add(ids=["x", "y"], embeddings=[[1, 2]]))
    s.do("lengths: documents", lambda: add(ids=["x"], embeddings=[[1, 2]], documents=["p", "q"]))
    s.do(
        "lengths: metadatas",
        lambda: add(ids=["x", "y"], embeddings=[[1, 2]] * 2, metadatas=[{"a": 1}]),
    )
    s.do("empty ids", lambda: add(ids=[], embeddings=[]))
    s.do("non-string id", lambda: add(ids=[1], embeddings=[[1, 2]]))
    s.do("none id", lambda: add(ids=[None], embeddings=[[1, 2]]))
    s.do("empty embedding", lambda: add(ids=["x"], embeddings=[[]]))
    s.do("empty embeddings", lambda: add(ids=["x"], embeddings=[]))
    s.do("string embedding", lambda: add(ids=["x"], embeddings=[["1", "2"]]))
    s.do("bool embedding", lambda: add(ids=["x"], embeddings=[[True, False]]))
    s.do("metadata not a dict", lambda: add(ids=["x"], embeddings=[[1, 2]], metadatas=["m"]))
    s.do("empty metadata", lambda: add(ids=["x"], embeddings=[[1, 2]], metadatas=[{}]))
    s.do(
        "nested metadata", lambda: add(ids=["x"], embeddings=[[1, 2]], metadatas=[{"a": {"b": 1}}])
    )
    s.do("non-string key", lambda: add(ids=["x"], embeddings=[[1, 2]], metadatas=[{1: 1}]))
    s.do(
        "reserved key",
        lambda: add(ids=["x"], embeddings=[[1, 2]], metadatas=[{"chroma:document": "d"}]),
    )
    s.do("empty list value", lambda: add(ids=["x"], embeddings=[[1, 2]], metadatas=[{"a": []}]))
    s.do(
        "mixed list value", lambda: add(ids=["x"], embeddings=[[1, 2]], metadatas=[{"a": [1, "b"]}])
    )
    s.do(
        "int and float list",
        lambda: add(ids=["x"], embeddings=[[1, 2]], metadatas=[{"a": [1, 2.5]}]),
    )
    s.do("document not a string", lambda: add(ids=["x"], embeddings=[[1, 2]], documents=[3]))
    s.do("nothing was written", lambda: c.get()["ids"])
    s.do("max batch", lambda: s.client.get_max_batch_size())
    n = 5462
    s.do("too many", lambda: add(ids=[str(i) for i in range(n)], embeddings=np.zeros((n, 2))))
    s.do("count", c.count)


def metadata_values(s: Script) -> None:
    c = s.client.create_collection("values", embedding_function=None)
    kept = {
        "s": "é\n'\"",
        "i": 2**40,
        "f": 1.0,
        "b": True,
        "l": ["x", "y"],
        "fl": [1.5],
        "bl": [True],
    }
    s.do("add", lambda: c.add(ids=["a"], embeddings=[[1, 2]], metadatas=[kept]))
    s.do("back", lambda: c.get()["metadatas"])
    s.do("types", lambda: {k: type(v).__name__ for k, v in c.get()["metadatas"][0].items()})
    s.do(
        "a none beside a value",
        lambda: c.add(ids=["sn"], embeddings=[[1, 2]], metadatas=[{"a": 1, "none": None}]),
    )
    s.do("sn", lambda: c.get(ids=["sn"])["metadatas"])
    s.do("i64 max", lambda: c.update(ids=["a"], metadatas=[{"i": 2**63 - 1}]))
    s.do("i64 over", lambda: c.update(ids=["a"], metadatas=[{"i": 2**63}]))
    s.do("only none", lambda: c.add(ids=["n"], embeddings=[[1, 2]], metadatas=[{"none": None}]))
    s.do("n", lambda: c.get(ids=["n"])["metadatas"])
    s.do("empty key", lambda: c.add(ids=["k"], embeddings=[[1, 2]], metadatas=[{"": 1}]))
    s.do("hash key", lambda: c.add(ids=["hk"], embeddings=[[1, 2]], metadatas=[{"#x": 1}]))
    s.do("dollar key", lambda: c.add(ids=["dk"], embeddings=[[1, 2]], metadatas=[{"$x": 1}]))
    s.do(
        "numpy int", lambda: c.add(ids=["ni"], embeddings=[[1, 2]], metadatas=[{"a": np.int64(3)}])
    )
    s.do(
        "numpy float",
        lambda: c.add(ids=["nf"], embeddings=[[1, 2]], metadatas=[{"a": np.float32(3)}]),
    )
    s.do("tuple value", lambda: c.add(ids=["tu"], embeddings=[[1, 2]], metadatas=[{"a": (1, 2)}]))


def upserting_and_updating(s: Script) -> None:
    c = s.three()
    s.do("upsert new", lambda: c.upsert(ids=["d"], embeddings=[[4, 4]], metadatas=[{"n": 4}]))
    s.do(
        "upsert replaces the vector",
        lambda: c.upsert(ids=["a"], embeddings=[[7, 7]], metadatas=[{"new": 1}]),
    )
    s.do("a", lambda: c.get(ids=["a"], include=["embeddings", "documents", "metadatas"]))
    s.do("update merges", lambda: c.update(ids=["b"], metadatas=[{"kind": None, "more": "yes"}]))
    s.do("b", lambda: c.get(ids=["b"], include=["embeddings", "documents", "metadatas"]))
    s.do("update the vector", lambda: c.update(ids=["b"], embeddings=[[8, 8]]))
    s.do(
        "update a document alone, no function", lambda: c.update(ids=["c"], documents=["new text"])
    )
    s.do("update unknown", lambda: c.update(ids=["nope"], metadatas=[{"x": 1}]))
    s.do(
        "update known and unknown",
        lambda: c.update(ids=["nope", "c"], metadatas=[{"x": 1}, {"x": 2}]),
    )
    s.do("update nothing", lambda: c.update(ids=["a"]))
    s.do("update with none metadata", lambda: c.update(ids=["a"], metadatas=[None]))
    s.do("update wrong dimension", lambda: c.update(ids=["a"], embeddings=[[1, 2, 3]]))
    s.do("update duplicate ids", lambda: c.update(ids=["a", "a"], metadatas=[{"x": 1}, {"x": 2}]))
    s.do("upsert duplicate ids", lambda: c.upsert(ids=["a", "a"], embeddings=[[1, 2], [1, 2]]))
    s.do("delete the last key", lambda: c.update(ids=["d"], metadatas=[{"n": None}]))
    s.do("update empty metadata", lambda: c.update(ids=["a"], metadatas=[{}]))
    s.do("all in order", lambda: c.get(include=["embeddings", "documents", "metadatas"]))
    s.do("nearest to the new place", lambda: c.query(query_embeddings=[[8, 8]], n_results=2)["ids"])


def getting(s: Script) -> None:
    c = s.three()
    s.do("default", c.get)
    s.do("insertion order, not asked order", lambda: c.get(ids=["c", "a"])["ids"])
    s.do("unknown id", lambda: c.get(ids=["nope"]))
    s.do("one id as a string", lambda: c.get(ids="b"))
    s.do("empty ids", lambda: c.get(ids=[]))
    s.do("duplicate ids", lambda: c.get(ids=["a", "a"]))
    s.do("limit", lambda: c.get(limit=2)["ids"])
    s.do("offset", lambda: c.get(offset=1)["ids"])
    s.do("limit and offset", lambda: c.get(limit=1, offset=1)["ids"])
    s.do("limit 0", lambda: c.get(limit=0)["ids"])
    s.do("negative limit", lambda: c.get(limit=-1)["ids"])
    s.do("negative offset", lambda: c.get(offset=-1)["ids"])
    s.do("offset past the end", lambda: c.get(offset=10)["ids"])
    s.do("include nothing", lambda: c.get(include=[]))
    s.do("include embeddings", lambda: c.get(include=["embeddings"]))
    s.do("include distances", lambda: c.get(include=["distances"]))
    s.do("include nonsense", lambda: c.get(include=["colour"]))
    s.do("include not a list", lambda: c.get(include="documents"))
    s.do("where and ids", lambda: c.get(ids=["a", "b"], where={"n": {"$gt": 1}})["ids"])
    s.do("where and limit", lambda: c.get(where={"n": {"$gt": 1}}, limit=1)["ids"])
    s.do("peek", c.peek)
    s.do("peek 1", lambda: c.peek(limit=1)["ids"])
    s.do("peek 0", lambda: c.peek(limit=0)["ids"])
    empty = s.client.create_collection("empty", embedding_function=None)
    s.do("get of an empty collection", empty.get)
    s.do("peek of an empty collection", empty.peek)


def filtering(s: Script) -> None:
    c = s.three()
    wheres: list[Any] = [
        {"n": 1}, {"n": 1.0}, {"n": {"$eq": 3}}, {"n": {"$ne": 1}}, {"n": {"$gt": 1}}, {"n": {"$gte": 2.5}},
        {"n": {"$lt": 3}}, {"n": {"$lte": 2}}, {"n": {"$in": [1, 3]}}, {"n": {"$nin": [1, 3]}},
        {"n": {"$in": [1.0]}}, {"kind": "pome"}, {"kind": {"$ne": "pome"}}, {"kind": {"$in": ["pome", "berry"]}},
        {"kind": {"$nin": ["pome"]}}, {"ripe": True}, {"ripe": False}, {"ripe": {"$ne": True}}, {"ripe": 1},
        {"n": True}, {"missing": 1}, {"missing": {"$ne": 1}}, {"missing": {"$nin": [1]}}, {"n": "1"},
        {"n": {"$ne": "1"}}, {"tags": {"$contains": "red"}}, {"tags": {"$not_contains": "red"}},
        {"tags": {"$contains": "re"}}, {"kind": {"$contains": "pom"}}, {"kind": {"$not_contains": "pom"}},
        {"tags": "red"}, {"ripe": {"$in": [True]}},
        {"$and": [{"n": {"$gt": 1}}, {"ripe": False}]}, {"$or": [{"n": 1}, {"kind": "berry"}]},
        {"$and": [{"$or": [{"n": 1}, {"n": 3}]}, {"ripe": {"$ne": True}}]}, {}, None,
    ]  # fmt: skip
    for where in wheres:
        s.do(f"where {where}", lambda where=where: c.get(where=where)["ids"])
    bad: list[Any] = [
        {"n": {"$like": 1}}, {"n": {"$gt": "a"}}, {"n": {"$gt": True}}, {"n": {"$in": []}}, {"n": {"$in": [1, "a"]}},
        {"n": {"$in": 1}}, {"a": 1, "b": 2}, {"$and": [{"n": 1}]}, {"$and": []}, {"$or": {"n": 1}}, {"n": None},
        {"n": {"$gt": 1, "$lt": 3}}, {"n": [1]}, {"n": {}}, {"$not": [{"n": 1}]}, [], "n = 1", {1: 1},
        {"n": {"$eq": None}}, {"n": {"$eq": [1]}}, {"n": {"$in": [1, 2.5]}}, {"n": {"$contains": ["x"]}},
    ]  # fmt: skip
    for where in bad:
        s.do(f"bad where {where}", lambda where=where: c.get(where=where)["ids"])
    documents: list[Any] = [
        {"$contains": "apple"}, {"$contains": "Apple"}, {"$not_contains": "apple"}, {"$contains": "%"},
        {"$contains": "s_r"}, {"$contains": "_"}, {"$regex": "^an"}, {"$regex": "(?i)BANANAS"}, {"$not_regex": "a.p"},
        {"$regex": r"\d+%"}, {"$and": [{"$contains": "a"}, {"$not_contains": "apple"}]},
        {"$or": [{"$contains": "apple"}, {"$contains": "cherries"}]}, {}, None,
    ]  # fmt: skip
    for where in documents:
        s.do(f"where_document {where}", lambda where=where: c.get(where_document=where)["ids"])
    bad_documents: list[Any] = [
        {"$contains": 1}, {"$contains": ""}, {"$like": "a"}, {"$regex": "("}, {"$regex": ""}, {"$and": [{"$contains": "a"}]},
        "apple", {"$contains": "a", "$regex": "b"}, {"$contains": ["a"]}, [],
    ]  # fmt: skip
    for where in bad_documents:
        s.do(f"bad where_document {where}", lambda where=where: c.get(where_document=where)["ids"])
    c.add(ids=["nodoc"], embeddings=[[1, 1]])
    s.do("no document: contains", lambda: c.get(where_document={"$contains": "a"})["ids"])
    s.do(
        "no document: not_contains", lambda: c.get(where_document={"$not_contains": "apple"})["ids"]
    )
    s.do("no document: not_regex", lambda: c.get(where_document={"$not_regex": "apple"})["ids"])
    s.do("no metadata: ne", lambda: c.get(where={"n": {"$ne": 1}})["ids"])


def querying(s: Script) -> None:
    c = s.three()
    ask = c.query
    s.do("default", lambda: ask(query_embeddings=[[1, 0]]))
    s.do("one flat embedding", lambda: ask(query_embeddings=[1, 0], n_results=1))
    s.do("numpy", lambda: ask(query_embeddings=np.array([[1, 0]]), n_results=1)["ids"])
    s.do("two queries", lambda: ask(query_embeddings=[[1, 0], [0, 2]], n_results=2))
    s.do("n_results over count", lambda: ask(query_embeddings=[[1, 0]], n_results=50)["ids"])
    s.do("where", lambda: ask(query_embeddings=[[1, 0]], where={"n": {"$gt": 1}})["ids"])
    s.do("where matches none", lambda: ask(query_embeddings=[[1, 0]], where={"n": 99}))
    s.do(
        "where_document",
        lambda: ask(query_embeddings=[[1, 0]], where_document={"$contains": "yellow"})["ids"],
    )
    s.do("ids", lambda: ask(query_embeddings=[[1, 0]], ids=["b", "c"])["ids"])
    s.do("ids unknown", lambda: ask(query_embeddings=[[1, 0]], ids=["nope"])["ids"])
    s.do("ids known and unknown", lambda: ask(query_embeddings=[[1, 0]], ids=["nope", "a"])["ids"])
    s.do("ids empty", lambda: ask(query_embeddings=[[1, 0]], ids=[])["ids"])
    s.do(
        "include embeddings",
        lambda: ask(query_embeddings=[[1, 0]], n_results=1, include=["embeddings"]),
    )
    s.do(
        "include all",
        lambda: ask(
            query_embeddings=[[1, 0]],
            n_results=1,
            include=["embeddings", "documents", "metadatas", "distances", "uris"],
        ),
    )
    s.do("include none", lambda: ask(query_embeddings=[[1, 0]], n_results=1, include=[]))
    s.do("n_results 0", lambda: ask(query_embeddings=[[1, 0]], n_results=0))
    s.do("n_results negative", lambda: ask(query_embeddings=[[1, 0]], n_results=-1))
    s.do("n_results float", lambda: ask(query_embeddings=[[1, 0]], n_results=1.5))
    s.do("no query", lambda: ask())
    s.do("two kinds", lambda: ask(query_embeddings=[[1, 0]], query_texts=["x"]))
    s.do("texts without a function", lambda: ask(query_texts=["x"]))
    s.do("wrong dimension", lambda: ask(query_embeddings=[[1, 0, 0]]))
    s.do("nan", lambda: ask(query_embeddings=[[1, float("nan")]]))
    s.do("empty embeddings", lambda: ask(query_embeddings=[]))
    empty = s.client.create_collection("empty", embedding_function=None)
    s.do("empty collection", lambda: empty.query(query_embeddings=[[1, 0]]))


def spaces(s: Script) -> None:
    for space in ("l2", "cosine", "ip"):
        c = s.three(f"in-{space}", configuration={"hnsw": {"space": space}})
        s.do(space, lambda c=c: c.query(query_embeddings=[[0.5, 1.0]], include=["distances"]))
        c.add(ids=["zero"], embeddings=[[0, 0]])
        s.do(
            f"{space} with a zero vector",
            lambda c=c: c.query(query_embeddings=[[0.5, 1.0]], ids=["zero"], include=["distances"])[
                "distances"
            ],
        )
    old = s.three("old", metadata={"hnsw:space": "cosine"})
    s.do(
        "space in metadata", lambda: old.query(query_embeddings=[[0.5, 1.0]], include=["distances"])
    )
    s.do("space kept in metadata", lambda: old.metadata)
    s.do(
        "bad space",
        lambda: s.client.create_collection("bad", configuration={"hnsw": {"space": "manhattan"}}),
    )
    s.do(
        "bad space in metadata",
        lambda: s.client.create_collection(
            "bad2", metadata={"hnsw:space": "manhattan"}, embedding_function=None
        ),
    )


def deleting(s: Script) -> None:
    c = s.three()
    s.do("no selector", lambda: c.delete())
    s.do("empty ids", lambda: c.delete(ids=[]))
    s.do("empty where", lambda: c.delete(where={}))
    s.do("unknown id is counted as asked", lambda: c.delete(ids=["nope"]))
    s.do("by id", lambda: c.delete(ids=["a"]))
    s.do("by where", lambda: c.delete(where={"n": 2.5}))
    s.do("by where, none match", lambda: c.delete(where={"n": 77}))
    s.do("left", lambda: c.get()["ids"])
    s.do("again after delete", lambda: c.add(ids=["a"], embeddings=[[3, 3]], documents=["back"]))
    s.do("order", lambda: c.get())
    s.do("by document", lambda: c.delete(where_document={"$contains": "back"}))
    s.do("ids and where", lambda: c.delete(ids=["c"], where={"n": 77}))
    s.do("left again", lambda: c.get()["ids"])
    d = s.three("limits")
    s.do("limit with ids", lambda: d.delete(ids=["a", "b"], limit=1))
    s.do("limit with where", lambda: d.delete(where={"n": {"$gt": 0}}, limit=1))
    s.do("limit 0", lambda: d.delete(where={"n": {"$gt": 0}}, limit=0))
    s.do("limit -1", lambda: d.delete(where={"n": {"$gt": 0}}, limit=-1))
    s.do("after limit", lambda: d.get()["ids"])
    s.do("string id", lambda: d.delete(ids="b"))
    s.do("after string id", lambda: d.get()["ids"])


def collections(s: Script) -> None:
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


def configurations(s: Script) -> None:
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


def embedding_functions(s: Script) -> None:
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


SCENARIOS: dict[str, Callable[[Script], None]] = {
    f.__name__: f
    for f in (
        adding,
        bad_adds,
        metadata_values,
        upserting_and_updating,
        getting,
        filtering,
        querying,
        spaces,
        deleting,
        collections,
        configurations,
        embedding_functions,
    )
}
