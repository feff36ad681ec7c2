"""WordNet's glosses as records, held-out queries, filters of known selectivity, exact answers."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SELECTIVITIES", "Glosses", "K", "Truth", "read_vectors", "where"]

SOURCE = Path(__file__).parents[2] / "shared" / "data" / "wordnet" / "wordnet30_glosses.tsv.gz"
QUERIES, SINGLES = 500, 100  # held out as queries, and for single adds at the end
K = 10
BUCKETS = 1000
SELECTIVITIES = {"0.1 %": 1, "1 %": 10, "10 %": 100, "50 %": 500}
"""The number of the 1,000 values of `bucket` that a filter matches."""

_STEP = 997  # a prime, so that copies of a gloss end in words of unrelated glosses
_ROUNDING = 1e-6  # in float32 cosines; a result this close to the tenth counts as equal

Vectors = NDArray[np.float32]


def where(buckets: int) -> dict[str, Any]:
    """Return the filter that matches `buckets` of 1,000 values."""
    return {"bucket": {"$lt": buckets}}


def read_vectors(folder: Path, name: str) -> Vectors:
    """Memory-map "vectors" or "queries" of a data folder, float32 (n, 256)."""
    return np.load(folder / f"{name}.npy", mmap_mode="r")


@dataclass(frozen=True)
class Glosses:
    """Records in the order in which they are added; the last `SINGLES` are for the single adds.

    Attributes:
        documents: The texts.
        metadatas: One per document: lexname (str), bucket (int), length (float), noun (bool).
        vectors: float32 (n, 256) with unit length.
        queries: float32 (500, 256), made from glosses that are not among the documents.
    """

    documents: list[str]
    metadatas: list[dict[str, Any]]
    vectors: Vectors
    queries: Vectors

    @classmethod
    def make(cls, rows: int | None, source: Path) -> Glosses:
        """Take that many glosses, by default all that are not held out; more are made by shifting words.

        The embedding is a mean over words, so their order does not matter, and a rotated gloss would
        be a duplicate. Instead, the first half of a gloss is followed by the second half of another.
        """
        from chromalab.embed import WordLlama

        with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
            table = list(csv.reader(file, delimiter="\t"))[1:]
        rng = np.random.default_rng(0)
        order = rng.permutation(len(table))
        held, rest = order[: QUERIES + SINGLES], np.sort(order[QUERIES + SINGLES :])
        if rows is not None and rows < len(rest):
            rest = np.sort(rng.choice(rest, rows, replace=False))
        total = len(rest) if rows is None else rows
        texts, kinds = [], []
        for number in range(total):
            copy, position = divmod(number, len(rest))
            _, lexname, _, text = table[rest[position]]
            if copy:
                words = text.split()
                other = table[rest[(position + copy * _STEP) % len(rest)]][3].split()
                text = " ".join(words[: (len(words) + 1) // 2] + other[len(other) // 2 :])
            texts.append(text)
            kinds.append(lexname)
        for row in held[QUERIES:]:
            kinds.append(table[row][1])
            texts.append(table[row][3])
        buckets = rng.integers(BUCKETS, size=len(texts)).tolist()
        metadatas = [
            {
                "lexname": kind,
                "bucket": bucket,
                "length": len(text) / len(text.split()),
                "noun": kind.startswith("noun"),
            }
            for kind, bucket, text in zip(kinds, buckets, texts, strict=True)
        ]
        embed = WordLlama()
        queries = embed([table[row][3] for row in held[:QUERIES]])
        return cls(texts, metadatas, embed(texts), queries)

    def write(self, folder: Path) -> None:
        """Write everything to a folder, from which the process of each system reads it."""
        np.save(folder / "vectors.npy", self.vectors)
        np.save(folder / "queries.npy", self.queries)
        (folder / "records.json").write_text(json.dumps([self.documents, self.metadatas]))

    @classmethod
    def read(cls, folder: Path) -> Glosses:
        """Read what `write` wrote; the vectors are memory-mapped."""
        documents, metadatas = json.loads((folder / "records.json").read_text())
        vectors, queries = (read_vectors(folder, name) for name in ("vectors", "queries"))
        return cls(documents, metadatas, vectors, queries)

    def buckets(self) -> NDArray[np.int64]:
        """Return the `bucket` of each record, (n,)."""
        return np.array([metadata["bucket"] for metadata in self.metadatas])


class Truth:
    """The result of an exact search.

    Args:
        glosses: The records and queries.
        among: (n,) bool, the records that can be found.
    """

    def __init__(self, glosses: Glosses, among: NDArray[np.bool_]) -> None:
        self._glosses = glosses
        self._among = among
        self._count = min(K, int(among.sum()))
        best = np.full((QUERIES, self._count), -np.inf, np.float32)
        rows = np.flatnonzero(among)
        for start in range(0, len(rows), 65536):
            block = glosses.vectors[rows[start : start + 65536]]
            near = np.hstack([best, glosses.queries @ block.T])
            best = -np.partition(-near, self._count - 1, axis=1)[:, : self._count]
        self._farthest = best.min(axis=1) - _ROUNDING

    def recall(self, queries: Sequence[int], found: Sequence[Sequence[int]]) -> float:
        """Return the share of the true `K` nearest that was found; equally near ones count as well."""
        hits = 0
        for query, rows in zip(queries, found, strict=True):
            unique = np.unique(np.array(rows, np.int64))
            unique = unique[self._among[unique]]
            near = self._glosses.vectors[unique] @ self._glosses.queries[query]
            hits += min(self._count, int((near >= self._farthest[query]).sum()))
        return hits / (self._count * len(queries))
