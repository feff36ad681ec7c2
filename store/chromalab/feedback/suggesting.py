"""`suggest`: which judgements to collect next: records that rankings disagree about, out of sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.threads import each, one_thread_blas
from chromalab.arguments.values import check_n_results, check_random_state
from chromalab.errors import InvalidArgumentError
from chromalab.feedback.arguments import check_query, list_queries
from chromalab.feedback.asking import embed_texts
from chromalab.feedback.disagreeing import Candidates, disagreeing
from chromalab.feedback.judged import Judged
from chromalab.feedback.judgement import Judgement
from chromalab.feedback.methods import candidates
from chromalab.feedback.problem import Problem
from chromalab.feedback.suggestions import Suggestion, Suggestions
from chromalab.feedback.transform import Transform

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["suggest"]

_FITS = 4
_LEARNING = 10  # judged queries from which on InfoNCE is worth a resample
_CLOSED_FORM = 2  # and a ridge: one query alone gives the same one every time
_OF_A_QUERY = 3
_MOST_QUERIES = 500
_WHOLE = 10_000  # records up to which all of them are ranked; else those near to some query
_NEAR = 200


@dataclass(frozen=True, eq=False)
class _Query:
    label: str
    ask: Any
    asked: tuple[str, str | bytes]
    vector: NDArray[np.float32]


def suggest(
    collection: Collection,
    judgements: Sequence[Judgement],
    judged: Judged,
    n: int,
    queries: Any,
    random_state: int,
) -> Suggestions:
    """Choose records to judge; see `Feedback.suggest`.

    Args:
        collection: Of which records.
        judgements: All that were made.
        judged: Those that count.
        n: At most so many.
        queries: Texts or vectors; None for those that were judged.
        random_state: The seed.
    """
    n, random_state = check_n_results(n, "n"), check_random_state(random_state)
    if not len(judged.documents):
        raise InvalidArgumentError(f"Collection {collection.name!r} has no records to judge.")
    asked = _judged_queries(judged) if queries is None else _given(collection, queries)
    if not asked:
        raise InvalidArgumentError(
            f"No query of {collection.name!r} was judged yet: say which to start from, suggest(queries=[...])."
        )
    total = len(asked)
    if total > _MOST_QUERIES:
        some = np.random.default_rng(random_state).choice(total, _MOST_QUERIES, replace=False)
        asked = [asked[at] for at in np.sort(some)]
    learned, how = _learned(judged, random_state)
    live = collection._chosen.live()
    vectors = np.stack([query.vector for query in asked])
    pool = _pool(collection, judged, vectors, live)
    found = disagreeing(
        vectors,
        judged.documents[pool],
        _excluded(asked, judgements, [judged.ids[row] for row in pool.tolist()]),
        live=live,
        learned=learned,
        space=judged.space,
    )
    chosen = _chosen(found, n)
    parts = [how, f"at most {_OF_A_QUERY} a query"]
    if total > len(asked):
        parts.append(f"{len(asked):,} of {total:,} queries looked at")
    if len(pool) < len(judged.documents):
        parts.append(
            f"ranks are those among the {len(pool):,} of {len(judged.documents):,} records near a query"
        )
    ids = [judged.ids[pool[found.rows[at]]] for at in chosen]
    texts = _documents(collection, ids)
    return Suggestions(
        collection.name,
        tuple(
            Suggestion(
                query=asked[found.queries[at]].label,
                id=id,
                document=texts.get(id) or "",
                why=found.why(at),
                score=float(found.scores[at]),
                ask=asked[found.queries[at]].ask,
            )
            for at, id in zip(chosen, ids, strict=True)
        ),
        "; ".join(parts),
    )


def _judged_queries(judged: Judged) -> list[_Query]:
    made = []
    for row, (vector, text, own) in enumerate(
        zip(judged.queries, judged.texts, judged.own.tolist(), strict=True)
    ):
        if own >= 0:
            id = judged.ids[own]
            made.append(_Query(f"record {id}", vector, ("record", id), vector))
        elif text is not None:
            made.append(_Query(text, text, ("text", text), vector))
        else:
            data = vector.astype("<f4").tobytes()
            made.append(_Query(f"judged vector {row}", vector, ("vector", data), vector))
    return made


def _given(collection: Collection, queries: Any) -> list[_Query]:
    listed = [queries] if isinstance(queries, str) else list_queries(queries)
    if listed and isinstance(listed[0], Real):  # one vector
        listed = [listed]
    checked = [check_query(query, collection.dimension) for query in listed]
    texts = list(dict.fromkeys(text for text, _ in checked if text is not None))
    embedded = dict(zip(texts, embed_texts(collection, texts), strict=True)) if texts else {}
    made = {}
    for at, (text, data) in enumerate(checked):
        if text is not None:
            made["text", text] = _Query(text, text, ("text", text), embedded[text])
        else:
            vector = np.frombuffer(data or b"", dtype="<f4")
            key = "vector", data or b""
            made[key] = _Query(f"vector {at}", vector, key, vector)  # type: ignore[index]
    return list(made.values())


def _learned(judged: Judged, random_state: int) -> tuple[list[Transform], str]:
    """Transforms learned from resampled queries (the bootstrap), and words on them."""
    problem = Problem.of(judged, random_state)
    count = len(problem.judged_queries)
    if count < _CLOSED_FORM:
        return [], "by the plain ranking: too little was judged to learn from"
    method = "auto" if count >= _LEARNING else "ridge"
    learn = candidates(method, both=True, random_state=random_state)[0]
    rows = {query: np.flatnonzero(problem.pairs[:, 0] == query) for query in problem.judged_queries}
    problems = []
    for at in range(_FITS):
        drawn = np.random.default_rng([random_state, at]).choice(problem.judged_queries, count)
        some = np.concatenate([rows[query] for query in drawn])
        problems.append(replace(problem, pairs=problem.pairs[some], gains=problem.gains[some]))
    with one_thread_blas():
        fits = list(each(learn, problems))
    return fits, f"by {_FITS} transforms, each learned from other judgements ({fits[0].method})"


def _pool(
    collection: Collection, judged: Judged, vectors: NDArray[np.float32], live: Transform | None
) -> NDArray[np.int64]:
    """The rows of the records that are ranked."""
    if len(judged.documents) <= _WHOLE:
        return np.arange(len(judged.documents))
    rows = {id: row for row, id in enumerate(judged.ids)}
    found: set[int] = set()
    for through in (None, live) if live is not None else (None,):
        for ids in collection.query(
            query_embeddings=vectors, n_results=_NEAR, include=[], transform=through
        )["ids"]:
            found.update(rows[id] for id in ids if id in rows)
    return np.array(sorted(found), dtype=np.int64)


def _excluded(
    asked: Sequence[_Query], judgements: Sequence[Judgement], ids: Sequence[str]
) -> list[NDArray[np.int64]]:
    """For each query the rows of what was judged for it, and of the record that it is."""
    said: dict[tuple[str, str | bytes], set[str]] = {}
    for judgement in judgements:
        kind, _, what = judgement.asked
        said.setdefault((kind, what), set()).add(judgement.id)
        if judgement.query_id is not None:  # a pair is one, whichever was named first
            said.setdefault((kind, judgement.id), set()).add(judgement.query_id)
    rows = {id: row for row, id in enumerate(ids)}
    made = []
    for query in asked:
        known = said.get(query.asked, set())
        if query.asked[0] == "record":
            known = known | {str(query.asked[1])}
        made.append(np.array(sorted(rows[id] for id in known if id in rows), dtype=np.int64))
    return made


def _chosen(found: Candidates, n: int) -> list[int]:
    """The candidates with the highest scores, a few of each query."""
    order = np.lexsort([found.rows, found.queries, -found.scores])
    taken: dict[int, int] = {}
    chosen: list[int] = []
    for at in order.tolist():
        query = int(found.queries[at])
        if len(chosen) < n and taken.get(query, 0) < _OF_A_QUERY:
            taken[query] = taken.get(query, 0) + 1
            chosen.append(at)
    return chosen


def _documents(collection: Collection, ids: Sequence[str]) -> dict[str, str | None]:
    if not ids:
        return {}
    found = collection.get(ids=list(dict.fromkeys(ids)), include=["documents"])
    return dict(zip(found["ids"], found["documents"] or [], strict=True))
