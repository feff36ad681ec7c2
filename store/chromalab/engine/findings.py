"""What a check of a store found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Checked", "Problem"]


@dataclass(frozen=True)
class Problem:
    """Something in a store that is not as it should be.

    Attributes:
        collection: The name of the collection, "" where it is the whole store.
        file: The file, relative to the folder.
        what: What is wrong.
        do: What to do about it.
        ids: The records it is about.
    """

    collection: str
    file: str
    what: str
    do: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        problems: What is wrong.
        leftovers: Files, relative to the folder, that nothing names; they do no harm.
        collections: How many collections were checked.
        records: How many records.
        unverified: How many of them were written before there were checksums.
        bytes: How many bytes of vectors were read.
    """

    problems: tuple[Problem, ...]
    leftovers: tuple[str, ...]
    collections: int
    records: int
    unverified: int
    bytes: int
