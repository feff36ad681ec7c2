"""Temporary files that need no cleaning up, as they have no name where the system allows that."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["scratch_file", "unnamed_file"]


def unnamed_file(folder: Path | None) -> IO[bytes]:
    """Create an unnamed file in a folder, or in the system's temporary folder.

    Args:
        folder: A folder on a disk with enough space, created if needed. If it is None or not
            writable, the system's temporary folder is used.
    """
    try:
        if folder is not None:
            folder.mkdir(exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
            raise
        return tempfile.TemporaryFile()


@contextmanager
def scratch_file(folder: Path | None) -> Iterator[tuple[IO[bytes], str]]:
    """A temporary file, and a path by which a library can open it as well.

    Args:
        folder: As for `unnamed_file`.
    """
    if os.name == "posix":
        with unnamed_file(folder) as file:
            yield file, f"/dev/fd/{file.fileno()}"
        return
    with tempfile.TemporaryDirectory(prefix="chromalab-") as own:
        path = os.path.join(own, "scratch")
        with open(path, "w+b") as file:
            yield file, path
