"""Adding, upserting and updating records and their metadata: scenarios for `script.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def adding(s: Any) -> None:
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


def bad_adds(s: Any) -> None:
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


def metadata_values(s: Any) -> None:
    c = s.client.create_collection("values", embedding_function=None)
    values = {
        "s": "é\n'\"",
        "i": 2**40,
        "f": 1.0,
        "b": True,
        "l": ["x", "y"],
        "fl": [1.5],
        "bl": [True],
    }
    s.do("add", lambda: c.add(ids=["a"], embeddings=[[1, 2]], metadatas=[values]))
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


def upserting_and_updating(s: Any) -> None:
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


SCENARIOS: dict[str, Callable[[Any], None]] = {
    f.__name__: f for f in (adding, bad_adds, metadata_values, upserting_and_updating)
}
