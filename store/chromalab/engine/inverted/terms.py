"""The terms of a text: what keyword search compares, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from chromalab.scripts import (
    EMOJI,
    HAN,
    HANGUL,
    HIRAGANA,
    KATAKANA,
    LONG_VOWEL,
    SYLLABLES,
    clusters,
    marks,
    nfkc,
)
from chromalab.stemmer import english_stem, stemmer_version

__all__ = ["RULES", "query_terms", "rules", "term_numbers", "word_spans"]

RULES = 1
"""Raised when texts are split into other terms than before, as an index of other terms is rebuilt."""

_ASCII = re.compile(r"[a-z0-9]+")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
_PAIRED = f"{HAN}{HIRAGANA}{KATAKANA}{LONG_VOWEL}{SYLLABLES}{HANGUL}"
_PAIRED_LETTER = re.compile(f"[{_PAIRED}]")
_INVISIBLE = dict.fromkeys(map(ord, "\xad\u200c\u200d"))  # soft hyphen, joiners within words
_CACHED = 500_000  # words whose numbers are cached


def rules() -> str:
    """Name how texts are split; an index made by others is rebuilt."""
    return f"{RULES}, {stemmer_version()}"


def query_terms(query: str) -> dict[str, tuple[int, int]]:
    """Split a query into its distinct terms.

    Returns:
        By the first word of the query that has the term: its number, and how often it occurs.

    Example:
        >>> [(word, times) for word, (_, times) in query_terms("Wings, a wing").items()]
        [('wings', 2), ('a', 1)]
    """
    found: dict[int, tuple[str, int]] = {}
    for word in _words(query, pairs_only=True):
        number = _numbers[word]
        first, times = found.get(number, (word, 0))
        found[number] = first, times + 1
    return {word: (number, times) for number, (word, times) in found.items()}


def term_numbers(texts: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split texts into terms.

    Args:
        texts: n texts.

    Returns:
        (n,) the number of terms of each text, and the number of each term, text by text. A number is a
        hash of 64 bits, so that no list of all terms is needed: two of a million terms have the same one
        with a probability of 3 in 100 million.
    """
    if len(_numbers) > _CACHED:
        _numbers.clear()
    lengths: list[int] = []
    numbers: list[int] = []
    for text in texts:
        words = _words(text)
        lengths.append(len(words))
        numbers += map(_numbers.__getitem__, words)
    return np.array(lengths, dtype=np.int64), np.array(numbers, dtype=np.int64)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Find where the words of a text are; in scripts without spaces, each character is one.

    Example:
        >>> [("Tea: 茶道"[start:end]) for start, end in word_spans("Tea: 茶道")]
        ['Tea', '茶', '道']
    """
    if text.isascii():
        return [match.span() for match in _ASCII_WORD.finditer(text)]
    found: list[tuple[int, int]] = []
    for word in _word().finditer(text):
        for run in _run().finditer(word.group()):
            at = word.start() + run.start()
            is_paired = _PAIRED_LETTER.match(run.group()) is not None
            for part in clusters(run.group()) if is_paired else [run.group()]:
                found.append((at, at + len(part)))
                at += len(part)
    return found


def _words(text: str, *, pairs_only: bool = False) -> list[str]:
    """Split a text into words: runs of letters and digits, in lower case.

    Scripts without spaces, and Korean, whose particles are attached to words, are split into single
    characters and overlapping pairs of characters, as by Lucene's CJKBigramFilter.

    Args:
        text: The text.
        pairs_only: Whether a single character counts only where it is alone, as in a query.

    Example:
        >>> _words("The Straße's 学習")
        ['the', 'strasse', 's', '学', '習', '学習']
    """
    if text.isascii():
        return _ASCII.findall(text.lower())
    text = nfkc(nfkc(text).casefold()).translate(_INVISIBLE)
    words: list[str] = _word().findall(text)
    if _PAIRED_LETTER.search(text) is None:
        return words
    return [part for word in words for part in _parts(word, pairs_only)]


def _parts(word: str, pairs_only: bool) -> list[str]:
    found: list[str] = []
    for run in _run().findall(word):
        if _PAIRED_LETTER.match(run) is None:
            found.append(run)
            continue
        characters = clusters(run)
        pairs = ["".join(characters[at : at + 2]) for at in range(len(characters) - 1)]
        found += pairs if pairs and pairs_only else characters + pairs
    return found


class _Numbers(dict[str, int]):
    """The number of each word's term."""

    def __missing__(self, word: str) -> int:
        term = english_stem(word) if word.isascii() else word
        digest = blake2b(term.encode(errors="surrogatepass"), digest_size=8).digest()
        number = self[word] = int.from_bytes(digest, "little", signed=True)
        return number


_numbers = _Numbers()


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"[^\W_]+(?:[{marks()}]+[^\W_]*)*|{EMOJI}")


@cache
def _run() -> re.Pattern[str]:
    return re.compile(f"[{_PAIRED}][{_PAIRED}{marks()}]*|[^{_PAIRED}]+")
