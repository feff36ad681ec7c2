"""Splits a speech into passages of whole sentences.

This code was written for one text and knows the abbreviations in it; it is not a general chunker.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["passages"]

_FEWEST_WORDS = 60
_MOST_WORDS = 100

_CLOSING = "\u201d\u2019\"')"  # the curly closing quotes and the plain ones
_ABBREVIATIONS = {"Dr.", "Mr.", "Mrs.", "Ms.", "MR.", "U.S.", "v."}


def passages(text: str) -> Iterator[str]:
    """Split a text into passages of about 60-100 words that end at the end of a sentence.

    A passage ends with the first paragraph that brings it to 60 words, or earlier if the next
    sentence would take it past 100. A single sentence of more than 100 words stays whole. The last
    passage contains the rest, however short.

    Args:
        text: One paragraph per line.

    Yields:
        The passages, with single spaces between words; joined, they contain all words of the text.

    Example:
        >>> from chromalab.datasets.passages import passages
        >>> [len(part.split()) for part in passages("One two three four five. " * 50)]
        [100, 100, 50]
    """
    passage: list[str] = []
    for sentence, ends_paragraph in _sentences(text):
        if passage and len(passage) + len(sentence) > _MOST_WORDS:
            yield " ".join(passage)
            passage = []
        passage += sentence
        if ends_paragraph and len(passage) >= _FEWEST_WORDS:
            yield " ".join(passage)
            passage = []
    if passage:
        yield " ".join(passage)


def _sentences(text: str) -> Iterator[tuple[list[str], bool]]:
    """Yield each sentence as a list of words, and whether a paragraph ends with it.

    A paragraph that breaks off ("Thirty percent, they went up —") continues in the next one.
    """
    sentence: list[str] = []
    for paragraph in text.splitlines():
        words = paragraph.split()
        for at, word in enumerate(words, start=1):
            sentence.append(word)
            if _ends_sentence(word):
                yield sentence, at == len(words)
                sentence = []
    if sentence:
        yield sentence, True


def _ends_sentence(word: str) -> bool:
    bare = word.rstrip(_CLOSING)
    return bare.endswith((".", "!", "?")) and bare not in _ABBREVIATIONS
