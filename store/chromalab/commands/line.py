r"""Split a typed line into words, and find the `:name` and `{{name}}` references in them.

    line   = { word } [ ";" ] [ "#" comment ]
    word   = [ flag "=" ] item { "," item }
    item   = quoted text | characters other than blanks, commas and quotes

Blanks separate words. Quotes enclose a whole item; `chromalab.arguments.quotes` has their rule. Items
separated by commas are a list where an option takes one. A word without quotes that starts with ":" is a
variable. One ";" at the end is dropped, since IPython's users type it out of habit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chromalab.arguments.quotes import OPENING, QUOTED, quote, unquote
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.tables import one_line

__all__ = [
    "Word",
    "fill",
    "items_of",
    "join",
    "split",
    "split_typed",
    "take_command",
    "variable_in",
]

_FLAG = re.compile(r"--?[^\W\d][\w.-]*=")
_NUMBER = re.compile(r"-(?:\d|\.\d).*", re.DOTALL)
_QUOTED = re.compile(QUOTED, re.DOTALL)
_BARE = re.compile(rf"[^\s,{OPENING}]*")
_ITEM = re.compile(
    rf"\s*(?:(?P<quoted>{QUOTED})|(?P<bare>[^\s,{OPENING}]*))\s*(?P<end>,|\Z)", re.DOTALL
)
_PLAIN = re.compile(r"[\w./@](?:[\w./@-]*)")
_VARIABLE = re.compile(r":([^\W\d]\w*)")
_EXPRESSION = re.compile(r":([^\W\d]\w*(?:\.\w|[\[(]).*)", re.DOTALL)
_PLACE = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}|\{\{")


@dataclass(frozen=True)
class Word:
    """A word of a line.

    Attributes:
        text: What it says, without quotes.
        source: The value as it was typed.
        quoted: Whether the value is one quoted text.
        several: Whether the value has several items, of which one is quoted.
        flag: The flag in `--flag=value`; "" in any other word.
    """

    text: str
    source: str
    quoted: bool = False
    several: bool = False
    flag: str = ""

    @classmethod
    def bare(cls, text: str) -> Word:
        """Return a word that a shell has already split off."""
        found = _FLAG.match(text)
        value = text[found.end() :] if found else text
        return cls(value, value, flag=found[0][:-1] if found else "")

    @property
    def is_bare(self) -> bool:
        """Whether it has no quotes."""
        return not self.quoted and not self.several

    @property
    def is_flag(self) -> bool:
        """Whether it starts with the name of a flag; a negative number does not."""
        if self.flag:
            return True
        dashed = self.is_bare and self.text.startswith("-") and self.text != "-"
        return dashed and not _NUMBER.fullmatch(self.text)

    @property
    def typed(self) -> str:
        """The whole word as it was typed."""
        return f"{self.flag}={self.source}" if self.flag else self.source

    @property
    def variable(self) -> str | None:
        """The variable that it refers to, if any; see `variable_in`."""
        return variable_in(self.text) if self.is_bare else None


def split(line: str) -> list[Word]:
    r"""Split a line into words.

    Raises:
        InvalidArgumentError: A quote is not closed, or is in the middle of a word.

    Example:
        >>> [word.text for word in split('query papers "code search" -k 5;  # the first five')]
        ['query', 'papers', 'code search', '-k', '5']
    """
    words: list[Word] = []
    at, end = 0, len(line)
    while at < end:
        if line[at].isspace():
            at += 1
        elif line[at] == "#" or (line[at] == ";" and _ends(line, at + 1)):
            break
        else:
            word, at = _read_word(line, at)
            words.append(word)
    return words


def split_typed(line: str) -> tuple[list[Word], str] | None:
    """Split a line that is still being typed into its words and the last, unfinished one.

    Returns:
        The words before, and the source of the last one; None within a comment.

    Example:
        >>> words, last = split_typed('get papers --where "year >')
        >>> [word.text for word in words], last
        (['get', 'papers', '--where'], '"year >')
    """
    words: list[Word] = []
    at, end = 0, len(line)
    while at < end:
        if line[at].isspace():
            at += 1
        elif line[at] == "#":
            return None
        else:
            start = at
            try:
                word, at = _read_word(line, at)
            except InvalidArgumentError:
                return words, line[start:]
            if at == end:
                return words, line[start:]
            words.append(word)
    return words, ""


def _read_word(line: str, at: int) -> tuple[Word, int]:
    """Read the word at a place; return it and the place after it."""
    found = _FLAG.match(line, at)
    flag = found[0][:-1] if found else ""
    start = found.end() if found else at
    end, items, texts = start, 0, []
    while True:
        if end < len(line) and line[end] in OPENING:
            match = _QUOTED.match(line, end)
            if match is None:
                raise _unclosed(line)
            texts.append(unquote(match[0]))
        else:
            match = _BARE.match(line, end)
            assert match is not None
        end = match.end()
        items += 1
        if line[end : end + 1] != ",":
            break
        end += 1
    source = line[start:end]
    following = line[end : end + 1]
    if following and not following.isspace() and not (following == ";" and _ends(line, end + 1)):
        if not _QUOTED.match(line, end) and following in OPENING:
            raise _unclosed(line)
        raise InvalidArgumentError(
            f"Quotes must enclose a whole word; got {short(line[at : end + 20])}. "
            'Put all of it in quotes, with a quote inside doubled: "say ""hi""".'
        )
    if not texts and source.endswith(";") and _ends(line, end):
        source = source[:-1]
    quoted = len(texts) == items == 1
    text = texts[0] if quoted else source
    return Word(text, source, quoted, bool(texts) and not quoted, flag), end


def _ends(line: str, at: int) -> bool:
    """Whether nothing follows but a comment."""
    rest = line[at:]
    return not rest.strip() or (rest[0].isspace() and rest.lstrip().startswith("#"))


def _unclosed(line: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"A quote is not closed in: {line.strip()}. "
        "Put a text with an apostrophe in double quotes; a backslash before the last quote is doubled."
    )


def join(words: Iterable[str]) -> str:
    r"""Write words as a line that `split` takes apart again, with quotes where they are needed.

    Example:
        >>> print(join(["query", "papers", 'the "best" of', "-k", ":n"]))
        query papers "the ""best"" of" "-k" ":n"
    """
    return " ".join(word if _PLAIN.fullmatch(word) else quote(word) for word in words)


def take_command(line: str, body: str | None) -> tuple[str, str | None]:
    r"""Return the command and the body of a cell, whose first line may be empty.

    The command is then on the next line that is not empty and not a comment.

    Example:
        >>> take_command("", "\nquery papers\nwhat is tea?")
        ('query papers', 'what is tea?')
    """
    if body is None or split(line):
        return line, body
    lines = body.split("\n")
    for number, below in enumerate(lines, 1):
        if below.strip() and not below.lstrip().startswith("#"):
            rest = "\n".join(lines[number:])
            return below.strip(), rest if rest.strip() else None
    return line, None


def items_of(source: str, name: str) -> list[str]:
    """Return the items of a typed list. A text in quotes that is the only item is a list, too.

    Args:
        source: The list as it was typed, such as `a, "b c"`.
        name: The option, for messages.

    Raises:
        InvalidArgumentError: An item is empty, or is a variable.

    Example:
        >>> items_of('"a, b",c', "--meta"), items_of('"a, b"', "--meta")
        (['a, b', 'c'], ['a', 'b'])
    """
    items, quoted, at, end = [], False, 0, ","
    while end == ",":
        match = _ITEM.match(source, at)
        if match is None:
            raise InvalidArgumentError(
                f"{name} must be a list such as a,b; got {short(source)}. "
                "Put an item that contains blanks in quotes."
            )
        quoted = match["quoted"] is not None
        items.append(unquote(match["quoted"]) if quoted else match["bare"])
        at, end = match.end(), match["end"]
        if not quoted and items[-1].startswith(":"):
            raise InvalidArgumentError(
                f"{name} takes a variable in place of the whole list; got {short(source)}. "
                "Put an item that starts with a colon in quotes."
            )
    if quoted and len(items) == 1:
        items = [item.strip() for item in items[0].split(",")]
    if not all(items):
        raise InvalidArgumentError(
            f"{name} must be a list without empty items; got {short(source)}. For example: a,b"
        )
    return items


def variable_in(word: str) -> str | None:
    """Return the variable that `:name` refers to; None for any other word.

    Raises:
        InvalidArgumentError: The word starts with ":", and something other than a name follows.

    Example:
        >>> variable_in(":df"), variable_in("df")
        ('df', None)
    """
    if not word.startswith(":"):
        return None
    match = _VARIABLE.fullmatch(word)
    if match:
        return match[1]
    expression = _EXPRESSION.fullmatch(word)
    raise InvalidArgumentError(
        f"Only a plain name can be bound; got {one_line(word)!r}. "
        + (
            f"Write col = {one_line(expression[1])} first, then :col"
            if expression
            else "Put a text that starts with a colon in quotes."
        )
    )


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
