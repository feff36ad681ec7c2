"""What differs between the words of two texts: a typo, more words, other words, or the value of a pattern."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.topics.tokens import tokens

__all__ = [
    "ADDED",
    "COMMON",
    "LONG",
    "OTHER",
    "SAME",
    "VALUE",
    "Wording",
    "compare",
    "edit_distance",
    "words_of",
]

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]
Exchange = frozenset[tuple[str, ...]]
Words = tuple[list[str], list[str]]  # that only the one, and only the other text has

SAME, ADDED, OTHER, VALUE = 0, 1, 2, 3
"""What differs between two texts: only the form of words, words of one text, words of both, or a value."""

LONG, COMMON = 4, 8
"""Added to these: both texts are so long that one word weighs less; only common words differ in a pattern."""

# English words that may be in one of two texts with one meaning. Prepositions, question words, auxiliaries
# and pronouns are not among them: "to" and "from", "where" and "when", "my" and "your" change a short
# text. Words of other languages count as content.
_FUNCTION_WORDS = frozenset(
    [
        *("a", "an", "the", "and", "of", "that", "is", "are", "was", "were", "be"),
        *("so", "just", "please", "really", "actually", "very", "quite", "also", "then"),
        *("s", "t", "d", "m", "ll", "re", "ve"),
    ]
)

# English negations and numerals: one of them in one text only tells the texts apart.
_SETTLING = frozenset(
    [
        *("no", "not", "never", "none", "nothing", "without", "cannot", "neither", "nor"),
        *("dont", "doesnt", "didnt", "cant", "wont", "isnt", "arent"),
        *("don", "doesn", "didn", "won", "isn", "aren", "wasn", "weren"),
        *("couldn", "wouldn", "shouldn", "haven", "hasn", "hadn"),
        *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
        *("eleven", "twelve", "twenty", "thirty", "forty", "fifty"),
        *("hundred", "thousand", "million"),
        *("first", "second", "third", "fourth", "fifth", "half", "double", "twice"),
    ]
)

_LONGEST_PATTERN = 40  # words; a longer text is not one of a pattern
_LONG_TEXT = 12  # words
_LONG_WORD = 7  # letters of a word that may have two typos
_MOST_TYPOS = 2
_SHORTEST_TYPO = 4  # letters
_MOST_COMPARED = 8  # words compared for misspellings
_KNOWN = 10  # texts with a short word that is misspelled in another one
_SIMILAR, _NEAR = 0.5, 0.95  # Jaccard and cosine
_FEWEST_VALUES = 3  # in one place of a pattern, or exchanges of one word for another
_MOST_EXCHANGED = 6  # words of an exchange; two Chinese characters are three words on each side
_FREQUENT = 5  # texts with a common word
_VARIED = 0.33  # share of the texts with a word that have a variant with another one, for a value
_THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_DIGIT = re.compile(r"\d")


def words_of(text: str) -> list[str]:
    """Split a normalized text into words; a number with separated thousands is one word.

    Example:
        >>> words_of("about 10 000 c# books")
        ['about', '10000', 'c#', 'books']
    """
    found = _THOUSANDS.sub("", text).split()
    if text.isascii():
        return found
    return [
        part for word in found for part in ([word] if word.isascii() else tokens(word) or [word])
    ]


class Wording:
    """The words of a collection's texts, compared pair by pair.

    Args:
        texts: (n,) normalized texts.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        words = [words_of(text) for text in texts]
        self._numbers = [tuple(filter(_DIGIT.search, row)) for row in words]
        self._words = [_marked(row) for row in words]
        self._sets = [frozenset(row) for row in self._words]
        self.texts_with = Counter(word for words in self._sets for word in words)
        self._typos: dict[tuple[str, str, bool], bool] = {}

    @property
    def lengths(self) -> Rows:
        """(n,) int64, the number of words of each text."""
        return np.fromiter(map(len, self._words), np.int64, count=len(self._words))

    def difference(
        self, one: int, other: int, *, strict: bool = False, typos: bool = True
    ) -> tuple[int, Words]:
        """Return what differs between two texts, and the words that only one of them has.

        Misspelled words are not among these.

        Args:
            one: The row of a text.
            other: The row of another text.
            strict: Count only the smallest misspellings, as both texts follow a pattern.
            typos: Whether to look for misspellings, which takes most of the time.

        Returns:
            SAME, ADDED, OTHER or VALUE, and the words of the first and of the second text.
        """
        left, right = self._unmatched(one, other)
        if left and "".join(left) == "".join(right):
            return SAME, ([], [])
        if not typos:
            kind = VALUE if self._numbers[one] != self._numbers[other] else bool(left) + bool(right)
            return kind, (left, right)
        few = max(len(left), len(right)) <= _MOST_COMPARED
        left, right = self._unlike(left, right, strict=strict)
        if self._numbers[one] != self._numbers[other] or (few and _has_value(left, right)):
            return VALUE, (left, right)
        with_content = [not _FUNCTION_WORDS.issuperset(side) for side in (left, right)]
        return (SAME, ADDED, OTHER)[sum(with_content)], (left, right)

    def moved(self, one: int, other: int) -> list[str]:
        """Return the words of both texts that are in another place, unless just two neighbors are."""
        left = [word for word in self._words[one] if word in self._sets[other]]
        right = [word for word in self._words[other] if word in self._sets[one]]
        places = [at for at, word in enumerate(left) if word != right[at]]
        is_swap = len(places) == 2 and places[1] == places[0] + 1
        return [] if is_swap else [left[at].rstrip() for at in places]

    def _unmatched(self, one: int, other: int) -> Words:
        words, others = self._sets[one], self._sets[other]
        return (
            [word.rstrip() for word in self._words[one] if word not in others],
            [word.rstrip() for word in self._words[other] if word not in words],
        )

    def _unlike(self, left: list[str], right: list[str], *, strict: bool) -> Words:
        """Leave out the words that are misspellings of one another, also across a missing space."""
        rest: list[str] = []
        unmatched = list(right)
        for word in left:
            alike = (
                w
                for w in unmatched
                if abs(len(w) - len(word)) <= _MOST_TYPOS and self._typo(word, w, strict)
            )
            found = next(alike, None)
            if found is None:
                rest.append(word)
            else:
                unmatched.remove(found)
        if rest and unmatched and 2 < len(rest) + len(unmatched) <= _MOST_COMPARED:
            rest, unmatched = self._unsplit(rest, unmatched)
            unmatched, rest = self._unsplit(unmatched, rest)
        return rest, unmatched

    def _unsplit(self, words: list[str], parts: list[str]) -> Words:
        """Leave out a word and the two adjacent words that it was split into."""
        rest = []
        for word in words:
            for at in range(len(parts) - 1):
                apart = len(word) - len(parts[at]) - len(parts[at + 1])
                if abs(apart) < 2 and self._typo(word, parts[at] + parts[at + 1], True):
                    parts = parts[:at] + parts[at + 2 :]
                    break
            else:
                rest.append(word)
        return rest, parts

    def _typo(self, one: str, other: str, strict: bool) -> bool:
        key = (one, other, strict)
        found = self._typos.get(key)
        if found is None:
            found = self._typos[key] = self._is_typo(one, other, strict=strict)
        return found

    def _is_typo(self, one: str, other: str, *, strict: bool) -> bool:
        """Return whether one word may be a misspelling, or another form, of the other.

        Words that both occur in several texts are two words of the language, and not a misspelling.
        """
        if _DIGIT.search(one) or _DIGIT.search(other):
            return False
        short, long = (one, other) if len(one) <= len(other) else (other, one)
        if one == other:
            return True
        rare, common = sorted((self.texts_with[one], self.texts_with[other]))
        if len(long) < _SHORTEST_TYPO:
            if strict or len(long) < 2:
                return False
            unknown = rare <= 1 and common >= _KNOWN  # "te", "yf"
            return (unknown and edit_distance(short, long, 1) == 1) or sorted(short) == sorted(long)
        if len(short) >= _SHORTEST_TYPO - 1 and long.startswith(short):
            return len(long) - len(short) <= (1 if strict else 2)
        if rare >= _FEWEST_VALUES:
            return False
        most = 1 if strict or len(long) < _LONG_WORD else 2
        if len(long) - len(short) > most or len(set(long) - set(short)) > most:
            return False
        return edit_distance(short, long, most) <= most


def _marked(words: list[str]) -> list[str]:
    """Add spaces to the repetitions of a word, so that a set counts each of them."""
    if len(set(words)) == len(words):
        return words
    seen: Counter[str] = Counter()
    marked = []
    for word in words:
        marked.append(word + " " * seen[word])
        seen[word] += 1
    return marked


def _has_value(left: list[str], right: list[str]) -> bool:
    """Return whether the words that differ tell two texts apart without a look at other texts."""
    if not _SETTLING.isdisjoint([*left, *right]):
        return True
    return all(1 in map(len, side) for side in (left, right))  # sizes, models, grades


class _Patterns:
    """Which texts follow a pattern, and which of their words are values, as the similar pairs show.

    Args:
        texts_with: The number of texts with each word.
    """

    def __init__(self, texts_with: Counter[str]) -> None:
        self._texts_with = texts_with
        self._partners: Counter[int] = Counter()
        self._exchanges: Counter[Exchange] = Counter()
        self._replaced: set[str] = set()
        self._varied: dict[str, set[int]] = defaultdict(set)

    def add(self, pair: tuple[int, int], kind: int, words: Words) -> None:
        """Count a pair of similar texts that differ in some words."""
        self._partners.update(pair)
        if sum(map(len, words)) > _MOST_EXCHANGED:
            return
        for row, side in zip(pair, words, strict=True):
            for word in side:
                self._varied[word].add(row)
        if kind == OTHER:
            self._exchanges[_exchange(words)] += 1
            if len(words[0]) == len(words[1]) == 1:
                self._replaced.update(*words)

    def has(self, pair: tuple[int, int], words: Words) -> bool:
        """Return whether a pair follows a pattern, so that its words may be values."""
        partners = max(self._partners[row] for row in pair)
        return max(partners, self._exchanges[_exchange(words)]) >= _FEWEST_VALUES

    def are_common(self, words: list[str]) -> bool:
        """Return whether all of these words are frequent, and seldom replaced by another one."""
        return all(
            self._texts_with[word] >= _FREQUENT
            and len(self._varied[word]) < _VARIED * self._texts_with[word]
            for word in words
        )

    def replaces(self, words: list[str]) -> bool:
        """Return whether one of these words replaces a single other word in a pair."""
        return not self._replaced.isdisjoint(words)


def _exchange(words: Words) -> Exchange:
    return frozenset(map(tuple, words))


def compare(
    texts: Sequence[str], left: Rows, right: Rows, cosine: Scores, jaccard: Scores
) -> NDArray[np.uint8]:
    """Return what differs between the texts of each pair: SAME, ADDED, OTHER or VALUE; LONG and COMMON.

    A number, a code, a negation, and a single letter are values. So are other words if the texts follow
    a pattern: if one of them has three partners that differ from it in some words, or if the same two
    words are exchanged in three pairs. Words in another order count as other words there.

    The texts themselves show which words are values. Most texts with a name or a color have a variant
    with another one, and few texts with a function word have: at least 90% and at most 30% in patterns
    and in questions. This needs no list of words for any language.

    Args:
        texts: (n,) normalized texts.
        left: (p,) int64, rows of `texts`.
        right: (p,) int64.
        cosine: (p,) float32, NaN where it is unknown.
        jaccard: (p,) float32. A Jaccard of .5 may show a pattern.

    Returns:
        (p,) uint8.

    Example:
        >>> texts = ["room 12 is free", "room 13 is free", "room 12 is fere", "the room 12 is free"]
        >>> scores = np.ones(3, np.float32)
        >>> compare(texts, np.zeros(3, int), np.array([1, 2, 3]), scores, scores).tolist()
        [3, 0, 0]
    """
    wording = Wording(texts)
    pairs = list(zip(left.tolist(), right.tolist(), strict=True))
    similar = jaccard >= _SIMILAR
    worth = similar | (cosine >= _NEAR)  # the others hardly become duplicates at any threshold
    found = np.zeros(len(pairs), np.uint8)
    differing: dict[int, Words] = {}
    for at, (pair, near) in enumerate(zip(pairs, worth.tolist(), strict=True)):
        found[at], words = wording.difference(*pair, typos=near)
        if near:
            differing[at] = words
    patterns = _Patterns(wording.texts_with)
    for at in np.flatnonzero(similar & (found != SAME)).tolist():
        patterns.add(pairs[at], int(found[at]), differing[at])

    lengths = np.minimum(wording.lengths[left], wording.lengths[right])
    may_follow = worth & (found != VALUE) & (lengths <= _LONGEST_PATTERN)
    for at in np.flatnonzero(may_follow).tolist():
        pair, kind, words = pairs[at], int(found[at]), differing[at]
        if not patterns.has(pair, words):
            continue
        if kind == SAME:
            kind, words = wording.difference(*pair, strict=True)
            if kind == SAME:
                words = wording.moved(*pair), []
        both = [*words[0], *words[1]]
        is_filler = kind == ADDED and not patterns.replaces(both)
        if kind == VALUE or not (is_filler or patterns.are_common(both)):
            found[at] = VALUE
        elif both:
            found[at] = kind | COMMON
    found[lengths >= _LONG_TEXT] |= LONG
    return found


def edit_distance(one: str, other: str, most: int) -> int:
    """Return the number of letters inserted, deleted, replaced or exchanged with the next one.

    The optimal string alignment distance (Damerau 1964, doi:10.1145/363958.363994); `most` + 1 if it is
    larger than `most`.

    Example:
        >>> edit_distance("green", "geren", 2), edit_distance("tea", "coffee", 2)
        (1, 3)
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, against in enumerate(other, 1):
            cost = min(row[j - 1], last[j]) + 1
            cost = min(cost, last[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return last[-1]
