"""Model files that lie on this machine already: Chroma's cache and installed packages."""

from __future__ import annotations

import importlib.metadata
import tarfile
import zipfile
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from chromalab.embed.catalogue import Archive, Model, ModelFile
from chromalab.embed.files import ByteStream, SourceError, digest, place

__all__ = [
    "Finds",
    "Found",
    "extract_archive",
    "files_in",
    "files_in_zip",
    "from_chroma_cache",
    "from_installed",
]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A stream that may be a wanted file; its content is not checked yet.

    Args:
        file: The file it may be.
        where: The place, for a message.
        stream: Open until the next one is asked for.
        progress: Title of a bar over its bytes, for what is slow.
    """

    file: ModelFile
    where: str
    stream: ByteStream
    progress: str | None = None


Finds: TypeAlias = Generator[Found, None, None]
"""What a source gives, one open stream at a time."""


def files_in(folders: Iterable[Path], wanted: Sequence[ModelFile]) -> Finds:
    """Give the files of the wanted names that lie in some folders."""
    for folder in folders:
        for file in wanted:
            path = folder / file.name
            if path.is_file():
                with path.open("rb") as stream:
                    yield Found(file=file, where=str(folder), stream=stream)


def files_in_zip(path: Path, wanted: Sequence[ModelFile]) -> Finds:
    """Give the members of the wanted names, in whatever folder of the zip they are."""
    names = {file.name: file for file in wanted}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if file := names.get(PurePosixPath(member.filename).name):
                try:
                    stream = archive.open(member)
                except RuntimeError as error:  # encrypted, or packed in a way unknown to Python
                    raise SourceError(f"{path.name} cannot be unpacked: {error}") from error
                with stream:
                    yield Found(file=file, where=path.name, stream=stream)


def from_chroma_cache(model: Model, wanted: Sequence[ModelFile], progress: bool) -> Finds:
    """Give the files that lie loose in Chroma's cache folder of the model."""
    if model.archive is None:
        raise SourceError("Chroma does not use this model")
    yield from files_in([Path.home() / model.archive.folder], wanted)


def extract_archive(archive: Archive, folder: Path) -> None:
    """Take a model out of Chroma's archive, if it lies in Chroma's cache with the right hash.

    Only regular members of the known names are read, and their names are never used as paths.

    Args:
        archive: Which, and which members.
        folder: Where the members are placed.

    Raises:
        SourceError: There is no such archive, its hash differs, or a member is missing.
    """
    path = Path.home() / archive.folder / archive.name
    if not path.is_file():
        raise SourceError(f"no {archive.name}")
    if digest(path) != archive.sha256:
        raise SourceError(f"{archive.name} has another sha256")
    wanted = dict(archive.members)
    with tarfile.open(path, "r:gz") as tar:
        for member in tar:
            name = wanted.get(member.name.removeprefix("./"))
            stream = tar.extractfile(member) if name and member.isreg() else None
            if name and stream:
                place(stream, folder / name, size=member.size)
                del wanted[member.name.removeprefix("./")]
    if wanted:
        raise SourceError(f"{archive.name} lacks {', '.join(wanted)}")


def from_installed(model: Model, wanted: Sequence[ModelFile], progress: bool) -> Finds:
    """Give the files in packages that are installed here, without importing any of them."""
    names = {file.name for file in wanted}
    for package in model.distributions:
        try:
            distribution = importlib.metadata.distribution(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        for entry in distribution.files or ():
            path = Path(str(distribution.locate_file(entry)))
            if entry.suffix == ".zip" and path.is_file():
                yield from files_in_zip(path, wanted)
            elif entry.name in names:
                yield from files_in([path.parent], [f for f in wanted if f.name == entry.name])
