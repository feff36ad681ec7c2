"""The description of a topic: its characteristic words, a name made of them, and typical documents."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.topics.matrix import TokenMatrix
from chromalab.analytics.topics.stopwords import FUNCTION_WORDS, evenly_spread
from chromalab.analytics.topics.tokens import alike, tokens

__all__ = [
    "TermCounts",
    "centers_of",
    "count_terms",
    "distinct_names",
    "diverse",
    "representatives",
    "stop_words_of",
    "topic_words",
    "typical_members",
]

_IN_NAME = 3
_CANDIDATES = 5  # two more than in a name, for names that would be equal
_AS_HEAVY = 0.6  # as a share of the weight of a term, for a phrase around it
_RERANKED = 25  # terms beyond those returned, which their nearness may move up

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
    centers: NDArray[np.float64] | None = None,
    stop_words: Collection[str] = (),
) -> list[list[tuple[int, float]]]:
    """Weight the terms of each topic by c-TF-IDF and by their nearness to its center.

    c-TF-IDF of a term with the share tf of a topic's words is tf * ln(1 + A / f), where f is the number
    of texts that contain it, and A the mean number of words per topic (BERTopic, Grootendorst 2022,
    https://arxiv.org/abs/2203.05794). The terms that it ranks highest are also weighted by the square
    root of `_nearness`; without the root, terms of a few texts came first. Terms that begin or end with
    digits, a single letter or a stop word are left out, unless a topic has no others without digits and
    single letters. Terms that occur in only one text of a topic come after all others.

    Args:
        matrix: The terms of the texts.
        topic: (n,) int32, the topic of each text, 0 to n_topics - 1; -1 for none.
        n_topics: Number of topics.
        n_words: Number of words per topic.
        centers: (n_topics, dimension), the mean direction of each topic; None for c-TF-IDF alone.
        stop_words: Words to leave out, also at the beginning and the end of a term.

    Returns:
        For each topic, (term, weight), the heaviest first.
    """
    if not n_topics or not len(matrix.frequency):
        return [[] for _ in range(n_topics)]
    counts = count_terms(matrix, topic, n_topics)
    listed = _numbers(matrix, stop_words)
    even = stop_words_of(matrix, counts)
    fallback = _allowed(matrix, np.zeros(len(matrix.words), dtype=bool), listed)
    weight = np.log1p(counts.total.mean() / np.maximum(matrix.frequency, 1))
    spoken = _function_words(matrix, counts)
    ranked: list[tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]] = []
    for number in range(n_topics):
        part = slice(counts.ends[number], counts.ends[number + 1])
        terms, times = counts.term[part], counts.times[part]
        scores = times / max(1, counts.total[number]) * weight[terms]
        chosen = _allowed(matrix, even, [*listed, *spoken[number]], terms)
        if not chosen.any():
            chosen = fallback[terms]
        terms, scores, once = terms[chosen], scores[chosen], times[chosen] == 1
        if len(terms) > n_words + _RERANKED:  # all terms that are as heavy as the last one remain
            last = np.lexsort((-scores, once))[n_words + _RERANKED - 1]
            heavy = (once < once[last]) | ((once == once[last]) & (scores >= scores[last]))
            terms, scores, once = terms[heavy], scores[heavy], once[heavy]
        ranked.append((terms, scores, once))
    near = _nearness(matrix, topic, [terms for terms, *_ in ranked], counts.total, centers)
    best = []
    for (terms, scores, once), nearness in zip(ranked, near, strict=True):
        scores = scores * np.sqrt(nearness)
        texts = [matrix.text(term) for term in terms.tolist()]
        order = sorted(range(len(texts)), key=lambda at: (once[at], -scores[at], texts[at]))
        best.append([(int(terms[at]), float(scores[at])) for at in order[:n_words]])
    return best


def _nearness(
    matrix: TokenMatrix,
    topic: NDArray[np.int32],
    terms: Sequence[NDArray[np.int32]],
    total: NDArray[np.int64],
    centers: NDArray[np.float64] | None,
) -> list[NDArray[np.float64]]:
    """Measure from 0 to 1 how far the texts that contain a term lie toward the center of a topic.

    It is 0 for a term whose texts are spread over all topics, and 1 for one whose texts lie at the center
    of this topic, on average. A text counts as lying at the center of its own topic. So a term that also
    occurs in similar topics is nearer than one that occurs as often in unrelated ones. KeyBERT
    (Grootendorst 2020, https://doi.org/10.5281/zenodo.4461265) embeds each candidate for the same purpose;
    the mean of its texts needs no embedding function.

    Args:
        matrix: The terms of the texts.
        topic: (n,) int32, the topic of each text; -1 for none.
        terms: For each topic, the terms to measure.
        total: (topics,) int64, the number of words in each topic.
        centers: (topics, dimension), the mean direction of each topic; None for a nearness of 1.

    Returns:
        For each topic, one number per term.
    """
    if centers is None or len(centers) < 2:
        return [np.ones(len(own)) for own in terms]
    away = centers - np.average(centers, axis=0, weights=np.maximum(total, 1))
    toward = away @ away.T
    length = np.diag(toward).copy()
    # For each text that is in no topic, as far toward each center as the average of all texts.
    toward = np.vstack([toward / np.where(length > 0, length, 1), np.zeros(len(away))])
    found = []
    for number, own in enumerate(terms):
        if length[number] == 0 or not len(own):
            found.append(np.ones(len(own)))
            continue
        many = matrix.frequency[own].astype(np.int64)
        starts = np.r_[0, np.cumsum(many)[:-1]].astype(np.int64)
        at = np.arange(many.sum()) + np.repeat(matrix.starts[own] - starts, many)
        sums = np.add.reduceat(toward[topic[matrix.texts[at]], number], starts)
        found.append(np.clip(sums / many, 0, 1))
    return found


def _function_words(matrix: TokenMatrix, counts: TermCounts) -> list[list[int]]:
    """Return for each topic the function words of English and of the language it is most likely in.

    The language is the one whose function words are most frequent. Not all lists apply at once, since
    words such as "die" and "war" have a meaning in one language and none in another.
    """
    from scipy.sparse import csr_matrix

    known = {language: _numbers(matrix, words) for language, words in FUNCTION_WORDS.items()}
    listed: NDArray[np.bool_] = np.zeros((len(known), len(matrix.words)), dtype=bool)
    for own, numbers in zip(listed, known.values(), strict=True):
        own[numbers] = True
    first = matrix.edges[0][counts.term]
    in_any: NDArray[np.bool_] = np.logical_or.reduce(listed, axis=0)
    here = np.flatnonzero(in_any[first])
    topic = np.searchsorted(counts.ends, here, side="right") - 1
    shape = (len(counts.total), len(matrix.words))
    times = csr_matrix((counts.times[here], (topic, first[here])), shape=shape) @ listed.T
    languages = list(known)
    return [[*known["English"], *known[languages[at]]] for at in times.argmax(axis=1).tolist()]


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

    A term is replaced by the longest phrase around it that is nearly as heavy, as people say it: "up"
    becomes "top up", and a piece of a Chinese word the whole word.

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
        longer = [
            other
            for other, heavy in weighted
            if heavy >= _AS_HEAVY * weight and _contains(matrix.text(other), matrix.text(term))
        ]
        best = max(longer, key=lambda other: len(matrix.text(other)), default=term)
        if not any(alike(word, other) for word in matrix.tokens(best) for other in seen):
            term = best
        chosen.append(matrix.text(term))
        seen += matrix.tokens(term)
    return chosen


def _contains(phrase: str, part: str) -> bool:
    """Return whether a phrase has another one as its words, or a Chinese word as its characters."""
    if part.isascii() or " " in phrase:
        return f" {part} " in f" {phrase} "
    return part in phrase


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


def _numbers(matrix: TokenMatrix, words: Collection[str]) -> list[int]:
    """Return the numbers of the words that occur."""
    parts = {part for text in words for part in tokens(text)}
    return sorted(matrix.number[part] for part in parts if part in matrix.number)


def _allowed(
    matrix: TokenMatrix,
    common: NDArray[np.bool_],
    listed: Sequence[int],
    terms: NDArray[np.int32] | slice = slice(None),
) -> NDArray[np.bool_]:
    """Return which terms may describe a topic, bool: none of these words is at either end."""
    edge = common | matrix.weak
    edge[list(listed)] = True
    first, last = matrix.edges
    allowed: NDArray[np.bool_] = ~edge[first[terms]] & ~edge[last[terms]]
    return allowed


def typical_members(
    vectors: NDArray[np.float32],
    topic: NDArray[np.int32],
    n_topics: int,
    probabilities: NDArray[np.float32],
) -> list[NDArray[np.int64]]:
    """Choose the half of each topic's members with the highest probabilities, or 32 of these.

    The 32 are evenly spaced by the first number of their vectors, so that the choice does not depend on
    the order of the records.

    Args:
        vectors: (n, dimension) float32.
        topic: (n,) int32, the topic of each record, 0 to n_topics - 1; -1 for none.
        n_topics: Number of topics.
        probabilities: (n,) float32, how certainly each record belongs to its topic.

    Returns:
        For each topic, rows of records.
    """
    small = np.min_scalar_type(n_topics + 1)
    order = np.argsort((topic + 1).astype(small), kind="stable")
    ends = np.cumsum(np.bincount(topic + 1, minlength=n_topics + 1)).tolist()
    return [
        _most_probable(order[start:end], vectors, probabilities)
        for start, end in itertools.pairwise(ends)
    ]


def centers_of(
    vectors: NDArray[np.float32], members: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Return the mean direction of the members of each topic, (topics, dimension) float64."""
    centers = np.zeros((len(members), vectors.shape[1]))
    for center, rows in zip(centers, members, strict=True):
        center[:] = unit(vectors[rows])[0].mean(axis=0)
    return centers


def representatives(
    vectors: NDArray[np.float32],
    members: Sequence[NDArray[np.int64]],
    text: Callable[[int], str],
    *,
    n_documents: int = 3,
) -> list[list[int]]:
    """Choose the documents nearest to the center of each topic, without near-duplicates.

    Args:
        vectors: (n, dimension) float32.
        members: For each topic, the rows to choose from; see `typical_members`.
        text: Returns the document of a row.
        n_documents: Number of documents per topic.

    Returns:
        For each topic, the rows of the records, the nearest first.
    """
    chosen: list[list[int]] = []
    for at in range(0, len(members), _TOPICS_AT_ONCE):
        some = list(members[at : at + _TOPICS_AT_ONCE])
        nearest, near_duplicates = _nearest(vectors, some, _PER_DOCUMENT * n_documents)
        for rows, same in zip(nearest.tolist(), near_duplicates, strict=True):
            chosen.append(_different(rows, same, text, n_documents))
    return chosen


def _most_probable(
    members: NDArray[np.int64], vectors: NDArray[np.float32], probabilities: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Take the half with the highest probabilities, or 32 of these, evenly spaced."""
    if len(members) > 1:
        probability, half = probabilities[members], len(members) // 2
        members = members[probability >= np.partition(probability, half)[half]]
    if len(members) > _MEMBERS:
        members = members[np.argsort(vectors[members, 0], kind="stable")]
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
