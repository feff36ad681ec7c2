"""Texts as they are compared: without what case, width, spaces and punctuation add to them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.topics.tokens import nfkc

__all__ = ["equal_texts", "normalised"]

_MEANING = "#%&@"  # punctuation to Unicode, but it tells texts apart: "C#" is not "C", "5%" not "5"


class _Kept(dict[int, int | str | None]):
    """What `str.translate` puts for a character, filled in as characters come up."""

    def __missing__(self, code: int) -> int | str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf":  # joiners, soft hyphens, marks of direction: not seen
            kept: int | str | None = None
        elif category[0] in "PZC" and character not in _MEANING:
            kept = " "
        else:
            kept = code
        self[code] = kept
        return kept


_KEPT = _Kept()


def normalised(text: str) -> str:
    """Return a text as it is compared: NFKC, without case, punctuation and spaces as one space.

    Letters, marks, digits and symbols stay. Of a text of nothing but punctuation all stays, so that
    "?" and "!" are not the same. NFKC and case folding are those of Unicode
    (https://unicode.org/reports/tr15/, https://www.unicode.org/versions/latest/core-spec/chapter-3/,
    "Default Case Folding").

    Example:
        >>> normalised("A  ﬁne Day, isn't it?")
        'a fine day isn t it'
    """
    if not text.isascii():
        text = nfkc(nfkc(text).casefold())
    text = text.casefold()
    return " ".join(text.translate(_KEPT).split()) or " ".join(text.split())


def equal_texts(texts: Iterable[str]) -> NDArray[np.int64]:
    """Give equal texts the same number: that of the first of them.

    A dict compares what it hashed, so two texts never fall together by accident.

    Args:
        texts: Normalised texts.

    Returns:
        (n,) int64, for each text the place of the first that equals it; -1 for an empty one.

    Example:
        >>> equal_texts(["tea", "chalk", "", "tea"]).tolist()
        [0, 1, -1, 0]
    """
    seen: dict[str, int] = {}
    places = [seen.setdefault(text, place) if text else -1 for place, text in enumerate(texts)]
    return np.array(places, dtype=np.int64)
