"""The packages that make maps, and the cache of what numba compiles for them."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from chromalab.cache import cache_folder
from chromalab.errors import MissingDependencyError

__all__ = ["compile_cache_folder", "compile_cached", "import_optional", "use_compile_cache"]

_DISTRIBUTIONS = {"umap": "umap-learn", "pacmap": "pacmap", "openTSNE": "openTSNE"}
_COMPILED = ("numba", "umap-learn", "pynndescent", "pacmap")


def import_optional(module: str) -> ModuleType:
    """Import a module of an optional package; what numba compiles for it is cached.

    Raises:
        MissingDependencyError: The package is not installed.

    Example:
        >>> import_optional("json.decoder").__name__
        'json.decoder'
    """
    package = module.partition(".")[0]
    use_compile_cache()
    try:
        return import_module(module)
    except ImportError as error:
        name = _DISTRIBUTIONS.get(package, package)
        raise MissingDependencyError(
            f'This map needs {name} ({error}). Run pip install {name}. method="pca" needs no other package.'
        ) from error


def compile_cached(kernel: Any) -> Any:
    """Compile a function with numba, and cache it on disk if possible."""
    import numba

    try:
        return numba.njit(kernel, fastmath=True, cache=True)
    except RuntimeError:  # there is no folder to cache it in
        return numba.njit(kernel, fastmath=True)


def use_compile_cache() -> None:
    """Make numba cache what it compiles in chromalab's folder; without effect once numba is imported."""
    if "numba" in sys.modules or os.environ.get("NUMBA_CACHE_DIR"):
        return
    folder = compile_cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # numba then compiles in every process
        return
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def compile_cache_folder() -> Path:
    """Return the cache folder, which is named after the versions of the packages."""
    versions = [f"py{platform.python_version()}"]
    for name in _COMPILED:
        try:
            versions.append(f"{name}{version(name)}")
        except PackageNotFoundError:
            continue
    return cache_folder() / "-".join(["numba", *versions])
