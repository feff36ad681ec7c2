"""The cache of results in the folder of the store: a repeated analysis is answered from it.

A file is an npz archive. It holds every array of the result, and one JSON text with all other fields.
Its name is a hash of everything that the result depends on, and is in the file, too. A file that cannot
be read, or has the name of another, is ignored, and the result is computed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from chromalab.analytics.result import Result
from chromalab.files import keep_newest, replace_file
from chromalab.snapshot import Snapshot

__all__ = ["cached"]

_FORMAT = 3
_MAX_FILES = 24  # per collection; the oldest are deleted
_SUFFIX = ".result"

R = TypeVar("R", bound=Result)


def cached(
    kind: type[R], snapshot: Snapshot, options: Mapping[str, Any], compute: Callable[[], R]
) -> R:
    """Return the cached result of an analysis; compute and cache it if there is none.

    Args:
        kind: The class of the result.
        snapshot: The records that it is about.
        options: The arguments of the analysis. If one of them is not plain data, such as a function or
            another result, the result is not cached.
        compute: Computes the result.
    """
    file = _file(kind, snapshot, options)
    if file is None:
        return compute()
    result = _read(kind, file, snapshot)
    if result is None:
        result = compute()
        plain = {name: _frozen(value) for name, value in _plain_fields(result).items()}
        result = replace(result, **plain)  # equal to the result that will be read from the file
        if result.is_whole:
            _write(result, file)
    return result


def _file(kind: type[R], snapshot: Snapshot, options: Mapping[str, Any]) -> Path | None:
    """Name the file after all that the result depends on; None if it cannot be cached."""
    if snapshot.folder is None or not snapshot.file:
        return None
    version = snapshot.version if kind.reads_records else None
    try:
        key = json.dumps([_FORMAT, kind.__name__, snapshot.file, version, _encoded(options)])
    except TypeError:
        return None
    digest = hashlib.blake2b(key.encode(), digest_size=16)
    digest.update(np.ascontiguousarray(snapshot.rows).tobytes())
    return snapshot.folder / f"{kind.__name__.lower()}-{digest.hexdigest()}{_SUFFIX}"


def _encoded(value: Any) -> Any:
    """Turn an option into JSON that differs for different options.

    A mapping becomes pairs, since JSON would write its keys 1 and "1" alike.

    Raises:
        TypeError: It is not plain data.
    """
    if isinstance(value, Mapping):
        return {"pairs": [[_encoded(key), _encoded(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(type(value).__name__)


def _all_fields(result: Result) -> dict[str, Any]:
    return {f.name: getattr(result, f.name) for f in fields(result) if f.name != "snapshot"}


def _plain_fields(result: Result) -> dict[str, Any]:
    """Return the fields that are not arrays."""
    values = _all_fields(result)
    return {name: value for name, value in values.items() if not isinstance(value, np.ndarray)}


def _write(result: Result, file: Path) -> None:
    plain = _plain_fields(result)
    arrays = {name: value for name, value in _all_fields(result).items() if name not in plain}
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps([file.name, plain]).encode(), dtype=np.uint8)
    np.savez(buffer, **{"json": text, **arrays})
    with suppress(OSError):  # the disk is full or read-only: the result is computed again next time
        replace_file(file, [buffer.getbuffer()])
        keep_newest(file.parent, f"*{_SUFFIX}", _MAX_FILES)


def _read(kind: type[R], file: Path, snapshot: Snapshot) -> R | None:
    """Read a result; return None if there is no file, or if it is damaged."""
    try:
        if not file.is_file():  # reading from a named pipe would block
            return None
        size = file.stat().st_size
        with zipfile.ZipFile(file) as archive:  # members are stored without compression
            if sum(member.file_size for member in archive.infolist()) > size:
                return None
        with np.load(file, allow_pickle=False) as stored:
            values: dict[str, Any] = {name: stored[name] for name in stored.files}
        name, plain = json.loads(values.pop("json").tobytes())
        if name != file.name:
            return None
        values.update({name: _frozen(value) for name, value in plain.items()})
        result = kind(snapshot=snapshot, **values)
        _check_types(result)
        result.check()
    except Exception:  # damage raises errors of any type: memory, recursion, unknown compression
        return None
    with suppress(OSError):
        os.utime(file)
    return result


def _check_types(result: Result) -> None:
    """Raise ValueError if the dtype of an array is not the one that its field declares."""
    if not isinstance(result.parameters, dict):
        raise ValueError("parameters")
    for field in fields(result):
        value, declared = getattr(result, field.name), str(field.type)
        actual = f"NDArray[np.{value.dtype}]" if isinstance(value, np.ndarray) else ""
        if actual != (declared.replace("bool_", "bool") if declared.startswith("NDArray") else ""):
            raise ValueError(field.name)


def _frozen(value: Any) -> Any:
    """Turn lists into tuples at every level: JSON has no tuples."""
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value
