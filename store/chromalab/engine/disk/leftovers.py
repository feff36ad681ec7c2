"""Files in the folder of a store that nothing names, and when they may go.

A crash leaves them: rows of an add that was never committed, a generation that was never taken into
use, graphs of vectors that are gone. They take room and do no harm.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from chromalab.engine.disk import catalog, pending
from chromalab.engine.disk.folder import is_held
from chromalab.engine.disk.store import Store

__all__ = ["ours", "sweeping", "unnamed"]

_ID = re.compile(r"[0-9a-f-]{36}")
_STEM = r"[0-9a-f-]{36}-\d+"
_DRAFT_NAME = re.compile(rf"{_STEM}\.f32\.tmp-[0-9a-f]{{16}}")
_GRAPH_NAME = re.compile(rf"({_STEM}\.hnsw)(\.tmp-[0-9A-Za-z-]+)?")


@contextmanager
def sweeping(store: Store) -> Iterator[sqlite3.Connection]:
    """A write transaction after which files may be without a name; they are removed then.

    What a crash left behind goes under the lock: its name may be one that a collection is about to
    use. A name that is given up in the transaction is never used again, and its file stays until the
    commit.
    """
    with store.write(final=True) as connection:
        named, graphs = catalog.file_names(connection), catalog.graph_names(connection)
        _remove(unnamed(store.path, named, graphs))
        _forget_results(store.path / "cache", catalog.ids(connection))
        yield connection
        pending.forget(connection)
        named -= catalog.file_names(connection)
        graphs -= catalog.graph_names(connection)
        left = catalog.ids(connection)
    _forget_results(store.path / "cache", left)
    _remove(store.vectors / name for name in named)
    _remove(store.path / "index" / name for name in graphs)


def ours(folder: Path) -> set[Path]:
    """List the files in the folders of vectors and of graphs."""
    return {*_files(folder / "vectors"), *_files(folder / "index")}


def unnamed(folder: Path, named: set[str], graphs: set[str]) -> list[Path]:
    """List the files of ours that no collection names, and that nobody is writing.

    Args:
        folder: The folder of the store.
        named: The names of the vector files that count.
        graphs: The names of the graphs that count.
    """
    found = []
    for file in _files(folder / "vectors"):
        if _DRAFT_NAME.fullmatch(file.name):
            if not is_held(file):
                found.append(file)
        elif catalog.FILE_NAME.fullmatch(file.name) and file.name not in named:
            found.append(file)
    for file in _files(folder / "index"):
        graph = _GRAPH_NAME.fullmatch(file.name)
        if graph is not None and (not is_held(file) if graph[2] else graph[1] not in graphs):
            found.append(file)
    return found


def _files(folder: Path) -> list[Path]:
    """The plain files of a folder; none where it is a link or not there."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.is_symlink())


def _forget_results(folder: Path, known: Collection[UUID]) -> None:
    """Remove what was kept of collections that are no more."""
    if folder.is_symlink() or not folder.is_dir():
        return
    names = {str(id) for id in known}
    for kept in folder.iterdir():
        if _ID.fullmatch(kept.name) and kept.name not in names and not kept.is_symlink():
            shutil.rmtree(kept, ignore_errors=True)


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):  # a folder in its place; Windows, while it is mapped
            file.unlink(missing_ok=True)
