"""`Review`: one item at a time, decided with a key press; every decision can be undone."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, ClassVar

import traitlets

from chromalab.analytics import Clusters, Duplicates, Outliers
from chromalab.arguments.values import check_show
from chromalab.errors import ChromalabError, InvalidArgumentError, short
from chromalab.feedback import Decision, Decisions
from chromalab.results.metadata import Show, shown_keys
from chromalab.results.tables import count, html_block, html_table
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.core.fields import flag, maybe, number, text, whole
from chromalab_widgets.core.records import more
from chromalab_widgets.core.selection import SelectingWidget
from chromalab_widgets.core.text import cut
from chromalab_widgets.core.widget import Verb
from chromalab_widgets.review.cluster_queue import ClusterQueue
from chromalab_widgets.review.duplicate_queue import DuplicateQueue
from chromalab_widgets.review.outlier_queue import OutlierQueue
from chromalab_widgets.review.queue import Item, Queue

__all__ = ["Review"]

_LONGEST = 10_000
_EXAMPLES = 5
_DOCUMENT = 120
_NEEDED = {"text": "a text. Type one.", "item": "another item. Choose one."}


class Review(SelectingWidget):
    """Go through a queue of duplicates, labels, clusters or outliers, one item at a time.

    Every decision is stored with the collection immediately, so a review can be continued later, even in
    a new Python process.

    With `follows`, moving to an item, by hand or by deciding on the one before, selects its records in
    `collection.selection`; and when records of an item are selected elsewhere, the review moves to it. It
    is off by default, so that deciding does not replace a selection.

    Args:
        queue: The queue.
        show: The metadata fields to show, or "all"; by default, the most useful ones, and those that differ.

    Attributes:
        queue: The queue.
        decisions: All decisions of the queue, including those of earlier sessions.
        follows: Whether the item and the selection follow each other; can be set.

    Example:
        In a notebook::

            review = papers.dedupe().review()
            review                         # the last line of a cell displays it
            review.decide("merge")         # the same as the key 1
            review.apply()                 # in one transaction
            review.undo()
    """

    _esm = bundle("review.js")
    _css = bundle("review.css")

    verbs: ClassVar = {
        "decide": Verb(
            "_decide",
            item=text(_LONGEST),
            choice=text(_LONGEST),
            value=maybe(text(_LONGEST)),
        ),
        "undo": Verb("undo"),
        "go": Verb("go", by=whole(-1, 1)),
        "apply": Verb("apply"),
        "guesses": Verb("guesses", least=number(0, 1)),
        "accept": Verb("accept", least=number(0, 1)),
        "follow": Verb("_follow", on=flag()),
    }

    collection_name = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode(help="What is reviewed, in one word.").tag(sync=True)
    choices = traitlets.List(
        traitlets.Dict(), help="The choices, in the order of the number keys."
    ).tag(sync=True)
    key = traitlets.Unicode(help="The key of the item shown; empty if nothing is left.").tag(
        sync=True
    )
    item = traitlets.Dict(help="What is shown of the item.").tag(sync=True)
    decided = traitlets.Unicode(help="The decision on the item, or empty.").tag(sync=True)
    position = traitlets.Int(help="The position of the item in the queue, from 1.").tag(sync=True)
    length = traitlets.Int(help="The number of items.").tag(sync=True)
    done = traitlets.Int(help="The number of decided items.").tag(sync=True)
    total = traitlets.Int(help="The number of items to decide on.").tag(sync=True)
    plan = traitlets.Unicode(help="What applying would do now, or empty.").tag(sync=True)
    undoes = traitlets.Unicode(help="What would be undone, or empty.").tag(sync=True)
    has_guesses = traitlets.Bool(help="Whether guesses can be accepted at once.").tag(sync=True)
    confident = traitlets.Dict(help="Guesses: `least`, `count`, `examples`.").tag(sync=True)
    status = traitlets.Unicode(help="One line about the last action.").tag(sync=True)
    follows = traitlets.Bool(help="Whether the item and the selection follow each other.").tag(
        sync=True
    )

    def __init__(self, queue: Queue, *, show: Sequence[str] | str | None = None) -> None:
        self.queue, self._show = queue, check_show(show)
        self._at = 0
        super().__init__(
            queue.collection,
            collection_name=queue.collection.name,
            kind=queue.kind,
            has_guesses=queue.has_guesses,
        )
        self._at = self._next(-1)
        self._draw()

    @classmethod
    def of(cls, result: Any, *, show: Sequence[str] | str | None = None, **options: Any) -> Review:
        """Review the result of an analysis with the queue for it; see `chromalab_widgets.show.review`."""
        kinds = {
            Duplicates: DuplicateQueue,
            Clusters: ClusterQueue,
            Outliers: OutlierQueue,
        }
        for kind, queue in kinds.items():
            if isinstance(result, kind):
                return cls(queue(result, **options), show=show)
        names = ", ".join(kind.__name__ for kind in kinds)
        raise InvalidArgumentError(
            f"The result to review must be one of {names}; got {type(result).__name__}."
        )

    @property
    def decisions(self) -> Decisions:
        """The decisions of the queue, of this session and of earlier ones."""
        return self.queue.decisions

    def decide(self, choice: str, value: Any = None) -> Decision:
        """Decide on the item that is shown, and move to the next one.

        Args:
            choice: The name or the label of a choice.
            value: What the choice needs: a name, another item, or the record to keep.

        Raises:
            InvalidArgumentError: There is no such choice, or nothing is left to decide.
        """
        named = {each.label: each.name for each in self.queue.choices}
        return self._decide(self.key, named.get(choice, choice), value)

    def undo(self) -> Decision:
        """Undo the last decision, or the last `apply`, and show the item that it was about.

        Raises:
            NotFoundError: There are no decisions.
            InvalidArgumentError: Deleted records cannot be restored, as the collection has changed since.
        """
        with self.working():
            last = self.queue.undo()
            left = f"; left alone: {count(last.left, 'record')} changed since" if last.left else ""
            status, items = f"Undone: {self.queue.describe(last)}{left}", list(self.queue.items)
            if last.item in items:
                self._go_to(items.index(last.item), status)
            else:
                self._draw(status)
        return last

    def apply(self) -> Decision:
        """Carry out the decisions in one transaction; `undo` reverts it.

        Raises:
            InvalidArgumentError: There is nothing to do, or the collection has changed in the meantime.
        """
        with self.working():
            applied = self.queue.apply(self._pending())
            self._draw(f"Applied: {self.queue.describe(applied)}. Undo reverts it.")
            existing = self.queue.existing(self.selection.ids)
            if len(existing) < len(self.selection):  # deleted records cannot stay selected
                self._select(existing)
        return applied

    def go(self, by: int) -> None:
        """Move to the next item, or with -1 to the previous one, without deciding."""
        with self.working():
            total = len(self.queue.items)
            self._go_to(max(0, min(total - 1, self._at + by)))

    def guesses(self, least: float) -> int:
        """Count the guesses with at least this confidence, and show some of them."""
        with self.working():
            found: dict[str, Any] = self.queue.confident(least)
            some = list(found)[:_EXAMPLES]
            columns = self.queue.collection.get(ids=some, include=["documents"]) if some else {}
            texts = dict(zip(columns.get("ids", []), columns.get("documents") or [], strict=False))
            total: int = len(found)
            self.confident = {
                "least": least,
                "count": total,
                "examples": [[cut(texts.get(id) or id, _DOCUMENT), str(found[id])] for id in some],
            }
        return total

    def accept(self, least: float) -> Decision:
        """Accept all guesses with at least this confidence as decisions; `undo` reverts them at once."""
        with self.working():
            accepted = self.queue.accept(least)
            self._go_to(self._next(self._at - 1), self.queue.describe(accepted))
        return accepted

    def _decide(self, item: str, choice: str, value: Any = None) -> Decision:
        with self.working():
            if item != self.key or not item:
                raise InvalidArgumentError(
                    f"The item to decide on must be the one shown; got {short(item)}. Look again."
                )
            found = self.queue.choice(choice)
            if found.needs and value is None:
                raise InvalidArgumentError(f"{short(found.label)} needs {_NEEDED[found.needs]}")
            decision = self.queue.decide(item, found, value)
            self._go_to(self._next(self._at), self.queue.describe(decision))
        return decision

    def _follow(self, on: bool) -> None:
        self.follows = on

    def _go_to(self, at: int, status: str = "") -> None:
        """Show another item and select its records, except those that have been deleted."""
        self._at = at
        self._draw(status)
        self._select_shown()

    @traitlets.observe("follows")
    def _select_shown(self, change: object = None) -> None:
        if self.follows and self.key:
            with self.working():
                self._select(self.queue.existing(self.queue.records(self.key)))

    def _selection_changed(self) -> None:
        """Move to the first item with a selected record, unless the item shown has one."""
        if not self.follows or self._working:  # it already shows what it selects itself
            return
        chosen = set(self.selection)
        if self.key and not chosen.isdisjoint(self.queue.records(self.key)):
            return
        for at, key in enumerate(self.queue.items):
            if not chosen.isdisjoint(self.queue.records(key)):
                # An error here is not the fault of the code that selects; `error` shows it.
                with suppress(ChromalabError), self.working():
                    self._at = at
                    self._draw()
                return

    def _next(self, at: int) -> int:
        """Return the next undecided item after `at`, starting over at the end of the queue."""
        for _ in range(2):
            decided, items = self._decided(), list(self.queue.items)
            order: list[int] = [*range(at + 1, len(items)), *range(at + 1)]
            for position in order:
                if position < len(items) and items[position] not in decided:
                    return position
            if not self.queue.more():
                return len(items)
        return len(self.queue.items)

    def _decided(self) -> dict[str, Decision]:
        items = set(self.queue.items)
        return {d.item: d for d in self.queue.decisions if d.item in items}

    def _pending(self) -> dict[str, Decision]:
        """Return the decisions that have not been applied yet."""
        pending: dict[str, Decision] = {}
        items = set(self.queue.items)
        for decision in self.queue.decisions:
            if decision.choice == "apply":
                pending.clear()
            elif decision.item in items:
                pending[decision.item] = decision
        return pending

    def _draw(self, status: str = "") -> None:
        decisions, items = list(self.queue.decisions), list(self.queue.items)
        decided = self._decided()
        self._at = min(self._at, len(items))
        key = items[self._at] if self._at < len(items) else ""
        with self.hold_sync():
            self.choices = [asdict(choice) for choice in self.queue.choices]
            self.key, self.item = key, _drawn(self.queue.show(key), self._show) if key else {}
            self.decided = self.queue.describe(decided[key]) if key in decided else ""
            self.position, self.length = min(self._at + 1, len(items)), len(items)
            self.done, self.total = self.queue.progress(decided)
            self.plan = self._plan(self._pending())
            self.undoes = self.queue.describe(decisions[-1]) if decisions else ""
            self.confident = {}
            self.status = status

    def _plan(self, pending: Mapping[str, Decision]) -> str:
        plan = self.queue.plan(pending)
        return "" if plan.is_empty else plan.summary

    def __repr__(self) -> str:
        return f"Review({self.kind} of {self.collection_name!r}, {self.done:,} of {self.total:,} decided)"

    def _static_html(self) -> str:
        if not self.item:
            return html_block(f"<p>{html.escape(repr(self), quote=False)}</p>")
        rows = [
            [record["id"], "".join(piece for piece, mark in record["text"] if mark >= 0)]
            for record in self.item["records"]
        ]
        return html_table(["id", "document"], rows, caption=self.item["heading"], note=repr(self))


def _drawn(item: Item, show: Show) -> dict[str, Any]:
    """Convert an item to values that JSON can represent, with the metadata to show and what differs."""
    drawn = asdict(item)
    facts = [[tuple(fact) for fact in record["metadata"]] for record in drawn["records"]]
    keys = shown_keys(show, [{key: value for key, value, _ in each} for each in facts])
    for record, each in zip(drawn["records"], facts, strict=True):
        known = {fact[0]: fact for fact in each}
        first = [known[key] for key in keys if key in known]
        record["metadata"] = [*first, *(f for f in each if f[2] and f[0] not in keys)]
        if show is None and len(each) > len(record["metadata"]):
            record["metadata"].append([*more(len(each) - len(record["metadata"])), False])
    return drawn
