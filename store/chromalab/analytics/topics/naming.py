"""The words that tell one group of texts from the others, and a name made of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.topics.evenness import spread_evenly
from chromalab.analytics.topics.matrix import TokenMatrix
from chromalab.analytics.topics.tokens import alike, tokens

__all__ = ["Counted", "count", "distinct_names", "diverse", "everywhere", "topic_words"]

_IN_NAME = 3
_CANDIDATES = 5  # two more, for names that would be equal
_AS_HEAVY = 0.9


@dataclass(frozen=True, eq=False)
class Counted:
    """How often each term stands in each topic.

    Attributes:
        term: (entries,) int32, one topic after the other, in each in ascending order.
        times: (entries,) float64, how often it stands in that topic.
        ends: (topics + 1,) int64, where the entries of a topic begin and end.
        total: (topics,) int64, how many terms a topic has.
    """

    term: NDArray[np.int32]
    times: NDArray[np.float64]
    ends: NDArray[np.int64]
    total: NDArray[np.int64]


def count(matrix: TokenMatrix, topic: NDArray[np.int32], n_topics: int) -> Counted:
    """Count each term in each topic.

    Args:
        matrix: Of the texts.
        topic: (n,) int32, the topic of each text from 0; -1 for none.
        n_topics: How many topics there are.
    """
    from scipy.sparse import csr_matrix

    # Terms x texts with the texts renamed to topics, none last: a transpose, which is linear, then
    # brings equal terms of a topic side by side. A product of matrices takes twice as long.
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
    return Counted(term[first[:-1]], times, np.searchsorted(first, ends), np.diff(ends))


def topic_words(
    matrix: TokenMatrix,
    topic: NDArray[np.int32],
    n_topics: int,
    *,
    n_words: int = 10,
    stop_words: Collection[str] = (),
) -> list[list[tuple[int, float]]]:
    """Weigh the terms of each topic by c-TF-IDF, with the square root of the term frequency.

    The weight of a term that makes up the share tf of a topic's words is sqrt(tf) * ln(1 + A / f):
    f is how often it stands in all texts, A how many words a topic has on average (BERTopic,
    Grootendorst 2022, https://arxiv.org/abs/2203.05794; the root is its option
    `reduce_frequent_words`). Left out are terms of digits and single letters alone, words that stand
    everywhere, and terms that begin or end with one of these; unless nothing else is there.
    Terms that stand in a topic only once come after all others.

    Args:
        matrix: Of the texts.
        topic: (n,) int32, the topic of each text from 0; -1 for none.
        n_topics: How many topics there are.
        n_words: How many words to give for each.
        stop_words: Words that are not to be given, nor begin or end a term.

    Returns:
        For each topic (term, weight), the heaviest first.
    """
    if not n_topics or not len(matrix.frequency):
        return [[] for _ in range(n_topics)]
    counted = count(matrix, topic, n_topics)
    fit = _fit(matrix, everywhere(matrix, counted), stop_words)
    wide = _fit(matrix, np.zeros(len(matrix.words), dtype=bool), stop_words)
    weight = np.log1p(counted.total.mean() / np.maximum(matrix.frequency, 1))
    best = []
    for number in range(n_topics):
        part = slice(counted.ends[number], counted.ends[number + 1])
        terms, times = counted.term[part], counted.times[part]
        scores = np.sqrt(times / max(1, counted.total[number])) * weight[terms]
        kept = fit[terms] if fit[terms].any() else wide[terms]
        own = _heaviest(terms, scores, kept & (times > 1), n_words)
        if len(own) < n_words:
            own += _heaviest(terms, scores, kept & (times == 1), n_words - len(own))
        best.append(own)
    return best


def everywhere(matrix: TokenMatrix, counted: Counted) -> NDArray[np.bool_]:
    """Tell which words stand in all topics alike, (words,) bool; see `evenness`."""
    judged = matrix.frequent
    at = np.full(len(matrix.frequency), -1, dtype=np.int32)
    at[judged] = np.arange(len(judged))
    place = at[counted.term]
    here = np.flatnonzero(place >= 0)
    spread = np.zeros((len(judged), len(counted.total)))
    spread[place[here], np.searchsorted(counted.ends, here, side="right") - 1] = counted.times[here]
    found = np.zeros(len(matrix.words), dtype=bool)
    found[matrix.parts[judged, 0]] = spread_evenly(spread, counted.total)
    return found


def diverse(
    matrix: TokenMatrix, weighed: Sequence[tuple[int, float]], limit: int = _CANDIDATES
) -> list[str]:
    """Leave out the terms that repeat a word of an earlier one, or another form of it.

    A piece of unspaced text gives way to the longest term around it that is about as heavy.

    Args:
        matrix: Of the texts.
        weighed: (term, weight), the heaviest first.
        limit: How many to keep.
    """
    kept: list[str] = []
    seen: list[str] = []
    for term, weight in weighed:
        if len(kept) == limit:
            break
        words = matrix.tokens(term)
        if any(alike(word, other) for word in words for other in seen):
            continue
        text = matrix.text(term)
        if not text.isascii():
            longer = [matrix.text(other) for other, near in weighed if near >= _AS_HEAVY * weight]
            text = max((t for t in longer if text in t and " " not in t), key=len, default=text)
        kept.append(text)
        seen += words if text == matrix.text(term) else tokens(text)
    return kept


def distinct_names(words: Sequence[Sequence[str]], labels: Sequence[int]) -> list[str]:
    """Make a name of the first three words of each topic; of more where two would be equal.

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


def _fit(
    matrix: TokenMatrix, common: NDArray[np.bool_], stop_words: Collection[str]
) -> NDArray[np.bool_]:
    """Tell which terms may be given, (terms,) bool."""
    edge = common.copy()
    for word in {part for text in stop_words for part in tokens(text)}:
        if word in matrix.number:
            edge[matrix.number[word]] = True
    first, last = matrix.edges
    fit: NDArray[np.bool_] = matrix.says & ~edge[first] & ~edge[last]
    return fit


def _heaviest(
    terms: NDArray[np.int32], scores: NDArray[np.float64], kept: NDArray[np.bool_], n_words: int
) -> list[tuple[int, float]]:
    """Sort terms by their weight; of equal ones the one that was read first goes first."""
    terms, scores = terms[kept], scores[kept]
    if len(terms) > n_words:
        bound = np.partition(scores, len(scores) - n_words)[len(scores) - n_words]
        terms, scores = terms[scores >= bound], scores[scores >= bound]
    top = np.argsort(-scores, kind="stable")[:n_words]
    return list(zip(terms[top].tolist(), scores[top].tolist(), strict=True))
