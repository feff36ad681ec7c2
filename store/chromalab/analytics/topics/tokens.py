"""The words of a text in any language, found without word lists."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = ["alike", "is_weak", "joined", "nfkc", "tokens"]

_ASCII = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")

# Scripts that are written without spaces between words.
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA = "\u3041-\u3096\u309d-\u309f"
_KATAKANA = "\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff"
_LONG = "\u30fc"  # the long vowel mark, used with both kinds of kana
_SYLLABLES = "\u0e00-\u0e4e\u0e80-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
_UNSPACED = re.compile(f"[{_HAN}{_HIRAGANA}{_KATAKANA}{_SYLLABLES}]")

_SELECTORS = {
    0x180B,
    0x180C,
    0x180D,
    0x180F,
    0x20E3,
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}
_EMOJI = "[\U0001f1e6-\U0001f1ff]{2}|[\u2600-\u27bf\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"

_JOINER = "\u034f"  # combining grapheme joiner: invisible, and marks are not sorted across it

_SAME_STEM = 4  # letters
_SAME_SHARE = 0.6  # the shared prefix, as a share of the longer word


def tokens(text: str) -> list[str]:
    """Split a text into words, in lower case.

    A word is a run of letters, digits and their combining marks, with apostrophes inside. Chinese
    characters are split into overlapping pairs, as search engines index them. A run of kana is a word.
    Thai, Lao, Burmese and Khmer are split into overlapping groups of three characters with their marks.
    An emoji is a word. Words are in lower case rather than case-folded, since they are displayed:
    folding turns "straße" into "strasse", and misspells every Greek word that ends in -ς.

    Example:
        >>> tokens("The CARD's PIN, हिन्दी and 機械学習 のデータ")
        ['the', "card's", 'pin', 'हिन्दी', 'and', '機械', '械学', '学習', 'の', 'データ']
    """
    if text.isascii():
        return _ASCII.findall(text.lower())
    text = nfkc(text.lower().replace("\u2019", "'").replace("\xad", ""))
    words: list[str] = _word().findall(text)
    if _UNSPACED.search(text) is None:
        return words
    return [part for word in words for part in _parts(word)]


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


def is_weak(token: str) -> bool:
    """Return whether a token means nothing on its own: digits, or one letter.

    Example:
        >>> [is_weak(token) for token in ("c", "19", "pin", "水", "の", "💳")]
        [True, True, False, False, True, False]
    """
    if token.isdecimal():
        return True
    return len(token) == 1 and token.isalpha() and not _pieces()[0][0].fullmatch(token)


def joined(words: tuple[str, ...]) -> str:
    """Join adjacent words; overlapping ones are merged at the overlap.

    Example:
        >>> joined(("credit", "card")), joined(("図書", "書館"))
        ('credit card', '図書館')
    """
    text, last = words[0], words[0]
    for word in words[1:]:
        cut = _width(word)
        over = cut and _width(last) == cut and _clusters(last)[1:] == _clusters(word)[:-1]
        text += "".join(_clusters(word)[-1:]) if over else f" {word}"
        last = word
    return text


def alike(word: str, other: str) -> bool:
    """Return whether two words are forms of the same word, or overlap.

    Words count as forms of the same word if they share a prefix of at least 4 letters that is more than
    60% of the longer one, or if one is the other, of 3 letters, and one more. Pieces of unspaced text
    overlap if they share all but one character.

    Example:
        >>> alike("tracking", "tracked"), alike("transfer", "transaction"), alike("fee", "fees")
        (True, False, True)
    """
    if word == other:
        return True
    short, long = sorted((word, other), key=len)
    if len(short) == _SAME_STEM - 1 and len(long) == _SAME_STEM and long.startswith(short):
        return True
    if word[:_SAME_STEM] != other[:_SAME_STEM] or len(word) < _SAME_STEM:
        wide = _width(word)
        overlap = wide and _width(other) == wide
        return bool(overlap) and not _runs(word, wide - 1).isdisjoint(_runs(other, wide - 1))
    unlike = (at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b)
    return next(unlike, min(len(word), len(other))) > _SAME_SHARE * max(len(word), len(other))


def _runs(word: str, length: int) -> set[str]:
    pieces = _clusters(word)
    return {"".join(pieces[at : at + length]) for at in range(max(1, len(pieces) - length + 1))}


def _parts(word: str) -> list[str]:
    if _UNSPACED.search(word) is None:
        return [word]
    found: list[str] = []
    for match in _run().finditer(word):
        run, wide = match.group(), _width(match.group())
        pieces = _clusters(run) if wide else []
        if len(pieces) <= wide or not wide:
            found.append(run)
        else:
            found.extend("".join(pieces[at : at + wide]) for at in range(len(pieces) - wide + 1))
    return found


def _width(run: str) -> int:
    """Return how many characters the pieces of a run have; 0 if it is not split."""
    if run.isascii():
        return 0
    return next((wide for pattern, wide in _pieces() if pattern.match(run)), 0)


def _clusters(run: str) -> list[str]:
    return _cluster().findall(run)


@cache
def _pieces() -> tuple[tuple[re.Pattern[str], int], ...]:
    return (re.compile(f"[{_HAN}]"), 2), (re.compile(f"[{_SYLLABLES}]"), 3)


@cache
def _long_run() -> re.Pattern[str]:
    ranges: list[list[int]] = []
    for code in range(0x300, 0x20000):  # there are no marks with a combining class above
        if unicodedata.combining(chr(code)):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    marks = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
    return re.compile(f"[{marks}]{{30}}")


@cache
def _marks() -> str:
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
def _word() -> re.Pattern[str]:
    marks = _marks()
    within = "['\u200c\u200d]"  # apostrophe, and the joiners and non-joiners of Persian and Indic scripts
    return re.compile(rf"[^\W_]+(?:[{marks}]+[^\W_]*|{within}[^\W_]+)*|{_EMOJI}")


@cache
def _run() -> re.Pattern[str]:
    kinds = f"[{_HAN}]+|[{_HIRAGANA}{_LONG}]+|[{_KATAKANA}{_LONG}]+|[{_SYLLABLES}]+"
    return re.compile(f"{kinds}|[^{_HAN}{_HIRAGANA}{_KATAKANA}{_SYLLABLES}]+")


@cache
def _cluster() -> re.Pattern[str]:
    return re.compile(f"[^{_marks()}][{_marks()}]*", re.DOTALL)
