"""`where` and `where_document`: parsed and fully validated once, then evaluated per record.

The language is Chroma's, with `#document` and `#id` beside the metadata keys, as in its Search API. `$ne`,
`$nin` and `$not_contains` also match a record that lacks the key. Integers and floats compare as numbers;
booleans are a separate type. Beyond Chroma's, `$exists` tells records with the key from those without it,
`$gt`, `$gte`, `$lt` and `$lte` compare dates, which are ISO texts in metadata, and values of numpy and
pandas are read as Python's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chromalab.conversion import is_date, is_missing, items, plain
from chromalab.engine.filter.dates import Instant, instant_of, read_instant
from chromalab.engine.values import Clause, Filter
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.lazy import cached_property

__all__ = ["Among", "Compare", "Join", "Text", "as_filter", "parse_where", "parse_where_document"]

if TYPE_CHECKING:
    from typing import TypeGuard

_DEEPEST = 50
_LONGEST_PATTERN = 2000
_PATTERN_BYTES = 1 << 20  # a larger automaton, although linear, takes seconds per document
_DOCUMENT, _ID = "#document", "#id"
_JOINS = ("$and", "$or")
_NUMBER = ("$gt", "$gte", "$lt", "$lte")
_LIST = ("$in", "$nin")
_FIELD = ("$eq", "$ne", *_NUMBER, *_LIST, "$contains", "$not_contains", "$exists")
_TEXT = ("$contains", "$not_contains", "$regex", "$not_regex")
_ID_OPERATORS = ("$eq", "$ne", *_LIST)

Metadata = Mapping[str, Any]


@dataclass(frozen=True)
class Join:
    """All of the clauses (`$and`) or any of them (`$or`)."""

    operator: str
    clauses: tuple[Clause, ...]

    def matches(self, metadata: Metadata, document: str | None) -> bool:
        """Whether all, or any, of the clauses match."""
        answers = (clause.matches(metadata, document) for clause in self.clauses)
        return all(answers) if self.operator == "$and" else any(answers)


@dataclass(frozen=True, eq=False)
class Compare:
    """A comparison of one metadata key with one value.

    Two are equal if they select the same records; 1 and True, though equal in Python, do not.
    """

    key: str
    operator: str
    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Compare) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str, str]:
        return self.key, self.operator, repr(self.value)

    def matches(self, metadata: Metadata, document: str | None) -> bool:
        """Whether the comparison holds for the value under the key."""
        found = metadata.get(self.key)
        return _COMPARE[self.operator](found, self.value)


@dataclass(frozen=True)
class Text:
    """A test of the document against a literal or an RE2 expression."""

    operator: str
    value: str

    def matches(self, metadata: Metadata, document: str | None) -> bool:
        """Whether the document contains the value; a missing document contains nothing."""
        held = document is not None and self._finds(document)
        return held != self.operator.startswith("$not_")

    @cached_property
    def _finds(self) -> Callable[[str], bool]:
        if self.operator.endswith("contains"):
            return lambda document: self.value in document
        expression = _compile(self.value)
        return lambda document: expression.search(document) is not None


@dataclass(frozen=True)
class Among:
    """A test of the id: among some ids (`$in`), or not (`$nin`)."""

    operator: str
    ids: tuple[str, ...]

    def matches(self, metadata: Metadata, document: str | None) -> bool:
        """Raise TypeError, because the id is in neither; `matching` looks ids up instead."""
        raise TypeError("a test of the id needs the id")


def as_filter(ids: list[str] | None, where: Clause | None, document: Clause | None) -> Filter:
    """Make a filter, with what a `where` asks of ids and documents in the parts that do it faster.

    Example:
        >>> as_filter(None, parse_where({"#id": {"$in": ["a", "b"]}}), None)
        Filter(ids=['a', 'b'], where=None, where_document=None)
    """
    rest: list[Clause] = []
    texts = [] if document is None else [document]
    for clause in (
        where.clauses if isinstance(where, Join) and where.operator == "$and" else [where]
    ):
        if isinstance(clause, Among) and clause.operator == "$in" and ids is None:
            ids = list(clause.ids)
        elif _is_of_documents(clause):
            texts.append(clause)
        elif clause is not None:
            rest.append(clause)
    return Filter(ids, _all_of(rest), _all_of(texts))


def parse_where(where: Any) -> Clause:
    """Parse a `where` into a tree.

    Args:
        where: Chroma's filter: `{"year": {"$gte": 2020}}`, `{"$and": [...]}`, `{"kind": "a"}`; or an
            expression, whose `to_dict` returns one.

    Returns:
        The tree.

    Raises:
        InvalidArgumentError: The filter has an unknown operator or a value of the wrong type.

    Example:
        >>> parse_where({"year": {"$gt": 2000}}).matches({"year": 2001}, None)
        True
    """
    if not isinstance(where, Mapping) and hasattr(
        where, "to_dict"
    ):  # an expression, such as K("a") > 1
        where = where.to_dict()
    return _parse(where, "where", _field, depth=0)


def parse_where_document(where_document: Any) -> Clause:
    """Parse a `where_document` into a tree; `$regex` is RE2, so every pattern takes linear time.

    Raises:
        InvalidArgumentError: An operator is unknown, a value is empty, or RE2 rejects a pattern.

    Example:
        >>> parse_where_document({"$contains": "apple"}).matches({}, "an apple a day")
        True
    """
    return _parse(where_document, "where_document", _text, depth=0)


def _parse(node: Any, what: str, leaf: Callable[[str, Any], Clause], *, depth: int) -> Clause:
    if not isinstance(node, Mapping) or len(node) != 1:
        raise InvalidArgumentError(
            f"{what} must be a dict with exactly one key; got {short(node)}. "
            'Join several conditions with {"$and": [...]} or {"$or": [...]}.'
        )
    if depth > _DEEPEST:
        raise InvalidArgumentError(f"{what} must be nested at most {_DEEPEST} levels deep.")
    (key, value), *_ = node.items()
    if key not in _JOINS:
        return leaf(key, value)
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise InvalidArgumentError(
            f"{key} in {what} must be a list of at least two clauses; got {short(value)}."
        )
    return Join(key, tuple(_parse(clause, what, leaf, depth=depth + 1) for clause in value))


def _all_of(clauses: list[Clause]) -> Clause | None:
    if len(clauses) > 1:
        return Join("$and", tuple(clauses))
    return clauses[0] if clauses else None


def _is_of_documents(clause: Clause | None) -> TypeGuard[Clause]:
    if isinstance(clause, Join):
        return all(map(_is_of_documents, clause.clauses))
    return isinstance(clause, Text)


def _field(key: Any, value: Any) -> Clause:
    if not isinstance(key, str) or key.startswith("$"):
        raise InvalidArgumentError(
            f"{short(key)} in where is not a metadata key. {near(str(key), _JOINS, what='Joins')}"
        )
    if not isinstance(value, Mapping):
        value = {"$eq": value}
    if len(value) != 1:
        raise InvalidArgumentError(
            f"The condition on {key!r} in where must have exactly one operator; got {short(value)}. "
            'Write {"$and": [...]} for a range.'
        )
    (operator, wanted), *_ = value.items()
    if key == _DOCUMENT:
        return _text(operator, wanted)
    if key == _ID:
        return _id(operator, wanted)
    if operator not in _FIELD:
        raise InvalidArgumentError(
            f"Unknown operator {short(operator)} on {key!r} in where. "
            f"{near(str(operator), _FIELD, what='Operators', limit=20)}"
        )
    if operator == "$exists" and not isinstance(wanted, bool):
        raise InvalidArgumentError(
            f"The value of $exists on {key!r} in where must be True or False; got {short(wanted)}."
        )
    if operator in _LIST:
        return Compare(key, operator, _several(key, operator, wanted))
    given, wanted = wanted, _operand(wanted)
    if operator in _NUMBER:
        wanted = instant_of(wanted) or wanted
        if _kind(wanted) not in ("number", "date"):
            raise InvalidArgumentError(
                f"The value of {operator} on {key!r} in where must be a number or a date; got {short(given)}. "
                "Write dates as in '2024-06-01', or pass a datetime."
            )
    if _kind(wanted) is None:
        raise InvalidArgumentError(
            f"The value of {operator} on {key!r} in where must be a str, int, float, bool or date; "
            f"got {short(given)}."
        )
    return Compare(key, operator, wanted)


def _operand(value: Any) -> Any:
    """Convert an operand: a date to an instant, a number or text of any library to Python's."""
    if isinstance(value, list | tuple | float):
        return value  # a NaN stays one, and matches nothing
    return instant_of(value) if is_date(value) else plain(value)


def _several(key: str, operator: str, wanted: Any) -> tuple[Any, ...]:
    """Convert the operand of `$in` or `$nin`; missing values, which match nothing, are left out."""
    listed = items(wanted, f"The value of {operator} on {key!r}") or []
    operands = tuple(_operand(item) for item in listed if not is_missing(item))
    kinds = {type(item) for item in operands}
    if len(kinds) != 1 or not all(map(_kind, operands)):
        raise InvalidArgumentError(
            f"The value of {operator} on {key!r} in where must be a non-empty list of values of one type; "
            f"got {short(wanted)}."
        )
    return operands


def _id(operator: Any, wanted: Any) -> Clause:
    if operator not in _ID_OPERATORS:
        raise InvalidArgumentError(
            f"Unknown operator {short(operator)} on '#id' in where. "
            f"{near(str(operator), _ID_OPERATORS, what='Operators')}"
        )
    listed = items(wanted, f"The value of {operator} on '#id'") if operator in _LIST else [wanted]
    if not listed or not all(isinstance(id, str) for id in listed):
        raise InvalidArgumentError(
            f"The value of {operator} on '#id' in where must be a string, or a list of strings for $in and "
            f"$nin; got {short(wanted)}."
        )
    return Among("$nin" if operator in ("$ne", "$nin") else "$in", tuple(listed))


def _text(operator: Any, value: Any) -> Clause:
    if operator not in _TEXT:
        raise InvalidArgumentError(
            f"Unknown where document operator {short(operator)}. "
            f"{near(str(operator), (*_TEXT, *_JOINS), what='Operators', limit=20)}"
        )
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError(
            f"The value of the where document operator {operator} must be a non-empty string; "
            f"got {short(value)}."
        )
    if operator.endswith("regex"):
        _compile(value)
    return Text(operator, value)


def _compile(pattern: str) -> Any:
    import re2

    if len(pattern) > _LONGEST_PATTERN or not _is_unicode(pattern):
        raise InvalidArgumentError(
            f"A pattern must be valid Unicode of at most {_LONGEST_PATTERN:,} characters; "
            f"got {short(pattern)}."
        )
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _PATTERN_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise InvalidArgumentError(
            f"RE2 cannot compile the pattern {short(pattern)}: {reason}."
        ) from error


def _kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Instant):
        return "date"
    return "text" if isinstance(value, str) else None


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Instant):
        return isinstance(found, str) and read_instant(found) == wanted
    return _kind(found) == _kind(wanted) and bool(found == wanted)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(found: Any, wanted: Any) -> bool:
        if isinstance(wanted, Instant):
            date = read_instant(found) if isinstance(found, str) else None
            return date is not None and compare(date, wanted)
        return _kind(found) == "number" and compare(found, wanted)

    return holds


def _holds(found: Any, wanted: Any) -> bool:
    return isinstance(found, list) and any(_same(item, wanted) for item in found)


def _among(found: Any, wanted: Any) -> bool:
    return any(_same(found, item) for item in wanted)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _same,
    "$ne": lambda found, wanted: not _same(found, wanted),
    "$gt": _ordered(lambda found, wanted: found > wanted),
    "$gte": _ordered(lambda found, wanted: found >= wanted),
    "$lt": _ordered(lambda found, wanted: found < wanted),
    "$lte": _ordered(lambda found, wanted: found <= wanted),
    "$in": _among,
    "$nin": lambda found, wanted: not _among(found, wanted),
    "$contains": _holds,
    "$not_contains": lambda found, wanted: not _holds(found, wanted),
    "$exists": lambda found, wanted: (found is not None) == wanted,
}


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
