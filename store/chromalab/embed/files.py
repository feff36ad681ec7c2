"""Files that are put in place only when complete and verified.

Next to each file lies a stamp: its SHA-256, with the size and modification time the file had when it
was placed. While size and time are unchanged, the file is accepted without reading it again (hashing
90 MB takes 0.3 s). If another user could have written the file or the stamp, the file is hashed
once per process instead.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from chromalab.files import rename, sync
from chromalab.progress_bar import progress_bar

__all__ = ["ByteStream", "SourceError", "digest", "intact", "make_folder", "place"]

_CHUNK = 1 << 20
_log = logging.getLogger(__name__)


class SourceError(Exception):
    """A source does not have what was requested; the text gives the reason in a few words."""


class ByteStream(Protocol):
    """Anything that returns bytes from `read`: a file, a zip member, an HTTP response."""

    def read(self, size: int = ..., /) -> bytes:
        """Return up to `size` bytes, and none at the end."""
        ...


def digest(path: Path) -> str:
    """Hash a file with SHA-256 and return the hexadecimal digest."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()


def intact(path: Path, *, sha256: str | None = None, size: int | None = None) -> bool:
    """Return whether a file has the content it should have.

    Args:
        path: The file.
        sha256: The expected hash, if it is known beforehand. Without one, the file must match its
            stamp, which counts only if no other user could have written it.
        size: The expected number of bytes, if known.
    """
    if not path.is_file() or size not in (None, path.stat().st_size):
        return False
    stamp = _read_stamp(path)
    expected = sha256 or (stamp[0] if stamp else None)
    if expected is None:
        return False
    if stamp == (expected, *_size_and_time(path)):
        return True
    if _digest_once(path, *_size_and_time(path), path.stat().st_ctime_ns) != expected:
        return False
    _write_stamp(path, expected)
    return True


@functools.cache
def _digest_once(path: Path, size: int, modified: int, changed: int) -> str:
    """Hash a file again only after it changed; users cannot set `changed`, unlike the other two."""
    return digest(path)


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, all closed to other users."""
    for path in (*reversed(folder.parents), folder):  # Path.mkdir applies mode to the last one only
        path.mkdir(mode=0o700, exist_ok=True)


def place(
    stream: ByteStream,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    progress: str | None = None,
) -> None:
    """Copy a stream to a file that appears under its name only once it is complete and verified.

    Two processes may do this at the same time: each writes its own temporary file, the last rename
    wins, and both files hold the same bytes.

    Args:
        stream: The source, read to its end or to the first byte beyond `size`.
        target: The file to create; its folder is created if missing.
        sha256: The hash that the content must have. Without one, any content is accepted and its
            hash recorded.
        size: The number of bytes the content must have, if known.
        progress: The title of a progress bar over the bytes. By default there is no bar.

    Raises:
        SourceError: The size or the hash differs; nothing was placed.
    """
    make_folder(target.parent)
    actual, written = hashlib.sha256(), 0
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file, _bar(progress, size) as bar:
            while chunk := stream.read(_CHUNK):
                written += len(chunk)
                if size is not None and written > size:
                    raise SourceError(f"{target.name} is larger than {size:,} bytes")
                actual.update(chunk)
                file.write(chunk)
                if bar is not None:
                    bar.update(len(chunk))
            file.flush()
            sync(file.fileno())
        if sha256 is not None and actual.hexdigest() != sha256:
            raise SourceError(f"{target.name} has the wrong SHA-256 ({actual.hexdigest()[:12]}...)")
        rename(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
    _write_stamp(target, actual.hexdigest())


def _bar(title: str | None, size: int | None) -> AbstractContextManager[Any]:
    if title is None:
        return nullcontext()
    return progress_bar(total=size, desc=title, unit="B", unit_scale=True)


def _stamp_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _size_and_time(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _read_stamp(path: Path) -> tuple[str, int, int] | None:
    stamp = _stamp_of(path)
    if not stamp.is_file() or not _only_ours(path.lstat(), stamp.lstat(), path.parent.stat()):
        return None
    fields = stamp.read_text("utf-8", errors="replace").split()
    if len(fields) != 3 or not (fields[1].isdecimal() and fields[2].isdecimal()):
        return None
    return fields[0], int(fields[1]), int(fields[2])


def _only_ours(*statuses: os.stat_result) -> bool:
    """Return whether no other user can write these; Windows protects the user's folder itself."""
    if sys.platform == "win32":
        return True
    return all(status.st_uid == os.geteuid() and not status.st_mode & 0o022 for status in statuses)


def _write_stamp(path: Path, sha256: str) -> None:
    text = f"{sha256} {' '.join(map(str, _size_and_time(path)))}\n"
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".stamp.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        rename(name, _stamp_of(path))
    except OSError as error:  # in a read-only cache, files are hashed in full each time instead
        _log.debug("no stamp next to %s: %s", path, error)
