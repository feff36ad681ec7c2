"""Files in the folder of a store that nothing refers to, and when they are removed.

A crash leaves them behind: rows of an add that was never committed, a generation that was never
put into use, indexes of deleted records. They take up space and are harmless.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from chromalab.engine.disk import catalog
from chromalab.engine.disk.connection import Connection
from chromalab.engine.disk.folder import is_held
from chromalab.engine.disk.store import Store
from chromalab.engine.disk.vectors import forget_pending

__all__ = ["index_files", "store_files", "sweeping", "unnamed"]

_ID = re.compile(r"[0-9a-f-]{36}")
_STEM = r"[0-9a-f-]{36}-\d+"
_DRAFT_NAME = re.compile(rf"{_STEM}\.f32\.tmp-[0-9a-f]{{16}}")
_INDEX_NAME = re.compile(rf"({_STEM})(?:\.hnsw|-[0-9a-f]{{16}}\.terms)(\.tmp-[0-9A-Za-z-]+)?")


@contextmanager
def sweeping(store: Store) -> Iterator[Connection]:
    """A write transaction that may give up files, which are removed after the commit.

    Leftovers of a crash are removed at the start, under the lock, because a collection may be about
    to use one of their names. A name that is given up in the transaction is never used again, and its
    file stays until the commit.
    """
    with store.write(final=True) as connection:
        named, stems = catalog.file_names(connection), catalog.index_stems(connection)
        _remove(unnamed(store.path, named, stems))
        _forget_results(store.path / "cache", catalog.ids(connection))
        yield connection
        forget_pending(connection)
        named -= catalog.file_names(connection)
        stems -= catalog.index_stems(connection)
        left = catalog.ids(connection)
    _forget_results(store.path / "cache", left)
    _remove(store.vectors / name for name in named)
    _remove(index_files(store.path, stems))


def store_files(folder: Path) -> set[Path]:
    """List the files in the folders of vectors and indexes."""
    return {*_files(folder / "vectors"), *_files(folder / "index")}


def index_files(folder: Path, stems: set[str]) -> list[Path]:
    """List what has the name of an index file that begins with one of the stems, except drafts.

    Args:
        folder: The folder of the store.
        stems: How the names of the files of a collection begin.
    """
    index = folder / "index"
    if index.is_symlink() or not index.is_dir():
        return []
    names = {file: _INDEX_NAME.fullmatch(file.name) for file in sorted(index.iterdir())}
    return [file for file, name in names.items() if name and name[1] in stems and not name[2]]


def unnamed(folder: Path, named: set[str], stems: set[str]) -> list[Path]:
    """List the store's files that no collection refers to and no process is writing.

    Args:
        folder: The folder of the store.
        named: The names of the vector files in use.
        stems: How the names of the index files in use begin.
    """
    found = []
    for file in _files(folder / "vectors"):
        if _DRAFT_NAME.fullmatch(file.name):
            if not is_held(file):
                found.append(file)
        elif catalog.FILE_NAME.fullmatch(file.name) and file.name not in named:
            found.append(file)
    for file in _files(folder / "index"):
        name = _INDEX_NAME.fullmatch(file.name)
        if name is not None and (not is_held(file) if name[2] else name[1] not in stems):
            found.append(file)
    return found


def _files(folder: Path) -> list[Path]:
    """The regular files of a folder; none if it is a symbolic link or does not exist."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.is_symlink())


def _forget_results(folder: Path, known: Collection[UUID]) -> None:
    """Remove the cached results of deleted collections."""
    if folder.is_symlink() or not folder.is_dir():
        return
    names = {str(id) for id in known}
    for cached in folder.iterdir():
        if _ID.fullmatch(cached.name) and cached.name not in names and not cached.is_symlink():
            shutil.rmtree(cached, ignore_errors=True)


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):  # a folder has its name, or Windows has it mapped
            file.unlink(missing_ok=True)
