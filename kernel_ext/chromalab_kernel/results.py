"""What commands return that the API has no result for: a notice, the status, the models."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from chromalab import embed
from chromalab.display import html_table, one_line, text_table
from chromalab.listing import CollectionList

__all__ = ["Models", "Notice", "Status"]


@dataclass(frozen=True)
class Notice:
    """A text that shows as it is: help, or what a command did or would do."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Status:
    """What `%chroma` alone shows: the connections, and the collections of the current one."""

    connections: tuple[str, ...]
    collections: CollectionList

    def __repr__(self) -> str:
        return f"{self.heading}\n{self.collections!r}"

    def _repr_html_(self) -> str:
        heading = html.escape(self.heading)
        return f"<div class='chromalab'><p>{heading}</p></div>{self.collections._repr_html_()}"

    @property
    def heading(self) -> str:
        """The connections, in a line."""
        if not self.connections:
            return (
                "No store is open. Open one: %chroma connect ./my.chroma; all verbs: %chroma help"
            )
        names = ", ".join(one_line(name) for name in self.connections)
        return f"Connections: {names}. All verbs: %chroma help"


@dataclass(frozen=True)
class Models:
    """The models that run here, and where they are."""

    models: tuple[embed.ModelStatus, ...]

    def __repr__(self) -> str:
        return text_table(*self._table())

    def _repr_html_(self) -> str:
        return html_table(*self._table())

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        rows = [
            [m.name, m.dimension, f"{m.size / 1e6:.0f} MB", m.license, m.description,
             "here" if m.path else "not fetched yet"]
            for m in self.models
        ]  # fmt: skip
        return ["model", "dimension", "size", "license", "what", "where"], rows
