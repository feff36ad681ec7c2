"""`Panel`: the collections of a store, and from each the widgets over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

import ipywidgets
import traitlets

from chromalab import ClientAPI, Collection
from chromalab.display import html_table
from chromalab.errors import ChromalabError
from chromalab_widgets.base import Verb, Widget, sentence
from chromalab_widgets.bundles import bundle
from chromalab_widgets.fields import choice, text
from chromalab_widgets.following import after_cells

__all__ = ["Panel"]

_COLUMNS = ("name", "records", "dimension", "model", "space", "indexed", "version")
_WIDGETS = ("map", "searcher", "table")


class Panel(Widget):
    """Show the collections of a store; open a map, a search or a table of one below them.

    It looks anew after each cell of the notebook, and when it is asked to.

    Attributes:
        client: Whose collections.
        opened: The widget that is shown below, or None.

    Args:
        client: A client.

    Example:
        In a notebook::

            panel = client.panel()
            panel                             # the last line of a cell shows it
            panel.show("papers", "table")     # as its buttons do
            panel.opened.where                # what was filtered in it
    """

    _esm = bundle("panel.js")
    _css = bundle("panel.css")

    verbs: ClassVar = {
        "open": Verb("show", name=text(600), widget=choice(*_WIDGETS)),
        "shut": Verb("shut"),
        "refresh": Verb("refresh"),
    }

    place = traitlets.Unicode(help="The tenant and the database.").tag(sync=True)
    collections = traitlets.List(traitlets.Dict(), help="One a collection.").tag(sync=True)
    opened = traitlets.Any(help="The widget below.").tag(
        sync=True, **ipywidgets.widget_serialization
    )
    opened_name = traitlets.Unicode(help="Of which collection.").tag(sync=True)
    opened_kind = traitlets.Unicode(help="map, searcher or table.").tag(sync=True)
    status = traitlets.Unicode(help="One line about the store.").tag(sync=True)

    def __init__(self, client: ClientAPI) -> None:
        self.client = client
        self._made: dict[tuple[UUID, str], Any] = {}
        self._end_following: Callable[[], None] = lambda: None
        super().__init__(place=f"{client.tenant} / {client.database}")
        self.refresh()
        self._end_following = after_cells(self._after_cell)

    def close(self) -> None:
        """Take the panel away; the widgets that it opened stay."""
        self._end_following()
        super().close()

    def show(self, name: str, widget: str = "table") -> Any:
        """Show a widget over a collection below; one that was open before is shown again as it was.

        Args:
            name: Of the collection.
            widget: "map", "searcher" or "table".

        Returns:
            The widget; also kept as `opened`.

        Raises:
            NotFoundError: there is no such collection; the message names the near ones.
        """
        choice(*_WIDGETS)("The widget to open", widget)
        with self.working():
            collection = self.client.get_collection(name)
            key = collection.id, widget
            if key not in self._made or self._made[key].comm is None:  # or it was closed since
                self._made[key] = getattr(collection, widget)()
            self.opened_name, self.opened_kind = name, widget
            self.opened = self._made[key]
            return self.opened

    def shut(self) -> None:
        """Show no widget below any more."""
        with self.working():
            self.opened_name = self.opened_kind = ""
            self.opened = None

    def refresh(self) -> None:
        """Look at the store anew."""
        with self.working():
            self._list()

    def _list(self) -> None:
        found = self.client.list_collections()
        self.collections = [_described(collection) for collection in found]
        records = sum(row["records"] for row in self.collections)
        many = "" if len(found) == 1 else "s"
        self.status = f"{len(found):,} collection{many}, {records:,} records"

    def _after_cell(self) -> None:
        with self._one_at_a_time:
            try:
                self._list()
            except (
                ChromalabError
            ) as problem:  # there is no cell for it any more: the widget says it
                self.error = sentence(problem)

    def __repr__(self) -> str:
        return f"Panel({self.place!r}, {self.status})"

    def _static_html(self) -> str:
        rows = [[row[column] for column in _COLUMNS] for row in self.collections]
        return html_table(_COLUMNS, rows, caption=self.place, note=self.status)


def _described(collection: Collection) -> dict[str, Any]:
    """Describe a collection in a row: JSON."""
    index = collection.get_indexing_status()
    return {
        "name": collection.name,
        "records": collection.count(),
        "dimension": collection.dimension,
        "model": collection.model,
        "space": collection.space,
        "indexed": f"{index.op_indexing_progress:.0%}".replace("%", " %"),
        "version": collection.get_version(),
    }
