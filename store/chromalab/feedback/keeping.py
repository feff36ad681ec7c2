"""Transforms as they are kept: attached to a collection, and as a file that can be given away."""

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
from chromalab.feedback.arguments import check_flag, some_text
from chromalab.feedback.files import write_whole
from chromalab.feedback.transform import Transform, pack_arrays, unpack_arrays

__all__ = [
    "KIND",
    "LIVE",
    "as_attachment",
    "check_transform_name",
    "checked",
    "described",
    "read_file",
    "read_stored",
    "read_transform",
    "write_file",
]

KIND = "transform"
"""What transforms are attached to a collection as."""

LIVE = "live"
"""What says which of them queries go through; no transform can have that name."""

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
_MOST_BYTES = 1 << 30


def described(transform: Transform) -> dict[str, Any]:
    """Give all of a transform but its arrays, as JSON can hold it."""
    values = {name: getattr(transform, name) for name in _FIELDS}
    return {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()
    }


def checked(transform: Any) -> Transform:
    """Check a transform that is to be kept.

    Raises:
        InvalidArgumentError: it is none, or a part of it cannot be right.
    """
    if not isinstance(transform, Transform):
        raise InvalidArgumentError(
            f"{short(transform)} is no Transform. tune() learns one; transforms.load(path) reads one."
        )
    try:
        return read_transform(described(transform), pack_arrays(transform))
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise InvalidArgumentError(
            f"The transform {short(transform.name)} cannot be kept: {error}."
        ) from error


def read_transform(values: Mapping[str, Any], data: bytes | None) -> Transform:
    """Make a transform of its fields and its packed arrays; nothing of them is believed.

    Raises:
        InvalidArgumentError: a field cannot be right; the message says which.
        ValueError: the arrays cannot be read.
    """
    missing = [name for name in _FIELDS if name not in values]
    unknown = [name for name in values if name not in _FIELDS]
    if missing or unknown:
        what = f"lacks {missing[0]}" if missing else f"has no {short(unknown[0])}"
        raise InvalidArgumentError(f"A transform has {', '.join(_FIELDS)}; this one {what}.")
    space = values["space"]
    if space not in ("l2", "cosine", "ip"):
        raise InvalidArgumentError(f"space is {short(space)}; it is l2, cosine or ip.")
    for name in ("evaluation", "parameters"):
        if not isinstance(values[name], Mapping):
            raise InvalidArgumentError(f"{name} is {short(values[name])}; it is a dict.")
    arrays = unpack_arrays(data or b"")
    return Transform(
        name=check_transform_name(values["name"]),
        method=some_text(values["method"], "method"),
        both=check_flag(values["both"], "both"),
        model=_text(values["model"], "model"),
        space=space,
        judgements=_text(values["judgements"], "judgements"),
        evaluation=dict(values["evaluation"]),
        parameters=dict(values["parameters"]),
        at=_text(values["at"], "at"),
        matrix=arrays["matrix"],
        keys=arrays["keys"],
        shifts=arrays["shifts"],
    )


def as_attachment(transform: Transform) -> Attachment:
    """Give it as it is kept."""
    return Attachment(KIND, described(transform), transform.name, pack_arrays(transform))


def read_stored(attachment: Attachment) -> Transform:
    """Read what was kept.

    Raises:
        InternalError: it is damaged, or somebody else wrote it.
    """
    try:
        transform = read_transform(attachment.body, attachment.data)
        if transform.name == attachment.name:
            return transform
        why = f"it is kept as {short(attachment.name)}, and called {short(transform.name)}"
    except ValueError as error:
        why = str(error).rstrip(".")
    raise InternalError(
        f"The transform {short(attachment.name)} is damaged: {why}. Queries go without one by "
        "query(transform=None), or for good by transforms.use(None); then remove() it, and tune() again."
    )


def write_file(path: Path, transform: Transform, *, overwrite: bool) -> None:
    """Write a file, whole or not at all: an npz archive of plain arrays.

    Raises:
        InvalidArgumentError: there is a file already, or it cannot be written.
    """
    about = json.dumps(described(transform), ensure_ascii=False).encode()
    text = np.frombuffer(about, dtype=np.uint8)
    held = io.BytesIO()
    np.savez(
        held, matrix=transform.matrix, keys=transform.keys, shifts=transform.shifts, about=text
    )
    write_whole(path, held.getvalue(), overwrite=overwrite)


def read_file(path: Path) -> Transform:
    """Read a file that `write_file` wrote; nothing of it is believed, and nothing in it is run.

    Raises:
        InvalidArgumentError: there is none, or it holds no transform.
    """
    try:
        if not path.is_file():
            raise InvalidArgumentError(f"There is no file '{path}'. export() writes such files.")
        if path.stat().st_size > _MOST_BYTES:
            raise InvalidArgumentError(f"'{path}' is too large to be a transform.")
        data = path.read_bytes()
    except OSError as error:
        raise InvalidArgumentError(f"'{path}' cannot be read: {error.strerror}.") from error
    try:
        unpack_arrays(data)  # first: it knows what is larger than it can be
        with np.load(io.BytesIO(data), allow_pickle=False) as found:  # JSON, as bytes
            values = json.loads(found["about"].tobytes())
        if not isinstance(values, dict):
            raise ValueError("its description is none")
        return read_transform(values, data)
    except (ValueError, KeyError, RecursionError, OSError) as error:
        raise InvalidArgumentError(
            f"'{path}' holds no transform: {error}. export() writes such files; nothing was added."
        ) from error


def check_transform_name(value: Any) -> str:
    """Check the name of a transform: up to 200 printable characters."""
    name = some_text(value, "name")
    if not name.isprintable() or len(name) > 200 or name == LIVE:
        raise InvalidArgumentError(
            f"{short(name)} is no name for a transform: up to 200 printable characters, and not {LIVE!r}."
        )
    return name


def _text(value: Any, what: str) -> str:
    (text,) = read_texts([value], what)
    return text
