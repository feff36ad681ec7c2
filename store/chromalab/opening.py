"""The functions that open a store and give a client of it."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path

from chromalab.client import ClientAPI
from chromalab.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from chromalab.engine import EmbeddedEngine, Lease, Scope, lease, lease_again
from chromalab.engine.disk.store import Store

__all__ = ["Client", "EphemeralClient", "PersistentClient", "open_engine"]


def PersistentClient(
    path: str | Path = "./chroma",
    settings: Settings | None = None,
    tenant: str = DEFAULT_TENANT,
    database: str = DEFAULT_DATABASE,
    *,
    durability: str | None = None,
) -> ClientAPI:
    """Open the store in a folder; the folder is made if it is not there.

    The clients of one folder share its files and memory within a process, so a cell that runs again
    opens nothing twice. Where they ask for different durability, the strictest holds for all.

    Args:
        path: The folder.
        settings: `Settings(allow_reset=True)` and the like.
        tenant: Whose collections; made with `AdminClient.create_tenant`.
        database: In which database of the tenant.
        durability: "full": what a call wrote survives a power cut. "normal": it survives a killed
            process, and single writes are quicker. As in the settings, which say "full", unless given.

    Raises:
        NotFoundError: there is no such tenant or database.
        NotAFolderError: the path is a file.
        StoreNotWritableError: the folder cannot be written.
        VersionMismatchError: a newer chromalab, or Chroma itself, wrote what is in it.

    Example:
        >>> import chromalab, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with chromalab.PersistentClient(folder) as client:
        ...         client.count_collections()
        0
    """
    settings = settings or Settings()
    settings = replace(
        settings,
        is_persistent=True,
        persist_directory=str(path),
        durability=durability or settings.durability,
    )
    return ClientAPI(open_engine(settings), Scope(tenant, database), settings)


def EphemeralClient(
    settings: Settings | None = None,
    tenant: str = DEFAULT_TENANT,
    database: str = DEFAULT_DATABASE,
) -> ClientAPI:
    """Open a new, empty store that is gone when the client is, or Python ends.

    It is a folder for temporary files, so it may be larger than memory. Each call makes its own.

    Args:
        settings: `Settings(allow_reset=True)` and the like.
        tenant: Only the default one is in a new store.
        database: Only the default one is in a new store.

    Example:
        >>> import chromalab
        >>> chromalab.EphemeralClient().count_collections()
        0
    """
    settings = replace(settings or Settings(), is_persistent=False)
    return ClientAPI(open_engine(settings), Scope(tenant, database), settings)


def Client(
    settings: Settings | None = None,
    tenant: str = DEFAULT_TENANT,
    database: str = DEFAULT_DATABASE,
) -> ClientAPI:
    """Open what the settings say: a folder where `is_persistent`, else an ephemeral store.

    Example:
        >>> import chromalab
        >>> chromalab.Client()
        EphemeralClient(0 collections)
    """
    if settings is not None and settings.is_persistent:
        return PersistentClient(settings.persist_directory, settings, tenant, database)
    return EphemeralClient(settings, tenant, database)


def open_engine(settings: Settings) -> Lease:
    """Lease the engine that the settings name, and note its folder in them.

    Settings that come from a client lead to that client's store.
    """
    if settings.is_persistent:
        settings._folder = Path(settings.persist_directory).expanduser().absolute()
        return lease(settings._folder, settings.durability)
    found = None if settings._folder is None else lease_again(settings._folder)
    if found is not None:
        return found
    settings._folder = folder = Path(tempfile.mkdtemp(prefix="chromalab-"))
    engine = EmbeddedEngine(folder, durability="off")
    weakref.finalize(engine, _discard, engine.store, folder, os.getpid())
    return lease(folder, "off", lambda: engine)


def _discard(store: Store, folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child must not take the folder from its parent
        store.close()
        shutil.rmtree(folder, ignore_errors=True)
