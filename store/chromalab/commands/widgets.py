"""The verbs that open widgets: map, search, table, review, panel."""

from __future__ import annotations

from typing import Any

from chromalab import Collection
from chromalab.commands.argument import COLLECTION, Argument
from chromalab.commands.records import DESCENDING, SHOW
from chromalab.commands.verb import Call, Verb
from chromalab.errors import InvalidArgumentError, short

__all__ = ["WIDGETS"]


def _map(call: Call) -> Any:
    if call.given.get("topics") and "labels" in call.given:
        raise InvalidArgumentError(
            "--topics and --labels both name the areas. Leave one of them out."
        )
    return call.api(labels=True) if call.given.get("topics") else call.api()


def _search(call: Call) -> Any:
    """Open the search panel, and run a first search if there is a query."""
    if not call.given.get("ui"):
        raise InvalidArgumentError(
            "search opens the search panel with --ui: %chroma search papers --ui. "
            "For results without the panel, use %chroma query."
        )
    panel = call.api()
    if "query" in call.given:
        panel.search(call.given["query"])
    return panel


def _review(call: Call) -> Any:
    """Review the findings of an analysis: of one that runs now, or of a result."""
    found = call.given["collection"]
    if isinstance(found, str | Collection):
        return call.api()
    if not hasattr(found, "review"):
        raise InvalidArgumentError(
            f"review takes a collection, duplicates, clusters or outliers; got {short(found)}."
        )
    if "what" in call.given:
        raise InvalidArgumentError("--what goes with a collection; a result is reviewed as it is.")
    return found.review(**call.options)


WIDGETS = (
    Verb(
        api="collection.map",
        summary="Show the records on a map to explore, search and select with a lasso.",
        examples=(
            "%chroma map papers --color year",
            "view = %chroma map papers --topics --color :clusters",
        ),
        hides=("height",),
        changes={"text": {"kind": "text"}, **SHOW},
        adds=(Argument(name="--topics", help="Find topics and show their names.", kind="switch"),),
        action=_map,
    ),
    Verb(
        api="collection.search_panel",
        short_name="search",
        summary="Search in a panel, and mark which results are relevant.",
        examples=(
            "%chroma search papers --ui",
            '%chroma search papers "graph databases" -k 5 --ui',
        ),
        takes=(COLLECTION, Argument(name="query", help="The text to search for first.")),
        changes=SHOW,
        adds=(Argument(name="--ui", help="Open the search panel.", kind="switch"),),
        action=_search,
    ),
    Verb(
        api="collection.table",
        summary="Show the records in a table to sort, filter, edit and delete, with undo.",
        examples=("%chroma table papers", 'view = %chroma table papers --where "year >= 2020"'),
        hides=("height",),
        changes=DESCENDING,
    ),
    Verb(
        api="collection.review",
        summary="Review duplicates, clusters or outliers one at a time, with undo.",
        examples=(
            "%chroma review papers --what duplicates",
            "%chroma review :clusters --into topic",
        ),
        changes=SHOW,
        action=_review,
    ),
    Verb(
        api="client.panel",
        summary="List the collections, and open a map, a search panel or a table of one.",
        examples=("%chroma panel", "panel = %chroma panel"),
        takes=(),
        hides=("heading",),
    ),
)
