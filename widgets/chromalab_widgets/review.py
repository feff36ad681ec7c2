"""A review: one thing at a time, decided by a key, and everything can be undone."""

from __future__ import annotations

import html
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, ClassVar

import traitlets

from chromalab.analytics import Clusters, Duplicates, Outliers
from chromalab.results.tables import html_table
from chromalab.errors import ChromalabError, InvalidArgumentError, short
from chromalab.feedback import Decision, Decisions
from chromalab_widgets.base import Verb, cut
from chromalab_widgets.bundles import bundle
from chromalab_widgets.fields import flag, maybe, number, text, whole
from chromalab_widgets.queues import ClusterQueue, DuplicateQueue, Item, OutlierQueue, Queue
from chromalab_widgets.selection import SelectingWidget

__all__ = ["Review"]

_LONGEST = 10_000
_EXAMPLES = 5
_DOCUMENT = 120


class Review(SelectingWidget):
    """Go through a queue: duplicates, labels, clusters or outliers, one at a time.

    Every decision is kept with the collection at once, so a review goes on where it was left, also after
    Python was closed.

    With `follows`, going to an item, by hand or by deciding on the one before, selects its records in
    `collection.selection`; and where others select records of an item, the review goes to it. It is off
    at first, so that no selection is lost by deciding.

    Attributes:
        queue: What is gone through.
        decisions: Those that were made, also before.
        follows: Whether item and selection go together; may be set.

    Example:
        In a notebook::

            review = collection.dedupe().review()
            review                         # the last line of a cell shows it
            review.decide("merge")         # as the key 1 does
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
        traitlets.Dict(), help="What may be decided, in the order of the keys."
    ).tag(sync=True)
    key = traitlets.Unicode(help="Names the item shown; empty where nothing is left.").tag(
        sync=True
    )
    item = traitlets.Dict(help="What is shown of it.").tag(sync=True)
    decided = traitlets.Unicode(help="What was decided on it, or empty.").tag(sync=True)
    position = traitlets.Int(help="Its place in the queue, from 1.").tag(sync=True)
    length = traitlets.Int(help="How many items there are.").tag(sync=True)
    done = traitlets.Int(help="How many are decided.").tag(sync=True)
    total = traitlets.Int(help="Of how many.").tag(sync=True)
    plan = traitlets.Unicode(help="What applying would do now, or empty.").tag(sync=True)
    undoes = traitlets.Unicode(help="What undo would take back, or empty.").tag(sync=True)
    has_guesses = traitlets.Bool(help="Whether guesses can be accepted together.").tag(sync=True)
    confident = traitlets.Dict(help="Guesses: `least`, `count`, `examples`.").tag(sync=True)
    status = traitlets.Unicode(help="What was done last, in a line.").tag(sync=True)
    follows = traitlets.Bool(help="Whether item and selection go together.").tag(sync=True)

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
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
    def of(cls, result: Any, **options: Any) -> Review:
        """Review what an analysis found.

        Args:
            result: `Duplicates`, `Clusters` or `Outliers` of a collection.
            options: `by`, who decides; and `into`, a metadata key, for clusters and outliers.

        Raises:
            InvalidArgumentError: there is no review of such a result.
        """
        kinds = {
            Duplicates: DuplicateQueue,
            Clusters: ClusterQueue,
            Outliers: OutlierQueue,
        }
        for kind, queue in kinds.items():
            if isinstance(result, kind):
                return cls(queue(result, **options))
        names = ", ".join(kind.__name__ for kind in kinds)
        raise InvalidArgumentError(f"A review is of {names}; found {type(result).__name__}.")

    @property
    def decisions(self) -> Decisions:
        """The decisions of the queue, of this session and of earlier ones."""
        return self.queue.decisions

    def decide(self, choice: str, value: Any = None) -> Decision:
        """Decide on the item that is shown, and go to the next.

        Args:
            choice: Its name, or its label.
            value: What goes with it: a name, another item, or the record to keep.

        Raises:
            InvalidArgumentError: there is no such choice, or nothing is left to decide.
        """
        named = {each.label: each.name for each in self.queue.choices}
        return self._decide(self.key, named.get(choice, choice), value)

    def undo(self) -> Decision:
        """Take back the last decision, or what was applied last, and show what it was about.

        Raises:
            NotFoundError: nothing was decided.
            InvalidArgumentError: what it deleted cannot come back, as the collection has changed since.
        """
        with self.working():
            last = self.queue.undo()
            many = "s" if last.left > 1 else ""
            left = f"; {last.left:,} record{many} changed since, left alone" if last.left else ""
            status, items = f"Undone: {self.queue.told(last)}{left}", list(self.queue.items)
            if last.item in items:
                self._go_to(items.index(last.item), status)
            else:
                self._draw(status)
        return last

    def apply(self) -> Decision:
        """Do what is decided to the records, in one transaction; `undo` takes it back.

        Raises:
            InvalidArgumentError: there is nothing to do, or somebody else has written to the collection.
        """
        with self.working():
            kept = self.queue.apply(self._held())
            self._draw(f"Applied: {self.queue.told(kept)}. Undo puts it back.")
            there = self.queue.there(self.selection.ids)
            if len(there) < len(self.selection):  # what was deleted is selected no more
                self._select(there)
        return kept

    def go(self, by: int) -> None:
        """Go to the next item, or with -1 to the one before, without deciding."""
        with self.working():
            count = len(self.queue.items)
            self._go_to(max(0, min(count - 1, self._at + by)))

    def guesses(self, least: float) -> int:
        """Count the guesses that are as sure as that, and show some of them."""
        with self.working():
            found: dict[str, Any] = self.queue.confident(least)
            some = list(found)[:_EXAMPLES]
            columns = self.queue.collection.get(ids=some, include=["documents"]) if some else {}
            texts = dict(zip(columns.get("ids", []), columns.get("documents") or [], strict=False))
            count: int = len(found)
            self.confident = {
                "least": least,
                "count": count,
                "examples": [[cut(texts.get(id) or id, _DOCUMENT), str(found[id])] for id in some],
            }
        return count

    def accept(self, least: float) -> Decision:
        """Take all guesses that are as sure as that for decisions, at once; `undo` takes them back."""
        with self.working():
            kept = self.queue.accept(least)
            self._go_to(self._next(self._at - 1), self.queue.told(kept))
        return kept

    def _decide(self, item: str, choice: str, value: Any = None) -> Decision:
        with self.working():
            if item != self.key or not item:
                raise InvalidArgumentError(f"{short(item)} is not what is shown: look again")
            found = self.queue.choice(choice)
            if found.needs and value is None:
                raise InvalidArgumentError(f"{found.label} needs {_NEEDS[found.needs]}")
            kept = self.queue.decide(item, found, value)
            self._go_to(self._next(self._at), self.queue.told(kept))
        return kept

    def _follow(self, on: bool) -> None:
        self.follows = on

    def _go_to(self, at: int, status: str = "") -> None:
        """Show another item, and select its records; those that were deleted cannot be."""
        self._at = at
        self._draw(status)
        self._select_shown()

    @traitlets.observe("follows")
    def _select_shown(self, change: object = None) -> None:
        if self.follows and self.key:
            with self.working():
                self._select(self.queue.there(self.queue.records(self.key)))

    def _selection_changed(self) -> None:
        """Go to the first item that has a selected record, unless the one that is shown has."""
        if not self.follows or self._working:  # what it selects itself, it shows already
            return
        chosen = set(self.selection)
        if self.key and not chosen.isdisjoint(self.queue.records(self.key)):
            return
        for at, key in enumerate(self.queue.items):
            if not chosen.isdisjoint(self.queue.records(key)):
                # Whoever selects is not to blame for what goes wrong here: `error` says it.
                with suppress(ChromalabError), self.working():
                    self._at = at
                    self._draw()
                return

    def _next(self, at: int) -> int:
        """The next item without a decision, from the start again where there is none after `at`."""
        for _ in range(2):
            decided, items = self._decided(), list(self.queue.items)
            order: list[int] = [*range(at + 1, len(items)), *range(at + 1)]
            for place in order:
                if place < len(items) and items[place] not in decided:
                    return place
            if not self.queue.more():
                return len(items)
        return len(self.queue.items)

    def _decided(self) -> dict[str, Decision]:
        items = set(self.queue.items)
        return {d.item: d for d in self.queue.decisions if d.item in items}

    def _held(self) -> dict[str, Decision]:
        """The decisions that were not applied yet."""
        held: dict[str, Decision] = {}
        items = set(self.queue.items)
        for decision in self.queue.decisions:
            if decision.choice == "apply":
                held.clear()
            elif decision.item in items:
                held[decision.item] = decision
        return held

    def _draw(self, status: str = "") -> None:
        decisions, items = list(self.queue.decisions), list(self.queue.items)
        decided = self._decided()
        self._at = min(self._at, len(items))
        key = items[self._at] if self._at < len(items) else ""
        with self.hold_sync():
            self.choices = [asdict(choice) for choice in self.queue.choices]
            self.key, self.item = key, _drawn(self.queue.show(key)) if key else {}
            self.decided = self.queue.told(decided[key]) if key in decided else ""
            self.position, self.length = min(self._at + 1, len(items)), len(items)
            self.done, self.total = self.queue.progress(decided)
            self.plan = self._plan(self._held())
            self.undoes = self.queue.told(decisions[-1]) if decisions else ""
            self.confident = {}
            self.status = status

    def _plan(self, held: Mapping[str, Decision]) -> str:
        plan = self.queue.plan(held)
        return "" if plan.is_empty else plan.told

    def __repr__(self) -> str:
        return f"Review({self.kind} of {self.collection_name!r}, {self.done:,} of {self.total:,} decided)"

    def _static_html(self) -> str:
        if not self.item:
            return f"<p>{html.escape(repr(self), quote=False)}</p>"
        rows = [
            [record["id"], "".join(piece for piece, mark in record["text"] if mark >= 0)]
            for record in self.item["records"]
        ]
        return html_table(["id", "document"], rows, caption=self.item["heading"], note=repr(self))


_NEEDS = {"text": "a text: type it", "item": "another one: choose it"}


def _drawn(item: Item) -> dict[str, Any]:
    """Turn an item into what JSON can hold."""
    return asdict(item)
