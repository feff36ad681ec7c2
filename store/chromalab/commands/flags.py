"""`sort_words`: which words of a command belong to which argument of its verb."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from chromalab.arguments.quotes import quote
from chromalab.commands.argument import Argument, collections
from chromalab.commands.line import Word
from chromalab.commands.verb import Verb
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.results.tables import one_line

__all__ = ["sort_words"]

_ALIKE = (
    frozenset({"k", "n", "limit", "n-results", "top", "top-k", "topk", "count", "num", "size"}),
    frozenset({"where", "filter", "condition"}),
    frozenset({"contains", "where-document", "document", "documents"}),
    frozenset({"text", "document", "documents", "text-column"}),
    frozenset({"id", "ids", "id-column"}),
    frozenset({"meta", "metadata", "metadatas"}),
    frozenset({"order-by", "sort", "sort-by", "order"}),
    frozenset({"color", "color-by", "hue"}),
    frozenset({"metric", "space", "distance"}),
    frozenset({"model", "embedding-function", "embedder"}),
)
"""Names of flags that people take for each other."""
_SHORT_WITH_NUMBER = re.compile(r"(-[a-z])([0-9]+)")
_PYTHON = re.compile(r"([a-z_]+)=.*", re.DOTALL)


def sort_words(verb: Verb, words: Sequence[Word]) -> dict[str, list[Word]]:
    """Return the words of each argument that was given, by its key.

    A word that could be meant in two ways belongs to nothing, and is an error.

    Raises:
        InvalidArgumentError: There is no such flag, it is given twice or without a value, or a word is
            more than the verb takes.
    """
    return _Sorter(verb, list(words)).sort()


class _Sorter:
    def __init__(self, verb: Verb, words: list[Word]) -> None:
        self._verb = verb
        self._words = words
        self._flags = {
            name: a for a in verb.arguments if a.is_flag for name in (a.name, a.short) if name
        }
        self._places = [argument for argument in verb.arguments if not argument.is_flag]
        self._given: dict[str, list[Word]] = {}
        self._before: tuple[Argument, Word] | None = None
        """The option whose value was read last, if another word could be the rest of it."""

    def sort(self) -> dict[str, list[Word]]:
        while self._words:
            word = self._words.pop(0)
            if word.is_flag:
                self._read_option(word)
            else:
                self._place(word)
        return self._given

    # Options.

    def _read_option(self, word: Word) -> None:
        name = word.flag or word.text
        glued = _SHORT_WITH_NUMBER.fullmatch(name)
        if glued and glued[1] in self._flags and not word.flag:  # -k5
            name, word = glued[1], Word(glued[2], glued[2], flag=glued[1])
        argument = self._flags.get(name)
        if argument is None:
            raise self._unknown(name)
        if argument.key in self._given:
            raise InvalidArgumentError(f"{name} was given twice. Leave one of them out.")
        self._before = None
        if argument.kind == "switch":
            if word.flag:
                raise InvalidArgumentError(
                    f"{name} takes no value; got {one_line(word.typed)}. Type {name} alone."
                )
            self._given[argument.key] = [word]
            return
        value = self._value_of(name, word)
        values = [value]
        if argument.kind == "words":
            while values[-1].source.endswith(",") or self._next_starts_with_comma():
                values.append(self._item_of(name))
        self._given[argument.key] = values
        closed = argument.kind in ("int", "float", "object") or (
            argument.choices and argument.kind != "words"
        )
        if not closed and values[-1].is_bare and not values[-1].text.startswith(":"):
            self._before = argument, values[-1]

    def _value_of(self, name: str, word: Word) -> Word:
        if word.flag:
            if not word.source:
                raise InvalidArgumentError(
                    f'{name}= needs a value right after the sign. For an empty text, type {name} ""'
                )
            return replace(word, flag="")
        if not self._words:
            raise InvalidArgumentError(f"{name} needs a value. See %chroma help {self._verb.name}")
        value = self._words.pop(0)
        if value.is_flag and (value.flag or value.text in self._flags or value.text[:2] == "--"):
            raise InvalidArgumentError(
                f"{name} needs a value; got {one_line(value.typed)}. "
                f'Put a value that starts with a dash in quotes: {name} "{one_line(value.typed)}"'
            )
        return value

    def _next_starts_with_comma(self) -> bool:
        return bool(self._words) and self._words[0].source.startswith(",")

    def _item_of(self, name: str) -> Word:
        if not self._words or self._words[0].is_flag:
            raise InvalidArgumentError(
                f"{name} ends with a comma. Leave the comma out, or type another item after it."
            )
        return self._words.pop(0)

    # Arguments without a flag.

    def _place(self, word: Word) -> None:
        self._refuse_python(word)
        place = next((a for a in self._places if a.key not in self._given), None)
        if place is None and self._places and self._takes_rest(self._places[-1]):
            place = self._places[-1]
        is_bare = word.is_bare and not word.text.startswith(":")
        is_path = place is not None and place.kind == "path" and bool({*"/\\"} & {*word.text})
        is_clear = is_path or (place is not None and place.required)
        if self._before is not None and is_bare and not is_clear:
            raise self._ambiguous(*self._before, word)
        self._before = None
        if place is None:
            raise self._surplus(word)
        self._given.setdefault(place.key, []).append(word)

    @staticmethod
    def _takes_rest(place: Argument) -> bool:
        return place.many or place.kind == "texts"

    def _refuse_python(self, word: Word) -> None:
        found = _PYTHON.fullmatch(word.source)
        flag = f"--{found[1].replace('_', '-')}" if found else ""
        if found and flag in self._flags:
            value = word.source[len(found[1]) + 1 :]
            raise InvalidArgumentError(
                f"{self._verb.name} takes options as flags; got {one_line(word.source)}. "
                f"Type {flag} {one_line(value)}"
            )

    # Errors.

    def _unknown(self, name: str) -> InvalidArgumentError:
        typed = name.lstrip("-").replace("_", "-")
        alike = [names for names in _ALIKE if typed in names]
        shown = [a.shown for a in self._verb.arguments if a.is_flag]
        for argument in self._flags.values():
            if any(argument.name[2:] in names for names in alike):
                flags = near("", shown, what="Flags", limit=20)
                guess = f"Did you mean {argument.shown!r}? {flags}"
                break
        else:
            guess = near(name, shown, what="Flags", limit=20)
        return InvalidArgumentError(f"{self._verb.name} does not take {name!r}. {guess}")

    def _ambiguous(self, argument: Argument, value: Word, word: Word) -> InvalidArgumentError:
        if argument.kind == "words":
            return InvalidArgumentError(
                f"{one_line(word.source)} after {argument.name} {one_line(value.source)} can be meant "
                f"in two ways. Separate a list by commas: {argument.name} "
                f"{one_line(value.source)},{one_line(word.source)}. "
                "Put anything else in quotes, or before the flags."
            )
        rest = [value, word]
        while self._words and self._words[0].is_bare and not self._words[0].is_flag:
            rest.append(self._words.pop(0))
        whole = one_line(quote(" ".join(word.text for word in rest)))
        return InvalidArgumentError(
            f"{one_line(word.source)} after {argument.name} {one_line(value.source)} can be meant in "
            f"two ways. Put a value that contains spaces in quotes: {argument.name} {whole}. "
            "Put anything else in quotes, or before the flags."
        )

    def _surplus(self, word: Word) -> InvalidArgumentError:
        typed = short(word.text)
        last = self._places[-1] if self._places else None
        if last is None or last.offers is collections or not word.is_bare:
            flags = [a.shown for a in self._verb.arguments if a.is_flag]
            hint = near(word.text, flags, what="Flags") if flags else f"Use: {self._verb.usage}"
            return InvalidArgumentError(f"{self._verb.name} does not take {typed}. {hint}")
        first = one_line(self._given[last.key][-1].text)
        return InvalidArgumentError(
            f"{self._verb.name} takes one {last.key}; got {first!r} and {typed}. "
            f'Put a value that contains spaces in quotes: "{first} {one_line(word.text)}"'
        )
