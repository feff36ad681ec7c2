"""How transforms are stored: as attachments of a collection, and as files to share."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chromalab.arguments.records import read_texts
from chromalab.engine import Attachment
from chromalab.errors import InternalError, InvalidArgumentError, short
from chromalab.files import write_whole
from chromalab.transforms.transform import Transform, pack_arrays, unpack_arrays

__all__ = [
    "ACTIVE",
    "ACTIVE_KIND",
    "KIND",
    "as_attachment",
    "check_name",
    "check_transform",
    "describe",
    "read_attachment",
    "read_file",
    "read_transform",
    "write_file",
]

KIND = "transform"
"""The kind of attachment that a transform is stored as."""

ACTIVE = "active"
"""What a query passes to go through the active transform; no transform may have this name."""

ACTIVE_KIND = "live"
"""The kind and the name of the attachment that records which transform is active.

This string is part of the format on disk, where "live" predates "active".
"""

_FIELDS = (
    "name",
    "method",
    "both",
    "model",
    "space",
    "judgements",
    "evaluation",
    "parameters",
    "at",
)
_ATTRIBUTES = {"judgements": "judgments"}
"""The attributes whose names differ from those in the format on disk, which keeps its spelling."""

_MAX_BYTES = 1 << 30


def describe(transform: Transform) -> dict[str, Any]:
    """Return all fields of a transform except its arrays, as JSON can hold them."""
    values = {name: getattr(transform, _ATTRIBUTES.get(name, name)) for name in _FIELDS}
    return {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()
    }


def check_transform(transform: Any) -> Transform:
    """Check a transform before it is stored.

    Raises:
        InvalidArgumentError: It is not a transform, or one of its fields is invalid.
    """
    if not isinstance(transform, Transform):
        raise InvalidArgumentError(
            f"transform must be a Transform; got {short(transform)}. tune() learns one, and "
            "transforms.load(path) reads one."
        )
    try:
        return read_transform(describe(transform), pack_arrays(transform))
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise InvalidArgumentError(
            f"The transform {short(transform.name)} cannot be stored: {error}."
        ) from error


def read_transform(values: Mapping[str, Any], data: bytes | None) -> Transform:
    """Build a transform from its fields and packed arrays, treated as untrusted.

    Raises:
        InvalidArgumentError: A field is invalid; the message names it.
        ValueError: The arrays cannot be read.
    """
    missing = [name for name in _FIELDS if name not in values]
    unknown = [name for name in values if name not in _FIELDS]
    if missing or unknown:
        what = f"lacks {missing[0]}" if missing else f"has the unknown field {short(unknown[0])}"
        raise InvalidArgumentError(f"A transform has {', '.join(_FIELDS)}; this one {what}.")
    space, both = values["space"], values["both"]
    if space not in ("l2", "cosine", "ip"):
        raise InvalidArgumentError(f"space must be l2, cosine or ip; got {short(space)}.")
    if not isinstance(both, bool | np.bool_):
        raise InvalidArgumentError(f"both must be True or False; got {short(both)}.")
    for name in ("evaluation", "parameters"):
        if not isinstance(values[name], Mapping):
            raise InvalidArgumentError(f"{name} must be a dict; got {short(values[name])}.")
    arrays = unpack_arrays(data or b"")
    return Transform(
        name=check_name(values["name"]),
        method=_text(values["method"], "method", is_required=True),
        both=bool(both),
        model=_text(values["model"], "model"),
        space=space,
        judgments=_text(values["judgements"], "judgements"),
        evaluation=dict(values["evaluation"]),
        parameters=dict(values["parameters"]),
        at=_text(values["at"], "at"),
        matrix=arrays["matrix"],
        keys=arrays["keys"],
        shifts=arrays["shifts"],
    )


def as_attachment(transform: Transform) -> Attachment:
    """Return a transform as it is stored."""
    return Attachment(KIND, describe(transform), transform.name, pack_arrays(transform))


def read_attachment(attachment: Attachment) -> Transform:
    """Read a stored transform.

    Raises:
        InternalError: It is damaged or was written by another program.
    """
    try:
        transform = read_transform(attachment.body, attachment.data)
        if transform.name == attachment.name:
            return transform
        why = f"it is stored as {short(attachment.name)} but named {short(transform.name)}"
    except ValueError as error:
        why = str(error).rstrip(".")
    raise InternalError(
        f"The transform {short(attachment.name)} is damaged: {why}. query(transform=None) goes without "
        "one; transforms.use(None) deactivates it for all queries. Then remove() it, and tune() again."
    )


def write_file(path: Path, transform: Transform, *, overwrite: bool) -> None:
    """Write a transform to a file, atomically, as an npz archive of plain arrays.

    Raises:
        InvalidArgumentError: The file exists already or cannot be written.
    """
    about = json.dumps(describe(transform), ensure_ascii=False).encode()
    text = np.frombuffer(about, dtype=np.uint8)
    archive = io.BytesIO()
    np.savez(
        archive, matrix=transform.matrix, keys=transform.keys, shifts=transform.shifts, about=text
    )
    write_whole(path, archive.getvalue(), overwrite=overwrite)


def read_file(path: Path) -> Transform:
    """Read a file that `write_file` wrote. It is treated as untrusted, and no code in it is run.

    Raises:
        InvalidArgumentError: The file does not exist or does not hold a transform.
    """
    try:
        if not path.is_file():
            raise InvalidArgumentError(f"There is no file '{path}'. export() writes such files.")
        if path.stat().st_size > _MAX_BYTES:
            raise InvalidArgumentError(f"'{path}' is too large to be a transform.")
        data = path.read_bytes()
    except OSError as error:
        raise InvalidArgumentError(f"'{path}' cannot be read: {error.strerror}.") from error
    try:
        unpack_arrays(data)  # This comes first because it rejects archives that claim a huge size.
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            values = json.loads(found["about"].tobytes())
        if not isinstance(values, dict):
            raise ValueError("the description is not a JSON object")
        return read_transform(values, data)
    except (ValueError, KeyError, RecursionError, OSError) as error:
        raise InvalidArgumentError(
            f"'{path}' does not hold a transform: {error}. export() writes such files; nothing was added."
        ) from error


def check_name(value: Any) -> str:
    """Check the name of a transform: at most 200 printable characters."""
    name = _text(value, "name", is_required=True)
    if not name.isprintable() or len(name) > 200 or name in (ACTIVE, ACTIVE_KIND):
        raise InvalidArgumentError(
            "name must be at most 200 printable characters, and neither "
            f"{ACTIVE!r} nor {ACTIVE_KIND!r}; got {short(name)}. Choose another name for the transform."
        )
    return name


def _text(value: Any, what: str, *, is_required: bool = False) -> str:
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{what} must be a string; got {short(value)}.")
    (text,) = read_texts([value], what)
    if is_required and not text:
        raise InvalidArgumentError(f"{what} is empty. Give a text.")
    return text
