"""Background compilation of the packages that make maps, in a process of its own."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from chromalab.analytics.project.packages import compile_cache_folder, use_compile_cache

__all__ = ["warm"]

_PACKAGES = ("umap", "pacmap")
_running: dict[Path, subprocess.Popen[bytes]] = {}


def warm(packages: tuple[str, ...] = ("umap",)) -> bool:
    """Compile packages in the background, so that the first map that needs them starts at once.

    Compilation takes about twenty seconds, once per set of versions; later calls find it done. It runs at
    low priority, and ends with this process.

    Args:
        packages: "umap", "pacmap" or both; packages that are not installed are skipped.

    Returns:
        Whether a process was started.

    Example:
        >>> warm(())
        False
    """
    try:
        cold = [p for p in packages if p in _PACKAGES and _is_cold(p)]
        if not cold or not sys.executable:
            return False
        use_compile_cache()  # the process shares the folder with this one
        folder = _folder()
        if folder in _running and _running[folder].poll() is None:
            return False
        folder.mkdir(parents=True, exist_ok=True)
        source = str(Path(__file__).parents[3])
        paths = [source, *(p for p in sys.path if os.path.isabs(p) and p != source)]
        process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import _compile; _compile({cold!r})"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,  # never the user's folder, which may contain a numba.py
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "NUMBA_CACHE_DIR": str(folder),
            },
        )
    except (OSError, ValueError):  # a convenience only: without it, the first map takes longer
        return False
    _running[folder] = process
    atexit.register(_stop, process)
    return True


def _folder() -> Path:
    return Path(os.environ.get("NUMBA_CACHE_DIR") or compile_cache_folder())


def _is_cold(package: str) -> bool:
    return find_spec(package) is not None and not (_folder() / f"{package}.compiled").exists()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


def _compile(packages: list[str]) -> None:
    """Make a tiny map with each package; this runs in the background process."""
    if hasattr(os, "nice"):
        os.nice(19)
    for package in packages:
        _make_map(package)
        (_folder() / f"{package}.compiled").touch()


def _make_map(package: str) -> None:
    """Run every compiled step once, with the types of real data."""
    ring = np.arange(40, dtype=np.int32)
    neighbors = np.stack([(ring + step) % 40 for step in (1, 2, 3)], axis=1).astype(np.int32)
    distances = np.tile(np.array([0.1, 0.2, 0.3], dtype=np.float32), (40, 1))
    start = np.random.RandomState(0).uniform(size=(40, 2)).astype(np.float32)
    if package == "umap":
        from chromalab.analytics.project.affinities import fuzzy_graph
        from chromalab.analytics.project.layouts import umap_epochs

        weights = fuzzy_graph(neighbors, distances)
        list(umap_epochs(weights, start, epochs=1, min_dist=0.1, random_state=0))
    else:
        from chromalab.analytics.project.layouts import pacmap_epochs

        list(pacmap_epochs(start, neighbors, distances, start, near=3, epochs=1, random_state=0))
