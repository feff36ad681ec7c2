"""The cache folder that all stores on this machine share: models and measured query costs."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return the cache folder: `$CHROMALAB_CACHE`, or by default a folder in the user's cache."""
    if folder := os.environ.get("CHROMALAB_CACHE"):
        return Path(folder).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).expanduser() / "chromalab"
