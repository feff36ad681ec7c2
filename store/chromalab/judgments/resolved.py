"""`Judged`: what learning starts from: judgements as they count now, with the vectors they are about."""

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
from chromalab.feedback.asking import embed_texts, fingerprint
from chromalab.feedback.judgement import Judgement
from chromalab.frames import data_frame
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

    from chromalab.collection import Collection

__all__ = ["Judged", "Verdict", "resolve", "verdicts"]

_NO_RECORD = "no such record"
_MODEL = "a vector of another model"
_DIMENSION = "a vector of another dimension"
_NO_FUNCTION = "a text, and no embedding function for it"
_NOT_FINITE = "a record whose vector is not finite"
_CONFLICT = "people of equal weight say the opposite"
_STRANGE = "no judgement at all"


@dataclass(frozen=True)
class Verdict:
    """What is held of one record as the answer to one query, by all who judged it.

    Attributes:
        latest: The judgement that was made last, of those that count.
        relevance: The mean grade, by weight, of the side that weighs more.
        weight: By how much it weighs more; 0 is a conflict.
        count: How many judgements were put together.
    """

    latest: Judgement
    relevance: float
    weight: float
    count: int


@dataclass(frozen=True, eq=False, repr=False)
class Judged:
    """Judgements as they count now, in arrays.

    Attributes:
        queries: (q, d) float32, the distinct queries.
        texts: The text of each, for show: of a record its document; None for a vector.
        documents: (n, d) float32, read only: the vectors of all records.
        ids: The n ids.
        pairs: (m, 2) int64, the row of a query and of a record.
        relevance: (m,) float32, grades: above 0 is relevant.
        weights: (m,) float32, above 0.
        own: (q,) int64, the row of the record that a query is itself; -1 for others.
        space: The distance of the collection.
        digest: Names these judgements: the same for the same, in whatever order they were made.
        left_out: Why judgements are not in it, and how many.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> _ = points.feedback.add(query=[0, 1], id=["a", "b"], relevance=[True, False])
        >>> points.feedback.resolved()
        Judged(1 query, 2 pairs: 1 relevant, 1 not)
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
    ) -> Judged:
        """Take judgements of arrays, without a collection.

        Args:
            queries: (q, d) numbers.
            documents: (n, d) numbers.
            pairs: (m, 2) whole numbers, the row of a query and of a document.
            relevance: (m,) numbers, above 0 is relevant.
            weights: (m,) numbers above 0; all 1, unless given.
            texts: Of the queries, for show.
            ids: Of the documents; their row numbers, unless given.
            space: "cosine", "l2" or "ip".

        Raises:
            InvalidArgumentError: the shapes do not fit together, or a number is not finite.

        Example:
            >>> Judged.of([[0, 1]], [[0, 1], [1, 0]], [[0, 0], [0, 1]], [1, -1])
            Judged(1 query, 2 pairs: 1 relevant, 1 not)
        """
        asked, rows = (
            Snapshot.of(np.atleast_2d(np.asarray(v, dtype=np.float32))).vectors
            for v in (queries, documents)
        )
        if space not in ("cosine", "l2", "ip"):
            raise InvalidArgumentError(f"space is {short(space)}; it is cosine, l2 or ip.")
        try:
            judged = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
            grades = np.asarray(relevance, dtype=np.float32).reshape(-1)
            heavy = np.ones(len(judged), dtype=np.float32)
            if weights is not None:
                heavy = np.asarray(weights, dtype=np.float32).reshape(-1)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgumentError(
                f"pairs are (m, 2) rows of queries and documents, relevance and weights m numbers: {error}."
            ) from error
        said = tuple([None] * len(asked) if texts is None else texts)
        names = tuple(map(str, range(len(rows)) if ids is None else ids))
        if (
            asked.shape[1] != rows.shape[1]
            or not len(judged) == len(grades) == len(heavy)
            or (judged < 0).any()
            or (judged >= [len(asked), len(rows)]).any()
            or not np.isfinite(grades).all()
            or not (np.isfinite(heavy) & (heavy > 0)).all()
            or len(said) != len(asked)
            or len(names) != len(rows)
        ):
            raise InvalidArgumentError(
                f"Judgements are (q, d) queries, (n, d) documents, (m, 2) pairs of their rows, and m "
                f"finite grades; found {asked.shape}, {rows.shape}, {judged.shape}, {grades.shape}."
            )
        digest = blake2b(digest_size=16)
        for part in (asked, judged, grades, heavy):
            digest.update(np.ascontiguousarray(part).tobytes())
        return cls(
            queries=asked,
            texts=said,
            documents=rows,
            ids=names,
            pairs=judged,
            relevance=grades,
            weights=heavy,
            own=np.full(len(asked), -1, dtype=np.int64),
            space=space,
            digest=digest.hexdigest(),
            left_out={},
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        queries, relevant = len(self.queries), int((self.relevance > 0).sum())
        out = "".join(f"; {count:,} left out: {why}" for why, count in self.left_out.items())
        return (
            f"Judged({queries:,} {'query' if queries == 1 else 'queries'}, {len(self):,} pairs: "
            f"{relevant:,} relevant, {len(self) - relevant:,} not{out})"
        )

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a pair."""
        rows = [
            [int(query), self.texts[query], self.ids[row], float(grade), float(weight)]
            for (query, row), grade, weight in zip(
                self.pairs, self.relevance, self.weights, strict=True
            )
        ]
        return data_frame(rows, ["query", "text", "id", "relevance", "weight"])


def verdicts(judgements: Iterable[Judgement]) -> list[Verdict]:
    """Put together what was said of each query and record.

    A later judgement by the same person replaces an earlier one. What people said goes before what
    clicks suggest, and clicks add up. Where both sides have advocates, the weights are compared.

    Args:
        judgements: In the order they were made.
    """
    standing: dict[tuple[Any, ...], Judgement] = {}
    for at, judgement in enumerate(judgements):
        who = ("clicks", at) if judgement.source == "clicks" else ("said", judgement.by)
        key = (judgement.about, who)
        standing.pop(key, None)  # so that the order is that of the last word
        standing[key] = judgement
    groups: dict[tuple[Any, ...], list[Judgement]] = {}
    for (about, _), judgement in standing.items():
        groups.setdefault(about, []).append(judgement)
    return [_verdict(group) for group in groups.values()]


def _verdict(group: Sequence[Judgement]) -> Verdict:
    heard = [judgement for judgement in group if judgement.source != "clicks"] or group
    relevant = math.fsum(judgement.weight for judgement in heard if judgement.is_relevant)
    other = math.fsum(judgement.weight for judgement in heard if not judgement.is_relevant)
    side = [judgement for judgement in heard if judgement.is_relevant is (relevant > other)]
    total = math.fsum(judgement.weight for judgement in side)
    mean = math.fsum(judgement.weight * judgement.relevance for judgement in side) / total
    even = math.isclose(relevant, other, rel_tol=1e-9)
    return Verdict(side[-1], mean, 0.0 if even else abs(relevant - other), len(heard))


def resolve(collection: Collection, judgements: Sequence[Judgement], strange: int) -> Judged:
    """Find the vectors that judgements are about; see `Feedback.resolved`.

    Args:
        collection: What was judged.
        judgements: In the order they were made.
        strange: How many more there are that make no sense.
    """
    left_out = Counter({_STRANGE: strange})
    engine = collection._engine
    while True:
        before = engine.get_collection_by_id(collection.id)
        snapshot = collection.snapshot()
        found, vectors = _found(collection, snapshot, judgements, fingerprint(before), left_out)
        if fingerprint(engine.get_collection_by_id(collection.id)) == fingerprint(before):
            break
        left_out = Counter({_STRANGE: strange})  # it was embedded anew meanwhile: again
    rows = {id: row for row, id in enumerate(snapshot.ids)}
    numbers = {asked: number for number, asked in enumerate(vectors)}
    pairs = [(numbers[v.latest.asked], rows[v.latest.id]) for v in found]
    own = [rows[str(what)] if kind == "record" else -1 for kind, _, what in vectors]
    texts = [
        str(what) if kind == "text" else (snapshot.document(row) or None) if row >= 0 else None
        for (kind, _, what), row in zip(vectors, own, strict=True)
    ]
    shape = (len(vectors), snapshot.dimension)
    return Judged(
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
        left_out={why: count for why, count in left_out.items() if count},
    )


def _found(
    collection: Collection,
    snapshot: Snapshot,
    judgements: Sequence[Judgement],
    model: str,
    left_out: Counter[str],
) -> tuple[list[Verdict], dict[tuple[str, str, str | bytes], NDArray[np.float32]]]:
    """The verdicts that can be used, and the vector of each query among them."""
    rows = {id: row for row, id in enumerate(snapshot.ids)}
    usable = []
    for verdict in verdicts(judgements):
        why = _why_not(verdict, rows, snapshot, model)
        if why is None:
            usable.append(verdict)
        else:
            left_out[why] += verdict.count
    texts = list({v.latest.query: None for v in usable if v.latest.query is not None})
    embedded: dict[str, NDArray[np.float32]] = {}
    why = _NO_FUNCTION
    try:
        made = embed_texts(collection, texts) if texts else np.empty((0, snapshot.dimension))
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


def _has_function(collection: Collection) -> bool:
    try:
        collection._function()
    except EmbeddingFunctionError:
        return False
    return True


def _digest(found: Iterable[Verdict]) -> str:
    said = []
    for verdict in found:
        kind, model, what = verdict.latest.asked
        name = what.hex() if isinstance(what, bytes) else what
        said.append([kind, model, name, verdict.latest.id, verdict.relevance, verdict.weight])
    text = json.dumps(sorted(said, key=lambda row: row[:4])).encode()
    return blake2b(text, digest_size=16).hexdigest()
