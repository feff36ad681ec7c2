"""The verbs that open widgets; each is one call of a collection or a client."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from chromalab import Collection
from chromalab.errors import InvalidArgumentError
from chromalab_kernel.arguments import COLLECTION, CONTAINS, ORDER_BY, WHERE
from chromalab_kernel.verb import Argument, Verb

if TYPE_CHECKING:
    from chromalab_kernel.results import Status
    from chromalab_kernel.session import Session

__all__ = ["WIDGETS", "status_panel"]


def status_panel(session: Session, status: Status) -> Any:
    """Make the panel that `%chroma` alone shows; its text is that of the status.

    There is one a connection, which is shown again: of a new one each time all would stay, as ipywidgets
    keeps them, and look at the store after each cell.

    Returns:
        The panel; the status itself where no store is open, or there are no widgets.
    """
    if not status.connections:
        return status
    try:
        from chromalab_widgets import Panel
    except ModuleNotFoundError as missing:
        if missing.name not in ("anywidget", "ipywidgets"):
            raise
        return status
    panel = session.panels.get(session.current)
    if panel is None or panel.comm is None:  # or it was closed
        panel = session.panels[session.current] = Panel(session.client, heading=status.heading)
    else:
        panel.switch_to(session.client, heading=status.heading)
    return panel


def _browse(session: Session, arguments: SimpleNamespace) -> Any:
    """Show the records as a table."""
    return session.collection(arguments.collection).table(
        where=arguments.where,
        contains=arguments.contains or "",
        order_by=arguments.order_by or "",
    )


def _map(session: Session, arguments: SimpleNamespace) -> Any:
    """Show the records as points of a map."""
    return session.collection(arguments.collection).map(
        arguments.projection,
        color=arguments.color,
        labels=True if arguments.topics else arguments.labels,
        text=arguments.text,
        density=bool(arguments.density),
    )


def _panel(session: Session, arguments: SimpleNamespace) -> Any:
    """Show the collections of the store."""
    return session.client.panel()


def _search(session: Session, arguments: SimpleNamespace) -> Any:
    """Show the search panel, with a first search where one was asked for."""
    search_panel = session.collection(arguments.collection).search_panel(
        n_results=arguments.n or 10, where=arguments.where
    )
    if arguments.query is not None:
        search_panel.search(arguments.query)
    return search_panel


def _review(session: Session, arguments: SimpleNamespace) -> Any:
    """Go through what an analysis found, or finds now."""
    into = {} if arguments.into is None else {"into": arguments.into}
    found = arguments.collection
    if isinstance(found, str | Collection):
        analysis = _REVIEWED[arguments.what or "duplicates"]
        found = getattr(session.collection(found), analysis)()
    if not hasattr(found, "review"):
        raise InvalidArgumentError(
            f"A review is of duplicates, clusters or outliers; found {type(found).__name__}."
        )
    return found.review(**into)


_REVIEWED = {"duplicates": "dedupe", "clusters": "cluster", "outliers": "outliers"}

WIDGETS = (
    Verb(
        "map",
        "Show the records as points of a map: look, search, lasso.",
        "collection.map(projection, color=..., labels=...)",
        (
            COLLECTION,
            Argument("--projection", "umap, tsne, pca, pacmap, or :name of a projection.", "any"),
            Argument("--color", "A metadata key, neighbor_recall, or :name of a result or values.", "any"),
            Argument("--labels", "Names on it: a metadata key, or :name of topics.", "any"),
            Argument("--topics", "Find clusters, and name them on it.", "switch"),
            Argument("--text", "The metadata key to show in place of the documents."),
            Argument("--density", "Show lines of equal density.", "switch"),
        ),
        ("%chroma map papers --color year", "map = %chroma map papers --topics --color :clusters"),
        _map,
    ),
    Verb(
        "search",
        "Show a search panel: ask, read, and say which records are answers.",
        "collection.search_panel(...)",
        (
            COLLECTION,
            Argument("query", "What to search for first.", optional=True),
            Argument("--n", "How many records a search shows.", "int", short="-n"),
            WHERE,
            Argument("--ui", "Open the panel; it is what search does.", "switch"),
        ),
        ("%chroma search papers", '%chroma search papers "graph databases" -n 5'),
        _search,
    ),
    Verb(
        "review",
        "Go through duplicates, clusters or outliers one by one: keep, merge, name, delete, undo.",
        "result.review()",
        (
            Argument("collection", "The collection, or :name of a result.", "any"),
            Argument(
                "--what",
                "What to look for: duplicates, clusters or outliers.",
                choices=lambda _: list(_REVIEWED),
            ),
            Argument("--into", "The metadata key for names of clusters, or marks of outliers."),
        ),
        ("%chroma review papers --what duplicates", "%chroma review :clusters --into topic"),
        _review,
    ),
    Verb(
        "browse",
        "Show the records as a table: sort, filter, edit, delete and undo.",
        "collection.table(where=...)",
        (COLLECTION, WHERE, CONTAINS, ORDER_BY),
        ("%chroma browse papers", 'table = %chroma browse papers --where "year >= 2020"'),
        _browse,
    ),
    Verb(
        "panel",
        "Show the collections, and open a map, a search or a table of one.",
        "client.panel()",
        (),
        ("%chroma panel", "panel = %chroma panel"),
        _panel,
    ),
)
"""In the order in which they are used."""
