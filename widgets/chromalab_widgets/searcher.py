"""A search box over a collection: type, press Enter, read the nearest records."""

from __future__ import annotations

import html
import threading
import time
from typing import Any, Protocol

import anywidget
import traitlets

from chromalab.display import html_table
from chromalab.errors import ChromalabError, InvalidArgumentError, InvalidArgumentTypeError, near
from chromalab_widgets.bundles import bundle

__all__ = ["Searcher"]

_VERBS = {"search": {"text"}}
"""What the browser may ask for, with the fields each request carries."""

_DOCUMENT_SHOWN = 600
_VALUE_SHOWN = 80
_QUERY_SHOWN = 40
_LONGEST_QUERY = 10_000


class _Collection(Protocol):
    """As much of Chroma's collection as a search needs."""

    @property
    def name(self) -> str: ...
    def count(self) -> int: ...
    def query(self, *args: Any, **kwargs: Any) -> Any: ...


class Searcher(anywidget.AnyWidget):
    """Show a search box over a collection.

    Works over anything that has Chroma's `name`, `count()` and `query()`.

    Attributes:
        collection: The collection that is searched.
        where: The metadata filter of every search, or None.
        n_results: How many records a search asks for.
        results: What `collection.query` returned last; None before the first search and after one
            that failed.

    Example:
        In a notebook::

            searcher = Searcher(collection, n_results=5, where={"topic": "moons"})
            searcher                       # the last line of a cell shows it
            searcher.results["ids"][0]     # what the last search found
    """

    _esm = bundle("searcher.js")
    _css = bundle("searcher.css")

    collection_name = traitlets.Unicode().tag(sync=True)
    query = traitlets.Unicode(help="The text that `rows` answers.").tag(sync=True)
    rows = traitlets.List(traitlets.Dict(), help="The records shown, nearest first.").tag(sync=True)
    status = traitlets.Unicode(help="One line about the last search.").tag(sync=True)
    error = traitlets.Unicode(help="What went wrong in the last request, or empty.").tag(sync=True)
    busy = traitlets.Bool(help="True while a search runs.").tag(sync=True)
    n_results = traitlets.Int(10, min=1)

    def __init__(
        self,
        collection: _Collection,
        *,
        n_results: int = 10,
        where: dict[str, Any] | None = None,
    ) -> None:
        self.collection = collection
        self.where = where
        self.results: Any = None
        # Jupyter may run the browser's requests on another thread than the cells.
        self._one_at_a_time = threading.RLock()
        count = collection.count()
        super().__init__(
            collection_name=collection.name,
            n_results=n_results,
            status=f"{count:,} record{'' if count == 1 else 's'}",
        )
        self.on_msg(Searcher._on_message)

    def search(self, text: str) -> Any:
        """Search for `text` and show what was found, as if it had been typed.

        Args:
            text: The query, embedded by the collection's own embedding function.

        Returns:
            What `collection.query` returned; also kept as `results`.

        Raises:
            InvalidArgumentError: The text is blank or longer than 10,000 characters.
            InvalidArgumentTypeError: The text is not a str.
            Exception: Whatever the collection raises; the widget shows its sentence too.
        """
        _check_text(text)
        with self._one_at_a_time:
            self.busy = True
            found, rows, status, error = None, [], "", ""
            try:
                start = time.perf_counter()
                found = self.collection.query(
                    query_texts=[text],
                    n_results=self.n_results,
                    where=self.where,
                    include=["documents", "metadatas", "distances"],
                )
                milliseconds = 1000 * (time.perf_counter() - start)
                rows = _rows(found)
                filtered = "" if self.where is None else ", filtered"
                status = (
                    f"{len(rows):,} of {self.collection.count():,}"
                    f" in {milliseconds:,.0f} ms{filtered}"
                )
            except BaseException as problem:  # an interrupt too must end the wait in the browser
                found, rows, status, error = None, [], "", _sentence(problem)
                raise
            finally:
                self.results = found
                # One update, so that the browser never shows new rows under an old status.
                with self.hold_sync():
                    self.query, self.rows = text, rows
                    self.status, self.error = status, error
                    self.busy = False
            return found

    def _on_message(self, content: object, buffers: object) -> None:
        """Answer a request of the browser; there is no cell for an error to appear in."""
        with self._one_at_a_time:
            self.busy = True  # and False again below: the view waits for the change
            try:
                text = _read_search(content)
            except ChromalabError as problem:
                with self.hold_sync():
                    self.error = _sentence(problem)
                    self.busy = False
                return
            try:
                self.search(text)
            except Exception as problem:
                # The widget shows the sentence; the traceback of a stranger is worth keeping.
                if not isinstance(problem, ChromalabError):
                    self.log.exception("The search for %r failed", text)

    def __repr__(self) -> str:
        query = f", query={_cut(self.query, _QUERY_SHOWN)!r}" if self.query else ""
        return f"Searcher({self.collection_name!r}{query}, rows={len(self.rows)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Add plain HTML, for readers of a saved notebook that has no widget state."""
        rendered = super()._repr_mimebundle_(**kwargs)
        if rendered is None:
            return None
        data, metadata = rendered
        return {**data, "text/html": self._static_html()}, metadata

    def _static_html(self) -> str:
        status = self.error or self.status
        if not self.rows:
            line = f"Searcher over {self.collection_name!r} ({status}): run the cell to search"
            return f"<p>{html.escape(line, quote=False)}</p>"
        return html_table(
            ["id", "document", "distance"],
            [[row["id"], row["document"], row["distance"]] for row in self.rows],
            caption=f"{self.collection_name}: {self.query}",
            note=status,
        )


def _read_search(content: object) -> str:
    """Check a message of the browser and return its text."""
    if not isinstance(content, dict) or not isinstance(content.get("verb"), str):
        raise InvalidArgumentTypeError(
            f"A request is an object with a verb, got {_cut(repr(content), _VALUE_SHOWN)}"
        )
    verb = content["verb"]
    if verb not in _VERBS:
        shown = _cut(verb, _QUERY_SHOWN)
        raise InvalidArgumentError(f"No verb {shown!r}. {near(shown, _VERBS, what='Verbs')}")
    fields = content.keys() - {"verb"}
    if fields != _VERBS[verb]:
        raise InvalidArgumentError(
            f"The verb {verb!r} takes {sorted(_VERBS[verb])}, got {sorted(map(str, fields))}"
        )
    return _check_text(content["text"])


def _check_text(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidArgumentTypeError(
            f"The text to search for is a str, got {type(text).__name__}: pass a sentence or words"
        )
    if not text.strip():
        raise InvalidArgumentError("The text to search for is blank: type some words")
    if len(text) > _LONGEST_QUERY:
        raise InvalidArgumentError(
            f"The text to search for has {len(text):,} characters: shorten it to {_LONGEST_QUERY:,}"
        )
    return text


def _rows(found: Any) -> list[dict[str, Any]]:
    """Turn Chroma's lists, one for each query, into what the browser draws for the first."""
    columns = (found[key][0] for key in ("ids", "documents", "distances", "metadatas"))
    return [
        {
            "id": identifier,
            "document": None if document is None else _cut(document, _DOCUMENT_SHOWN),
            "distance": float(distance),
            "metadata": [
                [key, _cut(str(value), _VALUE_SHOWN)] for key, value in (metadata or {}).items()
            ],
        }
        for identifier, document, distance, metadata in zip(*columns, strict=True)
    ]


def _cut(text: str, length: int) -> str:
    """Cut a text for display, and show that it was cut."""
    return text if len(text) <= length else text[:length].rstrip() + " …"


def _sentence(problem: BaseException) -> str:
    """Say an error in one line; the name of the class helps where the message is not ours."""
    if isinstance(problem, ChromalabError):
        return str(problem)
    return f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
