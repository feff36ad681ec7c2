"""A search panel over a collection: ask, read the nearest records, say which of them are answers."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import traitlets

from chromalab.arguments.records import read_filter
from chromalab.arguments.where_text import parse_where_text
from chromalab.display import html_table
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, short
from chromalab_widgets.base import Verb, cut
from chromalab_widgets.bundles import bundle
from chromalab_widgets.facets import Facet, facets_of, where_of
from chromalab_widgets.fields import choice, flag, maybe, number, text, whole
from chromalab_widgets.judged import can_judge, judge, said_of
from chromalab_widgets.ranks import ranks_of, why
from chromalab_widgets.rows import query_rows, record
from chromalab_widgets.selection import SelectingWidget

__all__ = ["Searcher"]

_QUERY_SHOWN = 40
_LONGEST_QUERY = 10_000
_LONGEST_NOTE = 2_000
_CANDIDATES = 5
_DEPTH = 100  # ranks of the other side that are looked through
_PARTS = ["documents", "metadatas", "distances"]
_CALLED = "The text to search for"


def _query(name: str, value: object) -> str:
    """Check a query, of the browser or of a cell."""
    if not isinstance(value, str):
        kind = type(value).__name__
        raise InvalidArgumentTypeError(f"{name} is a str, got {kind}: pass a sentence or words")
    checked: str = text(_LONGEST_QUERY)(name, value)
    return checked


class _Collection(Protocol):
    """As much of Chroma's collection as a search needs."""

    @property
    def name(self) -> str: ...
    def count(self) -> int: ...
    def query(self, *args: Any, **kwargs: Any) -> Any: ...


class Searcher(SelectingWidget):
    """Show a search panel over a collection.

    Works over anything that has Chroma's `name`, `count()` and `query()`; a collection of chromalab is
    also judged in it, filtered by its metadata, and compared before and after a transform.

    Attributes:
        collection: The collection that is searched.
        where: The metadata filter of every search, or None.
        where_text: A filter as it is typed in the panel, such as `year >= 2020`; it and the facets that
            are chosen there hold besides `where`. Both are traits: setting one searches again.
        n_results: How many records a search asks for.
        results: What `collection.query` returned last; None before the first search and after one
            that failed.
        by: Who judges; None for the user of this machine.

    Example:
        In a notebook::

            searcher = collection.searcher(n_results=5, where={"topic": "moons"})
            searcher                       # the last line of a cell shows it
            searcher.results["ids"][0]     # what the last search found
            collection.feedback            # what was said of it
    """

    _esm = bundle("searcher.js")
    _css = bundle("searcher.css")

    verbs: ClassVar = {
        "search": Verb("_search", called={"text": _CALLED}, text=_query),
        "judge": Verb(
            "judge",
            id=text(),
            relevance=number(-1, 1),
            note=maybe(text(_LONGEST_NOTE, blank=True)),
        ),
        "find": Verb("find", text=text(_LONGEST_QUERY)),
        "missing": Verb("missing", id=text()),
        "facets": Verb("read_facets"),
        "filter": Verb("_filter", key=text(), place=whole(0, 1_000), on=flag()),
        "restrict": Verb("restrict", called={"text": "The filter"}, text=text(blank=True)),
        "side": Verb("show_side", side=choice("after", "before")),
        "why": Verb("why", id=text(blank=True)),
        "select": Verb("_pick", id=text(), more=flag()),
    }

    collection_name = traitlets.Unicode().tag(sync=True)
    query = traitlets.Unicode(help="The text that `rows` answers.").tag(sync=True)
    rows = traitlets.List(traitlets.Dict(), help="The records shown, nearest first.").tag(sync=True)
    status = traitlets.Unicode(help="One line about the last search.").tag(sync=True)
    can_judge = traitlets.Bool(help="Whether judgements are kept.").tag(sync=True)
    said = traitlets.Dict(help="By id, what was said of the record for this query.").tag(sync=True)
    candidates = traitlets.List(
        traitlets.Dict(), help="Records that might be missing in the results."
    ).tag(sync=True)
    facets = traitlets.List(
        traitlets.Dict(), help="Keys and values to filter by, once asked for."
    ).tag(sync=True)
    chosen = traitlets.Dict(help="By key, places of the values filtered by.").tag(sync=True)
    where = traitlets.Any(help="The filter of every search, or None.")
    where_text = traitlets.Unicode(help="The filter that was typed, or empty.").tag(sync=True)
    transform = traitlets.Unicode(help="The live transform, or empty.").tag(sync=True)
    side = traitlets.Unicode("after", help='"before" shows ranks without it.').tag(sync=True)
    moves = traitlets.Dict(help="By id, the rank on the other side; 0 beyond `depth`.").tag(
        sync=True
    )
    depth = traitlets.Int(help="How many ranks of the other side are known.").tag(sync=True)
    reasons = traitlets.Dict(help="Why a record has its rank: `id` and `lines`.").tag(sync=True)
    picked = traitlets.List(traitlets.Unicode(), help="The ids of rows that are selected.").tag(
        sync=True
    )
    n_results = traitlets.Int(10, min=1)

    def __init__(
        self,
        collection: _Collection,
        *,
        n_results: int = 10,
        where: Mapping[str, Any] | None = None,
        by: str | None = None,
    ) -> None:
        self.collection = collection
        self.by = by
        self.results: Any = None
        self._facets: list[Facet] = []
        count = collection.count()
        super().__init__(
            collection,
            collection_name=collection.name,
            n_results=n_results,
            where=where,
            can_judge=can_judge(collection),
            status=f"{count:,} record{'' if count == 1 else 's'}",
        )

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
        return self._search(_query(_CALLED, text))

    def judge(self, id: str, relevance: float, note: str | None = None) -> None:
        """Say whether a record is an answer to the present query; it is kept at once.

        Args:
            id: The record.
            relevance: Above 0 for one, below for none; 0 takes back what was said.
            note: Why.
        """
        with self.working():
            shown = any(row["id"] == id for row in self.rows)
            judge(self.collection, self.query, id, relevance, note=note, by=self.by, shown=shown)
            self._read_said()

    def missing(self, id: str) -> None:
        """Say that a record should have been among the results, and was not."""
        with self.working():
            judge(self.collection, self.query, id, 1.0, by=self.by, shown=False)
            self._read_said()

    def find(self, text: str) -> None:
        """Look for a record that is missing in the results: by its id, or by other words."""
        with self.working():
            shown = {row["id"] for row in self.rows}
            columns = self.collection.get(ids=[text], include=["documents", "metadatas"])  # type: ignore[attr-defined]
            if columns["ids"]:
                parts = (columns[name] for name in ("ids", "documents", "metadatas"))
                rows = [record(*parts) for parts in zip(*parts, strict=True)]
            else:
                found = self.collection.query(
                    query_texts=[text],
                    n_results=_CANDIDATES + len(shown),
                    where=self._where(),
                    include=_PARTS,
                )
                rows = query_rows(found)
            self.candidates = [row for row in rows if row["id"] not in shown][:_CANDIDATES]
            if not self.candidates:
                raise InvalidArgumentError(
                    f"{short(text)} finds no record that is not shown already"
                )
            self._read_said()

    def read_facets(self) -> None:
        """Find out what can be filtered by; the panel asks for it when the filter is opened."""
        with self.working():
            self._facets = facets_of(self.collection)
            self.facets = [facet.shown() for facet in self._facets]
            self.chosen = {}

    def restrict(self, text: str) -> None:
        """Search only where a condition holds, as if it had been typed; a blank one takes it away.

        Args:
            text: What `%chroma query --where` takes, such as `year >= 2020 and venue in ("ACL", "EMNLP")`.

        Raises:
            InvalidArgumentError: it cannot be read; filter and results stay.
        """
        with self.working():
            self.where_text = text

    def show_side(self, side: str) -> None:
        """Show the ranks with the live transform ("after"), or without ("before")."""
        with self.working():
            self.side = side
            self._search_again()

    def why(self, id: str) -> None:
        """Say why a record has its rank; a blank id takes the answer away."""
        with self.working():
            rank = next((at for at, row in enumerate(self.rows, 1) if row["id"] == id), 0)
            if not rank:
                self.reasons = {}
                return
            row = self.rows[rank - 1]
            lines = why(
                row,
                rank,
                query=self.query,
                document=self.results["documents"][0][rank - 1],
                space=getattr(self.collection, "space", "distance"),
                nearest=self.rows[0]["distance"],
                transform=self.transform,
                other=self.moves.get(id),
                depth=self.depth,
                is_after=self.side == "after",
            )
            self.reasons = {"id": id, "lines": list(lines)}

    def _search(self, text: str) -> Any:
        with self.working():
            found, rows, status, live = None, [], "", ""
            moves: dict[str, int] = {}
            try:
                live = _live(self.collection)
                start = time.perf_counter()
                found = self._ask(text, self.n_results, self.side if live else "")
                milliseconds = 1000 * (time.perf_counter() - start)
                rows = query_rows(found)
                filtered = "" if self._where() is None else ", filtered"
                status = (
                    f"{len(rows):,} of {self.collection.count():,}"
                    f" in {milliseconds:,.0f} ms{filtered}"
                )
                if live:
                    moves = self._moves(text, rows)
            except BaseException:
                found, rows, status, live, moves = None, [], "", "", {}
                raise
            finally:
                self.results = found
                if text != self.query or not rows:
                    self.candidates = []
                self.query, self.rows, self.status = text, rows, status
                self.transform, self.moves, self.reasons = live, moves, {}
            self._read_said()
            self._selection_changed()
        return found

    @traitlets.observe("where", "where_text", "chosen")
    def _search_again(self, change: object = None) -> None:
        if self.query:
            self._search(self.query)

    def _ask(self, text: str, count: int, side: str) -> Any:
        """Query; `side` is empty where there is no transform to go without."""
        options = {"transform": None} if side == "before" else {}
        return self.collection.query(
            query_texts=[text], n_results=count, where=self._where(), include=_PARTS, **options
        )

    def _moves(self, text: str, rows: list[dict[str, Any]]) -> dict[str, int]:
        self.depth = max(_DEPTH, self.n_results)
        other = "before" if self.side == "after" else "after"
        ranks = ranks_of(self._ask(text, self.depth, other))
        return {row["id"]: ranks.get(row["id"], 0) for row in rows}

    def _read_said(self) -> None:
        ids = {row["id"] for row in [*self.rows, *self.candidates]}
        self.said = said_of(self.collection, self.query, ids)

    @traitlets.validate("where_text")
    def _check_where_text(self, proposal: Any) -> str:
        text: str = proposal["value"].strip()
        with self.refusing():
            read_filter(None, self._where(text), None)
        return text

    @traitlets.validate("where")
    def _check_where(self, proposal: Any) -> Any:
        where = proposal["value"] or None
        with self.refusing():
            read_filter(None, where, None)
        return where

    def _where(self, typed: str | None = None) -> dict[str, Any] | None:
        """Join what was typed, which is `where_text` if None, with all other filters."""
        text = self.where_text if typed is None else typed
        parsed = parse_where_text(text) if text else None
        return where_of(self._facets, self.chosen, self.where, parsed)

    def _filter(self, key: str, place: int, on: bool) -> None:
        facet = next((facet for facet in self._facets if facet.key == key), None)
        if facet is None or place >= len(facet.values):
            raise InvalidArgumentError(f"There is no value {place} of {short(key)} to filter by")
        places = [at for at in self.chosen.get(key, []) if at != place]
        chosen = {**self.chosen, key: sorted([*places, place]) if on else places}
        self.chosen = {key: places for key, places in chosen.items() if places}

    def _pick(self, id: str, more: bool) -> None:
        if not any(row["id"] == id for row in self.rows):
            raise InvalidArgumentError(f"{short(id)} is not among the results")
        held = self.selection.ids
        if not more:
            self._select([] if held == [id] else [id])
        else:
            self._select([i for i in held if i != id] if id in held else [*held, id])

    def _selection_changed(self) -> None:
        picked = {row["id"] for row in self.rows}.intersection(self.selection)
        self.picked = [row["id"] for row in self.rows if row["id"] in picked]

    def __repr__(self) -> str:
        query = f", query={cut(self.query, _QUERY_SHOWN)!r}" if self.query else ""
        return f"Searcher({self.collection_name!r}{query}, rows={len(self.rows)})"

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


def _live(collection: Any) -> str:
    transforms = getattr(collection, "transforms", None)
    live = None if transforms is None else transforms.live
    return "" if live is None else str(live.name)
