"""Queries with known answers, judgments sampled from them, and scores of rankings."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from texts import SHARED, Absent, embedded, read

from chromalab.feedback import ResolvedJudgments

__all__ = ["OTHERS", "STORED", "Log", "Pairs", "Retrieval", "entailed", "large", "other", "stored"]

STORED = ("cran", "chunks", "bank_ir")
"""Sets whose MiniLM vectors are stored with the data."""

_SHOWN = 20  # length of the list without a transform, from which negative judgments are sampled
_K = 10
_DISCOUNT = 1 / np.log2(np.arange(2, _K + 2))

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Log:
    """Judgments: (m, 2) rows of a query and a document, and (m,) grades of 1 or -1."""

    pairs: Rows
    grades: Vectors

    def __len__(self) -> int:
        return len(self.pairs)

    def flipped(self, share: float, seed: int) -> Log:
        """Return the log with the grades of a random share flipped."""
        rows = np.random.default_rng(seed).permutation(len(self))[: round(share * len(self))]
        grades = self.grades.copy()
        grades[rows] *= -1
        return replace(self, grades=grades)

    def random(self, seed: int) -> Log:
        """Return the same pairs with random grades."""
        coins = np.random.default_rng(seed).integers(0, 2, len(self)) * 2 - 1
        return replace(self, grades=coins.astype(np.float32))

    def shuffled(self, seed: int) -> Log:
        """Return the log with its documents in random order."""
        pairs = self.pairs.copy()
        pairs[:, 1] = np.random.default_rng(seed).permutation(pairs[:, 1])
        return replace(self, pairs=pairs)

    def scrambled(self, documents: int, seed: int) -> Log:
        """Return the log with each document replaced by another, always by the same one."""
        pairs = self.pairs.copy()
        pairs[:, 1] = np.random.default_rng(seed).permutation(documents)[pairs[:, 1]]
        return replace(self, pairs=pairs)


@dataclass(frozen=True, eq=False)
class Retrieval:
    """Documents (n, d) and queries (q, d), float32 of unit length, and the answers of each query.

    Attributes:
        name: The name of the set.
        truth: (q, n) bool, whether a document is an answer to a query.
    """

    name: str
    documents: Vectors
    queries: Vectors
    truth: NDArray[np.bool_]

    @classmethod
    def of(cls, name: str, documents: Vectors, queries: Vectors, relevant: Rows) -> Retrieval:
        """Take (r, 2) rows of a query and its answer; queries without an answer are omitted."""
        truth = np.zeros((len(queries), len(documents)), dtype=bool)
        truth[relevant[:, 0], relevant[:, 1]] = True
        some = truth.any(axis=1)
        return cls(name, _unit(documents), _unit(queries)[some], truth[some])

    def split(self, seed: int) -> tuple[Rows, Rows, np.random.Generator]:
        """Return the queries to judge, the queries to test, and the generator that chose them."""
        random = np.random.default_rng(seed)
        order = random.permutation(len(self.queries))
        return order[: len(order) // 2], order[len(order) // 2 :], random

    def judged(self, seed: int, count: int, *, most: int | None = None, depth: int = _SHOWN) -> Log:
        """Judge queries of the first half in turn; half of the judgments are answers, half are not.

        If there are not enough answers, the log is shorter than `count`. A longer log begins with the
        shorter ones.

        Args:
            seed: The seed of the split and the sampling.
            count: The number of judgments.
            most: The maximum number of queries.
            depth: Documents that are not answers are sampled from the top `depth`.
        """
        train, _, random = self.split(seed)
        train = train[:most]
        shown = self.ranked(self.queries[train], self.documents, depth)
        right = [random.permutation(np.flatnonzero(self.truth[query])) for query in train]
        wrong = [
            random.permutation(rows[~self.truth[query, rows]])
            for query, rows in zip(train, shown, strict=True)
        ]
        parts = [_in_turn(train, pools, count // 2) for pools in (right, wrong)]
        grades = np.repeat(np.float32([1, -1]), [len(part) for part in parts])
        return Log(np.concatenate(parts), grades)

    def displayed(self, seed: int, count: int, *, most: int | None = None) -> Log:
        """Judge only documents in the top ten, right or wrong, of each or of `most` queries in turn."""
        train, _, random = self.split(seed)
        train = train[:most]
        shown = self.ranked(self.queries[train], self.documents, _K)
        pairs = _in_turn(train, [random.permutation(rows) for rows in shown], count)
        grades = np.where(self.truth[pairs[:, 0], pairs[:, 1]], 1, -1)
        return Log(pairs, grades.astype(np.float32))

    def as_judged(self, log: Log) -> ResolvedJudgments:
        """Return the log in the form that `tune` takes."""
        return ResolvedJudgments.of(self.queries, self.documents, log.pairs, log.grades)

    def ranked(self, asked: Vectors, documents: Vectors, count: int = _K) -> Rows:
        """Return the rows of the top documents by cosine, best first."""
        scores = _unit(asked) @ _unit(documents).T
        return np.argsort(-scores, axis=1, kind="stable")[:, :count]

    def ndcg(self, rows: Rows, found: Rows) -> float:
        """Return the mean nDCG@10 of some queries, with all known answers.

        Args:
            rows: (t,) rows of the queries.
            found: (t, 10) rows of the documents for each, best first.
        """
        hits = np.take_along_axis(self.truth[rows], found, axis=1) @ _DISCOUNT
        answers = np.minimum(self.truth[rows].sum(axis=1), _K)
        return float((hits / np.cumsum(_DISCOUNT)[answers - 1]).mean())

    def base(self, seed: int) -> float:
        """Return nDCG@10 of the tested queries without a transform."""
        _, test, _ = self.split(seed)
        return self.ndcg(test, self.ranked(self.queries[test], self.documents))

    def points(self, seed: int, queries: Vectors, documents: Vectors) -> float:
        """Return by how many points nDCG@10 of the tested queries changes with all vectors mapped."""
        _, test, _ = self.split(seed)
        return 100 * (self.ndcg(test, self.ranked(queries[test], documents)) - self.base(seed))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of sentences that belong together, (n, d) each, and the rows of wrong partners."""

    left: Vectors
    right: Vectors
    wrong: Rows


def stored(name: str) -> Retrieval:
    """Read a set of `STORED`.

    Raises:
        Absent: The file of the set is missing.
    """
    path = SHARED / "feedback" / f"{name}.npz"
    if not path.exists():
        raise Absent(f"{path.name} is missing; benchmarks/README.md lists the sources of the data.")
    with np.load(path) as found:
        return Retrieval.of(
            name,
            found["doc_vectors"].astype(np.float32),
            found["query_vectors"].astype(np.float32),
            found["relevant"].astype(np.int64),
        )


def large(name: str, count: int = 3000) -> Retrieval:
    """Return bank_ir with documents of chunks added, `count` in all."""
    bank, more = stored("bank_ir"), stored("chunks").documents
    more = more[: count - len(bank.documents)]
    truth = np.pad(bank.truth, ((0, 0), (0, len(more))))
    return replace(bank, name=name, documents=np.concatenate([bank.documents, more]), truth=truth)


def other(name: str, folder: Path) -> Retrieval:
    """Make a set of `OTHERS`, embedded with WordLlama.

    Raises:
        Absent: The files of the set are missing.
    """
    try:
        documents, queries, relevant = OTHERS[name]()
    except FileNotFoundError as error:
        raise Absent(
            f"{Path(error.filename).name} is missing; benchmarks/README.md lists its source."
        ) from error
    vectors = (embedded(folder, texts, "WordLlama") for texts in (documents, queries))
    return Retrieval.of(name, *vectors, relevant)


def entailed(folder: Path, seed: int, *, hard: bool) -> tuple[Pairs, Pairs]:
    """Return entailed pairs of SNLI's development part: 500 to learn from and 500 to test.

    Args:
        folder: The folder in which vectors are cached.
        seed: The seed of the split and the wrong partners; the 1,000 pairs are always the same.
        hard: Whether a wrong partner is one of the 5 nearest instead of any.
    """
    texts = []
    for part in ("labels", "s1", "s2"):
        path = SHARED / "snli" / f"{part}.dev"
        if not path.exists():
            raise Absent(f"snli/{path.name} is missing; benchmarks/README.md lists its source.")
        texts.append(path.read_text(encoding="utf-8").splitlines())
    rows = [row for row, label in enumerate(texts[0]) if label.strip() == "entailment"]
    rows = np.random.default_rng(123).permutation(rows)[:1000].tolist()
    left, right = ([side[row].strip() for row in rows] for side in texts[1:])
    vectors = [_unit(embedded(folder, side, "MiniLM")) for side in (left, right)]
    random = np.random.default_rng(seed)
    order = random.permutation(len(rows))
    halves = (order[:500], order[500:])
    return tuple(  # type: ignore[return-value]
        Pairs(
            vectors[0][half],
            vectors[1][half],
            _wrong(*(side[half] for side in vectors), [right[row] for row in half], random, hard),
        )
        for half in halves
    )


def _wrong(
    left: Vectors, right: Vectors, texts: list[str], random: np.random.Generator, hard: bool
) -> Rows:
    scores = left @ right.T
    names = np.asarray(texts)
    scores[names[:, np.newaxis] == names] = -np.inf  # the partner, and copies of its sentence
    if hard:
        near = np.argsort(-scores, axis=1, kind="stable")[:, :5]
        return near[np.arange(len(left)), random.integers(0, 5, len(left))]
    return np.array([random.choice(np.flatnonzero(np.isfinite(row))) for row in scores])


def _unit(rows: Vectors) -> Vectors:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _in_turn(queries: Rows, pools: Sequence[Rows], count: int) -> Rows:
    """Take one of each pool in turn until there are enough, and return (m, 2) pairs."""
    pairs = [
        (query, pool[turn])
        for turn in range(max(map(len, pools), default=0))
        for query, pool in zip(queries.tolist(), pools, strict=True)
        if turn < len(pool)
    ]
    return np.asarray(pairs[:count], dtype=np.int64).reshape(-1, 2)


_Made = tuple[list[str], list[str], Rows]


def _same(documents: Sequence[str], queries: Sequence[str]) -> Rows:
    return np.argwhere(np.asarray(queries)[:, np.newaxis] == np.asarray(documents))


def _banking() -> _Made:
    """Return a set like bank_ir, of utterances that are not in it: 20 per intent, and 6 as queries."""
    with np.load(SHARED / "feedback" / "bank_ir.npz") as found:
        used = [{int(one[1:]) for one in found[key].tolist()} for key in ("doc_ids", "query_ids")]
    parts: list[tuple[list[str], list[str]]] = []
    for name, seen, each in (("banking77", used[0], 20), ("banking77 test", used[1], 6)):
        whole, random = read(name), np.random.default_rng(0)
        labels = np.asarray(whole.labels["intent"])
        free = np.setdiff1d(np.arange(len(labels)), np.fromiter(seen, np.int64))
        drawn = [random.permutation(free[labels[free] == one])[:each] for one in np.unique(labels)]
        rows = np.concatenate(drawn)
        parts.append(([whole.texts[row] for row in rows], labels[rows].tolist()))
    (documents, intents), (queries, asked) = parts
    return documents, queries, _same(intents, asked)


def _trec() -> _Made:
    """Return 2,000 training questions; a test question is answered by those of its fine class."""
    train, test = read("trec", 2000), read("trec test")
    return train.texts, test.texts, _same(train.labels["fine"], test.labels["fine"])


def _shops(name: str) -> _Made:
    """Return the products of two shops; a product of one is answered by the same one of the other."""
    with (SHARED / "er" / f"er_{name}.json").open(encoding="utf-8") as file:
        found = json.load(file)
    lefts = found["n_left"]
    relevant = np.asarray(found["pos"], dtype=np.int64) - [0, lefts]
    return found["texts"][lefts:], found["texts"][:lefts], relevant


OTHERS: dict[str, Callable[[], _Made]] = {
    "banking77, others": _banking,
    "trec, fine": _trec,
    "abt_buy": partial(_shops, "abt_buy"),
    "walmart_amazon": partial(_shops, "walmart_amazon"),
}
"""Name -> function that returns documents, queries and (r, 2) rows of a query and an answer."""
