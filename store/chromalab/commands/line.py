"""A typed line, to its words; and what `:name` and `{{name}}` in them stand for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chromalab.display import one_line
from chromalab.errors import InvalidArgumentError

__all__ = ["fill", "split", "variable_in"]

_WORD = re.compile(
    r"""\s*(?:(?P<comment>\#.*)|(?P<word>(?:[^\s"']|"[^"]*"|'[^']*')+))""", re.DOTALL
)
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
_VARIABLE = re.compile(r":([^\W\d]\w*)")
_EXPRESSION = re.compile(r":([^\W\d]\w*(?:\.\w|[\[(]).*)", re.DOTALL)
_PLACE = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}|\{\{")


def split(line: str) -> list[str]:
    r"""Split a line into words; quotes group, a backslash is just a character (as in C:\papers).

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
                "A text with an apostrophe goes in double quotes."
            )
        if match["comment"]:
            break
        words.append(_QUOTED.sub(lambda quoted: quoted[1] or quoted[2] or "", match["word"]))
        at = match.end()
    return words


def variable_in(word: str) -> str | None:
    """Say which variable `:name` names; None where the word is another.

    Raises:
        InvalidArgumentError: it is `:name` with an attribute, an index or a call.

    Example:
        >>> variable_in(":df"), variable_in("df")
        ('df', None)
    """
    expression = _EXPRESSION.fullmatch(word)
    if expression:
        raise InvalidArgumentError(
            f"{one_line(word)!r}: only a plain name can be bound: "
            f"write col = {one_line(expression[1])} first, then :col"
        )
    match = _VARIABLE.fullmatch(word)
    return match[1] if match else None


def fill(text: str, value_of: Callable[[str], Any]) -> str:
    """Replace every `{{name}}` by the text of that variable; nothing is evaluated.

    Raises:
        InvalidArgumentError: something else than a plain name stands in the braces.

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
            f"--fill cannot fill {one_line(found)}: only a plain name stands in the braces, as {{{{x}}}}."
        )

    return _PLACE.sub(value, text)
