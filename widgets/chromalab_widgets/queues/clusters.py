"""`ClusterQueue`: clusters to name, merge or dissolve, written to a metadata key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chromalab.arguments.values import check_field
from chromalab.errors import InvalidArgumentError, short
from chromalab.feedback import Decision
from chromalab_widgets.queues.held import HeldQueue
from chromalab_widgets.queues.queue import Choice, Item, Plan, Shown, key_of

__all__ = ["ClusterQueue"]

_WORDS = 10


class ClusterQueue(HeldQueue):
    """The clusters that `cluster` found, the largest first, with the names that `topics` gives them.

    Args:
        result: `Clusters`.
        into: The metadata key that the names are written to.
        by: Who decides; the user of this machine, unless said.
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
        """The keys of the clusters, the largest first."""
        return list(self._numbers)

    @property
    def choices(self) -> Sequence[Choice]:
        """Keep, name, merge, dissolve."""
        return (
            Choice("keep", "Keep", "Keep it under the name it has."),
            Choice("name", "Name", "Give it a name.", needs="text"),
            Choice("merge", "Merge into", "Make it a part of another one.", needs="item"),
            Choice("dissolve", "Dissolve", f"Its records get no {self.into}."),
        )

    def records(self, key: str) -> Sequence[str]:
        """List the ids of a cluster."""
        ids: list[str] = self.result.records(self._numbers[key])
        return ids

    def show(self, key: str) -> Item:
        """Show the words of a cluster, and the records nearest to its middle."""
        topic = self._topics[self._numbers[key]]
        records = [Shown.of(self.snapshot, self.snapshot.row_of(id)) for id in topic.ids]
        words = ", ".join(word for word, _ in topic.words[:_WORDS])
        share = topic.size / max(1, len(self.snapshot))
        return Item(
            topic.name or f"cluster {topic.label}",
            records,
            facts=[("records", f"{topic.size:,} ({share:.1%})"), ("words", words)],
            more=topic.size - len(records),
            suggested="keep",
            targets=[(other, self._name(other)) for other in self._numbers if other != key],
            text=self._name(key),
        )

    def decide(self, key: str, choice: Choice, value: Any) -> Decision:
        """Keep a decision: a name, or the key of the cluster to merge into."""
        if choice.name == "merge" and (value not in self._numbers or value == key):
            raise InvalidArgumentError(f"{short(value)} is no other cluster to merge into")
        return self.decisions.add(key, choice.name, value if choice.needs else None)

    def told(self, decision: Decision) -> str:
        """Say a decision in a few words."""
        if decision.choice == "merge" and decision.value in self._numbers:
            return f"Merge into: {self._name(decision.value)}"
        return super().told(decision)

    def plan(self, decided: Mapping[str, Decision]) -> Plan:
        """Say how many records get which names."""
        update: dict[str, list[Any]] = {"ids": [], "metadatas": []}
        names = set()
        every = {decision.item: decision for decision in self.decisions}  # applied before, too
        for key in decided:
            if key not in self._numbers:
                continue
            name = self._final(key, every)
            names.add(name)
            ids = self.records(key)
            update["ids"] += ids
            update["metadatas"] += [{self.into: name} for _ in ids]
        named = len(names - {None})
        return Plan(
            f"{len(update['ids']):,} records under {named:,} names of {self.into}", update=update
        )

    def _final(self, key: str, decided: Mapping[str, Decision]) -> str | None:
        """The name that the records of a cluster get, through all that it is merged into."""
        seen = [key]
        while (decision := decided.get(seen[-1])) is not None and decision.choice == "merge":
            if decision.value in seen:
                names = ", ".join(self._name(each) for each in seen)
                raise InvalidArgumentError(f"Clusters are merged into each other: {names}")
            seen.append(decision.value)
        if decision is not None and decision.choice == "dissolve":
            return None
        if decision is not None and decision.choice == "name":
            return str(decision.value)
        return self._name(seen[-1])

    def _name(self, key: str) -> str:
        topic = self._topics[self._numbers[key]]
        return topic.name or f"cluster {topic.label}"
