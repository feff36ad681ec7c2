"""The entry points `chromalab.show`, by which the store opens widgets, as in `collection.map()`.

A widget is its own entry point, so its signature and docstring are the single place of its options.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chromalab.types import Where
from chromalab_widgets.map.map import Map as map
from chromalab_widgets.panel.panel import Panel as panel
from chromalab_widgets.review.labeling_queue import LabelingQueue
from chromalab_widgets.review.review import Review
from chromalab_widgets.search_panel.search_panel import SearchPanel as search_panel
from chromalab_widgets.table.table import Table as table

__all__ = ["label", "map", "panel", "review", "search_panel", "table"]


def label(
    collection: Any,
    field: str,
    *,
    choices: Sequence[Any] | None = None,
    where: Where | None = None,
    strategy: str = "auto",
    n: int = 20,
    random_state: int = 0,
    by: str | None = None,
    show: Sequence[str] | str | None = None,
) -> Review:
    """Label records one at a time, the most informative first; see `label_queue`.

    Args:
        collection: A chromalab collection.
        field: The metadata field that labels are written to, as soon as they are given.
        choices: The possible labels; by default, any label can be typed.
        where: A metadata filter on the records to label.
        strategy: How records are chosen, as in `label_queue`.
        n: The number of labels after which the model is retrained.
        random_state: The seed of the random number generator.
        by: Who labels; by default, the user of this machine.
        show: The metadata fields to show, or "all"; by default, the most useful ones.

    Raises:
        InvalidArgumentError: An option is not valid, or there are no records to label.

    Example:
        In a notebook::

            papers.label("kind", choices=["method", "survey", "dataset"])
    """
    queue = LabelingQueue(
        collection,
        field,
        choices=choices,
        where=where,
        strategy=strategy,
        n=n,
        random_state=random_state,
        by=by,
    )
    return Review(queue, show=show)


def review(result: Any, **options: Any) -> Review:
    """Review the duplicates, clusters or outliers that an analysis found, one at a time.

    Args:
        result: `Duplicates`, `Clusters` or `Outliers` of a collection.
        options: `by`, who decides; `show`, the metadata fields to show; and for clusters and outliers
            `into`, the metadata field to write.

    Raises:
        InvalidArgumentError: The result is none of these, or the collection has changed since.

    Example:
        In a notebook::

            papers.cluster().review(into="theme")
    """
    return Review.of(result, **options)
