"""`collection.feedback`: the judgements of a collection, listed, taken back and resolved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.results.tables import html_table, text_table
from chromalab.errors import ChromalabError, NotFoundError, short
from chromalab.feedback.judged import Judged, resolve
from chromalab.feedback.judgement import Judgement
from chromalab.feedback.judging import Judging
from chromalab.feedback.lines import write_lines
from chromalab.feedback.results import (
    Disagreement,
    Disagreements,
    Exported,
    Judgements,
    overview,
    summary,
)
from chromalab.feedback.suggesting import suggest
from chromalab.feedback.suggestions import Suggestions

if TYPE_CHECKING:
    import pandas

__all__ = ["Feedback"]


class Feedback(Judging):
    """The judgements of a collection, in the order they were made; `collection.feedback` makes it.

    They are kept with the collection, not in it: they change nothing of its records and its version.

    Args:
        collection: What is judged.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.feedback.add(query=[0, 1], id=["a", "b"], relevance=[True, False])
        points: 2 judgements added
        >>> [judgement.id for judgement in points.feedback if judgement.is_relevant]
        ['a']
    """

    def export(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Exported:
        """Write all judgements to a file of JSON Lines, which `load` reads.

        Args:
            path: The file.
            overwrite: Whether to replace one that is there.

        Raises:
            InvalidArgumentError: there is a file already, or it cannot be written.
        """
        judgements, file = self._read()[0], Path(path)
        write_lines(file, judgements, overwrite=overwrite)
        return Exported(file, len(judgements))

    def undo(self) -> Judgements:
        """Take back the judgements of the last call that added some; again, those of the one before.

        Returns:
            What was taken back.

        Raises:
            NotFoundError: there are none, or somebody else took them back just now.
        """
        judgements, _ = self._read()
        if not judgements:
            raise NotFoundError(f"Collection {self._collection.name!r} has no judgements to undo.")
        last = judgements[-1]
        return self._take(
            [j for j in judgements if j is last or j.batch == last.batch != ""], "taken back"
        )

    def remove(self, numbers: Iterable[int] | int) -> Judgements:
        """Remove judgements by the numbers that `df()` shows.

        Raises:
            NotFoundError: there is none with such a number; nothing was removed.
        """
        is_listed = isinstance(numbers, Iterable) and not isinstance(numbers, str)
        wanted: list[Any] = list(numbers) if is_listed else [numbers]  # type: ignore[arg-type]
        known = {judgement.number: judgement for judgement in self}
        unknown = [n for n in wanted if not _is_whole(n) or n not in known]
        if unknown:
            raise NotFoundError(
                f"No judgement has the number {short(unknown[0])}. Nothing was removed; df() lists "
                "the numbers."
            )
        return self._take([known[number] for number in dict.fromkeys(wanted)], "removed")

    def disagreements(self) -> Disagreements:
        """Find the records of which the opposite was said, by two people or by one at two times."""
        groups: dict[tuple[Any, ...], list[Judgement]] = {}
        for judgement in self:
            if judgement.source != "clicks":  # they are noise, and add up
                groups.setdefault(judgement.about, []).append(judgement)
        found = []
        for group in groups.values():
            relevant = tuple(judgement for judgement in group if judgement.is_relevant)
            other = tuple(judgement for judgement in group if not judgement.is_relevant)
            if relevant and other:
                found.append(Disagreement(group[0].label, group[0].id, relevant, other))
        return Disagreements(tuple(found))

    def suggest(self, n: int = 20, *, queries: Any = None, random_state: int = 0) -> Suggestions:
        """Say which judgements to collect next: those that would teach most.

        Of each query the first 20 records are looked at, of the plain ranking and of four by
        transforms, each learned from a resample of the judged queries (query by committee: Seung,
        Opper, Sompolinsky, COLT 1992). What they disagree about, and was not judged, comes first, and
        rather what is outside the list of ten that people see, as nobody judges that unasked. With
        fewer than 10 judged queries the transforms are ridges; with fewer than 2 there is the plain
        ranking alone, and what is near the end of the list comes first.

        Args:
            n: At most so many, and at most 3 a query.
            queries: Texts or vectors; those that were judged, unless given.
            random_state: The seed: the same one gives the same records.

        Raises:
            InvalidArgumentError: nothing was judged yet and no queries are given, or there are no
                records.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=list("abcdefghijkl"), embeddings=[[1, n] for n in range(12)])
            >>> [one.id for one in points.feedback.suggest(2, queries=[[1, 0]])]
            ['k', 'l']
        """
        judgements, strange = self._read()
        judged = resolve(self._collection, judgements, strange)
        return suggest(self._collection, judgements, judged, n, queries, random_state)

    def resolved(self) -> Judged:
        """Give the judgements as they count now, with the vectors that they are about.

        Texts are embedded by the collection's function as it is now. Left out, and counted, are those
        of records that were deleted, those on which people of equal weight disagree, and vectors of
        another model.

        Returns:
            Arrays; see `Judged`.
        """
        judgements, strange = self._read()
        return resolve(self._collection, judgements, strange)

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a judgement, also of those that later ones replaced."""
        return Judgements(tuple(self._read()[0])).df()

    def __len__(self) -> int:
        return len(self._read()[0])

    def __bool__(self) -> bool:
        return True  # it is there, also while it is empty

    def __iter__(self) -> Iterator[Judgement]:
        return iter(self._read()[0])

    def __repr__(self) -> str:
        try:
            judgements, strange = self._read()
        except ChromalabError as error:  # deleted, or its client closed: a repr still has to show
            return f"Feedback({error})"
        heading = summary(self._collection.name, judgements, strange)
        columns, rows, cut = overview(judgements)
        return "\n".join(filter(None, [heading, text_table(columns, rows) if rows else "", cut]))

    def _repr_html_(self) -> str:
        try:
            judgements, strange = self._read()
        except ChromalabError as error:
            return html_table([], [], caption=f"Feedback({error})")
        columns, rows, cut = overview(judgements)
        heading = summary(self._collection.name, judgements, strange)
        return html_table(columns, rows, caption=heading, note=cut)

    def _take(self, judgements: Sequence[Judgement], word: str) -> Judgements:
        numbers = [judgement.number for judgement in judgements if judgement.number is not None]
        self._engine.attach(self._collection.id, remove=numbers)
        return Judgements(tuple(judgements), word)


def _is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
