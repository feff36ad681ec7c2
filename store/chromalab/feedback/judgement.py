"""`Judgement`: that a record is an answer to a query, or none, said by somebody at some moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from chromalab.engine import Attachment
from chromalab.engine.values import Vectors
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.feedback.arguments import (
    check_flag,
    check_relevance,
    check_time,
    check_weight,
    now,
    optional_text,
    some_text,
)

__all__ = ["KIND", "SOURCES", "Judgement", "as_attachment", "read_judgement", "read_stored"]

KIND = "judgement"
"""What judgements are attached to a collection as."""

SOURCES = ("person", "pair", "qrels", "clicks")
"""Where judgements come from."""


@dataclass(frozen=True)
class Judgement:
    """One record, judged as an answer to one query.

    The query is a text, a record, or a vector: one of `query`, `query_id` and `data`.

    Attributes:
        id: The record.
        relevance: A grade: above 0 is relevant, 1 if nothing else was said.
        query: The text that was asked.
        query_id: The record that was compared with this one.
        weight: How much it counts; 1 is a person's word.
        note: What was said about it.
        by: Who said it.
        at: When, in UTC.
        source: "person", "pair", "qrels" or "clicks".
        shown: Whether the record was in a list that somebody saw.
        transform: The transform of queries that was live then.
        model: The embedding function that a vector was made for.
        data: The vector that was asked, as float32 bytes.
        batch: The call that it came in.
        number: Given when it is kept.

    Example:
        >>> said = Judgement("a", 1.0, query="hot drinks", by="ada")
        >>> said.is_relevant, said.label
        (True, 'hot drinks')
    """

    id: str
    relevance: float
    query: str | None = None
    query_id: str | None = None
    weight: float = 1.0
    note: str | None = None
    by: str | None = None
    at: str = field(default_factory=now)
    source: str = "person"
    shown: bool = True
    transform: str | None = None
    model: str | None = None
    data: bytes | None = field(default=None, repr=False)
    batch: str = field(default="", repr=False)
    number: int | None = None

    @property
    def is_relevant(self) -> bool:
        """Whether it says that the record is an answer."""
        return self.relevance > 0

    @property
    def vector(self) -> Vectors | None:
        """The vector that was asked, (d,) float32, read only; None for a text or a record."""
        return None if self.data is None else np.frombuffer(self.data, dtype="<f4")

    @property
    def label(self) -> str:
        """The query as it is shown."""
        if self.query is not None:
            return self.query
        if self.query_id is not None:
            return f"record {self.query_id}"
        return f"a vector of {len(self.data or b'') // 4:,} numbers"

    @property
    def asked(self) -> tuple[str, str, str | bytes]:
        """What the query is: its kind, the model that a vector is of, and itself."""
        if self.query is not None:
            return "text", "", self.query
        if self.query_id is not None:
            return "record", "", self.query_id
        return "vector", self.model or "", self.data or b""

    @property
    def about(self) -> tuple[Any, ...]:
        """What is judged; two records are the same pair whichever of them was named first."""
        if self.query_id is not None:
            return ("pair", *sorted((self.query_id, self.id)))
        return (*self.asked, self.id)

    def line(self) -> str:
        """Write it as one line of JSON, the vector as numbers; what a store gave it is left out."""
        values: dict[str, Any] = asdict(self)
        for name in ("data", "batch", "number"):
            del values[name]
        if self.vector is not None:
            # A float32 is exact as a float64, which JSON writes so that it comes back the same.
            values["vector"] = self.vector.astype(np.float64).tolist()
        return json.dumps(values, ensure_ascii=False)


_STORED = {"data", "number"}
_NAMES = [name for name in Judgement.__dataclass_fields__ if name not in _STORED]


def as_attachment(judgement: Judgement) -> Attachment:
    """Give it as it is kept."""
    body = {name: getattr(judgement, name) for name in _NAMES}
    return Attachment(KIND, body, data=judgement.data)


def read_stored(attachment: Attachment) -> Judgement:
    """Read what was kept.

    Raises:
        InvalidArgumentError: it is no judgement; somebody else wrote it.
    """
    return read_judgement(attachment.body, attachment.data, attachment.number)


def read_judgement(
    values: Mapping[str, Any], data: bytes | None = None, number: int | None = None
) -> Judgement:
    """Read the values of a judgement; nothing of them is believed.

    Raises:
        InvalidArgumentError: one of them cannot be right; the message says which.

    Example:
        >>> read_judgement({"query": "hot drinks", "id": "a", "relevance": True, "by": "ada"}).relevance
        1.0
    """
    unknown = [name for name in values if name not in _NAMES]
    if unknown:
        raise InvalidArgumentError(
            f"A judgement has no {short(unknown[0])}. {near(unknown[0], _NAMES, what='Names', limit=20)}"
        )
    given = dict(values)
    if "id" not in given or "relevance" not in given:
        raise InvalidArgumentError("A judgement needs an id and a relevance.")
    judgement = Judgement(
        id=some_text(given["id"], "id"),
        relevance=check_relevance(given["relevance"]),
        query=optional_text(given.get("query"), "query"),
        query_id=optional_text(given.get("query_id"), "query_id"),
        weight=check_weight(given.get("weight", 1.0)),
        note=optional_text(given.get("note"), "note"),
        by=optional_text(given.get("by"), "by"),
        at=check_time(given["at"]) if "at" in given else now(),
        source=_source(given.get("source", "person")),
        shown=check_flag(given.get("shown", True), "shown"),
        transform=optional_text(given.get("transform"), "transform"),
        model=optional_text(given.get("model"), "model"),
        data=data,
        batch=optional_text(given.get("batch") or None, "batch") or "",
        number=number,
    )
    if sum(part is not None for part in (judgement.query, judgement.query_id, data)) != 1:
        raise InvalidArgumentError("A judgement has one of query, query_id and vector.")
    if data is not None and (not data or len(data) % 4):
        raise InvalidArgumentError("The vector of a judgement is rows of four bytes; this is not.")
    if judgement.vector is not None and not np.isfinite(judgement.vector).all():
        raise InvalidArgumentError("The vector of a judgement holds NaN or infinity.")
    return judgement


def _source(value: Any) -> str:
    if not isinstance(value, str) or value not in SOURCES:
        raise InvalidArgumentError(f"source is {short(value)}; it is one of {', '.join(SOURCES)}.")
    return value
