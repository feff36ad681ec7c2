"""The folder of what this machine keeps for all stores: models, measured costs."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Tell chromalab's cache: `$CHROMALAB_CACHE`, else a folder in the user's cache."""
    if folder := os.environ.get("CHROMALAB_CACHE"):
        return Path(folder).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).expanduser() / "chromalab"
