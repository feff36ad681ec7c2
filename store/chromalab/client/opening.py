"""The functions that open a store and return a client."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from chromalab.client.client import ClientAPI
from chromalab.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings, check_folder, read_settings
from chromalab.engine import EmbeddedEngine, Lease, Scope, lease, lease_again
from chromalab.engine.disk.folder import hold, is_held
from chromalab.files import expanded

__all__ = ["Client", "EphemeralClient", "PersistentClient", "open_engine"]

_PREFIX = "chromalab-"
_MARK = "in-use.lock"
"""A file in the folder of an ephemeral store that its process keeps open and locked."""
_HOUR = 3600.0  # seconds


class _Default(str):
    """A default that can be told from the same text given by the caller."""

    __slots__ = ()


_FOLDER: str = _Default("./chroma")


def PersistentClient(
    path: str | Path = _FOLDER,
    settings: Settings | None = None,
    tenant: str = DEFAULT_TENANT,
    database: str = DEFAULT_DATABASE,
    *,
    durability: str | None = None,
) -> ClientAPI:
    """Open the store in a folder; the folder is created if needed.

    The clients of one folder share its files and memory within a process, so running a cell again opens
    nothing twice. If they ask for different durability, the strictest applies to all.

    Args:
        path: The folder of the store. Without a path it is the `persist_directory` of the settings.
        settings: Settings such as `Settings(allow_reset=True)`.
        tenant: The tenant, created with `AdminClient.create_tenant`.
        database: The database of the tenant.
        durability: "full", the default of the settings: what a call wrote survives a power failure.
            "normal": it survives a killed process, and single writes are faster.

    Raises:
        NotFoundError: The tenant or database does not exist.
        NotAFolderError: The path is a file.
        StoreNotWritableError: The folder is not writable.
        VersionMismatchError: A newer chromalab, or Chroma itself, wrote the folder.

    Example:
        >>> import chromalab, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with chromalab.PersistentClient(folder) as client:
        ...         client.count_collections()
        0
    """
    if path is not _FOLDER:
        path = check_folder(path, "path")
    settings = read_settings(settings)
    settings.is_persistent = True
    settings.persist_directory = settings.persist_directory if path is _FOLDER else str(path)
    settings.durability = durability or settings.durability
    return ClientAPI(open_engine(settings), Scope(tenant, database), settings)


def EphemeralClient(
    settings: Settings | None = None,
    tenant: str = DEFAULT_TENANT,
    database: str = DEFAULT_DATABASE,
) -> ClientAPI:
    """Open a new, empty store that is deleted with the client or when Python exits.

    It is kept in a temporary folder, so it may be larger than memory. Each call creates a new one, unless
    it gets the settings of a client that is open: those are clients of one store.

    Args:
        settings: Settings such as `Settings(allow_reset=True)`, or `client.get_settings()`.
        tenant: The tenant; a new store has only the default one.
        database: The database; a new store has only the default one.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> _ = client.create_collection("notes")
        >>> chromalab.EphemeralClient(client.get_settings()).count_collections()
        1
    """
    settings = read_settings(settings)
    if settings.is_persistent:
        settings.is_persistent, settings._folder = False, None
    return ClientAPI(open_engine(settings), Scope(tenant, database), settings)


def Client(
    settings: Settings | None = None,
    tenant: str = DEFAULT_TENANT,
    database: str = DEFAULT_DATABASE,
) -> ClientAPI:
    """Open a folder if the settings have `is_persistent`, and an ephemeral store otherwise.

    Example:
        >>> import chromalab
        >>> chromalab.Client()
        EphemeralClient(0 collections)
    """
    settings = read_settings(settings)
    if settings.is_persistent:
        return PersistentClient(settings.persist_directory, settings, tenant, database)
    return EphemeralClient(settings, tenant, database)


def open_engine(settings: Settings) -> Lease:
    """Lease the engine that the settings describe, and record its folder in them.

    Settings that come from a client open that client's store.
    """
    if settings.is_persistent:
        named = check_folder(settings.persist_directory, "persist_directory")
        settings._folder = expanded(named).absolute()
        return lease(settings._folder, settings.durability)
    found = None if settings._folder is None else lease_again(settings._folder)
    if found is not None:
        return found
    _sweep()
    settings._folder = folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    mark = (folder / _MARK).open("wb")
    hold(mark.fileno())
    engine = EmbeddedEngine(folder, durability="off")
    weakref.finalize(engine, _discard, engine.closing(), mark, os.getpid())
    return lease(folder, "off", lambda: engine)


def _discard(close: Callable[[], None], mark: BinaryIO, owner: int) -> None:
    if os.getpid() == owner:  # a forked child must not delete the folder of its parent
        close()
        mark.close()
        shutil.rmtree(Path(mark.name).parent, ignore_errors=True)


@functools.cache
def _sweep() -> None:
    """Delete, once per process, the ephemeral stores of processes that were killed.

    A mark that is younger than an hour is left alone, as its process may not have locked it yet.
    """
    for mark in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_MARK}"):
        with suppress(OSError):
            found = mark.lstat()
            mine = found.st_uid == getattr(os, "geteuid", int)() and not mark.parent.is_symlink()
            if mine and time.time() - found.st_mtime > _HOUR and not is_held(mark):
                mark.unlink()  # Windows, which has no such locks, refuses while a process has it open
                shutil.rmtree(mark.parent, ignore_errors=True)
