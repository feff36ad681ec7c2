"""A progress bar over long work that the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chromalab.embed import shows_progress
from chromalab.engine.values import Progress
from chromalab.errors import printable
from chromalab.progress_bar import progress_bar

__all__ = ["bar"]


@contextmanager
def bar(what: str, unit: str, progress: bool) -> Iterator[Progress]:
    """Show a progress bar while the body runs, after a second.

    Embedding functions show no bar of their own in the meantime.

    Args:
        what: The text in front of the bar.
        unit: What is counted.
        progress: Whether to show the bar.

    Yields:
        A function that takes the number of units done and the total.
    """
    options = {"unit": unit, "delay": 1, "leave": False, "disable": not progress}
    with progress_bar(desc=printable(what), **options) as shown:
        quiet = shows_progress.set(False)

        def on_progress(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        try:
            yield on_progress
            shown.total = shown.n  # work that ends early would leave a red bar in a notebook
        finally:
            shows_progress.reset(quiet)
