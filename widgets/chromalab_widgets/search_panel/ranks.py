"""Why a record has its rank, and its rank with and without the active transform."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ranks_of", "shared_words", "why"]

_WORD = re.compile(r"[^\W_]+")
# As in highlight.ts: words found in half of all English texts, and one or two plain letters.
_COMMON = re.compile(
    "[a-z]{1,2}|and|are|but|does|for|from|how|its|not|that|the|this|was|were"
    "|what|when|where|which|who|why|with"
)
_SHOWN = 8


def ranks_of(found: Any) -> dict[str, int]:
    """Return the ranks, from 1, of the results of the first query, by id."""
    return {id: rank for rank, id in enumerate(found["ids"][0], 1)}


def shared_words(query: str, document: str | None) -> list[str]:
    """List the words of a query that also occur in a document, which the results highlight."""
    words = dict.fromkeys(_WORD.findall(query.lower()))
    wanted = [word for word in words if not _COMMON.fullmatch(word)]
    text = set(_WORD.findall((document or "").lower()))
    return [word for word in wanted if word in text]


def why(
    stages: Sequence[str],
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
    """Explain in a few sentences why a record has its rank.

    Args:
        stages: What `result.why` says of the stages of the search; empty over other clients.
        row: The record as it is shown.
        rank: The rank of the record.
        query: The query.
        document: The whole document of the record.
        space: The distance function of the collection.
        nearest: The distance of the first result.
        transform: The name of the active transform, "" for none.
        other: The rank on the other side of the transform; 0 if it is below `depth`, None without one.
        depth: How many ranks of the other side are known.
        is_after: Whether the transform was applied to the results that are shown.
    """
    lines = list(stages)
    if not stages:
        distance = row["distance"]
        behind = "" if rank == 1 else f", {distance - nearest:.4f} more than the first result"
        lines = [f"Rank {rank} by distance alone: {space} {distance:.4f}{behind}."]
    if transform:
        side = (
            f"Without the transform {transform!r}"
            if is_after
            else f"With the transform {transform!r}"
        )
        if other is None:
            lines.append(f"{side}, its rank is not known.")
        elif not other:
            lines.append(f"{side}, it is not among the first {depth:,}.")
        elif other == rank:
            lines.append(f"{side}, it has rank {other}, too.")
        else:
            lines.append(f"{side}, it has rank {other}.")
    words = shared_words(query, document)
    if words:
        more = f" and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else ""
        lines.append(
            f"Shared words: {', '.join(words[:_SHOWN])}{more}. They did not affect the rank."
        )
    else:
        lines.append("It shares no words with the query: the model finds it close in meaning.")
    return lines
