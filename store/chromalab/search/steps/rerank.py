"""Steps that give records a new score: by a function, by a metadata key, by their age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.arguments.values import check_finite, check_n_results
from chromalab.engine import read_instant
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, short
from chromalab.search.forms import called, check_function
from chromalab.search.keys import Key, name_of_key
from chromalab.search.steps.step import Candidates, Kept, Records, Step, steps

__all__ = ["Boost", "Recency", "Rerank"]


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
        documents = records.documents(candidates)
        top = len(candidates) if self.top is None else min(self.top, len(candidates))
        rows = [row for row in range(top) if documents[row] is not None]
        query = " ".join(records.texts)
        scores = np.full(len(candidates), np.inf)
        if rows:
            what = "The function of Rerank"
            found = called(what, self.function, query, [documents[row] or "" for row in rows])
            scores[rows] = -_numbers(found, len(rows), what)
        order = np.argsort(scores, kind="stable")
        return Kept(order, scores=scores[order])


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
