"""What `list_collections` returns: a list of collections that shows itself as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chromalab.results.tables import data_frame, html_table, text_table

if TYPE_CHECKING:
    import pandas

    from chromalab.collection import Collection

    _List = list[Collection]
else:
    _List = list

__all__ = ["CollectionList"]

_COLUMNS = ("name", "records", "dimension", "model", "space")


class CollectionList(_List):
    """A list of collections.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> _ = client.create_collection("notes")
        >>> client.list_collections()
        name   records  dimension  model    space
        notes  0                   default  l2
    """

    def __repr__(self) -> str:
        return text_table(_COLUMNS, self._rows()) if self else "no collections"

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._rows(), note="" if self else "no collections")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a collection."""
        return data_frame(self._rows(), _COLUMNS)

    def _rows(self) -> list[list[Any]]:
        return [[c.name, c.count(), c.dimension, c.model, c.space] for c in self]
