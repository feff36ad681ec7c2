"""A filter as people type it, `year >= 2020 and venue in ("ACL", "EMNLP")`, to Chroma's `where` and back.

    condition  = clause ("or" clause)*
    clause     = term ("and" term)*
    term       = "(" condition ")" | key operator value
    operator   = "=" "==" "!=" ">" ">=" "<" "<=" "in" "not in" "contains" "not contains"
    value      = number | "text" | 'text' | true | false | :name
    values     = "(" value ("," value)* [","] ")" | "[" ... "]" | :name    (after in, not in)

A key that is not a plain word stands in back-quotes. A quote in a text is doubled: 'O''Reilly'.
`:name` is the value of that variable, where there are any. Nothing is evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
_SIGNS = {said: sign for sign, said in _OPERATORS.items() if sign != "=="}
_WORDS = {"and", "or", "in", "not", "contains", "true", "false"}
_PLAIN = r"[^\W\d][\w.\-:]*"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?!\w))
    | (?P<text>"[^"]*(?:""[^"]*)*"|'[^']*(?:''[^']*)*')
    | (?P<quoted>`[^`]+`)
    | (?P<bound>:[^\W\d]\w*(?:\.\w+|[\[(][^\])]*[\])]?)?)
    | (?P<word>{_PLAIN})
    | (?P<sign>==|!=|>=|<=|[=<>(),\[\]])
    )""",
    re.VERBOSE,
)
_DEEPEST = 50  # parentheses in parentheses; the store has a limit of its own for filters
_LONGEST = 10_000
_EXAMPLE = 'For example: year >= 2020 and venue in ("ACL", "EMNLP")'


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int

    def says(self, *words: str) -> bool:
        return self.kind in ("word", "sign") and self.text.lower() in words


def parse_where_text(text: str, bound: Callable[[str], Any] | None = None) -> dict[str, Any]:
    """Turn a condition into Chroma's `where`.

    Args:
        text: The condition.
        bound: Says what the value of `:name` is; without it there are no variables.

    Raises:
        InvalidArgumentError: the condition cannot be read; the message says where.

    Example:
        >>> parse_where_text('year >= 2020 and venue in ("ACL", "EMNLP")')
        {'$and': [{'year': {'$gte': 2020}}, {'venue': {'$in': ['ACL', 'EMNLP']}}]}
    """
    if len(text) > _LONGEST:
        raise InvalidArgumentError(
            f"The condition is {len(text):,} characters long; at most {_LONGEST:,} are read. "
            "Make it a dict in Python, and pass that as where."
        )
    parser = _Parser(text, bound)
    condition = parser.join("or")
    if parser.next.kind != "end":
        raise parser.error("'and' or 'or'")
    return condition


def format_where(where: Mapping[str, Any] | None) -> str | None:
    """Write Chroma's `where` as `parse_where_text` reads it; None where the language has no words for it.

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
        """Read terms joined by "or", or by "and", which binds closer."""
        clauses = [self.term() if word == "and" else self.join("and")]
        while self.next.says(word):
            self.take()
            clauses.append(self.term() if word == "and" else self.join("and"))
        return clauses[0] if len(clauses) == 1 else {f"${word}": clauses}

    def term(self) -> dict[str, Any]:
        if self.next.says("("):
            self.take()
            self._depth += 1
            if self._depth > _DEEPEST:
                raise InvalidArgumentError(
                    f"The condition has more than {_DEEPEST} parentheses in one another; take some away."
                )
            condition = self.join("or")
            self.expect(")")
            self._depth -= 1
            return condition
        key = self.key()
        operator = _OPERATORS[self.operator()]
        return {key: {operator: self.values() if operator in ("$in", "$nin") else self.value()}}

    def key(self) -> str:
        if self.next.kind == "quoted":
            return self.take().text[1:-1]
        if self.next.kind == "word" and self.next.text.lower() not in _WORDS:
            return self.take().text
        raise self.error("a key")

    def operator(self) -> str:
        words = self.next.text.lower()
        if words == "not" and self.next.kind == "word":
            self.take()
            words = f"not {self.next.text.lower()}"
        if self.next.kind not in ("word", "sign") or words not in _OPERATORS:
            raise self.error(f"one of {' '.join(_OPERATORS)}")
        self.take()
        return words

    def values(self) -> list[Any]:
        if self.next.kind == "bound" and self._bound:
            token = self.take()
            values = self.variable(token)
            if isinstance(values, set | frozenset | tuple):
                values = list(values)
            if not isinstance(values, list):
                raise InvalidArgumentError(
                    f"{token.text} after 'in' is a {type(values).__name__}; give a list."
                )
            return values
        if not self.next.says("(", "["):
            raise self.error("'('")
        end = ")" if self.take().text == "(" else "]"
        values = [self.value()]
        while self.next.says(","):
            self.take()
            if not self.next.says(end):
                values.append(self.value())
        self.expect(end)
        return values

    def value(self) -> Any:
        if self.next.kind == "number":
            return _number(self.take().text)
        if self.next.kind == "text":
            text = self.take().text
            return text[1:-1].replace(text[0] * 2, text[0])
        if self.next.kind == "bound" and self._bound:
            return self.variable(self.take())
        if self.next.says("true", "false"):
            return self.take().text.lower() == "true"
        others = "true, false or :name" if self._bound else "true or false"
        raise self.error(f'a number, a "text" in quotes, {others}')

    def variable(self, token: _Token) -> Any:
        """Look a variable up; an array or a Series becomes a list, a number of numpy a number."""
        assert self._bound is not None
        value = self._bound(token.text)
        return value.tolist() if hasattr(value, "tolist") else value

    def expect(self, sign: str) -> None:
        if not self.next.says(sign):
            raise self.error(f"'{sign}'")
        self.take()

    def error(self, wanted: str) -> InvalidArgumentError:
        token = self.next
        found = f"{one_line(repr(token.text))} at {token.start + 1}" if token.text else "the end"
        return InvalidArgumentError(
            f"The condition cannot be read: expected {wanted}, found {found} "
            f"in {one_line(repr(self._text), 200)}. {_EXAMPLE}"
        )


def _number(text: str) -> int | float:
    if not text.lstrip("+-").isdigit():
        return float(text)
    try:
        return int(text)
    except ValueError as error:  # Python reads whole numbers of up to 4,300 digits
        raise InvalidArgumentError(
            f"The condition has a number of {len(text):,} digits."
        ) from error


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise InvalidArgumentError(
                f"The condition cannot be read at {at + 1}: {text[at : at + 20]!r}. {_EXAMPLE}"
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
    said = value if isinstance(value, Mapping) else {"$eq": value}
    return _all([_comparison(key, *one) for one in said.items()], " and ")


def _comparison(key: str, operator: str, wanted: Any) -> str | None:
    many = operator in ("$in", "$nin")
    text = _all([_literal(value) for value in wanted], ", ") if many else _literal(wanted)
    if text is None or operator not in _SIGNS:
        return None
    return f"{key} {_SIGNS[operator]} {f'({text})' if many else text}"


def _all(texts: Sequence[str | None], between: str) -> str | None:
    """Join texts; None where one is missing, or all are."""
    said = [text for text in texts if text is not None]
    return between.join(said) if said and len(said) == len(texts) else None


def _literal(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(value))  # one of numpy is a float, too, with a repr of its own
    return None
