"""Results of analyses kept beside the store: asked for again, they are there at once.

A file is an npz archive: every array of the result, and one JSON text with the rest. It is named by
what the result was made of; one that cannot be read is as if it were not there.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

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
    np.savez(held, allow_pickle=False, **{"json": text, **arrays})
    with suppress(OSError):  # a full disk, or a folder that cannot be written: made again next time
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix="draft-", suffix=_SUFFIX, dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(held.getbuffer())
            Path(draft).replace(file)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        _forget_old(file.parent)


def _read(kind: type[R], file: Path, snapshot: Snapshot) -> R | None:
    """Read a result; None where there is none, or it is damaged."""
    try:
        size = file.stat().st_size
        with zipfile.ZipFile(file) as packed:  # members are stored as they are, not packed
            if any(member.file_size > size for member in packed.infolist()):
                return None
        with np.load(file, allow_pickle=False) as found:
            values: dict[str, Any] = {name: found[name] for name in found.files}
        plain = json.loads(values.pop("json").tobytes())
        values.update({name: _frozen(value) for name, value in plain.items()})
        result = kind(snapshot=snapshot, **values)
        result.check()
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
    with suppress(OSError):
        os.utime(file)
    return result


def _frozen(value: Any) -> Any:
    """Lists as tuples, all the way down: JSON has no tuples."""
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value


def _forget_old(folder: Path) -> None:
    kept = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in kept[_KEPT:]:
        file.unlink(missing_ok=True)
