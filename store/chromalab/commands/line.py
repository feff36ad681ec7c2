"""Split a typed line into words, and find the `:name` and `{{name}}` references in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chromalab.errors import InvalidArgumentError
from chromalab.results.tables import one_line

__all__ = ["fill", "split", "variable_in"]

_WORD = re.compile(
    r"""\s*(?:(?P<comment>\#.*)|(?P<word>(?:[^\s"']|"[^"]*"|'[^']*')+))""", re.DOTALL
)
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
_VARIABLE = re.compile(r":([^\W\d]\w*)")
_EXPRESSION = re.compile(r":([^\W\d]\w*(?:\.\w|[\[(]).*)", re.DOTALL)
_PLACE = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}|\{\{")


def split(line: str) -> list[str]:
    r"""Split a line into words. Quotes group words; a backslash has no special meaning (C:\papers).

    A word that starts with "#" starts a comment.

    Example:
        >>> split('query papers "code search" -k 5  # the first five')
        ['query', 'papers', 'code search', '-k', '5']
    """
    words = []
    at, end = 0, len(line.rstrip())
    while at < end:
        match = _WORD.match(line, at, end)
        if match is None:
            raise InvalidArgumentError(
                f"A quote is not closed in: {line.strip()}. "
                "Put a text with an apostrophe in double quotes."
            )
        if match["comment"]:
            break
        words.append(_QUOTED.sub(lambda quoted: quoted[1] or quoted[2] or "", match["word"]))
        at = match.end()
    return words


def variable_in(word: str) -> str | None:
    """Return the variable that `:name` refers to; None for any other word.

    Raises:
        InvalidArgumentError: `:name` is followed by an attribute, an index or a call.

    Example:
        >>> variable_in(":df"), variable_in("df")
        ('df', None)
    """
    expression = _EXPRESSION.fullmatch(word)
    if expression:
        raise InvalidArgumentError(
            f"Only a plain name can be bound; got {one_line(word)!r}. "
            f"Write col = {one_line(expression[1])} first, then :col"
        )
    match = _VARIABLE.fullmatch(word)
    return match[1] if match else None


def fill(text: str, value_of: Callable[[str], Any]) -> str:
    """Replace every `{{name}}` with the value of that variable as text. Nothing is evaluated.

    Raises:
        InvalidArgumentError: The braces contain anything other than a plain name.

    Example:
        >>> fill("about {{topic}}", {"topic": "tea"}.get)
        'about tea'
    """
    last = text.rfind("}}")

    def value(place: re.Match[str]) -> str:
        if place[1]:
            return str(value_of(place[1]))
        if place.start() > last:
            return place[0]
        found = text[place.start() : text.index("}}", place.start()) + 2]
        raise InvalidArgumentError(
            f"--fill cannot fill {one_line(found)}. Only a plain name may be in the braces, as in {{{{x}}}}."
        )

    return _PLACE.sub(value, text)
