"""The description of a topic: its characteristic words, a name made of them, and typical documents."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.topics.matrix import TokenMatrix
from chromalab.analytics.topics.stopwords import evenly_spread
from chromalab.analytics.topics.tokens import alike, tokens

__all__ = [
    "TermCounts",
    "count_terms",
    "distinct_names",
    "diverse",
    "representatives",
    "stop_words_of",
    "topic_words",
]

_IN_NAME = 3
_CANDIDATES = 5  # two more than in a name, for names that would be equal
_AS_HEAVY = 0.9

_MEMBERS = 32  # members of a topic; the center of this many is as good as that of all
_PER_DOCUMENT = 4  # members per document to choose, as some are nearly the same
_TOPICS_AT_ONCE = 256
_SAME = 0.98  # cosine at which two texts are the same to a reader


@dataclass(frozen=True, eq=False)
class TermCounts:
    """How often each term occurs in each topic.

    Attributes:
        term: (entries,) int32, by topic, ascending within each.
        times: (entries,) float64, how often the term occurs in that topic.
        ends: (topics + 1,) int64, where the entries of each topic begin and end.
        total: (topics,) int64, the number of occurrences of terms in each topic.
    """

    term: NDArray[np.int32]
    times: NDArray[np.float64]
    ends: NDArray[np.int64]
    total: NDArray[np.int64]


def count_terms(matrix: TokenMatrix, topic: NDArray[np.int32], n_topics: int) -> TermCounts:
    """Count each term in each topic.

    Args:
        matrix: The terms of the texts.
        topic: (n,) int32, the topic of each text, 0 to n_topics - 1; -1 for none.
        n_topics: Number of topics.
    """
    from scipy.sparse import csr_matrix

    # In the matrix of terms and texts, texts are replaced by their topics; no topic comes last. To
    # transpose it takes linear time, and brings equal terms of a topic next to each other. Multiplying
    # two matrices would take twice as long.
    of = np.where(topic < 0, n_topics, topic).astype(np.int32)[matrix.texts]
    ones = np.ones(len(of), dtype=np.int8)
    shape = (len(matrix.frequency), n_topics + 1)
    by_topic = csr_matrix((ones, of, matrix.starts), shape=shape).tocsc()
    ends = by_topic.indptr[: n_topics + 1].astype(np.int64)
    term = by_topic.indices[: ends[-1]]
    differs = np.ones(len(term) + 1, dtype=bool)
    np.not_equal(term[1:], term[:-1], out=differs[1:-1])
    differs[ends] = True
    first = np.flatnonzero(differs)
    times = np.diff(first).astype(np.float64)
    return TermCounts(term[first[:-1]], times, np.searchsorted(first, ends), np.diff(ends))


def topic_words(
    matrix: TokenMatrix,
    topic: NDArray[np.int32],
    n_topics: int,
    *,
    n_words: int = 10,
    stop_words: Collection[str] = (),
) -> list[list[tuple[int, float]]]:
    """Weight the terms of each topic by c-TF-IDF, with the square root of the term frequency.

    The weight of a term with the share tf of a topic's words is sqrt(tf) * ln(1 + A / f), where f is
    its frequency in all texts, and A the mean number of words per topic (BERTopic, Grootendorst 2022,
    https://arxiv.org/abs/2203.05794; the root is its option `reduce_frequent_words`). Terms of only
    digits and single letters are left out, and so are stop words and terms that begin or end with one,
    unless a topic has no others. Terms that occur only once in a topic come after all others.

    Args:
        matrix: The terms of the texts.
        topic: (n,) int32, the topic of each text, 0 to n_topics - 1; -1 for none.
        n_topics: Number of topics.
        n_words: Number of words per topic.
        stop_words: Words to leave out, also at the beginning and the end of a term.

    Returns:
        For each topic, (term, weight), the heaviest first.
    """
    if not n_topics or not len(matrix.frequency):
        return [[] for _ in range(n_topics)]
    counts = count_terms(matrix, topic, n_topics)
    allowed = _allowed(matrix, stop_words_of(matrix, counts), stop_words)
    fallback = _allowed(matrix, np.zeros(len(matrix.words), dtype=bool), stop_words)
    weight = np.log1p(counts.total.mean() / np.maximum(matrix.frequency, 1))
    best = []
    for number in range(n_topics):
        part = slice(counts.ends[number], counts.ends[number + 1])
        terms, times = counts.term[part], counts.times[part]
        scores = np.sqrt(times / max(1, counts.total[number])) * weight[terms]
        chosen = allowed[terms] if allowed[terms].any() else fallback[terms]
        own = _heaviest(terms, scores, chosen & (times > 1), n_words)
        if len(own) < n_words:
            own += _heaviest(terms, scores, chosen & (times == 1), n_words - len(own))
        best.append(own)
    return best


def stop_words_of(matrix: TokenMatrix, counts: TermCounts) -> NDArray[np.bool_]:
    """Find the words that are evenly spread over the topics, (words,) bool; see `stopwords`."""
    frequent = matrix.frequent
    at = np.full(len(matrix.frequency), -1, dtype=np.int32)
    at[frequent] = np.arange(len(frequent))
    place = at[counts.term]
    here = np.flatnonzero(place >= 0)
    spread = np.zeros((len(frequent), len(counts.total)))
    spread[place[here], np.searchsorted(counts.ends, here, side="right") - 1] = counts.times[here]
    found = np.zeros(len(matrix.words), dtype=bool)
    found[matrix.parts[frequent, 0]] = evenly_spread(spread, counts.total)
    return found


def diverse(
    matrix: TokenMatrix, weighted: Sequence[tuple[int, float]], limit: int = _CANDIDATES
) -> list[str]:
    """Leave out terms that repeat a word of an earlier term, or another form of it.

    A piece of unspaced text is replaced by the longest term around it that is about as heavy.

    Args:
        matrix: The terms of the texts.
        weighted: (term, weight), the heaviest first.
        limit: Number of terms to return.
    """
    chosen: list[str] = []
    seen: list[str] = []
    for term, weight in weighted:
        if len(chosen) == limit:
            break
        words = matrix.tokens(term)
        if any(alike(word, other) for word in words for other in seen):
            continue
        text = matrix.text(term)
        if not text.isascii():
            longer = [matrix.text(other) for other, near in weighted if near >= _AS_HEAVY * weight]
            text = max((t for t in longer if text in t and " " not in t), key=len, default=text)
        chosen.append(text)
        seen += words if text == matrix.text(term) else tokens(text)
    return chosen


def distinct_names(words: Sequence[Sequence[str]], labels: Sequence[int]) -> list[str]:
    """Name each topic by its first three words, or by more if two names would be equal.

    Example:
        >>> distinct_names([["tea", "cup"], ["tea", "cup", "pot", "lid"], []], [0, 1, 2])
        ['tea, cup', 'tea, cup, pot', 'topic 2']
    """
    names: list[str] = []
    taken: set[str] = set()
    for own, label in zip(words, labels, strict=True):
        length = min(_IN_NAME, len(own))
        name = ", ".join(own[:length])
        while name in taken and length < len(own):
            length += 1
            name = ", ".join(own[:length])
        if not name:
            name = f"topic {label}"
        while name in taken:
            name += f" ({label})"
        taken.add(name)
        names.append(name)
    return names


def _allowed(
    matrix: TokenMatrix, common: NDArray[np.bool_], stop_words: Collection[str]
) -> NDArray[np.bool_]:
    """Return which terms may describe a topic, (terms,) bool."""
    edge = common.copy()
    for word in {part for text in stop_words for part in tokens(text)}:
        if word in matrix.number:
            edge[matrix.number[word]] = True
    first, last = matrix.edges
    allowed: NDArray[np.bool_] = matrix.is_meaningful & ~edge[first] & ~edge[last]
    return allowed


def _heaviest(
    terms: NDArray[np.int32], scores: NDArray[np.float64], chosen: NDArray[np.bool_], n_words: int
) -> list[tuple[int, float]]:
    """Sort terms by weight; terms of equal weight go by first appearance."""
    terms, scores = terms[chosen], scores[chosen]
    if len(terms) > n_words:
        bound = np.partition(scores, len(scores) - n_words)[len(scores) - n_words]
        terms, scores = terms[scores >= bound], scores[scores >= bound]
    top = np.argsort(-scores, kind="stable")[:n_words]
    return list(zip(terms[top].tolist(), scores[top].tolist(), strict=True))


def representatives(
    vectors: NDArray[np.float32],
    topic: NDArray[np.int32],
    n_topics: int,
    probabilities: NDArray[np.float32],
    text: Callable[[int], str],
    *,
    n_documents: int = 3,
) -> list[list[int]]:
    """Choose the documents nearest to the center of each topic, without near-duplicates.

    They are chosen among the half of the members with the highest probabilities, or 32 of these, evenly
    spaced in their order.

    Args:
        vectors: (n, dimension) float32.
        topic: (n,) int32, the topic of each record, 0 to n_topics - 1; -1 for none.
        n_topics: Number of topics.
        probabilities: (n,) float32, how certainly each record belongs to its topic.
        text: Returns the document of a row.
        n_documents: Number of documents per topic.

    Returns:
        For each topic, the rows of the records, the nearest first.
    """
    small = np.min_scalar_type(n_topics + 1)
    order = np.argsort((topic + 1).astype(small), kind="stable")
    ends = np.cumsum(np.bincount(topic + 1, minlength=n_topics + 1)).tolist()
    members = [
        _most_probable(order[start:end], probabilities) for start, end in itertools.pairwise(ends)
    ]
    chosen: list[list[int]] = []
    for at in range(0, n_topics, _TOPICS_AT_ONCE):
        some = members[at : at + _TOPICS_AT_ONCE]
        nearest, near_duplicates = _nearest(vectors, some, _PER_DOCUMENT * n_documents)
        for rows, same in zip(nearest.tolist(), near_duplicates, strict=True):
            chosen.append(_different(rows, same, text, n_documents))
    return chosen


def _most_probable(
    members: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Take the half with the highest probabilities, or 32 of these, evenly spaced."""
    if len(members) > 1:
        probability, half = probabilities[members], len(members) // 2
        members = members[probability >= np.partition(probability, half)[half]]
    if len(members) > _MEMBERS:
        members = members[np.arange(_MEMBERS) * len(members) // _MEMBERS]
    return members


def _nearest(
    vectors: NDArray[np.float32], members: list[NDArray[np.int64]], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Sort members by their distance to the center of their topic, for all topics together.

    Returns:
        (topics, limit) int64 rows, -1 after the last; and (topics, limit, limit) bool, which of them
        have nearly the same direction.
    """
    widest = max(map(len, members))
    rows = np.full((len(members), widest), -1, dtype=np.int64)
    for number, own in enumerate(members):
        rows[number, : len(own)] = own
    there = rows >= 0
    unit = np.zeros((*rows.shape, vectors.shape[1]), dtype=np.float32)
    unit[there] = vectors[rows[there]]
    squared = np.einsum("tmd,tmd->tm", unit, unit)
    unit /= np.sqrt(np.maximum(squared, np.finfo(np.float32).tiny))[:, :, None]
    near = np.matmul(unit, unit.sum(axis=1)[:, :, None])[:, :, 0]
    order = np.argsort(np.where(there, -near, np.inf), axis=1, kind="stable")[:, :limit]
    unit = np.take_along_axis(unit, order[:, :, None], axis=1)
    near_duplicates = np.matmul(unit, unit.transpose(0, 2, 1)) >= _SAME
    return np.take_along_axis(rows, order, axis=1), near_duplicates


def _different(
    rows: list[int], same: NDArray[np.bool_], text: Callable[[int], str], n_documents: int
) -> list[int]:
    """Take the first rows whose documents are neither empty nor near-duplicates of earlier ones."""
    chosen: list[int] = []
    seen: set[str] = {""}
    for place, row in enumerate(rows):
        if len(chosen) == n_documents or row < 0:
            break
        words = " ".join(text(row).casefold().split())
        if words not in seen and not any(same[place, other] for other in chosen):
            chosen.append(place)
            seen.add(words)
    return [rows[place] for place in chosen]
