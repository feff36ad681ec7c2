"""`SelectingWidget`: a widget that shows and changes the selection of its collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from chromalab.selection import Selection
from chromalab_widgets.core.widget import Widget

__all__ = ["SelectingWidget", "selection_for"]


def selection_for(data: Any) -> Selection:
    """Return the selection that all widgets over a collection share; an array gets a new one."""
    found = getattr(data, "selection", None)
    return found if isinstance(found, Selection) else Selection(data)


class SelectingWidget(Widget):
    """A widget that mirrors the selection of its collection in both directions.

    A subclass draws in `_selection_changed` and selects with `_select(ids)`.

    Attributes:
        selection: The selection of the collection.
        selected_ids: The selected ids as a trait, for
            `traitlets.link((a, "selected_ids"), (b, "selected_ids"))` between widgets over two
            collections. Setting it selects the ids.
    """

    # Not synced, because the browser works with rows, not ids. A trait of strings would validate each
    # of a million ids.
    selected_ids = traitlets.Tuple(help="The selected ids; can be set and linked.")

    # marimo runs the cells that depend on a widget again when the browser sets a trait, and only then. So
    # the browser returns each number that it receives.
    selection_changes = traitlets.Int(help="How often the selection has changed.").tag(sync=True)
    selection_seen = traitlets.Int(help="The changes that the browser knows.").tag(sync=True)
    writable = frozenset({"selection_seen"})

    def __init__(self, collection: Any, **traits: Any) -> None:
        self.selection = selection_for(collection)
        super().__init__(**traits)
        self.set_trait("selected_ids", tuple(self.selection))
        self._end_watch = self.selection.watch(self._on_selection)
        self.observe(self._on_selected_ids, "selected_ids")

    def close(self) -> None:
        """Remove the widget; the selection remains."""
        if hasattr(self, "_end_watch"):  # a widget whose constructor failed is closed, too
            self._end_watch()
        super().close()

    def _select(self, ids: Sequence[str], *, where: Any = None) -> None:
        """Select ids that are known to be in the collection, in all widgets over it."""
        self.selection.put(ids, where=where)

    def _selection_changed(self) -> None:
        """Draw the selection, which has changed, possibly because of this widget itself."""

    def _on_selection(self, selection: Selection) -> None:
        self.selected_ids = tuple(selection)
        self._selection_changed()
        self.selection_changes += 1

    def _on_selected_ids(self, change: Any) -> None:
        if change["new"] == tuple(self.selection):
            return
        try:
            self.selection.set(change["new"])
        except BaseException:
            self.selected_ids = tuple(self.selection)  # the selection has not changed
            raise
