"""Steps that keep a result from repeating itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from chromalab.errors import InvalidArgumentError, short
from chromalab.search.steps.step import Candidates, Kept, Records, Step, steps
from chromalab.search.vectors import unit

__all__ = ["Mmr", "NearDuplicates"]


@steps.add
@dataclass(frozen=True)
class Mmr(Step):
    """Order records so that each is near to the query and unlike those before it.

    Maximal marginal relevance, after Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking
    (SIGIR 1998): again and again the record with the best balance of its cosine with the query and its
    largest cosine with a record that was chosen before. Give `Knn` a limit of several times the results.

    Attributes:
        diversity: The weight of the second, from 0 (only near to the query) to 1 (only unlike).

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0], [1, 0.01], [1, 1]])
        >>> search = chromalab.Search().rank(chromalab.Knn([1, 0.1])).limit(2)
        >>> points.search([search, search.then(Mmr(0.7))])["ids"]
        [['b', 'a'], ['b', 'c']]
    """

    form: ClassVar[str] = "$mmr"
    diversity: float = 0.5

    def __post_init__(self) -> None:
        """Check the weight."""
        _check_share(self.diversity, "diversity of Mmr")

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Choose as many records as are wanted, one by one."""
        vectors = unit(records.vectors(candidates))
        queries = unit(np.concatenate([asked.vector for asked in records.asked("Mmr")]))
        relevance = (vectors @ queries.T).max(axis=1)
        wanted = len(candidates) if records.wanted is None else min(records.wanted, len(candidates))
        nearest = np.full(len(candidates), -np.inf)  # the largest cosine with a chosen record
        left = np.ones(len(candidates), dtype=bool)
        chosen: list[int] = []
        while len(chosen) < wanted:
            balance = (1 - self.diversity) * relevance
            if chosen:
                balance = balance - self.diversity * nearest
            row = int(np.argmax(np.where(left, balance, -np.inf)))
            chosen.append(row)
            left[row] = False
            nearest = np.maximum(nearest, vectors @ vectors[row])

        def detail(row: int) -> str:
            return f"cosine {relevance[row]:.4g} with the query and {nearest[row]:.4g} with a chosen record"

        return Kept(
            np.array(chosen, dtype=np.int64), {"too much like those before it": np.flatnonzero(left)},
            detail=detail,
        )  # fmt: skip


@steps.add
@dataclass(frozen=True)
class NearDuplicates(Step):
    """Drop records whose embedding is nearly that of a better one.

    Attributes:
        similarity: The cosine from which two records count as the same.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0], [1, 0.01], [1, 1]])
        >>> points.search(chromalab.Search().rank(chromalab.Knn([1, 0])).then(NearDuplicates()))["ids"]
        [['a', 'c']]
    """

    form: ClassVar[str] = "$near_duplicates"
    similarity: float = 0.98

    def __post_init__(self) -> None:
        """Check the cosine."""
        _check_share(self.similarity, "similarity of NearDuplicates")

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Keep the best of each heap of records that are nearly the same."""
        vectors = unit(records.vectors(candidates))
        kept: list[int] = []
        like = np.full(len(candidates), -1)  # the row of the record that each repeats
        how = np.zeros(len(candidates))
        for row, vector in enumerate(vectors):
            cosines = vectors[kept] @ vector
            if len(cosines) and cosines.max() >= self.similarity:
                like[row], how[row] = kept[int(cosines.argmax())], cosines.max()
            else:
                kept.append(row)
        ids = records.ids(candidates)

        def detail(row: int) -> str:
            better = short(ids[like[row]])
            return f"cosine {how[row]:.4g} with {better}, cut at {self.similarity:.4g}"

        return Kept(
            np.array(kept, dtype=np.int64),
            {"nearly the same as a better one": np.flatnonzero(like >= 0)},
            detail=detail,
        )


def _check_share(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidArgumentError(f"{what} must be a number from 0 to 1; got {short(value)}.")
