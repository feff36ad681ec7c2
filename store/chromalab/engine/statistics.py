"""Counts over a whole collection: the values of a key, and what `describe` tells.

Texts and vectors are read a block at a time; equal ones are found by hashes of 64 bits, of which a
million have two alike by chance once in thirty million times.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import records
from chromalab.engine.facts import Counts, Facts, KeyFacts, Spread
from chromalab.engine.filter.dictionary import Dictionary, ordering
from chromalab.engine.interface import Filter, Vectors
from chromalab.engine.opened import Opened

__all__ = ["distinct", "facts"]

_BLOCK = 4096  # records or rows read at a time
_EXAMPLES = 3
_TYPES = {int: "int", float: "float", str: "str", bool: "bool", list: "list", dict: "sparse vector"}


def distinct(collection: Opened, key: str, filter: Filter) -> Counts:
    """Count the values of a key among the records that match; a list counts as its elements.

    Raises:
        InvalidArgumentError: there are records, and none has the key.
    """
    column = collection.known_column(key)
    found = np.bincount(column.codes[collection.matching(filter)] + 1, minlength=1)
    codes = np.flatnonzero(found[1:])
    values = [column.values[code] for code in codes.tolist()]
    if any(isinstance(value, list) for value in values):
        counts = _of_elements(values, found[codes + 1].tolist())
        order = sorted(counts, key=lambda pair: (-pair[1], ordering(pair[0])))
    else:  # the column knows the order: a million distinct numbers take no Python of their own
        ranks = column.dictionary.ranks()[codes]
        by_count = np.lexsort((ranks, -found[codes + 1])).tolist()
        order = [
            (values[at], count)
            for at, count in zip(by_count, found[codes[by_count] + 1].tolist(), strict=True)
        ]
    return Counts(
        values=tuple(value for value, _ in order),
        counts=tuple(count for _, count in order),
        missing=int(found[0]),
    )


def _of_elements(values: Sequence[Any], found: Sequence[int]) -> list[tuple[Any, int]]:
    """Count the elements of lists, each once a record, together with the values that are none."""
    met = Dictionary()
    counts: Counter[int] = Counter()
    alone = met.encode(None if isinstance(value, list) else value for value in values)
    for value, count, item in zip(values, found, alone, strict=True):
        for element in set(met.encode(value)) if isinstance(value, list) else (item,):
            counts[element] += count
    del counts[-1]  # no elements of ours are None
    return [(met.values[item], count) for item, count in counts.items()]


def facts(collection: Opened) -> Facts:
    """Read everything once, and say what is there."""
    entry, slots = collection.entry, np.sort(collection.view.slots)
    keys, lengths, texts = _read_records(collection)
    norms, rows, zeros = _read_vectors(collection.vectors, slots)
    size = 0
    if entry.slots:
        file = collection.resident.file(entry, entry.model.dimension or 0)
        size = file.path.stat().st_size
    return Facts(
        records=len(slots),
        keys=keys,
        documents=len(lengths),
        lengths=_spread(np.asarray(lengths)),
        duplicate_documents=_repeated(np.asarray(texts)),
        dimension=entry.model.dimension,
        norms=_spread(norms),
        zero_vectors=zeros,
        duplicate_vectors=_repeated(rows),
        dead_rows=entry.slots - len(slots),
        bytes=size,
    )


def _read_records(collection: Opened) -> tuple[tuple[KeyFacts, ...], Sequence[int], Sequence[int]]:
    """Read the facts of each key, and the length and the hash of each document."""
    met: dict[str, Dictionary] = {}
    have: Counter[str] = Counter()
    lengths, hashes = array("q"), array("q")
    rows = collection.connection.execute(
        "SELECT metadata, document FROM records WHERE collection = ? AND slot >= ?",
        (collection.entry.number, -(2**63)),
    )
    while block := rows.fetchmany(_BLOCK):
        values: dict[str, list[Any]] = {}
        for metadata, document in block:
            for key, value in (records.load(metadata) or {}).items():
                values.setdefault(key, []).append(value)
            if document is not None:
                lengths.append(len(document))
                hashes.append(hash(document))
        for key, listed in values.items():
            have[key] += len(listed)
            met.setdefault(key, Dictionary()).encode(listed)
    total = len(collection.view.places)
    keys = tuple(_key_facts(key, total - have[key], met[key].values) for key in met)
    return keys, lengths, hashes


def _key_facts(key: str, missing: int, values: Sequence[Any]) -> KeyFacts:
    sortable = {ordering(value)[0] for value in values} in ({0}, {1})  # all numbers, or all texts
    return KeyFacts(
        key=key,
        types=tuple(dict.fromkeys(_TYPES.get(type(value), "null") for value in values)),
        missing=missing,
        distinct=len(values),
        min=min(values) if sortable else None,
        max=max(values) if sortable else None,
        examples=tuple(values[:_EXAMPLES]),
    )


def _read_vectors(
    vectors: Vectors, slots: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Read the norm and the hash of each row, and how many are zeros."""
    norms = np.empty(len(slots), dtype=np.float64)
    hashes = np.empty(len(slots), dtype=np.int64)
    zeros = 0
    for start in range(0, len(slots), _BLOCK):
        block = np.ascontiguousarray(vectors[slots[start : start + _BLOCK]])
        part = slice(start, start + len(block))
        norms[part] = np.linalg.norm(block.astype(np.float64), axis=1)
        hashes[part] = [hash(row.tobytes()) for row in block]
        zeros += int((~block.any(axis=1)).sum())
    return norms, hashes, zeros


def _spread(numbers: NDArray[Any]) -> Spread | None:
    if not len(numbers):
        return None
    return Spread(float(numbers.min()), float(np.median(numbers)), float(numbers.max()))


def _repeated(hashes: NDArray[np.int64]) -> int:
    return len(hashes) - len(np.unique(hashes))
