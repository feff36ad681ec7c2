"""What a folder can be, and sentences for what the file system and SQLite say."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chromalab.errors import (
    ChromalabError,
    ClientClosedError,
    InternalError,
    NotAFolderError,
    StoreNotWritableError,
    VersionMismatchError,
)

__all__ = [
    "hold",
    "identity",
    "is_held",
    "not_writable",
    "prepare",
    "sync_folder",
    "translated",
]

_EFFECTIVE = os.access in os.supports_effective_ids


def prepare(path: Path, file: Path) -> bool:
    """Make the folder, or refuse with a sentence what cannot be one; True if the store is new."""
    try:
        _check(path, file)
        new = not file.exists() or not file.stat().st_size
        (path / "vectors").mkdir(parents=True, exist_ok=True)
        for place in (path, path / "vectors"):
            if not os.access(place, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
                raise not_writable(path, "permission denied")
        if new:
            sync_folder(path)
            sync_folder(path.parent)
    except ChromalabError:
        raise
    except (FileExistsError, NotADirectoryError) as error:
        raise _not_a_folder(path) from error
    except OSError as error:
        raise not_writable(path, error.strerror) from error
    return new


def _check(path: Path, file: Path) -> None:
    """Refuse what is no store before anything is made."""
    if path.exists() and not path.is_dir():
        raise _not_a_folder(path)
    if not file.exists() and (path / "chroma.sqlite3").exists():
        raise VersionMismatchError(
            f"'{path}' holds a store of Chroma. chromalab keeps its own format: choose another folder, "
            "then read the records with chromadb and add them here."
        )
    for part in (path / "vectors", path / "index", path / "cache", file):
        if part.is_symlink():
            raise VersionMismatchError(
                f"'{path}' is no store of chromalab: {part.name!r} in it is a link."
            )
    if file.exists() and not _starts_as_sqlite(file):
        raise InternalError(
            f"store.sqlite3 in '{path}' is damaged: it is not a database. "
            "Restore the folder from a copy."
        )


def identity(file: Path) -> tuple[int, int] | None:
    """Say which file is there, None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable; Windows cannot open folders, and does it by itself."""
    if os.name != "posix" or not os.access(folder, os.R_OK, effective_ids=_EFFECTIVE):
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def not_writable(path: Path, reason: str | None) -> StoreNotWritableError:
    """Make the error for a folder that cannot be written."""
    return StoreNotWritableError(
        f"The folder '{path}' cannot be written ({reason}). Choose a folder of your own."
    )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and of the file system into sentences."""
    try:
        yield
    except ChromalabError:
        raise
    except sqlite3.Error as error:
        raise _sentence(path, str(error)) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _full(path) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise not_writable(path, error.strerror) from error
        raise InternalError(f"The files of '{path}' cannot be used: {error}.") from error


def _sentence(path: Path, said: str) -> ChromalabError:
    if "readonly" in said or "unable to open" in said:
        return not_writable(path, "permission denied, or no room for SQLite's own files in it")
    if "locking protocol" in said:
        return InternalError(
            f"The file system of '{path}' has no file locks, which a store needs. "
            "Copy the folder to a local disk."
        )
    if "disk I/O error" in said:
        return InternalError(
            f"The disk of '{path}' failed to read or write. Free some room, or copy the folder to a "
            "local disk; client.check() says whether it is whole."
        )
    if "full" in said:
        return _full(path)
    if "malformed" in said or "not a database" in said:
        return InternalError(
            f"store.sqlite3 in '{path}' is damaged ({said}). Restore the folder from a copy."
        )
    if "closed database" in said:
        return ClientClosedError("This client was closed. Make a new one to go on.")
    return InternalError(f"SQLite failed in '{path}': {said}.")


def _full(path: Path) -> InternalError:
    return InternalError(f"The disk of '{path}' is full; nothing of this call was written.")


def _not_a_folder(path: Path) -> NotAFolderError:
    return NotAFolderError(
        f"'{path}' is a file, or lies under one; a store is a folder. Choose another path."
    )


def _starts_as_sqlite(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(16) in (b"", b"SQLite format 3\0")


def hold(handle: int) -> None:
    """Mark an open file as being written, for as long as it is open; a crash lets go of it.

    Where there are no such locks it goes unmarked. Windows needs none: open files stay.
    """
    with suppress(OSError, ImportError):
        from fcntl import LOCK_EX, LOCK_NB, flock

        flock(handle, LOCK_EX | LOCK_NB)


def is_held(file: Path) -> bool:
    """Whether somebody is writing a file that was marked with `hold`."""
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        return False
    try:
        handle = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        flock(handle, LOCK_EX | LOCK_NB)
    except OSError:  # held, or no locks here: then nobody can tell
        return True
    finally:
        os.close(handle)
    return False
