"""`suggest` finds the judgments to collect next: unjudged records about which rankings disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.arguments.values import check_n_results, check_random_state
from chromalab.cores import each, one_thread_blas
from chromalab.engine import Filter
from chromalab.errors import InvalidArgumentError, printable
from chromalab.handle import Handle
from chromalab.judgments.arguments import check_query, list_queries
from chromalab.judgments.judgment import Judgment
from chromalab.judgments.log import JudgmentLog
from chromalab.judgments.resolved import ResolvedJudgments, resolve
from chromalab.results.tables import Table, count, cut
from chromalab.search.query import query as run_query
from chromalab.transforms.active import ActiveTransform
from chromalab.transforms.transform import Transform
from chromalab.tuning.methods import candidates
from chromalab.tuning.training_set import TrainingSet, unit

__all__ = ["Candidates", "Suggestion", "Suggestions", "score_candidates", "suggest"]

_LIST = 10  # The records of a list as users see it.
_FIRST = 20  # The records of each ranking that are candidates.
_SHOWN_SHARE = 0.25  # The weight of a record that is shown already: people judge those unasked.
_PER_QUERY = 3
_FITS = 4
_MIN_FOR_INFONCE = 10  # With fewer judged queries, a resample is learned in closed form by a ridge.
_MIN_FOR_RIDGE = 2  # A single query gives the same ridge in every resample.
_MAX_QUERIES = 500
_WHOLE = 10_000  # A larger collection is not ranked as a whole, but only the records near a query.
_NEAR = 200
_BLOCK = 64


@dataclass(frozen=True)
class Suggestion:
    """A record to judge as an answer to a query.

    Attributes:
        query: The query as it is displayed.
        id: The record.
        document: The text of the record; "" if it has none.
        why: The reason for the suggestion.
        score: How much the rankings differ about it, 0 to 0.5; a quarter of that if it is shown already.
        ask: The query to pass to `feedback.add`: a text or a vector. For a judged pair of records it is
            the vector of the record that was compared.
    """

    query: str
    id: str
    document: str
    why: str
    score: float
    ask: Any = field(repr=False, compare=False, default=None)


@dataclass(frozen=True, repr=False)
class Suggestions(Table):
    """Records to judge, the most informative first.

    Attributes:
        collection: The name of the collection.
        found: The suggestions.
        note: How they were found, and what was not considered.

    Example:
        >>> one = Suggestion("hot drinks", "a", "tea", "rank 14 without, 3 with: the rankings disagree", 0.2)
        >>> Suggestions("notes", (one,))
        notes: 1 record to judge
        query       id  document  why                                             score
        hot drinks  a   tea       rank 14 without, 3 with: the rankings disagree  0.2
    """

    collection: str
    found: tuple[Suggestion, ...]
    note: str = ""

    _columns = ("query", "id", "document", "why", "score")

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.found)

    def _heading(self) -> str:
        return f"{printable(self.collection)}: {count(len(self), 'record')} to judge"

    def _note(self) -> str:
        return "; ".join(filter(None, [cut(self._limit, len(self)), self.note]))

    def _rows(self) -> list[list[Any]]:
        return [[s.query, s.id, s.document, s.why, round(s.score, 3)] for s in self.found]


def suggest(
    collection: Handle, n: int = 20, *, queries: Any = None, random_state: int = 0
) -> Suggestions:
    """Suggest the judgments to collect next: those that would teach most.

    For each query, the candidates are the first 20 records of the plain ranking and of four rankings by
    transforms, each learned from a resample of the judged queries (query by committee: Seung, Opper,
    Sompolinsky, COLT 1992). Unjudged records about which these rankings disagree come first, preferably
    those outside the list of ten that users see, which are rarely judged otherwise. With fewer than 10
    judged queries the transforms are ridges. With fewer than 2 there is only the plain ranking, and
    records near the end of the list come first.

    Args:
        collection: The collection that is judged.
        n: The number of suggestions, at most, with at most 3 per query.
        queries: Texts or vectors; by default the queries that were judged.
        random_state: The seed; the same seed gives the same suggestions.

    Raises:
        InvalidArgumentError: Nothing has been judged and no queries are given, or there are no records.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=list("abcdefghijkl"), embeddings=[[1, n] for n in range(12)])
        >>> [one.id for one in points.feedback.suggest(2, queries=[[1, 0]])]
        ['k', 'l']
    """
    judgments = collection.room(JudgmentLog).read().judgments
    judged = resolve(collection)
    n, random_state = check_n_results(n, "n"), check_random_state(random_state)
    if not len(judged.documents):
        raise InvalidArgumentError(f"Collection {collection.name!r} has no records to judge.")
    chosen_queries = _judged_queries(judged) if queries is None else _given(collection, queries)
    if not chosen_queries:
        raise InvalidArgumentError(
            f"No query of {collection.name!r} has been judged yet. Pass some to start from: "
            "suggest(queries=[...])."
        )
    total = len(chosen_queries)
    if total > _MAX_QUERIES:
        some = np.random.default_rng(random_state).choice(total, _MAX_QUERIES, replace=False)
        chosen_queries = [chosen_queries[at] for at in np.sort(some)]
    learned, how = _learned(judged, random_state)
    active = collection.room(ActiveTransform).current()
    vectors = np.stack([query.vector for query in chosen_queries])
    pool = _pool(collection, judged, vectors, active)
    found = score_candidates(
        vectors,
        judged.documents[pool],
        _excluded(chosen_queries, judgments, [judged.ids[row] for row in pool.tolist()]),
        active=active,
        learned=learned,
        space=judged.space,
    )
    chosen = _chosen(found, n)
    parts = [how, f"at most {_PER_QUERY} per query"]
    if total > len(chosen_queries):
        parts.append(f"{len(chosen_queries):,} of {total:,} queries considered")
    if len(pool) < len(judged.documents):
        parts.append(
            f"ranks are among the {len(pool):,} of {len(judged.documents):,} records near a query"
        )
    ids = [judged.ids[pool[found.rows[at]]] for at in chosen]
    texts = _documents(collection, ids)
    return Suggestions(
        collection.name,
        tuple(
            Suggestion(
                query=chosen_queries[found.queries[at]].label,
                id=id,
                document=texts.get(id) or "",
                why=found.why(at),
                score=float(found.scores[at]),
                ask=chosen_queries[found.queries[at]].ask,
            )
            for at, id in zip(chosen, ids, strict=True)
        ),
        "; ".join(parts),
    )


@dataclass(frozen=True, eq=False)
class Candidates:
    """Records that could be judged for a query, c of them.

    Attributes:
        queries: (c,) int64, the row of the query.
        rows: (c,) int64, the row of the record.
        scores: (c,) float64, 0 to 0.5: the standard deviation over rankings of 1 / log2(1 + rank), which
            is what a record contributes to nDCG; a quarter of it for records that are shown.
        plain: (c,) int64, the rank without a transform.
        shown: (c,) int64, the rank in the list that users see.
        learned: (c, r) int64, the ranks by r learned transforms.
    """

    queries: NDArray[np.int64]
    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    plain: NDArray[np.int64]
    shown: NDArray[np.int64]
    learned: NDArray[np.int64]

    def why(self, at: int) -> str:
        """Return why a candidate may be worth a judgment."""
        plain, shown, ranks = int(self.plain[at]), int(self.shown[at]), self.learned[at]
        if len(ranks):
            low, middle, high = int(ranks.min()), round(float(np.median(ranks))), int(ranks.max())
            if _differ(plain, middle) and min(plain, middle) <= _FIRST:
                return f"rank {plain:,} without, {middle:,} with: the rankings disagree"
            if _differ(low, high):
                return f"rank {low:,} to {high:,}, depending on the judgments learned from"
        if shown > _LIST:
            return f"rank {shown:,}: just outside the list that is shown"
        return f"rank {shown:,}: shown but not judged yet"


def score_candidates(
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
    excluded: Sequence[NDArray[np.int64]],
    *,
    active: Transform | None,
    learned: Sequence[Transform],
    space: str,
) -> Candidates:
    """Score the first 20 records of each ranking by how much the rankings differ about them.

    If nothing was learned, there is one ranking. A record then scores higher the nearer its similarity
    is to that of the last record shown.

    Args:
        queries: (q, d) float32.
        documents: (n, d) float32.
        excluded: For each query the rows of documents that are not candidates.
        active: The transform of the list that users see; None for none.
        learned: The transforms whose rankings are compared with the plain one.
        space: "cosine", "l2" or "ip".

    Example:
        >>> near = np.array([[1, 0.1 * n] for n in range(12)], dtype=np.float32)
        >>> none = np.empty(0, dtype=np.int64)
        >>> found = score_candidates(near[:1], near, [none], active=None, learned=[], space="cosine")
        >>> int(found.rows[found.scores.argmax()])
        10
    """
    ways: list[Transform | None] = [None, *learned, *([] if active is None else [active])]
    mapped = [documents if way is None else way.documents(documents) for way in ways]
    parts = []
    for start in range(0, len(queries), _BLOCK):
        some = queries[start : start + _BLOCK]
        scores = [
            _similarities(some if way is None else way.queries(some), rows, space)
            for way, rows in zip(ways, mapped, strict=True)
        ]
        for at in range(len(some)):
            rankings = np.stack([matrix[at] for matrix in scores])
            parts.append(_of_query(start + at, rankings, excluded[start + at], len(learned)))
    return Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _of_query(
    query: int, scores: NDArray[np.float32], excluded: NDArray[np.int64], learned: int
) -> tuple[NDArray[np.generic], ...]:
    """Return the fields of `Candidates` for one query.

    The scores are (rankings, n): the plain ranking, those of learned transforms, and that of the active
    transform if there is one.
    """
    first = min(_FIRST, scores.shape[1])
    near = np.argpartition(-scores, first - 1, axis=1)[:, :first]
    rows = np.setdiff1d(near, excluded)
    ranks = np.stack([1 + (row > row[rows, np.newaxis]).sum(axis=1) for row in scores], axis=1)
    shown = ranks[:, -1] if len(scores) > 1 + learned else ranks[:, 0]
    compared = ranks[:, : 1 + learned]
    if learned:
        spread = (1 / np.log2(1 + compared)).std(axis=1)
    else:
        seen = np.sort(scores[-1])[::-1][:first]
        border, width = seen[min(_LIST, first) - 1], float(seen[0] - seen[-1]) or 1.0
        spread = 0.5 / (1 + np.abs(scores[-1, rows].astype(np.float64) - border) / width)
    spread = spread * np.where(shown > _LIST, 1.0, _SHOWN_SHARE)
    return (
        np.full(len(rows), query, dtype=np.int64),
        rows,
        # Rounded so that the last digit does not decide the order of two equal candidates.
        spread.round(9),
        compared[:, 0],
        shown,
        compared[:, 1:],
    )


def _similarities(
    queries: NDArray[np.float32], documents: NDArray[np.float32], space: str
) -> NDArray[np.float32]:
    """Return the (q, n) scores by which the space ranks, larger is nearer."""
    if space == "cosine":
        return unit(queries) @ unit(documents).T
    with np.errstate(over="ignore", invalid="ignore"):
        dots: NDArray[np.float32] = queries @ documents.T
        return dots if space == "ip" else 2 * dots - np.einsum("ij,ij->i", documents, documents)


def _differ(one: int, other: int) -> bool:
    """Return whether the end of the list separates two ranks, or one is more than twice the other."""
    return (one <= _LIST) != (other <= _LIST) or max(one, other) >= 2 * min(one, other) + 1


@dataclass(frozen=True, eq=False)
class _Query:
    label: str
    ask: Any
    key: tuple[str, str | bytes]
    vector: NDArray[np.float32]


def _judged_queries(judged: ResolvedJudgments) -> list[_Query]:
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


def _given(collection: Handle, queries: Any) -> list[_Query]:
    listed = [queries] if isinstance(queries, str) else list_queries(queries)
    if listed and isinstance(listed[0], Real):  # A single vector.
        listed = [listed]
    checked = [check_query(query, collection.dimension) for query in listed]
    texts = list(dict.fromkeys(text for text, _ in checked if text is not None))
    embedded = dict(zip(texts, collection.embed_queries(texts), strict=True)) if texts else {}
    made: dict[tuple[str, str | bytes], _Query] = {}
    for at, (text, data) in enumerate(checked):
        key: tuple[str, str | bytes]
        if text is not None:
            key = "text", text
            made[key] = _Query(text, text, key, embedded[text])
        else:
            vector = np.frombuffer(data or b"", dtype="<f4")
            key = "vector", data or b""
            made[key] = _Query(f"vector {at}", vector, key, vector)
    return list(made.values())


def _learned(judged: ResolvedJudgments, random_state: int) -> tuple[list[Transform], str]:
    """Learn transforms from bootstrap resamples of the queries; return them and a description."""
    seen = TrainingSet.of(judged, random_state)
    number = len(seen.judged_queries)
    if number < _MIN_FOR_RIDGE:
        return [], "by the plain ranking, as too little was judged to learn from"
    learn = candidates(
        "auto" if number >= _MIN_FOR_INFONCE else "ridge", both=True, random_state=random_state
    )[0]
    rows = {query: np.flatnonzero(seen.pairs[:, 0] == query) for query in seen.judged_queries}
    resamples = []
    for at in range(_FITS):
        drawn = np.random.default_rng([random_state, at]).choice(seen.judged_queries, number)
        some = np.concatenate([rows[query] for query in drawn])
        resamples.append(replace(seen, pairs=seen.pairs[some], gains=seen.gains[some]))
    with one_thread_blas():
        fits = list(each(learn, resamples))
    return fits, f"by {_FITS} transforms learned from different judgments ({fits[0].method})"


def _pool(
    collection: Handle,
    judged: ResolvedJudgments,
    vectors: NDArray[np.float32],
    active: Transform | None,
) -> NDArray[np.int64]:
    """Return the rows of the records that are ranked."""
    if len(judged.documents) <= _WHOLE:
        return np.arange(len(judged.documents))
    rows = {id: row for row, id in enumerate(judged.ids)}
    found: set[int] = set()
    for through in (None, active) if active is not None else (None,):
        near = run_query(
            collection, query_embeddings=vectors, n_results=_NEAR, include=[], transform=through
        )
        for ids in near["ids"]:
            found.update(rows[id] for id in ids if id in rows)
    return np.array(sorted(found), dtype=np.int64)


def _excluded(
    queries: Sequence[_Query], judgments: Sequence[Judgment], ids: Sequence[str]
) -> list[NDArray[np.int64]]:
    """Return for each query the rows of its judged records, and of the record that it is itself."""
    judged: dict[tuple[str, str | bytes], set[str]] = {}
    for judgment in judgments:
        kind, _, what = judgment.asked
        judged.setdefault((kind, what), set()).add(judgment.id)
        if judgment.query_id is not None:  # A pair is the same in either order.
            judged.setdefault((kind, judgment.id), set()).add(judgment.query_id)
    rows = {id: row for row, id in enumerate(ids)}
    made = []
    for query in queries:
        known = judged.get(query.key, set())
        if query.key[0] == "record":
            known = known | {str(query.key[1])}
        made.append(np.array(sorted(rows[id] for id in known if id in rows), dtype=np.int64))
    return made


def _chosen(found: Candidates, n: int) -> list[int]:
    """Return the candidates with the highest scores, a few per query."""
    order = np.lexsort([found.rows, found.queries, -found.scores])
    taken: dict[int, int] = {}
    chosen: list[int] = []
    for at in order.tolist():
        query = int(found.queries[at])
        if len(chosen) < n and taken.get(query, 0) < _PER_QUERY:
            taken[query] = taken.get(query, 0) + 1
            chosen.append(at)
    return chosen


def _documents(collection: Handle, ids: Sequence[str]) -> dict[str, str | None]:
    if not ids:
        return {}
    chosen = Filter(ids=list(dict.fromkeys(ids)))
    found = collection.engine.get(collection.id, chosen, {"documents"}, None, 0)
    return dict(zip(found.ids, found.documents or [], strict=True))
