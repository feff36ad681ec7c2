"""`JudgmentLog`: the stored judgments of a collection, of which only new ones are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chromalab.errors import InvalidArgumentError
from chromalab.handle import Handle
from chromalab.judgments.judgment import KIND, Judgment, read_attachment

__all__ = ["JudgmentLog", "LoggedJudgments"]


@dataclass(frozen=True)
class LoggedJudgments:
    """The judgments of a collection at one point in time.

    Attributes:
        by_number: Every stored row by its number, in the order in which they were added; None for a
            row that is not a judgment, which another program wrote.
    """

    by_number: Mapping[int, Judgment | None] = field(default_factory=dict)

    @property
    def judgments(self) -> list[Judgment]:
        """The judgments, in the order in which they were added."""
        return [judgment for judgment in self.by_number.values() if judgment is not None]

    @property
    def invalid(self) -> int:
        """The number of rows that are not judgments."""
        return sum(judgment is None for judgment in self.by_number.values())


class JudgmentLog:
    """Reads the judgments of a collection; `collection.room(JudgmentLog)` caches them.

    A judgment never changes once it is stored, and its number is never given again. So each read asks
    for the numbers that exist now, which an index of the database answers, and loads only judgments
    with a higher number than any that was read before. This is correct when other processes add and
    remove judgments too.

    Args:
        collection: The collection.
    """

    def __init__(self, collection: Handle) -> None:
        self._collection = collection
        self._cached = LoggedJudgments()

    def read(self) -> LoggedJudgments:
        """Return all judgments."""
        # Threads may get here at once. Each replaces the cache by a state that was true when it read.
        cached = self._cached.by_number
        numbers, added = self._collection.engine.attachments_since(
            self._collection.id, KIND, max(cached, default=0)
        )
        if added or len(numbers) != len(cached):
            new: dict[int, Judgment | None] = {}
            for attachment in added:
                try:
                    new[attachment.number or 0] = read_attachment(attachment)
                except InvalidArgumentError:
                    new[attachment.number or 0] = None
            self._cached = LoggedJudgments(
                {number: new[number] if number in new else cached[number] for number in numbers}
            )
        return self._cached

    def of_query(self, query: str) -> list[Judgment]:
        """Return the judgments of one text query, in the order in which they were added.

        Args:
            query: The text.
        """
        return [judgment for judgment in self.read().judgments if judgment.query == query]
