"""`Panel`: the collections of a store, and from each the widgets over it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import ipywidgets
import traitlets

from chromalab import ClientAPI, Collection
from chromalab.results.tables import html_table, text_table
from chromalab_widgets.base import Verb, Widget
from chromalab_widgets.bundles import bundle
from chromalab_widgets.fields import choice, text
from chromalab_widgets.following import after_cells

__all__ = ["Panel"]

_COLUMNS = ("name", "records", "dimension", "model", "space", "indexed", "version", "written")
_OF_TEXT = _COLUMNS[:5]  # those of `client.list_collections()`
_WIDGETS = ("map", "searcher", "table")


class Panel(Widget):
    """Show the collections of a store; open a map, a search or a table of one below them.

    It looks anew after each cell of the notebook, and when it is asked to.

    Attributes:
        client: Whose collections.
        opened: The widget that is shown below, or None.

    Args:
        client: A client.
        heading: A line about the client, which the status shows, too; what stands for the panel where
            no widget is shown is then this line and a table.

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

    def __init__(self, client: ClientAPI, *, heading: str = "") -> None:
        self.client = client
        self._heading = heading
        self._made: dict[tuple[UUID, str], Any] = {}
        self._end_following: Callable[[], None] = lambda: None
        super().__init__()
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

    def turn_to(self, client: ClientAPI, *, heading: str = "") -> None:
        """List the collections of a client, perhaps the same, under a heading; see the arguments of a panel."""
        with self.working():
            if client is not self.client:
                self._made.clear()  # over collections of the client before, who may be closed
            self.client, self._heading = client, heading
            self._list()

    def _list(self) -> None:
        found = self.client.list_collections()
        self.place = f"{self.client.tenant} / {self.client.database}"
        self.collections = [_described(collection) for collection in found]
        records = sum(row["records"] for row in self.collections)
        many = "" if len(found) == 1 else "s"
        about = f". {self._heading}" if self._heading else ""
        self.status = f"{len(found):,} collection{many}, {records:,} records{about}"

    def _after_cell(self) -> None:
        with self.telling():
            self._list()

    def __repr__(self) -> str:
        if not self._heading:
            return f"Panel({self.place!r}, {self.status})"
        rows = [[row[column] for column in _OF_TEXT] for row in self.collections]
        return f"{self._heading}\n{text_table(_OF_TEXT, rows) if rows else 'no collections'}"

    def _static_html(self) -> str:
        rows = [
            [*(row[column] for column in _COLUMNS[:-1]), _exact(row["written"])]
            for row in self.collections
        ]
        return html_table(_COLUMNS, rows, caption=self.place, note=self.status)


def _described(collection: Collection) -> dict[str, Any]:
    """Describe a collection in a row: JSON."""
    model, index = collection.get_model(), collection.get_indexing_status()
    return {
        "name": collection.name,
        "records": collection.count(),
        "dimension": model.dimension,
        "model": collection.model,
        "space": collection.space,
        "indexed": f"{index.op_indexing_progress:.0%}".replace("%", " %"),
        "version": model.version,
        "written": model.written_at and model.written_at.isoformat(timespec="seconds"),
    }


def _exact(written: str | None) -> str | None:
    return written and f"{datetime.fromisoformat(written):%Y-%m-%d %H:%M:%S} UTC"
