"""`SelectingWidget`: a widget that shows the selection of its collection, and changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from chromalab.selection import Selection
from chromalab_widgets.base import Widget

__all__ = ["SelectingWidget", "selection_of"]


def selection_of(data: Any) -> Selection:
    """Return the selection that all widgets over a collection share; of an array, a new one."""
    found = getattr(data, "selection", None)
    return found if isinstance(found, Selection) else Selection(data)


class SelectingWidget(Widget):
    """A widget over a collection whose selection it mirrors, both ways.

    A subclass draws in `_selection_changed`, and selects by `_select(ids)`.

    Attributes:
        selection: The one of the collection.
        selected_ids: Its ids as a trait, for `traitlets.link((a, "selected_ids"), (b, "selected_ids"))`
            of widgets over two collections; setting it selects.
    """

    # Not synced: a browser has rows, not ids. Nor a trait of texts, as each of a million would be checked.
    selected_ids = traitlets.Tuple(help="The ids that are selected; may be set, and linked.")

    def __init__(self, collection: Any, **traits: Any) -> None:
        self.selection = selection_of(collection)
        super().__init__(**traits)
        self.set_trait("selected_ids", tuple(self.selection))
        self._end_watch = self.selection.watch(self._on_selection)
        self.observe(self._on_selected_ids, "selected_ids")

    def close(self) -> None:
        """Take the widget away; the selection stays."""
        if hasattr(self, "_end_watch"):  # a widget that could not be made is closed, too
            self._end_watch()
        super().close()

    def _select(self, ids: Sequence[str], *, where: Any = None) -> None:
        """Select ids that are known to be in the collection, for all widgets over it."""
        self.selection.put(ids, where=where)

    def _selection_changed(self) -> None:
        """Draw the selection, which somebody changed; perhaps this widget itself."""

    def _on_selection(self, selection: Selection) -> None:
        self.selected_ids = tuple(selection)
        self._selection_changed()

    def _on_selected_ids(self, change: Any) -> None:
        if change["new"] == tuple(self.selection):
            return
        try:
            self.selection.set(change["new"])
        except BaseException:
            self.selected_ids = tuple(self.selection)  # what is selected still
            raise
