"""What happens to a query before records are compared with it: rewritten texts, moved vectors.

A step works on texts, before they are embedded, or on vectors, in the transaction of the search. Several
texts or vectors count as one query: a record's distance is that to the nearest of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.arguments.values import check_ids, check_n_results
from chromalab.engine import Filter, Reader, RecordTransform, Vectors
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, NotFoundError, short
from chromalab.search.forms import Form, Forms, called, check_function
from chromalab.search.vectors import in_space

__all__ = ["Expand", "Hyde", "QueryStep", "Refine", "Rewrite", "Steer", "read_query_step"]

_forms = Forms("A step of a query", "Steer(like=['id'])")


class QueryStep(Form):
    """The base of steps of a query; each overrides one of the two methods.

    Attributes:
        as_documents: Whether the texts are embedded as documents, not as queries.
    """

    as_documents: ClassVar[bool] = False

    def texts(self, texts: list[str]) -> list[str]:
        """Return the texts to embed."""
        return texts

    def vectors(
        self, vectors: Vectors, reader: Reader, filter: Filter, transform: RecordTransform | None
    ) -> Vectors:
        """Return the vectors, (q, dimension), to compare with records that pass the filter."""
        return vectors


def read_query_step(value: Any) -> QueryStep:
    """Read a step of a query given as an object or as a dict."""
    return _forms.read(value, QueryStep)


@_forms.add
@dataclass(frozen=True)
class Rewrite(QueryStep):
    """Replace the text by what a function makes of it, such as a language model that spells it out.

    Attributes:
        function: Takes a text and returns one.

    Example:
        >>> Rewrite(str.lower).texts(["TEA"])
        ['tea']
    """

    form: ClassVar[str] = "$rewrite"
    function: Callable[[str], str]

    def __post_init__(self) -> None:
        """Check the function."""
        check_function(self.function, "function of Rewrite")

    def texts(self, texts: list[str]) -> list[str]:
        """Return one text for each."""
        return [_text(self, _made(self, text)) for text in texts]


@_forms.add
@dataclass(frozen=True)
class Expand(QueryStep):
    """Search for several texts in place of one, such as its paraphrases; the nearest one counts.

    Attributes:
        function: Takes a text and returns a list of texts.
        keep: Search for the text itself as well.

    Example:
        >>> Expand(lambda text: [f"{text} cup"]).texts(["tea"])
        ['tea', 'tea cup']
    """

    form: ClassVar[str] = "$expand"
    function: Callable[[str], Sequence[str]]
    keep: bool = True

    def __post_init__(self) -> None:
        """Check the function."""
        check_function(self.function, "function of Expand")

    def texts(self, texts: list[str]) -> list[str]:
        """Return all texts, each once."""
        found = list(texts) if self.keep else []
        for text in texts:
            found += _texts(self, _made(self, text))
        if not found:
            raise InvalidArgumentError(
                "The function of Expand must return at least one text; got none."
            )
        return list(dict.fromkeys(found))


@_forms.add
@dataclass(frozen=True)
class Hyde(QueryStep):
    """Search by a made-up answer, embedded as a document.

    After Gao et al., Precise Zero-Shot Dense Retrieval without Relevance Labels (ACL 2023).

    Attributes:
        function: Takes a question and returns a text that could answer it, or a list of such texts.

    Example:
        >>> Hyde(lambda question: "Tea is a drink.").texts(["What is tea?"])
        ['Tea is a drink.']
    """

    form: ClassVar[str] = "$hyde"
    as_documents: ClassVar[bool] = True
    function: Callable[[str], str | Sequence[str]]

    def __post_init__(self) -> None:
        """Check the function."""
        check_function(self.function, "function of Hyde")

    def texts(self, texts: list[str]) -> list[str]:
        """Return the answers."""
        found: list[str] = []
        for text in texts:
            made = _made(self, text)
            found += _texts(self, [made] if isinstance(made, str) else made)
        if not found:
            raise InvalidArgumentError(
                "The function of Hyde must return at least one text; got none."
            )
        return found


@_forms.add
@dataclass(frozen=True)
class Steer(QueryStep):
    """Move the query toward some records and away from others.

    After Rocchio, Relevance Feedback in Information Retrieval (1971): the query plus `toward` times the
    mean of the liked records, minus `away` times the mean of the others. In a cosine space, all are scaled
    to length 1 first.

    Attributes:
        like: Ids of records like those that are wanted.
        unlike: Ids of records unlike those.
        toward: The weight of the first.
        away: The weight of the second.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0, 0], [1, 1], [0, 3]])
        >>> near = chromalab.Knn([0, 0], limit=1).then(Steer(like=["c"], toward=2))
        >>> points.search(chromalab.Search().rank(near))["ids"]
        [['c']]
    """

    form: ClassVar[str] = "$steer"
    like: Sequence[str] = ()
    unlike: Sequence[str] = ()
    toward: float = 0.75
    away: float = 0.25

    def __post_init__(self) -> None:
        """Check the ids and the weights."""
        if not self.like and not self.unlike:
            raise InvalidArgumentError("Steer needs ids: pass like, unlike or both.")
        for name in ("like", "unlike"):
            ids = getattr(self, name)
            object.__setattr__(self, name, tuple(check_ids(ids)) if len(ids) else ())
        for name in ("toward", "away"):
            _check_weight(getattr(self, name), f"{name} of Steer")

    def vectors(
        self, vectors: Vectors, reader: Reader, filter: Filter, transform: RecordTransform | None
    ) -> Vectors:
        """Return the moved vectors."""
        moved = in_space(vectors, reader.space)
        for ids, weight in ((self.like, self.toward), (self.unlike, -self.away)):
            if ids:
                moved = moved + weight * _mean_of(ids, reader, transform)
        return np.asarray(moved, dtype=np.float32)


@_forms.add
@dataclass(frozen=True)
class Refine(QueryStep):
    """Move the query toward the records nearest to it, as if these had been confirmed.

    Known as pseudo-relevance feedback; see Steer for the formula.

    Attributes:
        records: How many of the nearest records count.
        toward: The weight of their mean.
    """

    form: ClassVar[str] = "$refine"
    records: int = 3
    toward: float = 0.5

    def __post_init__(self) -> None:
        """Check the number and the weight."""
        check_n_results(self.records, "records of Refine")
        _check_weight(self.toward, "toward of Refine")

    def vectors(
        self, vectors: Vectors, reader: Reader, filter: Filter, transform: RecordTransform | None
    ) -> Vectors:
        """Return the moved vectors."""
        moved = in_space(vectors, reader.space)
        for row, near in enumerate(reader.nearest(vectors, self.records, filter, transform)):
            if len(near.positions):
                found = in_space(reader.vectors(near.positions, transform), reader.space)
                moved[row] += self.toward * found.mean(axis=0)
        return np.asarray(moved, dtype=np.float32)


def _mean_of(
    ids: Sequence[str], reader: Reader, transform: RecordTransform | None
) -> NDArray[np.float64]:
    positions = reader.locate(ids)
    missing = [id for id, position in zip(ids, positions, strict=True) if position < 0]
    if missing:
        raise NotFoundError(f"There is no record {short(missing[0])} to steer by.")
    mean: NDArray[np.float64] = in_space(reader.vectors(positions, transform), reader.space).mean(
        axis=0
    )
    return mean


def _made(step: Rewrite | Expand | Hyde, text: str) -> Any:
    return called(f"The function of {type(step).__name__}", step.function, text)


def _texts(step: QueryStep, texts: Any) -> list[str]:
    if not isinstance(texts, list | tuple):
        raise InvalidArgumentTypeError(
            f"The function of {type(step).__name__} must return a list of texts; got {short(texts)}."
        )
    return [_text(step, text) for text in texts]


def _text(step: QueryStep, text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgumentTypeError(
            f"The function of {type(step).__name__} must return a text; got {short(text)}."
        )
    return text


def _check_weight(value: Any, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise InvalidArgumentError(f"{what} must be a number of at least 0; got {short(value)}.")
