"""Ranks: expressions that give records a score, by which a search sorts them. Lower is better.

The names, the arithmetic and the dict forms are those of Chroma's Search API. All of them are in one module,
of more than 600 lines, because arithmetic on any rank makes every other kind, and so does its dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

from chromalab.arguments.values import check_embeddings, check_finite, check_n_results, is_number
from chromalab.conversion import plain
from chromalab.engine import Vectors
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, near, short
from chromalab.search.forms import listed
from chromalab.search.keys import K, Key, check_depth, name_of_key, only_entry
from chromalab.search.regions import read_region
from chromalab.search.steps.query_step import QueryStep, read_query_step
from chromalab.sparse import SparseVector

__all__ = [
    "Abs",
    "Div",
    "Exp",
    "Inside",
    "Keyword",
    "Knn",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Rank",
    "Rrf",
    "Source",
    "Sub",
    "Sum",
    "Val",
    "read_rank",
    "sources_of",
]

_SIGNS = {"$sum": "+", "$mul": "*", "$sub": "-", "$div": "/"}
_NEAREST = 16
"""Records that a source keeps by default, as in Chroma."""


class Rank:
    """A score for records, for `Search.rank`; arithmetic makes new ones.

    Example:
        >>> (Knn([1.0, 0.0]) * 0.8 + 0.2).to_dict()["$sum"][1]
        {'$val': 0.2}
    """

    _depth = 0  # levels of ranks below this one

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict."""
        raise NotImplementedError

    @staticmethod
    def from_dict(data: Any) -> Rank:
        """Read a dict that `to_dict` returned, or that was written by hand.

        Raises:
            InvalidArgumentError: The dict has another form.

        Example:
            >>> Rank.from_dict({"$val": 0.5})
            Val(value=0.5)
        """
        return _from_dict(data, 0)

    def inputs(self) -> Sequence[Rank]:
        """Return the ranks that this one is made of."""
        return ()

    @property
    def outline(self) -> str:
        """The rank in one line, with its sources by their kinds: a plan describes them elsewhere."""
        return self._written(lambda part: part.outline)

    def __str__(self) -> str:
        return self._written(str)

    def _written(self, write: Callable[[Rank], str]) -> str:
        raise NotImplementedError

    def __add__(self, other: Rank | float) -> Sum:
        return Sum([*_parts(self, Sum), *_parts(other, Sum)])

    def __radd__(self, other: float) -> Sum:
        return Sum([_rank(other), *_parts(self, Sum)])

    def __sub__(self, other: Rank | float) -> Sub:
        return Sub(self, _rank(other))

    def __rsub__(self, other: float) -> Sub:
        return Sub(_rank(other), self)

    def __mul__(self, other: Rank | float) -> Mul:
        return Mul([*_parts(self, Mul), *_parts(other, Mul)])

    def __rmul__(self, other: float) -> Mul:
        return Mul([_rank(other), *_parts(self, Mul)])

    def __truediv__(self, other: Rank | float) -> Div:
        return Div(self, _rank(other))

    def __rtruediv__(self, other: float) -> Div:
        return Div(_rank(other), self)

    def __neg__(self) -> Mul:
        return Mul([Val(-1), self])

    def __abs__(self) -> Abs:
        return Abs(self)

    def abs(self) -> Abs:
        """Return the absolute value."""
        return Abs(self)

    def exp(self) -> Exp:
        """Return e to the power of the score."""
        return Exp(self)

    def log(self) -> Log:
        """Return the natural logarithm of the score."""
        return Log(self)

    def max(self, other: Rank | float) -> Max:
        """Return the larger of this score and another."""
        return Max([*_parts(self, Max), *_parts(other, Max)])

    def min(self, other: Rank | float) -> Min:
        """Return the smaller of this score and another."""
        return Min([*_parts(self, Min), *_parts(other, Min)])


@dataclass(frozen=True)
class Val(Rank):
    """The same score for all records.

    Attributes:
        value: The score, a finite number.
    """

    value: float

    def __post_init__(self) -> None:
        """Check the value."""
        if not is_number(self.value):
            raise InvalidArgumentTypeError(f"$val requires a number; got {short(self.value)}.")
        check_finite(self.value, "$val")
        object.__setattr__(self, "value", plain(self.value))

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict."""
        return {"$val": self.value}

    def _written(self, write: Callable[[Rank], str]) -> str:
        return f"{self.value:g}"


class Source(Rank):
    """A rank that finds records itself: `Knn`, `Keyword` and `Inside`.

    Records that it does not find are left out of the search, unless it has a default.
    """

    query: Any
    key: Key | str
    limit: int
    default: float | None
    return_rank: bool

    @property
    def details(self) -> str:
        """The query and the key, for display."""
        query = short(self.query, 40) if isinstance(self.query, str) else type(self.query).__name__
        steps = "".join(f" | {type(step).__name__}" for step in getattr(self, "steps", ()))
        return f"{query}{steps} in {name_of_key(self.key)}"

    @property
    def outline(self) -> str:
        """The kind of the source."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.details})"

    def _check(self) -> None:
        name_of_key(self.key, f"key of {type(self).__name__}")
        object.__setattr__(
            self, "limit", check_n_results(self.limit, f"limit of {type(self).__name__}")
        )
        if self.default is not None:
            Val(self.default)
        if not isinstance(self.return_rank, bool):
            raise InvalidArgumentTypeError(
                f"return_rank must be a boolean; got {short(self.return_rank)}."
            )

    def _options(self) -> dict[str, Any]:
        """Return the part of the dict that all sources share."""
        options: dict[str, Any] = {"limit": self.limit}
        if self.default is not None:
            options["default"] = self.default
        if self.return_rank:
            options["return_rank"] = True
        return options


@dataclass(frozen=True)
class Knn(Source):
    """The records nearest to a query, scored by their distance.

    Attributes:
        query: A text, which is embedded; a vector of numbers; or a `SparseVector`, or its
            `{"indices": [...], "values": [...]}`.
        key: K.EMBEDDING, or a metadata key that holds sparse vectors, whose distance is 1 - dot.
        limit: The number of records to find.
        default: The score of all others; by default, the search leaves them out.
        return_rank: Score by rank instead: 0 for the nearest, then 1, 2, ...
        steps: What happens to the query before records are compared with it, such as `Steer`; see
            `then`.
        vector: (1, dimension) float32, where the query is a vector.

    Raises:
        InvalidArgumentError: The query is empty or of another kind, or the limit is not positive.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]])
        >>> notes.search(chromalab.Search().rank(chromalab.Knn([0.9, 0])).limit(1))["ids"]
        [['a']]
    """

    query: Any
    key: Key | str = K.EMBEDDING
    limit: int = _NEAREST
    default: float | None = None
    return_rank: bool = False
    steps: tuple[QueryStep, ...] = field(default=(), kw_only=True)
    vector: Vectors | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the query and the options."""
        self._check()
        steps = tuple(map(read_query_step, listed(self.steps, "steps of Knn")))
        object.__setattr__(self, "steps", steps)
        if isinstance(self.query, str | SparseVector):
            return
        if isinstance(self.query, Mapping) and self.query.keys() == {"indices", "values"}:
            object.__setattr__(self, "query", SparseVector(**self.query))
            return
        if hasattr(self.query, "indices") and hasattr(self.query, "values"):  # one of chromadb
            query = SparseVector(self.query.indices, self.query.values)
            object.__setattr__(self, "query", query)
            return
        if not isinstance(self.query, Sequence) and not hasattr(self.query, "__array__"):
            raise InvalidArgumentTypeError(
                f"query of Knn must be a text, a vector or a SparseVector; got {short(self.query)}."
            )
        vector = check_embeddings(self.query, "query of Knn")
        object.__setattr__(self, "vector", vector)
        if len(vector) != 1:
            raise InvalidArgumentError(
                f"query of Knn must be exactly one vector; got {short(self.query)}. Pass one Search per "
                "query."
            )

    def then(self, *steps: QueryStep) -> Knn:
        """Return a copy whose query goes through further steps, such as `Steer` or `Expand`."""
        return replace(self, steps=(*self.steps, *steps))

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict; steps, which Chroma does not have, are under "steps"."""
        query = self.query
        if isinstance(query, SparseVector):
            query = query.to_dict()
        elif not isinstance(query, str):
            query = query.tolist() if hasattr(query, "tolist") else list(query)
        key = name_of_key(self.key)
        steps = {"steps": [step.to_dict() for step in self.steps]} if self.steps else {}
        return {"$knn": {"query": query, "key": key, **self._options(), **steps}}


@dataclass(frozen=True)
class Keyword(Source):
    """The records whose text matches the words of a query best, scored by minus their BM25.

    Attributes:
        query: The words.
        key: K.DOCUMENT, or a metadata key that holds texts.
        limit: The number of records to find.
        default: The score of all others; by default, the search leaves them out.
        return_rank: Score by rank instead: 0 for the best, then 1, 2, ...

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a", "b"], embeddings=[[1, 0], [0, 1]], documents=["green tea", "chalk"])
        >>> notes.search(chromalab.Search().rank(chromalab.Keyword("tea")))["ids"]
        [['a']]
    """

    query: str
    key: Key | str = K.DOCUMENT
    limit: int = _NEAREST
    default: float | None = None
    return_rank: bool = False

    def __post_init__(self) -> None:
        """Check the query and the options."""
        self._check()
        if not isinstance(self.query, str):
            raise InvalidArgumentTypeError(
                f"query of Keyword must be a text; got {short(self.query)}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the dict, in the form of Chroma's `$knn`."""
        key = name_of_key(self.key)
        return {"$keyword": {"query": self.query, "key": key, **self._options()}}


@dataclass(frozen=True)
class Inside(Source):
    """The records in a region, scored by minus how far inside they are: the deepest first.

    Attributes:
        region: A `Region`, one of its parts such as `Ball("id", 0.5)`, or the name of a stored region.
        limit: The number of records to find.
        default: The score of all others; by default, the search leaves them out.
        return_rank: Score by rank instead: 0 for the deepest, then 1, 2, ...

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0], [1], [9]])
        >>> inside = chromalab.Inside(chromalab.Ball([1], 4))
        >>> points.search(chromalab.Search().rank(inside))["ids"]
        [['b', 'a']]
    """

    region: Any
    limit: int = _NEAREST
    default: float | None = None
    return_rank: bool = False
    query: None = field(default=None, init=False, repr=False)
    key: Key | str = field(default=K.EMBEDDING, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the region and the options."""
        self._check()
        object.__setattr__(self, "region", read_region(self.region))

    @property
    def details(self) -> str:
        """The region, for display."""
        return str(self.region)

    def to_dict(self) -> dict[str, Any]:
        """Return the dict, in the form of Chroma's `$knn`."""
        region = self.region if isinstance(self.region, str) else self.region.to_dict()
        return {"$inside": {"region": region, **self._options()}}


@dataclass(frozen=True)
class _Several(Rank):
    ranks: Sequence[Rank]
    _operator: ClassVar[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranks", [_rank(rank) for rank in self.ranks])
        _set_depth(self, self.ranks)

    def inputs(self) -> Sequence[Rank]:
        return self.ranks

    def to_dict(self) -> dict[str, Any]:
        return {self._operator: [rank.to_dict() for rank in self.ranks]}

    def _written(self, write: Callable[[Rank], str]) -> str:
        if self._operator in _SIGNS:
            return f"({f' {_SIGNS[self._operator]} '.join(map(write, self.ranks))})"
        return f"{self._operator[1:]}({', '.join(map(write, self.ranks))})"


class Sum(_Several):
    """The sum of scores."""

    _operator = "$sum"


class Mul(_Several):
    """The product of scores."""

    _operator = "$mul"


class Max(_Several):
    """The largest of scores."""

    _operator = "$max"


class Min(_Several):
    """The smallest of scores."""

    _operator = "$min"


@dataclass(frozen=True)
class _Two(Rank):
    left: Rank
    right: Rank
    _operator: ClassVar[str]

    def __post_init__(self) -> None:
        _set_depth(self, (self.left, self.right))

    def inputs(self) -> Sequence[Rank]:
        return (self.left, self.right)

    def to_dict(self) -> dict[str, Any]:
        return {self._operator: {"left": self.left.to_dict(), "right": self.right.to_dict()}}

    def _written(self, write: Callable[[Rank], str]) -> str:
        return f"({write(self.left)} {_SIGNS[self._operator]} {write(self.right)})"


class Sub(_Two):
    """The difference of two scores."""

    _operator = "$sub"


class Div(_Two):
    """The quotient of two scores."""

    _operator = "$div"


@dataclass(frozen=True)
class _One(Rank):
    rank: Rank
    _operator: ClassVar[str]

    def __post_init__(self) -> None:
        _set_depth(self, (self.rank,))

    def inputs(self) -> Sequence[Rank]:
        return (self.rank,)

    def to_dict(self) -> dict[str, Any]:
        return {self._operator: self.rank.to_dict()}

    def _written(self, write: Callable[[Rank], str]) -> str:
        return f"{self._operator[1:]}({write(self.rank)})"


class Abs(_One):
    """The absolute value of a score."""

    _operator = "$abs"


class Exp(_One):
    """e to the power of a score."""

    _operator = "$exp"


class Log(_One):
    """The natural logarithm of a score."""

    _operator = "$log"


@dataclass(frozen=True)
class Rrf(Rank):
    """Reciprocal rank fusion: minus the sum of weight / (k + rank), with ranks from 0.

    After Cormack, Clarke and Büttcher, Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank
    Learning Methods (SIGIR 2009). Records that only some of the ranks find are left out, unless these
    have a default; `Rrf.of` sees to both.

    Attributes:
        ranks: The ranks to fuse, with `return_rank=True`.
        k: The larger, the less the first places count; positive.
        weights: One non-negative weight per rank; all 1 by default.
        normalize: Scale the weights to a sum of 1.

    Raises:
        InvalidArgumentError: There are no ranks, or the weights do not match them.

    Example:
        >>> fused = Rrf.of(Knn([1.0, 0.0]), Keyword("tea"))
        >>> [rank.return_rank for rank in fused.ranks]
        [True, True]
    """

    ranks: Sequence[Rank]
    k: int = 60
    weights: Sequence[float] | None = None
    normalize: bool = False

    def __post_init__(self) -> None:
        """Check that all parts are what they should be; `expanded` checks how they fit together."""
        ranks = [_rank(rank) for rank in listed(self.ranks, "ranks of Rrf")]
        object.__setattr__(self, "ranks", ranks)
        if not is_number(self.k):
            raise InvalidArgumentTypeError(f"k must be a number in Rrf; got {short(self.k)}.")
        if self.weights is not None:
            weights = listed(plain(self.weights), "weights of Rrf")
            wrong = [weight for weight in weights if not is_number(weight)]
            if wrong:
                raise InvalidArgumentTypeError(
                    f"weights of Rrf must be numbers; got {short(wrong[0])}."
                )
        _set_depth(self, ranks)

    @classmethod
    def of(
        cls,
        *ranks: Source,
        k: int = 60,
        weights: Sequence[float] | None = None,
        limit: int | None = None,
    ) -> Rrf:
        """Fuse sources by rank, so that a record found by one of them counts as just behind the others.

        Args:
            ranks: The sources.
            k: As above.
            weights: As above.
            limit: The number of records that each source finds; by default, each has its own.
        """
        fused = []
        if limit is not None:
            limit = check_n_results(limit, "limit of Rrf.of")
        for rank in map(_rank, ranks):
            if not isinstance(rank, Source):
                raise InvalidArgumentTypeError(
                    f"Rrf.of fuses sources, such as Knn and Keyword; got {short(str(rank))}."
                )
            found = rank.limit if limit is None else limit
            default = float(found) if rank.default is None else rank.default
            fused.append(replace(rank, limit=found, default=default, return_rank=True))  # type: ignore[type-var]
        return cls(fused, k, weights)

    def inputs(self) -> Sequence[Rank]:
        """Return the arithmetic that the ranks are fused by."""
        return (self.expanded(),)

    def expanded(self) -> Rank:
        """Return the same score by arithmetic, as Chroma sends it."""
        if not self.ranks:
            raise InvalidArgumentError("RRF requires at least one rank; got none.")
        if not self.k > 0:
            raise InvalidArgumentError(f"k must be positive in Rrf; got {short(self.k)}.")
        weights = [1.0] * len(self.ranks) if self.weights is None else list(self.weights)
        if len(weights) != len(self.ranks):
            raise InvalidArgumentError(
                f"Number of weights ({len(weights)}) must match number of ranks ({len(self.ranks)}) in Rrf."
            )
        if not all(weight >= 0 for weight in weights):
            raise InvalidArgumentError(
                f"All weights must be non-negative in Rrf; got {short(weights)}."
            )
        if self.normalize:
            total = sum(weights)
            if not total:
                raise InvalidArgumentError(
                    "Sum of weights must be positive in Rrf with normalize=True; got 0."
                )
            weights = [weight / total for weight in weights]
        terms = [weight / (self.k + rank) for weight, rank in zip(weights, self.ranks, strict=True)]
        return -(terms[0] if len(terms) == 1 else Sum(terms))

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict, in which it is arithmetic."""
        return self.expanded().to_dict()

    def _written(self, write: Callable[[Rank], str]) -> str:
        weights = "" if self.weights is None else f", weights={short(list(self.weights))}"
        return f"Rrf({', '.join(map(write, self.ranks))}, k={self.k}{weights})"


def read_rank(rank: Any) -> Rank:
    """Read a rank given as ours, as one of chromadb, or as a dict."""
    if isinstance(rank, Rank):
        return rank
    if isinstance(rank, Mapping):
        return Rank.from_dict(rank)
    if hasattr(rank, "to_dict"):
        return Rank.from_dict(rank.to_dict())
    raise InvalidArgumentTypeError(f"rank must be a Rank or a dict; got {short(rank)}.")


def sources_of(rank: Rank) -> Iterator[Source]:
    """Iterate over the sources of a rank, from left to right.

    Example:
        >>> [source.query for source in sources_of(Rrf([Knn("a"), Keyword("b")]))]
        ['a', 'b']
    """
    if isinstance(rank, Source):
        yield rank
    for part in rank.inputs():
        yield from sources_of(part)


def _rank(value: Any) -> Rank:
    if isinstance(value, Rank):
        return value
    return read_rank(value) if hasattr(value, "to_dict") else Val(value)


def _set_depth(rank: Rank, parts: Sequence[Rank]) -> None:
    depth = 1 + max((part._depth for part in parts), default=0)
    check_depth(depth, "rank")
    object.__setattr__(rank, "_depth", depth)


def _parts(value: Any, kind: type[_Several]) -> Sequence[Rank]:
    rank = _rank(value)
    return rank.ranks if isinstance(rank, kind) else [rank]


_SEVERAL: Mapping[str, type[_Several]] = {kind._operator: kind for kind in (Sum, Mul, Max, Min)}
_TWO: Mapping[str, type[_Two]] = {kind._operator: kind for kind in (Sub, Div)}
_ONE: Mapping[str, type[_One]] = {kind._operator: kind for kind in (Abs, Exp, Log)}
_SOURCES: Mapping[str, type[Source]] = {"$knn": Knn, "$keyword": Keyword, "$inside": Inside}
_OPERATORS = ("$val", *_SOURCES, *_SEVERAL, *_TWO, *_ONE)


def _from_dict(data: Any, depth: int) -> Rank:
    check_depth(depth, "rank")
    operator, value = only_entry(data, "rank")
    if operator == "$val":
        return Val(value)
    if operator in _SOURCES:
        return _source(operator, value)
    if operator in _SEVERAL:
        if not isinstance(value, list | tuple):
            raise InvalidArgumentTypeError(f"{operator} requires a list; got {short(value)}.")
        if len(value) < 2:
            raise InvalidArgumentError(f"{operator} requires at least 2 ranks; got {len(value)}.")
        return _SEVERAL[operator]([_from_dict(part, depth + 1) for part in value])
    if operator in _TWO:
        if not isinstance(value, Mapping) or set(value) != {"left", "right"}:
            raise InvalidArgumentError(
                f"{operator} requires 'left' and 'right' fields; got {short(value)}."
            )
        parts = (_from_dict(value[side], depth + 1) for side in ("left", "right"))
        return _TWO[operator](*parts)
    if operator in _ONE:
        return _ONE[operator](_from_dict(value, depth + 1))
    raise InvalidArgumentError(
        f"Unknown rank operator {short(operator)}. "
        f"{near(str(operator), _OPERATORS, what='Operators', limit=20)}"
    )


def _source(operator: str, value: Any) -> Source:
    if not isinstance(value, Mapping):
        raise InvalidArgumentTypeError(f"{operator} requires a dict; got {short(value)}.")
    kind = _SOURCES[operator]
    known = [option.name for option in fields(kind) if option.init]  # type: ignore[arg-type]
    if known[0] not in value:
        raise InvalidArgumentError(
            f"{operator} requires {known[0]!r} field; got {short(dict(value))}."
        )
    unknown = [name for name in value if name not in known]
    if unknown:
        raise InvalidArgumentError(
            f"Unexpected keys in {operator}: {short(unknown)}. Keys: {', '.join(known)}."
        )
    options = dict(value)
    if isinstance(options.get("query"), Mapping):
        options["query"] = SparseVector.from_dict(options["query"])
    return kind(**options)
