"""Bytes in messages as base64 text, for hosts that lose binary buffers.

The other side is in `widgets/src/core/host.ts`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from chromalab.errors import InvalidArgumentError

__all__ = ["decode", "encode"]

_KEY = "$binary"


def encode(value: Any) -> Any:
    """Return a value in which bytes, at any depth, are `{"$binary": "..."}`."""
    if isinstance(value, bytes | memoryview):
        return {_KEY: base64.b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return {key: encode(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encode(inner) for inner in value]
    return value


def decode(buffers: Any) -> list[bytes]:
    """Read the buffers of a request that were sent as text.

    Raises:
        InvalidArgumentError: They are not a list of what `encode` returns for bytes.
    """
    try:
        return [base64.b64decode(one[_KEY], validate=True) for one in buffers]
    except (TypeError, KeyError, ValueError, binascii.Error):
        raise InvalidArgumentError(
            'The buffers of a request must be a list of {"$binary": "..."}, in base64.'
        ) from None
