"""Steps on the texts of a result: as many as fit a language model, and where the words of the query are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chromalab.arguments.values import check_n_results
from chromalab.errors import InvalidArgumentTypeError, short
from chromalab.search.steps.step import Candidates, Kept, Records, Step, steps

__all__ = ["Highlight", "TokenBudget"]

_WORD = re.compile(r"\w+")


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
    tokens: int
    count: Callable[[str], int] = _words

    def __post_init__(self) -> None:
        """Check the number."""
        check_n_results(self.tokens, "tokens of TokenBudget")

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
        size = self.count(text)
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise InvalidArgumentTypeError(
                f"count of TokenBudget must return an integer; got {short(size)}."
            )
        return int(size)


@steps.add
@dataclass(frozen=True)
class Highlight(Step):
    """Show the part of each document that has most of the query's words, in the column "highlight".

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
        wanted = {word for text in records.texts for word in _WORD.findall(text.casefold())}
        parts = [self._part(text or "", wanted) for text in records.documents(candidates)]
        return Kept(np.arange(len(candidates)), columns={"highlight": parts})

    def _part(self, text: str, wanted: set[str]) -> str:
        words = text.split()
        hits = [any(w in wanted for w in _WORD.findall(word.casefold())) for word in words]
        sums = np.concatenate([[0], np.cumsum(hits)])
        starts = np.arange(max(len(words) - self.width, 0) + 1)
        most = sums[np.minimum(starts + self.width, len(words))] - sums[starts]
        best = np.flatnonzero(most == most.max())
        start = int(best[len(best) // 2])  # the middle one leaves as much text before as after
        end = min(start + self.width, len(words))
        shown = zip(words[start:end], hits[start:end], strict=True)
        marked = [f"«{word}»" if hit else word for word, hit in shown]
        return " ".join(
            [*(["..."] if start else []), *marked, *(["..."] if end < len(words) else [])]
        )
