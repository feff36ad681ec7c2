"""`evaluate`: asks a collection queries whose answers are known, and compares with an earlier time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

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
from chromalab.feedback.arguments import check_flag, list_queries, now
from chromalab.feedback.asking import embed_texts, fingerprint
from chromalab.feedback.baseline import KIND, Baseline, Known, check_name, compare
from chromalab.feedback.evaluation import Evaluation, Scored, State
from chromalab.feedback.metrics import of_list
from chromalab.feedback.sources import read_named
from chromalab.feedback.transform import Transform
from chromalab.types import Where

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["evaluate"]

_BLOCK = 256  # queries asked together
_TRIES = 20  # as often another may keep a baseline between our look and our write
_NO_RECORD = "no such record"
_NO_ANSWER = "a query without a relevant record that is there"


@dataclass(frozen=True)
class _Asked:
    key: str
    label: str
    text: str | None
    data: bytes | None
    known: Known


def evaluate(
    collection: Collection,
    queries: Any,
    relevance: Any,
    *,
    k: int,
    where: Where | None,
    transform: Transform | str | bool | None,
    baseline: Evaluation | str | None,
    replace_baseline: bool,
    random_state: int,
) -> Evaluation:
    """Ask a collection, measure its lists, compare with the baseline; see `Collection.evaluate`."""
    k, random_state = check_n_results(k, "k"), check_random_state(random_state)
    name = check_name(baseline) if isinstance(baseline, str) else None
    if check_flag(replace_baseline, "replace") and name is None:
        raise InvalidArgumentError("replace=True goes with the name of a baseline.")
    if not isinstance(baseline, str | Evaluation | None):
        raise InvalidArgumentError(
            f"baseline is {short(baseline)}; it is the name of one, an Evaluation, or None."
        )
    left_out: Counter[str] = Counter()
    asked = _read(collection, queries, relevance, left_out)
    through = collection._chosen.of(transform)
    model = collection._engine.get_collection_by_id(collection.id)
    state = State(
        at=now(),
        records=collection.count(),
        version=model.version,
        model=fingerprint(model),
        transform=None if through is None else through.name,
        k=k,
        where=where,
    )
    lists = _ask(collection, asked, k, where, through)
    made = Evaluation(
        collection=collection.name,
        state=state,
        scores=tuple(_scored(a, ids, k) for a, ids in zip(asked, lists, strict=True)),
        left_out={why: count for why, count in left_out.items() if count},
        random_state=random_state,
    )
    known = [query.known for query in asked]
    if isinstance(baseline, Evaluation):
        return compare(made, known, Baseline.of(baseline), random_state)
    return made if name is None else _beside_kept(collection, made, known, name, replace_baseline)


def _beside_kept(
    collection: Collection, made: Evaluation, known: Sequence[Known], name: str, anew: bool
) -> Evaluation:
    """Compare with the baseline of a name; keep this one where there is none, or it is replaced."""
    engine = collection._engine
    for _ in range(_TRIES):
        row = engine.attachment(collection.id, KIND, name)
        if row is None:
            found, word = made, f"kept as the baseline {name!r}"
        else:
            try:
                found = compare(made, known, Baseline.read(row), made.random_state)
                word = f"kept as the baseline {name!r}, instead of that one"
            except (InternalError, InvalidArgumentError):
                if not anew:
                    raise
                found, word = made, f"kept as the baseline {name!r}, instead of another"
            if not anew:
                return found
        numbers = [] if row is None or row.number is None else [row.number]
        try:
            kept = Baseline.of(made, name).attachment()
            engine.attach(collection.id, remove=numbers, add=[kept])
        except (NotFoundError, UniqueConstraintError):
            engine.get_collection_by_id(collection.id)  # says so where the collection is gone
            continue
        return replace(found, note=word)
    raise StoreBusyError(f"Others keep replacing the baseline {short(name)}. Try again.")


def _ask(
    collection: Collection,
    asked: Sequence[_Asked],
    k: int,
    where: Where | None,
    through: Transform | None,
) -> list[list[str]]:
    """The first k records for each query, as everybody gets them."""
    texts = [query.text for query in asked if query.text is not None]
    embedded = iter(embed_texts(collection, texts)) if texts else iter(())
    vectors = [
        next(embedded) if query.data is None else np.frombuffer(query.data, dtype="<f4")
        for query in asked
    ]
    lists: list[list[str]] = []
    for start in range(0, len(vectors), _BLOCK):
        found = collection.query(
            query_embeddings=np.stack(vectors[start : start + _BLOCK]),
            n_results=k,
            where=where,
            include=[],
            transform=through,
        )
        lists += found["ids"]
    return lists


def _scored(query: _Asked, ids: Sequence[str], k: int) -> Scored:
    grades = query.known.grades
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


def _read(
    collection: Collection, queries: Any, relevance: Any, left_out: Counter[str]
) -> list[_Asked]:
    """The queries that have an answer, with what is known of them."""
    if not collection.count():
        raise InvalidArgumentError(
            f"Collection {collection.name!r} has no records to find. add() some, then evaluate."
        )
    is_listed = not isinstance(queries, Mapping)
    named = dict(enumerate(list_queries(queries))) if is_listed else dict(queries)
    if not named:
        raise InvalidArgumentError(
            "queries is empty: give texts or vectors whose answers are known."
        )
    graded = _graded(relevance, named, is_listed)
    said = read_named(graded, named, collection.dimension, left_out, what="relevance")
    there = collection._existing(list({row.id for _, row in said}))
    rows: dict[str, list[Any]] = {}
    for name, row in said:
        rows.setdefault(name, []).append(row)
        left_out[_NO_RECORD] += row.id not in there
    asked, keys = [], Counter[str]()
    for name in map(str, named):
        judged = rows.get(name, [])
        last = {row.id: row.relevance for row in judged}  # of a record, the last word counts
        grades = {id: grade for id, grade in last.items() if grade > 0 and id in there}
        if not grades:
            left_out[_NO_ANSWER] += 1
            continue
        text, data = judged[0].query, judged[0].data
        key = name
        if is_listed:  # the place in a list says nothing: another time it is another query's
            key = text if text is not None else blake2b(data, digest_size=16).hexdigest()
            keys[key] += 1
            key = key if keys[key] == 1 else f"{key} ({keys[key]})"
        known = Known(grades, frozenset(last) - there)
        label = text if text is not None else f"query {name}" if is_listed else name
        asked.append(_Asked(key, label, text, data, known))
    if not asked:
        why = "; ".join(f"{count:,} left out: {why}" for why, count in left_out.items() if count)
        raise InvalidArgumentError(
            f"None of {len(named):,} queries can be measured: {why}. relevance is "
            "{query id: {id: grade}} with ids of this collection, above 0 is relevant."
        )
    return asked


def _graded(relevance: Any, named: Mapping[Any, Any], is_listed: bool) -> Any:
    """What `read_named` takes: of lists of ids, each is a 1; a list beside a list is taken in order."""
    if isinstance(relevance, Mapping):
        return {name: _grades(value) for name, value in relevance.items()}
    is_table = hasattr(relevance, "columns")
    if not is_listed or is_table or not isinstance(relevance, Sequence | np.ndarray):
        return relevance
    if isinstance(relevance, str) or len(relevance) != len(named):
        raise InvalidArgumentError(
            f"relevance has {len(relevance):,} entries for {len(named):,} queries. Beside a list of "
            "queries it is a list, too: {id: grade} or [ids] for each."
        )
    return {name: _grades(value) for name, value in zip(named, relevance, strict=True)}


def _grades(value: Any) -> Any:
    if isinstance(value, str):
        return {value: 1}
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        return value
    return dict.fromkeys(value, 1)
