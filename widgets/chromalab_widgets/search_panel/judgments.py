"""Judgments on records as answers to a query, for the search panel."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from chromalab.errors import InvalidArgumentError

__all__ = ["can_judge", "judge", "judgments_of"]


def can_judge(collection: Any) -> bool:
    """Return whether a collection stores judgments; those of Chroma's own client do not."""
    return hasattr(collection, "feedback")


def judgments_of(collection: Any, query: str, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the latest judgment on each record as an answer to a query; clicks do not count.

    Returns:
        By id: `relevance`, `note`, `by`, and whether the record was `shown`.
    """
    latest: dict[str, dict[str, Any]] = {}
    for judgment in _about(collection, query):
        if judgment.id in ids:
            latest.pop(judgment.id, None)  # so that the order is that of the latest judgments
            latest[judgment.id] = {
                "relevance": judgment.relevance,
                "note": judgment.note or "",
                "by": judgment.by or "",
                "shown": judgment.shown,
            }
    return latest


def judge(
    collection: Any,
    query: str,
    id: str,
    relevance: float,
    *,
    note: str | None = None,
    by: str | None = None,
    shown: bool = True,
) -> None:
    """Store whether a record answers a query; 0 removes the judgments of the same user on it.

    Raises:
        InvalidArgumentError: There is no query yet, no such record, or the collection stores no judgments.
    """
    if not can_judge(collection):
        raise InvalidArgumentError(
            f"Judgments need a chromalab collection; got {type(collection).__name__}."
        )
    if not query:
        raise InvalidArgumentError(
            "A judgment needs a query that the record answers. Search for something first."
        )
    if relevance:
        collection.feedback.add(query, id, relevance, note=note or None, by=by, shown=shown)
        return
    mine = [j for j in _about(collection, query) if j.id == id and j.by == _name(by)]
    if mine:
        collection.feedback.remove([j.number for j in mine])


def _about(collection: Any, query: str) -> Iterable[Any]:
    if not query or not can_judge(collection):
        return []
    return [j for j in collection.feedback if j.query == query and j.source != "clicks"]


def _name(by: str | None) -> str | None:
    from chromalab.feedback.arguments import user_name

    return user_name() if by is None else by
