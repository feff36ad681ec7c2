"""Widgets over a chromalab collection, for JupyterLab, Notebook, VS Code and Colab."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chromalab_widgets.searcher import Searcher

__all__ = ["Searcher"]


def __getattr__(name: str) -> object:
    """Import a widget when it is asked for: anywidget and the bundles take a while to load."""
    if name == "Searcher":
        from chromalab_widgets.searcher import Searcher

        return Searcher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
