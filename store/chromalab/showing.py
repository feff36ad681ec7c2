"""The part of `Collection` that opens widgets, which live in another package and load when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from chromalab.description import Described
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


class Shown(Described):
    """Each method makes one widget, which the last line of a cell shows."""

    def map(self, projection: Any = None, **options: Any) -> Map:
        """Show the records as points of a map; see `chromalab_widgets.Map`.

        Args:
            projection: What `project` returned, a method's name such as "umap", or (n, 2) numbers; the
                projection that is made by default where nothing is given.
            options: `color`, `labels`, `text` and the others of `Map`.

        Example:
            In a notebook::

                map = papers.map(color="year", labels=papers.cluster().topics(), text="abstract")
                map                        # the last line of a cell shows it
                papers.selection.ids       # what was lassoed in it
        """
        from chromalab_widgets.map import Map

        return Map(self, projection, **options)

    def searcher(
        self, *, n_results: int = 10, where: Where | None = None, by: str | None = None
    ) -> Searcher:
        """Show a search panel: ask, read the nearest records, say which of them are answers.

        Args:
            n_results: How many records a search shows.
            where: A filter on metadata that every search keeps to.
            by: Who judges; the user of this machine, unless said.

        Example:
            In a notebook::

                searcher = papers.searcher(n_results=5)
                searcher                   # the last line of a cell shows it
                papers.feedback            # what was judged in it
        """
        from chromalab_widgets.searcher import Searcher

        return Searcher(cast("Collection", self), n_results=n_results, where=where, by=by)

    def label(
        self,
        field: str,
        *,
        choices: Sequence[Any] | None = None,
        where: Where | None = None,
        strategy: str = "auto",
        n: int = 20,
        random_state: int = 0,
        by: str | None = None,
    ) -> Review:
        """Label records one at a time, those first that teach most; see `label_queue`.

        Args:
            field: The metadata key that labels are written to, the moment they are given.
            choices: What labels there may be; any, where it is left out.
            where: Only the records that match.
            strategy: How records are chosen.
            n: After how many labels the model learns anew.
            random_state: The seed.
            by: Who labels; the user of this machine, unless said.

        Example:
            In a notebook::

                papers.label("kind", choices=["method", "survey", "dataset"])
        """
        from chromalab_widgets.queues import LabelsQueue
        from chromalab_widgets.review import Review

        queue = LabelsQueue(
            self,
            field,
            choices=choices,
            where=where,
            strategy=strategy,
            n=n,
            random_state=random_state,
            by=by,
        )
        return Review(queue)

    def table(self, where: Where | None = None, **options: Any) -> Table:
        """Show the records as rows, however many: sort, filter, edit and delete them.

        Args:
            where: A filter on metadata to begin with; the columns change it.
            options: `contains`, `order_by`, `columns`, `height`: see `chromalab_widgets.Table`.

        Example:
            In a notebook::

                table = papers.table(where={"year": {"$gte": 2020}}, order_by="-year")
                table                      # the last line of a cell shows it
                table.where                # what the columns were filtered by since
                table.df()                 # the rows, as they are listed
        """
        from chromalab_widgets.table import Table

        return Table(cast("Collection", self), where=where, **options)


class ShownStore:
    """The part of a client that opens widgets over all of its collections."""

    def panel(self) -> Panel:
        """Show the collections: counts, models, index; from each, its map, search or table.

        Example:
            In a notebook::

                panel = client.panel()
                panel                      # the last line of a cell shows it
                panel.opened               # the widget that was opened in it
        """
        from chromalab_widgets.panel import Panel

        return Panel(cast("ClientAPI", self))


def review_of(result: Any, **options: Any) -> Review:
    """Open the review of what an analysis found."""
    from chromalab_widgets.review import Review

    return Review.of(result, **options)
