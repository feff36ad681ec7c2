"""Counts over a whole collection: the values of a metadata key, and the profile for `describe`.

Documents and vectors are read one block at a time. Equal ones are found by 64-bit hashes; the chance
that a million of them collide is one in thirty million.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import records
from chromalab.engine.filter.dictionary import Dictionary, ordering
from chromalab.engine.opened import Opened
from chromalab.engine.values import Counts, Filter, KeyProfile, Profile, Range, Vectors

__all__ = ["distinct", "profile"]

_BLOCK = 4096  # records or rows read at a time
_EXAMPLES = 3
_TYPES = {int: "int", float: "float", str: "str", bool: "bool", list: "list", dict: "sparse vector"}


def distinct(collection: Opened, key: str, filter: Filter) -> Counts:
    """Count the values of a metadata key among the records that match; a list counts as its elements.

    Raises:
        InvalidArgumentError: There are records, and none has the key.
    """
    column = collection.known_column(key)
    found = np.bincount(column.codes[collection.matching(filter)] + 1, minlength=1)
    codes = np.flatnonzero(found[1:])
    values = [column.values[code] for code in codes.tolist()]
    if any(isinstance(value, list) for value in values):
        counts = _of_elements(values, found[codes + 1].tolist())
        order = sorted(counts, key=lambda pair: (-pair[1], ordering(pair[0])))
    else:  # the column has the order, so a million distinct numbers need no Python objects
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
    """Count the elements of lists, each once per record, together with the other values."""
    met = Dictionary()
    counts: Counter[int] = Counter()
    alone = met.encode(None if isinstance(value, list) else value for value in values)
    for value, count, item in zip(values, found, alone, strict=True):
        for element in set(met.encode(value)) if isinstance(value, list) else (item,):
            counts[element] += count
    del counts[-1]  # the code of None, which only marks values that are not counted
    return [(met.values[item], count) for item, count in counts.items()]


def profile(collection: Opened) -> Profile:
    """Summarize the contents of a collection, which reads all of it once."""
    entry, slots = collection.entry, np.sort(collection.view.slots)
    keys, lengths, texts, blank = _read_records(collection)
    norms, rows, zeros = _read_vectors(collection.vectors, slots)
    size = 0
    if entry.slots:
        file = collection.resident.file(entry, entry.model.dimension or 0)
        size = file.path.stat().st_size
    return Profile(
        records=len(slots),
        keys=keys,
        documents=len(lengths),
        lengths=_range(np.asarray(lengths)),
        duplicate_documents=_repeated(np.asarray(texts)),
        blank_documents=blank,
        dimension=entry.model.dimension,
        norms=_range(norms),
        zero_vectors=zeros,
        duplicate_vectors=_repeated(rows),
        dead_rows=entry.slots - len(slots),
        bytes=size,
    )


def _read_records(
    collection: Opened,
) -> tuple[tuple[KeyProfile, ...], Sequence[int], Sequence[int], int]:
    """Read the profile of each key, the length and the hash of each document, and count blank ones."""
    met: dict[str, Dictionary] = {}
    have: Counter[str] = Counter()
    lengths, hashes = array("q"), array("q")
    blank = 0
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
                blank += not document or document.isspace()
        for key, listed in values.items():
            have[key] += len(listed)
            met.setdefault(key, Dictionary()).encode(listed)
    total = len(collection.view.places)
    keys = tuple(_key_profile(key, total - have[key], met[key].values) for key in met)
    return keys, lengths, hashes, blank


def _key_profile(key: str, missing: int, values: Sequence[Any]) -> KeyProfile:
    sortable = {ordering(value)[0] for value in values} in ({0}, {1})  # all numbers, or all texts
    return KeyProfile(
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
    """Read the norm and the hash of each row, and count the zero vectors."""
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


def _range(numbers: NDArray[Any]) -> Range | None:
    if not len(numbers):
        return None
    return Range(float(numbers.min()), float(np.median(numbers)), float(numbers.max()))


def _repeated(hashes: NDArray[np.int64]) -> int:
    return len(hashes) - len(np.unique(hashes))
