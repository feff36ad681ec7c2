"""Writing systems: normalization, combining marks, and scripts that are written without spaces."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = [
    "EMOJI",
    "HAN",
    "HANGUL",
    "HIRAGANA",
    "KATAKANA",
    "LONG_VOWEL",
    "SYLLABLES",
    "clusters",
    "marks",
    "nfkc",
]

HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Chinese characters, as ranges of a character class."""
HIRAGANA = "\u3041-\u3096\u309d-\u309f"
KATAKANA = "\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff"
LONG_VOWEL = "\u30fc"
"""The long vowel mark, used with both kinds of kana."""
SYLLABLES = "\u0e00-\u0e4e\u0e80-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
"""Thai, Lao, Burmese and Khmer, which are written without spaces."""
HANGUL = "\uac00-\ud7a3"
"""Korean syllables, as NFKC composes them."""
EMOJI = "[\U0001f1e6-\U0001f1ff]{2}|[\u2600-\u27bf\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"
"""A pattern that matches one emoji."""

_SELECTORS = {
    0x180B,
    0x180C,
    0x180D,
    0x180F,
    0x20E3,
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}
_JOINER = "\u034f"  # combining grapheme joiner: invisible, and marks are not sorted across it


def nfkc(text: str) -> str:
    """Normalize a text to NFKC, in time that is linear in its length.

    Python sorts a run of combining marks in quadratic time: 100,000 of them would take seconds. So a
    joiner is inserted after every 30 marks in a row, as in the Stream-Safe Text Format
    (https://unicode.org/reports/tr15/#Stream_Safe_Text_Format).

    Example:
        >>> nfkc("ﬁne")
        'fine'
    """
    return unicodedata.normalize("NFKC", _long_run().sub(rf"\g<0>{_JOINER}", text))


def clusters(text: str) -> list[str]:
    """Split a text into characters, each with its combining marks.

    Example:
        >>> [len(cluster) for cluster in clusters("ที่นี่")]
        [3, 3]
    """
    return _cluster().findall(text)


@cache
def marks() -> str:
    """Return the combining marks of all scripts as ranges; `re` does not count them as word characters."""
    ranges: list[list[int]] = []
    for code in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)):
        if unicodedata.category(chr(code))[0] == "M" and code not in _SELECTORS:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)


@cache
def _long_run() -> re.Pattern[str]:
    ranges: list[list[int]] = []
    for code in range(0x300, 0x20000):  # there are no marks with a combining class above
        if unicodedata.combining(chr(code)):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    combining = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
    return re.compile(f"[{combining}]{{30}}")


@cache
def _cluster() -> re.Pattern[str]:
    return re.compile(f"[^{marks()}][{marks()}]*", re.DOTALL)
