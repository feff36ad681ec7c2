"""The part of `Collection` that opens widgets, which live in another package and load when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from chromalab.selection import Selectable
from chromalab.sockets import Plug
from chromalab.types import Where

if TYPE_CHECKING:
    from chromalab.client import ClientAPI
    from chromalab.collection import Collection
    from chromalab_widgets.map import Map
    from chromalab_widgets.panel import Panel
    from chromalab_widgets.review import Review
    from chromalab_widgets.searcher import Searcher
    from chromalab_widgets.table import Table

__all__ = ["Shown", "ShownStore", "review_of"]


class Shown(Selectable):
    """Each method makes one widget, which the last line of a cell shows."""

    map = Plug("chromalab.show")
    search_panel = Plug("chromalab.show")
    label = Plug("chromalab.show")
    table = Plug("chromalab.show")

    def review(
        self,
        what: Literal["duplicates", "clusters", "outliers"] = "duplicates",
        *,
        into: str | None = None,
    ) -> Any:
        """Review duplicates, clusters or outliers one at a time.

        Args:
            what: What to review: "duplicates", "clusters" or "outliers".
            into: The metadata field for the names of clusters, or the marks of outliers.
        """
        analysis = {"duplicates": "dedupe", "clusters": "cluster", "outliers": "outliers"}[what]
        options = {} if into is None else {"into": into}
        return getattr(self, analysis)().review(**options)


class ShownStore:
    """The part of a client that opens widgets over all of its collections."""

    panel = Plug("chromalab.show")


def review_of(result: Any, **options: Any) -> Review:
    """Open the review of what an analysis found."""
    from chromalab_widgets.review import Review

    return Review.of(result, **options)
