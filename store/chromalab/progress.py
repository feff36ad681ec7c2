"""A bar over long work that the engine does: it appears after a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chromalab.embed import shows_progress
from chromalab.engine.values import Progress
from chromalab.errors import printable

__all__ = ["bar"]


@contextmanager
def bar(what: str, unit: str, progress: bool) -> Iterator[Progress]:
    """Show a bar while the body runs; embedding functions show none of their own meanwhile.

    Args:
        what: Stands before the bar.
        unit: What is counted.
        progress: Whether to show it.

    Yields:
        A function that takes how much is done, and of how much.
    """
    from tqdm.auto import tqdm

    with tqdm(desc=printable(what), unit=unit, delay=1, leave=False, disable=not progress) as shown:
        quiet = shows_progress.set(False)

        def tell(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        try:
            yield tell
            shown.total = shown.n  # what ends early is done; a notebook would leave a red bar
        finally:
            shows_progress.reset(quiet)
