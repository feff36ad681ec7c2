"""Widgets over a chromalab collection, for JupyterLab, Notebook, VS Code and Colab."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chromalab_widgets.map import Map
    from chromalab_widgets.panel import Panel
    from chromalab_widgets.review import Review
    from chromalab_widgets.searcher import Searcher
    from chromalab_widgets.table import Table

__all__ = ["Map", "Panel", "Review", "Searcher", "Table"]

_MODULES = {
    "Map": "map",
    "Panel": "panel",
    "Review": "review",
    "Searcher": "searcher",
    "Table": "table",
}


def __getattr__(name: str) -> object:
    """Import a widget when it is asked for: anywidget and the bundles take a while to load."""
    if name in _MODULES:
        found: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
