"""Conversion between typed conditions, `year >= 2020 and venue in ("ACL", "EMNLP")`, and Chroma's `where`.

    condition  = clause ("or" clause)*
    clause     = term ("and" term)*
    term       = "(" condition ")" | key operator value
               | key "between" value "and" value | key "is" ["not"] "null"
    operator   = "=" "==" "!=" ">" ">=" "<" "<=" "in" "not in" "contains" "not contains"
    value      = number | "text" | 'text' | true | false | :name
    values     = "(" value ("," value)* [","] ")" | "[" ... "]" | :name    (after in, not in)

A key that is not a plain word is written in backquotes. A quote within a text is doubled: 'O''Reilly';
`chromalab.arguments.quotes` has the rule of quotes.
`:name` is the value of that variable, in places where variables are available. Nothing is evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chromalab.arguments.quotes import OPENING, QUOTED, quote, unquote
from chromalab.conversion import is_date, iso_text, items, plain
from chromalab.errors import InvalidArgumentError
from chromalab.results.tables import one_line

__all__ = ["format_where", "parse_where_text"]

_OPERATORS = {
    "=": "$eq",
    "==": "$eq",
    "!=": "$ne",
    ">": "$gt",
    ">=": "$gte",
    "<": "$lt",
    "<=": "$lte",
    "in": "$in",
    "not in": "$nin",
    "contains": "$contains",
    "not contains": "$not_contains",
}
_OPERATORS_SHOWN = " ".join([*_OPERATORS, "between", "is null", "is not null"])
_SIGNS = {operator: sign for sign, operator in _OPERATORS.items() if sign != "=="}
_WORDS = {"and", "or", "in", "not", "contains", "true", "false"}
_PLAIN = r"[^\W\d][\w.\-:]*"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<date>\d{{4}}-\d\d[\w:.+-]*)
    | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?!\w))
    | (?P<text>{QUOTED})
    | (?P<quoted>`[^`]+`)
    | (?P<bound>:[^\W\d]\w*(?:\.\w+|[\[(][^\])]*[\])]?)?)
    | (?P<word>{_PLAIN})
    | (?P<sign>==|!=|>=|<=|[=<>(),\[\]])
    )""",
    re.VERBOSE,
)
_DEEPEST = 50  # levels of nested parentheses; the store has its own limit for filters
_LONGEST = 10_000  # characters
_EXAMPLE = 'For example: year >= 2020 and venue in ("ACL", "EMNLP")'


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int

    def is_any(self, *words: str) -> bool:
        return self.kind in ("word", "sign") and self.text.lower() in words


def parse_where_text(text: str, bound: Callable[[str], Any] | None = None) -> dict[str, Any]:
    """Parse a condition into Chroma's `where`.

    Args:
        text: The condition.
        bound: Returns the value of a variable, given ":name"; by default there are no variables.

    Raises:
        InvalidArgumentError: The condition cannot be parsed; the message gives the position.

    Example:
        >>> parse_where_text('year >= 2020 and venue in ("ACL", "EMNLP")')
        {'$and': [{'year': {'$gte': 2020}}, {'venue': {'$in': ['ACL', 'EMNLP']}}]}
    """
    if len(text) > _LONGEST:
        raise InvalidArgumentError(
            f"The condition must have at most {_LONGEST:,} characters; got {len(text):,}. "
            "Build a dict in Python, and pass it as where."
        )
    parser = _Parser(text, bound)
    condition = parser.join("or")
    if parser.next.kind != "end":
        raise parser.error("'and' or 'or'")
    return condition


def format_where(where: Mapping[str, Any] | None) -> str | None:
    """Write Chroma's `where` as a condition that `parse_where_text` accepts.

    Args:
        where: The filter; None for no filter, which is "".

    Returns:
        The condition; None if the filter cannot be written as one, or would be too long.

    Example:
        >>> format_where({"$and": [{"year": {"$gte": 2020}}, {"venue": {"$in": ["ACL", "EMNLP"]}}]})
        'year >= 2020 and venue in ("ACL", "EMNLP")'
    """
    text = _joined(where, "and") if where else ""
    return None if text is None or len(text) > _LONGEST else text


class _Parser:
    def __init__(self, text: str, bound: Callable[[str], Any] | None) -> None:
        self._text = text
        self._bound = bound
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> _Token:
        return self._tokens[self._at]

    def take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def join(self, word: str) -> dict[str, Any]:
        """Parse terms joined by "or", or by "and", which binds more tightly."""
        clauses = [self.term() if word == "and" else self.join("and")]
        while self.next.is_any(word):
            self.take()
            clauses.append(self.term() if word == "and" else self.join("and"))
        return clauses[0] if len(clauses) == 1 else {f"${word}": clauses}

    def term(self) -> dict[str, Any]:
        if self.next.is_any("("):
            self.take()
            self._depth += 1
            if self._depth > _DEEPEST:
                raise InvalidArgumentError(
                    f"The condition must have at most {_DEEPEST} levels of nested parentheses; got more. "
                    "Remove redundant ones."
                )
            condition = self.join("or")
            self.expect(")")
            self._depth -= 1
            return condition
        key = self.key()
        if self.next.is_any("is"):
            self.take()
            exists = self.next.is_any("not")
            if exists:
                self.take()
            self.expect("null")
            return {key: {"$exists": exists}}
        if self.next.is_any("between"):
            self.take()
            least = self.value()
            self.expect("and")
            return {"$and": [{key: {"$gte": least}}, {key: {"$lte": self.value()}}]}
        operator = _OPERATORS[self.operator()]
        return {key: {operator: self.values() if operator in ("$in", "$nin") else self.value()}}

    def key(self) -> str:
        if self.next.kind == "quoted":
            return self.take().text[1:-1]
        if self.next.kind == "word" and self.next.text.lower() not in _WORDS:
            return self.take().text
        raise self.error("a key")

    def operator(self) -> str:
        first, words = self.next, self.next.text.lower()
        if words == "not" and self.next.kind == "word":
            self.take()
            words = f"not {self.next.text.lower()}"
        if self.next.kind not in ("word", "sign") or words not in _OPERATORS:
            raise self.error(f"one of {_OPERATORS_SHOWN}", self._key_hint(first))
        self.take()
        return words

    def _key_hint(self, first: _Token) -> str:
        """What to type if the key seems to be of several words, such as `Customer Name = "x"`."""
        rest = self._tokens[self._tokens.index(first) :]
        end = next((token for token in rest if token.kind != "word"), first)
        if first.kind != "word" or end.kind != "sign" or end.text not in _OPERATORS:
            return ""
        start = self._tokens[self._tokens.index(first) - 1].start
        key = one_line(self._text[start : end.start].strip())
        return f" Put a key of several words in backquotes: `{key}`."

    def values(self) -> list[Any]:
        if self.next.kind == "bound" and self._bound:
            token = self.take()
            values = self.variable(token)
            if not isinstance(values, list):
                raise InvalidArgumentError(
                    f"{token.text} after 'in' must be a list; got a value of type "
                    f"{type(values).__name__}."
                )
            return values
        if not self.next.is_any("(", "["):
            raise self.error("'('")
        end = ")" if self.take().text == "(" else "]"
        values = [self.value()]
        while self.next.is_any(","):
            self.take()
            if not self.next.is_any(end):
                values.append(self.value())
        self.expect(end)
        return values

    def value(self) -> Any:
        if self.next.kind == "number":
            return _number(self.take().text)
        if self.next.kind == "text":
            return unquote(self.take().text)
        if self.next.kind == "bound" and self._bound:
            return self.variable(self.take())
        if self.next.is_any("true", "false"):
            return self.take().text.lower() == "true"
        if self.next.kind == "date":
            raise self.error("a date in quotes", f" Put it in quotes: '{self.next.text}'.")
        if self.next.is_any("null", "none", "nan"):
            raise self.error("a value", ' For a missing one, write "is null".')
        others = "true, false or :name" if self._bound else "true or false"
        raise self.error(f'a number, a "text" in quotes, {others}')

    def variable(self, token: _Token) -> Any:
        """Look up a variable; an array or Series becomes a list, and a NumPy number a Python one."""
        assert self._bound is not None
        value = self._bound(token.text)
        listed = items(value, token.text)
        if listed is None:
            return value if is_date(value) else plain(value)
        return [item if is_date(item) else plain(item) for item in listed]

    def expect(self, sign: str) -> None:
        if not self.next.is_any(sign):
            raise self.error(f"'{sign}'")
        self.take()

    def error(self, wanted: str, hint: str = "") -> InvalidArgumentError:
        token = self.next
        found = "the end"
        if token.text:
            found = f"{one_line(repr(token.text))} at character {token.start + 1}"
        return InvalidArgumentError(
            f"The condition cannot be parsed: expected {wanted}, got {found} "
            f"in {one_line(repr(self._text), 200)}.{hint} {_EXAMPLE}"
        )


def _number(text: str) -> int | float:
    if not text.lstrip("+-").isdigit():
        return float(text)
    try:
        return int(text)
    except ValueError as error:  # Python parses integers of at most 4,300 digits
        raise InvalidArgumentError(
            f"A number in the condition must have at most 4,300 digits; got {len(text):,}."
        ) from error


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            unclosed = " A quote is not closed." if rest[0] in OPENING else ""
            raise InvalidArgumentError(
                f"The condition cannot be parsed at character {len(text) - len(rest) + 1}: "
                f"{rest[:20]!r}.{unclosed} {_EXAMPLE}"
            )
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*tokens, _Token("end", "", end)]


def _joined(where: Mapping[str, Any], around: str) -> str | None:
    text = _all([_clause(key, value) for key, value in where.items()], " and ")
    loose = "$or" in where and around == "and" and len(where["$or"]) > 1
    return f"({text})" if loose and text else text


def _clause(key: str, value: Any) -> str | None:
    if key in ("$and", "$or"):
        word = key[1:]
        return _all([_joined(clause, word) for clause in value], f" {word} ")
    if not re.fullmatch(_PLAIN, key) or key.lower() in _WORDS:
        if "`" in key or not key:
            return None
        key = f"`{key}`"
    comparisons = value if isinstance(value, Mapping) else {"$eq": value}
    return _all([_comparison(key, *one) for one in comparisons.items()], " and ")


def _comparison(key: str, operator: str, wanted: Any) -> str | None:
    if operator == "$exists":
        return f"{key} is {'not ' if wanted else ''}null"
    many = operator in ("$in", "$nin")
    text = _all([_literal(value) for value in wanted], ", ") if many else _literal(wanted)
    if text is None or operator not in _SIGNS:
        return None
    return f"{key} {_SIGNS[operator]} {f'({text})' if many else text}"


def _all(texts: Sequence[str | None], between: str) -> str | None:
    """Join texts; None if one of them is None, or there are none."""
    written = [text for text in texts if text is not None]
    return between.join(written) if written and len(written) == len(texts) else None


def _literal(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(value))  # a NumPy float is a float too, but has its own repr
    if is_date(value):
        return f'"{iso_text(value)}"'
    if isinstance(value, np.generic):
        return _literal(plain(value))
    return None
