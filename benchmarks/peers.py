"""The systems that are compared, each behind the same few methods."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from glosses import SINGLES, Glosses, Vectors, where

__all__ = ["PEERS", "Peer"]

M, EF_CONSTRUCTION = 16, 100
_NAME = "glosses"
_COLD = """
import json, sys
import PACKAGE
client = PACKAGE.PersistentClient(sys.argv[1])
collection = client.get_collection("glosses", embedding_function=None)
found = collection.query(query_embeddings=[json.loads(sys.argv[2])], n_results=10)
assert len(found["ids"][0]) == 10
"""


class Peer:
    """One system over one folder.

    Attributes:
        stores: Whether it stores records durably and supports single adds and deletes.
        indexed: Whether `set_ef` trades recall for time.
        distribution: The package whose version is reported.
        cold: A program that opens the folder `sys.argv[1]` in a new process and searches for the
            vector in `sys.argv[2]`.
    """

    stores = True
    indexed = True
    distribution: str
    cold: str

    def prepare(self, glosses: Glosses, rows: Sequence[int]) -> Any:
        """Return the argument of `add`; this is not measured."""
        raise NotImplementedError

    def add(self, prepared: Any) -> None:
        """Add records."""
        raise NotImplementedError

    def finish(self) -> None:
        """Wait until the index is built."""

    def set_ef(self, ef: int) -> None:
        """Set ef_search for all searches after the next opening."""

    def query(self, queries: Vectors, buckets: int | None, full: bool) -> Any:
        """Find the nearest 10 of each query, optionally with a filter, with or without records."""
        raise NotImplementedError

    def rows(self, found: Any) -> list[list[int]]:
        """Return the row numbers in a result of `query`; this is not measured."""
        raise NotImplementedError

    def delete(self, rows: Sequence[int]) -> None:
        """Delete records."""
        raise NotImplementedError

    def close(self) -> None:
        """Write everything that is not written yet."""


class Chromadb(Peer):
    """chromadb's PersistentClient."""

    distribution = "chromadb"
    cold = _COLD.replace("PACKAGE", "chromadb")

    def __init__(self, folder: Path, size: int) -> None:
        client = importlib.import_module(self.distribution).PersistentClient(str(folder))
        hnsw = {"space": "cosine", "max_neighbors": M, "ef_construction": EF_CONSTRUCTION}
        self._client = client
        self._collection = client.get_or_create_collection(
            _NAME, configuration={"hnsw": hnsw}, embedding_function=None
        )

    def prepare(self, glosses: Glosses, rows: Sequence[int]) -> Any:
        """Return the arguments of Chroma's `add`."""
        part = slice(rows[0], rows[-1] + 1)
        return {
            "ids": [str(row) for row in rows],
            "embeddings": np.array(glosses.vectors[part]),
            "documents": glosses.documents[part],
            "metadatas": glosses.metadatas[part],
        }

    def add(self, prepared: Any) -> None:
        """Add records."""
        self._collection.add(**prepared)

    def finish(self) -> None:
        """Run a search, which brings the index up to date."""
        one = self._collection.get(limit=1, include=["embeddings"])["embeddings"]
        self._collection.query(query_embeddings=one, n_results=1)

    def set_ef(self, ef: int) -> None:
        """Set ef_search, which takes effect when the collection is opened again."""
        self._collection.modify(configuration={"hnsw": {"ef_search": ef}})

    def query(self, queries: Vectors, buckets: int | None, full: bool) -> Any:
        """Find the nearest 10 of each query."""
        return self._collection.query(
            query_embeddings=queries,
            n_results=10,
            where=None if buckets is None else where(buckets),
            include=["documents", "metadatas", "distances"] if full else [],
        )

    def rows(self, found: Any) -> list[list[int]]:
        """Read the ids."""
        return [[int(id) for id in ids] for ids in found["ids"]]

    def delete(self, rows: Sequence[int]) -> None:
        """Delete records by their ids."""
        self._collection.delete(ids=[str(row) for row in rows])

    def close(self) -> None:
        """Close the client."""
        self._client.close()


class Chromalab(Chromadb):
    """chromalab's PersistentClient, which has the same calls."""

    distribution = "chromalab"
    cold = _COLD.replace("PACKAGE", "chromalab")

    def finish(self) -> None:
        """Wait for the index."""
        self._collection.build_index(progress=False)


class Hnswlib(Peer):
    """Bare hnswlib, with records in Python lists and a Python function as the filter."""

    stores = False
    distribution = "chroma-hnswlib"
    cold = """
import json, sys
from pathlib import Path
import hnswlib
index = hnswlib.Index("cosine", 256)
index.load_index(sys.argv[1] + "/index.bin")
index.set_ef(100)
documents, metadatas = json.loads(Path(sys.argv[1], "records.json").read_text())
rows, _ = index.knn_query(json.loads(sys.argv[2]), k=10)
found = [(documents[row], metadatas[row]) for row in rows[0]]
"""

    def __init__(self, folder: Path, size: int) -> None:
        import hnswlib

        self._index = hnswlib.Index("cosine", 256)
        self._records = _Records(folder)
        self._file = folder / "index.bin"
        self._ef = folder / "ef"
        if self._file.exists():
            self._index.load_index(str(self._file))
            self._index.set_ef(int(self._ef.read_text()))
        else:
            self._index.init_index(size + SINGLES, M=M, ef_construction=EF_CONSTRUCTION)
            self.set_ef(100)

    def prepare(self, glosses: Glosses, rows: Sequence[int]) -> Any:
        """Copy the vectors and collect the records."""
        self._records.extend(glosses, rows)
        return np.array(glosses.vectors[rows[0] : rows[-1] + 1]), list(rows)

    def add(self, prepared: Any) -> None:
        """Add to the index."""
        self._index.add_items(*prepared)

    def set_ef(self, ef: int) -> None:
        """Store ef_search in a file, because hnswlib does not."""
        self._ef.write_text(str(ef))

    def query(self, queries: Vectors, buckets: int | None, full: bool) -> Any:
        """Find the nearest 10 of each query."""
        if buckets is None:
            rows, _ = self._index.knn_query(queries, k=10)
        else:
            column = self._records.buckets
            k = min(10, self._records.matches(buckets))  # hnswlib fails if it finds fewer
            rows, _ = self._index.knn_query(queries, k=k, filter=lambda row: column[row] < buckets)
        return rows, self._records.take(rows) if full else None

    def rows(self, found: Any) -> list[list[int]]:
        """Read the labels."""
        return [[int(row) for row in rows] for rows in found[0]]

    def close(self) -> None:
        """Save the index and the records."""
        if not self._file.exists():
            self._index.save_index(str(self._file))
            self._records.save()


class Numpy(Peer):
    """A float32 array, an integer array of the filtered column, and records in Python lists."""

    stores = False
    indexed = False
    distribution = "numpy"
    cold = """
import json, sys
from pathlib import Path
import numpy as np
vectors = np.load(sys.argv[1] + "/vectors.npy")
documents, metadatas = json.loads(Path(sys.argv[1], "records.json").read_text())
near = vectors @ np.array(json.loads(sys.argv[2]), np.float32)
rows = np.argpartition(-near, 10)[:10]
found = [(documents[row], metadatas[row]) for row in rows[np.argsort(-near[rows])]]
"""

    def __init__(self, folder: Path, size: int) -> None:
        self._records = _Records(folder)
        self._file = folder / "vectors.npy"
        self._parts: list[Vectors] = []
        self._column = np.array(self._records.buckets)
        if self._file.exists():
            self._vectors: Vectors = np.load(self._file)

    def prepare(self, glosses: Glosses, rows: Sequence[int]) -> Any:
        """Slice the vectors and collect the records."""
        self._records.extend(glosses, rows)
        return glosses.vectors[rows[0] : rows[-1] + 1]

    def add(self, prepared: Any) -> None:
        """Copy the vectors."""
        self._parts.append(np.array(prepared))

    def query(self, queries: Vectors, buckets: int | None, full: bool) -> Any:
        """Find the nearest 10 of each query: gather, matrix product, partition."""
        vectors, chosen = self._vectors, None
        if buckets is not None:
            chosen = np.flatnonzero(self._column < buckets)
            vectors = vectors[chosen]
        near = (vectors @ queries[0])[np.newaxis] if len(queries) == 1 else queries @ vectors.T
        k = min(10, len(vectors))
        best = np.argpartition(-near, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(near, best, axis=1), axis=1)
        best = np.take_along_axis(best, order, axis=1)
        rows = best if chosen is None else chosen[best]
        return rows, self._records.take(rows) if full else None

    def rows(self, found: Any) -> list[list[int]]:
        """Read the row numbers."""
        return found[0].tolist()

    def close(self) -> None:
        """Save the array and the records."""
        if not self._file.exists():
            np.save(self._file, np.concatenate(self._parts))
            self._records.save()


class _Records:
    """Documents and metadatas in lists, as in a script without a store."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "records.json"
        self._documents: list[str] = []
        self._metadatas: list[dict[str, Any]] = []
        if self._file.exists():
            self._documents, self._metadatas = json.loads(self._file.read_text())
        self.buckets = [metadata["bucket"] for metadata in self._metadatas]
        self._sorted = np.sort(self.buckets)

    def extend(self, glosses: Glosses, rows: Sequence[int]) -> None:
        part = slice(rows[0], rows[-1] + 1)
        self._documents += glosses.documents[part]
        self._metadatas += glosses.metadatas[part]

    def matches(self, buckets: int) -> int:
        return int(np.searchsorted(self._sorted, buckets))

    def take(self, rows: Any) -> list[list[tuple[str, dict[str, Any]]]]:
        return [[(self._documents[row], self._metadatas[row]) for row in found] for found in rows]

    def save(self) -> None:
        self._file.write_text(json.dumps([self._documents, self._metadatas]))


PEERS: dict[str, type[Peer]] = {
    "chromalab": Chromalab,
    "chromadb": Chromadb,
    "hnswlib": Hnswlib,
    "numpy": Numpy,
}
