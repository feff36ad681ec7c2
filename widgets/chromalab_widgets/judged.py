"""What was said of records as answers to a query, and saying it, for the widgets that judge."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from chromalab.errors import InvalidArgumentError

__all__ = ["can_judge", "judge", "said_of"]


def can_judge(collection: Any) -> bool:
    """Whether a collection keeps judgements; Chroma's own does not."""
    return hasattr(collection, "feedback")


def said_of(collection: Any, query: str, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Read the last word on each record as an answer to a query; clicks do not count.

    Returns:
        By id: `relevance`, `note`, `by`, and whether the record was `shown`.
    """
    said: dict[str, dict[str, Any]] = {}
    for judgement in _about(collection, query):
        if judgement.id in ids:
            said.pop(judgement.id, None)  # so that the order is that of the last word
            said[judgement.id] = {
                "relevance": judgement.relevance,
                "note": judgement.note or "",
                "by": judgement.by or "",
                "shown": judgement.shown,
            }
    return said


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
    """Say whether a record answers a query; 0 takes back what the same person said of it.

    Raises:
        InvalidArgumentError: there is no query yet, or no such record; or the collection keeps no judgements.
    """
    if not can_judge(collection):
        raise InvalidArgumentError(
            f"Judgements are kept by collections of chromalab; this is {type(collection).__name__}."
        )
    if not query:
        raise InvalidArgumentError("A record is judged as an answer: search for something first")
    if relevance:
        collection.feedback.add(query, id, relevance, note=note or None, by=by, shown=shown)
        return
    mine = [j for j in _about(collection, query) if j.id == id and j.by == _name(by)]
    if mine:
        collection.feedback.remove([j.number for j in mine])


def _about(collection: Any, query: str) -> Iterable[Any]:
    if not query or not can_judge(collection):
        return []
    return [j for j in collection.feedback.of_query(query) if j.source != "clicks"]


def _name(by: str | None) -> str | None:
    from chromalab.judgments.arguments import user_name

    return user_name() if by is None else by
