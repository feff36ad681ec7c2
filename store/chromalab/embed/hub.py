"""Model files from the Hugging Face hub: its cache on this machine, and the hub itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from chromalab.embed.catalogue import Model, ModelFile
from chromalab.embed.files import SourceError
from chromalab.embed.places import Finds, Found, files_in

__all__ = ["from_hub", "from_hub_cache"]

_TIMEOUT = 10.0  # seconds without an answer


def from_hub_cache(model: Model, wanted: Sequence[ModelFile], progress: bool) -> Finds:
    """Give the files that `huggingface_hub` has fetched before, whichever revision."""
    repo = _cache_folder() / f"models--{model.hub_repo.replace('/', '--')}"
    yield from files_in(sorted(repo.glob("snapshots/*")), wanted)


def from_hub(model: Model, wanted: Sequence[ModelFile], progress: bool) -> Finds:
    """Download the files from `$HF_ENDPOINT`, unless `HF_HUB_OFFLINE` is set."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise SourceError("HF_HUB_OFFLINE is set")
    endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    if not endpoint.startswith(("https://", "http://")):
        raise SourceError("HF_ENDPOINT is not an http address")
    if "@" in endpoint:
        raise SourceError("HF_ENDPOINT holds a user name or password: give the address alone")
    import urllib.request
    from http.client import InvalidURL

    for file in wanted:
        url = f"{endpoint}/{model.hub_repo}/resolve/main/{file.name}"
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "chromalab"})
            answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
        except (InvalidURL, ValueError):  # their texts repeat the address
            raise SourceError("HF_ENDPOINT is not an http address") from None
        with answer:
            title = f"{model.name}: {file.name}" if progress else None
            yield Found(file=file, where="the hub", stream=answer, progress=title)


def _cache_folder() -> Path:
    """Follow huggingface_hub's own order of variables."""
    env = os.environ
    if folder := env.get("HF_HUB_CACHE"):
        return Path(folder).expanduser()
    if home := env.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache = env.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).expanduser() / "huggingface" / "hub"
