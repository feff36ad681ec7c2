"""The part of `Collection` that labels records, and asks for labels: each is one call into `analytics`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chromalab import analytics
from chromalab.analytics import Classification, LabelQueue, Projection, Propagated, Result
from chromalab.analytics.classify.labels import check_choices, pairs
from chromalab.analytics.project import warm
from chromalab.analytics.stored import remembered
from chromalab.arguments.values import check_field
from chromalab.observing import Observed
from chromalab.types import Where

__all__ = ["Labelled"]

R = TypeVar("R", bound=Result)


class Labelled(Observed):
    """Labels: of some records spread to the others, learned, and asked for."""

    def propagate(
        self,
        key: str,
        *,
        alpha: float = 0.9,
        where: Where | None = None,
        into: str | None = None,
        random_state: int = 0,
        progress: bool = True,
    ) -> Propagated:
        """Label every record by those that have a label; see `chromalab.analytics.propagate`.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> kinds = [{"kind": "tea"}, None, {"kind": "chalk"}]
            >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0], [1, 0.1], [0, 1]], metadatas=kinds)
            >>> points.propagate("kind").labels
            ['tea', 'tea', 'chalk']
        """
        options = {"key": key, "alpha": alpha, "random_state": random_state}
        return self._analysed(Propagated, analytics.propagate, options, where, into, progress)

    def classify(
        self,
        field: str | None = None,
        *,
        labels: Any = None,
        examples: Any = None,
        method: str = "auto",
        threshold: float | None = None,
        where: Where | None = None,
        into: str | None = None,
        random_state: int = 0,
        progress: bool = True,
    ) -> Classification:
        """Label every record by some labels, by examples or by names; see `chromalab.analytics.classify`.

        `into` may be `field` itself: it never overwrites what a person wrote there, and the next call does not
        learn from what it wrote.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> texts = ["Tea is a hot drink.", "Chalk is a soft rock.", "Coffee is a hot drink."]
            >>> notes.add(ids=["a", "b", "c"], documents=texts)
            >>> notes.update(ids=["a", "b"], metadatas=[{"kind": "drink"}, {"kind": "rock"}])
            >>> found = notes.classify("kind", into="kind")
            >>> found.labels
            ['drink', 'rock', 'drink']
            >>> notes.classify(examples={"drink": "a cup of cocoa", "rock": "granite"}).labels
            ['drink', 'rock', 'drink']
        """
        if isinstance(examples, Mapping):
            examples = pairs(
                examples
            )  # 1 and "1" are two labels, but one key in the name of what is kept
        options = {
            "field": field,
            "labels": labels,
            "examples": examples,
            "method": method,
            "threshold": threshold,
            "random_state": random_state,
        }
        return self._analysed(Classification, analytics.classify, options, where, into, progress)

    def label_queue(
        self,
        field: str,
        *,
        strategy: str = "auto",
        n: int = 20,
        choices: Sequence[Any] | None = None,
        where: Where | None = None,
        random_state: int = 0,
        progress: bool = True,
    ) -> LabelQueue:
        """Say which records to label next; see `chromalab.analytics.label_queue`.

        Example:
            >>> import chromalab
            >>> facts = chromalab.EphemeralClient().create_collection("facts")
            >>> _ = facts.add_from(chromalab.datasets.load("facts"))
            >>> queue = facts.label_queue("about", n=2)
            >>> queue.label({queue.ids[0]: "nature"})
            1
            >>> facts.label_queue("about", n=2).labelled
            1
        """
        options = {
            "field": check_field(field, "field") if field is None else field,
            "strategy": strategy,
            "n": n,
            "choices": None if choices is None else check_choices(choices),
            "random_state": random_state,
        }
        return self._analysed(LabelQueue, analytics.label_queue, options, where, None, progress)

    def _analysed(
        self,
        kind: type[R],
        analysis: Callable[..., R],
        options: dict[str, Any],
        where: Where | None,
        into: str | None,
        progress: bool,
    ) -> R:
        """Return the kept result, or make it; then write it to metadata, where that was asked for."""
        if kind is not Projection and "ipykernel" in sys.modules:
            warm()  # in a notebook a map comes after clusters, and should not wait for a compiler
        snapshot = self.snapshot(where)
        given = {
            name: value
            for name, value in options.items()
            if value is not None or name == "random_state"  # None is no seed: the analysis says so
        }
        found = remembered(
            kind, snapshot, given, lambda: analysis(snapshot, progress=progress, **given)
        )
        return found if into is None else found.into(into)
