"""Steps that give records a new score: by a function, by their tokens, by a metadata key, by their age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.arguments.values import check_finite, check_n_results
from chromalab.embed.protocol import name_of
from chromalab.engine import read_instant
from chromalab.errors import (
    EmbeddingFunctionError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    short,
)
from chromalab.search.forms import called, check_function
from chromalab.search.keys import Key, name_of_key
from chromalab.search.steps.step import Candidates, Kept, Records, Step, steps
from chromalab.search.vectors import unit

__all__ = ["Boost", "MaxSim", "Recency", "Rerank"]


@steps.add
@dataclass(frozen=True)
class Rerank(Step):
    """Reorder records by a function of the query and each document, such as a cross-encoder.

    Records without a document come last. The new score is minus what the function returns, as lower
    scores are better.

    Attributes:
        function: Takes the query text and a list of n documents, and returns n numbers, higher for better
            ones: `lambda query, texts: model.predict([(query, text) for text in texts])`.
        top: The number of records to score; the others keep their order behind them. All by default.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a", "b"], embeddings=[[0], [1]], documents=["long text", "text"])
        >>> shortest = Rerank(lambda query, texts: [-len(text) for text in texts])
        >>> notes.search(chromalab.Search().rank(chromalab.Knn([0])).then(shortest))["ids"]
        [['b', 'a']]
    """

    form: ClassVar[str] = "$rerank"
    function: Callable[[str, list[str]], Any]
    top: int | None = None

    def __post_init__(self) -> None:
        """Check the function and the number."""
        check_function(self.function, "function of Rerank")
        if self.top is not None:
            check_n_results(self.top, "top of Rerank")

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Score the documents, and sort by the scores."""

        def scored(query: str, documents: list[str]) -> NDArray[np.float64]:
            what = "The function of Rerank"
            return _numbers(called(what, self.function, query, documents), len(documents), what)

        return _reranked(candidates, records, self.top, scored)


@steps.add
@dataclass(frozen=True)
class MaxSim(Step):
    """Reorder records by how well their words fit each word of the query, in context (late interaction).

    The new score is minus the sum, over the tokens of the query, of the largest cosine with a token of the
    document, after Khattab and Zaharia, ColBERT (SIGIR 2020). The token vectors are those that the embedding
    function of the collection takes the mean of, so there is no other model; they are computed when the
    search runs, which takes as long as adding `top` documents. Records without a document come last.

    Attributes:
        top: The number of records to score; the others keep their order behind them.

    Raises:
        EmbeddingFunctionError: The embedding function has no method `embed_tokens`, which takes n texts and
            returns one array (tokens, dimension) for each; `MiniLM` has.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> notes.add(ids=["a", "b"], documents=["a cup of tea", "a piece of chalk"])
        >>> notes.search(chromalab.Search().rank(chromalab.Keyword("tea cup")).then(MaxSim()))["ids"]
        [['a']]
    """

    form: ClassVar[str] = "$max_sim"
    embeds: ClassVar[bool] = True
    top: int = 50

    def __post_init__(self) -> None:
        """Check the number."""
        check_n_results(self.top, "top of MaxSim")

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Compare the tokens of the query with those of the documents, and sort by the scores."""
        if not records.texts:
            raise InvalidArgumentError(
                "MaxSim compares the words of a query. Rank by a Knn of a text, or by a Keyword."
            )

        def scored(query: str, documents: list[str]) -> NDArray[np.float64]:
            asked, *found = _tokens(records.function, [query, *documents])
            return np.array([(asked @ tokens.T).max(axis=1).sum() for tokens in found])

        return _reranked(candidates, records, self.top, scored)


@steps.add
@dataclass(frozen=True)
class Boost(Step):
    """Move records up whose metadata have a value, or by a number among the metadata.

    Scores of any scale are replaced by reciprocal ranks, 1 / (60 + rank), to which the boost is added in
    the same unit: a boost of 1 is worth the step from the last place to the first.

    Attributes:
        key: A metadata key.
        value: Records with this value are moved; by default, all with a number, by its share of the
            largest.
        weight: How much it counts; negative to move records down.
    """

    form: ClassVar[str] = "$boost"
    key: Key | str
    value: Any = None
    weight: float = 0.5

    def __post_init__(self) -> None:
        """Check the key and the weight."""
        object.__setattr__(self, "key", name_of_key(self.key, "key of Boost"))
        object.__setattr__(self, "weight", check_finite(self.weight, "weight of Boost"))

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Sort by the boosted scores."""
        assert isinstance(self.key, str)
        values = records.values(self.key, candidates)
        if self.value is not None:
            boost = np.array(
                [float(type(v) is type(self.value) and v == self.value) for v in values]
            )
        else:
            boost = np.array([_number(value) for value in values])
            largest = np.abs(boost).max(initial=0.0)
            boost = boost / largest if largest else boost
        return _boosted(candidates, self.weight * boost)


@steps.add
@dataclass(frozen=True)
class Recency(Step):
    """Move recent records up, by how often their age fits into a half-life.

    Attributes:
        key: A metadata key that holds dates.
        half_life: The days after which a record counts half as much.
        weight: How much recency counts; see `Boost`.
        now: The date from which ages count; the latest of the records by default, so that the same
            search gives the same answer tomorrow.
    """

    form: ClassVar[str] = "$recency"
    key: Key | str
    half_life: float = 30.0
    weight: float = 0.5
    now: str | None = None

    def __post_init__(self) -> None:
        """Check the key, the number of days, the weight and the date."""
        object.__setattr__(self, "key", name_of_key(self.key, "key of Recency"))
        for name in ("half_life", "weight"):
            number = check_finite(getattr(self, name), f"{name} of Recency")
            object.__setattr__(self, name, number)
        if not self.half_life > 0:
            raise InvalidArgumentError(
                f"half_life of Recency must be positive; got {self.half_life}."
            )
        if self.now is not None and _seconds(self.now) is None:
            raise InvalidArgumentError(
                f"now of Recency must be a date such as '2024-06-01'; got {short(self.now)}."
            )

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Sort by the boosted scores."""
        assert isinstance(self.key, str)
        dates = [_seconds(value) for value in records.values(self.key, candidates)]
        known = [date for date in dates if date is not None]
        now = max(known, default=0.0) if self.now is None else _seconds(self.now) or 0.0
        ages = np.array(
            [np.inf if date is None else max(now - date, 0.0) / 86_400 for date in dates]
        )
        with np.errstate(over="ignore"):  # a tiny half-life makes the exponent infinite
            share = np.exp2(-ages / self.half_life)
        return _boosted(candidates, self.weight * share)


def _reranked(
    candidates: Candidates,
    records: Records,
    top: int | None,
    scored: Callable[[str, list[str]], NDArray[np.float64]],
) -> Kept:
    """Sort the first candidates by a function of the query and the documents; higher is better."""
    first = candidates.take(np.arange(len(candidates))[:top])
    documents = dict(enumerate(records.documents(first)))
    known = {row: text for row, text in documents.items() if text is not None}
    scores = np.full(len(candidates), np.inf)
    if known:
        scores[list(known)] = -scored(" ".join(records.texts), list(known.values()))
    order = np.argsort(scores, kind="stable")
    return Kept(order, scores=scores[order])


def _tokens(function: Any, texts: list[str]) -> list[NDArray[np.float64]]:
    """Embed the tokens of texts: (tokens, dimension) of unit length for each."""
    name = short(name_of(function) or type(function).__name__)
    embed = getattr(function, "embed_tokens", None)
    if embed is None:
        raise EmbeddingFunctionError(
            f"MaxSim compares token vectors, which the embedding function {name} does not return. Use MiniLM, "
            "or give the function a method embed_tokens."
        )
    found = [np.asarray(vectors) for vectors in embed(texts)]
    shapes = {vectors.shape[1:] for vectors in found if vectors.ndim == 2 and len(vectors)}
    if (
        len(found) != len(texts)
        or len(shapes) != 1
        or any(v.ndim != 2 or not len(v) for v in found)
    ):
        raise EmbeddingFunctionError(
            f"embed_tokens of {name} must return an array (tokens, dimension) for each of {len(texts):,} "
            f"texts, of one dimension; got {short([vectors.shape for vectors in found])}."
        )
    return [unit(vectors) for vectors in found]


def _boosted(candidates: Candidates, boost: NDArray[np.float64]) -> Kept:
    """Sort by reciprocal ranks plus a boost in their unit."""
    places = np.arange(len(candidates))
    reciprocal = 60 / (60 + places)
    span = reciprocal[0] - reciprocal[-1] if len(candidates) > 1 else 1.0
    scores = -(reciprocal + boost * span)
    order = np.argsort(scores, kind="stable")
    return Kept(order, scores=scores[order])


def _numbers(found: Any, count: int, what: str) -> NDArray[np.float64]:
    """Read the numbers that a function returned."""
    try:
        given = np.asarray(found)
        if given.dtype.kind not in "biufO":
            raise TypeError("not real numbers")
        numbers = given.astype(np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentTypeError(
            f"{what} must return numbers; got {short(found)}."
        ) from error
    if len(numbers) != count:
        raise InvalidArgumentError(
            f"{what} must return one number per document, which are {count:,}; got {len(numbers):,}."
        )
    if np.isnan(numbers).any():
        raise InvalidArgumentError(f"{what} must not return NaN.")
    return numbers


def _seconds(value: Any) -> float | None:
    """Read a date as seconds since the year 1; None if it is not one."""
    instant = read_instant(value) if isinstance(value, str) else None
    return None if instant is None else instant.microseconds / 1e6


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and np.isfinite(value) else 0.0
