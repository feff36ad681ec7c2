"""`TokenMatrix`: which words and phrases occur in each record, found once per snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.topics.stopwords import CANDIDATES, cells_of, evenly_spread
from chromalab.analytics.topics.tokens import is_weak, joined, tokens
from chromalab.snapshot import Snapshot

__all__ = ["TokenMatrix", "token_matrix", "token_matrix_of"]

_MEMORY: WeakKeyDictionary[Snapshot, dict[tuple[int, int], TokenMatrix]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class TokenMatrix:
    """The texts that terms occur in; a term is a word, or several adjacent words.

    Attributes:
        texts: (occurrences,) int32, the texts of each term, by ascending term, then text.
        starts: (terms + 1,) int32, where the occurrences of each term begin and end.
        parts: (terms, longest) int32, the words of each term, -1 after its last.
        words: The words.
        weak: (words,) bool, digits and single letters, which mean nothing on their own.
        n: The number of texts.
    """

    texts: NDArray[np.int32]
    starts: NDArray[np.int32]
    parts: NDArray[np.int32]
    words: Sequence[str]
    weak: NDArray[np.bool_]
    n: int

    @cached_property
    def frequency(self) -> NDArray[np.float64]:
        """(terms,) float64, the number of texts that each term occurs in."""
        return np.diff(self.starts).astype(np.float64)

    @cached_property
    def frequent(self) -> NDArray[np.int64]:
        """(300,) int64 at most, the most frequent terms of one word."""
        single = np.flatnonzero((self.parts >= 0).sum(axis=1) == 1)
        return single[np.argsort(-self.frequency[single], kind="stable")[:CANDIDATES]]

    @cached_property
    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(terms,) int32 each, the first and the last word of each term."""
        length = (self.parts >= 0).sum(axis=1)
        return self.parts[:, 0], self.parts[np.arange(len(length)), length - 1]

    @cached_property
    def is_meaningful(self) -> NDArray[np.bool_]:
        """(terms,) bool, whether a term is more than digits and single letters."""
        meaningful: NDArray[np.bool_] = (~np.r_[self.weak, True][self.parts]).any(axis=1)
        return meaningful

    @cached_property
    def number(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def _read(self) -> dict[int, tuple[tuple[str, ...], str]]:
        """The words and the text of the terms that were read so far."""
        return {}

    def text(self, term: int) -> str:
        """Return the text of a term."""
        return self._term(term)[1]

    def tokens(self, term: int) -> tuple[str, ...]:
        """Return the words of a term."""
        return self._term(term)[0]

    def _term(self, term: int) -> tuple[tuple[str, ...], str]:
        known = self._read.get(term)
        if known is None:
            words = tuple([self.words[part] for part in self.parts[term].tolist() if part >= 0])
            known = self._read[term] = words, joined(words)
        return known


def token_matrix_of(snapshot: Snapshot, ngrams: tuple[int, int] = (1, 2)) -> TokenMatrix:
    """Return the matrix of a snapshot's documents, cached as long as the snapshot exists."""
    known = _MEMORY.setdefault(snapshot, {})
    if ngrams not in known:
        documents = snapshot.documents
        texts = [""] * len(snapshot) if documents is None else [text or "" for text in documents]
        known[ngrams] = token_matrix(texts, ngrams, cells_of(snapshot))
    return known[ngrams]


def token_matrix(
    texts: Sequence[str],
    ngrams: tuple[int, int] = (1, 2),
    cells: NDArray[np.int64] | None = None,
) -> TokenMatrix:
    """Count the words and n-grams of texts.

    A term counts once per text, so that one long text weighs no more than a short one. Words that are
    evenly spread over the cells are left out, and no n-gram spans one: they delimit the phrases of a text
    (Rose et al. 2010, "Automatic keyword extraction from individual documents"). An n-gram of several
    words must occur in at least two texts. One that occurs in a single record cannot name a group, and
    most n-grams are of that kind.

    Args:
        texts: One text per record.
        ngrams: Smallest and largest number of adjacent words.
        cells: (n,) int64, groups of records; None to leave no words out.
    """
    numbers: dict[str, int] = {}
    lengths = np.zeros(len(texts), dtype=np.int64)
    found: list[int] = []
    for row, text in enumerate(texts):
        words = tokens(text)
        lengths[row] = len(words)
        found += [numbers.setdefault(word, len(numbers)) for word in words]
    sequence = np.asarray(found, dtype=np.int64)
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    place = np.arange(len(sequence))  # adjacent words of one text have adjacent places
    if cells is not None:
        specific = ~_stop_words(sequence, rows, cells, len(numbers))[sequence]
        sequence, rows, place = sequence[specific], rows[specific], place[specific]
    low, high = ngrams
    where = [np.empty(0, dtype=np.int32)]
    times = [np.empty(0, dtype=np.int64)]
    parts = [np.empty((0, high), dtype=np.int32)]
    found_grams = _grams(sequence, rows, place, len(numbers), high)
    for length, (at, many, of) in enumerate(found_grams, start=1):
        if length >= low:
            within, many = _once_per_text(rows[at], many)
            where.append(within)
            times.append(many)
            parts.append(np.full((len(of), high), -1, dtype=np.int32))
            parts[-1][:, :length] = of
    return TokenMatrix(
        texts=np.concatenate(where),
        starts=np.r_[0, np.cumsum(np.concatenate(times))].astype(np.int32),
        parts=np.concatenate(parts),
        words=list(numbers),
        weak=np.fromiter(map(is_weak, numbers), dtype=bool, count=len(numbers)),
        n=len(texts),
    )


def _once_per_text(
    texts: NDArray[np.int32], many: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Leave out repeated occurrences of a term in one text; both are sorted by term, then text."""
    term = np.repeat(np.arange(len(many)), many)
    new = np.ones(len(texts), dtype=bool)
    new[1:] = (texts[1:] != texts[:-1]) | (term[1:] != term[:-1])
    return texts[new], np.bincount(term[new], minlength=len(many))


def _stop_words(
    sequence: NDArray[np.int64], rows: NDArray[np.int32], cells: NDArray[np.int64], n_words: int
) -> NDArray[np.bool_]:
    """Find the words that are evenly spread over the cells, (words,) bool."""
    at = np.argsort(sequence, kind="stable")
    texts, many = _once_per_text(rows[at], np.bincount(sequence, minlength=n_words))
    frequent = np.argsort(-many, kind="stable")[:CANDIDATES]
    place = np.full(n_words, -1, dtype=np.int64)
    place[frequent] = np.arange(len(frequent))
    groups = int(cells.max(initial=-1)) + 1
    word, cell = place[np.repeat(np.arange(n_words), many)], cells[texts]
    here = word >= 0
    spread = np.bincount(word[here] * groups + cell[here], minlength=len(frequent) * groups)
    found = np.zeros(n_words, dtype=bool)
    total = np.bincount(cell, minlength=groups).astype(np.int64)
    found[frequent] = evenly_spread(spread.reshape(len(frequent), groups).astype(np.float64), total)
    return found


def _grams(
    sequence: NDArray[np.int64],
    rows: NDArray[np.int32],
    place: NDArray[np.int64],
    n_words: int,
    longest: int,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Find the n-grams of each length, starting with single words.

    Args:
        sequence: (tokens,) int64, the words of all records, one record after the other.
        rows: (tokens,) int32, the record of each token.
        place: (tokens,) int64, the place of each token among those of all records; words with a gap
            between them are not adjacent.
        n_words: The number of different words.
        longest: The largest number of words in an n-gram.

    Yields:
        The positions where they begin, by n-gram, ascending; the frequency of each; its words.
    """
    at = np.argsort(sequence, kind="stable")
    many = np.bincount(sequence, minlength=n_words)
    of = np.arange(n_words, dtype=np.int64)[:, None]
    yield at, many, of
    for length in range(2, longest + 1):
        name = np.full(len(sequence), -1, dtype=np.int64)
        name[at] = np.repeat(np.arange(len(many)), many)
        at = np.flatnonzero(name[: len(name) - length + 1] >= 0)
        last = at + length - 1
        at = at[(rows[at] == rows[last]) & (place[last] - place[at] == length - 1)]
        keys = name[at] * n_words + sequence[at + length - 1]
        order = np.argsort(keys, kind="stable")
        at, keys = at[order], keys[order]
        first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]][: len(keys)])
        many = np.diff(np.r_[first, len(keys)])
        repeated = rows[at[first]] != rows[at[first + many - 1]]
        at = at[np.repeat(repeated, many)]
        before, last = np.divmod(keys[first[repeated]], max(1, n_words))
        many, of = many[repeated], np.column_stack([of[before], last])
        yield at, many, of
