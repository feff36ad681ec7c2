"""What a search returns of the records it has ranked: groups, a limit, and the parts of each.

The names and the dict forms are those of Chroma's Search API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from chromalab.arguments.values import is_integer
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, near, short
from chromalab.lazy import cached_property
from chromalab.search.keys import Key, name_of_key, only_entry

__all__ = ["Aggregate", "GroupBy", "Limit", "MaxK", "MinK", "Select"]

_SPECIAL = ("#id", "#document", "#embedding", "#metadata", "#score")


@dataclass(frozen=True)
class Aggregate:
    """Which records of a group are kept: `MinK` or `MaxK`."""

    keys: Any
    k: int
    _operator: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Check the keys and k."""
        if not _names(self.keys):
            raise InvalidArgumentError(f"{self._operator} keys cannot be empty.")
        object.__setattr__(self, "k", _whole(self.k, f"k of {type(self).__name__}", least=1))

    @property
    def names(self) -> list[str]:
        """The names of the keys."""
        return _names(self.keys)

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict."""
        return {self._operator: {"keys": self.names, "k": self.k}}

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.names)}, k={self.k})"

    @staticmethod
    def from_dict(data: Any) -> Aggregate:
        """Read a dict that `to_dict` returned.

        Raises:
            InvalidArgumentError: The dict has another form.
        """
        operator, value = only_entry(data, "the aggregate")
        if operator not in _AGGREGATES:
            raise InvalidArgumentError(
                f"Unknown aggregate operator {short(operator)}. "
                f"{near(str(operator), _AGGREGATES, what='Operators')}"
            )
        for name in ("keys", "k"):
            if not isinstance(value, Mapping) or name not in value:
                raise InvalidArgumentError(
                    f"{operator} requires {name!r} field; got {short(value)}."
                )
        _check_known(value, ("keys", "k"), operator)
        return _AGGREGATES[operator](_listed(value["keys"], operator), value["k"])


class MinK(Aggregate):
    """Keep the k records of each group with the smallest values.

    Attributes:
        keys: A key or several, where each breaks the ties of those before it. Records without a value
            come first, as in Chroma.
        k: The number of records per group.

    Example:
        >>> MinK(Key.SCORE, k=1).to_dict()
        {'$min_k': {'keys': ['#score'], 'k': 1}}
    """

    _operator = "$min_k"


class MaxK(Aggregate):
    """Keep the k records of each group with the largest values; see `MinK`."""

    _operator = "$max_k"


_AGGREGATES: Mapping[str, type[Aggregate]] = {kind._operator: kind for kind in (MinK, MaxK)}


@dataclass(frozen=True)
class GroupBy:
    """Groups of records with equal values, of which some are kept.

    Attributes:
        keys: A metadata key or several. Records without a value form a group of their own.
        aggregate: Which records of a group are kept.

    Example:
        >>> GroupBy("author", MinK(Key.SCORE, k=1)).to_dict()["keys"]
        ['author']
    """

    keys: Any = field(default_factory=list)
    aggregate: Aggregate | None = None

    def __post_init__(self) -> None:
        """Check that both are given, or neither."""
        if self.aggregate is not None and not isinstance(self.aggregate, Aggregate):
            object.__setattr__(self, "aggregate", _aggregate(self.aggregate))
        if bool(self.names) != (self.aggregate is not None):
            raise InvalidArgumentError(
                "GroupBy needs both keys and an aggregate, such as GroupBy('author', MinK(K.SCORE, k=1))."
            )

    @property
    def names(self) -> list[str]:
        """The names of the keys; none where nothing is grouped."""
        return _names(self.keys)

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict, which is empty where nothing is grouped."""
        if self.aggregate is None:
            return {}
        return {"keys": self.names, "aggregate": self.aggregate.to_dict()}

    def __str__(self) -> str:
        return f"{', '.join(self.names)}: {self.aggregate}"

    @staticmethod
    def from_dict(data: Any) -> GroupBy:
        """Read a dict that `to_dict` returned.

        Raises:
            InvalidArgumentError: The dict has another form.
        """
        if not isinstance(data, Mapping):
            raise InvalidArgumentTypeError(f"Expected dict for group_by; got {short(data)}.")
        if not data:
            return GroupBy()
        _check_known(data, ("keys", "aggregate"), "GroupBy")
        for name in ("keys", "aggregate"):
            if name not in data:
                raise InvalidArgumentError(
                    f"GroupBy requires {name!r} field; got {short(dict(data))}."
                )
        keys = _listed(data["keys"], "GroupBy")
        if not keys:
            raise InvalidArgumentError("GroupBy keys cannot be empty.")
        return GroupBy(keys, Aggregate.from_dict(data["aggregate"]))


@dataclass(frozen=True)
class Limit:
    """The records of the order that are returned.

    Attributes:
        offset: How many to skip.
        limit: How many to return; None for all.
    """

    offset: int = 0
    limit: int | None = None

    def __post_init__(self) -> None:
        """Check both numbers."""
        object.__setattr__(self, "offset", _whole(self.offset, "Limit offset", least=0))
        if self.limit is not None:
            object.__setattr__(self, "limit", _whole(self.limit, "Limit limit", least=1))

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict."""
        limit = {} if self.limit is None else {"limit": self.limit}
        return {"offset": self.offset, **limit}

    def __str__(self) -> str:
        most = "all" if self.limit is None else f"{self.limit:,}"
        return f"{most} after the first {self.offset:,}" if self.offset else most

    @staticmethod
    def from_dict(data: Any) -> Limit:
        """Read a dict that `to_dict` returned.

        Raises:
            InvalidArgumentError: The dict has another form.
        """
        if not isinstance(data, Mapping):
            raise InvalidArgumentTypeError(f"Expected dict for limit; got {short(data)}.")
        _check_known(data, ("offset", "limit"), "Limit")
        return Limit(data.get("offset", 0), data.get("limit"))


@dataclass(frozen=True)
class Select:
    """The parts of records that are returned; ids always are.

    Attributes:
        keys: `K.DOCUMENT`, `K.EMBEDDING`, `K.METADATA`, `K.SCORE`, or metadata keys.
    """

    keys: Iterable[Key | str] = field(default_factory=set)

    @cached_property
    def names(self) -> list[str]:
        """The names of the keys, each once."""
        return list(dict.fromkeys(_names(list(self.keys))))

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict."""
        return {"keys": self.names}

    @staticmethod
    def from_dict(data: Any) -> Select:
        """Read a dict that `to_dict` returned.

        Raises:
            InvalidArgumentError: The dict has another form.
        """
        if not isinstance(data, Mapping):
            raise InvalidArgumentTypeError(f"Expected dict for select; got {short(data)}.")
        _check_known(data, ("keys",), "Select")
        keys = data.get("keys", [])
        if not isinstance(keys, list | tuple | set | frozenset):
            raise InvalidArgumentTypeError(
                f"Select keys must be a list/tuple/set; got {short(keys)}."
            )
        for key in keys:
            if not isinstance(key, str):
                raise InvalidArgumentTypeError(f"A Select key must be a string; got {short(key)}.")
            if key.startswith("#") and key not in _SPECIAL:
                raise InvalidArgumentError(
                    f"Unknown key {short(key)} in Select. {near(key, _SPECIAL, what='Keys')}"
                )
        return Select({Key(key) for key in keys})


def _aggregate(value: Any) -> Aggregate:
    """Read an aggregate given as one of Chroma, or as a dict."""
    return Aggregate.from_dict(value.to_dict() if hasattr(value, "to_dict") else value)


def _names(keys: Any) -> list[str]:
    several = keys if isinstance(keys, list | tuple | set | frozenset) else [keys]
    return [name_of_key(key) for key in several]


def _listed(keys: Any, what: str) -> list[Key]:
    if not isinstance(keys, list | tuple):
        raise InvalidArgumentTypeError(f"{what} keys must be a list; got {short(keys)}.")
    return [Key(name_of_key(key)) for key in keys]


def _check_known(data: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    unknown = [key for key in data if key not in known]
    if unknown:
        raise InvalidArgumentError(
            f"Unexpected keys in {what} dict: {short(unknown)}. Keys: {', '.join(known)}."
        )


def _whole(value: Any, what: str, least: int) -> int:
    if not is_integer(value):
        raise InvalidArgumentTypeError(f"{what} must be an integer; got {short(value)}.")
    if value < least:
        wanted = "positive" if least else "non-negative"
        raise InvalidArgumentError(f"{what} must be {wanted}; got {value}.")
    return int(value)
