"""Adding, exporting and removing judgments: by hand, from test collections, from clicks, from files.

The functions take a collection first; `collection.feedback` offers them as methods.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from chromalab.arguments.values import check_ids, is_integer
from chromalab.engine import Filter
from chromalab.errors import InvalidArgumentError, NotFoundError, near, short
from chromalab.files import as_path
from chromalab.handle import Handle
from chromalab.judgments.arguments import (
    check_flag,
    check_query,
    check_relevance,
    check_weight,
    now,
    optional_text,
    per_id,
    user_name,
)
from chromalab.judgments.exchange import (
    ParsedJudgment,
    read_clicks,
    read_lines,
    read_pairs,
    read_qrels,
    write_lines,
)
from chromalab.judgments.judgment import Judgment, Source, as_attachment
from chromalab.judgments.log import JudgmentLog
from chromalab.judgments.results import (
    Disagreement,
    Disagreements,
    ExportResult,
    FeedbackResult,
    Judgments,
)
from chromalab.transforms.active import ActiveTransform

__all__ = [
    "add",
    "disagreements",
    "export",
    "from_clicks",
    "from_qrels",
    "load",
    "pairs",
    "remove",
    "undo",
]

_SEARCHED = 10_000  # The ids among which an error looks for a similar one.
_NO_RECORD = "no such record"


def add(
    collection: Handle,
    query: Any,
    id: Sequence[str] | str,
    relevance: Any,
    *,
    note: Sequence[str | None] | str | None = None,
    by: str | None = None,
    weight: float = 1.0,
    shown: bool = True,
) -> FeedbackResult:
    """Add judgments of whether records answer a query.

    The latest judgment of one query and record by one person counts; `df()` lists the earlier ones too.

    Args:
        collection: The collection that is judged.
        query: The query: a text, or a vector of the collection's dimension.
        id: The id of a record, or several ids.
        relevance: True or False, "+1" or "-1", or a grade above 0 for relevant. One value for all ids,
            or one per id.
        note: A comment: one for all ids, or one per id.
        by: The person who judges; by default the user of this machine.
        weight: How much the judgment counts; by default 1.
        shown: False for a record that should have been in the list but was not.

    Raises:
        InvalidArgumentError: There is no such record, or a value is invalid; nothing was written.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> notes.add(ids=["a", "b"], documents=["tea is hot", "a long walk"])
        >>> notes.feedback.add("hot drinks", "a", True, by="ada")
        notes: 1 judgment added
    """
    text, data = check_query(query, collection.dimension)
    ids = check_ids(id)
    grades = per_id(relevance, len(ids), "relevance")
    notes = per_id(note, len(ids), "note")
    weight = check_weight(weight)
    parsed = [
        ParsedJudgment(text, data, id, check_relevance(grade), weight, optional_text(note, "note"))
        for id, grade, note in zip(ids, grades, notes, strict=True)
    ]
    common = _common(collection, "person", by, shown=check_flag(shown, "shown"))
    _check_exist(collection, ids)
    return _write(collection, _judgments(collection, parsed, common), {})


def pairs(
    collection: Handle,
    a: Sequence[str] | str,
    b: Sequence[str] | str,
    *,
    similar: Any,
    by: str | None = None,
) -> FeedbackResult:
    """Add judgments of whether two records belong together.

    Args:
        collection: The collection that is judged.
        a: The id of the first record, or of the first record of each pair.
        b: The id of the second record, or of the second record of each pair.
        similar: True or False, or a grade: one value for all pairs, or one per pair.
        by: The person who judges; by default the user of this machine.

    Raises:
        InvalidArgumentError: There is no such record, or a record is paired with itself.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.feedback.pairs("a", "b", similar=False)
        points: 1 judgment added
    """
    left, right = read_pairs(a, b)
    grades = [check_relevance(s, "similar") for s in per_id(similar, len(left), "similar")]
    common = _common(collection, "pair", by, shown=False)
    _check_exist(collection, [*left, *right])
    rows = zip(left, right, grades, strict=True)
    made = [Judgment(id, grade, query_id=other, **common) for other, id, grade in rows]
    return _write(collection, made, {})


def from_qrels(
    collection: Handle, qrels: Any, queries: Mapping[Any, Any], *, by: str = "qrels"
) -> FeedbackResult:
    """Import the relevance judgments of a test collection.

    Args:
        collection: The collection that is judged.
        qrels: The judgments: a dict, rows or a DataFrame. A dict is `{query id: {id: grade}}`, a row is
            (query id, id, grade), and a DataFrame has the columns query_id, id and relevance; BEIR's
            names query-id, corpus-id and score work too.
        queries: `{query id: text or vector}`.
        by: The author that the judgments are attributed to.

    Returns:
        How many were added. Judgments of records that do not exist are left out and counted.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.feedback.from_qrels({"q1": {"a": 2, "z": 1}}, {"q1": [0, 1]})
        points: 1 judgment added, 1 left out: no such record
    """
    left_out: Counter[str] = Counter()
    parsed = read_qrels(qrels, queries, collection.dimension, left_out)
    common = _common(collection, "qrels", by, shown=False)
    existing = _existing(collection, parsed, left_out)
    return _write(collection, _judgments(collection, existing, common), left_out)


def from_clicks(collection: Handle, log: Any, *, by: str = "clicks") -> FeedbackResult:
    """Derive judgments from what people clicked in the lists they were shown.

    A click counts as relevant, with the weight 0.5. A record that was ranked above the last click and
    not clicked was seen and skipped: it counts as not relevant, with the weight 0.25 ("skip above":
    Joachims, "Optimizing search engines using clickthrough data", KDD 2002). Records below the last
    click are no evidence. The weights of several sessions add up. If a person has judged the same query
    and record, the clicks do not count.

    Args:
        collection: The collection that is judged.
        log: The log: rows or a DataFrame. Each row has `query` (text or vector), `shown` (ids, best
            first) and `clicked` (ids).
        by: The author that the judgments are attributed to.

    Raises:
        InvalidArgumentError: A row cannot be read, or a record was clicked that was not shown.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0, 0], [3, 4], [5, 5]])
        >>> log = [{"query": [0, 1], "shown": ["a", "b", "c"], "clicked": ["b"]}]
        >>> _ = points.feedback.from_clicks(log)
        >>> [(judgment.id, judgment.relevance, judgment.weight) for judgment in points.feedback]
        [('a', -1.0, 0.25), ('b', 1.0, 0.5)]
    """
    left_out: Counter[str] = Counter()
    parsed = read_clicks(log, collection.dimension)
    common = _common(collection, "clicks", by, shown=True)
    existing = _existing(collection, parsed, left_out)
    return _write(collection, _judgments(collection, existing, common), left_out)


def load(collection: Handle, path: str | os.PathLike[str]) -> FeedbackResult:
    """Add the judgments of a file that `export` wrote; those already stored are skipped.

    Args:
        collection: The collection that is judged.
        path: The JSON Lines file.

    Raises:
        InvalidArgumentError: A line is invalid; the message says which, and nothing was written.
    """
    stored = Counter(judgment.line() for judgment in collection.room(JudgmentLog).read().judgments)
    new, skipped = [], 0
    for judgment in read_lines(as_path(path)):
        line = judgment.line()
        # Equal judgments, such as those of two sessions, are counted: as many as are stored are skipped.
        if stored[line] > 0:
            stored[line] -= 1
            skipped += 1
        else:
            new.append(judgment)
    return _write(collection, new, {"already stored": skipped})


def export(
    collection: Handle, path: str | os.PathLike[str], *, overwrite: bool = False
) -> ExportResult:
    """Write all judgments to a JSON Lines file that `load` reads.

    Args:
        collection: The collection that is judged.
        path: The JSON Lines file.
        overwrite: Replace an existing file.

    Raises:
        InvalidArgumentError: The file exists already or cannot be written.
    """
    judgments, file = collection.room(JudgmentLog).read().judgments, as_path(path)
    write_lines(file, judgments, overwrite=overwrite)
    return ExportResult(file, len(judgments))


def undo(collection: Handle) -> Judgments:
    """Remove the judgments of the last call that added some; call it again to undo the call before.

    Returns:
        The judgments that were removed.

    Raises:
        NotFoundError: There are no judgments, or another process has just removed them.
    """
    judgments = collection.room(JudgmentLog).read().judgments
    if not judgments:
        raise NotFoundError(f"Collection {collection.name!r} has no judgments to undo.")
    last = judgments[-1]
    batch = [j for j in judgments if j is last or j.batch == last.batch != ""]
    return _take(collection, batch, "undone")


def remove(collection: Handle, numbers: Iterable[int] | int) -> Judgments:
    """Remove judgments by number.

    Args:
        collection: The collection that is judged.
        numbers: A number, or several, as `df()` lists them.

    Returns:
        The judgments that were removed.

    Raises:
        NotFoundError: There is no judgment with such a number; nothing was removed.
    """
    is_listed = isinstance(numbers, Iterable) and not isinstance(numbers, str)
    wanted: list[Any] = list(numbers) if is_listed else [numbers]  # type: ignore[arg-type]
    stored = collection.room(JudgmentLog).read().by_number
    found = [stored.get(number) if is_integer(number) else None for number in wanted]
    unknown = [number for number, judgment in zip(wanted, found, strict=True) if judgment is None]
    if unknown:
        raise NotFoundError(
            f"There is no judgment with the number {short(unknown[0])}. Nothing was removed; df() lists "
            "the numbers."
        )
    unique = {judgment.number: judgment for judgment in found if judgment is not None}
    return _take(collection, list(unique.values()), "removed")


def disagreements(collection: Handle) -> Disagreements:
    """List the records with opposite judgments, by two people or by one person at two times."""
    groups: dict[tuple[Any, ...], list[Judgment]] = {}
    for judgment in collection.room(JudgmentLog).read().judgments:
        if judgment.source != "clicks":  # Clicks are noisy and are summed instead.
            groups.setdefault(judgment.about, []).append(judgment)
    found = []
    for group in groups.values():
        relevant = tuple(judgment for judgment in group if judgment.is_relevant)
        other = tuple(judgment for judgment in group if not judgment.is_relevant)
        if relevant and other:
            found.append(Disagreement(group[0].label, group[0].id, relevant, other))
    return Disagreements(tuple(found))


def _common(collection: Handle, source: Source, by: str | None, *, shown: bool) -> dict[str, Any]:
    """Return the fields that all judgments of a call share."""
    return {
        "source": source,
        "by": user_name() if by is None else optional_text(by, "by"),
        "shown": shown,
        "at": now(),
        "transform": collection.room(ActiveTransform).name(),
    }


def _check_exist(collection: Handle, ids: Sequence[str]) -> None:
    existing = collection.existing(ids)
    missing = [id for id in ids if id not in existing]
    if missing:
        rows = collection.engine.get(collection.id, Filter(), set(), _SEARCHED, 0)
        raise InvalidArgumentError(
            f"No record {short(missing[0])} in {collection.name!r}. "
            f"{near(missing[0], rows.ids, what='Ids')} Nothing was written."
        )


def _existing(
    collection: Handle, parsed: Sequence[ParsedJudgment], left_out: Counter[str]
) -> list[ParsedJudgment]:
    """Return the judgments of existing records, and count the others."""
    existing = collection.existing(list({row.id for row in parsed}))
    found = [row for row in parsed if row.id in existing]
    left_out[_NO_RECORD] += len(parsed) - len(found)
    return found


def _judgments(
    collection: Handle, parsed: Sequence[ParsedJudgment], common: Mapping[str, Any]
) -> list[Judgment]:
    model = collection.fingerprint()
    return [
        Judgment(model=None if row.data is None else model, **row._asdict(), **common)
        for row in parsed
    ]


def _write(
    collection: Handle, judgments: Sequence[Judgment], left_out: Mapping[str, int]
) -> FeedbackResult:
    """Store judgments in one transaction, as one batch that can be undone."""
    batch = uuid4().hex
    rows = [as_attachment(replace(judgment, batch=batch)) for judgment in judgments]
    numbers = collection.engine.attach(collection.id, add=rows)
    counts = {why: number for why, number in left_out.items() if number}
    return FeedbackResult(collection.name, len(numbers), tuple(numbers), counts)


def _take(collection: Handle, judgments: Sequence[Judgment], title: str) -> Judgments:
    numbers = [judgment.number for judgment in judgments if judgment.number is not None]
    collection.engine.attach(collection.id, remove=numbers)
    return Judgments(tuple(judgments), title)
