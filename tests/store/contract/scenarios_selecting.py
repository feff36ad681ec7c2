"""Getting, querying and deleting records by ids, filters and queries: scenarios for `script.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def getting(s: Any) -> None:
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


def filtering(s: Any) -> None:
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


def querying(s: Any) -> None:
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


def spaces(s: Any) -> None:
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


def deleting(s: Any) -> None:
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


SCENARIOS: dict[str, Callable[[Any], None]] = {
    f.__name__: f for f in (getting, filtering, querying, spaces, deleting)
}
