"""Run a layout step by step: frames to look at meanwhile, a bar, and an end at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import notice
from chromalab.progress import bar

__all__ = ["OnFrame", "Optimized", "optimize"]

OnFrame = Callable[[NDArray[np.float32], int, int], object]
"""Takes (n, dims) coordinates, how many epochs are done, and of how many."""

_FRAMES = 20  # of a whole run

Optimized = tuple[NDArray[np.float32], int, bool]
"""The coordinates, how many epochs were run, whether it was interrupted."""


def optimize(
    steps: Iterator[NDArray[np.float32]],
    start: NDArray[np.float32],
    total: int,
    *,
    what: str,
    progress: bool,
    frame: Callable[[NDArray[np.float32], int], None] | None,
) -> Optimized:
    """Take all steps; a KeyboardInterrupt ends it with what there is.

    Args:
        steps: Gives the coordinates after each step.
        start: What there is before the first.
        total: How many steps are expected.
        what: Stands before the bar.
        progress: Whether to show it.
        frame: Shows coordinates, with how many steps were taken.
    """
    at, done = start, 0
    every = max(1, total // _FRAMES)
    try:
        with bar(what, "epoch", progress) as tell:
            for at in steps:
                done += 1
                tell(done, total)
                if frame is not None and done % every == 0 and done < total:
                    frame(at, done)
    except KeyboardInterrupt:
        notice(
            f"Interrupted after {done:,} of {total:,} epochs: this is the map as it was then. "
            f"Run it again for the whole, or with epochs={max(done, 1)} for a map this quick."
        )
        return np.array(at, dtype=np.float32), done, True
    return np.array(at, dtype=np.float32), done, False
