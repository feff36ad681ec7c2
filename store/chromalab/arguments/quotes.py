r"""Quotes, as they are typed on a `%chroma` line and in a condition: one rule for both.

    "text"   'text'   and the same in curly quotes

A closing quote that belongs to the text is doubled or has a backslash before it: `"a ""big"" tea"`
or `"a \"big\" tea"`. A backslash means itself everywhere else (`"C:\papers"`), so a text that ends in one
is written with two: `"C:\\"`. The other kinds of quotes need nothing: `"it's"`.
"""

from __future__ import annotations

import re

__all__ = ["OPENING", "QUOTED", "quote", "unquote"]

_PAIRS = {
    '"': '"',
    "'": "'",
    "\u201c\u201e\u201f\u201d": "\u201c\u201d",  # curly double quotes
    "\u2018\u201a\u201b\u2019": "\u2018\u2019",  # curly single quotes
}
"""The closing quotes by the opening ones, of which keyboards and languages use several."""

OPENING = "".join(_PAIRS)
"""Every character that opens a quoted text."""


def _pattern(opening: str, closing: str) -> str:
    inside = (
        rf"[^{closing}\\]"
        rf"|[{closing}]{{2}}"
        rf"|\\(?:\\\\)*[{closing}]"  # the last of an odd number of backslashes escapes the quote
        rf"|(?:\\\\)+(?=[{closing}])"
        rf"|\\+(?![{closing}\\])"
    )
    return rf"[{opening}](?:{inside})*[{closing}]"


QUOTED = "|".join(_pattern(*pair) for pair in _PAIRS.items())
"""A regular expression for a quoted text; it also works with `re.VERBOSE`."""

_ESCAPED = {
    opening: re.compile(rf"((?:\\\\)*)(?:\\([{closing}])|([{closing}])[{closing}]|\Z)", re.DOTALL)
    for opening, closing in _PAIRS.items()
}


def unquote(text: str) -> str:
    r"""Return the text within quotes.

    Args:
        text: A match of `QUOTED`.

    Example:
        >>> print(unquote(r'"say \"hi\" or ""ho"" in C:\papers"'))
        say "hi" or "ho" in C:\papers
    """
    escaped = next(escaped for opening, escaped in _ESCAPED.items() if text[0] in opening)
    return escaped.sub(
        lambda found: found[1][::2] + (found[2] or found[3] or ""),
        text[1:-1],
    )


def quote(text: str, mark: str = '"') -> str:
    r"""Write a text in quotes, so that `unquote` returns it.

    Args:
        text: The text.
        mark: The quote, double or single.

    Example:
        >>> print(quote('a "big" tea'), quote("C:\\"), quote("it's", "'"))
        "a ""big"" tea" "C:\\" 'it''s'
    """
    escaped = re.sub(rf"(\\*)({mark}|\Z)", lambda found: found[1] * 2 + found[2] * 2, text)
    return f"{mark}{escaped}{mark}"
