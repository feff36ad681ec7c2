"""The part of `Feedback` that judges: by hand, from test collections, from clicks, from a file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from chromalab.arguments.values import check_ids
from chromalab.engine import Filter
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.feedback.arguments import (
    check_flag,
    check_query,
    check_relevance,
    check_weight,
    now,
    optional_text,
    per_id,
    user_name,
)
from chromalab.feedback.asking import fingerprint
from chromalab.feedback.judgement import KIND, Judgement, as_attachment, read_stored
from chromalab.feedback.lines import read_lines
from chromalab.feedback.results import Noted
from chromalab.feedback.sources import Said, read_clicks, read_pairs, read_qrels

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["Judging"]

_NAMED = 10_000  # ids that are looked through for one that is near
_NO_RECORD = "no such record"


class Judging:
    """What adds judgements to a collection.

    Args:
        collection: What is judged.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._engine = collection._engine

    def add(
        self,
        query: Any,
        id: Sequence[str] | str,
        relevance: Any,
        *,
        note: Sequence[str | None] | str | None = None,
        by: str | None = None,
        weight: float = 1.0,
        shown: bool = True,
    ) -> Noted:
        """Say whether records are answers to a query.

        Of one query, one record and one person, the last word counts; the others stay in `df()`.

        Args:
            query: A text, or a vector of the collection's dimension.
            id: A record, or several.
            relevance: True or False, "+1" or "-1", or a grade: above 0 is relevant. One for all, or
                one for each id.
            note: Why; one for all, or one for each id.
            by: Who says so; the user of this machine, unless said.
            weight: How much it counts; 1 is a person's word.
            shown: False for a record that should have been in the list, and was not.

        Raises:
            InvalidArgumentError: there is no such record, or a value cannot be used; nothing was
                written.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add(ids=["a", "b"], documents=["tea is hot", "a long walk"])
            >>> notes.feedback.add("hot drinks", "a", True, by="ada")
            notes: 1 judgement added
        """
        text, data = check_query(query, self._collection.dimension)
        ids = check_ids(id)
        grades = per_id(relevance, len(ids), "relevance")
        notes = per_id(note, len(ids), "note")
        weight = check_weight(weight)
        said = [
            Said(text, data, id, check_relevance(grade), weight, optional_text(note, "note"))
            for id, grade, note in zip(ids, grades, notes, strict=True)
        ]
        common = self._common("person", _person(by), shown=check_flag(shown, "shown"))
        self._check_there(ids)
        return self._write(self._made(said, common), {})

    def pairs(
        self, a: Sequence[str] | str, b: Sequence[str] | str, *, similar: Any, by: str | None = None
    ) -> Noted:
        """Say whether records belong together, or not.

        Args:
            a: The id of a record, or several.
            b: The id of the other of each pair.
            similar: True or False, or a grade; one for all, or one for each pair.
            by: Who says so; the user of this machine, unless said.

        Raises:
            InvalidArgumentError: there is no such record, or a pair is one record twice.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> points.feedback.pairs("a", "b", similar=False)
            points: 1 judgement added
        """
        left, right = read_pairs(a, b)
        grades = [check_relevance(s, "similar") for s in per_id(similar, len(left), "similar")]
        common = self._common("pair", _person(by), shown=False)
        self._check_there([*left, *right])
        rows = zip(left, right, grades, strict=True)
        made = [Judgement(id, grade, query_id=other, **common) for other, id, grade in rows]
        return self._write(made, {})

    def from_qrels(self, qrels: Any, queries: Mapping[Any, Any], *, by: str = "qrels") -> Noted:
        """Take over the relevance judgements of a test collection.

        Args:
            qrels: `{query id: {id: grade}}`, rows of (query id, id, grade), or a DataFrame with the
                columns query_id, id and relevance; or BEIR's: query-id, corpus-id and score.
            queries: `{query id: text or vector}`.
            by: Whom they are of.

        Returns:
            How many were added; those of records that are not there are left out, and counted.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> points.feedback.from_qrels({"q1": {"a": 2, "z": 1}}, {"q1": [0, 1]})
            points: 1 judgement added, 1 left out: no such record
        """
        left_out: Counter[str] = Counter()
        said = read_qrels(qrels, queries, self._collection.dimension, left_out)
        common = self._common("qrels", _person(by), shown=False)
        return self._write(self._made(self._there(said, left_out), common), left_out)

    def from_clicks(self, log: Any, *, by: str = "clicks") -> Noted:
        """Take judgements from what people clicked in lists that they were shown.

        A click says relevant, with the weight 0.5. A record that was ranked above the last click and
        not clicked was seen and passed over: it says not relevant, with the weight 0.25 ("skip
        above": Joachims, "Optimizing search engines using clickthrough data", KDD 2002). What lies
        below says nothing. Weights of several sessions add up; where a person has judged the same
        query and record, the clicks do not count.

        Args:
            log: Rows, or a DataFrame, of `query` (text or vector), `shown` (ids, best first) and
                `clicked` (ids).
            by: Whom they are of.

        Raises:
            InvalidArgumentError: a row cannot be read, or something was clicked that was not shown.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b", "c"], embeddings=[[0, 0], [3, 4], [5, 5]])
            >>> log = [{"query": [0, 1], "shown": ["a", "b", "c"], "clicked": ["b"]}]
            >>> _ = points.feedback.from_clicks(log)
            >>> [(judgement.id, judgement.relevance, judgement.weight) for judgement in points.feedback]
            [('a', -1.0, 0.25), ('b', 1.0, 0.5)]
        """
        left_out: Counter[str] = Counter()
        said = read_clicks(log, self._collection.dimension)
        common = self._common("clicks", _person(by), shown=True)
        return self._write(self._made(self._there(said, left_out), common), left_out)

    def load(self, path: str | os.PathLike[str]) -> Noted:
        """Add the judgements of a file that `export` wrote; those that are there are skipped.

        Raises:
            InvalidArgumentError: a line is wrong; the message says which, and nothing was written.
        """
        there = Counter(judgement.line() for judgement in self._read()[0])
        new, skipped = [], 0
        for judgement in read_lines(Path(path)):
            line = judgement.line()
            if there[line] > 0:  # as many as are there: two alike, as of two sessions, are two
                there[line] -= 1
                skipped += 1
            else:
                new.append(judgement)
        return self._write(new, {"there already": skipped})

    def _read(self) -> tuple[list[Judgement], int]:
        """The judgements, and how many rows are none."""
        found, strange = [], 0
        for attachment in self._engine.attachments(self._collection.id, KIND):
            try:
                found.append(read_stored(attachment))
            except InvalidArgumentError:
                strange += 1
        return found, strange

    def _check_there(self, ids: Sequence[str]) -> None:
        there = self._engine.existing(self._collection.id, ids)
        missing = [id for id in ids if id not in there]
        if missing:
            rows = self._engine.get(self._collection.id, Filter(), set(), _NAMED, 0)
            raise InvalidArgumentError(
                f"No record {short(missing[0])} in {self._collection.name!r}. "
                f"{near(missing[0], rows.ids, what='Ids')}. Nothing was written."
            )

    def _there(self, said: Sequence[Said], left_out: Counter[str]) -> list[Said]:
        """Those of records that are there; the others are counted."""
        there = self._engine.existing(self._collection.id, list({row.id for row in said}))
        found = [row for row in said if row.id in there]
        left_out[_NO_RECORD] += len(said) - len(found)
        return found

    def _common(self, source: str, by: str | None, *, shown: bool) -> dict[str, Any]:
        """What all judgements of a call share."""
        name = self._collection._chosen.name()
        return {"source": source, "by": by, "shown": shown, "at": now(), "transform": name}

    def _made(self, said: Sequence[Said], common: Mapping[str, Any]) -> list[Judgement]:
        model = fingerprint(self._engine.get_collection_by_id(self._collection.id))
        return [
            Judgement(model=None if row.data is None else model, **row._asdict(), **common)
            for row in said
        ]

    def _write(self, judgements: Sequence[Judgement], left_out: Mapping[str, int]) -> Noted:
        """Keep them in one transaction, as one call that can be undone."""
        batch = uuid4().hex
        rows = [as_attachment(replace(judgement, batch=batch)) for judgement in judgements]
        numbers = self._engine.attach(self._collection.id, add=rows)
        counts = {why: count for why, count in left_out.items() if count}
        return Noted(self._collection.name, len(numbers), tuple(numbers), counts)


def _person(by: str | None) -> str | None:
    return user_name() if by is None else optional_text(by, "by")
