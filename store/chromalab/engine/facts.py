"""Plain values that say what a collection holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Counts", "Facts", "KeyFacts", "Order", "Spread"]


@dataclass(frozen=True)
class Order:
    """An order of records: by the values of a metadata key, those without one last."""

    key: str
    descending: bool = False


@dataclass(frozen=True)
class Counts:
    """In how many records each value of a key stands, most frequent first, and how many lack it."""

    values: tuple[Any, ...]
    counts: tuple[int, ...]
    missing: int


@dataclass(frozen=True)
class Spread:
    """The smallest, the middle and the largest of some numbers."""

    min: float
    median: float
    max: float


@dataclass(frozen=True)
class KeyFacts:
    """What stands under one metadata key.

    Attributes:
        key: The key.
        types: "int", "float", "str", "bool", "list", "sparse vector", as first met.
        missing: How many records lack it.
        distinct: How many values there are; 1 and 1.0 are two, a list is one.
        min: The smallest number or text; None where there are several types, or others.
        max: The largest.
        examples: Up to three values, the first ones.
    """

    key: str
    types: tuple[str, ...]
    missing: int
    distinct: int
    min: Any
    max: Any
    examples: tuple[Any, ...]


@dataclass(frozen=True)
class Facts:
    """What a collection holds.

    Attributes:
        records: How many records.
        keys: Their metadata, key by key, as first met.
        documents: How many have a document.
        lengths: The lengths of the documents, in characters; None where there are none.
        duplicate_documents: How many documents are equal to an earlier one.
        dimension: Numbers an embedding; None before the first.
        norms: The lengths of the embeddings, as vectors; None where there are none.
        zero_vectors: How many embeddings are all zeros.
        duplicate_vectors: How many embeddings are equal, bit for bit, to an earlier one.
        dead_rows: Rows of the vector file that no record has any more.
        bytes: The size of the vector file.
    """

    records: int
    keys: tuple[KeyFacts, ...]
    documents: int
    lengths: Spread | None
    duplicate_documents: int
    dimension: int | None
    norms: Spread | None
    zero_vectors: int
    duplicate_vectors: int
    dead_rows: int
    bytes: int
