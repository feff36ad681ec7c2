"""What the store opens widgets by: the entry points of `chromalab.show`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chromalab_widgets.map import Map as map
from chromalab_widgets.panel import Panel as panel
from chromalab_widgets.queues import LabelsQueue
from chromalab_widgets.review import Review
from chromalab_widgets.searcher import Searcher as search_panel
from chromalab_widgets.table import Table as table

__all__ = ["label", "map", "panel", "review", "search_panel", "table"]


def label(
    collection: Any,
    field: str,
    *,
    choices: Sequence[Any] | None = None,
    where: Any = None,
    strategy: str = "auto",
    n: int = 20,
    random_state: int = 0,
    by: str | None = None,
) -> Review:
    """Label records one at a time, in the order in which they teach a model most."""
    queue = LabelsQueue(
        collection,
        field,
        choices=choices,
        where=where,
        strategy=strategy,
        n=n,
        random_state=random_state,
        by=by,
    )
    return Review(queue)


def review(result: Any, **options: Any) -> Review:
    """Open the review of what an analysis found."""
    return Review.of(result, **options)
