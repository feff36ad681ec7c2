"""`Judgment`: one statement that a record does or does not answer a query, with its author and time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from chromalab.engine import Attachment
from chromalab.engine.values import Vectors
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.judgments.arguments import (
    check_flag,
    check_relevance,
    check_time,
    check_weight,
    now,
    optional_text,
    required_text,
)

__all__ = ["KIND", "Judgment", "Source", "as_attachment", "read_attachment", "read_judgment"]

KIND = "judgement"
"""The kind of attachment that judgments are stored as; the spelling is part of the format on disk."""

Source = Literal["person", "pair", "qrels", "clicks"]
"""Where judgments come from."""


@dataclass(frozen=True)
class Judgment:
    """One record, judged as an answer to one query.

    The query is a text, a record or a vector: exactly one of `query`, `query_id` and `data` is set.

    Attributes:
        id: The record.
        relevance: The grade: above 0 is relevant, and a plain yes is 1.
        query: The text of the query.
        query_id: The record that this one was compared with.
        weight: How much the judgment counts; a person's weighs 1.
        note: A comment on it.
        by: Who made it.
        at: When it was made, in UTC.
        source: "person", "pair", "qrels" or "clicks".
        shown: Whether the record was in a list that the author saw.
        transform: The transform that was active for queries at the time.
        model: The fingerprint of the embedding function that a query vector belongs to.
        data: The query vector, as float32 bytes.
        batch: The call that added it.
        number: The number given to it when it was stored.

    Example:
        >>> judgment = Judgment("a", 1.0, query="hot drinks", by="ada")
        >>> judgment.is_relevant, judgment.label
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
    source: Source = "person"
    shown: bool = True
    transform: str | None = None
    model: str | None = None
    data: bytes | None = field(default=None, repr=False)
    batch: str = field(default="", repr=False)
    number: int | None = None

    @property
    def is_relevant(self) -> bool:
        """Whether the record was judged relevant."""
        return self.relevance > 0

    @property
    def vector(self) -> Vectors | None:
        """The query vector, (d,) float32, read-only; None if the query is a text or a record."""
        return None if self.data is None else np.frombuffer(self.data, dtype="<f4")

    @property
    def label(self) -> str:
        """The query as it is displayed."""
        if self.query is not None:
            return self.query
        if self.query_id is not None:
            return f"record {self.query_id}"
        return f"a vector of {len(self.data or b'') // 4:,} numbers"

    @property
    def asked(self) -> tuple[str, str, str | bytes]:
        """The query as a key: its kind, the model that a vector belongs to, and the query itself."""
        if self.query is not None:
            return "text", "", self.query
        if self.query_id is not None:
            return "record", "", self.query_id
        return "vector", self.model or "", self.data or b""

    @property
    def about(self) -> tuple[Any, ...]:
        """The query and the record as a key; a pair of records has one key in either order."""
        if self.query_id is not None:
            return ("pair", *sorted((self.query_id, self.id)))
        return (*self.asked, self.id)

    def line(self) -> str:
        """Return the judgment as one line of JSON, without the fields that belong to a store."""
        values: dict[str, Any] = asdict(self)
        for name in ("data", "batch", "number"):
            del values[name]
        if self.vector is not None:
            # Every float32 is exact as a float64, and JSON writes float64 so that it reads back equal.
            values["vector"] = self.vector.astype(np.float64).tolist()
        return json.dumps(values, ensure_ascii=False)


_OUTSIDE_BODY = {"data", "number"}
_NAMES = [name for name in Judgment.__dataclass_fields__ if name not in _OUTSIDE_BODY]


def as_attachment(judgment: Judgment) -> Attachment:
    """Return a judgment as it is stored."""
    body = {name: getattr(judgment, name) for name in _NAMES}
    return Attachment(KIND, body, data=judgment.data)


def read_attachment(attachment: Attachment) -> Judgment:
    """Read a stored judgment.

    Raises:
        InvalidArgumentError: It is not a judgment; another program wrote it.
    """
    return read_judgment(attachment.body, attachment.data, attachment.number)


def read_judgment(
    values: Mapping[str, Any], data: bytes | None = None, number: int | None = None
) -> Judgment:
    """Build a judgment from values, which are treated as untrusted; every field is validated.

    Raises:
        InvalidArgumentError: A value is invalid; the message says which.

    Example:
        >>> read_judgment({"query": "hot drinks", "id": "a", "relevance": True, "by": "ada"}).relevance
        1.0
    """
    unknown = [name for name in values if name not in _NAMES]
    if unknown:
        raise InvalidArgumentError(
            f"A judgment has no field {short(unknown[0])}. "
            f"{near(unknown[0], _NAMES, what='Names', limit=20)}"
        )
    given = dict(values)
    if "id" not in given or "relevance" not in given:
        raise InvalidArgumentError("A judgment needs an id and a relevance.")
    judgment = Judgment(
        id=required_text(given["id"], "id"),
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
    if sum(part is not None for part in (judgment.query, judgment.query_id, data)) != 1:
        raise InvalidArgumentError("A judgment needs exactly one of query, query_id and vector.")
    if data is not None and (not data or len(data) % 4):
        raise InvalidArgumentError(
            f"The vector of a judgment must be four bytes per number; got {len(data):,} bytes."
        )
    if judgment.vector is not None and not np.isfinite(judgment.vector).all():
        raise InvalidArgumentError("The vector of a judgment holds NaN or infinity.")
    return judgment


def _source(value: Any) -> Source:
    for source in get_args(Source):
        if isinstance(value, str) and value == source:
            return source  # type: ignore[no-any-return]
    raise InvalidArgumentError(
        f"source must be one of {', '.join(get_args(Source))}; got {short(value)}."
    )
