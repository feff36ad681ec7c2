"""`evaluate` runs queries with known answers and compares the result with an earlier one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_changes
from hashlib import blake2b
from typing import Any

import numpy as np

from chromalab.arguments.values import check_n_results, check_random_state
from chromalab.errors import (
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    StoreBusyError,
    UniqueConstraintError,
    short,
)
from chromalab.evaluation.baseline import KIND, Baseline, RelevantSet, check_name, compare
from chromalab.evaluation.metrics import of_list
from chromalab.evaluation.results import Evaluation, Scored, State
from chromalab.handle import Handle
from chromalab.judgments.arguments import check_flag, list_queries, now
from chromalab.judgments.exchange import ParsedJudgment, read_named
from chromalab.search.query import query as run_query
from chromalab.search.query import with_one_model
from chromalab.transforms.active import ActiveTransform
from chromalab.transforms.transform import Transform
from chromalab.types import Where

__all__ = ["evaluate"]

_BLOCK = 256  # Queries per call of `query`.
_TRIES = 20  # How often another process may store a baseline between our read and write.
_NO_RECORD = "no such record"
_NO_ANSWER = "a query without an existing relevant record"


@dataclass(frozen=True)
class _Query:
    key: str
    label: str
    text: str | None
    data: bytes | None
    relevant: RelevantSet


def evaluate(
    collection: Handle,
    queries: Any,
    relevance: Any,
    *,
    k: int = 10,
    where: Where | None = None,
    transform: Transform | str | bool | None = "active",
    baseline: Evaluation | str | None = "main",
    replace: bool = False,
    random_state: int = 0,
) -> Evaluation:
    """Run queries with known answers, and compare the result with that of the first run.

    The first evaluation under a name is stored with the collection as the baseline. Later ones are
    compared with it query by query, by a paired test. The baseline stores lists of ids and not metrics,
    so both are measured by the answers that are known now.

    Args:
        collection: The collection to evaluate.
        queries: The queries: `{query id: text or vector}`, or a list of texts or vectors.
        relevance: The answers: `{query id: {id: grade}}` or `{query id: [ids]}`. For a list of queries,
            a list of these in the same order, or a dict by position, starting at 0. Rows or a DataFrame,
            as `feedback.from_qrels` takes them, work too. A grade above 0 is relevant.
        k: The length of the lists that are measured.
        where: A metadata filter. Answers that it excludes count as not found.
        transform: The transform that queries go through; see `query`.
        baseline: The name of the set of queries, an `Evaluation`, or None. An `Evaluation` is
            compared with but never replaced; None compares with nothing and stores nothing.
        replace: Replace the baseline after the comparison with it.
        random_state: The seed of the test.

    Returns:
        nDCG@k, recall@k and the reciprocal rank within the first k, and what changed.

    Raises:
        InvalidArgumentError: No query has an existing answer, or an argument cannot be read.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.evaluate({"q": [0, 1]}, {"q": ["a"]})
        points: 1 query, ndcg@10 1.000, recall@10 1.000, mrr 1.000
        stored as the baseline 'main'
        >>> points.add(ids=["c"], embeddings=[[0, 1]])
        >>> points.evaluate({"q": [0, 1]}, {"q": ["a"]}).compared.summary
        'ndcg@10 falls, 1.000 to 0.631 (-0.369 ± 0.000, p = 1.000): too few queries to tell (1 changed)'
    """
    k, random_state = check_n_results(k, "k"), check_random_state(random_state)
    name = check_name(baseline) if isinstance(baseline, str) else None
    if check_flag(replace, "replace") and name is None:
        raise InvalidArgumentError("replace=True requires the name of a baseline.")
    if not isinstance(baseline, str | Evaluation | None):
        raise InvalidArgumentError(
            f"baseline must be a name, an Evaluation or None; got {short(baseline)}."
        )
    left_out: Counter[str] = Counter()
    checked = _read(collection, queries, relevance, left_out)

    def measured() -> tuple[State, list[list[str]]]:
        through = collection.room(ActiveTransform).of(transform)
        state = State(
            at=now(),
            records=collection.engine.count(collection.id),
            version=collection.get_version(),
            model=collection.fingerprint(),
            transform=None if through is None else through.name,
            k=k,
            where=where,
        )
        return state, _lists(collection, checked, k, where, through)

    state, lists = with_one_model(collection, measured)
    made = Evaluation(
        collection=collection.name,
        state=state,
        scores=tuple(_scored(query, ids, k) for query, ids in zip(checked, lists, strict=True)),
        left_out={why: number for why, number in left_out.items() if number},
        random_state=random_state,
    )
    relevant = [query.relevant for query in checked]
    if isinstance(baseline, Evaluation):
        return compare(made, relevant, Baseline.of(baseline), random_state)
    return made if name is None else _with_stored(collection, made, relevant, name, replace)


def _with_stored(
    collection: Handle,
    made: Evaluation,
    relevant: Sequence[RelevantSet],
    name: str,
    is_replaced: bool,
) -> Evaluation:
    """Compare with the baseline of a name; store this one if there is none or it is replaced."""
    engine = collection.engine
    for _ in range(_TRIES):
        row = engine.attachment(collection.id, KIND, name)
        if row is None:
            found, note = made, f"stored as the baseline {name!r}"
        else:
            try:
                found = compare(made, relevant, Baseline.read(row), made.random_state)
                note = f"stored as the baseline {name!r}, replacing that one"
            except (InternalError, InvalidArgumentError):
                if not is_replaced:
                    raise
                found, note = made, f"stored as the baseline {name!r}, replacing another"
            if not is_replaced:
                return found
        numbers = [] if row is None or row.number is None else [row.number]
        try:
            stored = Baseline.of(made, name).attachment()
            engine.attach(collection.id, remove=numbers, add=[stored])
        except (NotFoundError, UniqueConstraintError):
            engine.get_collection_by_id(collection.id)  # Raises if the collection was deleted.
            continue
        return with_changes(found, note=note)
    raise StoreBusyError(f"Other processes keep replacing the baseline {short(name)}. Try again.")


def _lists(
    collection: Handle,
    queries: Sequence[_Query],
    k: int,
    where: Where | None,
    through: Transform | None,
) -> list[list[str]]:
    """Return the first k records for each query, as `query` returns them to users."""
    texts = [query.text for query in queries if query.text is not None]
    embedded = iter(collection.embed_queries(texts)) if texts else iter(())
    vectors = [
        next(embedded) if query.data is None else np.frombuffer(query.data, dtype="<f4")
        for query in queries
    ]
    lists: list[list[str]] = []
    for start in range(0, len(vectors), _BLOCK):
        found = run_query(
            collection,
            query_embeddings=np.stack(vectors[start : start + _BLOCK]),
            n_results=k,
            where=where,
            include=[],
            transform=through,
        )
        lists += found["ids"]
    return lists


def _scored(query: _Query, ids: Sequence[str], k: int) -> Scored:
    grades = query.relevant.grades
    ranks = [rank for rank, id in enumerate(ids, 1) if id in grades]
    return Scored(
        key=query.key,
        query=query.label,
        text=query.text,
        ids=tuple(ids),
        relevant=len(grades),
        found=len(ranks),
        first=min(ranks, default=None),
        metrics=of_list(ids, grades, k),
    )


def _read(collection: Handle, queries: Any, relevance: Any, left_out: Counter[str]) -> list[_Query]:
    """Return the queries that have an answer, with their relevant sets."""
    if not collection.engine.count(collection.id):
        raise InvalidArgumentError(
            f"Collection {collection.name!r} has no records to find. add() some, then evaluate."
        )
    is_listed = not isinstance(queries, Mapping)
    named = dict(enumerate(list_queries(queries))) if is_listed else dict(queries)
    if not named:
        raise InvalidArgumentError(
            "queries is empty. Give texts or vectors whose answers are known."
        )
    graded = _graded(relevance, named, is_listed)
    parsed = read_named(graded, named, collection.dimension, left_out, what="relevance")
    existing = collection.existing(list({row.id for _, row in parsed}))
    rows: dict[str, list[ParsedJudgment]] = {}
    for name, row in parsed:
        rows.setdefault(name, []).append(row)
        left_out[_NO_RECORD] += row.id not in existing
    found, keys = [], Counter[str]()
    for name in map(str, named):
        judged = rows.get(name, [])
        last = {row.id: row.relevance for row in judged}  # The last grade of a record counts.
        grades = {id: grade for id, grade in last.items() if grade > 0 and id in existing}
        if not grades:
            left_out[_NO_ANSWER] += 1
            continue
        text, data = judged[0].query, judged[0].data
        key = name
        # A position in a list does not identify a query, as another list has another query there.
        if is_listed:
            key = text if text is not None else blake2b(data or b"", digest_size=16).hexdigest()
            keys[key] += 1
            key = key if keys[key] == 1 else f"{key} ({keys[key]})"
        relevant = RelevantSet(grades, frozenset(last) - existing)
        label = text if text is not None else f"query {name}" if is_listed else name
        found.append(_Query(key, label, text, data, relevant))
    if not found:
        why = "; ".join(f"{count:,} left out: {why}" for why, count in left_out.items() if count)
        raise InvalidArgumentError(
            f"None of {len(named):,} queries can be measured: {why}. relevance must be "
            "{query id: {id: grade}} with ids of this collection; a grade above 0 is relevant."
        )
    return found


def _graded(relevance: Any, named: Mapping[Any, Any], is_listed: bool) -> Any:
    """Return relevance as `read_named` takes it: ids in lists get grade 1, lists go by position."""
    if isinstance(relevance, Mapping):
        return {name: _grades(value) for name, value in relevance.items()}
    is_table = hasattr(relevance, "columns")
    if not is_listed or is_table or not isinstance(relevance, Sequence | np.ndarray):
        return relevance
    if isinstance(relevance, str) or len(relevance) != len(named):
        raise InvalidArgumentError(
            f"relevance must have one entry per query; got {len(relevance):,} entries for "
            f"{len(named):,} queries. For a list of queries, give a list of {{id: grade}} or [ids]."
        )
    return {name: _grades(value) for name, value in zip(named, relevance, strict=True)}


def _grades(value: Any) -> Any:
    if isinstance(value, str):
        return {value: 1}
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        return value
    return dict.fromkeys(value, 1)
