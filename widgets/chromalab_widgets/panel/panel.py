"""`Panel`: the collections of a store, and the widgets over each of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import ipywidgets
import traitlets

from chromalab import DEFAULT_DATABASE, DEFAULT_TENANT, ClientAPI, Collection
from chromalab.results.tables import count, html_table, text_table
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.core.cell_events import after_cells
from chromalab_widgets.core.fields import choice, text
from chromalab_widgets.core.widget import Verb, Widget

__all__ = ["Panel"]

_COLUMNS = ("name", "records", "dimension", "model", "space", "indexed", "version", "written")
_TEXT_COLUMNS = _COLUMNS[:5]  # those of `client.list_collections()`
_WIDGETS = ("map", "search_panel", "table")


class Panel(Widget):
    """Show the collections of a store: counts, models, index. Open a widget over one of them below.

    The list is refreshed after each cell of the notebook, and on request.

    Args:
        client: A client.
        heading: A line about the client, which the status includes. Where widgets cannot be displayed,
            this line and a table are printed.

    Attributes:
        client: The client.
        opened: The widget that is shown below, or None.

    Example:
        In a notebook::

            panel = client.panel()
            panel                             # the last line of a cell displays it
            panel.show("papers", "table")     # the same as its buttons
            panel.opened.where                # the filter that was set in the table
    """

    _esm = bundle("panel.js")
    _css = bundle("panel.css")

    verbs: ClassVar = {
        "open": Verb("show", name=text(600), widget=choice(*_WIDGETS)),
        "hide": Verb("hide"),
        "refresh": Verb("refresh"),
    }

    title = traitlets.Unicode(help="The heading, with the database unless it is the default.").tag(
        sync=True
    )
    collections = traitlets.List(traitlets.Dict(), help="One entry per collection.").tag(sync=True)
    opened = traitlets.Any(help="The widget below.").tag(
        sync=True, **ipywidgets.widget_serialization
    )
    opened_name = traitlets.Unicode(help="The collection of the widget below.").tag(sync=True)
    opened_kind = traitlets.Unicode(help="map, search_panel or table.").tag(sync=True)
    status = traitlets.Unicode(help="One line about the store.").tag(sync=True)

    def __init__(self, client: ClientAPI, *, heading: str = "") -> None:
        self.client = client
        self._heading = heading
        self._made: dict[tuple[UUID, str], Any] = {}
        self._stop_updates: Callable[[], None] = lambda: None
        super().__init__()
        self.refresh()
        self._stop_updates = after_cells(self._after_cell)

    def close(self) -> None:
        """Remove the panel; the widgets that it opened remain."""
        self._stop_updates()
        super().close()

    def show(self, name: str, widget: str = "table") -> Any:
        """Show a widget over a collection below; one that was opened before keeps its state.

        Args:
            name: The name of the collection.
            widget: "map", "search_panel" or "table".

        Returns:
            The widget, also available as `opened`.

        Raises:
            NotFoundError: There is no such collection; the message lists similar names.
        """
        choice(*_WIDGETS)("The widget to open", widget)
        with self.working():
            collection = self.client.get_collection(name)
            key = collection.id, widget
            if key not in self._made or self._made[key].comm is None:  # new, or closed since
                self._made[key] = getattr(collection, widget)()
            self.opened_name, self.opened_kind = name, widget
            self.opened = self._made[key]
            return self.opened

    def hide(self) -> None:
        """Hide the widget below; it keeps its state."""
        with self.working():
            self.opened_name = self.opened_kind = ""
            self.opened = None

    def refresh(self) -> None:
        """Read the list of collections again."""
        with self.working():
            self._list()

    def switch_to(self, client: ClientAPI, *, heading: str = "") -> None:
        """List the collections of another client, or of the same one under another heading.

        Args:
            client: A client.
            heading: A line about the client, as for a new panel.
        """
        with self.working():
            if client is not self.client:
                self._made.clear()  # widgets over the previous client, which may be closed
            self.client, self._heading = client, heading
            self._list()

    def _list(self) -> None:
        found = self.client.list_collections()
        database = (self.client.tenant, self.client.database)
        is_default = database == (DEFAULT_TENANT, DEFAULT_DATABASE)
        self.title = "Collections" if is_default else f"Collections in {' / '.join(database)}"
        self.collections = [_described(collection) for collection in found]
        records = sum(row["records"] for row in self.collections)
        about = f". {self._heading}" if self._heading else ""
        self.status = f"{count(len(found), 'collection')}, {count(records, 'record')}{about}"

    def _after_cell(self) -> None:
        with self.updating():
            self._list()

    def __repr__(self) -> str:
        if not self._heading:
            return f"Panel({self.title!r}, {self.status})"
        rows = [[row[column] for column in _TEXT_COLUMNS] for row in self.collections]
        return f"{self._heading}\n{text_table(_TEXT_COLUMNS, rows) if rows else 'no collections'}"

    def _static_html(self) -> str:
        rows = [
            [*(row[column] for column in _COLUMNS[:-1]), _exact(row["written"])]
            for row in self.collections
        ]
        return html_table(_COLUMNS, rows, caption=self.title, note=self.status)


def _described(collection: Collection) -> dict[str, Any]:
    """Describe a collection as one row, in JSON."""
    model, index = collection.get_model(), collection.get_indexing_status()
    return {
        "name": collection.name,
        "records": collection.count(),
        "dimension": model.dimension,
        "model": collection.model,
        "space": collection.space,
        "indexed": f"{index.op_indexing_progress:.0%}",
        "version": model.version,
        "written": model.written_at and model.written_at.isoformat(timespec="seconds"),
    }


def _exact(written: str | None) -> str | None:
    return written and f"{datetime.fromisoformat(written):%Y-%m-%d %H:%M:%S} UTC"
