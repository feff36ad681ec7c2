"""`K`, the keys of records in a search, and the conditions that comparing them makes.

The names, the operators and the dict forms are those of Chroma's Search API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from chromalab.conversion import plain
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, near, short

__all__ = [
    "And",
    "Condition",
    "Contains",
    "Eq",
    "Exists",
    "Gt",
    "Gte",
    "In",
    "K",
    "Key",
    "Lt",
    "Lte",
    "Ne",
    "Nin",
    "NotContains",
    "NotRegex",
    "Or",
    "Regex",
    "check_depth",
    "name_of_key",
    "only_entry",
]

_DEEPEST = 50
_SIGNS = {
    "$eq": "=", "$ne": "!=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<=", "$in": "in",
    "$nin": "not in", "$contains": "contains", "$not_contains": "does not contain",
    "$regex": "matches", "$not_regex": "does not match",
}  # fmt: skip


class Condition:
    """A condition on records, for `where`; `&` and `|` join two.

    Example:
        >>> ((K("year") >= 2020) & (K("kind") == "paper")).to_dict()
        {'$and': [{'year': {'$gte': 2020}}, {'kind': {'$eq': 'paper'}}]}
    """

    _depth = 0  # levels of conditions below this one

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict, which `where` accepts everywhere."""
        raise NotImplementedError

    @staticmethod
    def from_dict(data: Any) -> Condition:
        """Read a dict that `to_dict` returned, or that was written by hand.

        Raises:
            InvalidArgumentError: The dict has another form.

        Example:
            >>> Condition.from_dict({"year": 2020})
            Eq(key='year', value=2020)
        """
        return _condition(data, 0)

    def __and__(self, other: Condition) -> And:
        return And([*_parts(self, And), *_parts(other, And)])

    def __or__(self, other: Condition) -> Or:
        return Or([*_parts(self, Or), *_parts(other, Or)])

    def __bool__(self) -> bool:
        raise InvalidArgumentTypeError(
            "A condition has no truth value. Join conditions with & and |, each in parentheses."
        )


@dataclass(frozen=True)
class _Join(Condition):
    conditions: Sequence[Condition]
    _operator: ClassVar[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", [*map(_read, self.conditions)])
        depth = 1 + max((part._depth for part in self.conditions), default=0)
        check_depth(depth, "where")
        object.__setattr__(self, "_depth", depth)

    def to_dict(self) -> dict[str, Any]:
        return {self._operator: [condition.to_dict() for condition in self.conditions]}

    def __str__(self) -> str:
        return f" {self._operator[1:]} ".join(
            f"({part})" if isinstance(part, _Join) else str(part) for part in self.conditions
        )


class And(_Join):
    """All of the conditions hold."""

    _operator = "$and"


class Or(_Join):
    """At least one of the conditions holds."""

    _operator = "$or"


@dataclass(frozen=True)
class _Comparison(Condition):
    key: str
    value: Any
    _operator: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        return {self.key: {self._operator: self.value}}

    def __str__(self) -> str:
        return f"{self.key} {_SIGNS[self._operator]} {short(self.value)}"


class Eq(_Comparison):
    """The value equals another."""

    _operator = "$eq"

    def __bool__(self) -> bool:
        if isinstance(self.value, Key):  # two keys are compared, as sets do
            return self.key == self.value.name
        return super().__bool__()


class Ne(_Comparison):
    """The value differs from another, or is missing."""

    _operator = "$ne"


class Gt(_Comparison):
    """The value is greater."""

    _operator = "$gt"


class Gte(_Comparison):
    """The value is greater or equal."""

    _operator = "$gte"


class Lt(_Comparison):
    """The value is less."""

    _operator = "$lt"


class Lte(_Comparison):
    """The value is less or equal."""

    _operator = "$lte"


class Contains(_Comparison):
    """The document contains a text, or the list under a key a value."""

    _operator = "$contains"


class NotContains(_Comparison):
    """The document does not contain a text, or the list under a key a value."""

    _operator = "$not_contains"


class Exists(_Comparison):
    """There is a value under the key, or, with False, there is none; not in Chroma."""

    _operator = "$exists"

    def __str__(self) -> str:
        return f"{self.key} is {'not ' if self.value else ''}null"


@dataclass(frozen=True)
class _Membership(Condition):
    key: str
    values: Sequence[Any]
    _operator: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        return {self.key: {self._operator: list(self.values)}}

    def __str__(self) -> str:
        return f"{self.key} {_SIGNS[self._operator]} {short(list(self.values))}"


class In(_Membership):
    """The value is one of a list."""

    _operator = "$in"


class Nin(_Membership):
    """The value is none of a list, or missing."""

    _operator = "$nin"


@dataclass(frozen=True)
class _Match(Condition):
    key: str
    pattern: str
    _operator: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        return {self.key: {self._operator: self.pattern}}

    def __str__(self) -> str:
        return f"{self.key} {_SIGNS[self._operator]} {short(self.pattern)}"


class Regex(_Match):
    """The document matches an RE2 expression."""

    _operator = "$regex"


class NotRegex(_Match):
    """The document does not match an RE2 expression."""

    _operator = "$not_regex"


class Key:
    """A key of records: a metadata key, or what the constants stand for. `K` is the same class.

    Args:
        name: The metadata key; or "#id", "#document", "#embedding", "#metadata" or "#score".

    Example:
        >>> (K.DOCUMENT.contains("tea") | (K("year") < 1900)).to_dict()
        {'$or': [{'#document': {'$contains': 'tea'}}, {'year': {'$lt': 1900}}]}
    """

    ID: ClassVar[Key]
    DOCUMENT: ClassVar[Key]
    EMBEDDING: ClassVar[Key]
    METADATA: ClassVar[Key]
    SCORE: ClassVar[Key]

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise InvalidArgumentTypeError(f"A key must be a string; got {short(name)}.")
        self.name = name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"K({self.name!r})"

    def __eq__(self, value: Any) -> Eq:  # type: ignore[override]
        return Eq(self.name, value if isinstance(value, Key) else plain(value))

    def __ne__(self, value: Any) -> Ne:  # type: ignore[override]
        return Ne(self.name, plain(value))

    def __gt__(self, value: Any) -> Gt:
        return Gt(self.name, plain(value))

    def __ge__(self, value: Any) -> Gte:
        return Gte(self.name, plain(value))

    def __lt__(self, value: Any) -> Lt:
        return Lt(self.name, plain(value))

    def __le__(self, value: Any) -> Lte:
        return Lte(self.name, plain(value))

    def is_in(self, values: Iterable[Any]) -> In:
        """Whether the value is one of a list."""
        return In(self.name, _several(values, "is_in"))

    def not_in(self, values: Iterable[Any]) -> Nin:
        """Whether the value is none of a list, or missing."""
        return Nin(self.name, _several(values, "not_in"))

    def contains(self, value: Any) -> Contains:
        """Whether the document contains a text, or the list under the key a value."""
        return Contains(self.name, _operand(self.name, "$contains", plain(value)))

    def not_contains(self, value: Any) -> NotContains:
        """Whether the document lacks a text, or the list under the key a value."""
        return NotContains(self.name, _operand(self.name, "$not_contains", plain(value)))

    def exists(self, exists: bool = True) -> Exists:
        """Whether there is a value under the key."""
        return Exists(self.name, exists)

    def regex(self, pattern: str) -> Regex:
        """Whether the document matches an RE2 expression."""
        return Regex(self.name, pattern)

    def not_regex(self, pattern: str) -> NotRegex:
        """Whether the document does not match an RE2 expression."""
        return NotRegex(self.name, pattern)


Key.ID = Key("#id")
Key.DOCUMENT = Key("#document")
Key.EMBEDDING = Key("#embedding")
Key.METADATA = Key("#metadata")
Key.SCORE = Key("#score")
K = Key


def _several(values: Iterable[Any], method: str) -> list[Any]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise InvalidArgumentTypeError(f"{method} must be given a list; got {short(values)}.")
    return [plain(value) for value in values]


def name_of_key(key: Any, what: str = "A key") -> str:
    """Return the name of a key given as a `Key` of ours or of Chroma, or as a string."""
    name = key if isinstance(key, str) else getattr(key, "name", None)
    if not isinstance(name, str) or not name:
        raise InvalidArgumentTypeError(
            f'{what} must be a string, or a key such as K("year"); got {short(key)}.'
        )
    return name


def only_entry(data: Any, what: str) -> tuple[str, Any]:
    """Return the operator of a dict form and its operand.

    Raises:
        InvalidArgumentError: It is not a dict, or has another number of operators.
    """
    if not isinstance(data, Mapping):
        raise InvalidArgumentTypeError(f"Expected dict for {what}; got {short(data)}.")
    if not data:
        raise InvalidArgumentError(f"The dict of {what} cannot be empty.")
    if len(data) != 1:
        raise InvalidArgumentError(
            f"The dict of {what} must have exactly one operator; got {short(dict(data))}."
        )
    ((operator, operand),) = data.items()
    return operator, operand


def check_depth(depth: int, what: str) -> None:
    """Raise InvalidArgumentError if a form is nested too deeply, which would exhaust the stack."""
    if depth > _DEEPEST:
        raise InvalidArgumentError(f"{what} must be nested at most {_DEEPEST} levels deep.")


def _read(condition: Any) -> Condition:
    """Read a condition given as ours, as one of Chroma, or as a dict."""
    if isinstance(condition, Condition):
        return condition
    return Condition.from_dict(condition.to_dict() if hasattr(condition, "to_dict") else condition)


def _parts(condition: Condition, kind: type[_Join]) -> Sequence[Condition]:
    return condition.conditions if isinstance(condition, kind) else [condition]


_COMPARISONS: Mapping[str, Callable[[str, Any], Condition]] = {
    kind._operator: kind
    for kind in (Eq, Ne, Gt, Gte, Lt, Lte, In, Nin, Contains, NotContains, Exists, Regex, NotRegex)
}
_JOINS = {"$and": And, "$or": Or}


def _condition(data: Any, depth: int) -> Condition:
    check_depth(depth, "where")
    key, value = only_entry(data, "where")
    if key in _JOINS:
        if not isinstance(value, list | tuple):
            raise InvalidArgumentTypeError(f"{key} must be a list; got {short(value)}.")
        if not value:
            raise InvalidArgumentError(f"{key} requires at least one condition; got an empty list.")
        parts = [_condition(part, depth + 1) for part in value]
        return parts[0] if len(parts) == 1 else _JOINS[key](parts)
    if not isinstance(key, str):
        raise InvalidArgumentTypeError(f"A key in where must be a string; got {short(key)}.")
    if not isinstance(value, Mapping):
        return Eq(key, value)
    operator, operand = only_entry(value, f"the condition on {key!r}")
    if operator not in _COMPARISONS:
        raise InvalidArgumentError(
            f"Unknown operator {short(operator)} on {key!r}. "
            f"{near(str(operator), _COMPARISONS, what='Operators', limit=20)}"
        )
    return _COMPARISONS[operator](key, _operand(key, operator, operand))


def _operand(key: str, operator: str, value: Any) -> Any:
    if operator in ("$in", "$nin") and not isinstance(value, list | tuple):
        raise InvalidArgumentTypeError(f"{operator} requires a list; got {short(value)}.")
    if operator.endswith("contains"):
        kinds = str if key == "#document" else str | int | float
        if not isinstance(value, kinds):
            what = "on #document requires a string" if key == "#document" else "requires a scalar"
            raise InvalidArgumentTypeError(f"{operator} {what}; got {short(value)}.")
    if operator == "$exists" and not isinstance(value, bool):
        raise InvalidArgumentTypeError(f"$exists requires True or False; got {short(value)}.")
    if operator.endswith("regex") and not isinstance(value, str):
        raise InvalidArgumentTypeError(f"{operator} requires a string; got {short(value)}.")
    return value
