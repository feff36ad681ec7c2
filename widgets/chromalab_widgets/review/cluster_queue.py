"""`ClusterQueue`: clusters to name, merge or dissolve; the names are written to a metadata field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chromalab.arguments.values import check_field
from chromalab.errors import InvalidArgumentError, short
from chromalab.feedback import Decision
from chromalab.results.tables import count
from chromalab_widgets.review.queue import (
    Choice,
    DeferredQueue,
    Item,
    ReviewPlan,
    ReviewRecord,
    key_of,
)

__all__ = ["ClusterQueue"]

_WORDS = 10


class ClusterQueue(DeferredQueue):
    """The clusters that `cluster` found, largest first, with the names that `topics` gives them.

    Args:
        result: `Clusters`.
        into: The metadata field that the names are written to.
        by: Who decides; by default, the user of this machine.
    """

    kind: ClassVar[str] = "clusters"

    def __init__(self, result: Any, *, into: str = "topic", by: str | None = None) -> None:
        super().__init__(result, f"clusters into {into}", by=by)
        self.into = check_field(into, "into")
        self._topics = {topic.label: topic for topic in result.topics()}
        largest = sorted(self._topics.values(), key=lambda topic: (-topic.size, topic.label))
        self._numbers = {key_of(result.records(topic.label)): topic.label for topic in largest}

    @property
    def items(self) -> Sequence[str]:
        """The keys of the clusters, largest first."""
        return list(self._numbers)

    @property
    def choices(self) -> Sequence[Choice]:
        """Keep, name, merge, dissolve."""
        return (
            Choice("keep", "Keep", "Keep the cluster under its current name."),
            Choice("name", "Rename", "Give the cluster a different name.", needs="text"),
            Choice("merge", "Merge into", "Make it part of another cluster.", needs="item"),
            Choice("dissolve", "Dissolve", f"Its records get no {self.into}."),
        )

    def records(self, key: str) -> Sequence[str]:
        """List the ids of the records of a cluster."""
        ids: list[str] = self.result.records(self._numbers[key])
        return ids

    def show(self, key: str) -> Item:
        """Return the keywords of a cluster and the records nearest to its center."""
        topic = self._topics[self._numbers[key]]
        records = [ReviewRecord.of(self.snapshot, self.snapshot.row_of(id)) for id in topic.ids]
        words = ", ".join(word for word, _ in topic.words[:_WORDS])
        share = topic.size / max(1, len(self.snapshot))
        return Item(
            topic.name or f"cluster {topic.label}",
            records,
            facts=[("records", f"{topic.size:,} ({share:.1%})"), ("keywords", words)],
            more=topic.size - len(records),
            suggested="keep",
            targets=[(other, self._name(other)) for other in self._numbers if other != key],
            text=self._name(key),
        )

    def decide(self, key: str, choice: Choice, value: Any) -> Decision:
        """Store a decision; its value is a name, or the key of the cluster to merge into."""
        if choice.name == "merge" and (value not in self._numbers or value == key):
            raise InvalidArgumentError(
                f"The cluster to merge into must be another cluster; got {short(value)}."
            )
        return self.decisions.add(key, choice.name, value if choice.needs else None)

    def describe(self, decision: Decision) -> str:
        """Describe a decision in a few words."""
        if decision.choice == "merge" and decision.value in self._numbers:
            return f"Merge into: {self._name(decision.value)}"
        return super().describe(decision)

    def plan(self, decided: Mapping[str, Decision]) -> ReviewPlan:
        """Return how many records get which names."""
        update: dict[str, list[Any]] = {"ids": [], "metadatas": []}
        names = set()
        every = {decision.item: decision for decision in self.decisions}  # includes applied ones
        for key in decided:
            if key not in self._numbers:
                continue
            name = self._final(key, every)
            names.add(name)
            ids = self.records(key)
            update["ids"] += ids
            update["metadatas"] += [{self.into: name} for _ in ids]
        named = len(names - {None})
        return ReviewPlan(
            f"{self.into} written to {count(len(update['ids']), 'record')} ({count(named, 'name')})",
            update=update,
        )

    def _final(self, key: str, decided: Mapping[str, Decision]) -> str | None:
        """Return the name that a cluster's records get, following all merges."""
        seen = [key]
        while (decision := decided.get(seen[-1])) is not None and decision.choice == "merge":
            if decision.value in seen:
                names = ", ".join(self._name(each) for each in seen)
                raise InvalidArgumentError(
                    f"Clusters cannot be merged into each other: {names}. Undo one of the merges."
                )
            seen.append(decision.value)
        if decision is not None and decision.choice == "dissolve":
            return None
        if decision is not None and decision.choice == "name":
            return str(decision.value)
        return self._name(seen[-1])

    def _name(self, key: str) -> str:
        topic = self._topics[self._numbers[key]]
        return topic.name or f"cluster {topic.label}"
