"""What is kept with a collection beside its records, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Attachment"]


@dataclass(frozen=True)
class Attachment:
    """Something kept with a collection beside its records, such as a judgement.

    Attributes:
        kind: What it is; those of one kind are read together.
        body: What JSON can hold.
        name: Unique among those of a kind in a collection; None for one without a name.
        data: Bytes, such as those of an array.
        number: Given when it is attached, never given again; None before.

    Example:
        >>> Attachment("note", {"text": "ask Ada"}).number is None
        True
    """

    kind: str
    body: Mapping[str, Any]
    name: str | None = None
    data: bytes | None = None
    number: int | None = None
