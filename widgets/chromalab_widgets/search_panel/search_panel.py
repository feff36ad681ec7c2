"""`SearchPanel`: a search box over a collection, its results, and judgments on them."""

from __future__ import annotations

import html
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import traitlets

from chromalab import Knn, Search
from chromalab.arguments.records import read_filter
from chromalab.arguments.values import check_n_results, check_show
from chromalab.arguments.where_text import parse_where_text
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, short
from chromalab.judgments.arguments import user_name
from chromalab.results.metadata import ALL, shown_keys
from chromalab.results.tables import count, html_block, html_table
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.core.fields import bound, choice, flag, maybe, number, text, whole
from chromalab_widgets.core.filters import Bound, check_where
from chromalab_widgets.core.records import query_rows, record
from chromalab_widgets.core.selection_bar import SELECTION_VERBS, ActingWidget
from chromalab_widgets.core.text import cut
from chromalab_widgets.core.widget import Verb
from chromalab_widgets.search_panel.facets import Facet, RangeFacet, facets_of, where_of
from chromalab_widgets.search_panel.ranks import ranks_of, why

__all__ = ["SearchPanel"]

_QUERY_SHOWN = 40
_LONGEST_QUERY = 10_000
_LONGEST_NOTE = 2_000
_CANDIDATES = 5
_KEYS_READ = 1000  # records that decide which fields are the most useful
_DEPTH = 100  # ranks that are compared on the other side of the transform
_PARTS = ["documents", "metadatas", "distances"]
_CALLED = "The text to search for"


def _query(name: str, value: object) -> str:
    """Validate a query, from the browser or from a cell."""
    if not isinstance(value, str):
        kind = type(value).__name__
        raise InvalidArgumentTypeError(
            f"{name} must be a str; got {kind}. Pass a sentence or a few words."
        )
    checked: str = text(_LONGEST_QUERY)(name, value)
    return checked


class _Collection(Protocol):
    """The part of Chroma's collection that a search needs."""

    @property
    def name(self) -> str: ...
    def count(self) -> int: ...
    def query(self, *args: Any, **kwargs: Any) -> Any: ...


class SearchPanel(ActingWidget):
    """Show a search panel: search, read the nearest records, and judge which ones answer the query.

    It works with anything that has Chroma's `name`, `count()` and `query()`. With a chromalab collection,
    it also stores judgments, filters by metadata, and compares ranks before and after a transform.

    Args:
        collection: A collection.
        n_results: The number of records that a search shows.
        where: A metadata filter that applies to every search.
        show: The metadata fields that results show, or "all"; by default, the most useful ones.
        by: Who judges; by default, the user of this machine.

    Attributes:
        collection: The collection.
        where: The metadata filter of every search, or None.
        where_text: A filter as it is typed in the panel, such as `year >= 2020`. It applies in addition to
            `where` and to the facets chosen in the panel. `where` and `where_text` are traits: setting one
            searches again.
        n_results: The number of records that a search asks for.
        results: The last result of `collection.query`; None before the first search and after a search
            that failed.
        by: Who judges; None for the user of this machine.

    Example:
        In a notebook::

            panel = papers.search_panel(n_results=5, where={"topic": "moons"})
            panel                       # the last line of a cell displays it
            panel.results["ids"][0]     # the results of the last search
            papers.feedback             # the judgments made in it
    """

    _esm = bundle("search_panel.js")
    _css = bundle("search_panel.css")

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
        "filter": Verb("_filter", key=text(), position=whole(0, 1_000), on=flag()),
        "range": Verb("_range", key=text(), low=maybe(bound()), high=maybe(bound())),
        "restrict": Verb("restrict", called={"text": "The filter"}, text=text(blank=True)),
        "side": Verb("show_side", side=choice("after", "before")),
        "why": Verb("why", id=text(blank=True)),
        "select": Verb("_pick", id=text(), more=flag()),
        "unselect": Verb("_unselect", quiet=True),
        **SELECTION_VERBS,
    }

    collection_name = traitlets.Unicode().tag(sync=True)
    query = traitlets.Unicode(help="The text that `rows` are the results of.").tag(sync=True)
    rows = traitlets.List(traitlets.Dict(), help="The records shown, nearest first.").tag(sync=True)
    status = traitlets.Unicode(help="One line about the last search.").tag(sync=True)
    can_judge = traitlets.Bool(help="Whether judgments are stored.").tag(sync=True)
    judgments = traitlets.Dict(help="By id, the judgment on the record for this query.").tag(
        sync=True
    )
    candidates = traitlets.List(
        traitlets.Dict(), help="Records that may be missing from the results, and why they are."
    ).tag(sync=True)
    facets = traitlets.List(
        traitlets.Dict(), help="Fields and values to filter by, once requested."
    ).tag(sync=True)
    chosen = traitlets.Dict(help="By field, the positions of the values filtered by.").tag(
        sync=True
    )
    ranges = traitlets.Dict(help="By field, the bounds filtered by, or null.").tag(sync=True)
    where = traitlets.Any(help="The filter of every search, or None.")
    where_text = traitlets.Unicode(help="The filter that was typed, or empty.").tag(sync=True)
    transform = traitlets.Unicode(help="The active transform, or empty.").tag(sync=True)
    side = traitlets.Unicode("after", help='"before" shows the ranks without the transform.').tag(
        sync=True
    )
    moves = traitlets.Dict(help="By id, the rank on the other side; 0 if below `depth`.").tag(
        sync=True
    )
    depth = traitlets.Int(help="How many ranks of the other side are known.").tag(sync=True)
    reasons = traitlets.Dict(help="Why a record has its rank: `id` and `lines`.").tag(sync=True)
    picked = traitlets.List(traitlets.Unicode(), help="The ids of the selected rows.").tag(
        sync=True
    )
    selected = traitlets.Int(help="The number of selected records.").tag(sync=True)
    n_results = traitlets.Int(10, min=1)

    def __init__(
        self,
        collection: _Collection,
        *,
        n_results: int = 10,
        where: Mapping[str, Any] | None = None,
        show: Sequence[str] | str | None = None,
        by: str | None = None,
    ) -> None:
        self.collection = collection
        self._show = check_show(show)
        self._keys: list[str] | None = None  # those to show, once there are results
        self.by = by
        self.results: Any = None
        self._facets: list[Facet | RangeFacet] = []
        super().__init__(
            collection,
            collection_name=collection.name,
            n_results=check_n_results(n_results),
            where=where,
            can_judge=_can_judge(collection),
            status=count(collection.count(), "record"),
        )
        self._selection_changed()

    def search(self, text: str) -> Any:
        """Search for a text and show the results, as if it had been typed.

        Args:
            text: The query, which the embedding function of the collection embeds.

        Returns:
            The result of `collection.query`, also available as `results`.

        Raises:
            InvalidArgumentError: The text is blank or longer than 10,000 characters.
            InvalidArgumentTypeError: The text is not a str.
            Exception: Any error that the collection raises; the widget shows its message, too.
        """
        return self._search(_query(_CALLED, text))

    def judge(self, id: str, relevance: float, note: str | None = None) -> None:
        """Judge whether a record answers the current query; the judgment is stored immediately.

        Args:
            id: The id of the record.
            relevance: Positive for an answer, negative for a record that is not; 0 removes the judgment.
            note: The reason.
        """
        with self.working():
            shown = any(row["id"] == id for row in self.rows)
            _store_judgment(
                self.collection, self.query, id, relevance, note=note, by=self.by, shown=shown
            )
            self._read_judgments()

    def missing(self, id: str) -> None:
        """Judge that a record should have been among the results but was not."""
        with self.working():
            _store_judgment(self.collection, self.query, id, 1.0, by=self.by, shown=False)
            self._read_judgments()

    def find(self, text: str) -> None:
        """Look for a record that is missing from the results, by its id or by other words."""
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
                rows = self._shown(found)
            missing = [row for row in rows if row["id"] not in shown][:_CANDIDATES]
            self.candidates = self._with_reasons(missing)
            if not self.candidates:
                raise InvalidArgumentError(
                    f"No record found for {short(text)} that is not already shown. Try other words."
                )
            self._read_judgments()

    def read_facets(self) -> None:
        """Find the values to filter by; the panel requests this when the filter is opened."""
        with self.working():
            self._facets = facets_of(self.collection)
            self.facets = [facet.shown() for facet in self._facets]
            self.chosen, self.ranges = {}, {}

    def restrict(self, text: str) -> None:
        """Restrict the search to records that match a condition, as if it had been typed.

        Args:
            text: A condition as in `%chroma query --where`, such as
                `year >= 2020 and venue in ("ACL", "EMNLP")`; blank text removes it.

        Raises:
            InvalidArgumentError: The text cannot be parsed; the filter and the results do not change.
        """
        with self.working():
            self.where_text = text

    def show_side(self, side: str) -> None:
        """Show the ranks with the active transform ("after") or without it ("before")."""
        with self.working():
            self.side = side
            self._search_again()

    def why(self, id: str) -> None:
        """Explain why a record has its rank; a blank id removes the explanation."""
        with self.working():
            rank = next((at for at, row in enumerate(self.rows, 1) if row["id"] == id), 0)
            if not rank:
                self.reasons = {}
                return
            searched = self._searched()
            lines = why(
                [] if searched is None else searched.why(id).lines,
                self.rows[rank - 1],
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

    def _searched(self) -> Any:
        """Run the current query as a search, whose result explains itself; None over other clients."""
        if not self.query or not self.can_judge:
            return None
        without = self.side == "before" and _active_transform(self.collection)
        search = Search(self._where(), Knn(self.query, limit=self.n_results), limit=self.n_results)
        return self.collection.search(search, **({"transform": None} if without else {}))  # type: ignore[attr-defined]

    def _with_reasons(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Say of each record why it is not among the results."""
        searched = self._searched() if rows else None
        found = set() if searched is None else set(searched["ids"][0])
        return [
            {
                **row,
                "why": ""
                if searched is None or row["id"] in found
                else "; ".join(searched.why_not(row["id"]).lines),
            }
            for row in rows
        ]

    def _search(self, text: str) -> Any:
        with self.working():
            found, rows, status, active = None, [], "", ""
            moves: dict[str, int] = {}
            try:
                active = _active_transform(self.collection)
                start = time.perf_counter()
                found = self._ask(text, self.n_results, self.side if active else "")
                milliseconds = 1000 * (time.perf_counter() - start)
                rows = self._shown(found)
                filtered = "" if self._where() is None else ", filtered"
                status = (
                    f"{len(rows):,} of {self.collection.count():,}"
                    f" in {milliseconds:,.0f} ms{filtered}"
                )
                if active:
                    moves = self._moves(text, rows)
            except BaseException:
                found, rows, status, active, moves = None, [], "", "", {}
                raise
            finally:
                self.results = found
                if text != self.query or not rows:
                    self.candidates = []
                self.query, self.rows, self.status = text, rows, status
                self.transform, self.moves, self.reasons = active, moves, {}
            self._read_judgments()
            self._selection_changed()
        return found

    @traitlets.observe("where", "where_text", "chosen", "ranges")
    def _search_again(self, change: object = None) -> None:
        if self.query:
            self._search(self.query)

    def _ask(self, text: str, count: int, side: str) -> Any:
        """Query the collection; `side` is empty if there is no transform to leave out."""
        options = {"transform": None} if side == "before" else {}
        return self.collection.query(
            query_texts=[text], n_results=count, where=self._where(), include=_PARTS, **options
        )

    def _shown(self, found: Any) -> list[dict[str, Any]]:
        """Return results as rows, with the metadata fields to show."""
        if self._show == ALL:
            return query_rows(found)
        if self._keys is None:
            read = getattr(self.collection, "get", None)
            sample = found["metadatas"][0]
            if read is not None and self._show is None:
                sample = read(limit=_KEYS_READ, include=["metadatas"])["metadatas"]
            self._keys = shown_keys(self._show, sample)
        return query_rows(found, self._keys, counts_rest=self._show is None)

    def _moves(self, text: str, rows: list[dict[str, Any]]) -> dict[str, int]:
        self.depth = max(_DEPTH, self.n_results)
        other = "before" if self.side == "after" else "after"
        ranks = ranks_of(self._ask(text, self.depth, other))
        return {row["id"]: ranks.get(row["id"], 0) for row in rows}

    def _read_judgments(self) -> None:
        ids = {row["id"] for row in [*self.rows, *self.candidates]}
        self.judgments = _latest_judgments(self.collection, self.query, ids)

    @traitlets.validate("where_text")
    def _check_where_text(self, proposal: Any) -> str:
        text: str = proposal["value"].strip()
        with self.validating():
            read_filter(None, self._where(text), None)
        return text

    @traitlets.validate("where")
    def _check_where(self, proposal: Any) -> Any:
        return check_where(self, proposal["value"])

    def _where(self, typed: str | None = None) -> dict[str, Any] | None:
        """Join the typed condition, by default `where_text`, with all other filters."""
        text = self.where_text if typed is None else typed
        parsed = parse_where_text(text) if text else None
        return where_of(self._facets, self.chosen, self.ranges, self.where, parsed)

    def _filter(self, key: str, position: int, on: bool) -> None:
        facet = next((facet for facet in self._facets if facet.key == key), None)
        if not isinstance(facet, Facet) or position >= len(facet.values):
            raise InvalidArgumentError(f"No value {position} of {short(key)} to filter by.")
        others = [at for at in self.chosen.get(key, []) if at != position]
        chosen = {**self.chosen, key: sorted([*others, position]) if on else others}
        self.chosen = {key: positions for key, positions in chosen.items() if positions}

    def _range(self, key: str, low: Bound, high: Bound) -> None:
        if not any(facet.key == key and isinstance(facet, RangeFacet) for facet in self._facets):
            raise InvalidArgumentError(f"{short(key)} has no range to filter by.")
        others = {other: both for other, both in self.ranges.items() if other != key}
        self.ranges = others if low is None and high is None else {**others, key: (low, high)}

    def _pick(self, id: str, more: bool) -> None:
        if not any(row["id"] == id for row in self.rows):
            raise InvalidArgumentError(f"{short(id)} is not among the results.")
        selected = self.selection.ids
        if not more:
            self._select([] if selected == [id] else [id])
        else:
            self._select([i for i in selected if i != id] if id in selected else [*selected, id])

    def _unselect(self) -> None:
        self.selection.clear()

    def _records_written(self) -> None:
        self._search_again()

    def _selection_changed(self) -> None:
        self.selected = len(self.selection)
        picked = {row["id"] for row in self.rows}.intersection(self.selection)
        self.picked = [row["id"] for row in self.rows if row["id"] in picked]

    def __repr__(self) -> str:
        query = f", query={cut(self.query, _QUERY_SHOWN)!r}" if self.query else ""
        return f"SearchPanel({self.collection_name!r}{query}, rows={len(self.rows)})"

    def _static_html(self) -> str:
        status = self.error or self.status
        if not self.rows:
            line = f"Search panel over {self.collection_name!r} ({status}). Run the cell to search."
            return html_block(f"<p>{html.escape(line, quote=False)}</p>")
        return html_table(
            ["id", "document", "distance"],
            [[row["id"], row["document"], row["distance"]] for row in self.rows],
            caption=f"{self.collection_name}: {self.query}",
            note=status,
        )


def _active_transform(collection: Any) -> str:
    transforms = getattr(collection, "transforms", None)
    active = None if transforms is None else transforms.active
    return "" if active is None else str(active.name)


def _can_judge(collection: Any) -> bool:
    """Return whether a collection stores judgments; those of Chroma's own client do not."""
    return hasattr(collection, "feedback")


def _latest_judgments(
    collection: Any, query: str, ids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the latest judgment on each record as an answer to a query; clicks do not count.

    Returns:
        By id: `relevance`, `note`, `by`, and whether the record was `shown`.
    """
    latest: dict[str, dict[str, Any]] = {}
    for judgment in _about(collection, query):
        if judgment.id in ids:
            latest.pop(judgment.id, None)  # so that the order is that of the latest judgments
            latest[judgment.id] = {
                "relevance": judgment.relevance,
                "note": judgment.note or "",
                "by": judgment.by or "",
                "shown": judgment.shown,
            }
    return latest


def _store_judgment(
    collection: Any,
    query: str,
    id: str,
    relevance: float,
    *,
    note: str | None = None,
    by: str | None = None,
    shown: bool = True,
) -> None:
    """Store whether a record answers a query; 0 removes the judgments of the same user on it.

    Raises:
        InvalidArgumentError: There is no query yet, no such record, or the collection stores no judgments.
    """
    if not _can_judge(collection):
        raise InvalidArgumentError(
            f"Judgments need a chromalab collection; got {type(collection).__name__}."
        )
    if not query:
        raise InvalidArgumentError(
            "A judgment needs a query that the record answers. Search for something first."
        )
    if relevance:
        collection.feedback.add(query, id, relevance, note=note or None, by=by, shown=shown)
        return
    mine = [j for j in _about(collection, query) if j.id == id and j.by == _name(by)]
    if mine:
        collection.feedback.remove([j.number for j in mine])


def _about(collection: Any, query: str) -> list[Any]:
    """Return the judgments on a query; clicks do not count, and only new judgments are read."""
    if not query or not _can_judge(collection):
        return []
    return [j for j in collection.feedback.of_query(query) if j.source != "clicks"]


def _name(by: str | None) -> str | None:
    return user_name() if by is None else by
