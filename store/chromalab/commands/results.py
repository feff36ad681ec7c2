"""Results of commands that the API has no result for: a notice, the status, the models."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chromalab import embed
from chromalab.client.client import CollectionList
from chromalab.results.tables import Table, html_block, one_line

__all__ = ["Models", "Notice", "Status"]


@dataclass(frozen=True)
class Notice:
    """A text that is shown as it is: help, or what a command did or would do."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Status:
    """The result of `%chroma` alone: the open connections, and the collections of the current one."""

    connections: tuple[str, ...]
    collections: CollectionList

    def __repr__(self) -> str:
        return f"{self.heading}\n{self.collections!r}"

    def _repr_html_(self) -> str:
        heading = html.escape(self.heading)
        return html_block(f"<p>{heading}</p>") + self.collections._repr_html_()

    @property
    def heading(self) -> str:
        """The connections in one line."""
        if not self.connections:
            return (
                "No store is open. Open one: %chroma connect ./my.chroma; all verbs: %chroma help"
            )
        names = ", ".join(one_line(name) for name in self.connections)
        return f"Connections: {names}. All verbs: %chroma help"


@dataclass(frozen=True, repr=False)
class Models(Table):
    """The models that run on this machine, and whether they are downloaded."""

    models: tuple[embed.ModelStatus, ...]

    _columns = ("model", "dimension", "size", "license", "description", "status")

    def _rows(self) -> Sequence[Sequence[Any]]:
        return [
            [
                model.name,
                model.dimension,
                f"{model.size / 1e6:.0f} MB",
                model.license,
                model.description,
                "downloaded" if model.path else "not downloaded",
            ]
            for model in self.models
        ]
