"""Lists in metadata, nested filters, and `include`: scenarios for `script.py`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any


def _lists(s: Any) -> Any:
    c = s.client.create_collection("lists", embedding_function=None)
    c.add(
        ids=["a", "b", "c", "d", "e", "f"],
        embeddings=[[n, 1.0] for n in range(6)],
        documents=["red fox", "Red Fox!", "a fox, a hen", "hen", "", "fox\nhen"],
        metadatas=[
            {"tags": ["red", "small"], "n": 1, "sizes": [1, 2, 3], "on": [True]},
            {"tags": ["Red"], "n": 2, "sizes": [3], "on": [True, False]},
            {"tags": ["small", "small"], "n": 3, "prices": [1.5, 2.0]},
            {"tags": "red", "n": 4, "prices": [2.5]},
            {"n": 5, "sizes": [2**40]},
            None,
        ],
    )
    return c


def list_metadata(s: Any) -> None:
    c = _lists(s)
    wheres: list[Any] = [
        {"tags": {"$contains": "red"}}, {"tags": {"$contains": "Red"}}, {"tags": {"$contains": "re"}},
        {"tags": {"$contains": "small"}}, {"tags": {"$not_contains": "red"}}, {"tags": {"$not_contains": "none"}},
        {"tags": "red"}, {"tags": {"$ne": "red"}}, {"tags": {"$in": ["red", "small"]}}, {"tags": {"$nin": ["red"]}},
        {"sizes": {"$contains": 3}}, {"sizes": {"$contains": 3.0}}, {"sizes": {"$contains": 2**40}},
        {"sizes": {"$not_contains": 3}}, {"sizes": {"$gt": 1}}, {"sizes": 3}, {"sizes": {"$ne": 3}},
        {"prices": {"$contains": 2.0}}, {"prices": {"$contains": 2}}, {"prices": {"$contains": 1.5}},
        {"prices": {"$not_contains": 2.5}}, {"on": {"$contains": True}}, {"on": {"$contains": False}},
        {"on": {"$not_contains": False}}, {"on": {"$contains": 1}}, {"missing": {"$contains": "x"}},
        {"missing": {"$not_contains": "x"}}, {"n": {"$contains": 1}}, {"n": {"$not_contains": 1}},
        {"tags": {"$contains": 1}}, {"sizes": {"$contains": "3"}},
    ]  # fmt: skip
    for where in wheres:
        s.do(f"where {where}", lambda where=where: c.get(where=where)["ids"])
    bad: list[Any] = [
        {"tags": {"$contains": None}}, {"tags": {"$contains": ["red"]}}, {"tags": {"$contains": {}}},
        {"tags": {"$contains": []}}, {"tags": ["red"]}, {"tags": {"$contains": "red", "$ne": "x"}},
    ]  # fmt: skip
    for where in bad:
        s.do(f"bad where {where}", lambda where=where: c.get(where=where)["ids"])
    s.do("update a list", lambda: c.update(ids=["a"], metadatas=[{"tags": ["blue"]}]))
    s.do("updated", lambda: c.get(ids=["a"])["metadatas"])
    s.do("found by the new", lambda: c.get(where={"tags": {"$contains": "blue"}})["ids"])
    s.do("not by the old", lambda: c.get(where={"tags": {"$contains": "red"}})["ids"])
    s.do("a list gives way to a value", lambda: c.update(ids=["b"], metadatas=[{"tags": "x"}]))
    s.do("value", lambda: c.get(ids=["b"])["metadatas"])
    s.do("deleted", lambda: c.update(ids=["c"], metadatas=[{"tags": None, "prices": None}]))
    s.do("gone", lambda: c.get(ids=["c"])["metadatas"])
    s.do("delete by a list", lambda: c.delete(where={"sizes": {"$contains": 3}}))
    s.do("left", lambda: c.get()["ids"])


def nested_filters(s: Any) -> None:
    c = _lists(s)
    wheres: list[Any] = [
        {"$and": [{"n": {"$gt": 1}}, {"$or": [{"tags": {"$contains": "Red"}}, {"n": 4}]}]},
        {"$or": [{"$and": [{"n": {"$gte": 2}}, {"n": {"$lte": 3}}]}, {"n": {"$in": [5]}}]},
        {"$and": [{"n": {"$ne": 1}}, {"tags": {"$not_contains": "red"}}, {"sizes": {"$not_contains": 3}}]},
        {"$or": [{"missing": {"$ne": 1}}, {"n": 1}]},
        {"$and": [{"$and": [{"n": {"$gt": 0}}, {"n": {"$gt": 1}}]}, {"$and": [{"n": {"$lt": 5}}, {"n": {"$lt": 4}}]}]},
        {"$or": [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]},
        {"$and": [{"n": 1}, {"n": 2}]},
        {"$and": [{"n": {"$nin": [1, 2]}}, {"$or": [{"on": {"$ne": True}}, {"n": 3}]}]},
    ]  # fmt: skip
    documents: list[Any] = [
        {"$and": [{"$contains": "fox"}, {"$or": [{"$contains": "hen"}, {"$contains": "red"}]}]},
        {"$or": [{"$and": [{"$contains": "fox"}, {"$not_contains": "red"}]}, {"$regex": "^hen$"}]},
        {"$and": [{"$not_contains": "fox"}, {"$not_regex": "h.n"}]},
        {"$regex": "fox.hen"}, {"$regex": "(?s)fox.hen"}, {"$regex": "^(red|a) fox"}, {"$regex": r"\bhen\b"},
        {"$regex": "[A-Z]"}, {"$not_regex": "[a-z]"}, {"$regex": "o{1,2}x"}, {"$contains": "fox\nhen"},
        {"$contains": "!"}, {"$contains": " "},
    ]  # fmt: skip
    for where in wheres:
        s.do(f"where {where}", lambda where=where: c.get(where=where)["ids"])
        s.do(
            f"query {where}",
            lambda where=where: c.query(query_embeddings=[[3, 1]], where=where)["ids"],
        )
    for where in documents:
        s.do(f"where_document {where}", lambda where=where: c.get(where_document=where)["ids"])
    for where, document in zip(wheres, documents, strict=False):
        both = {"where": where, "where_document": document}
        s.do(f"both {both}", lambda both=both: c.get(**both)["ids"])
    s.do("with ids", lambda: c.get(ids=["c", "a"], where=wheres[3])["ids"])
    s.do("with limit", lambda: c.get(where=wheres[5], limit=2, offset=1)["ids"])
    bad: list[Any] = [
        {"$and": [{"n": 1}, {}]}, {"$and": [{"n": 1}, {"$or": [{"n": 2}]}]}, {"$and": [{"n": 1}, 3]},
        {"$and": [{"n": 1}, {"n": {"$like": 1}}]}, {"$and": {"n": 1, "m": 2}}, {"n": {"$and": [{"n": 1}, {"n": 2}]}},
        {"$and": [{"n": 1}, {"n": 2}], "n": 3}, {"$or": [{"n": 1}, {"$contains": "x"}]},
    ]  # fmt: skip
    for where in bad:
        s.do(f"bad where {where}", lambda where=where: c.get(where=where)["ids"])
        s.do(f"bad delete {where}", lambda where=where: c.delete(where=where))
    s.do("nothing was deleted", c.count)


def including(s: Any) -> None:
    c = s.three()
    parts = ["documents", "embeddings", "metadatas", "uris", "data"]
    for number in range(4):
        for chosen in combinations(parts[:4], number):
            s.do(f"get {list(chosen)}", lambda chosen=chosen: c.get(ids="a", include=list(chosen)))
    for chosen in (["distances"], ["distances", "uris"], ["metadatas", "embeddings"], ["data"]):
        s.do(
            f"query {chosen}",
            lambda chosen=chosen: c.query(query_embeddings=[[1, 0]], n_results=2, include=chosen),
        )
    s.do("data", lambda: c.get(include=["data"]))
    s.do("twice", lambda: c.get(ids="a", include=["documents", "documents"]))
    s.do("tuple", lambda: c.get(ids="a", include=("documents",)))
    s.do("none", lambda: c.get(ids="a", include=None))
    s.do("not a text", lambda: c.get(ids="a", include=[3]))
    s.do("capitals", lambda: c.get(ids="a", include=["Documents"]))
    s.do("keys", lambda: sorted(c.get()))
    s.do("keys of a query", lambda: sorted(c.query(query_embeddings=[[1, 0]])))
    s.do("embeddings of none", lambda: c.get(ids=["nope"], include=["embeddings"]))


SCENARIOS: dict[str, Callable[[Any], None]] = {
    f.__name__: f for f in (list_metadata, nested_filters, including)
}
