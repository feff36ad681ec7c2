"""`ResolvedJudgments`: the judgments as they count now, with the vectors that they are about."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import EmbeddingFunctionError, InvalidArgumentError, short
from chromalab.handle import Handle
from chromalab.judgments.judgment import Judgment
from chromalab.judgments.log import JudgmentLog
from chromalab.results.tables import count, data_frame
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

__all__ = ["ResolvedJudgments", "Verdict", "resolve", "verdicts"]

_NO_RECORD = "no such record"
_MODEL = "a vector of another model"
_DIMENSION = "a vector of another dimension"
_NO_FUNCTION = "a text without an embedding function for it"
_NOT_FINITE = "a record whose vector is not finite"
_CONFLICT = "people of equal weight disagree"
_INVALID = "not a judgment"


@dataclass(frozen=True)
class Verdict:
    """The merged judgments of one record as an answer to one query.

    Attributes:
        latest: The latest judgment of the side that prevails.
        relevance: The weighted mean grade of that side.
        weight: By how much that side outweighs the other; 0 is a tie.
        count: The number of judgments that were merged.
    """

    latest: Judgment
    relevance: float
    weight: float
    count: int


@dataclass(frozen=True, eq=False, repr=False)
class ResolvedJudgments:
    """Judgments as they count now, in arrays.

    Attributes:
        queries: (q, d) float32, the distinct queries.
        texts: The text of each query for display: that of the document for a record, None for a vector.
        documents: (n, d) float32, read-only: the vectors of all records.
        ids: The n ids.
        pairs: (m, 2) int64, the row of a query and the row of a record.
        relevance: (m,) float32, the grades; above 0 is relevant.
        weights: (m,) float32, above 0.
        own: (q,) int64, the row of the record that the query is itself; -1 for other queries.
        space: The distance of the collection.
        digest: A hash of the judgments, independent of the order in which they were made.
        left_out: Why judgments are left out, and how many.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> _ = points.feedback.add(query=[0, 1], id=["a", "b"], relevance=[True, False])
        >>> points.feedback.resolved()
        ResolvedJudgments(1 query, 2 pairs: 1 relevant, 1 not)
    """

    queries: NDArray[np.float32]
    texts: tuple[str | None, ...]
    documents: NDArray[np.float32]
    ids: Sequence[str]
    pairs: NDArray[np.int64]
    relevance: NDArray[np.float32]
    weights: NDArray[np.float32]
    own: NDArray[np.int64]
    space: str
    digest: str
    left_out: Mapping[str, int]

    @classmethod
    def of(
        cls,
        queries: Any,
        documents: Any,
        pairs: Any,
        relevance: Any,
        *,
        weights: Any = None,
        texts: Sequence[str | None] | None = None,
        ids: Sequence[str] | None = None,
        space: str = "cosine",
    ) -> ResolvedJudgments:
        """Build judgments from arrays, without a collection.

        Args:
            queries: (q, d) numbers.
            documents: (n, d) numbers.
            pairs: (m, 2) integers, the row of a query and the row of a document.
            relevance: (m,) numbers; above 0 is relevant.
            weights: (m,) numbers above 0; all 1 by default.
            texts: The texts of the queries, for display.
            ids: The ids of the documents; their row numbers by default.
            space: "cosine", "l2" or "ip".

        Raises:
            InvalidArgumentError: The shapes do not match, or a number is not finite.

        Example:
            >>> ResolvedJudgments.of([[0, 1]], [[0, 1], [1, 0]], [[0, 0], [0, 1]], [1, -1])
            ResolvedJudgments(1 query, 2 pairs: 1 relevant, 1 not)
        """
        query_rows, rows = (
            Snapshot.of(np.atleast_2d(np.asarray(v, dtype=np.float32))).vectors
            for v in (queries, documents)
        )
        if space not in ("cosine", "l2", "ip"):
            raise InvalidArgumentError(f"space must be cosine, l2 or ip; got {short(space)}.")
        try:
            judged = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
            grades = np.asarray(relevance, dtype=np.float32).reshape(-1)
            heavy = np.ones(len(judged), dtype=np.float32)
            if weights is not None:
                heavy = np.asarray(weights, dtype=np.float32).reshape(-1)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgumentError(
                "pairs must be (m, 2) rows of queries and documents, and relevance and weights m "
                f"numbers: {error}."
            ) from error
        labels = tuple([None] * len(query_rows) if texts is None else texts)
        names = tuple(map(str, range(len(rows)) if ids is None else ids))
        if (
            query_rows.shape[1] != rows.shape[1]
            or not len(judged) == len(grades) == len(heavy)
            or (judged < 0).any()
            or (judged >= [len(query_rows), len(rows)]).any()
            or not np.isfinite(grades).all()
            or not (np.isfinite(heavy) & (heavy > 0)).all()
            or len(labels) != len(query_rows)
            or len(names) != len(rows)
        ):
            raise InvalidArgumentError(
                "Judgments must be (q, d) queries, (n, d) documents, (m, 2) pairs of their rows, and m "
                f"finite grades; got {query_rows.shape}, {rows.shape}, {judged.shape}, {grades.shape}."
            )
        digest = blake2b(digest_size=16)
        for part in (query_rows, judged, grades, heavy):
            digest.update(np.ascontiguousarray(part).tobytes())
        return cls(
            queries=query_rows,
            texts=labels,
            documents=rows,
            ids=names,
            pairs=judged,
            relevance=grades,
            weights=heavy,
            own=np.full(len(query_rows), -1, dtype=np.int64),
            space=space,
            digest=digest.hexdigest(),
            left_out={},
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        queries, relevant = len(self.queries), int((self.relevance > 0).sum())
        out = "".join(f"; {number:,} left out: {why}" for why, number in self.left_out.items())
        return (
            f"ResolvedJudgments({count(queries, 'query', 'queries')}, {len(self):,} pairs: "
            f"{relevant:,} relevant, {len(self) - relevant:,} not{out})"
        )

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per pair."""
        rows = [
            [int(query), self.texts[query], self.ids[row], float(grade), float(weight)]
            for (query, row), grade, weight in zip(
                self.pairs, self.relevance, self.weights, strict=True
            )
        ]
        return data_frame(rows, ["query", "text", "id", "relevance", "weight"])


def verdicts(judgments: Iterable[Judgment]) -> list[Verdict]:
    """Merge the judgments of each query and record.

    A later judgment by the same person replaces an earlier one. Judgments by people take precedence
    over clicks, and clicks add up. If there are judgments for and against, their weights are compared.

    Args:
        judgments: In the order in which they were made.
    """
    current: dict[tuple[Any, ...], Judgment] = {}
    for at, judgment in enumerate(judgments):
        author = ("click", at) if judgment.source == "clicks" else ("person", judgment.by)
        key = (judgment.about, author)
        current.pop(key, None)  # So that the order is that of each author's latest judgment.
        current[key] = judgment
    groups: dict[tuple[Any, ...], list[Judgment]] = {}
    for (about, _), judgment in current.items():
        groups.setdefault(about, []).append(judgment)
    return [_verdict(group) for group in groups.values()]


def _verdict(group: Sequence[Judgment]) -> Verdict:
    counted = [judgment for judgment in group if judgment.source != "clicks"] or group
    relevant = math.fsum(judgment.weight for judgment in counted if judgment.is_relevant)
    other = math.fsum(judgment.weight for judgment in counted if not judgment.is_relevant)
    side = [judgment for judgment in counted if judgment.is_relevant is (relevant > other)]
    total = math.fsum(judgment.weight for judgment in side)
    mean = math.fsum(judgment.weight * judgment.relevance for judgment in side) / total
    is_tie = math.isclose(relevant, other, rel_tol=1e-9)
    return Verdict(side[-1], mean, 0.0 if is_tie else abs(relevant - other), len(counted))


def resolve(collection: Handle) -> ResolvedJudgments:
    """Return the judgments as they count now, with the vectors that they are about.

    Texts are embedded by the collection's current embedding function. Judgments of deleted records,
    ties between people of equal weight, and vectors of another model are left out and counted.

    Returns:
        Arrays; see `ResolvedJudgments`.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> _ = points.feedback.add(query=[0, 1], id=["a", "b"], relevance=[True, False])
        >>> points.feedback.resolved().df()["relevance"].tolist()
        [1.0, -1.0]
    """
    logged = collection.room(JudgmentLog).read()
    while True:
        left_out = Counter({_INVALID: logged.invalid})
        model = collection.fingerprint()
        snapshot = collection.snapshot()
        found, vectors = _found(collection, snapshot, logged.judgments, model, left_out)
        if collection.fingerprint() == model:
            break  # Otherwise the collection was re-embedded in the meantime, so try again.
    rows = {id: row for row, id in enumerate(snapshot.ids)}
    numbers = {query: number for number, query in enumerate(vectors)}
    pairs = [(numbers[v.latest.asked], rows[v.latest.id]) for v in found]
    own = [rows[str(what)] if kind == "record" else -1 for kind, _, what in vectors]
    texts = [
        str(what) if kind == "text" else (snapshot.document(row) or None) if row >= 0 else None
        for (kind, _, what), row in zip(vectors, own, strict=True)
    ]
    shape = (len(vectors), snapshot.dimension)
    return ResolvedJudgments(
        queries=np.asarray([*vectors.values()], dtype=np.float32).reshape(shape),
        texts=tuple(texts),
        documents=snapshot.vectors,
        ids=snapshot.ids,
        pairs=np.asarray(pairs, dtype=np.int64).reshape(-1, 2),
        relevance=np.asarray([v.relevance for v in found], dtype=np.float32),
        weights=np.asarray([v.weight for v in found], dtype=np.float32),
        own=np.asarray(own, dtype=np.int64),
        space=collection.space,
        digest=_digest(found),
        left_out={why: number for why, number in left_out.items() if number},
    )


def _found(
    collection: Handle,
    snapshot: Snapshot,
    judgments: Sequence[Judgment],
    model: str,
    left_out: Counter[str],
) -> tuple[list[Verdict], dict[tuple[str, str, str | bytes], NDArray[np.float32]]]:
    """Return the usable verdicts, and the vector of each query among them."""
    rows = {id: row for row, id in enumerate(snapshot.ids)}
    usable = []
    for verdict in verdicts(judgments):
        why = _why_not(verdict, rows, snapshot, model)
        if why is None:
            usable.append(verdict)
        else:
            left_out[why] += verdict.count
    texts = list({v.latest.query: None for v in usable if v.latest.query is not None})
    embedded: dict[str, NDArray[np.float32]] = {}
    why = _NO_FUNCTION
    try:
        made = collection.embed_queries(texts) if texts else np.empty((0, snapshot.dimension))
        why = _DIMENSION
        if made.shape[1] == snapshot.dimension:
            embedded = dict(zip(texts, made, strict=True))
    except EmbeddingFunctionError:
        if _has_function(collection):
            raise
    found, vectors = [], {}
    for verdict in usable:
        last = verdict.latest
        if last.query is not None and last.query not in embedded:
            left_out[why] += verdict.count
            continue
        if last.query is not None:
            vector = embedded[last.query]
        elif last.query_id is not None:
            vector = snapshot.vectors[rows[last.query_id]]
        else:
            vector = np.frombuffer(last.data or b"", dtype="<f4")
        found.append(verdict)
        vectors[last.asked] = vector
    return found, vectors


def _why_not(
    verdict: Verdict, rows: Mapping[str, int], snapshot: Snapshot, model: str
) -> str | None:
    """Return why a verdict cannot be used; None if it can."""
    last = verdict.latest
    records = [last.id] if last.query_id is None else [last.id, last.query_id]
    if any(id not in rows for id in records):
        return _NO_RECORD
    if not verdict.weight:
        return _CONFLICT
    if last.data is not None and last.model != model:
        return _MODEL
    if last.data is not None and len(last.data) != 4 * snapshot.dimension:
        return _DIMENSION
    if not np.isfinite(snapshot.vectors[[rows[id] for id in records]]).all():
        return _NOT_FINITE
    return None


def _has_function(collection: Handle) -> bool:
    try:
        collection.embedding_function()
    except EmbeddingFunctionError:
        return False
    return True


def _digest(found: Iterable[Verdict]) -> str:
    parts = []
    for verdict in found:
        kind, model, what = verdict.latest.asked
        name = what.hex() if isinstance(what, bytes) else what
        parts.append([kind, model, name, verdict.latest.id, verdict.relevance, verdict.weight])
    text = json.dumps(sorted(parts, key=lambda row: row[:4])).encode()
    return blake2b(text, digest_size=16).hexdigest()
