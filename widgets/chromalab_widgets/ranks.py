"""Why a record has its rank, and what it was without the transform."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ranks_of", "shared_words", "why"]

_WORD = re.compile(r"[^\W_]+")
# As in highlight.ts: English words that half of all texts hold, and one or two plain letters.
_COMMON = re.compile(
    "[a-z]{1,2}|and|are|but|does|for|from|how|its|not|that|the|this|was|were"
    "|what|when|where|which|who|why|with"
)
_SHOWN = 8


def ranks_of(found: Any) -> dict[str, int]:
    """Number the records of a query's first answer from 1."""
    return {id: rank for rank, id in enumerate(found["ids"][0], 1)}


def shared_words(query: str, document: str | None) -> list[str]:
    """List the words of a query that a document holds too, as they are marked in the results."""
    words = dict.fromkeys(_WORD.findall(query.lower()))
    kept = [word for word in words if not _COMMON.fullmatch(word)]
    text = set(_WORD.findall((document or "").lower()))
    return [word for word in kept if word in text]


def why(
    row: Mapping[str, Any],
    rank: int,
    *,
    query: str,
    document: str | None,
    space: str,
    nearest: float,
    transform: str,
    other: int | None,
    depth: int,
    is_after: bool,
) -> Sequence[str]:
    """Say in a few sentences where a record's rank comes from.

    Args:
        row: The record as it is shown.
        rank: Its rank.
        query: What was asked.
        document: Its whole text.
        space: The distance of the collection.
        nearest: The distance of the first result.
        transform: The name of the live transform, "" for none.
        other: The rank on the other side of it; 0 beyond `depth`, None where there is no other side.
        depth: How many ranks of the other side are known.
        is_after: Whether what is shown went through the transform.
    """
    distance = row["distance"]
    behind = "" if rank == 1 else f", {distance - nearest:.4f} farther than the first"
    told = [f"Rank {rank} by distance alone: {space} {distance:.4f}{behind}."]
    if transform:
        side = (
            f"Without the transform {transform!r}"
            if is_after
            else f"With the transform {transform!r}"
        )
        if other is None:
            told.append(f"{side} its rank is not known.")
        elif not other:
            told.append(f"{side} it is not among the first {depth:,}.")
        elif other == rank:
            told.append(f"{side} it is {other}, too.")
        else:
            told.append(f"{side} it is {other}.")
    words = shared_words(query, document)
    if words:
        more = f" and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
        told.append(
            f"Words of the query in it: {', '.join(words[:_SHOWN])}{more}. They did not rank it."
        )
    else:
        told.append("It shares no word with the query: its meaning is near, as the model sees it.")
    return told
