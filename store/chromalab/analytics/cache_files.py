"""Files in the cache of a store: written whole or not at all, and only the newest few are kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["keep_newest", "replace_file"]

_DRAFT = ".draft"
_HOUR = 3600 * 10**9  # nanoseconds


def replace_file(path: Path, parts: Iterable[Any]) -> None:
    """Write a file under a name of its own, and give it the right one when it is on the disk.

    Args:
        path: The file; its folder is made if it is not there.
        parts: Bytes, one after the other.

    Raises:
        OSError: the disk is full, or the folder cannot be written; what was there is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f"{path.stem}-", suffix=_DRAFT, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def keep_newest(folder: Path, pattern: str, count: int) -> None:
    """Delete all but the newest files of a pattern, and what a crash left unfinished an hour ago."""
    found = _by_age(folder, pattern)
    drafts = _by_age(folder, f"*{_DRAFT}") if found else []
    abandoned = [path for age, path in drafts if age < found[0][0] - _HOUR]
    for path in [*(path for _, path in found[count:]), *abandoned]:
        with suppress(OSError):  # a folder in its place; another process deletes too
            path.unlink()


def _by_age(folder: Path, pattern: str) -> list[tuple[int, Path]]:
    """The files of a pattern with their times, newest first."""
    found = []
    for path in folder.glob(pattern):
        with suppress(OSError):
            found.append((path.lstat().st_mtime_ns, path))
    return sorted(found, reverse=True)
