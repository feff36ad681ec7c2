"""Widgets over a chromalab collection, for JupyterLab, Notebook, VS Code and Colab."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chromalab_widgets.map.map import Map
    from chromalab_widgets.panel.panel import Panel
    from chromalab_widgets.review.review import Review
    from chromalab_widgets.search_panel.search_panel import SearchPanel
    from chromalab_widgets.table.table import Table

__all__ = ["Map", "Panel", "Review", "SearchPanel", "Table"]

_MODULES = {
    "Map": "map.map",
    "Panel": "panel.panel",
    "Review": "review.review",
    "SearchPanel": "search_panel.search_panel",
    "Table": "table.table",
}


def __getattr__(name: str) -> object:
    """Import a widget on first use: anywidget and the bundles take a while to load."""
    if name in _MODULES:
        widget: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return widget
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
