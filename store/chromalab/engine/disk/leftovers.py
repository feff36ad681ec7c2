"""Files in the folder of a store that nothing names, and when they may go.

A crash leaves them: rows of an add that was never committed, a generation that was never taken into
use, graphs of vectors that are gone. They take room and do no harm.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chromalab.engine.disk import catalog, pending
from chromalab.engine.disk.store import Store

__all__ = ["hold", "ours", "sweeping", "unnamed"]

_STEM = r"[0-9a-f-]{36}-\d+"
_DRAFT_NAME = re.compile(rf"{_STEM}\.f32\.tmp-[0-9a-f]{{16}}")
_GRAPH_NAME = re.compile(rf"({_STEM})\.hnsw(\.tmp-[0-9A-Za-z-]+)?")


@contextmanager
def sweeping(store: Store) -> Iterator[sqlite3.Connection]:
    """A write transaction after which files may be without a name; they are removed then.

    What a crash left behind goes under the lock: its name may be one that a collection is about to
    use. A name that is given up in the transaction is never used again, and its file stays until the
    commit.
    """
    with store.write(final=True) as connection:
        named = catalog.file_names(connection)
        _remove(unnamed(store.path, named))
        yield connection
        pending.forget(connection)
        given_up = named - catalog.file_names(connection)
    _remove(store.vectors / name for name in given_up)
    _remove((store.path / "index" / name).with_suffix(".hnsw") for name in given_up)


def ours(folder: Path) -> set[Path]:
    """List the files in the folders of vectors and of graphs."""
    return {*_files(folder / "vectors"), *_files(folder / "index")}


def unnamed(folder: Path, named: set[str]) -> list[Path]:
    """List the files of ours that no collection names, and that nobody is writing.

    Args:
        folder: The folder of the store.
        named: The names of the vector files that count.
    """
    stems = {Path(name).stem for name in named}
    found = []
    for file in _files(folder / "vectors"):
        if _DRAFT_NAME.fullmatch(file.name):
            if not _is_held(file):
                found.append(file)
        elif catalog.FILE_NAME.fullmatch(file.name) and file.name not in named:
            found.append(file)
    for file in _files(folder / "index"):
        graph = _GRAPH_NAME.fullmatch(file.name)
        if graph is not None and graph[1] not in stems:
            found.append(file)
    return found


def hold(handle: int) -> None:
    """Mark an open file as being written, for as long as it is open; a crash lets go of it.

    Where there are no such locks it goes unmarked. Windows needs none: open files stay.
    """
    with suppress(OSError, ImportError):
        from fcntl import LOCK_EX, LOCK_NB, flock

        flock(handle, LOCK_EX | LOCK_NB)


def _is_held(file: Path) -> bool:
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


def _files(folder: Path) -> list[Path]:
    """The plain files of a folder; none where it is a link or not there."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.is_symlink())


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(PermissionError):  # Windows, while it is mapped: goes with the next
            file.unlink(missing_ok=True)
