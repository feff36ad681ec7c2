"""Texts in the form in which they are compared: without case, width, extra spaces and punctuation."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from chromalab.scripts import nfkc

__all__ = ["equal_texts", "normalized"]

# Unicode calls these punctuation, but they distinguish texts: "C#" is not "C", and "5%" is not "5".
_MEANINGFUL = "#%&@"


class _Replacements(dict[int, int | str | None]):
    """What `str.translate` replaces each character with, filled in as characters occur."""

    def __missing__(self, code: int) -> int | str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf":  # invisible: joiners, soft hyphens, direction marks
            replacement: int | str | None = None
        elif category[0] in "PZC" and character not in _MEANINGFUL:
            replacement = " "
        else:
            replacement = code
        self[code] = replacement
        return replacement


_REPLACEMENTS = _Replacements()


def normalized(text: str) -> str:
    """Return a text as it is compared: NFKC, case-folded, without punctuation, with single spaces.

    Letters, marks, digits and symbols stay. A text that consists of punctuation stays whole, so that
    "?" and "!" differ. NFKC and case folding are those of Unicode
    (https://unicode.org/reports/tr15/, https://www.unicode.org/versions/latest/core-spec/chapter-3/,
    "Default Case Folding").

    Example:
        >>> normalized("A  ﬁne Day, isn't it?")
        'a fine day isn t it'
    """
    if not text.isascii():
        text = nfkc(nfkc(text).casefold())
    text = text.casefold()
    return " ".join(text.translate(_REPLACEMENTS).split()) or " ".join(text.split())


def equal_texts(texts: Iterable[str]) -> NDArray[np.int64]:
    """Number texts so that equal texts have the same number, the index of the first of them.

    A dict compares the texts that hash alike, so two different texts never share a number.

    Args:
        texts: Normalized texts.

    Returns:
        (n,) int64, the index of the first text that equals each text; -1 for an empty text.

    Example:
        >>> equal_texts(["tea", "chalk", "", "tea"]).tolist()
        [0, 1, -1, 0]
    """
    seen: dict[str, int] = {}
    numbers = [seen.setdefault(text, index) if text else -1 for index, text in enumerate(texts)]
    return np.array(numbers, dtype=np.int64)
