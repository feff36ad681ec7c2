"""The words of a text in any language, found without word lists."""

from __future__ import annotations

import re
from functools import cache

from chromalab.scripts import (
    EMOJI,
    HAN,
    HIRAGANA,
    KATAKANA,
    LONG_VOWEL,
    SYLLABLES,
    clusters,
    marks,
    nfkc,
)

__all__ = ["alike", "is_weak", "joined", "tokens"]

_ASCII = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")

_UNSPACED = re.compile(f"[{HAN}{HIRAGANA}{KATAKANA}{SYLLABLES}]")

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
        over = cut and _width(last) == cut and clusters(last)[1:] == clusters(word)[:-1]
        text += "".join(clusters(word)[-1:]) if over else f" {word}"
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
    pieces = clusters(word)
    return {"".join(pieces[at : at + length]) for at in range(max(1, len(pieces) - length + 1))}


def _parts(word: str) -> list[str]:
    if _UNSPACED.search(word) is None:
        return [word]
    found: list[str] = []
    for match in _run().finditer(word):
        run, wide = match.group(), _width(match.group())
        pieces = clusters(run) if wide else []
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


@cache
def _pieces() -> tuple[tuple[re.Pattern[str], int], ...]:
    return (re.compile(f"[{HAN}]"), 2), (re.compile(f"[{SYLLABLES}]"), 3)


@cache
def _word() -> re.Pattern[str]:
    within = "['\u200c\u200d]"  # apostrophe, and the joiners and non-joiners of Persian and Indic scripts
    return re.compile(rf"[^\W_]+(?:[{marks()}]+[^\W_]*|{within}[^\W_]+)*|{EMOJI}")


@cache
def _run() -> re.Pattern[str]:
    kinds = f"[{HAN}]+|[{HIRAGANA}{LONG_VOWEL}]+|[{KATAKANA}{LONG_VOWEL}]+|[{SYLLABLES}]+"
    return re.compile(f"{kinds}|[^{HAN}{HIRAGANA}{KATAKANA}{SYLLABLES}]+")
