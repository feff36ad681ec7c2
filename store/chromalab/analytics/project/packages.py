"""The packages that draw maps: they are optional, and compile; what they compile is kept."""

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

__all__ = ["compile_cache_folder", "compile_cached", "use_compile_cache", "optional"]

_INSTALLED_AS = {"umap": "umap-learn", "pacmap": "pacmap", "openTSNE": "openTSNE"}
_STEPS_IN = ("numba", "umap-learn", "pynndescent", "pacmap")


def optional(module: str) -> ModuleType:
    """Import a module of an optional package; what numba compiles for it is kept.

    Raises:
        MissingDependencyError: the package is not installed.

    Example:
        >>> optional("json.decoder").__name__
        'json.decoder'
    """
    package = module.partition(".")[0]
    use_compile_cache()
    try:
        return import_module(module)
    except ImportError as error:
        name = _INSTALLED_AS.get(package, package)
        raise MissingDependencyError(
            f'This map needs {name}: pip install "chromalab[maps]". '
            'method="pca" needs nothing more.'
        ) from error


def compile_cached(kernel: Any) -> Any:
    """Compile a function by numba and keep it on disk, where there is room for it."""
    import numba

    try:
        return numba.njit(kernel, fastmath=True, cache=True)
    except RuntimeError:  # no folder to keep it in
        return numba.njit(kernel, fastmath=True)


def use_compile_cache() -> None:
    """Let numba keep what it compiles in our cache; too late, and no harm, once it is imported."""
    if "numba" in sys.modules or os.environ.get("NUMBA_CACHE_DIR"):
        return
    folder = compile_cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # then it is compiled each time
        return
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def compile_cache_folder() -> Path:
    """Name the folder of what is compiled, by the versions it was compiled of."""
    found = [f"py{platform.python_version()}"]
    for name in _STEPS_IN:
        try:
            found.append(f"{name}{version(name)}")
        except PackageNotFoundError:
            continue
    return cache_folder() / "-".join(["numba", *found])
