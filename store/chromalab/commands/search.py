"""The verbs of searches: search, explain, why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chromalab import Search, SearchResult
from chromalab.commands.argument import COLLECTION, Argument
from chromalab.commands.verb import Call, Verb
from chromalab.errors import InvalidArgumentError, short

__all__ = ["SEARCH"]


def _search(call: Call) -> Any:
    """Search for a text or by a `Search`, show the plan, or open the panel."""
    given = _given(call)
    if call.given.get("ui"):
        return _panel(call, given)
    search = _built(call, given)
    if call.given.get("explain"):
        return call.collection.explain(search, analyze=True)
    return call.collection.search(search, show=call.given.get("show"))


def _panel(call: Call, text: Any) -> Any:
    """Open the search panel, and run a first search if there is a text."""
    names = ("n_results", "where")
    panel = call.collection.search_panel(
        show=call.given.get("show"), **{n: call.options[n] for n in names if n in call.options}
    )
    if text is not None:
        panel.search(text)
    return panel


def _explain(call: Call) -> Any:
    """Explain a text query, or a `Search`."""
    given = _given(call)
    if given is None:
        raise InvalidArgumentError("explain needs a text, or :name of a Search.")
    if not isinstance(given, str):
        return call.api(query_embeddings=given)
    if call.given.get("analyze"):
        raise InvalidArgumentError(
            "--analyze runs a Search: %chroma explain papers :search --analyze, or "
            '%chroma search papers "code search" --explain.'
        )
    return call.api(query_texts=[given])


def _why(call: Call) -> Any:
    """Say why a record is in a result, or why it is not."""
    result, id = call.given["result"], call.given["id"]
    if not isinstance(result, SearchResult):
        raise InvalidArgumentError(
            f"why takes the result of a search: hits = %chroma search papers; got {short(result)}."
        )
    number = call.given.get("search", 0)
    if not 0 <= number < len(result["ids"]) or id in result["ids"][number]:
        return result.why(id, number)
    return result.why_not(id, number)


def _given(call: Call) -> Any:
    """Return the text or the search on the line or in the body; None if there is neither."""
    given = call.given.get("query")
    if given is not None and call.body is not None:
        raise InvalidArgumentError("Give the query on the line, or in the body of a %%chroma cell.")
    if call.body is None:
        return given
    return call.body[0] if len(call.body) == 1 else "\n\n".join(map(str, call.body))


def _built(call: Call, given: Any) -> Any:
    if given is None:
        raise InvalidArgumentError(
            "search needs a text, or :name of a Search; --ui opens the panel."
        )
    if isinstance(given, str):
        return Search.of(given, **call.options)
    typed = [
        argument.shown
        for argument in call.verb.arguments
        if argument.option in call.options
        and not (
            argument.setting and call.given[argument.key] == call.session.settings[argument.setting]
        )
    ]
    if typed:
        flags = ", ".join(typed)
        raise InvalidArgumentError(f"A Search has its own options; leave out {flags}.")
    if isinstance(given, Mapping | list | tuple) or hasattr(given, "to_dict"):
        return given
    raise InvalidArgumentError(f"search takes a text, or :name of a Search; got {short(given)}.")


_QUERY = Argument(name="query", help="The text to search for, or :name of a Search.", kind="texts")
SEARCH = (
    Verb(
        api="chromalab.Search.of",
        short_name="search",
        summary="Search by meaning and words, with diverse, grouped or reranked results.",
        examples=(
            '%chroma search papers "graph databases" --hybrid --mmr 0.5',
            '%chroma search papers "graph databases" --group-by venue --explain',
        ),
        takes=(COLLECTION, _QUERY),
        hides=("text",),
        changes={"n_results": {"setting": "k"}},
        adds=(
            Argument(
                name="--show", help="Metadata keys to display, each as a column.", kind="words"
            ),
            Argument(
                name="--explain",
                help="Run the search, and show what every stage did.",
                kind="switch",
            ),
            Argument(name="--ui", help="Open the search panel.", kind="switch"),
        ),
        body="the text to search for",
        action=_search,
    ),
    Verb(
        api="collection.explain",
        summary="Show how a query or a search runs, and why so.",
        examples=(
            '%chroma explain papers "code search" --where "year >= 2020"',
            "%chroma explain papers :search --analyze",
        ),
        takes=(COLLECTION, _QUERY),
        hides=("query_embeddings", "query_texts", "where_document"),
        changes={"n_results": {"setting": "k"}, "ids": {"kind": "words"}},
        body="the text to search for",
        action=_explain,
    ),
    Verb(
        api="chromalab.SearchResult.why",
        short_name="why",
        summary="Explain why a record is in the result of a search, or why it is not.",
        examples=("%chroma why :hits p17", "%chroma why :hits p17 --search 1"),
        takes=(
            Argument(
                name="result", help=":name of the result of a search.", kind="object", required=True
            ),
            Argument(name="id", help="The id of the record.", required=True),
        ),
        hides=("self", "id"),
        action=_why,
    ),
)
