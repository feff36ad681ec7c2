"""Files that are written whole or not at all, and caches that hold only the newest few."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from chromalab.errors import InvalidArgumentError, short

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["as_path", "expanded", "keep_newest", "rename", "replace_file", "sync", "write_whole"]

_DRAFT = ".draft"
_PAUSES = (0.01, 0.1, 0.5)  # seconds between attempts to replace a file
_HOUR = 3600 * 10**9  # nanoseconds


def as_path(path: Any) -> Path:
    """Return a path that a user gave; "~" is their home.

    Raises:
        InvalidArgumentError: It is neither a text nor a path.
    """
    if not isinstance(path, str | os.PathLike):
        raise InvalidArgumentError(f"path must be the name of a file; got {short(path)}.")
    return expanded(path)


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path in which "~" or "~user" is a home.

    Raises:
        InvalidArgumentError: There is no such user.
    """
    found = os.path.expanduser(path)
    if found.startswith("~"):
        raise InvalidArgumentError(
            f"A path that starts with ~ must name the home of a user; got {short(found)}. Type ./ before a "
            "name that itself starts with ~."
        )
    return Path(found)


def sync(handle: int) -> None:
    """Wait until the contents of an open file survive a power cut.

    On macOS, `fsync` only hands them to the drive; `F_FULLFSYNC` waits for it (`man 2 fsync`).
    """
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        with suppress(OSError):  # a network drive may not offer it
            fcntl.fcntl(handle, full)
            return
    getattr(os, "fdatasync", os.fsync)(handle)


def rename(draft: str | Path, path: Path) -> None:
    """Rename a file to a name that may exist.

    Windows refuses this for as long as another process reads the old file, so it is tried again for
    half a second.
    """
    for pause in _PAUSES:
        try:
            os.replace(draft, path)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(draft, path)


def replace_file(path: Path, parts: Iterable[Any]) -> None:
    """Write a file under a temporary name and rename it once it is on disk.

    Args:
        path: The file; its folder is created if needed.
        parts: Bytes, in order.

    Raises:
        OSError: The disk is full or the folder is not writable; an existing file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f"{path.stem}-", suffix=_DRAFT, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            sync(file.fileno())
        rename(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def keep_newest(folder: Path, pattern: str, count: int) -> None:
    """Delete all but the newest files that match a pattern, and drafts abandoned over an hour ago."""
    found = _by_age(folder, pattern)
    drafts = _by_age(folder, f"*{_DRAFT}") if found else []
    abandoned = [path for age, path in drafts if age < found[0][0] - _HOUR]
    for path in [*(path for _, path in found[count:]), *abandoned]:
        with suppress(OSError):  # it may be a folder, or another process may have deleted it
            path.unlink()


def write_whole(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file at a path chosen by the user: to a temporary file beside it, which is then renamed.

    Raises:
        InvalidArgumentError: The file exists and `overwrite` is False, or it cannot be written.
    """
    if path.exists() and not overwrite:
        raise InvalidArgumentError(
            f"The file '{path}' already exists. Choose another name, or pass overwrite=True."
        )
    try:
        if path.exists() and not path.is_file():  # a device such as /dev/null, which must stay one
            path.write_bytes(data)
            return
        draft = path.with_name(f".{uuid4().hex}.tmp")
        try:
            draft.write_bytes(data)
            rename(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidArgumentError(f"'{path}' cannot be written: {error.strerror}.") from error
    except ValueError as error:  # the name is empty or contains a null character
        raise InvalidArgumentError(f"{short(str(path))} cannot be written: {error}.") from error


def _by_age(folder: Path, pattern: str) -> list[tuple[int, Path]]:
    """Return the files that match a pattern with their modification times, newest first."""
    found = []
    for path in folder.glob(pattern):
        with suppress(OSError):
            found.append((path.lstat().st_mtime_ns, path))
    return sorted(found, reverse=True)
