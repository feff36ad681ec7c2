"""Files that are put in place whole and checked, or not at all.

Beside each placed file lies a stamp: its sha256 with the size and time it had then. While size
and time are the same, the file need not be read again to be believed (90 MB take 0.3 s), unless
another user could have written the file or the stamp: then it is read once a process.
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

__all__ = ["ByteStream", "SourceError", "digest", "intact", "make_folder", "place"]

_CHUNK = 1 << 20
_log = logging.getLogger(__name__)


class SourceError(Exception):
    """A source has not what was asked of it; the text says why in a few words."""


class ByteStream(Protocol):
    """Anything that gives bytes on `read`: a file, a zip member, an HTTP answer."""

    def read(self, size: int = ..., /) -> bytes:
        """Give up to `size` bytes, none at the end."""
        ...


def digest(path: Path) -> str:
    """Hash a file with sha256, as hexadecimal."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()


def intact(path: Path, *, sha256: str | None = None, size: int | None = None) -> bool:
    """Whether a file holds what it should.

    Args:
        path: The file.
        sha256: Its hash, where that is known beforehand; without one, what it held when it
            was placed, if nobody else could have written that down.
        size: Its number of bytes, if known.
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
    """Hash a file again only when it changed; unlike the other two, `changed` cannot be set."""
    return digest(path)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, closed to other users."""
    for path in (*reversed(folder.parents), folder):  # mkdir gives its mode to the last alone
        path.mkdir(mode=0o700, exist_ok=True)


def place(
    stream: ByteStream,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    progress: str | None = None,
) -> None:
    """Copy a stream to a file that appears under its name only once it is complete and right.

    Two processes may do this at once: each writes a file of its own, the last rename stays, and
    both hold the same bytes.

    Args:
        stream: Read to its end, or to the first byte too many.
        target: The file; its folder is made.
        sha256: The hash it has to have. Without one any content is taken and remembered.
        size: Its number of bytes, if known.
        progress: The title of a progress bar over the bytes.

    Raises:
        SourceError: Size or hash differ; nothing was placed.
    """
    make_folder(target.parent)
    found, written = hashlib.sha256(), 0
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file, _bar(progress, size) as bar:
            while chunk := stream.read(_CHUNK):
                written += len(chunk)
                if size is not None and written > size:
                    raise SourceError(f"{target.name} is larger than {size:,} bytes")
                found.update(chunk)
                file.write(chunk)
                if bar is not None:
                    bar.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
        if sha256 is not None and found.hexdigest() != sha256:
            raise SourceError(f"{target.name} has another sha256 ({found.hexdigest()[:12]}...)")
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
    _write_stamp(target, found.hexdigest())


def _bar(title: str | None, size: int | None) -> AbstractContextManager[Any]:
    if title is None:
        return nullcontext()
    from tqdm.auto import tqdm

    return tqdm(total=size, desc=title, unit="B", unit_scale=True)


def _stamp_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _size_and_time(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _read_stamp(path: Path) -> tuple[str, int, int] | None:
    stamp = _stamp_of(path)
    if not stamp.is_file() or not _only_ours(path.lstat(), stamp.lstat(), path.parent.stat()):
        return None
    fields = stamp.read_text("utf-8", errors="replace").split()
    if len(fields) != 3 or not (fields[1].isdecimal() and fields[2].isdecimal()):
        return None
    return fields[0], int(fields[1]), int(fields[2])


def _only_ours(*found: os.stat_result) -> bool:
    """Whether no other user can write any of these; Windows guards the user's folder itself."""
    if sys.platform == "win32":
        return True
    return all(one.st_uid == os.geteuid() and not one.st_mode & 0o022 for one in found)


def _write_stamp(path: Path, sha256: str) -> None:
    text = f"{sha256} {' '.join(map(str, _size_and_time(path)))}\n"
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".stamp.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, _stamp_of(path))
    except OSError as error:  # a read-only cache is read in full each time instead
        _log.debug("no stamp beside %s: %s", path, error)
