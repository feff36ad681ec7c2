"""Steps on the texts of a result: as many as fit a language model, and where the words of the query are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from chromalab.arguments.values import check_n_results
from chromalab.engine import query_terms, term_numbers, word_spans
from chromalab.errors import InvalidArgumentTypeError, short
from chromalab.search.forms import called, check_function
from chromalab.search.steps.step import Candidates, Kept, Records, Step, steps

__all__ = ["Highlight", "TokenBudget"]


def _words(text: str) -> int:
    return len(text.split())


@steps.add
@dataclass(frozen=True)
class TokenBudget(Step):
    """Keep records, best first, as long as their documents fit a number of tokens together.

    A document that does not fit is left out, and shorter ones after it may still fit.

    Attributes:
        tokens: The number of tokens.
        count: Counts the tokens of a text, as the language model does; words by default, of which English
            texts have about three for four tokens.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a", "b"], embeddings=[[0], [1]], documents=["a cup of tea", "chalk"])
        >>> notes.search(chromalab.Search().rank(chromalab.Knn([1])).then(TokenBudget(4)))["ids"]
        [['b']]
    """

    form: ClassVar[str] = "$token_budget"
    ends: ClassVar[bool] = True
    tokens: int
    count: Callable[[str], int] = _words

    def __post_init__(self) -> None:
        """Check the number."""
        check_n_results(self.tokens, "tokens of TokenBudget")
        check_function(self.count, "count of TokenBudget")

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Keep the documents that fit."""
        sizes = [self._size(text or "") for text in records.documents(candidates)]
        kept, dropped, used = [], [], 0
        for row, size in enumerate(sizes):
            if used + size <= self.tokens:
                kept.append(row)
                used += size
            else:
                dropped.append(row)
        return Kept(
            np.array(kept, dtype=np.int64),
            {"over the budget": np.array(dropped, dtype=np.int64)},
            detail=lambda row: f"{sizes[row]:,} tokens, budget {self.tokens:,}",
        )

    def _size(self, text: str) -> int:
        size = called("count of TokenBudget", self.count, text)
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise InvalidArgumentTypeError(
                f"count of TokenBudget must return an integer; got {short(size)}."
            )
        return int(size)


@steps.add
@dataclass(frozen=True)
class Highlight(Step):
    """Show the part of each document that has most of the query's words, in the column "highlight".

    Words are compared by their stems, as by `Keyword`. Words that more than half of the documents have,
    such as "of", are marked only in documents that have no rarer word of the query.

    Attributes:
        width: The number of words of the part.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a"], embeddings=[[0]], documents=["one two three four tea six seven"])
        >>> result = notes.search(chromalab.Search().rank(chromalab.Keyword("tea")).then(Highlight(3)))
        >>> result.df()["highlight"].tolist()
        ['... four «tea» six ...']
    """

    form: ClassVar[str] = "$highlight"
    width: int = 24

    def __post_init__(self) -> None:
        """Check the number."""
        check_n_results(self.width, "width of Highlight")

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Keep everything, with a column."""
        wanted = {number for text in records.texts for number, _ in query_terms(text).values()}
        texts = [_Text(text or "", wanted) for text in records.documents(candidates)]
        times = Counter(term for text in texts for term in text.terms)
        return Kept(
            np.arange(len(candidates)),
            columns={"highlight": [self._part(text, times, len(texts)) for text in texts]},
        )

    def _part(self, text: _Text, times: Mapping[int, int], count: int) -> str:
        """Mark the terms that few documents of the result have; in a document with none, its rarest."""
        most = max(count / 2, min((times[term] for term in text.terms), default=0))
        hits = [any(times[term] <= most for term in terms) for terms in text.hits]
        width = min(self.width, len(hits))
        sums = np.concatenate([[0], np.cumsum(hits)])
        starts = np.arange(len(hits) - width + 1)
        found = sums[starts + width] - sums[starts]
        best = np.flatnonzero(found == found.max())
        # The middle one leaves as much text before as after; where nothing is found, it is the start.
        start = int(best[len(best) // 2]) if found.max() else 0
        return text.marked(hits, start, start + width)


class _Text:
    """A document, with the terms of a query that each of its words has."""

    def __init__(self, text: str, wanted: Set[int]) -> None:
        self._text, self._spans = text, word_spans(text)
        self.hits: list[Set[int]] = [wanted & _terms(text[a:b]) for a, b in self._spans]
        for at, ((a, end), (start, b)) in enumerate(pairwise(self._spans)):
            if end == start:  # characters without a space between them, which are compared in pairs
                both = wanted & _terms(text[a:b])
                self.hits[at], self.hits[at + 1] = self.hits[at] | both, self.hits[at + 1] | both
        self.terms: Set[int] = set().union(*self.hits)

    def marked(self, hits: Sequence[bool], start: int, end: int) -> str:
        """Write the words from `start` to `end`, with those that hit in marks."""
        begin = self._spans[start][0] if start else 0
        stop = self._spans[end - 1][1] if end < len(self._spans) else len(self._text)
        parts = [] if not start else ["... "]
        at = begin
        for row, (a, b) in enumerate(self._spans[start:end], start):
            if not hits[row]:
                continue
            opens = not (row > start and hits[row - 1] and self._spans[row - 1][1] == a)
            closes = not (row + 1 < end and hits[row + 1] and self._spans[row + 1][0] == b)
            mark = "«" if opens else "", "»" if closes else ""
            parts.append(f"{self._text[at:a]}{mark[0]}{self._text[a:b]}{mark[1]}")
            at = b
        parts.append(self._text[at:stop])
        parts += [] if end >= len(self._spans) else [" ..."]
        return " ".join("".join(parts).split())


def _terms(text: str) -> set[int]:
    return set(term_numbers([text])[1].tolist())
