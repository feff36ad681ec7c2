"""Results of analyses kept beside the store: asked for again, they are there at once.

A file is an npz archive: every array of the result, and one JSON text with the rest. It is named by
what the result was made of; one that cannot be read is as if it were not there.
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

from chromalab.analytics.cache_files import keep_newest, replace_file
from chromalab.analytics.result import Result
from chromalab.snapshot import Snapshot

__all__ = ["remembered"]

_FORMAT = 1
_KEPT = 24  # files of a collection; the oldest go
_SUFFIX = ".result"

R = TypeVar("R", bound=Result)


def remembered(
    kind: type[R], snapshot: Snapshot, options: Mapping[str, Any], make: Callable[[], R]
) -> R:
    """Return the kept result of an analysis, or make it and keep it.

    Args:
        kind: The class of the result.
        snapshot: What it is about.
        options: The arguments of the analysis. Where they are no plain values, nothing is kept.
        make: Makes the result.
    """
    file = _file(kind, snapshot, options)
    if file is None:
        return make()
    found = _read(kind, file, snapshot)
    if found is None:
        found = make()
        plain = {name: _frozen(value) for name, value in _plain(found).items()}
        found = replace(found, **plain)  # as it will be when it is read
        if found.is_whole:
            _write(found, file)
    return found


def _file(kind: type[R], snapshot: Snapshot, options: Mapping[str, Any]) -> Path | None:
    """Name the file by all that the result depends on; None where it cannot be kept."""
    if snapshot.folder is None or not snapshot.file:
        return None
    moment = snapshot.version if kind.reads_records else None
    try:
        asked = json.dumps([_FORMAT, kind.__name__, snapshot.file, moment, dict(options)])
    except (TypeError, ValueError):  # an earlier result to start from, a callable
        return None
    digest = hashlib.blake2b(asked.encode(), digest_size=16)
    digest.update(np.ascontiguousarray(snapshot.rows).tobytes())
    return snapshot.folder / f"{kind.__name__.lower()}-{digest.hexdigest()}{_SUFFIX}"


def _parts(result: Result) -> dict[str, Any]:
    return {f.name: getattr(result, f.name) for f in fields(result) if f.name != "snapshot"}


def _plain(result: Result) -> dict[str, Any]:
    """Its parts that are no arrays."""
    return {
        name: value for name, value in _parts(result).items() if not isinstance(value, np.ndarray)
    }


def _write(result: Result, file: Path) -> None:
    plain = _plain(result)
    arrays = {name: value for name, value in _parts(result).items() if name not in plain}
    held = io.BytesIO()
    text = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    np.savez(held, **{"json": text, **arrays})
    with suppress(OSError):  # a full disk, or a folder that cannot be written: made again next time
        replace_file(file, [held.getbuffer()])
        keep_newest(file.parent, f"*{_SUFFIX}", _KEPT)


def _read(kind: type[R], file: Path, snapshot: Snapshot) -> R | None:
    """Read a result; None where there is none, or it is damaged."""
    try:
        if not file.is_file():  # nor a pipe, which would be waited for
            return None
        size = file.stat().st_size
        with zipfile.ZipFile(file) as packed:  # members are stored as they are, not packed
            if sum(member.file_size for member in packed.infolist()) > size:
                return None
        with np.load(file, allow_pickle=False) as found:
            values: dict[str, Any] = {name: found[name] for name in found.files}
        plain = json.loads(values.pop("json").tobytes())
        values.update({name: _frozen(value) for name, value in plain.items()})
        result = kind(snapshot=snapshot, **values)
        _check_kinds(result)
        result.check()
    except Exception:  # what damage raises has no end: memory, recursion, an unknown compression
        return None
    with suppress(OSError):
        os.utime(file)
    return result


def _check_kinds(result: Result) -> None:
    """Raise ValueError where an array is not of the numbers that its field says, or is none."""
    if not isinstance(result.parameters, dict):
        raise ValueError("parameters")
    for field in fields(result):
        value, said = getattr(result, field.name), str(field.type)
        found = f"NDArray[np.{value.dtype}]" if isinstance(value, np.ndarray) else ""
        if found != (said.replace("bool_", "bool") if said.startswith("NDArray") else ""):
            raise ValueError(field.name)


def _frozen(value: Any) -> Any:
    """Lists as tuples, all the way down: JSON has no tuples."""
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value
